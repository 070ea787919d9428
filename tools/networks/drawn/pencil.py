"""A pencil drawing: contours, and hatching that is denser in the shade, on rough paper."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, grain, hatching
from tools.networks.drawn.tones import Blur, Outlines, Tone, cells, colour, in_colours, luminance

_TILE_PX = 256
_TONES = (0.88, 0.76, 0.65, 0.53, 0.42, 0.30)
_BARE = 0.2
"""Of all tones, from white on, those that the paper stands for."""


class Pencil(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.lead, self.paper = colour(0.16, 0.16, 0.18), colour(0.965, 0.955, 0.93)
        self.tone = Tone(middle=0.6, contrast=0.24, kept=0.5)
        self.smooth = Blur(1.0, 1)
        self.fine, self.broad = Outlines(1.0, 0.985, 45), Outlines(1.7, 0.985, 25)
        self.hatching = Tiled(hatching(_TILE_PX, _TONES, seed=3)).on_cells()
        self.grain = Tiled(grain(_TILE_PX, 0.8, 0.8, seed=1)).on_cells()

    def paint(self, rgb: Tensor) -> Tensor:
        light = luminance(rgb)
        seen = cells(light)
        grain = self.grain(seen)
        small = self.smooth(self.tone(functional.avg_pool2d(light, 2)))  # strokes are wider than a cell
        dark = ((1 - small - _BARE) / (1 - _BARE)).clamp(0, 1) * len(_TONES)
        drawn = (1 - dark).clamp(0) + torch.zeros_like(seen)
        for number, strokes in enumerate(torch.split(self.hatching(seen), 4, 1), 1):
            drawn = drawn + (1 - (dark - number).abs()).clamp(0) * strokes
        contours = (1.05 - 0.75 * self.fine(seen) - 0.3 * self.broad(seen)) * (1 + 0.25 * grain)
        drawn = drawn * (1 - contours.clamp(0, 1))
        paper = (1 - (1 - drawn) * (1 + 0.12 * grain)).clamp(0, 1)
        return in_colours(paper, self.lead, self.paper)
