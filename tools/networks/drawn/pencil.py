"""A pencil drawing: contours, and hatching that is denser in the shade, on rough paper."""

from __future__ import annotations

import torch
from torch import Tensor

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, grain, hatching
from tools.networks.drawn.tones import Blur, Outlines, Seen, Tone, colour, in_colours, skin

_TILE_PX = 256
_TONES = (0.88, 0.76, 0.65, 0.53, 0.42, 0.30)
_BARE = 0.2
"""Of all tones, from white on, those that the paper stands for."""
_ON_SKIN = 0.5
"""How much of its shade a face gets: hatched like a coat, it lost its eyes among the strokes."""


class Pencil(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.lead, self.paper = colour(0.16, 0.16, 0.18), colour(0.965, 0.955, 0.93)
        self.seen, self.tone = Seen(), Tone(middle=0.6, contrast=0.24, kept=0.5)
        self.smooth = Blur(1.0, 2)
        self.fine, self.broad = Outlines(1.0, 0.985, 45), Outlines(1.7, 0.985, 25)
        sheets = hatching(_TILE_PX, _TONES, seed=3)
        # From each sheet to the next: what a little more shade adds.
        self.strokes = Tiled(sheets - [1 + 0 * sheets[0], *sheets[:-1]]).on_cells()
        self.grain = Tiled(grain(_TILE_PX, 0.8, 0.8, seed=1)).on_cells()

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, colours, half = self.seen(rgb)
        grain = self.grain(lightness)
        # Strokes are wider than a cell.
        tone, face = torch.split(self.smooth(torch.cat([self.tone(half), skin(colours)], 1)), 1, 1)
        dark = (1 - _BARE - tone) * (len(_TONES) / (1 - _BARE)) * (1 - (1 - _ON_SKIN) * face)
        lead = torch.zeros_like(lightness)
        for number, strokes in enumerate(torch.split(self.strokes(lightness), 4, 1)):
            lead = lead - (dark - number).clamp(0, 1) * strokes
        contours = (1.05 - 0.75 * self.fine(lightness) - 0.3 * self.broad(lightness)) * (1 + 0.25 * grain)
        drawn = (1 - lead) * (1 - contours.clamp(0, 1))
        paper = (1 - (1 - drawn) * (1 + 0.12 * grain)).clamp(0, 1)
        return in_colours(paper, self.lead, self.paper)
