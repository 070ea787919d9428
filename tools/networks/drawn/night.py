"""A night as Van Gogh's: swirling strokes of blue and yellow, light ones beside dark ones."""

from __future__ import annotations

import torch
from torch import Tensor

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.strokes import Relief, Strokes, swirling
from tools.networks.drawn.tones import Blur, Enlarged, Flattened, Ramps, Seen, Tone, colour, luminance, skin

_COOL = (
    (0.04, 0.06, 0.17), (0.08, 0.17, 0.42), (0.20, 0.38, 0.68),
    (0.46, 0.66, 0.80), (0.80, 0.86, 0.62), (0.97, 0.90, 0.50),
)  # fmt: skip
_WARM = (
    (0.06, 0.06, 0.12), (0.25, 0.19, 0.20), (0.58, 0.42, 0.16),
    (0.85, 0.66, 0.22), (0.96, 0.84, 0.42), (0.99, 0.95, 0.72),
)  # fmt: skip
"""From dark to light, of what is cold and of what is warm."""
_LAST = len(_COOL) - 1
_APART = 0.55
"""How far a stroke lies from its neighbours, in steps of those colours, at one deviation …"""
_QUIET = 14.0
"""… how much less where something is seen: on eyes and mouths strokes follow, and do not speak …"""
_ON_SKIN = 0.35
"""… and on skin: a face that fills the frame lost its eyes among strokes."""


class Night(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.paints, self.light = Ramps(_COOL, _WARM), colour(1.0, 1.0, 1.0)
        self.seen, self.flattened = Seen(), Flattened(1.5)
        self.near = Blur(2.5, 2)
        self.tone = Tone(middle=0.47, contrast=0.24, kept=0.4)
        self.strokes, self.relief = Strokes(11.0, 1.5, 3.0, swirling(0.012), seed=60), Relief()
        self.enlarged = Enlarged()

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, half, light = self.seen(rgb)
        flat = self.flattened(half, light)
        grey = luminance(flat)
        red, _, blue = torch.split(flat, 1, 1)
        warmth = (((red - blue) * 3 - 0.2) / 0.3 + 0.5).clamp(0, 1)
        lost = light - grey
        quiet, face = torch.split(self.near(torch.cat([lost.abs(), skin(flat)], 1)), 1, 1)
        apart = _APART * (1 - (1 - _ON_SKIN) * face) / (1 + _QUIET * quiet)
        ridges, lit = self.relief(self.strokes(grey))
        # What is finer than half the size comes back whole, of the rest four fifths.
        broad = self.enlarged(self.tone(grey) + 0.8 * lost - light)
        place = (broad + lightness) * _LAST + apart * ridges
        cool, warm = self.paints(place)
        shine = torch.cat([0.07 * light * lit for light in self.light.unbind(1)], 1)
        painted: Tensor = cool + (warm - cool) * warmth + shine
        return painted
