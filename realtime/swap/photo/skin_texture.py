"""Taking from a photo what is face: hair over the forehead, a cap's shadow and a cheek turned away are not.

Worn by somebody else they would be a stain. The face is unrolled (`canonical.py`); what is no skin
(`skin_segmentation.py`) and hangs together with the outline is left out, and so is what the photo shows from too far
aside. Features in the middle always count: brows and shadows are what makes a face somebody's. In place of what is left
out the skin beside it goes on, smoothly.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import LEFT_BROW, OVAL, RIGHT_BROW, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.inpainting import inpainted
from realtime.imaging.pixels import ONE_MAP
from realtime.swap.photo.skin_segmentation import MIDDLE, skin_mask

_SIDE = 96
_LEAST_SEEN = 0.12
"""A part shown with less than this share of the usual area is seen from the side, and would be drawn as stripes."""
_BAND = 2
"""Along the outline a mesh lies on hair or background as often as on skin."""
_EAR, _EAR_ROWS = 18, slice(36, 76)
"""Columns at either side, and rows: lobes have the skin's colour and lie well inside the outline."""
_SOFT = 2.5
_BAND_ROWS = 7
"""Above the brows: what a fringe leaves of a forehead."""
_WISP, _WISP_DEPTH = 9, 0.09
"""Thinner than so many points, and darker by so much, in the logarithm, than the forehead on both sides: hair."""
_MOST_FILLED_PX = 512
"""What is filled in is smooth: it need not be finer."""


def without_hair(photo: Pixels, mesh: FaceMesh, wearable: NDArray[np.float32] | None = None) -> Pixels:
    """Return a photo of a face with skin in place of all that is not, around it too. 150 ms for a face of 400 px.

    `wearable`: its `wearable_part`, where that is known.
    """
    height, width = photo.shape[:2]
    scale = min(1.0, _MOST_FILLED_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    flat = np.zeros((size[1], size[0], 2), np.float32)
    corners = ((mesh.points[:, :2] + 0.5) * (size[0] / width, size[1] / height) - 0.5).astype(np.float32)
    Rasterizer(triangles(), *size).paint(corners, mesh.points[:, 2], uv_points() * _SIDE - 0.5, flat)
    on_mesh = (flat != 0).any(axis=2)
    wearable = wearable_part(photo, mesh) if wearable is None else wearable
    part = cv2.remap(wearable, flat, ONE_MAP, cv2.INTER_LINEAR)
    part = np.multiply(part, on_mesh, dtype=np.float32)
    small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    filled = inpainted(small, part)
    forehead, reach = _forehead(small, flat, part)
    filled += reach[..., None] * (forehead - filled)
    share = cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    whole = cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip(np.rint(photo * share + whole * (1 - share)), 0, 255), np.uint8)  # a cubic overshoots


def _forehead(
    photo: NDArray[np.float32], flat: NDArray[np.float32], part: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (height, width, 3) the skin above the brows going on upwards, and (height, width) 0..1: where it is known.

    What is near a forehead that hair hides are cheeks and nose as well, which are lighter than what a fringe shades:
    filled with their mean, it would end in a line. `flat`: where each pixel lies on the unrolled face; `part`: what is
    skin.
    """
    height, width = photo.shape[:2]
    rows = np.rint(flat[..., 1]).astype(int)
    top = int(uv_points()[list(LEFT_BROW + RIGHT_BROW), 1].min() * _SIDE)
    band = (rows >= top - _BAND_ROWS) & (rows < top) & (part > 0.5)
    columns = np.clip(np.rint(flat[..., 0]).astype(int), 0, _SIDE - 1)
    weights = np.bincount(columns[band], minlength=_SIDE).astype(np.float32)
    if weights.sum() < _SIDE:
        return photo, np.zeros((height, width), np.float32)
    sums = np.stack([np.bincount(columns[band], photo[..., c][band], minlength=_SIDE) for c in range(3)], axis=1)
    smooth = cv2.GaussianBlur(np.column_stack([sums, weights]).astype(np.float32), (1, 37), sigmaX=1, sigmaY=6)
    colours = smooth[:, :3] / (smooth[:, 3:] + 1e-3)
    known = np.clip(smooth[:, 3] / (0.2 * float(np.median(weights[weights > 0])) + 1e-6), 0, 1)
    above = (rows > 0) & (rows < top)
    reach = cv2.GaussianBlur((above * known[columns]).astype(np.float32), (0, 0), 0.01 * width)
    return np.asarray(colours[columns], np.float32), np.asarray(reach, np.float32)


def wearable_part(photo: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
    """Return (96, 96) float32 over the unrolled face, 0..1: how far each part of the photo's face can be worn."""
    flat = uv_points()
    seen = np.zeros((_SIDE, _SIDE, 3), np.float32)
    corners = (flat * _SIDE - 0.5).astype(np.float32)
    values = np.column_stack([mesh.points[:, :2], np.ones(len(flat))]).astype(np.float32)
    Rasterizer(triangles(), _SIDE, _SIDE).paint(corners, np.zeros(len(flat), np.float32), values, seen)
    inside = seen[..., 2] > 0.5
    skin = _skin_on_flat(photo, mesh, seen[..., :2])
    out = ~inside | ~skin | (_area(seen) < _LEAST_SEEN * np.median(_area(seen)[inside]))
    outline = np.rint(corners[list(OVAL)]).astype(np.int32)
    within = cv2.fillPoly(np.zeros((_SIDE, _SIDE), np.uint8), [outline], 1)
    out |= cv2.distanceTransform(within, cv2.DIST_L2, 3) < _BAND
    out[_EAR_ROWS, :_EAR] = out[_EAR_ROWS, -_EAR:] = True
    hull = cv2.convexHull(np.rint(corners[list(MIDDLE)]).astype(np.int32))
    features = cv2.fillConvexPoly(np.zeros((_SIDE, _SIDE), np.uint8), hull, 1)
    out &= features == 0
    left_out = _hanging_together(out.astype(np.uint8), ~inside, _wisps(photo, mesh, seen[..., :2]) & (features == 0))
    grown = np.minimum(cv2.dilate(left_out, np.ones((5, 5), np.uint8)), 1 - features)
    part = 1 - cv2.GaussianBlur(grown.astype(np.float32), (0, 0), _SOFT)
    return np.asarray(part, np.float32)


def _area(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """How many pixels of the photo a point of the unrolled face has; below 0 where it is seen from behind."""
    right, below = np.gradient(seen[..., 0])[::-1], np.gradient(seen[..., 1])[::-1]
    return np.asarray(right[0] * below[1] - right[1] * below[0], np.float32)


def _skin_on_flat(photo: Pixels, mesh: FaceMesh, places: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where the unrolled face shows skin. `places`: where its points lie in the photo."""
    skin, to_small = skin_mask(photo, mesh)
    small_places = np.asarray(places @ to_small[:, :2].T + to_small[:, 2], np.float32)
    on_flat = cv2.remap(skin.astype(np.float32), small_places, ONE_MAP, cv2.INTER_LINEAR)
    return np.asarray(on_flat > 0.5, np.bool_)


def _wisps(photo: Pixels, mesh: FaceMesh, places: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where thin dark strands lie over the forehead: too thin, and too much like skin, to be cut out by colour.
    `places`: where the unrolled face's points lie in the photo.
    """
    smooth = cv2.GaussianBlur(photo, (0, 0), max(0.5, 0.4 * mesh.width_px / _SIDE))
    grey = cv2.cvtColor(cv2.remap(smooth, places, ONE_MAP, cv2.INTER_LINEAR), cv2.COLOR_BGR2GRAY)
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_WISP, _WISP)))
    brows = uv_points()[list(LEFT_BROW + RIGHT_BROW), 1].min() * _SIDE
    dark = np.log((closed + 8.0) / (grey + 8.0)) > _WISP_DEPTH
    dark[int(brows) - 1 :] = False
    return np.asarray(dark, np.bool_)


def _hanging_together(out: NDArray[np.uint8], outside: NDArray[np.bool_], thin: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return what of `out` and of what is `thin` reaches the outline: a mole does not."""
    opened = cv2.morphologyEx(out, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    opened[thin] = 1
    opened[outside] = 1
    _, labels = cv2.connectedComponents(opened, connectivity=4)
    at_outline = np.unique(labels[outside & (opened > 0)])
    return np.isin(labels, at_outline[at_outline > 0]).astype(np.uint8)
