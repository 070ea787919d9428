"""A comic's page: three inks and black in dots on cheap paper, each raster turned its own way, and outlines."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, screen
from tools.networks.drawn.tones import Blur, Outlines, Seen, colour, large

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
            colour(0.02, 0.62, 0.87), colour(0.90, 0.08, 0.45), colour(1.0, 0.87, 0.05)
        )  # fmt: skip
        self.seen = Seen()
        self.screens = nn.ModuleList(Tiled(_EDGE * screen(_TILE_PX, turns) - 0.5).on_cells() for turns in _TURNS)
        self.around = Blur(7.0, 1)
        self.outlines = Outlines(1.3, 0.985, 70)

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, half, grey = self.seen(rgb)
        inks, key = self._inks(half, grey)
        wanted = [*torch.split(inks, 1, 1), key]
        dots = [(_EDGE * one - plate(one)).clamp(0, 1) for one, plate in zip(wanted, self.screens, strict=True)]
        black = 1 - (1 - dots[3]) * self.outlines(lightness)
        # Ink over ink swallows its share of what is left: densities are added.
        colours = torch.stack([each.view(3) for each in (self.cyan, self.magenta, self.yellow, self.black)], 1)
        weight = torch.kron(colours.log(), torch.eye(4))[:, :, None, None]
        bare = self.paper.view(3).log().repeat_interleave(4)
        return functional.conv2d(torch.cat([*dots[:3], black], 1), weight, bare).exp()

    def _inks(self, half: Tensor, grey: Tensor) -> tuple[Tensor, Tensor]:
        """Return how much of three inks [1, 3, h, w] and of black [1, 1, h, w] is wanted."""
        broad = large(self.around(functional.avg_pool2d(grey, 4)), grey)
        lift = _LIGHT - 0.5 * _CONTRAST + (0.5 - broad) * 0.3
        inks = 1 - (grey * (_CONTRAST - _CONTRAST * _SATURATION) + lift + half * (_CONTRAST * _SATURATION)).clamp(0, 1)
        cyan, magenta, yellow = torch.split(inks, 1, 1)
        common = cyan.minimum(magenta).minimum(yellow)
        return (inks - _TAKEN_BY_BLACK * common) / (1 - _TAKEN_BY_BLACK * common), (common - 0.38) * 2.6
