"""The mouth with which a face smiles: its own lips and teeth, worn while the viewer smiles as the photo does.

The mesh has the mouth as a slit on the flat face, so a smiling mouth is kept as its photo shows it, with the points of
its lips. While the viewer smiles and their mouth is about as far open, it is drawn into theirs: point by point, the
shape stays the viewer's. Whoever speaks, laughs wider, or turns aside has their own.
"""

from __future__ import annotations

import dataclasses
import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.mesh import LIPS, MOUTH, FaceMesh
from realtime.faces.landmarks.smile import axes_of, smile_level
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats, eased
from realtime.imaging.pixels import ONE_MAP, Place

LIP_POINTS = (*LIPS, *MOUTH)
"""The outer edges of the lips, then the inner ones, both once around."""
_GRID = Size(28, 16)
_REACH = 0.25
"""Around the mouth, in heights of it: the room for a soft edge."""
_LEVEL_FROM, _LEVEL_FULL = 0.5, 0.75
"""Of `smile_level`: people who talk have 0.2 ± 0.2, those who smile with teeth 0.9."""
_LEAST_GAP, _FULL_GAP = 0.035, 0.07
"""Between the lips, in eye distances: teeth drawn into a narrower slit are a line."""
_WIDER, _TOO_WIDE = 1.55, 1.8
"""Times as far open as the photo's: teeth would be drawn longer than they are."""
_STRAIGHT_DEGREES, _ASIDE_DEGREES = 14.0, 24.0
_RING = 1.6
"""Times as large as the lips."""
_LOOKS_EVERY = 4
"""Frames: to look whether somebody smiles takes 0.1 ms."""
_LEAST_SHARE = 0.02
_FOLLOWS = 0.2
"""Of the way to where it should be, in each picture: a smile takes a quarter of a second, a word goes by."""


@dataclasses.dataclass(frozen=True, slots=True)
class SmilingMouth:
    """A smiling mouth in its photo."""

    picture: Pixels
    corners: Floats
    """(40, 2): where `LIP_POINTS` lie in it."""
    gap: float
    """Between the lips, in eye distances."""


def gap_of(mesh: FaceMesh) -> float:
    """Return how far a mouth is open, in eye distances."""
    _, unit = axes_of(mesh.points)
    return float(np.linalg.norm(mesh.points[13] - mesh.points[14])) / unit


def smiling_mouth(photo: Pixels, corners: Floats, mesh: FaceMesh, gain: NDArray[np.floating]) -> SmilingMouth:
    """Cut the mouth out of a photo. `corners`: (504, 2), where a face's lie in it; `gain`: (3,) what makes the photo's
    colours those of the face that is built.
    """
    places = corners[list(LIP_POINTS)]
    least, most = places.min(axis=0), places.max(axis=0)
    room = _RING / 4 * (most - least) + 2
    left, top = np.maximum(np.floor(least - room), 0).astype(int)
    right, bottom = np.ceil(most + room).astype(int)
    part = photo[top:bottom, left:right].astype(np.float32) * np.asarray(gain, np.float32)
    picture = np.clip(np.rint(part), 0, 255).astype(np.uint8)
    return SmilingMouth(picture, (places - (left, top)).astype(np.float32), gap_of(mesh))


class MouthPainter:
    """Draws a smiling mouth into one viewer's. Used by one thread."""

    def __init__(self, mouth: SmilingMouth) -> None:
        self._mouth = mouth
        self._rasterizer = Rasterizer(_triangles(), _GRID.width, _GRID.height)
        self._map = np.zeros((_GRID.height, _GRID.width, 2), np.float32)
        self._values = _with_ring(mouth.corners)
        self._frames, self._goal = 0, 0.0
        self.share = 0.0
        """How far it is worn now, 0..1."""

    def forget(self) -> None:
        """Somebody else comes."""
        self._frames, self._goal, self.share = 0, 0.0, 0.0

    def paint(self, out: Pixels, geometry: FaceGeometry) -> None:
        """Draw it into a new face, (height, width, 3) of the geometry's rectangle, in place, as far as the viewer
        smiles. Once a frame.
        """
        if self._frames % _LOOKS_EVERY == 0:
            self._goal = self._wanted(geometry.measured)
        self._frames += 1
        self.share += _FOLLOWS * (self._goal - self.share)
        if self.share < _LEAST_SHARE:
            self.share = self.share if self._goal > 0 else 0.0
            return
        places = geometry.in_place(LIP_POINTS)
        box = _box(places, out.shape)
        if box.width < 8 or box.height < 4:
            return
        on_grid = (_with_ring(places - (box.left, box.top)) + 0.5) * (
            _GRID.width / box.width,
            _GRID.height / box.height,
        )
        self._rasterizer.paint((on_grid - 0.5).astype(np.float32), None, self._values, self._map)
        maps = cv2.resize(self._map, box.size, interpolation=cv2.INTER_LINEAR)
        drawn = cv2.remap(self._mouth.picture, maps, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        share = cv2.cvtColor(_soft_mask(places - (box.left, box.top), box.size, self.share), cv2.COLOR_GRAY2BGR)
        part = box.of(out)
        cv2.multiply(drawn, share, dst=drawn, scale=1 / 255)
        cv2.bitwise_not(share, dst=share)
        cv2.multiply(part, share, dst=part, scale=1 / 255)
        cv2.add(part, drawn, dst=part)

    def _wanted(self, viewer: FaceMesh) -> float:
        smiles = eased((smile_level(viewer) - _LEVEL_FROM) / (_LEVEL_FULL - _LEVEL_FROM))
        if smiles == 0:
            return 0.0
        gap = gap_of(viewer)
        opened = eased((gap - _LEAST_GAP) / (_FULL_GAP - _LEAST_GAP))
        not_wider = eased((_TOO_WIDE - gap / max(self._mouth.gap, 1e-3)) / (_TOO_WIDE - _WIDER))
        straight = eased((_ASIDE_DEGREES - abs(viewer.yaw_degrees)) / (_ASIDE_DEGREES - _STRAIGHT_DEGREES))
        return smiles * opened * not_wider * straight


def _with_ring(places: NDArray[np.floating]) -> Floats:
    """Return (60, 2): the points of both lips, and a ring around them: the soft edge lies in it."""
    outer = places[: len(LIPS)]
    middle = outer.mean(axis=0)
    return np.concatenate([places, middle + _RING * (outer - middle)]).astype(np.float32)


def _soft_mask(places: NDArray[np.floating], size: Size, share: float) -> NDArray[np.uint8]:
    mask = np.zeros((size.height, size.width), np.uint8)
    loop = np.rint(places[: len(LIPS)] * 16).astype(np.int32)
    cv2.fillPoly(mask, [loop], round(255 * share), cv2.LINE_AA, 4)
    soft = 2 * max(1, round(size.height * 0.06)) + 1
    return np.asarray(cv2.blur(mask, (soft, soft)), np.uint8)


def _box(places: NDArray[np.floating], shape: tuple[int, ...]) -> Place:
    least, most = places.min(axis=0), places.max(axis=0)
    room = _REACH * (most - least)[1] + 2
    corner, end = np.floor(least - room).astype(int), np.ceil(most + room).astype(int)
    whole = Place(int(corner[0]), int(corner[1]), int(end[0] - corner[0]), int(end[1] - corner[1]))
    return whole.shared_with(Place(0, 0, shape[1], shape[0]))


@functools.cache
def _triangles() -> NDArray[np.intp]:
    """Return (T, 3): lips between their edges, what lies within them, from corner to corner, and the ring around."""
    count = len(LIPS)
    found: list[tuple[int, int, int]] = []
    for step in range(count):
        after = (step + 1) % count
        found += [(step, after, count + step), (after, count + after, count + step)]
    for step in range(count // 2):
        up, up_after = count + step, count + step + 1
        down, down_after = count + (count - step) % count, count + count - step - 1
        found += [(up, up_after, down), (up_after, down_after, down)]
    for step in range(count):
        after, ring = (step + 1) % count, 2 * count
        found += [(ring + step, ring + after, step), (ring + after, after, step)]
    return np.array(found, np.intp)
