"""Trains a face swap: two people's crops in, a checkpoint out that `tools.export_onnx` makes two models of.

    python -m tools.extract_faces anna.mp4 -o faces/anna
    python -m tools.extract_faces ben.mp4 -o faces/ben
    python -m tools.train_swap --a faces/anna/person-1 --b faces/ben/person-1 -o runs/anna-ben

Press Ctrl-C to stop: the same command goes on where it stopped. `--network NAME --help` lists what can be chosen.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from realtime.core.errors import OptionError
from realtime.core.registry import RegistryEntry
from realtime.core.settings import setting
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.system.console import progress_line
from realtime.system.standard_streams import keep_stderr
from tools.training.command import CommandLine, run_command
from tools.training.command_line import default_of
from tools.training.data import Share, to_pixels, to_tensor
from tools.training.faces import OnePersonsCrops, TwoPeople, load_faces
from tools.training.job import FaceSettings, TrainingJob, texts
from tools.training.loop import Run
from tools.training.progress import every
from tools.training.swapping import SwapRecipe
from tools.training.views import keep_sheet

RECIPES: Mapping[str, RegistryEntry] = {
    "light": RegistryEntry(
        "tools.training.swapping", "LightRecipe", "128 px with a mask, 30 fps on two cores (default)"
    ),
    "original": RegistryEntry(
        "tools.training.swapping", "OriginalRecipe", "64 px, the first faceswap's: 6 times slower"
    ),
}

# ---------------------------------------------------------------------------------------------------------- settings


@dataclasses.dataclass(frozen=True)
class RunSettings(FaceSettings):
    """What is chosen for every network alike."""

    steps: int = default_of(FaceSettings, "steps", 40000)
    averaging: float = default_of(FaceSettings, "averaging", 0.995)
    batch: int = dataclasses.field(
        default=16, metadata=setting("crops of each person in a step, on each device", least=1)
    )
    warp: float = dataclasses.field(
        default=0.015, metadata=setting("how far 5×5 points of a face are moved, in its sides", least=0, most=0.2)
    )
    # The first faceswap's 0.03 is of crops that a face fills. Of ours it fills half, and the warp hid what mouths do:
    # after 650 steps every face had the mean expression. With 0.012, mouths and lids followed, looked at after 1050.
    held_out: int = dataclasses.field(
        default=6, metadata=setting("faces of each kept for the sheet, not learnt", least=1)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(TrainingJob[SwapRecipe]):
    """A command line, read."""

    run: RunSettings
    a: tuple[Path, ...]
    b: tuple[Path, ...]

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint, whose card names the alignment."""
        return {"alignment": FACE, "a": texts(self.a), "b": texts(self.b), **super().asked()}


# -------------------------------------------------------------------------------------------------------------- data


@dataclasses.dataclass(frozen=True)
class Person:
    """One side's crops: those to learn from, and a few to look at."""

    crops: OnePersonsCrops
    shown: tuple[Pixels, ...]
    """RGB, spread over all of them, not learnt."""
    learnt: int


def load_person(run: Run[Job], folders: Sequence[Path], number: int) -> Person:
    """Raises OptionError for folders that cannot be used."""
    job, settings = run.job, run.job.run
    with run.fabric.rank_zero_first(local=True), progress_line() as progress:
        faces = load_faces(folders, job.own.face_px, job.cache, progress)
    run.tell_left_out(faces.store.skipped, faces.left_out)
    count = min(settings.held_out, len(faces) // 4)
    shown = np.linspace(0, len(faces) - 1, count + 2)[1:-1].round().astype(int)
    learnt = np.setdiff1d(np.arange(len(faces)), shown)
    augmentation = settings.augmentation(job.own.face_px, settings.warp)
    crops = OnePersonsCrops(faces, learnt, augmentation, (settings.seed, number))
    return Person(crops, tuple(crops.plain(int(index)) for index in shown), len(learnt))


# -------------------------------------------------------------------------------------------------------------- loop


def train(run: Run[Job]) -> int:
    """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check."""
    job, fabric = run.job, run.fabric
    a, b = load_person(run, job.a, 0), load_person(run, job.b, 1)
    source = TwoPeople(a.crops, b.crops, Share(job.run.batch, fabric.global_rank, fabric.world_size))
    recipe = job.make_recipe(fabric)
    run.take_up(recipe)
    run.tell(f"learning from {a.learnt} faces of A and {b.learnt} of B")
    return run.train(
        source, lambda step: show(job, recipe, a, b, fabric.device, step), every(job.run.preview_minutes * 60)
    )


def show(job: Job, recipe: SwapRecipe, a: Person, b: Person, device: torch.device, step: int) -> list[Pixels]:
    """Write the sheet: A, A as A, A as B, B, B as B, B as A. Return the third."""
    network = recipe.generators()[""]
    network.eval()
    with torch.no_grad():
        columns = [
            column
            for person, sides in ((a, "ab"), (b, "ba"))
            for column in _seen(recipe, person, sides, device)
        ]  # fmt: skip
    network.train()
    keep_sheet(job.out, columns, step)
    return columns[2]


def _seen(recipe: SwapRecipe, person: Person, sides: str, device: torch.device) -> list[list[Pixels]]:
    """Return a person's faces, then what the decoders of both sides make of them, BGR."""
    faces = to_tensor(np.stack(person.shown), device)
    return [list(to_pixels(faces)), *(list(to_pixels(recipe.swap(faces, side)[0])) for side in sides)]


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError for anything that cannot be."""
    line = CommandLine("train_swap", __doc__, RunSettings)
    line.choose_network(words, RECIPES, "light")
    line.parser.add_argument("--a", type=Path, nargs="+", required=True, metavar="DIR", help="one person's crops")
    line.parser.add_argument("--b", type=Path, nargs="+", required=True, metavar="DIR", help="the other's")
    arguments, common = line.parse(words, "faces", "a perceptual loss: sharper faces")
    job = Job(**common, a=tuple(arguments.a), b=tuple(arguments.b))
    if job.own.face_px % job.recipe.multiple_of:
        raise OptionError(f"--face-px {job.own.face_px} is no multiple of {job.recipe.multiple_of}")
    if {path.resolve() for path in job.a} & {path.resolve() for path in job.b}:
        raise OptionError("--a and --b name the same folder; a swap needs two people")
    return job


def main(words: Sequence[str] | None = None) -> int:
    return run_command("train_swap", words, read_command_line, train)


if __name__ == "__main__":
    keep_stderr()  # a log that dies must not end hours of work
    sys.exit(main())
