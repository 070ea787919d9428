"""How a mouth opens: the lower lip leaves the upper one along the line between them, and what is behind is dark.

The head's field lowers the jaw smoothly, which alone would stretch a closed mouth's lips into thick ones. Here the
lower lip goes down whole, as far as the jaw does, and the gap is filled.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces import mesh as face
from realtime.faces.mesh import FaceMesh
from realtime.frame import Pixels

Floats = NDArray[np.float32]

JAW_RAMP = 0.11
"""From the upper lip down to where the head's field has lowered the jaw all the way, heights of the face."""
MOST_OPEN = 0.055
"""Farther the jaw is not lowered, heights of the face: the picture shows nothing of what would come to sight."""
_DARKNESS = 0.35
"""Brightness behind the lips over that of the line between them."""
_FEATHER = 0.025
"""Width of the lips' soft inner edges, widths of the mouth."""


class MouthLayer:
    """The lips of one face. `left, top, right, bottom` is all it can change, in pixels of the picture."""

    def __init__(self, picture: Pixels, mesh: FaceMesh) -> None:
        self._picture = picture
        points = mesh.points[:, :2]
        upper, lower = points[list(face.LIP_UPPER_INNER)], points[list(face.LIP_LOWER_INNER)]
        line = upper[-1] - upper[0]
        self._width = float(np.linalg.norm(line))
        self._middle = (upper[0] + upper[-1]) / 2
        self._axis = (line / self._width).astype(np.float32)
        self._down = np.array([-self._axis[1], self._axis[0]], np.float32)
        self._ramp = JAW_RAMP * mesh.box.height / self._width
        self._height = mesh.box.height
        self._upper, self._lower = (self._curve(side) for side in (upper, lower))
        places = np.linspace(-0.35, 0.35, 41, dtype=np.float32)[None]
        line_x, line_y = self._picture_of(places, self._at(self._lower, places))
        self._behind = np.median(self._sample(line_x, line_y)[0], axis=0) * _DARKNESS
        across = 0.7 * self._width
        deep = (self._ramp + 0.3) * self._width
        height, width = picture.shape[:2]
        x, y = float(self._middle[0]), float(self._middle[1])
        self.left, self.right = max(0, math.floor(x - across)), min(width, math.ceil(x + across))
        self.top, self.bottom = max(0, math.floor(y - 0.4 * self._width)), min(height, math.ceil(y + deep))

    def paint(self, frame: Floats, x: Floats, y: Floats, mouth_open: float) -> Floats:
        """Return a patch of a frame with this mouth open.

        `frame` (h, w, 3) is the picture sampled at `x`, `y` (h, w): the places in the picture that the patch's pixels
        come from, the jaw lowered by the head's field already. `mouth_open`: as in `Motion`.
        """
        along, across = self._units_of(x, y)
        upper, lower = self._at(self._upper, along), self._at(self._lower, along)
        bow = np.clip(1 - (2 * along) ** 2, 0, 1)
        by = mouth_open * self._height / self._width * bow
        edge = lower + by * (1 - self._jaw(lower - upper))
        start = across.copy()  # where the lower lip's skin comes from: start + by·(1 − jaw(start)) = across
        for _ in range(8):
            start = across - by * (1 - self._jaw(start - upper))
        source_x, source_y = self._picture_of(along, np.maximum(start, lower))
        skin = self._sample(source_x, source_y)
        # Darkest under the upper lip; a little of the light that falls in reaches what lies below.
        light = 0.75 + 0.5 * np.clip((across - lower) / np.maximum(edge - lower, 1e-3), 0, 1)
        behind = self._behind * light[..., None]
        opened = _smooth(0.0, _FEATHER, across - lower)[..., None]
        below = _smooth(-_FEATHER, 0.0, across - edge)[..., None]
        result = frame + (behind - frame) * opened
        result += (skin - result) * below
        untouched = ((by <= 1e-6) | (across <= lower))[..., None]
        return np.where(untouched, frame, result).astype(np.float32)

    def _jaw(self, below: Floats) -> Floats:
        """Return how much of its way the head's field has lowered the jaw this far below the upper lip."""
        share = np.clip(below / self._ramp, 0, 1)
        return np.asarray(share * share * (3 - 2 * share), np.float32)

    def _curve(self, points: Floats) -> tuple[Floats, Floats]:
        along, across = self._units_of(points[:, 0], points[:, 1])
        order = np.argsort(along)
        return along[order], across[order]

    @staticmethod
    def _at(curve: tuple[Floats, Floats], along: Floats) -> Floats:
        return np.interp(along, *curve).astype(np.float32)

    def _units_of(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Mouth widths along and across the line between the corners, from its middle."""
        away_x, away_y = x - self._middle[0], y - self._middle[1]
        along = (away_x * self._axis[0] + away_y * self._axis[1]) / self._width
        across = (away_x * self._down[0] + away_y * self._down[1]) / self._width
        return np.asarray(along, np.float32), np.asarray(across, np.float32)

    def _picture_of(self, along: Floats, across: Floats) -> tuple[Floats, Floats]:
        x = self._middle[0] + (along * self._axis[0] + across * self._down[0]) * self._width
        y = self._middle[1] + (along * self._axis[1] + across * self._down[1]) * self._width
        return np.asarray(x, np.float32), np.asarray(y, np.float32)

    def _sample(self, x: Floats, y: Floats) -> Floats:
        return np.asarray(
            cv2.remap(self._picture, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE), np.float32
        )


def _smooth(start: float, end: float, value: Floats) -> Floats:
    """0 up to `start`, 1 from `end`, a smooth step between."""
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
