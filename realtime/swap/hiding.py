"""Hiding a face that cannot be swapped: it must not be seen as it is."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.frame import Box, Pixels, Size
from realtime.pixels import Place

_COARSE_PX = 5
"""A face of 5 × 5 squares is nobody's, even moving: at 12 friends were still known."""
_COARSE_PICTURE_PX = 9
"""The same for a picture in which faces may be anywhere: they are seldom larger than half of it."""
_HEAD = 1.9
"""A head with its hair, in sides of the detector's box."""
_SPARED = 1.7
_DRIFT_PER_S = 1.0
"""How far a head that is not seen may have gone, in widths of its box for each second."""
_MOST_DRIFT_S = 3.0
"""From then on nothing more is hidden: at a desk that is the whole picture, in a hall the part around a seat."""


def hide(pixels: Pixels, box: Box, hidden_for_s: float) -> None:
    """Make the head about `box` unrecognisable, in place. The longer it was not seen, the more around it: soon all of a
    picture that somebody sits before.
    """
    drift = _DRIFT_PER_S * min(max(0.0, hidden_for_s), _MOST_DRIFT_S)
    side = max(box.width, box.height) * (_HEAD + 2 * drift)
    x, y = box.centre
    left, top = round(x - side / 2), round(y - side / 2)
    place = Place(left, top, round(side), round(side)).shared_with(Place(0, 0, *Size.of(pixels)))
    if place.width and place.height:
        least = min(place.width, place.height) / (2 * _COARSE_PICTURE_PX) if hidden_for_s > 0 else 0.0
        blur(place.of(pixels), max(least, max(box.width, box.height) / _COARSE_PX))


def spare(pixels: Pixels, seen: Pixels, box: Box) -> None:
    """Show somebody's head as it is `seen` again, in place: nobody asked to hide it."""
    side = max(box.width, box.height) * _SPARED
    x, y = box.centre
    whole = Place(round(x - side / 2), round(y - side / 2), round(side), round(side))
    place = whole.shared_with(Place(0, 0, *Size.of(pixels)))
    if not (place.width and place.height):
        return
    mask = np.zeros((place.height, place.width), np.float32)
    centre = (whole.left + whole.width // 2 - place.left, whole.top + whole.height // 2 - place.top)
    radius = 0.4 * side
    cv2.circle(mask, centre, round(radius), 1.0, -1)
    share = cv2.blur(mask, (2 * round(0.08 * side) + 1,) * 2)[..., None]
    part = place.of(pixels)
    part[:] = np.rint(place.of(seen) * share + part * (1 - share))


def hide_all(pixels: Pixels) -> None:
    """Make a whole picture unrecognisable, in place."""
    blur(pixels, min(pixels.shape[:2]) / _COARSE_PICTURE_PX)


def blur(part: Pixels, square_px: float) -> None:
    """Blur part of a picture in place, until nothing smaller than a square of this side is left."""
    height, width = part.shape[:2]
    small = (max(1, round(width / square_px)), max(1, round(height / square_px)))
    coarse = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    np.copyto(part, soft)
