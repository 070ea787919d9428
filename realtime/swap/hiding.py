"""Hiding a face that cannot be swapped: it must not be seen as it is."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Box, Pixels, Size
from realtime.pixels import Place

_COARSE_PX = 12
"""A face of 12 × 12 squares is nobody's: identification fails below some 18 pixels between ear and ear."""
_HEAD = 1.9
"""A head with its hair, in sides of the detector's box."""
_DRIFT_PER_S = 1.0
"""How far a head that is not seen may have gone, in widths of its box for each second."""


def hide(pixels: Pixels, box: Box, hidden_for_s: float) -> None:
    """Make the head about `box` unrecognisable, in place. The longer it was not seen, the more around it: after some
    seconds the whole picture.
    """
    side = max(box.width, box.height) * (_HEAD + 2 * _DRIFT_PER_S * max(0.0, hidden_for_s))
    x, y = box.centre
    left, top = round(x - side / 2), round(y - side / 2)
    place = Place(left, top, round(side), round(side)).shared_with(Place(0, 0, *Size.of(pixels)))
    if place.width and place.height:
        blur(place.of(pixels), max(box.width, box.height) / _COARSE_PX)


def hide_all(pixels: Pixels) -> None:
    """Make a whole picture unrecognisable, in place."""
    blur(pixels, min(pixels.shape[:2]) / 24)


def blur(part: Pixels, square_px: float) -> None:
    """Blur part of a picture in place, until nothing smaller than a square of this side is left."""
    height, width = part.shape[:2]
    small = (max(1, round(width / square_px)), max(1, round(height / square_px)))
    coarse = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    np.copyto(part, soft)
