"""The viewer's own lips in the colour of the new face's: shape, parting and shine stay theirs."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.faces.landmarks.mesh import LIPS, MOUTH
from realtime.imaging.frame import Pixels
from realtime.imaging.pixels import ONE_MAP, Place

_SETTLES_S = 0.4
_SAMPLES = (0.3, 0.5, 0.7)
"""On the way from the outer edge of a lip to the inner one: there it is lip, whatever the mesh is off by."""
_HUE_SHARE, _LEAST, _MOST = 0.75, 0.8, 1.3
"""How far lips take another hue, and times as bright in one colour against the others: the ring that is painted holds
skin as well where lips are thin, and that must not turn yellow."""
_BRIGHTNESS_SHARE, _LEAST_BRIGHT, _MOST_BRIGHT = 0.4, 0.85, 1.08
"""How far lips become as bright as the photo's: mostly it is the light that makes lips dark, from above or from a
screen below, and the light is the viewer's."""
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
_SOFT = 0.012
"""Half the width of the way from painted to plain, as a share of the face's width."""
_ROOM = 0.012
"""How far around the lips the viewer's own skin stays, likewise: the mesh is off by so much."""
_SUBPIXEL_BITS = 4


class LipColour:
    """Remembers how one viewer's lips differ in colour. Used by one thread."""

    def __init__(self) -> None:
        self._at_s = -math.inf
        self._gain = np.ones(3, np.float32)

    def forget(self) -> None:
        """Take the next frame's lips as they are."""
        self._at_s = -math.inf

    def estimate(self, viewer: Pixels, wanted: NDArray[np.float32], geometry: FaceGeometry, pts_s: float) -> None:
        """`viewer`: (height, width, 3) of the geometry's rectangle; `wanted`: (3,) BGR in the viewer's light."""
        outer, inner = geometry.in_place(LIPS), geometry.in_place(MOUTH)
        places = np.concatenate([outer + share * (inner - outer) for share in _SAMPLES]).astype(np.float32)
        height, width = viewer.shape[:2]
        inside = (places > 0).all(axis=1) & (places < (width - 1, height - 1)).all(axis=1)
        if inside.sum() < len(places) // 2:
            return
        seen = (
            cv2.remap(viewer, places[inside][:, None], ONE_MAP, cv2.INTER_LINEAR)
            .reshape(-1, 3)
            .astype(np.float32)
            .mean(axis=0)
        )
        share = 1.0 - math.exp(-max(0.0, pts_s - self._at_s) / _SETTLES_S)
        gain = _gain(wanted, np.maximum(seen, 4))
        self._gain += share * (gain - self._gain).astype(np.float32)
        self._at_s = pts_s

    def paint(self, part: Pixels, cover: NDArray[np.uint8], geometry: FaceGeometry) -> None:
        """Paint the lips in `part`, (height, width, 3) of the geometry's rectangle, in place; where `cover`, (height,
        width) 0..255, shows the new face.
        """
        outer, inner = geometry.in_place(LIPS), geometry.in_place(MOUTH)
        soft = max(1, round(geometry.place.width * _SOFT))
        box = _box(outer, 3 * soft + 1, part.shape)
        if box.width < 4 or box.height < 4:
            return
        mask = np.zeros((box.height, box.width), np.uint8)
        for loop, value in ((outer, 255), (inner, 0)):
            fixed = np.rint((loop - (box.left, box.top)) * 2**_SUBPIXEL_BITS).astype(np.int32)
            cv2.fillPoly(mask, [fixed], value, cv2.LINE_AA, _SUBPIXEL_BITS)
        cv2.blur(mask, (2 * soft + 1, 2 * soft + 1), dst=mask)
        cv2.multiply(mask, box.of(cover), dst=mask, scale=1 / 255)
        lips = box.of(part)
        share = cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)
        painted = cv2.multiply(lips, (*self._gain.tolist(), 1.0))
        cv2.multiply(painted, share, dst=painted, scale=1 / 255)
        cv2.bitwise_not(share, dst=share)
        cv2.multiply(lips, share, dst=lips, scale=1 / 255)
        cv2.add(lips, painted, dst=lips)


def _gain(wanted: NDArray[np.float32], seen: NDArray[np.float32]) -> NDArray[np.float32]:
    brighter = max(1.0, float(_LUMA @ wanted)) / float(_LUMA @ seen)
    hue = np.clip((wanted / seen / brighter) ** _HUE_SHARE, _LEAST, _MOST)
    kept = float(_LUMA @ seen) / float(_LUMA @ (seen * hue))
    return np.asarray(hue * kept * np.clip(brighter**_BRIGHTNESS_SHARE, _LEAST_BRIGHT, _MOST_BRIGHT), np.float32)


def clear_lips(alpha: NDArray[np.uint8], geometry: FaceGeometry, worn: float = 0.0) -> None:
    """Let the viewer's lips be seen: in them and a little around, (height, width) of the rectangle become `worn` times
    what they were, in place.
    """
    room = max(1, round(2 * _ROOM * geometry.place.width))
    box = _box(geometry.in_place(LIPS), room + 1, alpha.shape)
    if box.width < 4 or box.height < 4:
        return
    loop = geometry.in_place(LIPS) - (box.left, box.top)
    fixed = np.rint(loop * 2**_SUBPIXEL_BITS).astype(np.int32)
    lips = box.of(alpha)
    kept = cv2.convertScaleAbs(lips, alpha=worn)
    cv2.fillPoly(lips, [fixed], 0, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.polylines(lips, [fixed], True, 0, room, cv2.LINE_AA, _SUBPIXEL_BITS)
    cv2.max(lips, kept, dst=lips)


def mouth_box(geometry: FaceGeometry, shape: tuple[int, ...]) -> Place:
    """Return what of the geometry's rectangle holds the mouth, and all that `clear_lips` changes."""
    return _box(geometry.in_place(LIPS), max(1, round(2 * _ROOM * geometry.place.width)) + 2, shape)


def _box(loop: NDArray[np.float64], room: int, shape: tuple[int, ...]) -> Place:
    least, most = np.floor(loop.min(axis=0)).astype(int) - room, np.ceil(loop.max(axis=0)).astype(int) + room
    whole = Place(int(least[0]), int(least[1]), int(most[0] - least[0]), int(most[1] - least[1]))
    return whole.shared_with(Place(0, 0, shape[1], shape[0]))
