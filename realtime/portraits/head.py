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
from realtime.portraits.mouth import JAW_RAMP

Floats = NDArray[np.float32]

_GRID_SIDE = 320
"""Longest side of the grid the displacement is solved on. It is smooth: 320 and 640 differ by under 0.02 px."""
_REACH = 1.62
"""The outline of the head, hair included, over the outline of the face; there the movement has died away."""
_MOST_CHANGE = 0.8
"""The displacement changes by at most this from one pixel to the next."""
_LEAST_DETERMINANT = 0.35
"""No part of the picture is squeezed below this share of its area: far from folding, and still sharp."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Fields:
    """What moves by how much at each point of the grid, in picture pixels (forward: from where a point is)."""

    depth: Floats
    """Towards the viewer, from the axis of the head."""
    whole: Floats
    """1 on the head, 0 in the background: what tilts and rises as one piece."""
    brows: Floats
    jaw: Floats
    wide: Floats


class HeadField:
    """The displacement of one head. `region` is all it can reach."""

    def __init__(self, mesh: FaceMesh, size: Size) -> None:
        box = mesh.box
        self.height_px = box.height
        oval = mesh.points[list(face.OVAL), :2]
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
        brows = self._bump(points[list(face.RIGHT_BROW + face.LEFT_BROW), :2], 0.10 * height)
        lower = points[list(face.LIP_LOWER_INNER[2:-2]), :2]
        chin = points[[face.CHIN, 148, 377, 176, 400, 200, 18, 17, 16, 315], :2]
        jaw = self._bump(np.vstack([lower, chin, (lower + chin[:1]) / 2]), 0.13 * height)
        upper_lip_y = np.interp(
            self._x[0], points[list(face.LIP_UPPER_INNER), 0], points[list(face.LIP_UPPER_INNER), 1]
        )
        below = np.clip((self._y - upper_lip_y[None, :]) / (JAW_RAMP * height), 0, 1)
        jaw *= below * below * (3 - 2 * below)  # `mouth.py` parts the lips by what is left of it there
        right = self._bump(points[[face.MOUTH_RIGHT], :2], 0.11 * height)
        left = self._bump(points[[face.MOUTH_LEFT], :2], 0.11 * height)
        return _Fields(
            depth.astype(np.float32),
            window,
            (brows * window).astype(np.float32),
            (jaw * window).astype(np.float32),
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

    def _bump(self, centres: Floats, radius_px: float) -> Floats:
        """1 at the centres, falling to 0 at `radius_px` from the nearest."""
        nearest = np.full(self._x.shape, np.inf, np.float32)
        for x, y in centres:
            np.minimum(nearest, np.hypot(self._x - x, self._y - y), out=nearest)
        share = np.clip(1 - nearest / (1.6 * radius_px), 0, 1)
        bump = share * share * (3 - 2 * share)
        return np.asarray(cv2.GaussianBlur(bump, (0, 0), max(1.0, 0.25 * radius_px / self._step)), np.float32)

    def _forward(self, motion: Motion) -> tuple[Floats, Floats]:
        """Return how far each point of the source moves, on the grid: right and down, pixels."""
        fields = self._fields
        yaw, pitch = math.radians(motion.yaw_degrees), math.radians(motion.pitch_degrees)
        x, y = self._x - self._centre[0], self._y - self._centre[1]
        roll = math.radians(motion.roll_degrees)
        right = fields.depth * math.sin(yaw) + fields.whole * (x * (math.cos(yaw) - 1) - y * math.sin(roll))
        down = -fields.depth * math.sin(pitch) + fields.whole * (y * (math.cos(pitch) - 1) + x * math.sin(roll))
        height = self.height_px
        down -= fields.whole * (motion.rise * height) + fields.brows * (motion.brows * height)
        down += fields.jaw * (motion.mouth_open * height)
        right += fields.wide * (motion.mouth_wide * height)
        return right.astype(np.float32), down.astype(np.float32)

    def backward(self, motion: Motion) -> tuple[Floats, Floats]:
        """Return for each pixel of the region where in the picture it comes from: x and y, (height, width) float32.

        The displacement is known where points start; it is needed where they arrive. Each pixel's start is found by
        repeating `start = pixel − displacement(start)`, which converges as the displacement changes by less than a
        pixel from one pixel to the next; motions that would squeeze the picture further are made smaller first.
        """
        right, down = self._forward(motion)
        excess = self._steepness(right, down)
        if excess > 1:
            right, down = right / excess, down / excess
        rows, columns = right.shape
        grid_x, grid_y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        moved_x, moved_y = right, down
        for _ in range(40):
            at_x = grid_x - moved_x / self._steps[0]
            at_y = grid_y - moved_y / self._steps[1]
            before_x, before_y = moved_x, moved_y
            moved_x, moved_y = (
                np.asarray(cv2.remap(part, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
                for part in (right, down)
            )
            if max(float(np.abs(moved_x - before_x).max()), float(np.abs(moved_y - before_y).max())) < 0.002:
                break
        width, height = int(self.region.width), int(self.region.height)
        full_x = cv2.resize(moved_x, (width, height), interpolation=cv2.INTER_CUBIC)
        full_y = cv2.resize(moved_y, (width, height), interpolation=cv2.INTER_CUBIC)
        x = np.arange(width, dtype=np.float32) + np.float32(self.region.left)
        y = np.arange(height, dtype=np.float32) + np.float32(self.region.top)
        return x[None, :] - full_x, y[:, None] - full_y

    def least_area(self, motion: Motion) -> float:
        """Return the least determinant of the warp's Jacobian for a motion, brought back to what can be."""
        right, down = self._forward(motion)
        excess = self._steepness(right, down)
        return self._least_determinant(right / excess, down / excess)

    def _steepness(self, right: Floats, down: Floats) -> float:
        """Return by what a displacement must be divided so that the warp stays one to one and sharp; 1 or more.

        A displacement that changes by less than a pixel from any pixel to the next (in the largest-row-sum norm) is a
        contraction: every pixel has exactly one start, and repetition finds it (Banach).
        """
        across, along = self._steps
        change = max(
            float((np.abs(np.gradient(part, across, axis=1)) + np.abs(np.gradient(part, along, axis=0))).max())
            for part in (right, down)
        )
        excess = max(1.0, change / _MOST_CHANGE)
        while self._least_determinant(right / excess, down / excess) < _LEAST_DETERMINANT:
            excess *= 1.08
        return excess

    def _least_determinant(self, right: Floats, down: Floats) -> float:
        across, along = self._steps
        xx, xy = np.gradient(right, across, axis=1), np.gradient(right, along, axis=0)
        yx, yy = np.gradient(down, across, axis=1), np.gradient(down, along, axis=0)
        return float(((1 + xx) * (1 + yy) - xy * yx).min())


def _ends(count: int) -> Floats:
    """Return ones that fall to 0 at both ends, over two places."""
    number = np.arange(count, dtype=np.float32)
    return np.clip(np.minimum(number, count - 1 - number) / 2, 0, 1).astype(np.float32)


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
