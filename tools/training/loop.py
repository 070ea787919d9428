"""The life of a run, the same whatever is trained: steps, their rate, what is kept when, and every way to end."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from realtime.imaging.frame import Pixels
from tools.training import Recipe
from tools.training.data import Source, batches
from tools.training.job import TrainingJob
from tools.training.progress import steps_shown
from tools.training.run import Averages, LossLog, RunFolder
from tools.training.verdict import faults
from tools.training.views import write_curve

J = TypeVar("J", bound=TrainingJob[Any])
Look = Callable[[int], list[Pixels]]
"""Writes the sheet after so many steps and returns pictures made that were not learnt from, BGR."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Ended:
    """How the steps of one start of a run ended."""

    step: int
    """Steps made since the run began."""
    took_s: float
    broken: str
    """What became NaN or infinite, where something did: nothing was kept since."""


class Run(Generic[J]):
    """One start of a run: it makes or takes up the run's folder, and the steps go on from where that stands."""

    def __init__(self, job: J, fabric: Fabric, stopping: threading.Event, tell: Callable[[str], None]) -> None:
        """Raises OptionError where the folder holds another run, OutputError where it cannot be written."""
        self.job, self.fabric = job, fabric
        self._stopping = stopping
        self._is_first_process = fabric.is_global_zero
        self.tell = tell if self._is_first_process else _keep_silent
        self._folder = RunFolder(job.out, job.asked(), may_change=job.may_change)
        self.has_begun = self._folder.has_begun
        """Whether there is something to go on from."""

    def take_up(self, recipe: Recipe) -> int:
        """Put a new recipe where the run stands, and return how many steps are done.

        Raises ModelError for files that are damaged or of another run.
        """
        self._recipe = recipe
        self._averages = Averages(recipe.generators(), self.job.run.averaging)
        self._first = self._folder.load(recipe, self._averages, self.fabric.device)
        self._log = LossLog(self.job.out / "losses.csv", self._first)
        return self._first

    def tell_left_out(self, skipped: Sequence[str], strangers: int = 0) -> None:
        """Tell which files were of no use, and how many pictures no manifest knows."""
        if skipped:
            more = len(skipped) - 3
            self.tell(f"left out: {', '.join(skipped[:3])}" + (f" and {more} more" if more > 0 else ""))
        if strangers:
            self.tell(f"left out: {strangers} pictures that no manifest knows")

    def train(
        self, source: Source, look: Look, preview_due: Callable[[int], bool], *, begins_near: bool = False
    ) -> int:
        """Train to the end, or until asked to stop; return the exit code: 1 where the result fails its own check.

        `look` is called with the averaged weights in place. `begins_near`: as `faults` takes it.
        """
        if self._is_first_process:
            self._folder.write_asked()
        if self._first:
            self.tell(f"going on in {self.job.out} after step {self._first}")
        ended = self._make_steps(source, look, preview_due)
        if ended.broken:
            self._tell_broken(ended)
            return 1
        made = self._keep(ended.step, look)
        return self._verdict(ended, made, begins_near=begins_near) if self._is_first_process else 0

    def _make_steps(self, source: Source, look: Look, preview_due: Callable[[int], bool]) -> _Ended:
        """Make steps until all are made, somebody asks to stop, or numbers are no more numbers.

        What is kept between steps never has weights that are not finite; the last step's is left to the caller.
        """
        recipe, settings, fabric = self._recipe, self.job.run, self.fabric
        began_s, step, broken = time.monotonic(), self._first, ""
        with steps_shown(settings.steps, step, self.tell if self._is_first_process else None) as progress:
            for batch in batches(source, step, settings.steps, fabric.device, settings.memory_format, settings.seed):
                _set_rate(recipe, self.job.learning_rate * recipe.rate(step / settings.steps))
                try:
                    terms = recipe.step(batch)
                except RuntimeError as error:
                    if "non-finite" not in str(error):  # what clipping says of a gradient that cannot be clipped
                        raise
                    broken = "gradient"
                    break
                self._log.add(step, terms)
                step += 1
                progress(step, self._log.last())
                last, preview = step == settings.steps, preview_due(step)
                unsound = [name for name in terms if not math.isfinite(self._log.terms[name][-1])]
                stop, fail = _anybody(self._stopping.is_set(), bool(unsound), fabric)
                if (stop or last or preview or step % settings.save_every == 0) and not fail:
                    # A step can end in weights that only the next step's loss would tell of.
                    unsound = [] if _is_finite(recipe.generators().values()) else ["weights"]
                    fail = bool(unsound)  # the same in every process: they hold the same weights
                if fail:
                    broken = unsound[0] if unsound else "another process's loss"
                    break
                self._averages.follow(step - 1)
                if stop:
                    break
                if not last and (preview or step % settings.save_every == 0):
                    self._keep(step, look if preview else None)
        return _Ended(step, time.monotonic() - began_s, broken)

    def _keep(self, step: int, look: Look | None) -> list[Pixels]:
        """Save where the run stands, and look at it where asked to."""
        if not self._is_first_process:
            return []
        self._folder.save(self._recipe, self._averages, step)
        self._log.write()
        if look is None:
            return []
        self._averages.exchange()
        made = look(step)
        self._averages.exchange()
        title = f"{self.job.network}: {self.job.out.name}"
        write_curve(self.job.out / "curve.png", self._log.steps, self._log.terms, title)
        return made

    def _tell_broken(self, ended: _Ended) -> None:
        if not self._is_first_process:
            return
        self._log.write()
        checkpoint = self.job.out / "checkpoint.pth"
        kept = f"{checkpoint} is from before it" if checkpoint.is_file() else "it was too early to have kept anything"
        self.tell(
            f"'{ended.broken}' became NaN or infinite at step {ended.step}, so the run was stopped; {kept}: go on with "
            f"a lower --learning-rate than {self.job.learning_rate:g}"
        )

    def _verdict(self, ended: _Ended, made: Sequence[Pixels], *, begins_near: bool) -> int:
        out, steps_made = self.job.out, ended.step - self._first
        if steps_made:
            self.tell(f"{steps_made} steps in {ended.took_s:.0f} s, {steps_made / ended.took_s:.3g} a second")
        if ended.step < self.job.run.steps:
            self.tell(
                f"stopped after step {ended.step} of {self.job.run.steps}, kept in {out}; the same command goes on"
            )
            return 0
        found = faults(self._log.terms, made, begins_near=begins_near)
        for fault in found:
            self.tell(f"not good: {fault}")
        if not found:
            self.tell(f"{out / 'checkpoint.pth'} passed its check; look at {out / 'sheet.png'}")
        return 1 if found else 0


def _keep_silent(line: str) -> None:
    """Another process tells it."""


def _set_rate(recipe: Recipe, learning_rate: float) -> None:
    for optimizer in recipe.optimizers().values():
        for group in optimizer.param_groups:
            group["lr"] = learning_rate


def _is_finite(networks: Iterable[nn.Module]) -> bool:
    return all(bool(torch.isfinite(weight).all()) for network in networks for weight in network.parameters())


def _anybody(stopping: bool, failing: bool, fabric: Fabric) -> tuple[bool, bool]:
    """Tell whether any process wants to stop, or has failed. All must leave at the same step, or they wait for ever."""
    if fabric.world_size == 1:
        return stopping, failing
    asked = torch.tensor([float(stopping), float(failing)], device=fabric.device)
    found = fabric.all_reduce(asked, reduce_op="sum")
    assert isinstance(found, Tensor)
    return bool(found[0] > 0), bool(found[1] > 0)
