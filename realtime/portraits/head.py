"""How the head moves: a smooth displacement of the picture, driven by the depth of the face's mesh.

A head that turns shows each point of its surface moved sideways by its depth times the sine of the turn. The mesh knows
the depth of the face; from its rim the depth is continued by a thin-plate spline through hair, ears and neck to nothing
in the background. The silhouette lies about as deep as the axis the head turns about, so it hardly moves, and no
background is ever uncovered: nothing tears, there is nothing to invent.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces import mesh as face
from realtime.faces.mesh import FaceMesh
from realtime.frame import Box, Size
from realtime.portraits import Motion
from realtime.portraits.warp import Displacement

Floats = NDArray[np.float32]

_GRID_SIDE = 320
"""Longest side of the grid the displacement is solved on. It is smooth: 320 and 640 differ by under 0.02 px."""
_REACH = 1.62
"""The outline of the head, hair included, over the outline of the face; there the movement has died away."""
_BROW_REACH = 0.16
"""From the brows to where their movement has died away, heights of the face."""
_CORNER_REACH = 0.18
"""Likewise from the corners of the mouth."""
_UPPER_LIDS = ((33, 246, 161, 160, 159, 158, 157, 173, 133), (362, 398, 384, 385, 386, 387, 388, 466, 263))
_LID_STILL = 0.012
"""So near to an upper lid's edge nothing follows the brows, heights of the face."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Fields:
    """What moves by how much at each point of the grid, in picture pixels (forward: from where a point is)."""

    depth: Floats
    """Towards the viewer, from the axis of the head."""
    whole: Floats
    """1 on the head, 0 in the background: what tilts and rises as one piece."""
    brows: Floats
    """1 at the brows, 0 at the lids."""
    wide: Floats
    """1 at the left corner of the mouth, -1 at the right one."""


class HeadField:
    """The displacement of one head. `region` is all it can reach."""

    def __init__(self, mesh: FaceMesh, size: Size) -> None:
        box = mesh.box
        self.height_px = box.height
        oval = mesh.points[list(face.OVAL), :2]
        roll = math.radians(mesh.roll_degrees)
        self._along, self._down = (math.cos(roll), math.sin(roll)), (-math.sin(roll), math.cos(roll))
        self._centre = mesh.points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], :2].mean(axis=0)
        rim = _rim(oval, self._centre, box)
        margin = 0.06 * box.width
        left = max(0, math.floor(float(rim[:, 0].min()) - margin))
        top = max(0, math.floor(float(rim[:, 1].min()) - margin))
        right = min(size.width, math.ceil(float(rim[:, 0].max()) + margin))
        bottom = min(size.height, math.ceil(float(rim[:, 1].max()) + margin))
        self.region = Box(left, top, right - left, bottom - top)
        self._step = max(1.0, max(right - left, bottom - top) / _GRID_SIDE)
        columns = max(8, round((right - left) / self._step))
        rows = max(8, round((bottom - top) / self._step))
        self._steps = ((right - left) / columns, (bottom - top) / rows)
        x = (np.arange(columns, dtype=np.float32) + 0.5) * self._steps[0] - 0.5 + left
        y = (np.arange(rows, dtype=np.float32) + 0.5) * self._steps[1] - 0.5 + top
        self._x, self._y = (np.ascontiguousarray(axis) for axis in np.meshgrid(x, y))
        self._fields = self._solve(mesh, rim, size)
        self._trim()

    def _solve(self, mesh: FaceMesh, rim: Floats, size: Size) -> _Fields:
        points = mesh.points
        window = self._window(rim, size)
        axis_depth = float(points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], 2].mean())
        depth_of = axis_depth - points[:, 2]
        oval = points[list(face.OVAL), :2]
        # Half-way to the rim the hair is about as far back as the axis is: the spline gets that from a second ring.
        middle = (oval * 0.45 + rim * 0.55).astype(np.float32)
        positions = np.vstack([points[:, :2], middle, rim])
        values = np.concatenate([depth_of, np.zeros(len(middle)), np.zeros(len(rim))])
        depth = self._spline(positions, values, smooth=0.02) * window

        height = self.height_px
        browline = np.vstack(
            [
                _dense(np.asarray((points[list(brow[:5]), :2] + points[list(brow[5:]), :2]) / 2, np.float32))
                for brow in (face.RIGHT_BROW, face.LEFT_BROW)
            ]
        )
        lids = np.vstack([_dense(points[list(lid), :2]) for lid in _UPPER_LIDS])
        to_lids = np.maximum(0, self._distance(lids) - _LID_STILL * height)
        brows = self._bump(browline, _BROW_REACH * height)
        brows = np.asarray(brows * _smooth(to_lids / (to_lids + self._distance(browline) + 1e-6)), np.float32)
        right, left = (
            self._bump(points[[corner], :2], _CORNER_REACH * height) for corner in (face.MOUTH_RIGHT, face.MOUTH_LEFT)
        )
        return _Fields(
            depth.astype(np.float32),
            window,
            (brows * window).astype(np.float32),
            ((left - right) * window).astype(np.float32),
        )

    def _trim(self) -> None:
        """Let go of the margin that no motion moves by as much as a twentieth of a pixel.

        The window falls off so gently that its outer tenth only makes packs larger. What lies beyond the first such
        row or column is exactly still afterwards.
        """
        fields = self._fields
        most = np.abs(fields.depth) * 0.35 + fields.whole * (0.05 * self.height_px)
        moved = most > 0.05
        rows, columns = np.flatnonzero(moved.any(axis=1)), np.flatnonzero(moved.any(axis=0))
        if not len(rows):
            return
        # Two of the grid's steps more, over which all fields fade to nothing: a step in them would be a crease.
        top, bottom = max(0, int(rows[0]) - 2), min(moved.shape[0], int(rows[-1]) + 3)
        left, right = max(0, int(columns[0]) - 2), min(moved.shape[1], int(columns[-1]) + 3)
        first_x, first_y = round(left * self._steps[0]), round(top * self._steps[1])
        last_x = min(int(self.region.width), round(right * self._steps[0]))
        last_y = min(int(self.region.height), round(bottom * self._steps[1]))
        self.region = Box(self.region.left + first_x, self.region.top + first_y, last_x - first_x, last_y - first_y)
        columns_kept, rows_kept = right - left, bottom - top
        self._steps = (self.region.width / columns_kept, self.region.height / rows_kept)
        kept = np.s_[top:bottom, left:right]
        fade = np.minimum.outer(_ends(rows_kept), _ends(columns_kept))
        self._x, self._y = np.ascontiguousarray(self._x[kept]), np.ascontiguousarray(self._y[kept])
        self._fields = _Fields(
            *(np.ascontiguousarray(getattr(fields, part.name)[kept] * fade) for part in dataclasses.fields(_Fields))
        )

    def _window(self, rim: Floats, size: Size) -> Floats:
        """1 over the face, falling to exactly 0 at the rim and at the picture's edge."""
        around = rim - self._centre
        angles = np.arctan2(around[:, 1], around[:, 0])
        order = np.argsort(angles)
        reach = np.hypot(around[:, 0], around[:, 1])[order]
        angles = angles[order]
        x, y = self._x - self._centre[0], self._y - self._centre[1]
        limit = np.interp(np.arctan2(y, x), angles, reach, period=2 * math.pi)
        share = np.hypot(x, y) / limit
        inside = np.clip((1.0 - share) / 0.42, 0, 1)
        window = inside**3 * (inside * (inside * 6 - 15) + 10)
        # A head cut off by the picture's edge stays where it is there: nothing is known of what lies beyond.
        near = 0.3 * self.height_px
        for distance in (self._x, self._y, size.width - 1 - self._x, size.height - 1 - self._y):
            ramp = np.clip(distance / near, 0, 1)
            window = window * (ramp * ramp * (3 - 2 * ramp))
        return np.asarray(cv2.GaussianBlur(window.astype(np.float32), (0, 0), 2.0) * (window > 0), np.float32)

    def _spline(self, positions: NDArray[np.float32], values: NDArray[np.float64], *, smooth: float) -> Floats:
        """Return the thin-plate spline through the values, on the grid (r² log r; Duchon 1977)."""
        unit = self.height_px
        places = ((positions - self._centre) / unit).astype(np.float64)
        count = len(places)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _thin_plate(places, places) + np.eye(count) * smooth
        system[:count, count] = 1
        system[:count, count + 1 :] = places
        system[count:, :count] = system[:count, count:].T
        weights = np.linalg.solve(system, np.concatenate([values, np.zeros(3)]))
        # A quarter of the grid's points is enough for a spline this smooth, and four times faster on each side.
        rows, columns = self._x.shape
        small = (max(2, columns // 4), max(2, rows // 4))
        x = cv2.resize(self._x, small, interpolation=cv2.INTER_AREA)
        y = cv2.resize(self._y, small, interpolation=cv2.INTER_AREA)
        at = np.stack([x.ravel(), y.ravel()], axis=1)
        at = (at - self._centre) / unit
        found = _thin_plate(at, places) @ weights[:count] + weights[count] + at @ weights[count + 1 :]
        coarse = found.reshape(small[1], small[0]).astype(np.float32)
        return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC), np.float32)

    def _distance(self, centres: Floats) -> Floats:
        """Return the distance to the nearest of some points (n, 2), pixels."""
        nearest = np.full(self._x.shape, np.inf, np.float32)
        for x, y in centres:
            np.minimum(nearest, np.hypot(self._x - x, self._y - y), out=nearest)
        return nearest

    def _bump(self, centres: Floats, reach_px: float) -> Floats:
        """1 at the centres, falling to 0 at `reach_px` from the nearest."""
        bump = _smooth(1 - self._distance(centres) / reach_px)
        blurred = cv2.GaussianBlur(bump, (0, 0), max(1.0, 0.16 * reach_px / self._step))
        return np.asarray(blurred / blurred.max(), np.float32)

    def turn(self, motion: Motion) -> Displacement:
        """Return how the head's turn, tilt and rise move the points of the face at rest, as far as can be."""
        fields = self._fields
        yaw, pitch, roll = (
            math.radians(angle) for angle in (motion.yaw_degrees, motion.pitch_degrees, motion.roll_degrees)
        )
        x, y = self._x - self._centre[0], self._y - self._centre[1]
        right = fields.depth * math.sin(yaw) + fields.whole * (x * (math.cos(yaw) - 1) - y * math.sin(roll))
        down = -fields.depth * math.sin(pitch) + fields.whole * (y * (math.cos(pitch) - 1) + x * math.sin(roll))
        down -= fields.whole * (motion.rise * self.height_px)
        return self._displacement(right, down).gentle()

    def features(self, motion: Motion) -> Displacement:
        """Return how brows and corners of the mouth move in a face at rest; each brought back to what it can do."""
        brows = self._fields.brows * (-motion.brows * self.height_px)
        wide = self._fields.wide * (motion.mouth_wide * self.height_px)
        down, along = self._down, self._along
        # The two lie apart, so that the sum is as gentle as each of them; on a face where they do not, it is made so.
        return (
            self._displacement(brows * down[0], brows * down[1])
            .gentle()
            .plus(self._displacement(wide * along[0], wide * along[1]).gentle())
            .gentle()
        )

    def backward(self, motion: Motion) -> tuple[Floats, Floats]:
        """Return for each pixel of the region where in the picture it comes from: x and y, (height, width) float32.

        The features move in the face at rest and the head turns afterwards: two maps that are one to one, one after the
        other. So a wide mouth takes nothing from the head's turn, as it would if both were kept gentle together.
        """
        moved = self.turn(motion).backward()
        if motion.brows or motion.mouth_wide:
            moved = moved.after(self.features(motion).backward())
        width, height = int(self.region.width), int(self.region.height)
        full_x = cv2.resize(moved.right, (width, height), interpolation=cv2.INTER_CUBIC)
        full_y = cv2.resize(moved.down, (width, height), interpolation=cv2.INTER_CUBIC)
        x = np.arange(width, dtype=np.float32) + np.float32(self.region.left)
        y = np.arange(height, dtype=np.float32) + np.float32(self.region.top)
        return x[None, :] - full_x, y[:, None] - full_y

    def least_area(self, motion: Motion) -> float:
        """Return a bound below the least determinant of the warp's Jacobian: the product of both maps' least ones."""
        area = self.turn(motion).least_area()
        return area * self.features(motion).least_area() if motion.brows or motion.mouth_wide else area

    def share_at(self, x: Floats, y: Floats) -> Floats:
        """Return how much of the head's movement reaches places of the picture: 1 on the face, 0 from the rim on."""
        at_x = (x - self.region.left + 0.5) / self._steps[0] - 0.5
        at_y = (y - self.region.top + 0.5) / self._steps[1] - 0.5
        return np.asarray(
            cv2.remap(
                self._fields.whole,
                at_x.astype(np.float32),
                at_y.astype(np.float32),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_CONSTANT,
            ),
            np.float32,
        )

    def _displacement(self, right: Floats, down: Floats) -> Displacement:
        return Displacement(right.astype(np.float32), down.astype(np.float32), self._steps)


def _ends(count: int) -> Floats:
    """Return ones that fall to 0 at both ends, over two places."""
    number = np.arange(count, dtype=np.float32)
    return np.clip(np.minimum(number, count - 1 - number) / 2, 0, 1).astype(np.float32)


def _dense(line: Floats) -> Floats:
    """Return a line of points (n, 2) with three more between any two."""
    number = np.arange(len(line))
    at = np.linspace(0, len(line) - 1, 4 * len(line) - 3)
    return np.stack([np.interp(at, number, part) for part in line.T], axis=1).astype(np.float32)


def _smooth(share: Floats) -> Floats:
    """0 up to 0, 1 from 1, a smooth step between."""
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _thin_plate(at: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    squared = ((at[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(squared * np.log(squared + 1e-12) / 2, np.float64)


def _rim(oval: Floats, centre: Floats, box: Box) -> Floats:
    """Return where the head's movement has died away: the face's outline enlarged, more so above, for hair and hats."""
    away = oval - centre
    up = np.clip(-away[:, 1] / (0.5 * box.height), 0, 1)
    down = np.clip(away[:, 1] / (0.5 * box.height), 0, 1)
    factor = _REACH + 0.35 * up - 0.05 * down
    return np.asarray(centre + away * factor[:, None], np.float32)
