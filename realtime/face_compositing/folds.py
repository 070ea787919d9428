"""The viewer's own folds on another face: a smile without them is a mouth that was pasted in.

Where skin folds in a smile is known; how it does is seen. The viewer's face, laid flat, is remembered as it is at rest;
what has become darker or brighter beside that, as they smile, is laid over the new face as shade. Nothing is added at
rest, whatever light and camera do.
"""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.occlusion.uv_view import SIDE, UVView, depth_inside, to_grid, unwrap
from realtime.faces.landmarks.canonical import mirrored_points, uv_points
from realtime.faces.landmarks.mesh import EYES, LEFT_BROW, LIPS, RIGHT_BROW
from realtime.faces.landmarks.smile import smile_level
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, eased

Path = tuple[tuple[int, ...], float]
"""Numbers of points along a fold on the person's right, and how wide what it shades is, in sides of the flat face."""
FOLDS: tuple[Path, ...] = (((203, 206, 216, 212, 202), 0.075), ((207, 214, 210), 0.05))
"""From the nose past the mouth, and the crease that a cheek makes beside it."""
CREASES: tuple[Path, ...] = (
    ((35, 143, 34), 0.08), ((31, 111, 116), 0.06),
    ((228, 229, 230, 231, 232), 0.06), ((117, 118, 119, 120), 0.05),
)  # fmt: skip
"""Crow's feet, what lies below the eye, and the cheek that is pushed up to it."""
NOSE = (49, 102, 64, 98, 2, 4, 195)
"""Hull of the right half of the nose's lower part."""

_EVERY_S, _AT_REST_EVERY_S = 0.03, 0.1
_PAUSE_S = 1.0
"""After it all begins anew: another shot, another room."""
_LEARNS_S = 1.5
_CALMER_S, _LIVELIER_S = 0.5, 20.0
"""How fast what counts as rest falls to a calmer mouth, and rises where none is seen."""
_BEGINS, _REACHES = 0.15, 0.35
"""Of `smile_level` above rest: people who talk wander by 0.1."""
_SETTLES_S = 0.06
_BROAD = 6.0
"""Points of the flat face: what changes more broadly is light, or the head's turn."""
_DARKEST, _BRIGHTEST = -0.24, 0.12
_BYTES = 1.25
"""The logarithm of a pixel's bytes changes so many times as much as that of its lightness."""
_BESIDE = 0.15
"""Share of shade in plain skin, beside the places where it folds."""


class ViewerFolds:
    """Remembers one viewer's skin at rest. Used by one thread."""

    def __init__(self) -> None:
        self._at_s = -math.inf
        self._rest_level = 0.0
        self._share = 0.0
        self._rest: Floats = np.zeros((SIDE, SIDE), np.float32)
        self._shade: Floats = np.zeros((SIDE, SIDE), np.float32)

    def forget(self) -> None:
        """Somebody else comes."""
        self._at_s = -math.inf

    def look(self, pixels: Pixels, geometry: FaceGeometry, pts_s: float, view: UVView | None = None) -> None:
        """See the viewer in a frame; the geometry's face is not outside of it. `view`: that face, where it is laid flat
        already.
        """
        passed_s = pts_s - self._at_s
        if 0 <= passed_s < (_EVERY_S if self._share > 0 else _AT_REST_EVERY_S):
            self._follow(geometry, 0.0)
            return
        view = view or unwrap(pixels, geometry)
        now = np.log(np.maximum(view.lab[..., 0], 8.0)) * np.float32(_BYTES)
        self._at_s = pts_s
        if not 0 <= passed_s <= _PAUSE_S:
            self._rest_level, self._share = smile_level(geometry.measured), 0.0
            self._rest, self._shade = now, np.zeros_like(now)
            return
        self._follow(geometry, passed_s)
        learns = (1 - math.exp(-passed_s / _LEARNS_S)) * (1 - self._share) ** 2
        self._rest += learns * view.seen * (now - self._rest)
        share = 1 - math.exp(-passed_s / _SETTLES_S)
        self._shade += share * (self._change(now, view) - self._shade)

    def _follow(self, geometry: FaceGeometry, passed_s: float) -> None:
        """Tell how far the viewer smiles now."""
        level = smile_level(geometry.measured)
        settles_s = _CALMER_S if level < self._rest_level else _LIVELIER_S
        self._rest_level += (1 - math.exp(-passed_s / settles_s)) * (level - self._rest_level)
        self._share = eased((level - self._rest_level - _BEGINS) / _REACHES)

    def _change(self, now: Floats, view: UVView) -> Floats:
        """Return (SIDE, SIDE) how the logarithm of skin's brightness differs from that at rest, less what is broad."""
        weights = view.seen * _skin()
        change = cv2.GaussianBlur((now - self._rest) * weights, (0, 0), 0.8)
        change = change / (cv2.GaussianBlur(weights, (0, 0), 0.8) + 1e-3)
        broad = cv2.GaussianBlur(change * weights, (0, 0), _BROAD) / (cv2.GaussianBlur(weights, (0, 0), _BROAD) + 1e-3)
        return np.asarray(np.clip(change - broad, _DARKEST, _BRIGHTEST) * weights * _zone(), np.float32)

    def shade(self, drawn: Pixels, geometry: FaceGeometry) -> None:
        """Lay the folds over a face, (height, width, 3) of the geometry's rectangle, in place."""
        if self._share <= 0:
            return
        times = np.exp(self._share * to_grid(self._shade, geometry))
        grid = np.clip(np.rint(128 * times), 0, 255).astype(np.uint8)
        whole, three = geometry.bytes_like("folds"), geometry.bytes_like("light", 3)
        geometry.enlarge(grid, whole)
        cv2.cvtColor(whole, cv2.COLOR_GRAY2BGR, dst=three)
        cv2.multiply(drawn, three, dst=drawn, scale=1 / 128)


def lines(paths: tuple[Path, ...], side: int) -> NDArray[np.uint8]:
    """Return (side, side), 255 along paths over the flat face, on both of its halves."""
    mask = np.zeros((side, side), np.uint8)
    for numbers, width in paths:
        for half in (np.array(numbers), mirrored_points()[list(numbers)]):
            places = np.rint((uv_points()[half] * side - 0.5) * 16).astype(np.int32)
            cv2.polylines(mask, [places], False, 255, max(1, round(width * side)), cv2.LINE_AA, 4)
    return mask


def hull(numbers: tuple[int, ...], room: float, side: int) -> NDArray[np.uint8]:
    """Return (side, side), 255 in the hull of some points of the flat face, grown by `room` sides, on both halves."""
    mask = np.zeros((side, side), np.uint8)
    for half in (np.array(numbers), mirrored_points()[list(numbers)]):
        cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(uv_points()[half] * side - 0.5).astype(np.int32)), 255)
    size = 2 * round(room * side) + 1
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))), np.uint8)


@functools.cache
def _skin() -> Floats:
    """Return (SIDE, SIDE) 0..1: where nothing but skin is."""
    features = hull(LIPS, 0.03, SIDE) | hull(EYES[0], 0.02, SIDE) | hull(NOSE, 0.0, SIDE)
    features |= hull(RIGHT_BROW, 0.02, SIDE) | hull(LEFT_BROW, 0.02, SIDE)
    inside = (features == 0) & (depth_inside() > 0.05)
    return np.asarray(cv2.erode(inside.astype(np.float32), np.ones((2, 2), np.uint8)), np.float32)


@functools.cache
def _zone() -> Floats:
    folding = lines(FOLDS + CREASES, SIDE).astype(np.float32) / 255
    zone = np.maximum(cv2.GaussianBlur(cv2.dilate(folding, np.ones((3, 3), np.uint8)), (0, 0), 1.2), _BESIDE)
    rim = np.clip((depth_inside() - 0.05) / 0.08, 0, 1)
    return np.asarray(zone * rim, np.float32)
