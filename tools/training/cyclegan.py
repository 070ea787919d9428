"""CycleGAN (Zhu et al., 2017): one kind of pictures made into another, learnt from two folders without pairs.

Two generators, there and back; two judges of 70×70 patches, least squares; a picture that goes there and back must be
itself again, and one that already is of the other kind must stay as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from realtime.core.settings import setting
from tools.networks import PictureFormat
from tools.networks.cyclegan_resnet import CycleganResnet, CycleganResnetLayout
from tools.networks.patch_discriminator import PatchDiscriminator
from tools.training import Material, Recipe, RunInputs, laid_out, set_up_optimizer
from tools.training.data import Batch, painted_by


@dataclasses.dataclass(frozen=True)
class CycleganSettings:
    width: int = dataclasses.field(default=64, metadata=setting("channels at full size; 2 and 4 times below", least=1))
    blocks: int = dataclasses.field(default=9, metadata=setting("residual blocks at 1/4 of the size", least=2))
    resized: bool = dataclasses.field(
        default=False, metadata=setting("enlarge by resizing, not by transposed convolutions: no raster")
    )
    judge_width: int = dataclasses.field(default=64, metadata=setting("channels of the judges", least=1))
    cycle_weight: float = dataclasses.field(default=10.0, metadata=setting("there and back is where it was", least=0))
    identity_weight: float = dataclasses.field(
        default=5.0, metadata=setting("what is of the other kind already stays as it is", least=0)
    )
    pool: int = dataclasses.field(default=50, metadata=setting("earlier pictures the judges are shown again", least=0))


class PicturePool:
    """Earlier pictures of a generator: half of the time the judge is shown one of them, and forgets less."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.pictures: list[Tensor] = []
        """[3, H, W] uint8 each: as a screen would show them, and a twelfth of what a saved run would weigh else."""

    def exchanged(self, pictures: Tensor, draw: torch.Generator) -> Tensor:
        """Return `pictures` (float, -1..1), about half of them replaced by earlier ones, whose place they take."""
        shown = []
        for picture in pictures.detach():
            kept = ((picture.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
            if len(self.pictures) < self._size:
                self.pictures.append(kept)
            else:
                earlier, place = torch.rand(2, generator=draw, device=picture.device).tolist()
                if self._size and earlier < 0.5:
                    index = int(place * self._size)
                    kept, self.pictures[index] = self.pictures[index], kept
            shown.append(kept.float() / 127.5 - 1)
        return torch.stack(shown)


class CycleganRecipe(Recipe):
    """`pictures` become `others`: that generator is the one exported; the way back is kept beside it."""

    Settings: ClassVar = CycleganSettings
    material = Material.UNPAIRED
    needs_painting = False
    needs_features = False
    usual_rate = 2e-4
    picture: ClassVar[PictureFormat] = CycleganResnetLayout.picture

    def __init__(self, fabric: Fabric, inputs: RunInputs, settings: CycleganSettings) -> None:
        self._fabric = fabric
        self._settings = settings
        generators = [CycleganResnet(settings.width, settings.blocks, resized=settings.resized) for _ in range(2)]
        judges = [PatchDiscriminator(settings.judge_width) for _ in range(2)]
        for network in (*generators, *judges):
            network.apply(_begin_small)
            laid_out(network, inputs.memory_format)
        together = nn.ModuleDict({"there": generators[0], "back": generators[1]})
        there_and_back = Adam(together.parameters(), inputs.learning_rate, betas=(0.5, 0.999), foreach=True)
        judging = Adam(nn.ModuleList(judges).parameters(), inputs.learning_rate, betas=(0.5, 0.999), foreach=True)
        # Each network is set up by itself: what runs in several processes is one network's pass.
        self._there, self._back = (fabric.setup_module(network) for network in generators)
        self._judge_others, self._judge_pictures = (fabric.setup_module(network) for network in judges)
        self._generating = set_up_optimizer(fabric, there_and_back)
        self._judging = set_up_optimizer(fabric, judging)
        self._pools = PicturePool(settings.pool), PicturePool(settings.pool)

    def generators(self) -> Mapping[str, nn.Module]:
        return {"": self._there.module, "back": self._back.module}

    def others(self) -> Mapping[str, nn.Module]:
        return {"judge_others": self._judge_others.module, "judge_pictures": self._judge_pictures.module}

    def optimizers(self) -> Mapping[str, Optimizer]:
        return {"generating": self._generating, "judging": self._judging}

    def rate(self, done: float) -> float:
        """Return the paper's: whole for the first half, then straight down to nothing."""
        return min(1.0, 2 * (1 - done))

    def paint(self, pictures: Tensor) -> Tensor:
        # The network itself: its wrapping would wait for the other processes, which do not look at pictures.
        with self._fabric.autocast():
            return painted_by(self._there.module, self.picture, pictures)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        assert batch.others is not None
        settings, pictures, others = self._settings, batch.pictures * 2 - 1, batch.others * 2 - 1

        # Pictures to be changed and those to be left alone go through in one pass.
        made_others, left_others = self._there(torch.cat([pictures, others])).float().chunk(2)
        made_pictures, left_pictures = self._back(torch.cat([others, pictures])).float().chunk(2)
        again_pictures, again_others = self._back(made_others), self._there(made_pictures)
        terms = {
            "cycle": settings.cycle_weight
            * (functional.l1_loss(again_pictures, pictures) + functional.l1_loss(again_others, others)),
            "identity": settings.identity_weight
            * (functional.l1_loss(left_others, others) + functional.l1_loss(left_pictures, pictures)),
            "fooling": self._fooled(self._judge_others, made_others)
            + self._fooled(self._judge_pictures, made_pictures),
        }
        self._generating.zero_grad()
        self._fabric.backward(torch.stack(list(terms.values())).sum())
        self._generating.step()

        terms["judging"] = self._judged(
            self._judge_others, others, self._pools[0].exchanged(made_others, batch.noise)
        ) + self._judged(self._judge_pictures, pictures, self._pools[1].exchanged(made_pictures, batch.noise))
        self._judging.zero_grad()
        self._fabric.backward(terms["judging"])
        self._judging.step()
        return {name: term.detach() for name, term in terms.items()}

    def memory(self) -> dict[str, Any]:
        return {"pools": [list(pool.pictures) for pool in self._pools]}

    def remember(self, memory: Mapping[str, Any]) -> None:
        for pool, pictures in zip(self._pools, memory["pools"], strict=True):
            pool.pictures = [picture.clone() for picture in pictures]

    def _fooled(self, judge: Any, made: Tensor) -> Tensor:
        # The judge itself, not its wrapping: gradients pass through it and leave it as it is.
        network: nn.Module = judge.module
        network.requires_grad_(False)
        with self._fabric.autocast():
            verdicts = network(made).float()
        network.requires_grad_(True)
        return functional.mse_loss(verdicts, torch.ones_like(verdicts))

    @staticmethod
    def _judged(judge: Any, real: Tensor, made: Tensor) -> Tensor:
        is_real, is_made = judge(torch.cat([real, made])).float().chunk(2)
        fault: Tensor = functional.mse_loss(is_real, torch.ones_like(is_real)) + is_made.square().mean()
        return fault / 2  # judges learn half as fast as those they judge


def _begin_small(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
