"""Feed-forward styles by perceptual losses (Johnson et al., 2016), for any network from a picture to a picture.

Content: the features of the painted picture are those of the picture. Style: their Gram matrices are the painting's.
Beside them, terms that a live picture needs: what is painted must not change with the camera's noise or with a step
to the side, and light and edges of the face may be held.

With a teacher, its pictures take the place of both: their pixels and their features are what is learnt.
"""

from __future__ import annotations

import abc
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from realtime.core.settings import setting
from tools.networks import PictureFormat
from tools.networks.brush import Brush
from tools.networks.brush_layout import BrushLayout
from tools.networks.fast_neural_style import FastNeuralStyle, FastNeuralStyleLayout
from tools.training import Recipe, RunInputs, laid_out
from tools.training.data import Batch, painted_by
from tools.training.losses import (
    content_distance,
    edge_change,
    light_change,
    overshoot,
    palette_distance,
    patch_distance,
    rasterizer,
    reduced,
    roughness,
    skin_cooling,
    style_distance,
    style_targets,
)

_USUAL_NOISE = 0.016
"""Mean difference between two frames of a still scene, in parts of white: grain of 2 % in good indoor light."""
_PLAIN = 4.0
"""Weight of the plain picture while nothing else is asked for: any, so that clipping does not slow it down."""
_LEAST_PX = 32
"""Side of the smallest picture whose features are asked for: less, and the deepest are one place."""
_CLIP = 1.0
"""Longest gradient: a network without normalisation is thrown off by a single strange crop otherwise."""


@dataclasses.dataclass(frozen=True)
class PerceptualSettings:
    plain_steps: int = dataclasses.field(
        default=150,
        metadata=setting("first steps, a fifth of all at most: it learns to paint the picture as it is", least=0),
    )
    content_weight: float = dataclasses.field(default=0.4, metadata=setting("hold what the picture shows", least=0))
    style_weight: float = dataclasses.field(default=0.5, metadata=setting("paint as the painting is painted", least=0))
    palette_weight: float = dataclasses.field(
        default=0.0, metadata=setting("paint with the painting's colours, and as much of each", least=0)
    )
    patch_weight: float = dataclasses.field(
        default=12.0, metadata=setting("be made of the painting's patches, small and large", least=0)
    )
    patch_levels: int = dataclasses.field(
        default=4, metadata=setting("sizes at which patches are compared, each half of the one before", least=1, most=5)
    )
    together: float = dataclasses.field(
        default=0.0,
        metadata=setting("share of style asked of a batch as a whole, not of each picture alone", least=0, most=1),
    )
    smooth_weight: float = dataclasses.field(default=0.0, metadata=setting("total variation: no speckle", least=0))
    steady_weight: float = dataclasses.field(
        default=0.004, metadata=setting("paint the same under camera noise and small movements", least=0)
    )
    steady_noise: float = dataclasses.field(
        default=0.03, metadata=setting("strongest noise tried, in parts of white", least=0, most=0.5)
    )
    steady_shift_px: int = dataclasses.field(default=0, metadata=setting("furthest movement tried", least=0, most=32))
    answer_weight: float = dataclasses.field(
        default=2.0, metadata=setting("with a teacher: paint the very pixels it paints", least=0)
    )
    likeness_weight: float = dataclasses.field(
        default=1.0, metadata=setting("with a teacher: paint what has the features of its pictures", least=0)
    )
    light_weight: float = dataclasses.field(default=0.2, metadata=setting("hold broad light and shade", least=0))
    skin_weight: float = dataclasses.field(default=0.0, metadata=setting("leave skin half of its warmth", least=0))
    edge_weight: float = dataclasses.field(default=0.0, metadata=setting("hold the picture's own edges", least=0))
    range_weight: float = dataclasses.field(default=10.0, metadata=setting("stay between black and white", least=0))
    raster_weight: float = dataclasses.field(default=20.0, metadata=setting("paint no grid of 2×2 pixels", least=0))
    style_sizes: int = dataclasses.field(
        default=3, metadata=setting("sizes at which style is compared, each half of the one before", least=1, most=3)
    )
    content_layers: str = dataclasses.field(
        default="",
        metadata=setting("features that stand for content, with shares: relu31:1,relu41:0.5; empty: what suits them"),
    )
    style_layers: str = dataclasses.field(
        default="", metadata=setting("features that stand for style, as above; empty: what suits them")
    )


@dataclasses.dataclass(frozen=True)
class BrushSettings(PerceptualSettings):
    fine: int = dataclasses.field(default=16, metadata=setting("channels at 1/2 of the size", least=1))
    middle: int = dataclasses.field(default=32, metadata=setting("channels at 1/4", least=1))
    blocks: int = dataclasses.field(default=3, metadata=setting("residuals at 1/4 of the size", least=0))
    deep: int = dataclasses.field(default=0, metadata=setting("channels at 1/8, for larger strokes; 0: none", least=0))
    deep_blocks: int = dataclasses.field(default=4, metadata=setting("residuals at 1/8 of the size", least=0))


@dataclasses.dataclass(frozen=True)
class FastNeuralStyleSettings(PerceptualSettings):
    width: int = dataclasses.field(default=32, metadata=setting("channels at full size; 2 and 4 times below", least=1))
    blocks: int = dataclasses.field(default=5, metadata=setting("residual blocks at 1/4 of the size", least=0))


class PerceptualRecipe(Recipe):
    """Content, style and what keeps a live picture calm."""

    def __init__(self, fabric: Fabric, inputs: RunInputs, settings: PerceptualSettings) -> None:
        assert inputs.features is not None
        self._fabric = fabric
        self._settings = settings
        self._plain_steps = 0 if inputs.begun else min(settings.plain_steps, inputs.steps // 5)
        self._features = inputs.features
        self._paintings = inputs.paintings
        known = inputs.features.widths()
        self._content = layer_shares(settings.content_layers or inputs.features.CONTENT_LAYERS, known)
        self._style = layer_shares(settings.style_layers or inputs.features.STYLE_LAYERS, known)
        self._targets = [
            style_targets(inputs.features, [reduced(one, level) for one in inputs.paintings], self._style)
            for level in range(sizes_seen(inputs.paintings, settings.style_sizes) if inputs.paintings else 0)
        ]
        network = laid_out(self._network(settings), inputs.memory_format)
        # "foreach" makes one pass over all weights instead of sixty small ones: a tenth of a step on two cores.
        optimizer = Adam(network.parameters(), inputs.learning_rate, betas=(0.9, 0.99), foreach=True)
        self._network_set_up, self._optimizer = fabric.setup(network, optimizer)

    @abc.abstractmethod
    def _network(self, settings: PerceptualSettings) -> nn.Module: ...

    def generators(self) -> Mapping[str, nn.Module]:
        return {"": self._network_set_up.module}

    def others(self) -> Mapping[str, nn.Module]:
        return {}

    def optimizers(self) -> Mapping[str, Optimizer]:
        return {"network": self._optimizer}

    def paint(self, pictures: Tensor) -> Tensor:
        # The network itself: its wrapping would wait for the other processes, which do not look at pictures.
        with self._fabric.autocast():
            return painted_by(self._network_set_up.module, self.picture, pictures)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        settings, pictures = self._settings, batch.pictures
        torch.manual_seed(batch.noise.initial_seed())  # a network may draw too (Brush its canvas): by the step as well
        disturbance = Disturbance.drawn(batch, settings.steady_noise, settings.steady_shift_px)
        steady = settings.steady_weight > 0 and (settings.steady_noise > 0 or settings.steady_shift_px > 0)
        # One pass for both: several passes before a backward are what distributed training takes badly.
        given = torch.cat([pictures, disturbance.apply(pictures)]) if steady else pictures
        painted_both = self._paint(given)
        painted, painted_disturbed = painted_both[: len(pictures)], painted_both[len(pictures) :]

        if batch.others is None and batch.step < self._plain_steps:
            terms = {"plain": _PLAIN * (painted - pictures).abs().mean()}
        else:
            terms = self._aims(painted, batch)
            if steady:
                terms["steady"] = settings.steady_weight * disturbance.difference(painted, painted_disturbed)
        total = torch.stack(list(terms.values())).sum()
        self._optimizer.zero_grad()
        self._fabric.backward(total)
        self._fabric.clip_gradients(self._network_set_up, self._optimizer, max_norm=_CLIP)
        self._optimizer.step()
        # What must fall is the total of what is aimed at afterwards.
        counted = total if "plain" not in terms else torch.zeros_like(total)
        return {name: term.detach() for name, term in {"total": counted, **terms}.items()}

    def _aims(self, painted: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return what is asked of painted pictures by themselves."""
        settings, pictures = self._settings, batch.pictures
        terms = self._likeness(painted, batch)
        terms["range"] = settings.range_weight * overshoot(painted)
        if settings.palette_weight and batch.others is None:
            terms["palette"] = settings.palette_weight * palette_distance(painted, self._paintings, batch.noise)
        if settings.patch_weight and batch.others is None:
            terms["patches"] = settings.patch_weight * patch_distance(
                painted, self._paintings, settings.patch_levels, batch.noise, together=settings.together
            )
        if settings.smooth_weight and batch.others is None:
            terms["smooth"] = settings.smooth_weight * roughness(painted)
        if settings.light_weight and batch.others is None:
            terms["light"] = settings.light_weight * light_change(painted, pictures)
        if settings.skin_weight and batch.others is None:
            terms["skin"] = settings.skin_weight * skin_cooling(painted, pictures)
        if settings.edge_weight and batch.others is None:
            terms["edges"] = settings.edge_weight * edge_change(painted, pictures)
        if settings.raster_weight:
            terms["raster"] = settings.raster_weight * rasterizer(painted)
        return terms

    def _likeness(self, painted: Tensor, batch: Batch) -> dict[str, Tensor]:
        """Return what the painted picture should be like: its subject and the painting, or a teacher's picture."""
        settings = self._settings
        with self._fabric.autocast():
            found = self._features(painted, {*self._content, *self._style})
            with torch.no_grad():
                model = batch.pictures if batch.others is None else batch.others
                wanted = self._features(model, self._content if batch.others is None else found)
        if batch.others is not None:
            return {
                "answer": settings.answer_weight * (painted - batch.others).abs().mean(),
                "likeness": settings.likeness_weight * content_distance(found, wanted, dict.fromkeys(found, 1.0)),
            }
        return {
            "content": settings.content_weight * content_distance(found, wanted, self._content),
            "style": settings.style_weight * self._style_distance(painted, found),
        }

    def _style_distance(self, painted: Tensor, found: Mapping[str, Tensor]) -> Tensor:
        """Return the mean over the sizes of painted pictures; `found`: their features at full size."""
        together = self._settings.together
        each = [style_distance(found, self._targets[0], self._style, together=together)]
        for level, targets in enumerate(self._targets[1 : sizes_seen([painted], len(self._targets))], 1):
            with self._fabric.autocast():
                smaller = self._features(reduced(painted, level), self._style)
            each.append(style_distance(smaller, targets, self._style, together=together))
        return torch.stack(each).mean()

    def _paint(self, pictures: Tensor) -> Tensor:
        return painted_by(self._network_set_up, self.picture, pictures)


class BrushRecipe(PerceptualRecipe):
    Settings: ClassVar = BrushSettings
    picture = BrushLayout.picture

    def _network(self, settings: PerceptualSettings) -> nn.Module:
        assert isinstance(settings, BrushSettings)
        brush = Brush(
            settings.fine, settings.middle, settings.blocks, settings.deep, settings.deep_blocks, normalised=True
        )
        _begin_grey(brush.head)
        return brush


def _begin_grey(head: nn.Conv2d) -> None:
    """Begin with grey, as near to every picture as can be, and with the four pixels of a place alike: no grid that has
    to be unlearnt first.
    """
    with torch.no_grad():
        colours = head.weight.view(3, 4, *head.weight.shape[1:])
        colours.copy_(colours[:, :1].expand_as(colours).clone())
        assert head.bias is not None
        head.bias.fill_(0.5)


class FastNeuralStyleRecipe(PerceptualRecipe):
    Settings: ClassVar = FastNeuralStyleSettings
    picture: ClassVar[PictureFormat] = FastNeuralStyleLayout.picture

    def _network(self, settings: PerceptualSettings) -> nn.Module:
        assert isinstance(settings, FastNeuralStyleSettings)
        return FastNeuralStyle((settings.width, 2 * settings.width, 4 * settings.width), settings.blocks)


@dataclasses.dataclass(frozen=True)
class Disturbance:
    """What a camera does to a still scene: grain, and a step to the side."""

    noise: Tensor
    """As the pictures disturbed, which are half of the batch: that teaches as well and costs half."""
    down_px: int
    right_px: int

    @classmethod
    def drawn(cls, batch: Batch, most_noise: float, most_px: int) -> Disturbance:
        count, device, draw = (len(batch.pictures) + 1) // 2, batch.pictures.device, batch.noise
        strength = torch.rand((count, 1, 1, 1), generator=draw, device=device) * most_noise
        noise = torch.randn((count, *batch.pictures.shape[1:]), generator=draw, device=device) * strength
        down, right = torch.randint(-most_px, most_px + 1, (2,), generator=draw, device=device).tolist()
        return cls(noise, down, right)

    def apply(self, pictures: Tensor) -> Tensor:
        return torch.roll(pictures[: len(self.noise)], (self.down_px, self.right_px), (2, 3)) + self.noise

    def difference(self, painted: Tensor, disturbed: Tensor) -> Tensor:
        """Return the mean difference after moving the disturbed ones back, in units of a camera's noise: 1 is a picture
        that flickers as the camera's own does.

        Looked at far enough from the edges that the other side of the picture, which has come in there, does not count.
        """
        back = torch.roll(disturbed, (-self.down_px, -self.right_px), (2, 3))
        margin = min(painted.shape[2] // 4, 32) if self.down_px or self.right_px else 0
        inner = (..., slice(margin, painted.shape[2] - margin), slice(margin, painted.shape[3] - margin))
        return (back[inner] - painted[: len(disturbed)][inner]).abs().mean() / _USUAL_NOISE


def sizes_seen(pictures: Sequence[Tensor], most: int) -> int:
    """Return at how many sizes, each half of the one before, features see pictures [N, C, H, W]: `most`, or fewer where
    they become too small.
    """
    least_px = min(side for picture in pictures for side in picture.shape[2:])
    return max(1, min(most, int(math.log2(max(1.0, least_px / _LEAST_PX))) + 1))


def layer_shares(text: str, known: Mapping[str, object]) -> dict[str, float]:
    """Read `relu31:1,relu41:0.5`. Raises OptionError for a layer the features do not have or a share below 0."""
    from realtime.core.errors import OptionError, nearest

    shares: dict[str, float] = {}
    for item in text.split(","):
        name, _, share = item.strip().partition(":")
        if name not in known:
            raise OptionError(f"'{name}' is no layer{nearest(name, known)}; there are: {', '.join(known)}")
        try:
            shares[name] = float(share or "1")
        except ValueError:
            shares[name] = -1.0
        if not 0 <= shares[name] < float("inf"):
            raise OptionError(f"'{item}': a layer's share is a number from 0 on, as in {name}:0.5")
    if sum(shares.values()) <= 0:
        raise OptionError(f"'{text}' leaves no layer; give at least one of them a share above 0")
    return shares
