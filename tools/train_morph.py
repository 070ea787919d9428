"""Trains the morph's VAE: faces of many people in, a checkpoint out that `tools.export_onnx` makes a model of.

    python -m tools.train_morph --faces photos/ --people people.csv --features vgg19.pth -o runs/morph

Folders of photos, of which each gives its largest face, or of tools.extract_faces. Press Ctrl-C to stop: the same
command goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

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
from tools.training.command import CommandLine, run_command
from tools.training.command_line import default_of
from tools.training.crowd import Crowd, CrowdFaces, load_crowd, part_people
from tools.training.data import Share, to_pixels, to_tensor
from tools.training.face_figures import Figures, measure
from tools.training.job import MAY_CHANGE, FaceSettings, TrainingJob, begin_with, texts
from tools.training.loop import Run
from tools.training.morphing import MorphRecipe, MorphSettings
from tools.training.progress import every
from tools.training.run import LossLog
from tools.training.views import keep_sheet

_SIDES_PX = (32, 64, 128, 256)
_SHOWN = 16
"""Faces on the sheet, in two blocks."""
_SAMPLES, _AT_ONCE = 12_000, 64
"""Faces that eigenfaces are computed from, at most."""

# ---------------------------------------------------------------------------------------------------------- settings


@dataclasses.dataclass(frozen=True)
class RunSettings(FaceSettings):
    """What is no matter of the network."""

    steps: int = default_of(FaceSettings, "steps", 16000)
    averaging: float = default_of(FaceSettings, "averaging", 0.999)
    turn: float = default_of(FaceSettings, "turn", 3.0)
    move: float = default_of(FaceSettings, "move", 0.01)
    light: float = default_of(FaceSettings, "light", 0.25)
    preview_minutes: float = default_of(FaceSettings, "preview_minutes", 10.0)
    batch: int = dataclasses.field(default=16, metadata=setting("faces in a step, on each device", least=2))
    held_out: float = dataclasses.field(
        default=0.05, metadata=setting("part of the people who are not learnt from", least=0, most=0.9)
    )
    measured: int = dataclasses.field(
        default=256, metadata=setting("faces of people held out that each preview is measured on", least=4)
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(TrainingJob[MorphRecipe]):
    """A command line, read."""

    run: RunSettings
    own: MorphSettings
    faces: tuple[Path, ...]
    people: Path | None
    start_from: Path | None
    may_change: ClassVar = MAY_CHANGE | {
        *("averaging", "pixels_weight", "features_weight", "features_share", "kl_weight", "kl_rise", "free_nats"),
        *("judge_weight", "judge_from", "faces", "people"),
    }

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint."""
        people = {"faces": texts(self.faces), "people": str(self.people or "")}
        begun = {"start_from": str(self.start_from or "")}
        return {"alignment": FACE, **people, **begun, **super().asked()}

    def make_recipe(self, fabric: Fabric) -> MorphRecipe:
        """As `TrainingJob.make_recipe`, with an earlier run's weights where some are named."""
        recipe = super().make_recipe(fabric)
        if self.start_from is not None:
            begin_with(recipe, self.start_from)
        return recipe


# -------------------------------------------------------------------------------------------------------------- data


@dataclasses.dataclass(frozen=True)
class People:
    """Those to learn from, and some to look at."""

    crowd: Crowd
    learnt: NDArray[np.int64]
    shown: NDArray[np.uint8]
    """RGB [N, S, S, 3]: faces of people held out, spread over all of them, as the live loop would give them."""


def load_people(run: Run[Job]) -> People:
    """Raises OptionError for folders that cannot be used."""
    job, side_px = run.job, run.job.own.face_px
    with run.fabric.rank_zero_first(local=True), progress_line() as progress:
        crowd = load_crowd(job.faces, job.people, side_px, job.cache, progress)
    learnt, held_out = part_people(crowd, job.run.held_out)
    run.tell_left_out(crowd.left_out, sum(faces.left_out for faces in crowd.sets))
    count = len({crowd.people[index] for index in held_out})
    people = f"{len(held_out)} faces, {count} of {len(set(crowd.people))} people"
    run.tell(f"learning from {len(learnt)} faces; held out: {people}")
    spread = np.unique(np.linspace(0, len(held_out) - 1, job.run.measured).round().astype(int))
    return People(crowd, learnt, np.stack([crowd.plain(int(held_out[place]), side_px) for place in spread]))


def some_faces(people: People, job: Job, device: torch.device) -> Iterator[Tensor]:
    """Yield faces to learn from and their mirror images in batches: enough of them that eigenfaces hold for people."""
    count = min(_SAMPLES, len(people.learnt))
    chosen = people.learnt[np.linspace(0, len(people.learnt) - 1, count).round().astype(int)]
    for part in np.array_split(chosen, -(-count // _AT_ONCE)):
        faces = np.stack([people.crowd.plain(int(index), job.own.face_px) for index in part])
        for pixels in (faces, np.ascontiguousarray(faces[:, :, ::-1])) if job.run.flip else (faces,):
            yield to_tensor(pixels, device)


# -------------------------------------------------------------------------------------------------------------- loop


def train(run: Run[Job]) -> int:
    """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check."""
    job, fabric = run.job, run.fabric
    people = load_people(run)
    share = Share(job.run.batch, fabric.global_rank, fabric.world_size)
    source = CrowdFaces(people.crowd, people.learnt, job.run.augmentation(job.own.face_px), job.run.seed, share)
    recipe = job.make_recipe(fabric)
    if not run.has_begun and job.start_from is None:
        recipe.vae.begin_with_eigenfaces(some_faces(people, job, fabric.device))
    figures = LossLog(job.out / "held_out.csv", run.take_up(recipe))

    def look(step: int) -> list[Pixels]:
        drawn, found = show(job, recipe, people, fabric.device, step)
        figures.add(step - 1, found.terms())  # as the losses: the first step is number 0
        figures.write()
        run.tell(found.line(job.own.latent))
        return drawn

    # It begins with eigenfaces, which draw faces already.
    return run.train(source, look, every(job.run.preview_minutes * 60), begins_near=True)


@torch.no_grad()
def show(
    job: Job, recipe: MorphRecipe, people: People, device: torch.device, step: int
) -> tuple[list[Pixels], Figures]:
    """Write the sheet: faces, as drawn, mixed with the one below. Return the faces drawn, BGR, and the figures."""
    vae = recipe.vae
    vae.eval()
    faces = to_tensor(people.shown, device, job.run.memory_format)
    found = measure(vae, faces, recipe.features)
    # Spread over all, as those measured are.
    seen = faces[torch.linspace(0, len(faces) - 1, min(_SHOWN, len(faces)), device=device).round().long()]
    code = vae.encoder(seen)
    drawn, mixed = (list(to_pixels(vae.decoder(each))) for each in (code, (code + code.roll(-1, 0)) / 2))
    vae.train()
    columns = [list(to_pixels(seen)), drawn, mixed]
    half = (len(drawn) + 1) // 2
    parts = (slice(half), slice(half, None))
    keep_sheet(job.out, [column[part] for part in parts for column in columns], step)
    return drawn, found


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError for anything that cannot be."""
    line = CommandLine("train_morph", __doc__, RunSettings)
    line.take_network("face_vae", MorphRecipe)
    line.parser.add_argument(
        "--faces", type=Path, nargs="+", required=True, metavar="DIR", help="photos, or crops of tools.extract_faces"
    )
    line.parser.add_argument(
        "--people", type=Path, metavar="FILE",
        help="whose each photo is: a .csv of pictures and people, as CelebA's; people are held out, not pictures",
    )  # fmt: skip
    line.parser.add_argument("--start-from", type=Path, metavar="FILE", help="a checkpoint whose weights to begin with")
    arguments, common = line.parse(words, "faces", "a perceptual loss: sharper faces")
    job = Job(**common, faces=tuple(arguments.faces), people=arguments.people, start_from=arguments.start_from)
    if job.own.face_px not in _SIDES_PX:
        raise OptionError(f"--face-px {job.own.face_px} cannot be; it is one of {', '.join(map(str, _SIDES_PX))}")
    if job.own.learn == "decoder" and job.start_from is None:
        raise OptionError("--learn decoder goes on from a trained encoder; name its checkpoint with --start-from")
    return job


def main(words: Sequence[str] | None = None) -> int:
    return run_command("train_morph", words, read_command_line, train)


if __name__ == "__main__":
    silence_native_libraries()
    sys.exit(main())
