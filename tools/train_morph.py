"""Trains the morph's VAE: faces of many people in, a checkpoint out that `tools.export_onnx` makes a model of.

    python -m tools.train_morph --faces photos/ --people people.csv --features vgg19.pth -o runs/morph

Folders of photos, of which each gives its largest face, or of tools.extract_faces. Press Ctrl-C to stop: the same
command goes on where it stopped.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import platformdirs
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from realtime.core.errors import OptionError, RealtimeError
from realtime.core.settings import setting
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.system.console import progress_line, silence_native_libraries
from realtime.system.signals import graceful_shutdown
from tools.exporting.checkpoint import read_checkpoint
from tools.networks.vgg16x import VggFeatures, features_from
from tools.training import Given, laid_out
from tools.training.command_line import Parser, add_settings, read_settings
from tools.training.crowd import Crowd, CrowdFaces, load_crowd, part_people
from tools.training.data import Share, to_pixels, to_tensor
from tools.training.face_figures import Figures, measure
from tools.training.faces import Disturbing
from tools.training.loop import Computing, Ended, make_fabric, make_steps
from tools.training.morphing import MorphRecipe, MorphSettings
from tools.training.progress import every
from tools.training.run import Averages, LossLog, RunFolder
from tools.training.verdict import faults
from tools.training.views import write_curve, write_sheet

_SIDES_PX = (32, 64, 128, 256)
_SHOWN = 16
"""Faces on the sheet, in two blocks."""
_SAMPLES, _AT_ONCE = 12_000, 64
"""Faces that eigenfaces are computed from, at most."""

# ---------------------------------------------------------------------------------------------------------- settings


@dataclasses.dataclass(frozen=True)
class RunSettings(Computing):
    """What is no matter of the network."""

    steps: int = dataclasses.field(default=16000, metadata=setting("how long", least=1))
    batch: int = dataclasses.field(default=16, metadata=setting("faces in a step, on each device", least=2))
    turn: float = dataclasses.field(
        default=3.0, metadata=setting("how far faces are turned", least=0, most=45, unit="degrees")
    )
    zoom: float = dataclasses.field(default=0.03, metadata=setting("how far they are scaled", least=0, most=0.5))
    move: float = dataclasses.field(
        default=0.01, metadata=setting("how far they are moved, in their sides", least=0, most=0.3)
    )
    flip: bool = dataclasses.field(default=True, metadata=setting("mirror half of the faces"))
    light: float = dataclasses.field(
        default=0.25, metadata=setting("how far exposure and white balance stray", least=0, most=0.9)
    )
    learning_rate: float | None = dataclasses.field(
        default=None, metadata=setting("at its height; none: what suits the network", least=0, most=1)
    )
    averaging: float = dataclasses.field(
        default=0.999, metadata=setting("running mean of the weights: part kept each step", least=0, most=0.99999)
    )
    seed: int = dataclasses.field(default=1, metadata=setting("of everything drawn by chance", least=0, most=2**31))
    held_out: float = dataclasses.field(
        default=0.05, metadata=setting("part of the people who are not learnt from", least=0, most=0.9)
    )
    measured: int = dataclasses.field(
        default=256, metadata=setting("faces of people held out that each preview is measured on", least=4)
    )
    save_every: int = dataclasses.field(default=250, metadata=setting("steps between checkpoints", least=1))
    preview_minutes: float = dataclasses.field(
        default=10.0, metadata=setting("between sheets, curves and figures", least=0.01, unit="minutes")
    )


MAY_CHANGE = frozenset(
    {
        *("steps", "save_every", "preview_minutes", "threads", "device", "devices", "machines", "precision"),
        *("channels_last", "learning_rate", "averaging", "pixels_weight", "features_weight", "features_share"),
        *("kl_weight", "kl_rise", "free_nats", "judge_weight", "judge_from", "faces", "people"),
    }
)
"""What a run that goes on may be asked differently."""


@dataclasses.dataclass(frozen=True)
class Job:
    """A command line, read."""

    run: RunSettings
    own: MorphSettings
    faces: tuple[Path, ...]
    people: Path | None
    features: Path | None
    out: Path
    cache: Path

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint."""
        return {
            "network": "face_vae",
            "alignment": FACE,
            "faces": [str(path) for path in self.faces],
            "people": str(self.people or ""),
            "features": str(self.features or ""),
            **dataclasses.asdict(self.run),
            **dataclasses.asdict(self.own),
        }

    @property
    def memory_format(self) -> torch.memory_format:
        return self.run.memory_format

    @property
    def learning_rate(self) -> float:
        return MorphRecipe.usual_rate if self.run.learning_rate is None else self.run.learning_rate


# -------------------------------------------------------------------------------------------------------------- data


@dataclasses.dataclass(frozen=True)
class People:
    """Those to learn from, and some to look at."""

    crowd: Crowd
    learnt: NDArray[np.int64]
    shown: NDArray[np.uint8]
    """RGB [N, S, S, 3]: faces of people held out, spread over all of them, as the live loop would give them."""


def load_people(job: Job, fabric: Fabric) -> People:
    """Raises OptionError for folders that cannot be used."""
    side = job.own.face_px
    with fabric.rank_zero_first(local=True), progress_line() as progress:
        crowd = load_crowd(job.faces, job.people, side, job.cache, progress)
    learnt, held_out = part_people(crowd, job.run.held_out)
    if fabric.is_global_zero:
        tell_left_out(crowd)
        count = len({crowd.people[index] for index in held_out})
        people = f"{len(held_out)} faces, {count} of {len(set(crowd.people))} people"
        tell(f"learning from {len(learnt)} faces; held out: {people}")
    spread = np.unique(np.linspace(0, len(held_out) - 1, job.run.measured).round().astype(int))
    return People(crowd, learnt, np.stack([crowd.plain(int(held_out[place]), side) for place in spread]))


def some_faces(people: People, job: Job, device: torch.device) -> Iterator[Tensor]:
    """Yield faces to learn from and their mirror images in batches: enough of them that eigenfaces hold for people."""
    count = min(_SAMPLES, len(people.learnt))
    chosen = people.learnt[np.linspace(0, len(people.learnt) - 1, count).round().astype(int)]
    for part in np.array_split(chosen, -(-count // _AT_ONCE)):
        faces = np.stack([people.crowd.plain(int(index), job.own.face_px) for index in part])
        for pixels in (faces, np.ascontiguousarray(faces[:, :, ::-1])) if job.run.flip else (faces,):
            yield to_tensor(pixels, device)


def tell_left_out(crowd: Crowd) -> None:
    if crowd.left_out:
        more = len(crowd.left_out) - 3
        tell(f"left out: {', '.join(crowd.left_out[:3])}" + (f" and {more} more" if more > 0 else ""))
    strangers = sum(faces.left_out for faces in crowd.sets)
    if strangers:
        tell(f"left out: {strangers} pictures that no manifest knows")


def load_features(job: Job, device: torch.device) -> VggFeatures | None:
    if job.features is None:
        return None
    return laid_out(features_from(read_checkpoint(job.features), str(job.features)).to(device), job.memory_format)


# -------------------------------------------------------------------------------------------------------------- loop


def train(job: Job, fabric: Fabric, stopping: threading.Event) -> int:
    """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check."""
    run, first_process = job.run, fabric.is_global_zero
    folder = RunFolder(job.out, job.asked(), may_change=MAY_CHANGE)
    people = load_people(job, fabric)
    how = Disturbing(job.own.face_px, 0.0, run.turn, run.zoom, run.move, run.flip, run.light)
    share = Share(run.batch, fabric.global_rank, fabric.world_size)
    source = CrowdFaces(people.crowd, people.learnt, how, run.seed, share)

    torch.manual_seed(run.seed)
    features = load_features(job, fabric.device)
    given = Given((), features, job.learning_rate, run.steps, False, job.memory_format)
    recipe = MorphRecipe(fabric, given, job.own)
    if not folder.has_begun:
        recipe.vae.begin_with_eigenfaces(some_faces(people, job, fabric.device))
    averages = Averages(recipe.generators(), run.averaging)
    first = folder.load(recipe, averages, fabric.device)
    losses, figures = LossLog(job.out / "losses.csv", first), LossLog(job.out / "held_out.csv", first)

    def keep(step: int, preview: bool) -> list[Pixels]:
        """Save where the run stands; with `preview`, look at it too and return the faces drawn."""
        if not first_process:
            return []
        folder.save(recipe, averages, step)
        losses.write()
        if not preview:
            return []
        drawn, found = show(job, recipe, averages, people, features, fabric.device, step)
        figures.add(step - 1, found.terms())  # as the losses: the first step is number 0
        figures.write()
        tell(found.line(job.own.latent))
        write_curve(job.out / "curve.png", losses.steps, losses.terms, f"morph: {job.out.name}")
        return drawn

    if first_process:
        folder.write_asked()
        if first:
            tell(f"going on in {job.out} after step {first}")
    ended = make_steps(
        recipe, averages, losses, source, run, first, job.learning_rate, fabric, job.memory_format, stopping,
        keep, every(run.preview_minutes * 60), tell,
    )  # fmt: skip
    if ended.broken:
        if first_process:
            losses.write()
            tell(ended.broken_line(job.out / "checkpoint.pth", job.learning_rate))
        return 1
    drawn = keep(ended.step, True)
    return verdict(job, ended, losses, drawn) if first_process else 0


def verdict(job: Job, ended: Ended, losses: LossLog, drawn: Sequence[Pixels]) -> int:
    if ended.made:
        tell(f"{ended.made} steps in {ended.took_s:.0f} s, {ended.made / ended.took_s:.3g} a second")
    if ended.step < job.run.steps:
        tell(f"stopped after step {ended.step} of {job.run.steps}, kept in {job.out}; the same command goes on")
        return 0
    found = faults(losses.terms, drawn, begins_near=True)  # with eigenfaces
    for fault in found:
        tell(f"not good: {fault}")
    if not found:
        tell(f"{job.out / 'checkpoint.pth'} passed its check; look at {job.out / 'sheet.png'}")
    return 1 if found else 0


@torch.no_grad()
def show(
    job: Job,
    recipe: MorphRecipe,
    averages: Averages,
    people: People,
    features: VggFeatures | None,
    device: torch.device,
    step: int,
) -> tuple[list[Pixels], Figures]:
    """Write the sheet: faces, as drawn, mixed with the one below. Return the faces drawn, BGR, and the figures."""
    vae = recipe.vae
    averages.exchange()
    vae.eval()
    faces = to_tensor(people.shown, device, job.memory_format)
    found = measure(vae, faces, features)
    # Spread over all, as those measured are.
    seen = faces[torch.linspace(0, len(faces) - 1, min(_SHOWN, len(faces)), device=device).round().long()]
    code = vae.encoder(seen)
    drawn, mixed = (list(to_pixels(vae.decoder(each))) for each in (code, (code + code.roll(-1, 0)) / 2))
    vae.train()
    averages.exchange()
    columns = [list(to_pixels(seen)), drawn, mixed]
    half = (len(drawn) + 1) // 2
    write_sheet(
        job.out / "sheet.png", [column[part] for part in (slice(half), slice(half, None)) for column in columns]
    )
    shutil.copyfile(job.out / "sheet.png", job.out / "previews" / f"{step:06d}.png")
    return drawn, found


def tell(line: str) -> None:
    print(f"train_morph: {line}", file=sys.stderr)


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError for anything that cannot be."""
    parser = Parser("python -m tools.train_morph", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--faces", type=Path, nargs="+", required=True, metavar="DIR", help="photos, or crops of tools.extract_faces"
    )
    parser.add_argument(
        "--people", type=Path, metavar="FILE",
        help="whose each photo is: a .csv of pictures and people, as CelebA's; people are held out, not pictures",
    )  # fmt: skip
    parser.add_argument(
        "--features", type=Path, metavar="FILE", help="a VGG's weights, for a perceptual loss: sharper faces"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="the run's folder")
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("realtime") / "training", metavar="DIR",
        help="where prepared faces are kept (default: the user's cache)",
    )  # fmt: skip
    add_settings(parser, RunSettings, "the run")
    add_settings(parser, MorphSettings, "the network")
    arguments = parser.parse_args(words)
    job = Job(
        run=read_settings(arguments, RunSettings, "train_morph"),
        own=read_settings(arguments, MorphSettings, "train_morph"),
        faces=tuple(arguments.faces),
        people=arguments.people,
        features=arguments.features,
        out=arguments.out,
        cache=arguments.cache,
    )
    if job.own.face_px not in _SIDES_PX:
        raise OptionError(f"--face-px {job.own.face_px} cannot be; it is one of {', '.join(map(str, _SIDES_PX))}")
    return job


def main(words: Sequence[str] | None = None) -> int:
    stopping = threading.Event()
    try:
        job = read_command_line(sys.argv[1:] if words is None else words)
        if job.run.threads:
            torch.set_num_threads(job.run.threads)
            cv2.setNumThreads(job.run.threads)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # what was chosen is in the run's folder
        fabric = make_fabric(job.run)
        fabric.launch()
        with graceful_shutdown(stopping.set):
            return train(job, fabric, stopping)
    except torch.cuda.OutOfMemoryError:
        tell("the GPU's memory is full; try a smaller --batch")
        return 2
    except RealtimeError as error:
        tell(str(error))
        return 2


if __name__ == "__main__":
    silence_native_libraries()
    sys.exit(main())
