"""A woodblock print: a few flat inks in indigo, sand and red from blocks whose grain shows, and a line block."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, grain
from tools.networks.drawn.tones import Enlarged, Flattened, Outlines, Ramps, Seen, Tone, colour, luminance, steps

_TILE_PX = 512
_STEPS = (0.17, 0.36, 0.56, 0.78)
_SOFT = 0.04
_COOL = ((0.07, 0.10, 0.19), (0.13, 0.25, 0.42), (0.33, 0.50, 0.62), (0.70, 0.77, 0.76), (0.945, 0.91, 0.82))
_WARM = ((0.09, 0.09, 0.15), (0.40, 0.27, 0.24), (0.72, 0.53, 0.40), (0.91, 0.77, 0.60), (0.955, 0.905, 0.80))
_RED = ((0.25, 0.08, 0.06), (0.37, 0.12, 0.09), (0.50, 0.17, 0.12), (0.62, 0.21, 0.15), (0.74, 0.25, 0.18))
"""From dark to light, of what is cold, warm and red."""
_FADE = 0.75
"""How much of the uppermost rows is wiped with blue, as skies are."""


class Woodblock(DrawnStyle):
    fade: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.inks = Ramps(_COOL, _WARM, _RED)
        self.sky, self.line = colour(0.30, 0.45, 0.62), colour(0.07, 0.09, 0.17)
        self.seen, self.enlarged = Seen(), Enlarged()
        self.flattened, self.tone = Flattened(2.0), Tone(middle=0.58, contrast=0.24, kept=0.45)
        self.outlines = Outlines(1.15, 0.985, 75)
        self.grain = Tiled(grain(_TILE_PX, 40, 1.1, seed=2)).on_cells()
        self.register_buffer("fade", torch.tensor([1.0, 0.0, 0.0, 0.0]).view(1, 1, 4, 1), persistent=False)

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, half, light = self.seen(rgb)
        lines = self.outlines(lightness)
        grain = self.grain(lines)
        flat = self.flattened(half, light)
        red, green, blue = torch.split(flat, 1, 1)
        warmth = (((red - blue) * 2.6 - 0.37) / 0.12 + 0.5).clamp(0, 1)
        # Red is what skin is not: its green lies far below, and not much above its blue.
        redness = ((red - 1.8 * green.maximum(blue) - 0.02) / 0.12 + 0.5).clamp(0, 1)
        # Enlarged before it is cut into steps, so that their edges are as sharp as the frame.
        tone = self.enlarged(self.tone(luminance(flat)))
        cool, warm, crimson = self.inks(steps(tone + 0.008 * grain, _STEPS, _SOFT))
        printed = cool + (warm - cool) * warmth
        printed = printed + (crimson - printed) * redness
        rows = functional.interpolate(self.fade, size=(lines.shape[2], 1), mode="bilinear")
        sky = _FADE * rows * (tone * 3 - 1.5).clamp(0, 1)
        inked = [
            line + (plane * (1 - sky * (1 - blue)) * (1 + 0.03 * grain) - line) * lines
            for plane, blue, line in zip(
                torch.split(printed, 4, 1), self.sky.unbind(1), self.line.unbind(1), strict=True
            )
        ]
        return torch.cat(inked, 1)
