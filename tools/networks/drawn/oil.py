"""Thick oil paint: strokes along what is seen, each a ridge in the light."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.strokes import Strokes, flowing, relief
from tools.networks.drawn.tones import Blur, Flattened, cells, colour, large, luminance, skin

_SATURATION = 1.3
_BODY, _LIGHT = 0.10, 0.09
_ON_SKIN = 0.5
"""How thick paint lies on skin, against elsewhere."""


class Oil(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.varnish, self.light = colour(1.0, 0.985, 0.94), colour(1.0, 0.98, 0.93)
        self.flattened = Flattened(1.4)
        self.near = Blur(2.5, 1)
        self.strokes = Strokes(8.0, 1.0, 3.0, flowing(0.002), seed=40)

    def paint(self, rgb: Tensor) -> Tensor:
        half = functional.avg_pool2d(rgb, 2)
        flat = self.flattened(half)
        grey = luminance(flat)
        ridges, lit = relief(self.strokes(grey) * (1 - (1 - _ON_SKIN) * self.near(skin(flat))), rgb)
        # Flat patches alone wipe out eyes and mouths: half of what they lost comes back, as touches over the paint.
        touched = grey + (flat - grey) * _SATURATION + 0.5 * (half - flat) - 0.5 * half
        paint = torch.split(cells(large(touched, rgb) + 0.5 * rgb), 4, 1)
        body = 1 + _BODY * ridges
        painted = [
            plane * (varnish * body) + (_LIGHT * light) * lit
            for plane, varnish, light in zip(paint, self.varnish.unbind(1), self.light.unbind(1), strict=True)
        ]
        return torch.cat(painted, 1)
