"""Strokes in the colours of a painting: a ramp for what is cold, one for what is warm, light beside dark."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.strokes import Relief, Strokes
from tools.networks.drawn.tones import Blur, Enlarged, Flattened, Ramps, Seen, Tone, colour, luminance, skin

_APART = 0.55
"""How far a stroke lies from its neighbours, in steps of a ramp, at one deviation …"""
_QUIET = 14.0
"""… how much less where something is seen: on eyes and mouths strokes follow, and do not speak …"""
_ON_SKIN = 0.35
"""… and on skin: a face that fills the frame lost its eyes among strokes."""
_RELIEF = 0.07

Ramp = Sequence[tuple[float, float, float]]


class ColouredStrokes(DrawnStyle):
    def __init__(self, cool: Ramp, warm: Ramp, strokes: Strokes, tone: Tone) -> None:
        """`cool`, `warm`: colours from dark to light, as many of each."""
        super().__init__()
        self.paints, self.light = Ramps(cool, warm), colour(1.0, 1.0, 1.0)
        self.seen, self.flattened = Seen(), Flattened(1.5)
        self.near, self.tone = Blur(2.5, 2), tone
        self.strokes, self.relief, self.enlarged = strokes, Relief(), Enlarged()
        self.last = len(cool) - 1

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
        place = (broad + lightness) * self.last + apart * ridges
        cool, warm = self.paints(place)
        shine = torch.cat([_RELIEF * light * lit for light in self.light.unbind(1)], 1)
        painted: Tensor = cool + (warm - cool) * warmth + shine
        return painted
