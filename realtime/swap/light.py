"""The viewer's colour and light on another face.

Two steps. Each channel is multiplied so that the skin's mean colours agree, as lamps of another colour and strength
would do it (von Kries). What then differs slowly across the
face, a window from the left or a lamp above, is added as a smooth field: at the seam the two faces have the same light,
as a gradient-domain blend would make them, at the cost of two small blurs.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Pixels, Size
from realtime.swap.field import FaceField, Floats

_GRID = Size(40, 48)
"""Points over the face's rectangle that light is measured at: a quarter of the field's, light is smooth."""
_SETTLES_S = 0.3
"""Time constant of both steps: a face's light changes slowly, measuring it from frame to frame is noisy."""
_REACH = 0.16
"""Radius of the slow part, as a share of the face's width: smaller takes the viewer's features for light."""
_LEAST_GAIN, _MOST_GAIN = 0.4, 1.6
"""In each channel: a darker light makes wrinkles fainter too; a brighter one must not make grain of them."""
_LEAST_SKIN = 20.0
"""Grid points."""
_OUTLIER = 40.0
"""Grey levels: what differs more from the mean counts half (a beard, glasses, a hand)."""


class Light:
    """Remembers one viewer's light. Used by one thread."""

    def __init__(self, strength: float = 1.0) -> None:
        """`strength`: how far the viewer's light is taken over, 0..1."""
        self._strength = strength
        self._at_s = -math.inf
        self._table = np.zeros((256, 1, 3), np.float32)
        self._slow = np.zeros((_GRID.height, _GRID.width, 3), np.float32)

    def forget(self) -> None:
        """Take the next frame's light as it is."""
        self._at_s = -math.inf

    def match(self, viewer: Pixels, drawn: Pixels, skin: Floats, pts_s: float) -> None:
        """Learn from both faces over the same rectangle, uint8 BGR. `skin`: how much each point of the field counts."""
        weights = _shrunk(np.ascontiguousarray(skin))
        if float(weights.sum()) < _LEAST_SKIN:
            return  # almost all of the face is outside the picture: what was known stays
        seen = _shrunk(viewer)
        made = _shrunk(drawn)
        weights = weights * _fit(seen, weights) * _fit(made, weights)
        gain = np.clip(_mean(seen, weights) / np.maximum(_mean(made, weights), 1), _LEAST_GAIN, _MOST_GAIN)
        levels = np.arange(256, dtype=np.float32)[:, None, None]
        table = levels * gain
        rest = np.asarray(seen - made * gain, np.float32)
        slow = _blurred(rest * weights[..., None])
        slow /= _blurred(weights)[..., None] + 0.02
        share = 1.0 - math.exp(-max(0.0, pts_s - self._at_s) / _SETTLES_S)
        table = levels + self._strength * (table - levels)
        slow *= self._strength
        self._table += share * (table - self._table)
        self._slow += share * (slow - self._slow)
        self._at_s = pts_s

    def apply(self, pixels: Pixels, field: FaceField) -> None:
        """Light a face over the field's rectangle, in place."""
        table = np.clip(np.rint(self._table), 0, 255).astype(np.uint8)
        cv2.LUT(pixels, table, dst=pixels)
        whole = field.bytes_like("light", 3)
        for sign, change in ((1, cv2.add), (-1, cv2.subtract)):
            part = np.clip(np.rint(sign * self._slow), 0, 255).astype(np.uint8)
            field.enlarge(part, whole)
            change(pixels, whole, dst=pixels)


def _shrunk(picture: Pixels | Floats) -> Floats:
    return np.asarray(cv2.resize(picture, _GRID, interpolation=cv2.INTER_AREA), np.float32)


def _fit(face: Floats, weights: Floats) -> Floats:
    """Return how much each point belongs to the skin, judged by its distance from the mean colour."""
    distance = np.abs(face - _mean(face, weights)).max(axis=2)
    return np.asarray(1 / (1 + np.square(distance / _OUTLIER)), np.float32)


def _mean(face: Floats, weights: Floats) -> NDArray[np.float32]:
    total = float(weights.sum()) + 1e-6
    return np.asarray(np.tensordot(weights, face, axes=2) / total, np.float32)


def _blurred(grid: Floats) -> Floats:
    side = round(_REACH * _GRID.width) | 1
    once = cv2.blur(grid, (side, side), borderType=cv2.BORDER_CONSTANT)
    return np.asarray(cv2.blur(once, (side, side), borderType=cv2.BORDER_CONSTANT), np.float32)
