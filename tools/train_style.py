"""Trains a style: pictures in, a painting in, a checkpoint out that `tools.export_onnx` makes a model of.

    python -m tools.train_style --network brush --pictures photos/ --style night.jpg --features vgg19.pth -o runs/night

Press Ctrl-C to stop: the same command goes on where it stopped. `--network NAME --help` lists what can be chosen.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from realtime.core.errors import CameraError, OptionError
from realtime.core.settings import setting
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo
from realtime.system.console import progress_line
from realtime.system.standard_streams import keep_stderr
from tools.networks.vgg16x import WHERE_FROM
from tools.teacher_filters import FILTERS
from tools.training import RECIPES, Material, Recipe, RunInputs, data
from tools.training.command import CommandLine, run_command
from tools.training.command_line import default_of
from tools.training.data import to_tensor
from tools.training.degrade import DEGRADATIONS
from tools.training.job import TrainingJob, TrainingSettings, begin_with, texts
from tools.training.loop import Run
from tools.training.pictures import PictureStore, prepare
from tools.training.teacher import ask, load_teacher
from tools.training.views import cut_to_multiple, keep_sheet, paint_all

# ---------------------------------------------------------------------------------------------------------- settings


@dataclasses.dataclass(frozen=True)
class RunSettings(TrainingSettings):
    """What is chosen for every network alike."""

    batch: int = dataclasses.field(default=8, metadata=setting("crops in a step, on each device", least=1))
    crop_px: int = dataclasses.field(default=256, metadata=setting("side of a crop", least=32, unit="px"))
    least_scale: float = dataclasses.field(
        default=0.6, metadata=setting("smallest part of a picture's shorter side in a crop", least=0.05, most=1)
    )
    most_scale: float = dataclasses.field(
        default=1.0, metadata=setting("largest part of it; smaller parts are enlarged", least=0.05, most=1)
    )
    flip: bool = dataclasses.field(default=True, metadata=setting("mirror half of the crops"))
    light: float = dataclasses.field(
        default=0.25, metadata=setting("how far exposure and white balance stray, as webcams do", least=0, most=0.9)
    )
    held_out: int = dataclasses.field(default=4, metadata=setting("pictures kept for the sheet, not learnt", least=1))
    save_every: int = default_of(TrainingSettings, "save_every", 200)
    preview_every: int = dataclasses.field(default=500, metadata=setting("steps between sheets and curves", least=1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job(TrainingJob[Recipe]):
    """A command line, read."""

    run: RunSettings
    pictures: tuple[Path, ...]
    style: tuple[Path, ...]
    style_size_px: tuple[int, ...]
    teacher: str | None
    other: tuple[Path, ...]
    degrade: str
    start_from: Path | None
    loss_features: Path | None

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint."""
        return {
            "pictures": texts(self.pictures),
            "other": texts(self.other),
            "style": texts(self.style),
            "style_size_px": list(self.style_size_px),
            "teacher": str(self.teacher or ""),
            "degrade": self.degrade,
            "start_from": str(self.start_from or ""),
            "loss_features": str(self.loss_features or ""),
            **super().asked(),
        }

    def inputs(self, device: torch.device) -> RunInputs:
        """As `TrainingJob.inputs`, with the paintings."""
        paintings = load_paintings(self.style, self.style_size_px, device)
        begun = self.start_from is not None
        seen_by = self.load_features(self.loss_features, device)
        return dataclasses.replace(super().inputs(device), paintings=paintings, begun=begun, loss_features=seen_by)

    def make_recipe(self, fabric: Fabric) -> Recipe:
        """As `TrainingJob.make_recipe`, with an earlier run's weights where some are named."""
        recipe = super().make_recipe(fabric)
        if self.start_from is not None:
            begin_with(recipe, self.start_from)
        return recipe


# -------------------------------------------------------------------------------------------------------------- data


def load_pictures(job: Job, fabric: Fabric) -> PictureStore:
    with fabric.rank_zero_first(local=True), progress_line() as progress:
        return prepare(job.pictures, prepared_px(job), job.cache, progress)


def prepared_px(job: Job) -> int:
    return job.run.crop_px * 5 // 3


def make_source(
    job: Job, fabric: Fabric, store: PictureStore, learnt: np.ndarray[Any, np.dtype[np.int64]]
) -> data.Source:
    """Return what draws the crops: of pictures, of pictures and answers, or of two kinds of pictures."""
    run = job.run
    share = data.Share(run.batch, fabric.global_rank, fabric.world_size)
    settings = data.CropSettings(run.crop_px, run.least_scale, run.most_scale, run.flip, run.light)
    with fabric.rank_zero_first(local=True), progress_line() as progress:
        if job.teacher is not None:
            teacher = load_teacher(job.teacher, fabric.device)
            asked, answered = ask(teacher, store, run.crop_px, run.light, run.flip, run.seed, job.cache, progress)
            return data.AnsweredCrops(asked, answered, learnt, run.crop_px, run.seed, share)
        if job.recipe.material is Material.PICTURES:
            return data.Crops(data.RandomCrops(store, learnt, settings, run.seed), share)
        # The other kind is drawn in an order of its own: nothing pairs the two.
        if job.degrade:
            spoilt = prepare(job.pictures, prepared_px(job), job.cache, progress, DEGRADATIONS[job.degrade])
            inputs, targets = data.RandomCrops(spoilt, learnt, settings, run.seed), (store, learnt)
        else:
            others = prepare(job.other, prepared_px(job), job.cache, progress)
            inputs, targets = data.RandomCrops(store, learnt, settings, run.seed), (others, np.arange(len(others)))
        return data.UnpairedCrops(inputs, data.RandomCrops(*targets, settings, run.seed + 1), share)


def part_held_out(count: int, held_out: int, seed: int) -> tuple[np.ndarray[Any, np.dtype[np.int64]], list[int]]:
    """Return which pictures are learnt from, and which are only looked at."""
    order = np.random.default_rng((seed, 0)).permutation(count)
    held_out = min(held_out, count // 4)
    return np.sort(order[held_out:]), sorted(int(index) for index in order[:held_out])


def load_paintings(style: Sequence[Path], sizes_px: Sequence[int], device: torch.device) -> tuple[Tensor, ...]:
    """Return each style picture at each size asked for: shorter side in pixels, never enlarged."""
    paintings = []
    for path in style:
        pixels = np.asarray(cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2RGB), np.uint8)
        for size_px in sizes_px:
            scale = min(1.0, size_px / min(pixels.shape[:2]))
            size = (max(32, round(pixels.shape[1] * scale)), max(32, round(pixels.shape[0] * scale)))
            scaled = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
            paintings.append(to_tensor(scaled[np.newaxis], device))
    return tuple(paintings)


def pictures_to_show(job: Job, store: PictureStore, held_out: Sequence[int]) -> list[Pixels]:
    """Return the Navy photo, a face as in a call, then the pictures held out. RGB, spoilt where that is the task."""
    previews = [np.array(store.picture(index)) for index in held_out]
    try:
        photo = read_picture(sample_photo())
        scale = 2 * job.run.crop_px / photo.shape[1]
        size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
        photo = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        previews.insert(0, np.asarray(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB), np.uint8))
    except CameraError:  # matplotlib carries it; a sheet without it is a sheet all the same
        pass
    if job.degrade:
        previews = [
            DEGRADATIONS[job.degrade](one, np.random.default_rng(number)) for number, one in enumerate(previews)
        ]
    return [cut_to_multiple(picture, job.recipe.multiple(job.own)) for picture in previews]


# -------------------------------------------------------------------------------------------------------------- loop


def train(run: Run[Job]) -> int:
    """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check."""
    job, fabric = run.job, run.fabric
    store = load_pictures(job, fabric)
    learnt, held_out = part_held_out(len(store), job.run.held_out, job.run.seed)
    previews = pictures_to_show(job, store, held_out)
    source = make_source(job, fabric, store, learnt)
    recipe = job.make_recipe(fabric)
    run.take_up(recipe)
    run.tell_left_out(store.skipped)
    return run.train(
        source,
        lambda step: show(job, recipe, previews, fabric.device, step),
        lambda step: step % job.run.preview_every == 0,
    )


def show(job: Job, recipe: Recipe, previews: Sequence[Pixels], device: torch.device, step: int) -> list[Pixels]:
    """Write the sheet: the painting, the pictures, what becomes of them. Return the last."""
    painted = paint_all(recipe, previews, device)
    before = [np.ascontiguousarray(picture[:, :, ::-1]) for picture in previews]
    sheet = [before, painted]
    if job.style:
        sheet.insert(0, [read_picture(path) for path in job.style])
    keep_sheet(job.out, sheet, step)
    return painted


# ------------------------------------------------------------------------------------------------------ command line


def read_command_line(words: Sequence[str]) -> Job:
    """Raises OptionError for anything that cannot be."""
    line = CommandLine("train_style", __doc__, RunSettings)
    line.choose_network(words, RECIPES)
    parser = line.parser
    parser.add_argument("--pictures", type=Path, nargs="+", required=True, metavar="DIR", help="what to learn on")
    parser.add_argument("--style", type=Path, nargs="+", default=[], metavar="PICTURE", help="the painting")
    parser.add_argument(
        "--style-size-px", type=int, nargs="+", default=[], metavar="PX",
        help="shorter side at which the painting is seen, one or several: the larger, the finer the strokes\n"
        "(default: as the crops)",
    )  # fmt: skip
    parser.add_argument(
        "--teacher", metavar="FILE",
        help="a checkpoint whose pictures are the answers, or a filter: " + ", ".join(FILTERS),
    )  # fmt: skip
    parser.add_argument("--other", type=Path, nargs="+", default=[], metavar="DIR", help="cyclegan: the other kind")
    parser.add_argument("--degrade", choices=list(DEGRADATIONS), default="", metavar="HOW",
        help="cyclegan: learn to mend what is spoilt so, with no other folder: " + ", ".join(DEGRADATIONS),
    )  # fmt: skip
    parser.add_argument("--start-from", type=Path, metavar="FILE", help="a checkpoint whose weights to begin with")
    parser.add_argument(
        "--loss-features", type=Path, metavar="FILE",
        help="lapstyle: another network's weights, a SqueezeNet's say, by which pictures are compared",
    )  # fmt: skip
    arguments, common = line.parse(words, "pictures", "perceptual losses")
    job = Job(
        **common,
        pictures=tuple(arguments.pictures),
        style=tuple(arguments.style),
        style_size_px=tuple(arguments.style_size_px or [common["run"].crop_px]),
        teacher=arguments.teacher,
        other=tuple(arguments.other),
        degrade=arguments.degrade,
        start_from=arguments.start_from,
        loss_features=arguments.loss_features,
    )
    check(job)
    return job


def check(job: Job) -> None:
    """Raise OptionError where what was asked does not go together."""
    recipe, run, network = job.recipe, job.run, job.network
    unpaired = recipe.material is Material.UNPAIRED
    if unpaired and bool(job.other) == bool(job.degrade):
        raise OptionError(f"{network} learns from two kinds of pictures: name the second with --other, or --degrade")
    if not unpaired and (job.other or job.degrade):
        raise OptionError(f"{network} learns from one kind of pictures; --other and --degrade are for cyclegan")
    if unpaired and job.teacher is not None:
        raise OptionError(f"{network} has no use for --teacher; brush and fast_neural_style do")
    multiple = recipe.multiple(job.own)
    if run.crop_px % multiple:
        raise OptionError(f"--crop-px {run.crop_px} is no multiple of {multiple}, which {network} needs")
    if recipe.needs_painting and not job.style and job.teacher is None:
        raise OptionError(f"{network} learns from a painting: name one with --style PICTURE (or --teacher)")
    if recipe.needs_features and job.features is None:
        raise OptionError(
            f"{network} compares pictures by a VGG's features: name its file with --features; {WHERE_FROM}"
        )
    if job.loss_features is not None and not recipe.takes_loss_features:
        raise OptionError(f"--loss-features is for lapstyle; {network} compares pictures by its --features")
    if run.least_scale > run.most_scale:
        raise OptionError(f"--least-scale {run.least_scale:g} is above --most-scale {run.most_scale:g}")
    if not all(32 <= size <= 4096 for size in job.style_size_px):
        raise OptionError("--style-size-px takes numbers from 32 to 4096")


def main(words: Sequence[str] | None = None) -> int:
    return run_command("train_style", words, read_command_line, train, smaller="--batch or --crop-px")


if __name__ == "__main__":
    keep_stderr()  # a log that dies must not end hours of work
    sys.exit(main())
