"""How networks are trained here: the contract of a recipe, and the table of those there are.

A recipe is what one step does: its networks, its optimizers, its losses. Pictures, steps, checkpoints, curves and
sheets are the same for all and lie beside it. To add one, write a module with a subclass of `Recipe` and give it a line
in `RECIPES`; its `Settings` become options of `tools.train_style` by themselves.
"""

from __future__ import annotations

import abc
import dataclasses
import enum
import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from realtime.core.registry import RegistryEntry
from tools.networks import PictureFormat
from tools.networks.features import PictureFeatures
from tools.training.data import Batch

M = TypeVar("M", bound=nn.Module)


class Material(enum.Enum):
    """What a recipe can learn from."""

    PICTURES = "pictures; or a teacher's answers to them, where one is named, as the batch's `others`"
    UNPAIRED = "two folders, the second as the batch's `others`"


@dataclasses.dataclass(frozen=True)
class RunInputs:
    """What the user gave beside pictures. Loaded, on the device."""

    paintings: tuple[Tensor, ...]
    """RGB float32 [1, 3, H, W], 0..1: each style picture at each size asked for."""
    features: PictureFeatures | None
    """By which pictures are compared; lapstyle is built on them as well."""
    learning_rate: float
    steps: int
    begun: bool = False
    """The network will begin with weights of an earlier run."""
    memory_format: torch.memory_format = torch.contiguous_format
    """How networks and pictures lie in memory."""
    loss_features: PictureFeatures | None = None
    """By which pictures are compared, where that is not done by `features`."""


class Recipe(abc.ABC):
    """One way to train. Built once, before the first step; all its networks are set up with `fabric`.

    The caller promises: `load` comes before the first `step`, steps come in order, `paint` changes nothing.
    """

    Settings: ClassVar[type[Any]]
    """A frozen dataclass of this recipe's options, each with `realtime.effects.setting(...)`: sizes of its networks,
    weights of its losses."""
    material: ClassVar[Material] = Material.PICTURES
    needs_painting: ClassVar[bool] = True
    needs_features: ClassVar[bool] = True
    takes_loss_features: ClassVar[bool] = False
    """Whether `RunInputs.loss_features` may be given: those whose network is built on `features`."""
    usual_rate: ClassVar[float] = 2e-3
    """The learning rate where none is asked for."""
    picture: ClassVar[PictureFormat]
    """Which pictures its generator takes."""

    @abc.abstractmethod
    def __init__(self, fabric: Fabric, inputs: RunInputs, settings: Any) -> None: ...

    @classmethod
    def multiple(cls, settings: Any) -> int:  # noqa: ARG003 - for those where it depends on their sizes
        """Return what the sides of crops and pictures must be multiples of."""
        return cls.picture.multiple

    @abc.abstractmethod
    def generators(self) -> Mapping[str, nn.Module]:
        """Return what is exported in the end, by suffix of its file (mostly one, with no suffix), without wrapping."""

    @abc.abstractmethod
    def others(self) -> Mapping[str, nn.Module]:
        """Return the other networks that learn: discriminators, levels still to be added."""

    @abc.abstractmethod
    def optimizers(self) -> Mapping[str, Optimizer]: ...

    @abc.abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Make one step and return its terms, detached, in the order a curve should name them.

        The first is the one that must fall. A term may be there in some steps only.
        """

    @abc.abstractmethod
    def paint(self, pictures: Tensor) -> Tensor:
        """Return RGB float [N, 3, H, W], 0..1, as the exported model would."""

    def rate(self, done: float) -> float:
        """Return the share of the learning rate at `done` (0..1) of the run: a short rise, then a cosine to nothing."""
        return cosine(done)

    def memory(self) -> dict[str, Any]:
        """Return what is remembered beside weights (tensors and plain values), so that a run goes on as it would."""
        return {}

    def remember(self, memory: Mapping[str, Any]) -> None:
        """Take back what `memory` returned."""
        assert not memory


def laid_out(network: M, memory_format: torch.memory_format) -> M:
    """Lay a network's weights out in memory as its pictures lie."""
    network.to(memory_format=memory_format)  # type: ignore[call-overload]  # missing in PyTorch's own types
    return network


def set_up_optimizer(fabric: Fabric, optimizer: Optimizer) -> Optimizer:
    """Let `fabric` take care of one optimizer whose networks were set up by themselves."""
    cared_for = fabric.setup_optimizers(optimizer)
    assert isinstance(cared_for, Optimizer)
    return cared_for


def cosine(done: float, rise: float = 0.01) -> float:
    """Return 0..1: a rise over the first hundredth, then half a cosine down to 0."""
    if done < rise:
        return (done + 1e-9) / rise
    return 0.5 + 0.5 * math.cos(math.pi * min(1.0, (done - rise) / (1 - rise)))


RECIPES: Mapping[str, RegistryEntry] = {
    # The first two can be taught by another network as well.
    "brush": RegistryEntry("tools.training.perceptual", "BrushRecipe", "the fast network that ships"),
    "fast_neural_style": RegistryEntry(
        "tools.training.perceptual", "FastNeuralStyleRecipe", "the usual network to compare with: 13 times slower"
    ),
    "lapstyle": RegistryEntry("tools.training.lapstyle", "LapStyleRecipe", "drafted small, revised level by level"),
    "cyclegan": RegistryEntry("tools.training.cyclegan", "CycleganRecipe", "one folder of pictures made like another"),
}
