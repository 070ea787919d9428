"""A comic's page: three inks and black in dots on cheap paper, each raster turned its own way, and outlines."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, screen
from tools.networks.drawn.tones import Blur, Outlines, cells, colour, large, luminance

_TILE_PX = 256
_TURNS = ((41, 11), (11, 41), (42, 0), (30, 30))
"""Of cyan, magenta, yellow and black: 6 pixels from dot to dot, at 15, 75, 0 and 45 degrees, as presses have them."""
_EDGE = 4.0
"""How steep a dot's edge is: of the screen's 0..1, a quarter is passed in one pixel."""
_SATURATION, _CONTRAST, _LIGHT = 1.5, 1.25, 0.57
_TAKEN_BY_BLACK = 0.55
"""Share of the grey in three inks that is printed black instead."""


class Comic(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.paper, self.black = colour(0.975, 0.955, 0.90), colour(0.09, 0.07, 0.11)
        self.cyan, self.magenta, self.yellow = (
            colour(0.0, 0.62, 0.87), colour(0.90, 0.08, 0.45), colour(1.0, 0.87, 0.05)
        )  # fmt: skip
        self.screens = nn.ModuleList(Tiled(_EDGE * screen(_TILE_PX, turns) - 0.5).on_cells() for turns in _TURNS)
        self.around = Blur(7.0, 1)
        self.outlines = Outlines(1.3, 0.985, 70)

    def paint(self, rgb: Tensor) -> Tensor:
        drawn = self.outlines(cells(luminance(rgb)))
        inks, key = self._inks(functional.avg_pool2d(rgb, 2))
        page: list[Tensor] = list(self.paper.unbind(1))
        for number, ink in enumerate((self.cyan, self.magenta, self.yellow)):
            dots = self._dots(inks[:, number : number + 1], number)
            page = [under * (1 - dots * (1 - own)) for under, own in zip(page, ink.unbind(1), strict=True)]
        bare = (1 - self._dots(key, 3)) * drawn
        return torch.cat([own + bare * (under - own) for under, own in zip(page, self.black.unbind(1), strict=True)], 1)

    def _inks(self, half: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much of three inks [1, 3, h, w] and of black [1, 1, h, w] is wanted."""
        light = luminance(half)
        broad = large(self.around(functional.avg_pool2d(light, 4)), light)
        lift = _LIGHT - 0.5 * _CONTRAST + (0.5 - broad) * 0.3
        grey = light * _CONTRAST + lift
        inks = 1 - (grey + (half - light) * (_CONTRAST * _SATURATION)).clamp(0, 1)
        cyan, magenta, yellow = torch.split(inks, 1, 1)
        common = cyan.minimum(magenta).minimum(yellow)
        return (inks - _TAKEN_BY_BLACK * common) / (1 - _TAKEN_BY_BLACK * common), (common - 0.38) * 2.6

    def _dots(self, wanted: Tensor, number: int) -> Tensor:
        dots: Tensor = _EDGE * wanted - self.screens[number](wanted)
        return dots.clamp(0, 1)
