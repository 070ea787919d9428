"""A picture that can be read between its pixels without getting softer.

Half way between two pixels OpenCV's Lanczos kernel of eight loses much of the finest detail: canvas, cracks and film
grain. A picture enlarged once to twice its size, by a kernel of 32, has no detail as fine as that any more, and the
same kernel reads it with next to no loss. It remains one interpolation of the picture itself, by a longer kernel: it
passes all up to 0.45 periods in a pixel (no less than 0.98 and no more than 1.02 of it), where one of sixteen keeps
0.8 and one of eight 0.45. Beside an edge as hard as edges can be it leaves ripples as strong as those of eight do, and
of 0.01 of the edge eight pixels away; 64 taps would leave twice that for a gain of 0.02 in sharpness.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.portrait.pack import Place

_TAPS = 32
_KAISER_BETA = 4.0
"""Of the window over the sinc: steep enough to keep canvas, and edges ring by no more than Lanczos lets them."""
_MARGIN_PX = _TAPS


class SupersampledPicture:
    """A part of a picture, enlarged to twice its size; four times its memory."""

    twice: Pixels
    """The enlarged part: its pixel (2i, 2j) is the picture's (top + i, left + j), to the bit."""

    def __init__(self, picture: Pixels, place: Place) -> None:
        """`place`: all that will be read."""
        height, width = picture.shape[:2]
        self.left, self.top = max(0, place.left - _MARGIN_PX), max(0, place.top - _MARGIN_PX)
        right, bottom = place.left + place.width + _MARGIN_PX, place.top + place.height + _MARGIN_PX
        part = np.ascontiguousarray(picture[self.top : min(height, bottom), self.left : min(width, right)])
        half, none = _half_way(), np.ones(1, np.float32)
        self.twice = np.empty((2 * part.shape[0], 2 * part.shape[1], 3), np.uint8)
        anchor = _TAPS // 2 - 1
        self.twice[::2, ::2] = part
        self.twice[::2, 1::2] = cv2.sepFilter2D(part, -1, half, none, anchor=(anchor, 0), borderType=_BORDER)
        self.twice[1::2, ::2] = cv2.sepFilter2D(part, -1, none, half, anchor=(0, anchor), borderType=_BORDER)
        self.twice[1::2, 1::2] = cv2.sepFilter2D(part, -1, half, half, anchor=(anchor, anchor), borderType=_BORDER)

    def at(self, x: Floats, y: Floats) -> Pixels:
        """Return the picture's values at places in its own pixels, `x` and `y` (h, w): (h, w, 3)."""
        twice_x, twice_y = 2 * (x - np.float32(self.left)), 2 * (y - np.float32(self.top))
        found = cv2.remap(self.twice, twice_x, twice_y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.uint8)


_BORDER = cv2.BORDER_REPLICATE


def _half_way() -> Floats:
    """Return the weights (_TAPS,) of the pixels around the middle between two of them: a sinc under Kaiser's window."""
    away = np.arange(_TAPS) - _TAPS / 2 + 0.5
    weights = np.sinc(away) * np.i0(_KAISER_BETA * np.sqrt(1 - (away / (_TAPS / 2)) ** 2))
    return np.asarray(weights / math.fsum(weights), np.float32)
