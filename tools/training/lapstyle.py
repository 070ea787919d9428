"""Training LapStyle: the draft first, then one revision after the other, each with what lies below it at rest.

A draft should hold the picture's structure (content, self-similarity) and take the painting's statistics and its
features as a whole (mean and deviation, relaxed earth mover's distance). A revision is held to the same at its size,
and must pass for the painting before a judge that sees 7×7 pixels at a time.

The terms are the paper's and three more, palette, patches and light. Their weights are not: here each is relative (see
`losses.py`), and with the paper's figures self-similarity outweighed all that asks for paint.

The network is built on a VGG, and may be judged by another: through the VGG squeezed to a sixteenth, 4,000 steps came
to a weave of lines, the same on sky and skin, which that VGG takes for Starry Night.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from realtime.core.errors import OptionError
from realtime.core.settings import setting
from tools.networks import PictureFormat
from tools.networks.features import PictureFeatures, vgg_of
from tools.networks.lapstyle import STYLED, LapStyle, picture_format, pyramid, revised, statistics
from tools.networks.patch_discriminator import StrokeDiscriminator
from tools.networks.squeezenet import SqueezeNetFeatures
from tools.networks.vgg16x import VggFeatures
from tools.training import Recipe, RunInputs, cosine, laid_out, set_up_optimizer
from tools.training.data import Batch
from tools.training.losses import (
    earth_movers_distance,
    light_change,
    palette_distance,
    patch_distance,
    relative_distance,
    self_similarity_distance,
)

_VGG_LAYERS = ("relu31", "relu41"), ("relu11", "relu21", "relu31", "relu41", "relu51")
"""Those that hold the picture, those that hold the painting: the paper's."""
_SQUEEZENET_LAYERS = ("fire3", "fire5"), ("conv1", "fire3", "fire5", "fire7")
"""Their like: at a quarter and an eighth of the size; and from half of it to an eighth."""
_PATCH_LEVELS = 3
"""Sizes at which patches are compared: of a draft at a quarter, the largest is 112 pixels of the picture."""


@dataclasses.dataclass(frozen=True)
class LapStyleSettings:
    levels: int = dataclasses.field(
        default=2, metadata=setting("revisions, each twice the size of what it revises", least=0, most=4)
    )
    revision_width: int = dataclasses.field(default=64, metadata=setting("channels of a revision", least=1))
    judge_width: int = dataclasses.field(default=32, metadata=setting("channels of the judges", least=1))
    draft_share: float = dataclasses.field(
        default=0.5,
        metadata=setting("part of the steps for the draft; revisions share the rest", least=0.05, most=0.95),
    )
    content_weight: float = dataclasses.field(default=1.0, metadata=setting("hold the picture's features", least=0))
    similarity_weight: float = dataclasses.field(
        default=3.0, metadata=setting("parts that were alike stay alike, and only those", least=0)
    )
    style_weight: float = dataclasses.field(
        default=10.0, metadata=setting("mean and deviation of features are the painting's", least=0)
    )
    transport_weight: float = dataclasses.field(
        default=60.0, metadata=setting("every feature has its like in the painting, and the reverse", least=0)
    )
    palette_weight: float = dataclasses.field(
        default=4.0, metadata=setting("paint with the painting's colours, and as much of each", least=0)
    )
    patch_weight: float = dataclasses.field(
        default=4.0, metadata=setting("be made of the painting's patches, small and large", least=0)
    )
    light_weight: float = dataclasses.field(default=4.0, metadata=setting("hold broad light and shade", least=0))
    identity_weight: float = dataclasses.field(
        default=20.0, metadata=setting("a draft with the picture's own statistics is the picture", least=0)
    )
    judge_weight: float = dataclasses.field(default=0.5, metadata=setting("pass for the painting by strokes", least=0))


class LapStyleRecipe(Recipe):
    """Draft, then revisions. The whole network paints at any time: a revision that has not learnt yet adds nothing."""

    Settings: ClassVar = LapStyleSettings
    usual_rate = 1e-3
    takes_loss_features = True
    picture: ClassVar[PictureFormat] = picture_format(0)

    def __init__(self, fabric: Fabric, inputs: RunInputs, settings: LapStyleSettings) -> None:
        features = vgg_of(inputs.features, "lapstyle")
        assert features is not None
        self._fabric, self._settings = fabric, settings
        self._features = inputs.loss_features or features
        self._content_layers, self._style_layers = _layers(self._features)
        self._steps = inputs.steps
        network = LapStyle(features.encoder(), settings.levels, settings.revision_width)
        network.bake([painting.cpu() for painting in inputs.paintings])
        fabric.to_device(network)
        self._network = laid_out(network, inputs.memory_format)
        parts: list[nn.Module] = [self._network.draft, *self._network.revisions]
        self._parts = [fabric.setup_module(part) for part in parts]
        judges = [StrokeDiscriminator(settings.judge_width) for _ in range(settings.levels)]
        self._judges = [fabric.setup_module(laid_out(judge, inputs.memory_format)) for judge in judges]

        def adam(module: nn.Module) -> Optimizer:
            return set_up_optimizer(fabric, Adam(module.parameters(), inputs.learning_rate, betas=(0.5, 0.99)))

        self._optimizers = [adam(part) for part in self._parts]
        self._judging = [adam(judge) for judge in self._judges]
        self._paintings = [pyramid(painting, settings.levels) for painting in inputs.paintings]
        self._wanted = [self._statistics_of_paintings(level) for level in range(settings.levels + 1)]

    @classmethod
    def multiple(cls, settings: LapStyleSettings) -> int:
        # Twice what the network itself needs: the losses look at a layer deeper than its encoder.
        return 2 * picture_format(settings.levels).multiple

    def generators(self) -> Mapping[str, nn.Module]:
        return {"": self._network}

    def others(self) -> Mapping[str, nn.Module]:
        return {f"judge_{level}": judge.module for level, judge in enumerate(self._judges, 1)}

    def optimizers(self) -> Mapping[str, Optimizer]:
        learning = {f"level_{level}": optimizer for level, optimizer in enumerate(self._optimizers)}
        return learning | {f"judge_{level}": optimizer for level, optimizer in enumerate(self._judging, 1)}

    def rate(self, done: float) -> float:
        """Return a rise and a cosine for the draft, and for each revision again."""
        return cosine(self._stage(done)[1])

    def paint(self, pictures: Tensor) -> Tensor:
        with self._fabric.autocast():
            painted: Tensor = self._network(pictures)
        return painted.float()

    def step(self, batch: Batch) -> dict[str, Tensor]:
        level, _ = self._stage(batch.step / self._steps)
        with self._fabric.autocast():
            painted, picture, identity = self._painted(batch.pictures, level)
            terms = self._likeness(painted, picture, batch, level)
            if identity is not None:
                terms["identity"] = self._settings.identity_weight * functional.mse_loss(identity.float(), picture)
            likeness = torch.stack(list(terms.values())).sum()
            if level:
                terms["fooling"] = self._settings.judge_weight * self._fooled(level, painted)
        total = torch.stack(list(terms.values())).sum()
        optimizer = self._optimizers[level]
        optimizer.zero_grad()
        self._fabric.backward(total)
        optimizer.step()
        if level:
            terms["judging"] = self._judge(level, painted.detach(), batch)
        # Each level has a line of its own in the curve: what is asked at two sizes cannot be compared.
        name = f"revision {level}" if level else "draft"
        return {key: term.detach() for key, term in {name: likeness, **terms}.items()}

    def _stage(self, done: float) -> tuple[int, float]:
        """Return which level learns (0: the draft) and how much of its time is over."""
        levels, draft = self._settings.levels, self._settings.draft_share if self._settings.levels else 1.0
        if done < draft:
            return 0, done / draft
        later = (done - draft) / (1 - draft) * levels if draft < 1 else 0.0
        level = min(int(later), levels - 1)
        return level + 1, min(1.0, later - level)

    def _painted(self, pictures: Tensor, level: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return what `level` paints, the picture at its size, and the draft of it with its own statistics."""
        sizes = pyramid(pictures, self._settings.levels)
        with torch.no_grad():
            features = self._network.encoder(sizes[0], STYLED)
            styled = self._network.styled(features)
        if level == 0:
            own = [features[name] for name in STYLED]
            both = self._parts[0](*(torch.cat(pair) for pair in zip(styled, own, strict=True)))
            painted, identity = both.chunk(2)
            return painted, sizes[0], identity
        with torch.no_grad():
            painted = self._network.draft(*styled)
            for below in range(1, level):
                painted = revised(self._network.revisions[below - 1], painted, sizes[below - 1], sizes[below])
        return revised(self._parts[level], painted, sizes[level - 1], sizes[level]), sizes[level], None

    def _likeness(self, painted: Tensor, picture: Tensor, batch: Batch, level: int) -> dict[str, Tensor]:
        settings, wanted = self._settings, self._wanted[level]
        layers, paintings = self._content_layers, [sizes[level] for sizes in self._paintings]
        found = self._features(painted, self._style_layers)
        with torch.no_grad():
            shown = self._features(picture, layers)
            strokes = self._features(paintings[batch.step % len(paintings)], layers)
        content = [functional.mse_loss(_normalised(found[name]), _normalised(shown[name])) for name in layers]
        style = []
        for name in self._style_layers:
            for own, target in zip(statistics(found[name].float()), wanted[name], strict=True):
                style.append(relative_distance(own, target.expand_as(own)))
        similarity = [self_similarity_distance(found[name], shown[name], batch.noise) for name in layers]
        transport = [earth_movers_distance(found[name], strokes[name], batch.noise) for name in layers]
        terms = {
            "content": settings.content_weight * torch.stack(content).mean(),
            "similarity": settings.similarity_weight * torch.stack(similarity).mean(),
            "style": settings.style_weight * torch.stack(style).mean(),
            "transport": settings.transport_weight * torch.stack(transport).mean(),
            "palette": settings.palette_weight * palette_distance(painted, paintings, batch.noise),
        }
        if settings.patch_weight:
            patches = patch_distance(painted, paintings, _PATCH_LEVELS, batch.noise)
            terms["patches"] = settings.patch_weight * patches
        if settings.light_weight:
            terms["light"] = settings.light_weight * light_change(painted, picture)
        return terms

    def _statistics_of_paintings(self, level: int) -> dict[str, tuple[Tensor, Tensor]]:
        with torch.no_grad():
            each = [self._features(sizes[level], self._style_layers) for sizes in self._paintings]
        found = {name: [statistics(features[name]) for features in each] for name in self._style_layers}
        return {
            name: (torch.stack([mean for mean, _ in both]).mean(0), torch.stack([spread for _, spread in both]).mean(0))
            for name, both in found.items()
        }

    def _fooled(self, level: int, painted: Tensor) -> Tensor:
        # The judge itself, not its wrapping: gradients pass through it and leave it as it is.
        judge = self._judges[level - 1].module
        judge.requires_grad_(False)
        verdicts = judge(painted).float()
        judge.requires_grad_(True)
        return functional.mse_loss(verdicts, torch.ones_like(verdicts))

    def _judge(self, level: int, painted: Tensor, batch: Batch) -> Tensor:
        """Let the judge of `level` learn to tell the painting from what was painted, and return its fault."""
        real = self._strokes(level, painted.shape, batch)
        is_real, is_made = self._judges[level - 1](torch.cat([real, painted.to(real.dtype)])).float().chunk(2)
        fault: Tensor = (functional.mse_loss(is_real, torch.ones_like(is_real)) + is_made.square().mean()) / 2
        self._judging[level - 1].zero_grad()
        self._fabric.backward(fault)
        self._judging[level - 1].step()
        return fault

    def _strokes(self, level: int, shape: torch.Size, batch: Batch) -> Tensor:
        """Return crops of the painting at the size of `level`, as many and as large as `shape` says."""
        painting = self._paintings[batch.step % len(self._paintings)][level][0]
        missing = [max(0, shape[side] - painting.shape[side - 1]) for side in (2, 3)]
        painting = functional.pad(painting[None], (0, missing[1], 0, missing[0]), mode="circular")[0]
        room = [painting.shape[side - 1] - shape[side] + 1 for side in (2, 3)]
        places = torch.rand((shape[0], 2), generator=batch.noise, device=batch.noise.device).tolist()
        crops = []
        for down, right in places:
            top, left = int(down * room[0]), int(right * room[1])
            crops.append(painting[:, top : top + shape[2], left : left + shape[3]])
        return torch.stack(crops)


def _layers(features: PictureFeatures) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the layers that hold the picture and those that hold the painting. Raises OptionError for others."""
    if isinstance(features, SqueezeNetFeatures):
        return _SQUEEZENET_LAYERS
    if isinstance(features, VggFeatures):
        return _VGG_LAYERS
    raise OptionError("lapstyle compares pictures by a VGG or a SqueezeNet; --loss-features is another network's")


def _normalised(features: Tensor) -> Tensor:
    mean, deviation = statistics(features.float())
    return (features.float() - mean) / deviation
