"""Trains a face swap: two people's crops in, a checkpoint out that `tools.export_onnx` makes two models of.

    python -m tools.extract_faces anna.mp4 -o faces/anna
    python -m tools.extract_faces ben.mp4 -o faces/ben
    python -m tools.train_swap --a faces/anna/person-1 --b faces/ben/person-1 -o runs/anna-ben

Press Ctrl-C to stop: the same command goes on where it stopped. `--network NAME --help` lists what can be chosen.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from realtime.core.errors import OptionError
from realtime.core.registry import RegistryEntry
from realtime.core.settings import setting
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.system.console import progress_line
from realtime.system.standard_streams import keep_stderr
from tools.training import command
from tools.training.command_line import add_settings, read_settings
from tools.training.data import Share, to_pixels, to_tensor
from tools.training.faces import Disturbing, FaceSet, OnePersonsCrops, TwoPeople, load_faces
from tools.training.progress import every
from tools.training.run import Averages, RunFolder
from tools.training.swapping import SwapRecipe

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
class RunSettings(command.RunSettings):
    """What is chosen for every network alike."""

    steps: int = dataclasses.field(default=40000, metadata=setting("how long", least=1))
    batch: int = dataclasses.field(
        default=16, metadata=setting("crops of each person in a step, on each device", least=1)
    )
    warp: float = dataclasses.field(
        default=0.015, metadata=setting("how far 5×5 points of a face are moved, in its sides", least=0, most=0.2)
    )
    # The first faceswap's 0.03 is of crops that a face fills. Of ours it fills half, and the warp hid what mouths do:
    # after 650 steps every face had the mean expression. With 0.012, mouths and lids followed, looked at after 1050.
    turn: float = dataclasses.field(
        default=4.0, metadata=setting("how far faces are turned", least=0, most=45, unit="degrees")
    )
    zoom: float = dataclasses.field(default=0.03, metadata=setting("how far they are scaled", least=0, most=0.5))
    move: float = dataclasses.field(
        default=0.015, metadata=setting("how far they are moved, in their sides", least=0, most=0.3)
    )
    flip: bool = dataclasses.field(default=True, metadata=setting("mirror half of the faces"))
    light: float = dataclasses.field(
        default=0.15, metadata=setting("how far exposure and white balance stray", least=0, most=0.9)
    )
    averaging: float = dataclasses.field(
        default=0.995, metadata=setting("running mean of the weights: part kept each step", least=0, most=0.99999)
    )
    held_out: int = dataclasses.field(
        default=6, metadata=setting("faces of each kept for the sheet, not learnt", least=1)
    )
    preview_minutes: float = dataclasses.field(
        default=3.0, metadata=setting("between sheets and curves", least=0.01, unit="minutes")
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(command.Job):
    """A command line, read."""

    recipe: type[SwapRecipe]
    run: RunSettings
    a: tuple[Path, ...]
    b: tuple[Path, ...]

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint, whose card names the alignment."""
        people = {"a": [str(path) for path in self.a], "b": [str(path) for path in self.b]}
        return {"alignment": FACE, **people, **super().asked()}


# -------------------------------------------------------------------------------------------------------------- data


@dataclasses.dataclass(frozen=True)
class Person:
    """One side's crops: those to learn from, and a few to look at."""

    crops: OnePersonsCrops
    shown: tuple[Pixels, ...]
    """RGB, spread over all of them, not learnt."""
    learnt: int


def load_person(job: Job, folders: Sequence[Path], number: int, fabric: Fabric) -> Person:
    """Raises OptionError for folders that cannot be used."""
    run = job.run
    with fabric.rank_zero_first(local=True), progress_line() as progress:
        faces = load_faces(folders, job.own.face_px, job.cache, progress)
    if fabric.is_global_zero:
        tell_left_out(faces)
    count = min(run.held_out, len(faces) // 4)
    shown = np.linspace(0, len(faces) - 1, count + 2)[1:-1].round().astype(int)
    learnt = np.setdiff1d(np.arange(len(faces)), shown)
    how = Disturbing(job.own.face_px, run.warp, run.turn, run.zoom, run.move, run.flip, run.light)
    crops = OnePersonsCrops(faces, learnt, how, (run.seed, number))
    return Person(crops, tuple(crops.plain(int(index)) for index in shown), len(learnt))


def tell_left_out(faces: FaceSet) -> None:
    for line in faces.store.skipped[:3]:
        more = len(faces.store.skipped) - 3
        tell(f"left out: {line}" + (f" (and {more} more)" if more > 0 else ""))
    if faces.left_out:
        tell(f"left out: {faces.left_out} pictures that no manifest knows")


# -------------------------------------------------------------------------------------------------------------- loop


def train(job: Job, fabric: Fabric, stopping: threading.Event) -> int:
    """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check."""
    run = job.run
    folder = RunFolder(job.out, job.asked(), may_change=command.MAY_CHANGE | {"preview_minutes"})
    a, b = load_person(job, job.a, 0, fabric), load_person(job, job.b, 1, fabric)
    source = TwoPeople(a.crops, b.crops, Share(run.batch, fabric.global_rank, fabric.world_size))

    torch.manual_seed(run.seed)
    recipe = job.recipe(fabric, job.given(fabric.device), job.own)
    averages = Averages(recipe.generators(), run.averaging)
    first = folder.load(recipe, averages, fabric.device)
    if fabric.is_global_zero:
        tell(f"learning from {a.learnt} faces of A and {b.learnt} of B")
    return command.train_on(
        job, fabric, folder, recipe, averages, first, source,
        lambda step: show(job, recipe, a, b, fabric.device, step), every(run.preview_minutes * 60), stopping, tell,
    )  # fmt: skip


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
    command.keep_sheet(job.out, columns, step)
    return columns[2]


def _seen(recipe: SwapRecipe, person: Person, sides: str, device: torch.device) -> list[list[Pixels]]:
    """Return a person's faces, then what the decoders of both sides make of them, BGR."""
    faces = to_tensor(np.stack(person.shown), device)
    return [list(to_pixels(faces)), *(list(to_pixels(recipe.swap(faces, side)[0])) for side in sides)]


tell = command.teller("train_swap")


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError for anything that cannot be."""
    network = command.network_in(words, RECIPES, "light")
    recipe = RECIPES[network].load()
    parser = command.parser_of("train_swap", __doc__)
    listing = "\n".join(f"{name}: {entry.summary}" for name, entry in RECIPES.items())
    parser.add_argument("--network", default="light", choices=list(RECIPES), metavar="NAME", help=listing)
    parser.add_argument("--a", type=Path, nargs="+", required=True, metavar="DIR", help="one person's crops")
    parser.add_argument("--b", type=Path, nargs="+", required=True, metavar="DIR", help="the other's")
    parser.add_argument(
        "--features", type=Path, metavar="FILE", help="a VGG's weights, for a perceptual loss: sharper faces"
    )
    command.add_folders(parser, "faces")
    add_settings(parser, RunSettings, "for every network")
    add_settings(parser, recipe.Settings, f"for {network}")
    arguments = parser.parse_args(words)
    job = Job(
        network=network,
        recipe=recipe,
        run=read_settings(arguments, RunSettings, "train_swap"),
        own=read_settings(arguments, recipe.Settings, network),
        a=tuple(arguments.a),
        b=tuple(arguments.b),
        features=arguments.features,
        out=arguments.out,
        cache=arguments.cache,
    )
    if job.own.face_px % job.recipe.multiple_of:
        raise OptionError(f"--face-px {job.own.face_px} is no multiple of {job.recipe.multiple_of}")
    if {path.resolve() for path in job.a} & {path.resolve() for path in job.b}:
        raise OptionError("--a and --b name the same folder; a swap needs two people")
    return job


def main(words: Sequence[str] | None = None) -> int:
    return command.run_command(words, read_command_line, train, tell)


if __name__ == "__main__":
    keep_stderr()  # a log that dies must not end hours of work
    sys.exit(main())
