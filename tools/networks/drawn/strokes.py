"""Brush strokes along what is seen: noise drawn out along eight directions, of which each place takes those nearest to
its own. It looks like noise convolved along streamlines (Cabral and Leedom, "Imaging vector fields using line integral
convolution", 1993), and costs eight products a pixel.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.imaging.numerics import Floats
from tools.networks.drawn.textures import Tiled, bristles, grain
from tools.networks.drawn.tones import Directions, cells, large

_TILE_PX = 256
_ANGLES = 8
_NOWHERE = 1e-3
"""Added to the shares: where directions meet there is none, and a stroke fades out."""


class Strokes(nn.Module):
    """Lightness at half size [1, 1, h, w] to strokes of the same shape, mean 0 and deviation 1."""

    def __init__(self, length_px: float, width_px: float, blur_px: float, plain: Floats, seed: int) -> None:
        """`length_px` and `width_px`: deviations of a stroke, at half size. `blur_px`: of what tells the direction.
        `plain`: (2, T, T), as `flowing` and `swirling` give it, the direction where nothing is seen.
        """
        super().__init__()
        self.directions = Directions(blur_px)
        self.plain = Tiled(plain)
        self.bristles = Tiled(bristles(_TILE_PX, length_px, width_px, _ANGLES, seed))

    def forward(self, lightness: Tensor) -> Tensor:
        cosine, sine = torch.split(self.directions(lightness, self.plain(lightness)), 1, 1)
        laid, squares = torch.zeros_like(lightness), torch.zeros_like(lightness)
        for number, tile in enumerate(torch.split(self.bristles(lightness), 1, 1)):
            angle = 2 * math.pi * number / _ANGLES
            share = ((cosine * math.cos(angle) + sine * math.sin(angle) - 0.5) * 2).clamp(0)
            laid, squares = laid + share * tile, squares + share.square()
        return laid / (squares + _NOWHERE).sqrt()


def relief(strokes: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cells of strokes [1, 4, h, w] at the size of `like`, and how much light falls on their flanks from the
    upper left.
    """
    ridges = large(strokes, like)
    lit = ridges - functional.pad(ridges, (1, 0, 1, 0), mode="replicate")[:, :, :-1, :-1]
    return cells(ridges), cells(lit)


def flowing(strength: float) -> Floats:
    """Return directions that lie nearly level, [2, T, T]: cosine and sine of twice their angle, times `strength`."""
    angle = 0.35 * grain(_TILE_PX, 20, 20, seed=30)
    return np.asarray(strength * np.stack([np.cos(2 * angle), np.sin(2 * angle)]), np.float32)


def swirling(strength: float) -> Floats:
    """Return directions that run around hills of noise, as currents do, [2, T, T] alike."""
    hills = grain(_TILE_PX, 22, 22, seed=31)
    down, right = (np.roll(hills, -1, axis) - np.roll(hills, 1, axis) for axis in (0, 1))
    angle = np.arctan2(down, right) + np.pi / 2
    return np.asarray(strength * np.stack([np.cos(2 * angle), np.sin(2 * angle)]), np.float32)
