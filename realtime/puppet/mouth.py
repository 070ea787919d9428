"""A mouth that speaks and smiles: cut along the line between its lips, which are moved, and what comes to sight drawn.

Places are along and across the line between the corners of the mouth, from its middle, right and down, in heights of
the face (`Lips`); movements are known where they arrive. Above the lips' line the skin goes with the upper lip, below
it with the lower one and the jaw; beside the corners both go the same way, so that nothing tears.

Two maps are made on the coarse grid of the head, one of each side, both smooth across the line. The picture's pixels
decide only in a patch about the opening which of them counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep
from realtime.portrait.engines.warp.mouth.lip_line import find_lips
from realtime.puppet.head_warp import Grid
from realtime.puppet.mouth_inside import MouthInside
from realtime.puppet.pose import Pose
from realtime.puppet.sampling import blended

Mask = NDArray[np.bool_]

_MOST_OUT, _MOST_IN = 0.045, 0.05
_MOST_UP, _MOST_DOWN = 0.045, 0.035
"""A corner moves no farther, heights of the face: skin beside it would be stretched to a crease."""
_IN_OF_HALF = 0.3
"""Nor inwards by more than this share of its way to the middle: a mouth seen from the side is short."""
_MOST_ASKEW, _STRAIGHT = 0.02, 0.15
"""Nor does one go farther than both in the mean by more than the first, and by ever less in a mouth that opens as far
as the second: one wide open, pulled aside and tilted would fold.
"""
_DOWN_WITH_JAW = 0.4
"""In an open mouth the corners go down farther, by this share of the lower lip's way."""
_UPPER_UP, _UPPER_DOWN = 0.035, 0.03
_MOST_OPEN, _MOST_APART = 0.14, 0.18
"""Lips open by no more, nor are farther apart than this with what they are in the picture ..."""
_OPEN_OF_HALF = 1.1
"""... nor by more than so many halves of the mouth, as wide as it is seen."""
_WIDE, _LEAST_AREA = 0.07, 0.1
"""Lips that are farther apart, heights of the face, might fold the skin beside them with what else the mouth does: then
it does all of it less, until no spot is squeezed to less than this share of its area. (One pose of 300 at the ends of
what a mouth can do; looked at in 0.6 ms.)"""
_LESS, _TRIES = 0.88, 5
_LOWER_UP = 0.02
"""The lower lip goes up by no more, heights of the face."""
_NEAR_SIDE, _FAR_SIDE = 0.07, 0.34
"""From the middle to the sides the jaw moves wholly up to the first, and no more from the second on."""
_BESIDE = 0.2
"""Beside a corner its movement dies away over this distance ..."""
_ABOVE, _CHEEK = 0.15, 0.28
"""... above the lips over this one: to the wings of the nose; above the corners farther, into the cheeks ..."""
_EASE = 0.16
"""... and below them it becomes the jaw's over this one ..."""
_GENTLY = 2.4
"""... or over so many times what it differs from it by: skin is stretched to no more than 2.7 times its height."""
_ACROSS = 0.2
"""Above and below the lips' line nothing goes sideways any more from here on."""
_UPPER_BOW, _LOWER_BOW = 0.9, 0.65
"""Of the lips' curves: 1 is a parabola, 0.5 half an ellipse."""
_PURSE_THICKER, _PURSE_REACH = 5.0, 0.07
"""Lips pushed together by a share of the face's height get thicker by so many times that, within this distance."""
_FEATHER_PX = 0.8
"""Half the width of the lips' soft inner edges; and a share of the face's height, where that is more."""
_FEATHER = 0.003
_CLOSED = 0.002
"""An opening less than this, heights of the face, is none."""
_CUT_PLACES, _CUT_BEYOND = 129, 1.3


class LipShape(NamedTuple):
    """Where a mouth's lips go: right and down, heights of the face, within what this mouth can do."""

    left_right: float
    left_down: float
    right_right: float
    right_down: float
    upper_down: float
    lower_down: float
    jaw_down: float

    @property
    def opening(self) -> float:
        return self.lower_down - self.upper_down

    @property
    def narrower(self) -> float:
        """By how much each corner goes inwards, in the mean."""
        return (self.left_right - self.right_right) / 2


class _Edges(NamedTuple):
    """Of places where they arrive: how far along they have been moved, and the lips' edges there."""

    aside: Floats
    """How far to the right, as a whole."""
    fades: Floats
    """1 between the corners, falling to 0 beside them."""
    upper: Floats
    """Where across the mouth the upper lip's inner edge is, and the lower one's."""
    lower: Floats
    upper_by: Floats
    """How far they have gone down."""
    lower_by: Floats


class LiveMouth:
    """The mouth of one face. Used by one thread."""

    def __init__(self, picture: Pixels, mesh: FaceMesh, grid: Grid, whole: Floats) -> None:
        """`grid`: of the head; `whole` (rows, columns): how far its movement reaches the points."""
        self.lips = lips = find_lips(picture, mesh)
        self._inside = MouthInside(picture, mesh, lips)
        self._most_open = max(0.0, min(_MOST_OPEN, _MOST_APART - lips.apart, _OPEN_OF_HALF * lips.half))
        beyond = _CUT_BEYOND * lips.half
        places = np.linspace(-beyond, beyond, _CUT_PLACES, dtype=np.float32)
        self._cut_row = np.ascontiguousarray(lips.cut(places)[None])
        self._cut_scale = (_CUT_PLACES - 1) / (2 * beyond)
        along, across = lips.units_of(grid.x, grid.y)
        reached = (np.abs(along) < _FAR_SIDE + 0.08) & (across > -_CHEEK - 0.06) & (whole > 0)
        rows, columns = np.flatnonzero(reached.any(axis=1)), np.flatnonzero(reached.any(axis=0))
        self.part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        """The part of the grid that it moves."""
        self._along, self._across = np.ascontiguousarray(along[self.part]), np.ascontiguousarray(across[self.part])
        self._whole = np.ascontiguousarray(whole[self.part])

    def shape(self, pose: Pose) -> LipShape:
        """Return where the lips go for a pose."""
        upper = float(np.clip(-pose.upper_lip_up, -_UPPER_UP, _UPPER_DOWN))
        lower = float(np.clip(pose.lower_lip_down, -_LOWER_UP, self._most_open))
        lower = min(max(lower, upper), upper + self._most_open)
        most_down = _MOST_DOWN + _DOWN_WITH_JAW * max(0.0, lower)
        askew = _MOST_ASKEW * (1 - smoothstep(np.float32((lower - upper) / _STRAIGHT)))
        most_in = min(_MOST_IN, _IN_OF_HALF * self.lips.half)
        left_out, right_out = _alike(pose.corner_left_out, pose.corner_right_out, -most_in, _MOST_OUT, float(askew))
        most_up = _MOST_UP * (1 + 0.6 * min(0.0, left_out + right_out) / (2 * _MOST_IN))
        left_up, right_up = _alike(pose.corner_left_up, pose.corner_right_up, -most_down, most_up, float(askew))
        jaw = min(max(0.0, pose.jaw_down), max(0.0, lower))
        shape = LipShape(-left_out, -left_up, right_out, -right_up, upper, lower, jaw)
        if shape.opening > _WIDE:
            for _ in range(_TRIES):
                if self.least_area(shape) > _LEAST_AREA:
                    break
                shape = LipShape(*(_LESS * way for way in shape))
        return shape

    def movements(self, shape: LipShape) -> tuple[Floats, Floats]:
        """Return how far the skin of the upper side and that of the lower side moves, known where it arrives: for the
        grid's `part`, (rows, columns, 2), pixels right and down.
        """
        along, across = self._along, self._across
        edges = self._edges(along, shape)
        thicker = _PURSE_THICKER * max(0.0, shape.narrower)
        # Above the corners the cheeks go along.
        reach = _ABOVE + (_CHEEK - _ABOVE) * smoothstep(np.abs(along) / self.lips.half - 0.4)
        above, below = np.maximum(edges.upper - across, 0), np.maximum(across - edges.lower, 0)
        aside = edges.aside * (1 - smoothstep((above + below) / _ACROSS)) * self._whole
        upper = edges.upper_by * (1 - smoothstep(above / reach))
        jaw = shape.jaw_down * _jaw(along)
        farther = jaw - edges.lower_by
        lower = edges.lower_by + farther * smoothstep(below / np.maximum(_EASE, _GENTLY * np.abs(farther)))
        if thicker:
            upper -= above * thicker * edges.fades * (1 - smoothstep(above / _PURSE_REACH))
            lower += below * thicker * edges.fades * (1 - smoothstep(below / _PURSE_REACH))
        return self._in_pixels(aside, upper * self._whole), self._in_pixels(aside, lower * self._whole)

    def below(self, x: Floats, y: Floats, shape: LipShape) -> Mask:
        """Return which places of the face at rest lie on the lower lip's side: booleans like `x`, `y` (pixels)."""
        along, across = self.lips.units_of(x, y)
        edges = self._edges(along, shape)
        return np.asarray(across > (edges.upper + edges.lower) / 2)

    def is_open(self, shape: LipShape) -> bool:
        return shape.opening > _CLOSED

    def about_opening(self, x: Floats, y: Floats, shape: LipShape) -> Mask:
        """Return which places of the face at rest lie so near to the opening that its sides must be told apart."""
        along, across = self.lips.units_of(x, y)
        edges = self._edges(along, shape)
        within = (along > -self.lips.half + shape.left_right - 0.02) & (
            along < self.lips.half + shape.right_right + 0.02
        )
        return np.asarray(within & (across > edges.upper - 0.04) & (across < edges.lower + 0.04))

    def paint(self, out: Pixels, x: Floats, y: Floats, upper: Pixels, lower: Pixels, shape: LipShape) -> None:
        """Put a patch about the opening together. `x`, `y` (h, w): where its pixels lie in the face at rest; `upper`,
        `lower` (h, w, 3): the patch with the upper and with the lower side's skin alone. `out` is written.
        """
        along, across = self.lips.units_of(x, y)
        edges = self._edges(along, shape)
        below_upper, above_lower = across - edges.upper, edges.lower - across
        feather = max(_FEATHER, _FEATHER_PX / self.lips.unit_px)
        side = smoothstep((below_upper - above_lower) / (2 * feather) + 0.5)
        skin = blended(upper, lower, side)
        opened = smoothstep(below_upper / (2 * feather) + 0.5) * smoothstep(above_lower / (2 * feather) + 0.5)
        opened *= smoothstep((below_upper + above_lower) / (4 * feather))
        inside = self._inside.paint(along, across - self._cut(along), below_upper, above_lower, shape.jaw_down)
        blended(skin, inside, opened, out)

    def least_area(self, shape: LipShape) -> float:
        """Return the least determinant of the mouth's maps outside of the opening, from picture to frame."""
        step = self._along[0, 1] - self._along[0, 0] or 1.0
        edges = self._edges(self._along, shape)
        opening = (self._across > edges.upper) & (self._across < edges.lower)
        least = math.inf
        for moved, side in zip(
            self.movements(shape), (self._across <= edges.upper, self._across >= edges.lower), strict=True
        ):
            per_px = 1 / (math.hypot(step, self._across[0, 1] - self._across[0, 0]) * self.lips.unit_px)
            dx = (moved[:-1, 1:] - moved[:-1, :-1]) * per_px
            dy = (moved[1:, :-1] - moved[:-1, :-1]) * per_px
            # The map goes from frame to picture: its inverse's determinant is that of picture to frame.
            back = (1 - dx[..., 0]) * (1 - dy[..., 1]) - dx[..., 1] * dy[..., 0]
            counts = side[:-1, :-1] & side[1:, :-1] & side[:-1, 1:] & ~opening[:-1, :-1]
            if back[counts].min() <= 0:
                return 0.0
            least = min(least, 1 / float(back[counts].max()))
        return least

    def _edges(self, along: Floats, shape: LipShape) -> _Edges:
        half = self.lips.half
        start, end = -half + shape.left_right, half + shape.right_right
        way = (along - start) / (end - start)
        share = np.clip(way, 0, 1)
        outside = np.maximum(np.maximum(start - along, along - end), 0)
        fades = 1 - smoothstep(outside / _BESIDE)
        aside = (shape.left_right + (shape.right_right - shape.left_right) * share) * fades
        corners = shape.left_down + (shape.right_down - shape.left_down) * share
        middle = (shape.left_down + shape.right_down) / 2
        flat = 4 * share * (1 - share)
        upper_by = corners + (shape.upper_down - middle) * flat**_UPPER_BOW
        lower_by = np.maximum(corners + (shape.lower_down - middle) * flat**_LOWER_BOW, upper_by)
        upper_by, lower_by = upper_by * fades, lower_by * fades
        cut = self._cut(along - aside)
        return _Edges(aside, fades, cut + upper_by, cut + lower_by, upper_by, lower_by)

    def _cut(self, along: Floats) -> Floats:
        """Return the line between the lips at places along it."""
        place = along * np.float32(self._cut_scale) + np.float32((_CUT_PLACES - 1) / 2)
        return np.asarray(
            cv2.remap(
                self._cut_row,
                place.astype(np.float32),
                np.zeros_like(place, np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )

    def _in_pixels(self, right: Floats, down: Floats) -> Floats:
        axis_right, axis_down = self.lips.axis
        unit = self.lips.unit_px
        return np.stack(
            [(right * axis_right - down * axis_down) * unit, (right * axis_down + down * axis_right) * unit], axis=2
        ).astype(np.float32)


def _alike(left: float, right: float, least: float, most: float, askew: float) -> tuple[float, float]:
    """Return how far two corners of a mouth go, neither too far, nor one much farther than the other."""
    left, right = float(np.clip(left, least, most)), float(np.clip(right, least, most))
    middle, half = (left + right) / 2, float(np.clip((left - right) / 2, -askew, askew))
    return middle + half, middle - half


def _jaw(along: Floats) -> Floats:
    """Return how much of the jaw's way is left at a distance from its middle."""
    return 1 - smoothstep((np.abs(along) - _NEAR_SIDE) / (_FAR_SIDE - _NEAR_SIDE))
