"""A photo that looks aside, made into a face seen from in front.

The half that is turned away is shown edge-on, and would be drawn as a smear. So the face is laid flat, and beside it
its own mirror image; each place is taken from whichever shows it from in front.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.face_compositing.face_geometry import triangles_with_rim, with_rim
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import uv_points
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP

MARGIN = 0.1
"""Room for the ring around the mesh, in sides of the flat face."""
FINER = 1.5
"""Side of the flat picture over the face's: laid flat, a face's middle is some 1.3 times smaller than its whole."""
_LEAST_PX, _MOST_PX = 128, 1024
_LET_GO, _GONE = -0.2, -0.75
"""(own − mirrored) / (own + mirrored) area in the photo, from where on the mirror image comes in, and is all."""
_SOFT = 0.05


def frontalized(photo: Pixels, corners: Floats) -> tuple[Pixels, Floats]:
    """Return the flat face, (side, side, 3), and where the corners of a face lie in it.

    `corners`: (504, 2) in the photo, as `face_geometry.with_rim` gives them.
    """
    size = float(np.sqrt(cv2.contourArea(corners[-36:])))
    side = int(np.clip(size * FINER, _LEAST_PX, _MOST_PX))
    seen = seen_on_flat(corners, side)
    own = np.asarray(cv2.remap(photo, seen, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
    area = np.maximum(seen_area(seen), 0) + 1e-3
    better = (area - area[:, ::-1]) / (area + area[:, ::-1])
    sharp = np.clip((better - _GONE) / (_LET_GO - _GONE), 0, 1).astype(np.float32)
    share = np.asarray(cv2.GaussianBlur(sharp, (0, 0), _SOFT * side), np.float32)[..., None]
    return np.rint(own * share + own[:, ::-1] * (1 - share)).astype(np.uint8), flat_corners(side)


def flat_corners(side: int) -> Floats:
    """Return (504, 2): where the corners of a face, and the ring around it, lie on a flat one of `side` pixels."""
    return ((with_rim(uv_points()) + MARGIN) * (side / (1 + 2 * MARGIN)) - 0.5).astype(np.float32)


def seen_on_flat(corners: Floats, side: int) -> Floats:
    """Return (side, side, 2): where each place of the flat face lies in the picture in which `corners` lie; 0 where no
    face is.
    """
    places = flat_corners(side)
    seen = np.zeros((side, side, 2), np.float32)
    Rasterizer(triangles_with_rim(), side, side).paint(places, np.zeros(len(places), np.float32), corners, seen)
    return seen


def seen_area(seen: Floats) -> Floats:
    """Return (side, side): how many of the photo's pixels each place has, steadied over a mesh triangle."""
    down_x, right_x = np.gradient(seen[..., 0])
    down_y, right_y = np.gradient(seen[..., 1])
    area = np.asarray(right_x * down_y - down_x * right_y, np.float32)
    inside = (seen != 0).any(axis=2).astype(np.float32)
    radius = max(3, seen.shape[0] // 16 | 1)
    spread = cv2.blur(np.clip(area, 0, None) * inside, (radius, radius))
    return np.asarray(spread / (cv2.blur(inside, (radius, radius)) + 1e-3), np.float32)
