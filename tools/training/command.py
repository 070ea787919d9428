"""What the commands that train have in common: their job, their folder, their ends. Each says what it learns from, and
what its sheet shows.
"""

from __future__ import annotations

import argparse
import dataclasses
import logging
import shutil
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import cv2
import platformdirs
import torch
from lightning_fabric import Fabric

from realtime.core.argument_parser import Parser
from realtime.core.errors import OptionError, RealtimeError, nearest
from realtime.core.settings import setting
from realtime.imaging.frame import Pixels
from realtime.system.signals import graceful_shutdown
from tools.exporting.checkpoint import read_checkpoint
from tools.networks.vgg16x import VggFeatures, features_from
from tools.training import Given, Recipe, laid_out
from tools.training.data import Source
from tools.training.loop import Computing, Ended, make_fabric, make_steps
from tools.training.run import Averages, LossLog, RunFolder
from tools.training.verdict import faults
from tools.training.views import write_curve, write_sheet

J = TypeVar("J", bound="Job")
Tell = Callable[[str], None]

MAY_CHANGE = frozenset(
    {"steps", "save_every", "threads", "device", "devices", "machines", "precision", "channels_last", "learning_rate"}
)
"""What a run that goes on may be asked differently, whatever it trains."""


@dataclasses.dataclass(frozen=True)
class RunSettings(Computing):
    """What is chosen for every network alike; each command has its own defaults."""

    steps: int = dataclasses.field(default=4000, metadata=setting("how long", least=1))
    learning_rate: float | None = dataclasses.field(
        default=None, metadata=setting("at its height; none: what suits the network", least=0, most=1)
    )
    averaging: float = dataclasses.field(
        default=0.99, metadata=setting("running mean of the weights: part kept each step", least=0, most=0.99999)
    )
    seed: int = dataclasses.field(default=1, metadata=setting("of everything drawn by chance", least=0, most=2**31))
    save_every: int = dataclasses.field(default=250, metadata=setting("steps between checkpoints", least=1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A command line, read. A subclass says whose settings and recipe, and adds what is learnt from."""

    network: str
    recipe: type[Recipe]
    run: RunSettings
    own: Any  # recipe.Settings
    features: Path | None
    out: Path
    cache: Path

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint."""
        return {
            "network": self.network,
            "features": str(self.features or ""),
            **dataclasses.asdict(self.run),
            **dataclasses.asdict(self.own),
        }

    @property
    def memory_format(self) -> torch.memory_format:
        return self.run.memory_format

    @property
    def learning_rate(self) -> float:
        return self.recipe.usual_rate if self.run.learning_rate is None else self.run.learning_rate

    def load_features(self, device: torch.device) -> VggFeatures | None:
        """Return the VGG that was named, if one was. Raises ModelError for a file that is none."""
        if self.features is None:
            return None
        network = features_from(read_checkpoint(self.features), str(self.features))
        return laid_out(network.to(device), self.memory_format)

    def given(self, device: torch.device) -> Given:
        """Return what a recipe is given that learns from pictures alone."""
        features = self.load_features(device)
        return Given((), features, self.learning_rate, self.run.steps, False, self.memory_format)


def teller(command: str) -> Tell:
    """Return what tells a line on standard error, as `command`."""
    return lambda line: print(f"{command}: {line}", file=sys.stderr)


def add_folders(parser: Parser, what: str) -> None:
    """Give a parser the folder of a run, and of prepared `what`."""
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="the run's folder")
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("realtime") / "training", metavar="DIR",
        help=f"where prepared {what} are kept (default: the user's cache)",
    )  # fmt: skip


def network_in(words: Sequence[str], known: Mapping[str, object], default: str = "") -> str:
    """Find the network first: its recipe has options of its own. Raises OptionError for one that there is not."""
    parser = Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("--network", default=default)
    network = str(parser.parse_known_args(words)[0].network)
    if network and network not in known:
        raise OptionError(f"no network '{network}'{nearest(network, known)}; there are: {', '.join(known)}")
    return network


def parser_of(command: str, description: str | None) -> Parser:
    """Return a parser whose help keeps the lines of `description`."""
    name = f"python -m tools.{command}"
    return Parser(name, description=description, formatter_class=argparse.RawTextHelpFormatter)


def train_on(
    job: Job,
    fabric: Fabric,
    folder: RunFolder,
    recipe: Recipe,
    averages: Averages,
    first: int,
    source: Source,
    look: Callable[[int], list[Pixels]],
    preview_due: Callable[[int], bool],
    stopping: threading.Event,
    tell: Tell,
    *,
    begins_near: bool = False,
) -> int:
    """Train from step `first` to the end, or until asked to stop; return the exit code: 1 where the result fails its
    own check.

    `look(step)` writes the sheet, with the averaged weights in place, and returns pictures made that were not learnt
    from, BGR. `begins_near`: as `faults` takes it.
    """
    log = LossLog(job.out / "losses.csv", first)

    def keep(step: int, preview: bool) -> list[Pixels]:
        """Save where the run stands; with `preview`, look at it too."""
        if not fabric.is_global_zero:
            return []
        folder.save(recipe, averages, step)
        log.write()
        if not preview:
            return []
        averages.exchange()
        made = look(step)
        averages.exchange()
        write_curve(job.out / "curve.png", log.steps, log.terms, f"{job.network}: {job.out.name}")
        return made

    if fabric.is_global_zero:
        folder.write_asked()
        if first:
            tell(f"going on in {job.out} after step {first}")
    ended = make_steps(
        recipe, averages, log, source, job.run, first, job.learning_rate, fabric, job.memory_format, stopping,
        keep, preview_due, tell,
    )  # fmt: skip
    if ended.broken:
        if fabric.is_global_zero:
            log.write()
            tell(ended.broken_line(job.out / "checkpoint.pth", job.learning_rate))
        return 1
    made = keep(ended.step, True)
    return _verdict(job, ended, log, made, tell, begins_near=begins_near) if fabric.is_global_zero else 0


def _verdict(job: Job, ended: Ended, log: LossLog, made: Sequence[Pixels], tell: Tell, *, begins_near: bool) -> int:
    if ended.made:
        tell(f"{ended.made} steps in {ended.took_s:.0f} s, {ended.made / ended.took_s:.3g} a second")
    if ended.step < job.run.steps:
        tell(f"stopped after step {ended.step} of {job.run.steps}, kept in {job.out}; the same command goes on")
        return 0
    found = faults(log.terms, made, begins_near=begins_near)
    for fault in found:
        tell(f"not good: {fault}")
    if not found:
        tell(f"{job.out / 'checkpoint.pth'} passed its check; look at {job.out / 'sheet.png'}")
    return 1 if found else 0


def keep_sheet(folder: Path, columns: Sequence[Sequence[Pixels]], step: int) -> None:
    """Write a run's sheet, and keep it among those of earlier steps."""
    write_sheet(folder / "sheet.png", columns)
    shutil.copyfile(folder / "sheet.png", folder / "previews" / f"{step:06d}.png")


def run_command(
    words: Sequence[str] | None,
    read: Callable[[Sequence[str]], J],
    train: Callable[[J, Fabric, threading.Event], int],
    tell: Tell,
    *,
    smaller: str = "--batch",
) -> int:
    """Read a command line and train; return the exit code. `smaller`: what to ask less of where memory is short."""
    stopping = threading.Event()
    try:
        job = read(sys.argv[1:] if words is None else words)
        if job.run.threads:
            torch.set_num_threads(job.run.threads)
            cv2.setNumThreads(job.run.threads)
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # what was chosen is in the run's folder
        fabric = make_fabric(job.run)
        fabric.launch()
        with graceful_shutdown(stopping.set):
            return train(job, fabric, stopping)
    except torch.cuda.OutOfMemoryError:
        tell(f"the GPU's memory is full; try a smaller {smaller}")
        return 2
    except RealtimeError as error:
        tell(str(error))
        return 2
