"""A woodblock print: a few flat inks in indigo, sand and red from blocks whose grain shows, and a line block."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, grain
from tools.networks.drawn.tones import Flattened, Outlines, Tone, cells, colour, large, luminance, pixels, steps

_TILE_PX = 512
_STEPS = (0.17, 0.36, 0.56, 0.78)
_SOFT = 0.04
_COOL = ((0.07, 0.10, 0.19), (0.13, 0.25, 0.42), (0.33, 0.50, 0.62), (0.70, 0.77, 0.76), (0.945, 0.91, 0.82))
_WARM = ((0.09, 0.09, 0.15), (0.40, 0.27, 0.24), (0.72, 0.53, 0.40), (0.91, 0.77, 0.60), (0.955, 0.905, 0.80))
_RED = (0.72, 0.24, 0.17)
_FADE = 0.75
"""How much of the uppermost rows is wiped with blue, as skies are."""


class Woodblock(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.cool = nn.ParameterList(colour(*one) for one in _COOL)
        self.warm = nn.ParameterList(colour(*one) for one in _WARM)
        self.red, self.sky, self.line = colour(*_RED), colour(0.30, 0.45, 0.62), colour(0.07, 0.09, 0.17)
        self.flattened, self.tone = Flattened(2.0), Tone(middle=0.58, contrast=0.24, kept=0.45)
        self.outlines = Outlines(1.15, 0.985, 75)
        self.grain = Tiled(grain(_TILE_PX, 40, 1.1, seed=2)).on_cells()
        fade = torch.tensor([1.0, 0.0, 0.0, 0.0]).view(1, 1, 4, 1)
        self.register_buffer("fade", fade, persistent=False)
        self.fade: Tensor

    def forward(self, rgb: Tensor) -> Tensor:
        lines = self.outlines(cells(luminance(rgb)))
        grain = self.grain(lines)
        half = self.flattened(functional.avg_pool2d(rgb, 2))
        tone = self.tone(luminance(half))
        red, green, blue = torch.split(half, 1, 1)
        warmth = (((red - blue) * 2.6 - 0.37) / 0.12 + 0.5).clamp(0, 1)
        # Red is what skin is not: its green lies far below, and not much above its blue.
        redness = ((red - 1.8 * green.maximum(blue) - 0.02) / 0.12 + 0.5).clamp(0, 1)
        sharp = cells(large(torch.cat([tone, warmth, redness], 1), rgb))
        tone, warmth, redness = torch.split(sharp, 4, 1)
        passed = steps(tone + 0.008 * grain, _STEPS, _SOFT)
        near = [(1 - (passed - number).abs()).clamp(0) for number in range(len(_COOL))]
        sky = (
            _FADE
            * functional.interpolate(self.fade, size=(lines.shape[2], 1), mode="bilinear")
            * ((tone - 0.5) * 3).clamp(0, 1)
        )
        inked = (0.35 + 0.17 * passed) * redness
        planes = []
        for channel in range(3):
            cool, warm = (
                sum((share * one[:, channel] for share, one in zip(near, ramp, strict=True)), torch.zeros_like(tone))
                for ramp in (self.cool, self.warm)
            )
            plane = cool + (warm - cool) * warmth
            plane = plane * (1 - redness) + self.red[:, channel] * inked
            plane = plane * (1 - sky * (1 - self.sky[:, channel])) * (1 + 0.03 * grain)
            line = self.line[:, channel]
            planes.append(line + (plane - line) * lines)
        return pixels(torch.cat(planes, 1)).clamp(0, 1)
