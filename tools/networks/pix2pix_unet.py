"""The U-Net generator of pix2pix (junyanz' naming), with batch or instance norm, any width and depth."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights

_MOST_LEVELS = 10


class _Level(nn.Module):
    """One level of the U with all below it. `outer` and `inner` are the channels above and in it."""

    def __init__(self, outer: int, inner: int, below: _Level | None, batch_norm: bool, *, outermost: bool) -> None:
        super().__init__()
        bias = not batch_norm
        down = nn.Conv2d(outer, inner, 4, stride=2, padding=1, bias=bias)
        up = nn.ConvTranspose2d(
            inner if below is None else 2 * inner, outer, 4, stride=2, padding=1, bias=bias or outermost
        )
        self.outermost = outermost
        if outermost:
            assert below is not None
            self.model = nn.Sequential(down, below, nn.ReLU(), up, nn.Tanh())
        elif below is None:
            self.model = nn.Sequential(nn.LeakyReLU(0.2), down, nn.ReLU(), up, _norm(outer, batch_norm))
        else:
            self.model = nn.Sequential(
                nn.LeakyReLU(0.2),
                down,
                _norm(inner, batch_norm),
                below,
                nn.ReLU(),
                up,
                _norm(outer, batch_norm),
            )

    def forward(self, features: Tensor) -> Tensor:
        drawn: Tensor = self.model(features)
        return drawn if self.outermost else torch.cat((features, drawn), 1)


class Pix2PixUnet(nn.Module):
    """RGB float [N, 3, H, W] in -1..1 to the same. H and W multiples of 2 to the number of levels.

    `widths` are the channels of each level, the outermost first (64, 128, 256, 512 … in the original).
    """

    def __init__(self, widths: Sequence[int], *, batch_norm: bool = True) -> None:
        super().__init__()
        below: _Level | None = None
        for outer, inner in reversed(list(zip((3, *widths), widths, strict=False))):
            below = _Level(outer, inner, below, batch_norm, outermost=outer == 3)
        assert below is not None
        self.model = below

    def forward(self, rgb: Tensor) -> Tensor:
        drawn: Tensor = self.model(rgb)
        return drawn


class Pix2PixUnetLayout(Layout):
    name = "pix2pix_unet"

    def recognises(self, weights: Weights) -> bool:
        telling = ("model.model.0.weight", "model.model.1.model.1.weight", "model.model.3.weight", "model.model.3.bias")
        return sum(name in weights for name in telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        batch_norm = "model.model.1.model.2.weight" in weights
        if not batch_norm:
            weights = weights.without("running_mean", "running_var")
        widths = [weights.shape("model.model.0.weight")[0]]
        prefix = "model.model.1."
        while f"{prefix}model.1.weight" in weights:
            widths.append(weights.shape(f"{prefix}model.1.weight")[0])
            prefix += "model.3."
        if len(widths) > _MOST_LEVELS:
            raise ModelError(
                f"{weights.where} has {len(widths)} levels; {_MOST_LEVELS} are the most, each halves a side"
            )
        if len(widths) < 2:
            raise ModelError(f"{weights.where} lacks the levels below the first; it is damaged, or built otherwise")
        network = Pix2PixUnet(widths, batch_norm=batch_norm)
        weights.fill(network)
        # Instance norm has nothing to norm where the innermost level is a single place: twice the size gives it four.
        multiple = 2 ** len(widths) * (1 if batch_norm else 2)
        return [Part(ModelKind.STYLE, network, PictureFormat(black=-1.0, white=1.0, multiple=multiple))]


def _norm(channels: int, batch_norm: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if batch_norm else nn.InstanceNorm2d(channels)
