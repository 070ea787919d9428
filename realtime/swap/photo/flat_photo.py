"""A photo's face laid flat to be worked on, and what was found there brought back onto the photo."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP

FLAT_SIDE = 256
"""Of the flat face that shading is worked on: folds are 3 to 8 of its points wide, lips end to half a point."""

LUMA = np.array([0.114, 0.587, 0.299], np.float32)
"""Of BGR (ITU-R BT.601)."""


def flattened(photo: Pixels, mesh: FaceMesh) -> Floats:
    """Return (side, side, 3) BGR, 1..256: the face of a photo."""
    places = np.zeros((FLAT_SIDE, FLAT_SIDE, 2), np.float32)
    corners = (uv_points() * FLAT_SIDE - 0.5).astype(np.float32)
    none = np.zeros(len(corners), np.float32)
    Rasterizer(triangles(), FLAT_SIDE, FLAT_SIDE).paint(corners, none, mesh.points[:, :2], places)
    per_point = mesh.width_px / FLAT_SIDE
    smooth = cv2.GaussianBlur(photo, (0, 0), 0.4 * per_point) if per_point > 1 else photo
    flat = cv2.remap(smooth, places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(flat, np.float32) + 1


def places_on_flat(photo: Pixels, mesh: FaceMesh) -> Floats:
    """Return (height, width, 2): where on the flat face each pixel of the photo lies; beyond its edge if nowhere."""
    height, width = photo.shape[:2]
    scale = min(1.0, 512 / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    painted = np.zeros((size[1], size[0], 3), np.float32)
    corners = ((mesh.points[:, :2] + 0.5) * (size[0] / width, size[1] / height) - 0.5).astype(np.float32)
    values = np.column_stack([uv_points() * FLAT_SIDE - 0.5, np.ones(len(corners))]).astype(np.float32)
    Rasterizer(triangles(), *size).paint(corners, mesh.points[:, 2], values, painted)
    # Off the face nothing is changed: the flat picture's corner is plain.
    places = cv2.resize(painted[..., :2], (width, height), interpolation=cv2.INTER_LINEAR)
    on_mesh = cv2.resize(painted[..., 2], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.where(on_mesh[..., None] > 0.999, places, -8), np.float32)


def soft_mask(mask: NDArray[np.uint8], sides: float) -> Floats:
    """Return a mask of the flat face, 0..255, as 0..1 with edges that are `sides` wide."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), sides * FLAT_SIDE), np.float32)


def to_bytes(picture: NDArray[Any]) -> Pixels:
    """Return a picture in bytes."""
    return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)
