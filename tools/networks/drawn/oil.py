"""Thick oil paint: strokes along what is seen, each a ridge in the light."""

from __future__ import annotations

import torch
from torch import Tensor

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.strokes import Relief, Strokes, flowing
from tools.networks.drawn.tones import Blur, Enlarged, Flattened, Seen, colour, luminance, skin

_SATURATION = 1.3
_BODY, _LIGHT = 0.10, 0.09
_ON_SKIN = 0.5
"""How thick paint lies on skin, against elsewhere."""


class Oil(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.varnish, self.light = colour(1.0, 0.985, 0.94), colour(1.0, 0.98, 0.93)
        self.seen, self.flattened = Seen(), Flattened(1.4)
        self.near = Blur(2.5, 1)
        self.strokes, self.relief = Strokes(8.0, 1.0, 3.0, flowing(0.002), seed=40), Relief()
        self.enlarged = Enlarged(3)

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, half, light = self.seen(rgb)
        flat = self.flattened(half, light)
        grey = luminance(flat)
        ridges, lit = self.relief(self.strokes(grey) * (1 - (1 - _ON_SKIN) * self.near(skin(flat))))
        # Flat patches alone wipe out eyes and mouths: half of what they lost comes back, as touches over the paint, and
        # what is finer than half the size, of its lightness alone.
        touched = (_SATURATION - 0.5) * flat + 0.5 * half + (1 - _SATURATION) * grey
        fine = 0.5 * lightness - 0.5 * light
        body = 1 + _BODY * ridges
        painted = [
            (plane + fine) * (varnish * body) + (_LIGHT * light) * lit
            for plane, varnish, light in zip(
                torch.split(self.enlarged(touched), 4, 1), self.varnish.unbind(1), self.light.unbind(1), strict=True
            )
        ]
        return torch.cat(painted, 1)
