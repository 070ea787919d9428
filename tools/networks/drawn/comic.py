"""A comic's page: three inks and black in dots on cheap paper, each raster turned its own way, and outlines."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, screen
from tools.networks.drawn.tones import Blur, Outlines, cells, colour, large, luminance, pixels, smoothing

_TILE_PX = 256
_TURNS = ((41, 11), (11, 41), (42, 0), (30, 30))
"""Of cyan, magenta, yellow and black: 6 pixels from dot to dot, at 15, 75, 0 and 45 degrees, as presses have them."""
_EDGE = 4.0
"""How steep a dot's edge is: of the screen's 0..1, a quarter is passed in one pixel."""
_SATURATION, _CONTRAST, _LIGHT = 1.7, 1.3, 0.55
_TAKEN_BY_BLACK = 0.55
"""Share of the grey in three inks that is printed black instead."""


class Comic(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.paper = colour(0.975, 0.955, 0.90)
        self.black = colour(0.09, 0.07, 0.11)
        self.cyan, self.magenta, self.yellow = (
            colour(0.0, 0.62, 0.87), colour(0.90, 0.08, 0.45), colour(1.0, 0.87, 0.05)
        )  # fmt: skip
        self.screens = nn.ModuleList(Tiled(screen(_TILE_PX, turns)).on_cells() for turns in _TURNS)
        self.around = Blur(7.0, 1)
        self.soft = smoothing(1.4)
        self.outlines = Outlines(1.3, 0.985, 70)

    def forward(self, rgb: Tensor) -> Tensor:
        light = luminance(rgb)
        drawn = self.outlines(cells(light))
        red, green, blue = torch.split(cells(rgb), 4, 1)
        smooth = self.soft(torch.cat([red, green, blue], 0))  # each colour as a picture of its own
        broad = large(self.around(functional.avg_pool2d(light, 8)), drawn)
        exposed = smooth * _CONTRAST + (_LIGHT - 0.5 * _CONTRAST + (0.5 - broad) * 0.3)
        grey = 0.299 * exposed[:1] + 0.587 * exposed[1:2] + 0.114 * exposed[2:]
        inks = 1 - (grey + (exposed - grey) * _SATURATION).clamp(0, 1)
        common = inks.amin(0, keepdim=True)
        kept = 1 - _TAKEN_BY_BLACK * common
        inks = (inks - _TAKEN_BY_BLACK * common) / kept
        page: list[Tensor] = list(self.paper.unbind(1))
        for number, ink in enumerate((self.cyan, self.magenta, self.yellow)):
            dots = self._dots(inks[number : number + 1], number)
            page = [under * (1 - dots * (1 - own)) for under, own in zip(page, ink.unbind(1), strict=True)]
        black = 1 - (1 - self._dots((common - 0.38) * 2.6, 3)) * drawn
        return pixels(
            torch.cat([under + black * (own - under) for under, own in zip(page, self.black.unbind(1), strict=True)], 1)
        )

    def _dots(self, wanted: Tensor, number: int) -> Tensor:
        dots: Tensor = (wanted - self.screens[number](wanted)) * _EDGE + 0.5
        return dots.clamp(0, 1)
