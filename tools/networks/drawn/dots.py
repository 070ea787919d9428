"""Pointillism: dots of pure colours beside one another, which the eye mixes from afar."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, dabs
from tools.networks.drawn.tones import Blur, Enlarged, Seen, colour, luminance, skin

_TILE_PX = 256
_RADIUS_PX = 3.4
_SHIFTS = np.array(
    [(0.20, 0.02, -0.22), (-0.20, 0.00, 0.24), (0.16, -0.16, 0.06), (-0.14, 0.14, -0.08), (0.06, 0.05, 0.02)],
    np.float32,
)
"""To orange, to blue, to rose, to green, and a little lighter: their mean is grey."""
_SATURATION, _LIFT = 1.55, 0.04
_ON_SKIN = 0.45
"""How far dots differ on skin, against elsewhere: eyes are no larger than two of them."""
_FINE = 1.0
"""How much of what is finer than a dot comes back in its lightness."""


class Dots(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.ground, self.pure = colour(0.97, 0.94, 0.86), colour(1.0, 1.0, 1.0)
        self.seen, self.soft = Seen(), Blur(1.6, 3)
        self.near, self.enlarged = Blur(2.5, 1), Enlarged(3)
        self.dabs = Tiled(dabs(_TILE_PX, _RADIUS_PX, _SHIFTS, seed=70)).on_cells()

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, half, _ = self.seen(rgb)
        soft = self.soft(half)
        grey = luminance(soft)
        pure = _SATURATION * soft + (1 - _SATURATION) * grey + _LIFT
        shift = self.dabs(lightness) * (1 - (1 - _ON_SKIN) * self.near(skin(soft)))
        fine = _FINE * lightness - _FINE * grey
        painted = [
            (plane + moved * most + fine).clamp(0, 1) * ground
            for plane, moved, most, ground in zip(
                torch.split(self.enlarged(pure), 4, 1),
                torch.split(shift, 4, 1),
                self.pure.unbind(1),
                self.ground.unbind(1),
                strict=True,
            )
        ]
        return torch.cat(painted, 1)
