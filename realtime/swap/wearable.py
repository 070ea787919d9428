"""Taking from a photo what is face: hair over the forehead, a cap's shadow and a cheek turned away are not.

Worn by somebody else they would be a stain. The face is unrolled (`canonical.py`); what has not the colour of its
cheeks and nose and hangs together with the outline is left out, and so is what the photo shows from too far aside.
Features in the middle always count: brows and shadows are what makes a face somebody's. In place of what is left out
the skin beside it goes on, smoothly.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.canonical import flat_points, triangles
from realtime.faces.mesh import LEFT_BROW, OVAL, RIGHT_BROW, FaceMesh
from realtime.frame import Pixels
from realtime.swap.raster import Raster

_SIDE = 96
_CORE = (slice(43, 60), slice(27, 69))
"""Rows and columns of the unrolled face with nose and cheeks: its skin."""
_SPREADS = 2.5
_LEAST_TOLERANCE, _MOST_TOLERANCE = (28, 8, 9), (60, 16, 18)
"""How far from the skin's median colour is still skin: 2.5 times its own spread, within these bounds (OpenCV's
8-bit Lab). On nine photos and paintings hair is 40 or more darker than the skin beside it, a nose's shadow up to 50."""
_LEAST_SEEN = 0.12
"""A part shown with less than this share of the usual area is seen from the side, and would be drawn as stripes."""
_ALWAYS = (*RIGHT_BROW, *LEFT_BROW, 33, 263, 50, 280, 205, 425, 61, 291, 57, 287, 43, 273, 199, 208, 428)
"""Brows, eyes, cheeks, mouth, middle of the chin."""
_BAND = 6.5
"""Along the outline lie ears and hair that has the skin's colour."""
_EAR, _EAR_ROWS = 18, slice(36, 76)
"""Columns at either side, and rows: lobes have the skin's colour and lie well inside the outline."""
_SOFT = 2.5
_MOST_FILLED_PX = 512
"""What is filled in is smooth: it need not be finer."""


def without_hair(photo: Pixels, mesh: FaceMesh) -> Pixels:
    """Return a photo of a face with skin in place of all that is not, around it too. 100 ms for a face of 400 px."""
    height, width = photo.shape[:2]
    scale = min(1.0, _MOST_FILLED_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    flat = np.zeros((size[1], size[0], 2), np.float32)
    corners = ((mesh.points[:, :2] + 0.5) * (size[0] / width, size[1] / height) - 0.5).astype(np.float32)
    Raster(triangles(), *size).paint(corners, mesh.points[:, 2], flat_points() * _SIDE - 0.5, flat)
    on_mesh = (flat != 0).any(axis=2)
    part = cv2.remap(wearable_part(photo, mesh), flat, None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
    part *= on_mesh
    filled = _continued(cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32), part)
    share = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    whole = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.rint(photo * share + whole * (1 - share)), np.uint8)


def _continued(picture: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a picture that goes on smoothly where `part` is 0: every place takes the mean of what is near, from the
    smallest surroundings that hold anything (the pyramid of Gortler and others, "The Lumigraph", 1996: push and pull).
    """
    weights = np.square(part)[..., None]
    if min(picture.shape[:2]) <= 2:
        mean = (picture * weights).sum(axis=(0, 1)) / max(float(weights.sum()), 1e-6)
        return np.asarray(np.broadcast_to(mean, picture.shape), np.float32)
    size = ((picture.shape[1] + 1) // 2, (picture.shape[0] + 1) // 2)
    summed = cv2.resize(picture * weights, size, interpolation=cv2.INTER_AREA)
    held = cv2.resize(weights, size, interpolation=cv2.INTER_AREA)
    mean = np.asarray(summed / np.maximum(held, 1e-6)[..., None], np.float32)
    coarse = _continued(mean, np.asarray(np.minimum(1, 2 * held), np.float32))
    above = cv2.resize(coarse, picture.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(weights * picture + (1 - weights) * above, np.float32)


def wearable_part(photo: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
    """Return (96, 96) float32 over the unrolled face, 0..1: how far each part of the photo's face can be worn."""
    flat = flat_points()
    seen = np.zeros((_SIDE, _SIDE, 3), np.float32)
    corners = (flat * _SIDE - 0.5).astype(np.float32)
    values = np.column_stack([mesh.points[:, :2], np.ones(len(flat))]).astype(np.float32)
    Raster(triangles(), _SIDE, _SIDE).paint(corners, np.zeros(len(flat), np.float32), values, seen)
    inside = seen[..., 2] > 0.5
    texture = cv2.remap(_softened(photo, mesh), seen[..., :2].copy(), None, cv2.INTER_LINEAR)  # type: ignore[call-overload]
    out = ~inside | (_area(seen) < _LEAST_SEEN * np.median(_area(seen)[inside])) | _other_colour(texture)
    outline = np.rint(corners[list(OVAL)]).astype(np.int32)
    within = cv2.fillPoly(np.zeros((_SIDE, _SIDE), np.uint8), [outline], 1)
    out |= cv2.distanceTransform(within, cv2.DIST_L2, 3) < _BAND
    out[_EAR_ROWS, :_EAR] = out[_EAR_ROWS, -_EAR:] = True
    hull = cv2.convexHull(np.rint(corners[list(_ALWAYS)]).astype(np.int32))
    features = cv2.fillConvexPoly(np.zeros((_SIDE, _SIDE), np.uint8), hull, 1)
    out &= features == 0
    left_out = _hanging_together(out.astype(np.uint8), ~inside)
    grown = np.minimum(cv2.dilate(left_out, np.ones((5, 5), np.uint8)), 1 - features)
    part = 1 - cv2.GaussianBlur(grown.astype(np.float32), (0, 0), _SOFT)
    return np.asarray(part, np.float32)


def _softened(photo: Pixels, mesh: FaceMesh) -> Pixels:
    """Return the photo without what is finer than a point of the unrolled face."""
    return np.asarray(cv2.GaussianBlur(photo, (0, 0), max(0.5, mesh.width_px / _SIDE / 2)), np.uint8)


def _area(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """How many pixels of the photo a point of the unrolled face has; below 0 where it is seen from behind."""
    right, below = np.gradient(seen[..., 0])[::-1], np.gradient(seen[..., 1])[::-1]
    return np.asarray(right[0] * below[1] - right[1] * below[0], np.float32)


def _other_colour(texture: NDArray[np.generic]) -> NDArray[np.bool_]:
    lab = cv2.cvtColor(np.asarray(texture, np.uint8), cv2.COLOR_BGR2LAB).astype(np.float32)
    skin = lab[_CORE].reshape(-1, 3)
    middle = np.median(skin, axis=0)
    spread = 1.48 * np.median(np.abs(skin - middle), axis=0)
    tolerance = np.clip(_SPREADS * spread, _LEAST_TOLERANCE, _MOST_TOLERANCE)
    return np.asarray(np.square((lab - middle) / tolerance).sum(axis=2) > 1, np.bool_)


def _hanging_together(out: NDArray[np.uint8], outside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return what of `out` reaches the outline: a mole does not."""
    opened = cv2.morphologyEx(out, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    opened[outside] = 1
    _, labels = cv2.connectedComponents(opened, connectivity=4)
    at_outline = np.unique(labels[outside & (opened > 0)])
    return np.isin(labels, at_outline[at_outline > 0]).astype(np.uint8)
