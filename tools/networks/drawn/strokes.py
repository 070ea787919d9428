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
from tools.networks.drawn.tones import Directions, Enlarged

_TILE_PX = 256
_ANGLES = 8
_NOWHERE = 1e-3
"""Added to the shares: where directions meet there is none, and a stroke fades out."""


class Strokes(nn.Module):
    """Lightness at half size [1, 1, h, w] to strokes of the same shape, mean 0 and deviation 1."""

    compass: Tensor
    least: Tensor

    def __init__(self, length_px: float, width_px: float, blur_px: float, plain: Floats, seed: int) -> None:
        """`length_px` and `width_px`: deviations of a stroke, at half size. `blur_px`: of what tells the direction.
        `plain`: (2, T, T), as `flowing` and `swirling` give it, the direction where nothing is seen.
        """
        super().__init__()
        self.directions = Directions(blur_px)
        self.plain = Tiled(plain)
        self.bristles = Tiled(bristles(_TILE_PX, length_px, width_px, _ANGLES, seed))
        angles = torch.arange(_ANGLES) * (2 * math.pi / _ANGLES)
        compass = 2 * torch.stack([angles.cos(), angles.sin()], 1)[:, :, None, None]
        self.register_buffer("compass", compass, persistent=False)
        self.register_buffer("least", -torch.ones(_ANGLES), persistent=False)

    def forward(self, lightness: Tensor) -> Tensor:
        # How near each of the eight directions is: their cosines, of which those within 30 degrees count.
        near = functional.conv2d(self.directions(lightness, self.plain(lightness)), self.compass, self.least)
        shares = near.clamp(min=0)
        laid = (shares * self.bristles(lightness)).sum(1, keepdim=True)
        strokes: Tensor = laid / (shares.square().sum(1, keepdim=True) + _NOWHERE).sqrt()
        return strokes


class Relief(nn.Module):
    """Strokes at half size [1, 1, h, w] to their cells [1, 4, h, w], and to how much light falls on their flanks from
    the upper left.
    """

    def __init__(self) -> None:
        super().__init__()
        self.height, self.flank = Enlarged(), Enlarged(difference=True)

    def forward(self, strokes: Tensor) -> tuple[Tensor, Tensor]:
        return self.height(strokes), self.flank(strokes)


def flowing(strength: float, wavering: float = 0.35) -> Floats:
    """Return directions that lie nearly level, [2, T, T]: cosine and sine of twice their angle, times `strength`.

    `wavering`: how far from level, radians at one deviation.
    """
    angle = wavering * grain(_TILE_PX, 20, 20, seed=30)
    return np.asarray(strength * np.stack([np.cos(2 * angle), np.sin(2 * angle)]), np.float32)


def swirling(strength: float) -> Floats:
    """Return directions that run around hills of noise, as currents do, [2, T, T] alike."""
    hills = grain(_TILE_PX, 22, 22, seed=31)
    down, right = (np.roll(hills, -1, axis) - np.roll(hills, 1, axis) for axis in (0, 1))
    angle = np.arctan2(down, right) + np.pi / 2
    return np.asarray(strength * np.stack([np.cos(2 * angle), np.sin(2 * angle)]), np.float32)
