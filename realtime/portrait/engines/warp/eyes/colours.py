"""The colours of an eye's iris, ring by ring, and of the white where an iris has gone from it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.numerics import Floats, smoothstep_between

RINGS = 48
"""The iris and its rim are this many rings, from the centre out."""
_WHITE_RUN = 0.1
"""The white's colour beside an iris is that of so much of it, eye widths: of the brighter half, for next to the iris it
has some of the rim's darkness."""
_RIM_SPREADS, _LEAST_RISE, _WHITE_AGAIN = 0.08, 40.0, 0.85
"""Darkness of a rim may go on beside it for so much of a line, eye widths, if the white is brighter there by so many
grey levels; it ends where so much of that rise is done."""
_HALF_A_CHANGE = 0.3
"""From one side's colour to the other's takes twice this share of the way between them."""


def ring_colours(clean: Floats, number: Floats, seen: NDArray[np.bool_]) -> Floats:
    """Return the mean colour (RINGS, 3) of each ring about the iris' centre, of the places where it is seen.

    `number` (h, w): the ring of each place, 0 to RINGS - 1; `seen` (h, w).
    """
    index = np.rint(number[seen]).astype(np.int32)
    sums = [np.bincount(index, weights=clean[..., channel][seen], minlength=RINGS) for channel in range(3)]
    sums.append(np.bincount(index, minlength=RINGS))
    blurred = cv2.GaussianBlur(np.stack(sums, axis=1).astype(np.float32)[:, None], (1, 9), 2.0)[:, 0]
    profile = np.asarray(blurred[:, :3] / np.maximum(blurred[:, 3:], 1e-3), np.float32)
    for ring in range(1, RINGS):  # rings nobody sees take the colour of the next one in
        if blurred[ring, 3] < 0.05:
            profile[ring] = profile[ring - 1]
    return profile


def at_rings(profile: Floats, number: Floats) -> Floats:
    """Return the colours of `ring_colours` at rings given by number (h, w), fractions too: (h, w, 3)."""
    row = np.zeros_like(number)
    return np.asarray(
        cv2.remap(profile[None], number.astype(np.float32), row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def rim_ends(line: Floats, first: int, last: int) -> tuple[int, int]:
    """Return the places from `first` to `last` of a line (n, 3) along an eye, and those beside them that are still
    darkened by the iris' rim.

    On each side: up to where brightness has come up to most of what the white nearby has; a rim is no perfect circle,
    and what is left of it would be an arc on the white when the iris has gone.
    """
    brightness = line.mean(axis=1)
    return (
        first - _still_dark(brightness[: first + 1][::-1], len(line)),
        last + _still_dark(brightness[last:], len(line)),
    )


def _still_dark(brightness: Floats, places: int) -> int:
    """Return how many places from the first one on, not counting it, are still darkened."""
    near = brightness[: 1 + round(_RIM_SPREADS * places)]
    rise = float(near.max() - near[0])
    return int(np.argmax(near >= near[0] + _WHITE_AGAIN * rise)) if rise > _LEAST_RISE else 0


def bridge(line: Floats, first: int, last: int) -> Floats:
    """Return colours (last - first + 1, 3) for the places `first` to `last` of a line (n, 3) along an eye, from corner
    to corner, from what lies on both sides of them.
    """
    places = len(line)
    run_length = max(2, round(_WHITE_RUN * places))
    left, right = line[max(0, first - run_length) : first], line[last + 1 : last + 1 + run_length]
    # Towards the corners there is no white: the less of it lies on a side, the less that side is believed.
    trust_left = float(np.clip((first / (places - 1) - 0.10) / 0.12, 0, 1)) if len(left) else 0.0
    trust_right = float(np.clip((1 - last / (places - 1) - 0.10) / 0.12, 0, 1)) if len(right) else 0.0
    colour_left = _brighter_half(left if len(left) else right)
    colour_right = _brighter_half(right) if len(right) else colour_left
    # The brighter side is the white, and goes on for most of the way: an old iris' place that is darker than the white
    # beside it reads as a part of the iris. The darker side lies in the shadow of a corner; that begins softly.
    weight_left = (trust_left + 0.2) * (float(colour_left.mean()) + 4) ** 4
    weight_right = (trust_right + 0.2) * (float(colour_right.mean()) + 4) ** 4
    middle = _HALF_A_CHANGE + (1 - 2 * _HALF_A_CHANGE) * weight_left / (weight_left + weight_right)
    along = np.linspace(0, 1, last - first + 3)[1:-1].astype(np.float32)
    share = smoothstep_between(middle - _HALF_A_CHANGE, middle + _HALF_A_CHANGE, along)[:, None]
    return np.asarray(colour_left + (colour_right - colour_left) * share, np.float32)


def _brighter_half(colours: Floats) -> Floats:
    """Return the mean of the brighter half of colours (n, 3)."""
    order = np.argsort(-colours.mean(axis=1))
    return np.asarray(colours[order[: max(1, len(colours) // 2)]].mean(axis=0), np.float32)
