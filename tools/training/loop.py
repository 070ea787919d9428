"""The life of a run, the same whatever is trained: steps, their rate, what is kept when, and every way to end."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from realtime.core.errors import OptionError
from realtime.core.settings import setting
from tools.training import Recipe
from tools.training.data import Source, batches
from tools.training.progress import steps_shown
from tools.training.run import Averages, LossLog


@dataclasses.dataclass(frozen=True)
class Computing:
    """What computes, and how: settings that every trainer has."""

    threads: int = dataclasses.field(default=0, metadata=setting("of the CPU; 0: PyTorch chooses", least=0))
    device: Literal["auto", "cpu", "cuda", "mps"] = dataclasses.field(default="auto", metadata=setting("what computes"))
    devices: int = dataclasses.field(default=1, metadata=setting("GPUs (or processes) on each machine", least=1))
    machines: int = dataclasses.field(default=1, metadata=setting("started with torchrun where more than 1", least=1))
    precision: Literal["auto", "full", "bf16"] = dataclasses.field(
        default="auto", metadata=setting("auto: bf16 on GPUs that have it, full precision elsewhere")
    )
    channels_last: bool = dataclasses.field(default=False, metadata=setting("colours of a pixel side by side"))

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format


class Course(Protocol):
    """The settings that say how long and how often."""

    @property
    def steps(self) -> int: ...
    @property
    def save_every(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Ended:
    """How the steps of one start of a run ended."""

    step: int
    """Steps made since the run began."""
    made: int
    """Of them since this start."""
    took_s: float
    broken: str
    """What became NaN or infinite, where something did: nothing was kept since."""

    def broken_line(self, checkpoint: Path, learning_rate: float) -> str:
        """Return what to tell of a run that broke."""
        kept = f"{checkpoint} is from before it" if checkpoint.is_file() else "it was too early to have kept anything"
        return (
            f"'{self.broken}' became NaN or infinite at step {self.step}, so the run was stopped; {kept}: go on with a "
            f"lower --learning-rate than {learning_rate:g}"
        )


def make_fabric(settings: Computing) -> Fabric:
    """Raises OptionError for a device that is not there."""
    cuda = settings.device in ("auto", "cuda") and torch.cuda.is_available()
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    if settings.precision == "bf16" or (settings.precision == "auto" and cuda and torch.cuda.is_bf16_supported()):
        precision = "bf16-mixed"
    several = settings.devices * settings.machines > 1
    try:
        return Fabric(
            accelerator=settings.device,
            devices=settings.devices,
            num_nodes=settings.machines,
            strategy="ddp" if several else "auto",
            precision=precision,
        )
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise OptionError(f"--device {settings.device} --devices {settings.devices}: {reason}") from error


def make_steps(
    recipe: Recipe,
    averages: Averages,
    log: LossLog,
    source: Source,
    course: Course,
    first: int,
    learning_rate: float,
    fabric: Fabric,
    memory_format: torch.memory_format,
    stopping: threading.Event,
    keep: Callable[[int, bool], object],
    preview_due: Callable[[int], bool],
    tell: Callable[[str], None],
) -> Ended:
    """Make the steps from number `first` on, until all are made, somebody asks to stop, or numbers are no more numbers.

    `keep(step, preview)` is called between steps, never with weights that are not finite, and not for the last step.
    """
    began_s, step, broken = time.monotonic(), first, ""
    with steps_shown(course.steps, first, tell if fabric.is_global_zero else None) as progress:
        for batch in batches(source, first, course.steps, fabric.device, memory_format, course.seed):
            _set_rate(recipe, learning_rate * recipe.rate(step / course.steps))
            try:
                terms = recipe.step(batch)
            except RuntimeError as error:
                if "non-finite" not in str(error):  # what clipping says of a gradient that cannot be clipped
                    raise
                return Ended(step, step - first, time.monotonic() - began_s, "gradient")
            log.add(step, terms)
            step += 1
            progress(step, log.last())
            last, preview = step == course.steps, preview_due(step)
            unsound = [name for name in terms if not math.isfinite(log.terms[name][-1])]
            stop, fail = _anybody(stopping.is_set(), bool(unsound), fabric)
            if (stop or last or preview or step % course.save_every == 0) and not fail:
                # A step can end in weights that only the next step's loss would tell of.
                unsound = [] if _is_finite(recipe.generators().values()) else ["weights"]
                fail = bool(unsound)  # the same in every process: they hold the same weights
            if fail:
                broken = unsound[0] if unsound else "another process's loss"
                break
            averages.follow(step - 1)
            if stop:
                break
            if not last and (preview or step % course.save_every == 0):
                keep(step, preview)
    return Ended(step, step - first, time.monotonic() - began_s, broken)


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
