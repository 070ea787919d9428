"""Trains the morph's VAE: faces of many people in, a checkpoint out that `tools.export_onnx` makes a model of.

    python -m tools.train_morph --faces photos/ --people people.csv --features vgg19.pth -o runs/morph

Folders of photos, of which each gives its largest face, or of tools.extract_faces. Press Ctrl-C to stop: the same
command goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from realtime.core.errors import OptionError
from realtime.core.settings import setting
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.system.console import progress_line, silence_native_libraries
from tools.networks.vgg16x import VggFeatures
from tools.training import command
from tools.training.command_line import add_settings, read_settings
from tools.training.crowd import Crowd, CrowdFaces, load_crowd, part_people
from tools.training.data import Share, to_pixels, to_tensor
from tools.training.face_figures import Figures, measure
from tools.training.faces import Disturbing
from tools.training.morphing import MorphRecipe, MorphSettings
from tools.training.progress import every
from tools.training.run import Averages, LossLog, RunFolder

_SIDES_PX = (32, 64, 128, 256)
_SHOWN = 16
"""Faces on the sheet, in two blocks."""
_SAMPLES, _AT_ONCE = 12_000, 64
"""Faces that eigenfaces are computed from, at most."""

# ---------------------------------------------------------------------------------------------------------- settings


@dataclasses.dataclass(frozen=True)
class RunSettings(command.RunSettings):
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
    averaging: float = dataclasses.field(
        default=0.999, metadata=setting("running mean of the weights: part kept each step", least=0, most=0.99999)
    )
    held_out: float = dataclasses.field(
        default=0.05, metadata=setting("part of the people who are not learnt from", least=0, most=0.9)
    )
    measured: int = dataclasses.field(
        default=256, metadata=setting("faces of people held out that each preview is measured on", least=4)
    )
    preview_minutes: float = dataclasses.field(
        default=10.0, metadata=setting("between sheets, curves and figures", least=0.01, unit="minutes")
    )


MAY_CHANGE = command.MAY_CHANGE | {
    *("preview_minutes", "averaging", "pixels_weight", "features_weight", "features_share", "kl_weight", "kl_rise"),
    *("free_nats", "judge_weight", "judge_from", "faces", "people"),
}
"""What a run that goes on may be asked differently."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(command.Job):
    """A command line, read."""

    run: RunSettings
    own: MorphSettings
    faces: tuple[Path, ...]
    people: Path | None

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint."""
        people = {"faces": [str(path) for path in self.faces], "people": str(self.people or "")}
        return {"alignment": FACE, **people, **super().asked()}


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


# -------------------------------------------------------------------------------------------------------------- loop


def train(job: Job, fabric: Fabric, stopping: threading.Event) -> int:
    """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check."""
    run = job.run
    folder = RunFolder(job.out, job.asked(), may_change=MAY_CHANGE)
    people = load_people(job, fabric)
    how = Disturbing(job.own.face_px, 0.0, run.turn, run.zoom, run.move, run.flip, run.light)
    share = Share(run.batch, fabric.global_rank, fabric.world_size)
    source = CrowdFaces(people.crowd, people.learnt, how, run.seed, share)

    torch.manual_seed(run.seed)
    given = job.given(fabric.device)
    recipe = MorphRecipe(fabric, given, job.own)
    if not folder.has_begun:
        recipe.vae.begin_with_eigenfaces(some_faces(people, job, fabric.device))
    averages = Averages(recipe.generators(), run.averaging)
    first = folder.load(recipe, averages, fabric.device)
    figures = LossLog(job.out / "held_out.csv", first)

    def look(step: int) -> list[Pixels]:
        drawn, found = show(job, recipe, people, given.features, fabric.device, step)
        figures.add(step - 1, found.terms())  # as the losses: the first step is number 0
        figures.write()
        tell(found.line(job.own.latent))
        return drawn

    return command.train_on(
        job, fabric, folder, recipe, averages, first, source, look, every(run.preview_minutes * 60), stopping, tell,
        begins_near=True,  # with eigenfaces
    )  # fmt: skip


@torch.no_grad()
def show(
    job: Job,
    recipe: MorphRecipe,
    people: People,
    features: VggFeatures | None,
    device: torch.device,
    step: int,
) -> tuple[list[Pixels], Figures]:
    """Write the sheet: faces, as drawn, mixed with the one below. Return the faces drawn, BGR, and the figures."""
    vae = recipe.vae
    vae.eval()
    faces = to_tensor(people.shown, device, job.memory_format)
    found = measure(vae, faces, features)
    # Spread over all, as those measured are.
    seen = faces[torch.linspace(0, len(faces) - 1, min(_SHOWN, len(faces)), device=device).round().long()]
    code = vae.encoder(seen)
    drawn, mixed = (list(to_pixels(vae.decoder(each))) for each in (code, (code + code.roll(-1, 0)) / 2))
    vae.train()
    columns = [list(to_pixels(seen)), drawn, mixed]
    half = (len(drawn) + 1) // 2
    parts = (slice(half), slice(half, None))
    command.keep_sheet(job.out, [column[part] for part in parts for column in columns], step)
    return drawn, found


tell = command.teller("train_morph")


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError for anything that cannot be."""
    parser = command.parser_of("train_morph", __doc__)
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
    command.add_folders(parser, "faces")
    add_settings(parser, RunSettings, "the run")
    add_settings(parser, MorphSettings, "the network")
    arguments = parser.parse_args(words)
    job = Job(
        network="face_vae",
        recipe=MorphRecipe,
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
    return command.run_command(words, read_command_line, train, tell)


if __name__ == "__main__":
    silence_native_libraries()
    sys.exit(main())
