"""Trains the network that sees what stands before a face (`realtime/face_compositing/occlusion/in_front.onnx`).

    python -m tools.train_in_front FILM.mp4 demo PHOTO.jpg FOLDER -o realtime/face_compositing/occlusion/in_front.onnx

Films of one person each, and photos (or folders of them; those without one clear face are left out). What is to be
found is drawn before the faces (`tools/in_front`). `--held-out NAME` keeps films and photos out of training and
measures on them. Two cores need about half an hour.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from realtime.cameras import CameraRequest, open_camera
from realtime.core.errors import PortraitError, RealtimeError
from realtime.face_compositing.occlusion.network import CHANNELS
from realtime.face_compositing.occlusion.uv_view import SIDE, plane
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh, MeshModel
from realtime.imaging.frame import Pixels
from realtime.picture_files.painting import read_picture
from realtime.system.console import progress_line, silence_native_libraries
from tools.in_front.samples import TOLD_STEPS, Film, Sample, cut_film, samples_of, still_film
from tools.networks.in_front import InFront
from tools.training.mask_model import write_mask_model

_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_LEAST_FACE_PX = 60
_FRAMES, _PART_FRAMES = 300, 34
"""Read of a film at most; played of it for one part."""
_PLACE = 11
"""The first of the channels that are the same in all samples."""
_SURE = 0.5


class Pool(NamedTuple):
    """Samples, stacked."""

    told: NDArray[np.int8]
    in_front: NDArray[np.uint8]
    counts: NDArray[np.uint8]

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Pool:
        return cls(*(np.stack(arrays) for arrays in zip(*samples, strict=True)))

    def batch(self, numbers: NDArray[np.intp]) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the network is told (N, CHANNELS, SIDE, SIDE), what it shall say, how much each point counts."""
        inputs = torch.from_numpy(self.told[numbers]).float() / TOLD_STEPS
        inputs[:, _PLACE:] = torch.from_numpy(np.moveaxis(plane()[..., 1:], 2, 0).copy())
        targets, weights = (
            torch.from_numpy(array[numbers]).float()[:, None] / 255 for array in (self.in_front, self.counts)
        )
        return inputs, targets, weights


# ---------------------------------------------------------------------------------------------------------- material


def read_films(sources: Sequence[str], meter: FaceMeasurer, random: np.random.Generator) -> Iterator[Film]:
    """Yield a film of each source that shows a face."""
    for source in sources:
        path = Path(source)
        if path.is_dir():
            yield from read_films([str(each) for each in sorted(path.iterdir())], meter, random)
        elif path.suffix.lower() in _PICTURES:
            yield from _photo(path, meter, random)
        else:
            yield from _film(source, meter)


def _photo(path: Path, meter: FaceMeasurer, random: np.random.Generator) -> Iterator[Film]:
    try:
        picture, _ = read_picture(path)
        faces = find_faces(picture, meter)
    except RealtimeError as error:
        print(f"train_in_front: left out: {path.name}: {error}", file=sys.stderr)
        return
    if len(faces) == 1:
        mesh = meter.meshes.measure(picture, faces[0])
        if mesh.score > 0.8 and mesh.width_px >= _LEAST_FACE_PX and abs(mesh.yaw_degrees) < 40:
            yield still_film(path.name, picture, mesh, 60, random)


def _film(source: str, meter: FaceMeasurer) -> Iterator[Film]:
    camera = open_camera(source, CameraRequest())
    pictures: list[Pixels] = []
    meshes: list[FaceMesh] = []
    try:
        mesh = None
        while len(pictures) < _FRAMES and (frame := camera.read()) is not None:
            if mesh is None:
                try:
                    mesh = meter.meshes.measure(frame.pixels, find_faces(frame.pixels, meter)[0])
                except PortraitError:
                    continue  # nobody is there yet
            mesh = meter.meshes.again(frame.pixels, mesh)
            if mesh.score < 0.5:
                mesh = None
                continue
            pictures.append(frame.pixels.copy())
            meshes.append(mesh)
    finally:
        camera.close()
    if pictures:
        yield cut_film(Path(source).name, pictures, meshes)


def make_pool(films: Sequence[Film], parts: int, model: MeshModel, random: np.random.Generator, what: str) -> Pool:
    """Play parts of the films, each as often as the others (a photo, which does not speak, a third as often)."""
    often = np.array([1.0 if film.name.lower().endswith(_PICTURES) else 3.0 for film in films])
    samples: list[Sample] = []
    with progress_line() as progress:
        for part in range(parts):
            film = films[int(random.choice(len(films), p=often / often.sum()))]
            samples += samples_of(film, model, random, _PART_FRAMES)
            progress(what, (part + 1) / parts)
    return Pool.of(samples)


# ---------------------------------------------------------------------------------------------------------- learning


def learn(
    network: InFront, pool: Pool, steps: int, batch: int, rate: float, seed: int, *, bf16: bool = False
) -> Iterator[tuple[int, float]]:
    """Train, and yield the step and the mean loss now and then. `bf16`: in half precision."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    random = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    losses = []
    network.train()
    for step in range(steps):
        inputs, targets, weights = pool.batch(random.integers(0, len(pool.told), batch))
        if random.random() < 0.5:
            inputs, targets, weights = inputs.flip(3), targets.flip(3), weights.flip(3)
            inputs[:, _PLACE] *= -1
        inputs = (inputs + 0.03 * torch.randn_like(inputs)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = network(inputs)
        loss = _loss(logits.float(), targets, weights)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 250 == 0 or step + 1 == steps:
            yield step + 1, float(np.mean(losses[-250:]))


def _loss(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy of what is seen, and the Dice coefficient of each whole face, which small things count in, too."""
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, weight=weights)
    predicted = torch.sigmoid(logits) * weights
    both, either = (predicted * targets).sum((1, 2, 3)), (predicted + targets * weights).sum((1, 2, 3))
    return entropy + 0.15 * (1 - (2 * both + 40) / (either + 40)).mean()


class Judged(NamedTuple):
    """How well a network does."""

    found: float
    """Share of what is in front."""
    beside: float
    """Share of the rest of such a face that is taken for it."""
    alone: float
    """Share of the faces with nothing before them of which more than 1 % is taken for something."""

    def __str__(self) -> str:
        return f"{self.found:.3f} found, {self.beside:.4f} beside it, {self.alone:.3f} of faces alone with holes"


@torch.no_grad()
def judge(network: InFront, pool: Pool) -> Judged:
    network.eval()
    found, beside, holes = [], [], []
    for first in range(0, len(pool.told), 256):
        inputs, targets, weights = pool.batch(np.arange(first, min(first + 256, len(pool.told))))
        predicted = (torch.sigmoid(network(inputs)) > _SURE).float() * (weights > 0.3)
        is_thing = (targets > 0.5).float() * (weights > 0.3)
        clear = (targets < 0.05).float() * (weights > 0.3)
        sizes, areas = is_thing.sum((1, 2, 3)), weights.sum((1, 2, 3))
        some = sizes > 0.03 * areas
        found += ((predicted * is_thing).sum((1, 2, 3)) / sizes.clamp(min=1))[some].tolist()
        beside += ((predicted * clear).sum((1, 2, 3)) / clear.sum((1, 2, 3)).clamp(min=1))[some].tolist()
        none = targets.amax((1, 2, 3)) == 0
        holes += (predicted.sum((1, 2, 3)) > 0.01 * areas)[none].float().tolist()
    return Judged(float(np.mean(found)), float(np.mean(beside)), float(np.mean(holes)))


def write(network: InFront, path: Path) -> None:
    """Write the network and its sigmoid as ONNX, whole or not at all."""
    write_mask_model(network, (1, CHANNELS, SIDE, SIDE), "in_front", path)


# ------------------------------------------------------------------------------------------------------ command line


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tools.train_in_front", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sources", nargs="+", help="films of one person each, 'demo', photos, folders of photos")
    parser.add_argument("--held-out", nargs="*", default=[], metavar="NAME", help="not learnt from, but judged on")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.onnx")
    parser.add_argument("--parts", type=int, default=900, help="of films to play, 45 samples each (%(default)s)")
    parser.add_argument("--steps", type=int, default=6000, help="of learning (%(default)s)")
    parser.add_argument("--batch", type=int, default=48, help="samples in a step (%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=3e-3, metavar="RATE")
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: PyTorch chooses")
    parser.add_argument("--bf16", action="store_true", help="half precision: twice as fast on CPUs that have it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pool", type=Path, metavar="FILE.npz", help="keep the samples here, or take them from here")
    arguments = parser.parse_args(words)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
        cv2.setNumThreads(arguments.threads)
    silence_native_libraries()
    learnt, judged = _pools(arguments)
    torch.manual_seed(arguments.seed)
    network = InFront()
    print(f"learning from {len(learnt.told)} samples", file=sys.stderr)
    for step, loss in learn(
        network, learnt, arguments.steps, arguments.batch, arguments.learning_rate, arguments.seed, bf16=arguments.bf16
    ):
        held_out = f"; held out: {judge(network, judged)}" if judged is not None and step % 1000 == 0 else ""
        network.train()
        print(f"step {step}: loss {loss:.4f}{held_out}", file=sys.stderr)
    print(f"learnt from: {judge(network, learnt)}", file=sys.stderr)
    if judged is not None:
        print(f"held out: {judge(network, judged)}", file=sys.stderr)
    write(network, arguments.out)
    return 0


def _pools(arguments: argparse.Namespace) -> tuple[Pool, Pool | None]:
    if arguments.pool is not None and arguments.pool.is_file():
        with np.load(arguments.pool) as archive:
            learnt, judged = (
                Pool(*(archive[f"{which}_{name}"] for name in Pool._fields)) if f"{which}_told" in archive else None
                for which in ("learnt", "judged")
            )
        assert learnt is not None
        return learnt, judged
    random, meter = np.random.default_rng(arguments.seed), FaceMeasurer()
    films = list(read_films(arguments.sources, meter, random))
    out = [film for film in films if film.name in arguments.held_out]
    print(f"{len(films)} films and photos, {len(out)} held out", file=sys.stderr)
    model = MeshModel(step_px=2.0)
    kept_in = [film for film in films if film.name not in arguments.held_out]
    learnt = make_pool(kept_in, arguments.parts, model, random, "films to learn from")
    judged = make_pool(out, max(1, arguments.parts // 10), model, random, "films to judge on") if out else None
    if arguments.pool is not None:
        arrays = {f"learnt_{name}": array for name, array in learnt._asdict().items()}
        if judged is not None:
            arrays |= {f"judged_{name}": array for name, array in judged._asdict().items()}
        np.savez(arguments.pool, **arrays)
    return learnt, judged


if __name__ == "__main__":
    sys.exit(main())
