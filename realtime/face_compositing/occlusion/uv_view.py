"""A viewer's face laid flat: one small picture in which a cheek stays in its place, however the head turns."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import EYES, LIPS, OVAL
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP, halved

SIDE = 64
"""Points along each side. On a face of 300 px they lie 5 px apart: a finger is three to four of them wide."""
_LEAST_SAMPLED_PX = 96
"""The picture is halved down to no less than this before it is sampled: noise is averaged, no pixel skipped."""
_TURNED_AWAY, _FACING = 0.15, 0.4
"""Area that a piece of the face takes in the picture, over the median: below the first nothing is told by it."""


class UVView(NamedTuple):
    """One frame's face, laid flat."""

    lab: Floats
    """(SIDE, SIDE, 3): lightness and colour in OpenCV's 8-bit CIELAB (L over 0..255, a and b around 128)."""
    seen: Floats
    """(SIDE, SIDE) 0..1: whether a point lies in the picture and on a side of the face that is turned to it."""
    small: Pixels
    """The face's rectangle (`FaceGeometry.place`), halved until it is 96 to 192 px wide; at most 1 px less of it at the
    right and below."""


def unwrap(pixels: Pixels, geometry: FaceGeometry) -> UVView:
    """Return the face at a geometry, which is not empty, as it is in the frame `pixels`."""
    halvings = max(0, int(math.log2(min(geometry.place.size) / _LEAST_SAMPLED_PX)))
    part, scale = halved(geometry.place.of(pixels), halvings), 0.5**halvings
    places = np.ascontiguousarray(
        (uv_places(geometry) + 0.5 - (geometry.place.left, geometry.place.top)) * scale - 0.5, np.float32
    )
    sampled = cv2.remap(part, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lab = cv2.cvtColor(sampled, cv2.COLOR_BGR2LAB).astype(np.float32)
    return UVView(lab, _seen(places, part.shape[1], part.shape[0]), part)


def uv_places(geometry: FaceGeometry) -> Floats:
    """Return (SIDE, SIDE, 2): where in the frame each point of the flat face is, x and y."""
    corners, weights = _corners()
    # x and y as one complex number: gathered and weighed in a ninth of the time of an einsum over both.
    places = np.ascontiguousarray(geometry.measured.points[:, :2], np.float32).view(np.complex64)[:, 0]
    return np.asarray((places[corners] * weights).sum(axis=0).view(np.float32).reshape(SIDE, SIDE, 2))


def to_grid(flat: Floats, geometry: FaceGeometry) -> Floats:
    """Return a flat picture, (SIDE, SIDE), where the field's grid has the face; 0 where none is."""
    places = geometry.flat_map * SIDE - 0.5
    on_grid = cv2.remap(flat, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    on_grid[geometry.margin <= 0] = 0
    return np.asarray(on_grid, np.float32)


@functools.cache
def on_face() -> NDArray[np.bool_]:
    """Return (SIDE, SIDE): which points lie on the mesh. Read only."""
    return np.asarray(_corners()[1].sum(axis=0) > 0.5).reshape(SIDE, SIDE)


@functools.cache
def depth_inside() -> Floats:
    """Return (SIDE, SIDE): how far a point lies inside the outline, in sides of the flat face. Read only."""
    outline = uv_points()[list(OVAL)]
    middles = (np.arange(SIDE) + 0.5) / SIDE
    rows = [[cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x in middles] for y in middles]
    return np.array(rows, np.float32)


@functools.cache
def plane() -> Floats:
    """Return (SIDE, SIDE, 3): 1, and the place across and down, −0.5..0.5. Read only."""
    steps = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE - 0.5
    across, down = np.meshgrid(steps, steps)
    return np.stack([np.ones_like(across), across, down], axis=2)


def around(numbers: tuple[int, ...], grown: int) -> NDArray[np.bool_]:
    """Return (SIDE, SIDE): the hull of some of the mesh's points, grown by some points of the flat picture."""
    hull = cv2.convexHull(np.rint(uv_points()[list(numbers)] * SIDE - 0.5).astype(np.int32))
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(mask, hull, 1)
    return np.asarray(cv2.dilate(mask, np.ones((2 * grown + 1, 2 * grown + 1), np.uint8)) > 0)


@functools.cache
def openings(grown: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (SIDE, SIDE) each: mouth with lips, eyes with lids. Read only."""
    return around(LIPS, grown), around(EYES[0], grown) | around(EYES[1], grown)


@functools.cache
def _corners() -> tuple[NDArray[np.intp], Floats]:
    """Return (3, SIDE²) which points of the mesh are around a flat point, and their shares; 0 off the face."""
    painted = np.zeros((SIDE, SIDE, 468), np.float32)
    one_each = np.eye(468, dtype=np.float32)
    corners = (uv_points() * SIDE - 0.5).astype(np.float32)
    Rasterizer(triangles(), SIDE, SIDE).paint(corners, np.zeros(468, np.float32), one_each, painted)
    shares = painted.reshape(SIDE * SIDE, 468)
    numbers = np.argpartition(-shares, 3, axis=1)[:, :3]
    shares = np.take_along_axis(shares, numbers, axis=1)
    return np.ascontiguousarray(numbers.T), np.ascontiguousarray(shares.T)


def _seen(places: Floats, width: int, height: int) -> Floats:
    right = cv2.Sobel(places, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(places, cv2.CV_32F, 0, 1, ksize=1)
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    areas = area[on_face()]
    middle = areas.size // 2  # np.median does the same in six times the time
    usual = max(float(np.partition(areas, middle)[middle]), 1e-6)
    seen = np.clip((area / usual - _TURNED_AWAY) / (_FACING - _TURNED_AWAY), 0, 1) * on_face()
    x, y = places[..., 0], places[..., 1]
    seen *= (x > 0) & (y > 0) & (x < width - 1) & (y < height - 1)
    return np.asarray(seen, np.float32)
