"""The viewer's own fringe, locks and cap over the face: what they look like all the time, not what comes and goes.

It is told from the memory of a face (`detector.py`), which changes slowly: what is found does not flicker.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.occlusion.uv_view import SIDE, around, depth_inside, on_face, openings, plane
from realtime.faces.landmarks.mesh import LEFT_BROW, RIGHT_BROW
from realtime.imaging.numerics import Floats

_FOREHEAD_TO, _CHEEKS_TO = 0.36, 0.62
"""How far down the flat face hair is looked for: over all of it, and along the sides. A beard is below."""
_SIDES = 0.18
"""How far in along the sides, in sides of the flat face."""
_SKIN_FROM, _SKIN_TO, _CHEEKS_IN = 0.42, 0.68, 0.1
"""Rows of cheeks and nose, and how far inside the outline they begin: there is skin."""
_DARKER, _SURELY_DARKER = 30.0, 55.0
"""8-bit L below the skin as it is lit there: shadows of a nose and temples stay above, hair is 40 to 120 darker."""
_OTHER, _SURELY_OTHER = 16.0, 26.0
"""Distance in a and b: a cap, dyed hair."""
_LEAST_POINTS = 24


def hair(usual: Floats) -> Floats:
    """Return where hair or a cap lies over a face laid flat, (SIDE, SIDE) 0..1. `usual`: (SIDE, SIDE, 3), CIELAB."""
    skin = usual[_skin_zone()]
    colour = np.median(skin, axis=0)
    is_skin = (np.abs(skin - colour) < (45, 12, 12)).all(axis=1)
    if is_skin.sum() < _LEAST_POINTS:
        return np.zeros((SIDE, SIDE), np.float32)
    skin_lightness = plane() @ np.linalg.lstsq(plane()[_skin_zone()][is_skin], skin[is_skin, 0], rcond=None)[0]
    darker = (np.minimum(skin_lightness, colour[0] + 30) - usual[..., 0] - _DARKER) / (_SURELY_DARKER - _DARKER)
    other = (np.hypot(usual[..., 1] - colour[1], usual[..., 2] - colour[2]) - _OTHER) / (_SURELY_OTHER - _OTHER)
    share = np.clip(np.maximum(darker, other), 0, 1) * _zone()
    found = (share > 0.3).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(found, connectivity=4)
    begins = np.bincount(labels.ravel(), _edge().ravel(), count) >= 3
    kept = begins & (boxes[:, cv2.CC_STAT_AREA] >= _LEAST_POINTS)
    kept[0] = False
    near = cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    found_share = (share * near).astype(np.float32)
    beyond = cv2.dilate(found_share, np.ones((7, 7), np.uint8))  # hair does not end at the outline
    return np.asarray(cv2.blur(np.where(on_face(), found_share, beyond), (3, 3)))


@functools.cache
def brows() -> Floats:
    """Return (SIDE, SIDE), 1 in the brows and a little around, where no hair is looked for. Read only."""
    found: Floats = np.logical_or(around(RIGHT_BROW, 1), around(LEFT_BROW, 1)).astype(np.float32)
    return found


@functools.cache
def _skin_zone() -> NDArray[np.bool_]:
    mouth, eyes = openings(2)
    rows = (np.arange(SIDE) + 0.5) / SIDE
    between = ((rows > _SKIN_FROM) & (rows < _SKIN_TO))[:, None]
    return np.asarray(between & (depth_inside() > _CHEEKS_IN) & ~mouth & ~eyes)


@functools.cache
def _zone() -> Floats:
    """Return (SIDE, SIDE), 0 or 1: where hair may lie."""
    rows = ((np.arange(SIDE) + 0.5) / SIDE)[:, None]
    zone = (rows < _FOREHEAD_TO) | ((rows < _CHEEKS_TO) & (depth_inside() < _SIDES))
    return np.asarray(zone & on_face() & (brows() == 0) & ~openings(2)[1], np.float32)


@functools.cache
def _edge() -> Floats:
    return ((depth_inside() < 0.035) & on_face()).astype(np.float32)
