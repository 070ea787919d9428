"""A photo's own light, taken out as far as a face's two halves tell it: one is not darker than the other by nature.

A lamp at one side, its colour, the shadow that a nose casts: what differs between a place and its mirror image, broadly
and by more than faces differ, is light. Both halves become what lies between them. Where skin shines, it gets the
brightness and the colour that it has beside: highlights move with the lamp, and the viewer has another.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.folds import hull
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.mesh import EYES, LEFT_BROW, LIPS, OVAL, RIGHT_BROW, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP
from realtime.swap.photo.flat_photo import FLAT_SIDE, LUMA, flattened, places_on_flat, soft_mask, to_bytes

_BROAD = 0.03
"""What differs between halves is looked at over such a part of the flat face's side: a cast shadow ends within it."""
_BY_NATURE = 0.1
"""Of the logarithm of brightness: faces differ by up to so much from side to side in even light, lit ones by 0.2 to 0.8
(from half of it on, likeness loses 0.03)."""
_MOST = 0.7
_SURE_DEGREES, _UNSURE_DEGREES = 5.0, 10.0
"""Turned so far aside, a photo's halves are not seen alike: a painting turned by 11° lost 0.07 of likeness."""
_SHINE_WIDE = 0.09
"""Highlights are narrower than this, in sides of the flat face; a cheek is broader."""
_SHINE_FROM, _SHINE_SHARE = 0.08, 0.3
"""Of the logarithm of brightness; and how far it is taken away (0.6 costs 0.015 of likeness more)."""
_WHITER_FROM = 0.08
"""Of the logarithm of red over blue, below the skin around: what is bright and has the skin's colour is a nose's ridge
or a cheek, whose shape is somebody's (all bright places dulled cost 0.1 of likeness)."""


def delighted(photo: Pixels, mesh: FaceMesh) -> Pixels:
    """Return the face of a photo in even light, and what is around it as it was. `mesh` lies in the photo."""
    flat = np.log(flattened(photo, mesh))
    change = _matte(flat)
    change += _even(flat + change, mesh)
    places = places_on_flat(photo, mesh)
    on_photo = cv2.remap(change.astype(np.float32), places, ONE_MAP, cv2.INTER_LINEAR)
    return to_bytes(photo * np.exp(on_photo))


def _even(flat: Floats, mesh: FaceMesh) -> Floats:
    """Return (side, side, 3) what to add to the logarithm of a flat face to make its halves alike."""
    sure = (_UNSURE_DEGREES - abs(mesh.yaw_degrees)) / (_UNSURE_DEGREES - _SURE_DEGREES)
    weights = _skin()
    broad = _blurred(flat * weights[..., None], _BROAD) / (_blurred(weights, _BROAD)[..., None] + 1e-3)
    half = (broad[:, ::-1] - broad) / 2
    by_light = np.sign(half) * np.clip(np.abs(half) - _BY_NATURE, 0, _MOST)
    return np.asarray(float(np.clip(sure, 0, 1)) * _inside()[..., None] * by_light, np.float32)


def _matte(flat: Floats) -> Floats:
    """Return the same to take the shine off the skin."""
    brightness = np.asarray(flat @ LUMA, np.float32)
    size = round(_SHINE_WIDE * FLAT_SIDE) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    smooth = cv2.GaussianBlur(brightness, (0, 0), 1.5)
    opened = cv2.GaussianBlur(cv2.morphologyEx(smooth, cv2.MORPH_OPEN, kernel), (0, 0), size / 4)
    colour = flat - brightness[..., None]
    redness = cv2.GaussianBlur(colour[..., 2] - colour[..., 0], (0, 0), 1.5)
    usual = _blurred(redness * _skin(), 0.1) / (_blurred(_skin(), 0.1) + 1e-3)
    whiter = np.clip((usual - redness - _WHITER_FROM) / _WHITER_FROM, 0, 1)
    above = np.clip(smooth - opened - _SHINE_FROM, 0, 0.8) * whiter * _skin() * _inside()
    shine = np.clip(above / 0.15, 0, 1)
    dull = ((1 - shine) * _skin())[..., None]
    beside = _blurred(colour * dull, 0.04) / (_blurred(dull[..., 0], 0.04)[..., None] + 1e-3)
    change = -_SHINE_SHARE * above[..., None] + (shine * _SHINE_SHARE)[..., None] * (beside - colour)
    return np.asarray(change, np.float32)


def _blurred(values: NDArray[np.floating], sides: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sides * FLAT_SIDE), np.float32)


@functools.cache
def _skin() -> Floats:
    """Return (side, side), 1 where nothing but skin is, symmetric."""
    features = hull(LIPS, 0.012, FLAT_SIDE) | hull(EYES[0], 0.02, FLAT_SIDE)
    features |= hull(RIGHT_BROW, 0.015, FLAT_SIDE) | hull(LEFT_BROW, 0.015, FLAT_SIDE)
    on_mesh = np.zeros((FLAT_SIDE, FLAT_SIDE, 1), np.float32)
    corners = (uv_points() * FLAT_SIDE - 0.5).astype(np.float32)
    ones = np.ones((len(corners), 1), np.float32)
    Rasterizer(triangles(), FLAT_SIDE, FLAT_SIDE).paint(corners, ones[:, 0], ones, on_mesh)
    skin = np.minimum(1 - soft_mask(features, 0.005), on_mesh[..., 0])
    return np.asarray(np.minimum(skin, skin[:, ::-1]), np.float32)


@functools.cache
def _inside() -> Floats:
    """Return (side, side), 0 along the outline, where the mesh lies beside the face, to 1 inside."""
    outline = np.rint(uv_points()[list(OVAL)] * FLAT_SIDE - 0.5).astype(np.int32)
    filled = cv2.fillPoly(np.zeros((FLAT_SIDE, FLAT_SIDE), np.uint8), [outline], 255)
    depth = cv2.distanceTransform(filled, cv2.DIST_L2, 5) / FLAT_SIDE
    share = np.clip((depth - 0.02) / 0.06, 0, 1)
    return np.asarray(np.minimum(share, share[:, ::-1]), np.float32)
