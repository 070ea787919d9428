"""Trains the network that sees glasses (`realtime/face_compositing/occlusion/glasses.onnx`).

    python -m tools.train_glasses --faces FOLDER [--photos FOLDER...] [--films FILM...] --keep FOLDER -o glasses.onnx

`--faces`: the shared CelebA crops with their table of attributes, of which those without glasses are taken; photos and
films of people without glasses besides. Glasses are drawn before them (`tools/glasses`). Samples and the state of the
training are kept in a folder: run again, it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import RealtimeError
from realtime.core.files import atomic_write
from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.occlusion.glasses import BAND, CHANNELS, band_of, band_places, describe
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Box, Face, Pixels, Size
from realtime.imaging.pixels import ONE_MAP
from realtime.system.console import progress_line, silence_native_libraries
from tools.glasses.drawing import draw_glasses
from tools.networks.glasses import SeesGlasses
from tools.swap_figures.material import read_clip
from tools.training.mask_model import write_mask_model

_CORNERS = np.zeros((504, 2), np.float32)
_WITH, _WITHOUT = 3, 1
"""Samples of each face: with other glasses each time, and as it is."""
_FACE_PX = (110.0, 280.0)
_CELEBA_BOX = Box(46.0, 76.0, 86.0, 86.0)
_CELEBA_KEYPOINTS = ((69.5, 112.5), (108.0, 112.7), (89.0, 133.0), (89.0, 152.0), (50.0, 115.0), (128.0, 115.0))


def pictures_of(arguments: argparse.Namespace, meter: FaceMeasurer) -> Iterator[tuple[Pixels, FaceMesh]]:
    """Yield faces without glasses."""
    if arguments.faces:
        with gzip.open(arguments.faces / "attributes.csv.gz", "rt", encoding="utf-8") as table:
            names = [row["image"] for row in csv.DictReader(table) if row["Eyeglasses"] == "-1"]
        step = max(1, len(names) // arguments.count)
        for name in names[::step]:
            pixels = cv2.imread(str(arguments.faces / "images" / f"{Path(name).stem}.webp"))
            if pixels is not None:
                face = Face(_CELEBA_BOX, np.array(_CELEBA_KEYPOINTS, np.float32), 1.0)
                yield np.asarray(pixels, np.uint8), meter.meshes.measure(np.asarray(pixels, np.uint8), face)
    for folder in arguments.photos:
        for path in sorted(folder.iterdir()):
            picture = cv2.imread(str(path))
            yield from _found(None if picture is None else np.asarray(picture, np.uint8), meter)
    for film in arguments.films:
        for pixels in read_clip(film, 240).pictures[::12]:
            yield from _found(pixels, meter)


def _found(pixels: Pixels | None, meter: FaceMeasurer) -> Iterator[tuple[Pixels, FaceMesh]]:
    if pixels is None:
        return
    try:
        faces = find_faces(pixels, meter)
    except RealtimeError:
        return
    yield pixels, meter.meshes.measure(pixels, faces[0])


def samples_of(
    pixels: Pixels, mesh: FaceMesh, random: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield bands (56, 160, 3), what is glasses of them (56, 160), and what is seen (56, 160)."""
    geometry = FaceGeometry()
    for number in range(_WITH + _WITHOUT):
        picture, placed = _another_size(pixels, mesh, random)
        label = np.zeros(picture.shape[:2], np.uint8)
        if number < _WITH:
            picture, label = draw_glasses(picture, placed, random)
        picture = _filmed(picture, random)
        slipped = FaceMesh(
            (placed.points + random.normal(0, 0.006 * placed.width_px, 3)).astype(np.float32), placed.score
        )
        geometry.update(slipped, Size.of(picture), _CORNERS)
        if geometry.is_empty:
            continue
        band, seen = band_of(picture, geometry)
        places = np.ascontiguousarray(band_places(geometry), np.float32)
        per_point = max(1.0, geometry.place.width / BAND.width)
        smooth = cv2.GaussianBlur(label, (0, 0), 0.45 * per_point)
        where = cv2.remap(smooth, places, ONE_MAP, cv2.INTER_LINEAR)
        yield band, np.asarray(where, np.uint8), np.rint(255 * seen).astype(np.uint8)


def _another_size(pixels: Pixels, mesh: FaceMesh, random: np.random.Generator) -> tuple[Pixels, FaceMesh]:
    wanted = float(np.exp(random.uniform(*np.log(_FACE_PX))))
    scale = wanted / mesh.width_px
    angle = float(random.normal(0, 5))
    x, y = mesh.box.centre
    side = round(1.7 * wanted)
    matrix = cv2.getRotationMatrix2D((x, y), angle, scale)
    matrix[:, 2] += np.array([side / 2 - x, side / 2 - y])
    soft = pixels if scale > 0.8 else cv2.GaussianBlur(pixels, (0, 0), 0.4 / scale)
    cut = cv2.warpAffine(soft, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = mesh.points.copy()
    points[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    points[:, 2] *= scale
    return np.asarray(cut, np.uint8), FaceMesh(points.astype(np.float32), mesh.score)


def _filmed(picture: Pixels, random: np.random.Generator) -> Pixels:
    """Return it in another light, out of focus, with a camera's noise and a codec's blocks."""
    light = picture.astype(np.float32)
    steps = np.linspace(-1, 1, len(picture), dtype=np.float32)
    slope = random.normal(0, 0.2) * steps[None, :] + random.normal(0, 0.15) * steps[:, None]
    light *= np.exp(slope + random.normal(0, 0.25))[..., None] * np.exp(random.normal(0, 0.08, 3)).astype(np.float32)
    if random.random() < 0.5:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), float(random.uniform(0.3, 1.3))), np.float32)
    noise = random.normal(0, 1, (len(picture) // 2, len(picture) // 2, 3)).astype(np.float32)
    light += cv2.resize(noise, picture.shape[1::-1]) * float(random.choice([0, 1, 2, 4, 7]))
    out = np.clip(np.rint(light), 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        _, coded = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 90))])
        out = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return out


def _inputs(bands: NDArray[np.uint8], seen: NDArray[np.uint8]) -> Tensor:
    told = np.zeros((len(bands), CHANNELS, BAND.height, BAND.width), np.float32)
    for band, part, out in zip(bands, seen, told, strict=True):
        describe(band, part.astype(np.float32) / 255, out)
    return torch.from_numpy(told)


def _loss(logits: Tensor, targets: Tensor, seen: Tensor) -> Tensor:
    entropy = functional.binary_cross_entropy_with_logits(logits, targets, weight=seen * (1 + 2 * targets))
    predicted = torch.sigmoid(logits) * seen
    both, either = (predicted * targets * seen).sum((1, 2, 3)), ((predicted + targets) * seen).sum((1, 2, 3))
    return entropy + 0.15 * (1 - (2 * both + 20) / (either + 20)).mean()


@torch.no_grad()
def judge(network: SeesGlasses, arrays: Sequence[NDArray[np.uint8]]) -> str:
    network.eval()
    found, beside, alone = [], [], []
    for first in range(0, len(arrays[0]), 128):
        bands, labels, seen = (each[first : first + 128] for each in arrays)
        predicted = torch.sigmoid(network(_inputs(bands, seen)))[:, 0].numpy() > 0.5
        for guess, label, part in zip(predicted, labels, seen, strict=True):
            inside = part > 100
            if label.max() > 128:
                found.append((guess & (label > 128) & inside).sum() / max(1, ((label > 128) & inside).sum()))
                near = cv2.dilate(label, np.ones((3, 3), np.uint8)) > 30
                beside.append((guess & ~near & inside).sum() / inside.sum())
            else:
                alone.append((guess & inside).sum() / inside.sum())
    holes = np.mean(np.array(alone) > 0.004)
    return f"{np.mean(found):.3f} found, {np.mean(beside):.4f} beside, {holes:.3f} of faces without have some"


def write(network: SeesGlasses, path: Path) -> None:
    """Write the network and its sigmoid as ONNX, whole or not at all."""
    write_mask_model(network, (1, CHANNELS, BAND.height, BAND.width), "glasses", path)


def _pool(arguments: argparse.Namespace) -> Sequence[NDArray[np.uint8]]:
    path = arguments.keep / "samples.npz"
    if not path.is_file():
        random, meter = np.random.default_rng(arguments.seed), FaceMeasurer()
        samples: list[tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]] = []
        with progress_line() as progress:
            for number, (pixels, mesh) in enumerate(pictures_of(arguments, meter)):
                if mesh.score > 0.8 and abs(mesh.yaw_degrees) < 45:
                    samples += samples_of(pixels, mesh, random)
                progress("faces", min(1.0, number / max(1, arguments.count)))
        shuffled = random.permutation(len(samples))
        arrays = [np.stack([samples[number][part] for number in shuffled]) for part in range(3)]
        with atomic_write(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, *arrays)
    with np.load(path) as archive:
        return [archive[f"arr_{part}"] for part in range(3)]


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m tools.train_glasses", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--faces", type=Path, help="crops of faces with attributes.csv.gz beside their folder images/")
    parser.add_argument("--count", type=int, default=3000, help="of these crops to take (%(default)s)")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of faces without glasses")
    parser.add_argument("--films", nargs="*", default=[], help="of people without glasses")
    parser.add_argument("--keep", type=Path, required=True, help="folder for samples and the training's state")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.onnx")
    parser.add_argument("--steps", type=int, default=4000, help="(%(default)s)")
    parser.add_argument("--batch", type=int, default=24, help="(%(default)s)")
    parser.add_argument("--learning-rate", type=float, default=3e-3, metavar="RATE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args(words)
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(arguments.threads)
    silence_native_libraries()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    pool = _pool(arguments)
    held = max(1, len(pool[0]) // 20)
    judged, learnt = [each[:held] for each in pool], [each[held:] for each in pool]
    torch.manual_seed(arguments.seed)
    network = SeesGlasses().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), lr=arguments.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, arguments.learning_rate, total_steps=arguments.steps + 1, pct_start=0.1
    )
    state, begin = arguments.keep / "state.pt", 0
    if state.is_file():
        kept = torch.load(state, weights_only=True)
        begin = int(kept["step"])
        network.load_state_dict(kept["network"])
        optimizer.load_state_dict(kept["optimizer"])
        schedule.load_state_dict(kept["schedule"])
    losses = []
    print(f"learning from {len(learnt[0])} samples, from step {begin}", file=sys.stderr, flush=True)
    for step in range(begin, arguments.steps):
        random = np.random.default_rng((arguments.seed, step))
        numbers = random.integers(0, len(learnt[0]), arguments.batch)
        bands, labels, seen = (each[numbers] for each in learnt)
        inputs, targets, weights = (
            _inputs(bands, seen),
            *(torch.from_numpy(each).float()[:, None] / 255 for each in (labels, seen)),
        )
        if random.random() < 0.5:
            inputs, targets, weights = inputs.flip(3), targets.flip(3), weights.flip(3)
            inputs[:, 4] *= -1
        network.train()
        logits = network(inputs.contiguous(memory_format=torch.channels_last))
        loss = _loss(logits, targets, weights)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if (step + 1) % 100 == 0 or step + 1 == arguments.steps:
            with atomic_write(state) as unfinished:
                torch.save(
                    {
                        "step": step + 1,
                        "network": network.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "schedule": schedule.state_dict(),
                    },
                    unfinished,
                )
            told = f"; {judge(network, judged)}" if (step + 1) % 500 == 0 or step + 1 == arguments.steps else ""
            print(f"step {step + 1}: loss {np.mean(losses[-100:]):.4f}{told}", file=sys.stderr, flush=True)
    write(network, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
