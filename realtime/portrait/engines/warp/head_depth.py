"""What of a head moves by how much: smooth fields over the picture, solved once from the face's mesh.

The mesh knows the depth of the face; from its rim the depth is continued by a thin-plate spline through hair, ears and
neck to nothing in the background.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Box, Size
from realtime.imaging.numerics import Floats, smoothstep

_GRID_SIDE = 320
"""Longest side of the grid the fields are solved on. They are smooth: 320 and 640 differ by under 0.02 px."""
_MARGIN = 0.06
"""The grid reaches so far beyond the rim of the head, widths of the face, so that the rim lies within it."""
_REACH, _REACH_ABOVE, _REACH_BELOW = 1.62, 0.35, -0.05
"""Outline of the head over that of the face, and what is added at its top, for hair and hats, and at its chin."""
_FADE = 0.42
"""Over this share of the way from its rim inwards the head's movement grows to the whole."""
_EDGE_FADE = 0.3
"""At an edge of the picture that cuts the head off it grows over this depth, heights of the face."""
_HAIR_RING = 0.55
"""At this share of the way from the face's outline to the head's, hair is about as deep as the axis of the head."""
_STIFFNESS = 0.02
"""What the spline may leave of the mesh's own unevenness."""
_SPLINE_STEP = 4
"""The spline is solved at every fourth point of the grid across and down: it is smooth enough, and 16 times faster."""
_BROW_REACH = 0.16
"""From the brows to where their movement has died away, heights of the face."""
_CORNER_REACH = 0.18
"""Likewise from the corners of the mouth."""
_BUMP_BLUR = 0.16
"""Of a bump's reach: takes the cusps out of it."""
_UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (362, 398, 384, 385, 386, 387, 388, 466, 263))
_LID_STILL = 0.012
"""So near to an upper lid's edge nothing follows the brows, heights of the face."""
_KEPT_PX = 0.05
_MOST_SINE, _MOST_RISE = 0.35, 0.05
"""What moves by less than this for no turn up to 20 degrees and no rise up to so many heights of the face is let go."""


@dataclasses.dataclass(frozen=True, slots=True)
class HeadFields:
    """The fields, at the points of a grid over `region`; (rows, columns) each."""

    region: Box
    steps_px: tuple[float, float]
    """Between two columns and between two rows of the grid."""
    x: Floats
    """Where the points lie in the picture, pixels."""
    y: Floats
    depth: Floats
    """Towards the viewer, from the axis of the head, pixels."""
    whole: Floats
    """1 on the face, 0 from the rim of the head on: what tilts and rises as one piece."""
    brows: Floats
    """1 at the brows, 0 at the lids."""
    wide: Floats
    """1 at the left corner of the mouth, -1 at the right one."""


def solve_fields(mesh: FaceMesh, size: Size) -> HeadFields:
    """Return the fields of one face in a picture of a size."""
    return _trimmed(_Solver(mesh, size).fields(), mesh.box.height)


class _Solver:
    def __init__(self, mesh: FaceMesh, size: Size) -> None:
        self._mesh = mesh
        self._size = size
        self._unit = mesh.box.height
        self._centre = mesh.points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], :2].mean(axis=0)
        self._oval = mesh.points[list(face.OVAL), :2]
        self._rim = self._outline()
        margin = _MARGIN * mesh.box.width
        left = max(0, math.floor(float(self._rim[:, 0].min()) - margin))
        top = max(0, math.floor(float(self._rim[:, 1].min()) - margin))
        right = min(size.width, math.ceil(float(self._rim[:, 0].max()) + margin))
        bottom = min(size.height, math.ceil(float(self._rim[:, 1].max()) + margin))
        self._region = Box(left, top, right - left, bottom - top)
        self._step = max(1.0, max(right - left, bottom - top) / _GRID_SIDE)
        columns = max(8, round((right - left) / self._step))
        rows = max(8, round((bottom - top) / self._step))
        self._steps = ((right - left) / columns, (bottom - top) / rows)
        x = (np.arange(columns, dtype=np.float32) + 0.5) * self._steps[0] - 0.5 + left
        y = (np.arange(rows, dtype=np.float32) + 0.5) * self._steps[1] - 0.5 + top
        self._x, self._y = (np.ascontiguousarray(axis) for axis in np.meshgrid(x, y))

    def fields(self) -> HeadFields:
        points = self._mesh.points
        window = self._window()
        right, left = (
            self._bump(points[[corner], :2], _CORNER_REACH * self._unit)
            for corner in (face.MOUTH_RIGHT, face.MOUTH_LEFT)
        )
        return HeadFields(
            self._region,
            self._steps,
            self._x,
            self._y,
            depth=(self._depth() * window).astype(np.float32),
            whole=window,
            brows=(self._brows() * window).astype(np.float32),
            wide=((left - right) * window).astype(np.float32),
        )

    def _outline(self) -> Floats:
        """Return the rim of the head, where its movement has died away."""
        from_centre = self._oval - self._centre
        up = np.clip(-from_centre[:, 1] / (0.5 * self._unit), 0, 1)
        down = np.clip(from_centre[:, 1] / (0.5 * self._unit), 0, 1)
        factor = _REACH + _REACH_ABOVE * up + _REACH_BELOW * down
        return np.asarray(self._centre + from_centre * factor[:, None], np.float32)

    def _window(self) -> Floats:
        """1 over the face, falling to exactly 0 at the rim and at the picture's edge."""
        around = self._rim - self._centre
        angles = np.arctan2(around[:, 1], around[:, 0])
        order = np.argsort(angles)
        reach = np.hypot(around[:, 0], around[:, 1])[order]
        x, y = self._x - self._centre[0], self._y - self._centre[1]
        limit = np.interp(np.arctan2(y, x), angles[order], reach, period=2 * math.pi)
        inside = np.clip((1.0 - np.hypot(x, y) / limit) / _FADE, 0, 1)
        window = inside**3 * (inside * (inside * 6 - 15) + 10)
        # A head cut off by the picture's edge stays where it is there: nothing is known of what lies beyond.
        size = self._size
        for distance in (self._x, self._y, size.width - 1 - self._x, size.height - 1 - self._y):
            window = window * smoothstep(distance / (_EDGE_FADE * self._unit))
        return np.asarray(cv2.GaussianBlur(window.astype(np.float32), (0, 0), 2.0) * (window > 0), np.float32)

    def _depth(self) -> Floats:
        points = self._mesh.points
        axis_depth = float(points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], 2].mean())
        ring = (self._oval * (1 - _HAIR_RING) + self._rim * _HAIR_RING).astype(np.float32)
        places = np.vstack([points[:, :2], ring, self._rim])
        values = np.concatenate([axis_depth - points[:, 2], np.zeros(len(ring) + len(self._rim))])
        return self._spline(places, values)

    def _brows(self) -> Floats:
        points = self._mesh.points
        brows = [  # the mesh has an upper and a lower row of points of each
            (points[list(numbers[:5]), :2] + points[list(numbers[5:]), :2]) / 2
            for numbers in (face.RIGHT_BROW, face.LEFT_BROW)
        ]
        line = np.vstack([_dense(brow) for brow in brows])
        lids = np.vstack([_dense(points[list(lid), :2]) for lid in _UPPER_LIDS])
        to_lids = np.maximum(0, self._distance(lids) - _LID_STILL * self._unit)
        share = to_lids / (to_lids + self._distance(line) + 1e-6)
        return np.asarray(self._bump(line, _BROW_REACH * self._unit) * smoothstep(share), np.float32)

    def _spline(self, positions: Floats, values: NDArray[np.float64]) -> Floats:
        """Return the thin-plate spline through the values, on the grid (r² log r; Duchon 1977)."""
        places = ((positions - self._centre) / self._unit).astype(np.float64)
        count = len(places)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _thin_plate(places, places) + np.eye(count) * _STIFFNESS
        system[:count, count] = 1
        system[:count, count + 1 :] = places
        system[count:, :count] = system[:count, count:].T
        weights = np.linalg.solve(system, np.concatenate([values, np.zeros(3)]))
        rows, columns = self._x.shape
        coarse_size = (max(2, columns // _SPLINE_STEP), max(2, rows // _SPLINE_STEP))
        x, y = (cv2.resize(axis, coarse_size, interpolation=cv2.INTER_AREA) for axis in (self._x, self._y))
        at = (np.stack([x.ravel(), y.ravel()], axis=1) - self._centre) / self._unit
        found = _thin_plate(at, places) @ weights[:count] + weights[count] + at @ weights[count + 1 :]
        coarse = found.reshape(coarse_size[1], coarse_size[0]).astype(np.float32)
        return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)

    def _distance(self, centres: Floats) -> Floats:
        """Return the distance to the nearest of some points (n, 2), pixels."""
        nearest = np.full(self._x.shape, np.inf, np.float32)
        for x, y in centres:
            np.minimum(nearest, np.hypot(self._x - x, self._y - y), out=nearest)
        return nearest

    def _bump(self, centres: Floats, reach_px: float) -> Floats:
        """1 at the centres, falling to 0 at `reach_px` from the nearest."""
        bump = smoothstep(1 - self._distance(centres) / reach_px)
        blurred = cv2.GaussianBlur(bump, (0, 0), max(1.0, _BUMP_BLUR * reach_px / self._step))
        return np.asarray(blurred / blurred.max(), np.float32)


def _trimmed(fields: HeadFields, unit_px: float) -> HeadFields:
    """Return the fields without the margin in which hardly anything moves.

    They fall off so gently that their outer tenth would only make packs larger. What lies beyond the region is exactly
    still: the fields fade to nothing over two of the grid's steps, for a step in them would be a crease.
    """
    moved = np.abs(fields.depth) * _MOST_SINE + fields.whole * (_MOST_RISE * unit_px) > _KEPT_PX
    rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
    if not len(rows):
        return fields
    top, bottom = max(0, int(rows[0]) - 2), min(moved.shape[0], int(rows[-1]) + 3)
    left, right = max(0, int(columns[0]) - 2), min(moved.shape[1], int(columns[-1]) + 3)
    region, (across, along) = fields.region, fields.steps_px
    first_x, first_y = round(left * across), round(top * along)
    last_x, last_y = min(int(region.width), round(right * across)), min(int(region.height), round(bottom * along))
    crop = np.s_[top:bottom, left:right]
    fade = np.minimum.outer(_ends(bottom - top), _ends(right - left))
    region = Box(region.left + first_x, region.top + first_y, last_x - first_x, last_y - first_y)
    return HeadFields(
        region,
        (region.width / (right - left), region.height / (bottom - top)),
        *(np.ascontiguousarray(axis[crop]) for axis in (fields.x, fields.y)),
        *(
            np.ascontiguousarray(field[crop] * fade)
            for field in (fields.depth, fields.whole, fields.brows, fields.wide)
        ),
    )


def _ends(count: int) -> Floats:
    """Return ones that fall to 0 at both ends, over two places."""
    number = np.arange(count, dtype=np.float32)
    return np.clip(np.minimum(number, count - 1 - number) / 2, 0, 1).astype(np.float32)


def _thin_plate(at: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = ((at[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(squared * np.log(squared + 1e-12) / 2, np.float64)


def _dense(line: NDArray[np.floating]) -> Floats:
    """Return a line of points (n, 2) with three more between any two."""
    number = np.arange(len(line))
    at = np.linspace(0, len(line) - 1, 4 * len(line) - 3)
    return np.stack([np.interp(at, number, part) for part in line.T], axis=1).astype(np.float32)
