"""Pictures with transparency, laid on white."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels

_WHITE = 255
_STRIP_PX = 1 << 20  # of a picture laid on white at a time: 80 megapixels at once took another gigabyte


def on_white(stored: NDArray[Any], *, premultiplied: bool = False) -> Pixels:
    """Lay a picture with transparency, (height, width, 4) uint8 or uint16 BGRA, on white.

    What is stored under full transparency is often garbage or black, and nobody was to see it.
    """
    height, width = stored.shape[:2]
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIP_PX // max(1, width))
    for top in range(0, height, rows):
        lay_on_white(stored[top : top + rows], pixels[top : top + rows], premultiplied=premultiplied)
    return pixels


def lay_on_white(stored: NDArray[Any], out: Pixels, *, premultiplied: bool = False) -> None:
    """The same into `out` (height, width, 3) uint8, a picture or part of one that the caller owns, all at once."""
    if stored.dtype == np.uint16:
        stored = cv2.convertScaleAbs(stored, alpha=1 / 257)
    colour = cv2.cvtColor(stored, cv2.COLOR_BGRA2BGR)
    opacity = cv2.cvtColor(cv2.extractChannel(stored, 3), cv2.COLOR_GRAY2BGR)
    if premultiplied:
        cv2.add(colour, cv2.bitwise_not(opacity), dst=out)
        return
    lacking = cv2.bitwise_not(colour)  # to white, of which as much remains as is opaque
    np.subtract(_WHITE, cv2.multiply(lacking, opacity, scale=1 / _WHITE), out=out)
