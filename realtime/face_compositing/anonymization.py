"""Hiding a face that cannot be swapped: it must not be seen as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Box, Pixels, Size
from realtime.imaging.pixels import Place

_COARSE_PX = 5
"""A face of 5 × 5 squares is nobody's, even moving: at 12 friends were still known."""
_COARSE_PICTURE_PX = 9
"""The same for a picture in which faces may be anywhere: they are seldom larger than half of it."""
_HEAD = 1.9
"""A head with its hair, in sides of the detector's box."""
_SPARED = 1.7
_BOUNDARY = 0.1
"""Face widths on which one who is shown passes into one who is hidden."""
_DRIFT_PER_S = 1.0
"""How far a head that is not seen may have gone, in widths of its box for each second."""
_BOUNDED_DRIFT_S = 3.0
"""While others are seen, nothing more is hidden from then on: at a desk that is the whole picture, in a hall the part
around a seat."""
_FACE = 1.3
"""A face without its hair, in sides of the detector's box."""


def anonymize(pixels: Pixels, box: Box, hidden_for_s: float, *, bounded: bool = True) -> None:
    """Make the head about `box` unrecognisable, in place. The longer it was not seen, the more around it: soon all of a
    picture that somebody sits before; `bounded`: not all of a large one.
    """
    drift = _DRIFT_PER_S * min(max(0.0, hidden_for_s), _BOUNDED_DRIFT_S if bounded else math.inf)
    _blur_about(pixels, box, _HEAD + 2 * drift, is_drifting=hidden_for_s > 0)


def anonymize_face(pixels: Pixels, box: Box) -> None:
    """Make no more than the face in `box` unrecognisable, in place."""
    _blur_about(pixels, box, _FACE, is_drifting=False)


def _blur_about(pixels: Pixels, box: Box, sides: float, *, is_drifting: bool) -> None:
    height, width = pixels.shape[:2]
    side = max(box.width, box.height) * sides
    x, y = box.centre
    # In pixels of the picture only: what was not seen for an hour may be a thousand pictures away.
    left, top = (round(max(0.0, middle - side / 2)) for middle in (x, y))
    right, bottom = (round(min(float(most), middle + side / 2)) for middle, most in ((x, width), (y, height)))
    if right > left and bottom > top:
        part = pixels[top:bottom, left:right]
        least = min(part.shape[:2]) / (2 * _COARSE_PICTURE_PX) if is_drifting else 0.0
        blur(part, max(least, max(box.width, box.height) / _COARSE_PX))


def restore(pixels: Pixels, seen: Pixels, box: Box, hidden: Sequence[Box] = ()) -> None:
    """Show somebody's head as it is `seen` again, in place: nobody asked to hide it. What is nearer to a face that is
    `hidden` stays so.
    """
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
    for other in hidden:
        share = share * _nearer(place, box, other)
    part = place.of(pixels)
    part[:] = np.rint(place.of(seen) * share + part * (1 - share))


def _nearer(place: Place, box: Box, other: Box) -> NDArray[np.float32]:
    """Return (height, width, 1) 0..1: 1 where a place is nearer to one face than to another, in widths of each."""
    rows, columns = np.ogrid[place.top : place.top + place.height, place.left : place.left + place.width]
    distances = [
        np.hypot(columns - each.centre[0], rows - each.centre[1]) / max(1.0, each.width) for each in (box, other)
    ]
    return np.clip(0.5 + (distances[1] - distances[0]) / _BOUNDARY, 0, 1).astype(np.float32)[..., None]


def anonymize_all(pixels: Pixels) -> None:
    """Make a whole picture unrecognisable, in place."""
    blur(pixels, min(pixels.shape[:2]) / _COARSE_PICTURE_PX)


def blur(part: Pixels, square_px: float) -> None:
    """Blur part of a picture in place, until nothing smaller than a square of this side is left."""
    height, width = part.shape[:2]
    small = (max(1, round(width / square_px)), max(1, round(height / square_px)))
    coarse = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    np.copyto(part, soft)
