"""What a command that trains was asked for: settings that all have, and a job, its command line read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

import torch
from lightning_fabric import Fabric

from realtime.core.settings import setting
from tools.exporting.checkpoint import read_checkpoint
from tools.networks.features import PictureFeatures, features_from
from tools.training import Recipe, RunInputs, laid_out
from tools.training.faces import Augmentation

R = TypeVar("R", bound=Recipe)

MAY_CHANGE = frozenset(
    {
        *("steps", "save_every", "preview_every", "preview_minutes", "threads", "device", "devices", "machines"),
        *("precision", "channels_last", "learning_rate"),
    }
)
"""What a run that goes on may be asked differently, whatever it trains."""


@dataclasses.dataclass(frozen=True)
class TrainingSettings:
    """What computes, how long, and what is kept of it. Each command has its own defaults."""

    threads: int = dataclasses.field(default=0, metadata=setting("of the CPU; 0: PyTorch chooses", least=0))
    device: Literal["auto", "cpu", "cuda", "mps"] = dataclasses.field(default="auto", metadata=setting("what computes"))
    devices: int = dataclasses.field(default=1, metadata=setting("GPUs (or processes) on each machine", least=1))
    machines: int = dataclasses.field(default=1, metadata=setting("started with torchrun where more than 1", least=1))
    precision: Literal["auto", "full", "bf16"] = dataclasses.field(
        default="auto", metadata=setting("auto: bf16 on GPUs that have it, full precision elsewhere")
    )
    channels_last: bool = dataclasses.field(default=False, metadata=setting("colours of a pixel side by side"))
    steps: int = dataclasses.field(default=4000, metadata=setting("how long", least=1))
    learning_rate: float | None = dataclasses.field(
        default=None, metadata=setting("at its height; none: what suits the network", least=0, most=1)
    )
    averaging: float = dataclasses.field(
        default=0.99, metadata=setting("running mean of the weights: part kept each step", least=0, most=0.99999)
    )
    seed: int = dataclasses.field(default=1, metadata=setting("of everything drawn by chance", least=0, most=2**31))
    save_every: int = dataclasses.field(default=250, metadata=setting("steps between checkpoints", least=1))

    @property
    def memory_format(self) -> torch.memory_format:
        return torch.channels_last if self.channels_last else torch.contiguous_format


@dataclasses.dataclass(frozen=True)
class FaceSettings(TrainingSettings):
    """What is chosen for networks that learn from faces."""

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
    preview_minutes: float = dataclasses.field(
        default=3.0, metadata=setting("between sheets, curves and figures", least=0.01, unit="minutes")
    )

    def augmentation(self, side_px: int, warp: float = 0.0) -> Augmentation:
        """Return how faces of this side are changed from step to step."""
        return Augmentation(side_px, warp, self.turn, self.zoom, self.move, self.flip, self.light)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingJob(Generic[R]):
    """A command line, read. A subclass adds what is learnt from."""

    network: str
    recipe: type[R]
    run: TrainingSettings
    own: Any  # recipe.Settings
    features: Path | None
    out: Path
    cache: Path
    may_change: ClassVar[frozenset[str]] = MAY_CHANGE

    def asked(self) -> dict[str, Any]:
        """Return it as texts and numbers, for the run's folder and the checkpoint."""
        return {
            "network": self.network,
            "features": str(self.features or ""),
            **dataclasses.asdict(self.run),
            **dataclasses.asdict(self.own),
        }

    @property
    def learning_rate(self) -> float:
        return self.recipe.usual_rate if self.run.learning_rate is None else self.run.learning_rate

    def inputs(self, device: torch.device) -> RunInputs:
        """Return what the recipe is given beside pictures. Raises ModelError for a VGG's file that is none."""
        features = self.load_features(self.features, device)
        return RunInputs((), features, self.learning_rate, self.run.steps, False, self.run.memory_format)

    def make_recipe(self, fabric: Fabric) -> R:
        """Make the recipe, its weights drawn by the seed. Raises ModelError as `inputs` does."""
        torch.manual_seed(self.run.seed)
        return self.recipe(fabric, self.inputs(fabric.device), self.own)

    def load_features(self, path: Path | None, device: torch.device) -> PictureFeatures | None:
        """Return the network that a file of weights is; nothing for no file. Raises ModelError as `inputs` does."""
        if path is None:
            return None
        network = features_from(read_checkpoint(path), str(path))
        return laid_out(network.to(device), self.run.memory_format)


def begin_with(recipe: Recipe, checkpoint: Path) -> None:
    """Give a recipe's first network an earlier run's weights. Raises ModelError where they do not fit."""
    network = next(iter(recipe.generators().values()))
    learnt = {name for name, weight in network.named_parameters() if weight.requires_grad}
    read_checkpoint(checkpoint).fill(network)  # which also freezes it, as whoever exports wants
    for name, weight in network.named_parameters():
        weight.requires_grad_(name in learnt)
    network.train()


def texts(paths: tuple[Path, ...]) -> list[str]:
    """Return paths as `asked` holds them."""
    return [str(path) for path in paths]
