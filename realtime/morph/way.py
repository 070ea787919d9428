"""The way from one person's face to another's, in pictures.

Each of the two photos is changed towards the other by the model, on its own pixels; then both are bent so that their
features lie where the mean mesh of that point of the way has them, and mixed. Without the bending two jaws and two
pairs of eyes would be seen: what the model moves ends with its crop, and heads are held differently (Beier and Neely,
"Feature-based image metamorphosis", 1992; here by the mesh's triangles).
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import triangles_with_rim, with_rim
from realtime.face_compositing.rasterizer import Rasterizer
from realtime.faces.landmarks.mesh import OVAL, MeshModel
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Doubles, Floats, eased, smoothstep
from realtime.morph.model import MorphModel
from realtime.morph.stills import StillFace, window_on

_GRID = 96
"""Points across the picture that the bending is painted on: four to the height of an eye."""
_SMOOTH = 1.0
"""Deviation of the Gaussian over it, in its points: from triangle to triangle the bending changes its slope."""
_SOFT = 3.0
"""The same for where the face ends: light meets another light there."""
_RING = 2.2
"""Where the bending ends, in distances of the face's outline from its middle."""
_AROUND = 0.15
"""Of the way, at each end: so long what is around the face stays as it is. Hair and clothes that show through one
another are what one sees of two pictures mixed; faces are one."""
_EDGE = 1 / 12
"""Of the picture's side: over so much at each edge the bending fades in, for beyond it there is nothing to bend."""


class Way:
    """Pictures between two people. Used by one thread."""

    def __init__(self, one: StillFace, other: StillFace, model: MorphModel, meshes: MeshModel, side_px: int) -> None:
        """`side_px`: of the pictures."""
        self.side_px = side_px
        self._model = model
        self._window = window_on(one, other)
        self._meshes = meshes
        self._one, self._other = one, other
        self._seen = tuple(meshes.again(face.photo, face.mesh) for face in (one, other))
        self._points = tuple(
            face.points(mesh, self._window, side_px) for face, mesh in zip((one, other), self._seen, strict=True)
        )
        self._bending = Bending(side_px)

    def picture(self, share: float) -> Pixels:
        """Return the picture at a share 0..1 of the way, (side, side, 3): at 0 the one's photo, at 1 the other's."""
        if share <= 0:
            return self._one.cut(self._one.photo, self._window, self.side_px)
        if share >= 1:
            return self._other.cut(self._other.photo, self._window, self.side_px)
        target = (1 - share) * self._points[0] + share * self._points[1]
        one_bent = self._bent(0, share, target)
        other_bent = self._bent(1, 1 - share, target)
        share_around = eased((share - _AROUND) / (1 - 2 * _AROUND))
        shares = np.asarray(share_around + (share - share_around) * self._bending.face, np.float32)
        return np.asarray(cv2.blendLinear(other_bent, one_bent, shares, 1 - shares), np.uint8)

    def decoded(self, share: float) -> Pixels:
        """Return what the decoder draws of the two codes, mixed."""
        code = (1 - share) * self._one.code + share * self._other.code
        drawn = np.rint(self._model.decode(code[np.newaxis])[0].clip(0, 255)).astype(np.uint8)
        interpolation = cv2.INTER_CUBIC if self.side_px > self._model.side_px else cv2.INTER_AREA
        return np.asarray(cv2.resize(drawn, (self.side_px,) * 2, interpolation=interpolation), np.uint8)

    def _bent(self, number: int, mix: float, target: Doubles) -> Pixels:
        """Return one photo, its face mixed with the other's, with its features where `target` (468, 3) has them."""
        face, partner = (self._one, self._other) if number == 0 else (self._other, self._one)
        changed = face.changed(partner=partner.code, mix=mix)
        # The model has moved features, too: what is bent is where they lie now.
        moved = self._meshes.again(changed, face.mesh)
        points = face.points(moved, self._window, self.side_px)
        return self._bending.apply(face.cut(changed, self._window, self.side_px), points, target)


class Bending:
    """Lays a face's features elsewhere, and lets what is around it follow less and less."""

    def __init__(self, side_px: int) -> None:
        self._side = side_px
        self._rasterizer = Rasterizer(_triangles_with_ring(), _GRID, _GRID)
        self._painted = np.empty((_GRID, _GRID, 4), np.float32)
        self.face: Floats = np.zeros((side_px, side_px), np.float32)
        """Where the face lies in the last picture, 0..1, softly."""
        to_edge = np.minimum(np.arange(_GRID) + 0.5, _GRID - 0.5 - np.arange(_GRID)) / _GRID
        ramp = smoothstep(to_edge / _EDGE)
        self._ramp = (ramp[:, np.newaxis] * ramp)[..., np.newaxis]
        self._places = np.stack(np.meshgrid(*(np.arange(side_px, dtype=np.float32),) * 2), axis=2)

    def apply(self, picture: Pixels, points: Doubles, target: Doubles) -> Pixels:
        """Return the picture with its points (468, 3) at `target`."""
        corners = _with_ring(target[:, :2].astype(np.float32))
        values = np.ones((len(corners), 4), np.float32)
        values[len(target) :, 3] = 0
        values[:, :2] = _moves_with_ring(points[:, :2] - target[:, :2])
        depths = np.full(len(corners), target[:, 2].max() + 1, np.float32)
        depths[: len(target)] = target[:, 2]
        on_grid = (corners + 0.5) * (_GRID / self._side) - 0.5
        self._rasterizer.paint(on_grid.astype(np.float32), depths, values, self._painted)
        # Where a triangle is seen from behind, nothing is painted: it gets what lies around it.
        smooth = cv2.GaussianBlur(self._painted, (0, 0), _SMOOTH)
        moves = smooth[..., :2] / np.maximum(smooth[..., 2:3], 1e-3) * self._ramp
        whole = cv2.resize(moves, (self._side, self._side), interpolation=cv2.INTER_CUBIC)
        rim = cv2.GaussianBlur(self._painted[..., 3], (0, 0), _SOFT)
        face = cv2.resize(rim, (self._side, self._side), interpolation=cv2.INTER_LINEAR)
        self.face = np.asarray(face, np.float32)
        places = np.asarray(whole, np.float32) + self._places
        return np.asarray(cv2.remap(picture, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _with_ring(points: Floats) -> Floats:
    """Return (540, 2): the points with the rim around them, and a ring far around that."""
    outline = points[list(OVAL)]
    middle = outline.mean(axis=0)
    return np.concatenate([with_rim(points), middle + _RING * (outline - middle)]).astype(np.float32)


def _moves_with_ring(moves: Doubles) -> Floats:
    """Return (540, 2): how far each of them moves; the ring does not."""
    outline = moves[list(OVAL)]
    return np.concatenate([moves, outline, np.zeros_like(outline)]).astype(np.float32)


@functools.cache
def _triangles_with_ring() -> NDArray[np.intp]:
    count = len(OVAL)
    rim, ring = 468, 468 + count
    around = [
        triangle
        for step, next_step in zip(range(count), [*range(1, count), 0], strict=True)
        for triangle in (
            (rim + step, ring + step, rim + next_step),
            (ring + step, ring + next_step, rim + next_step),
        )
    ]
    return np.concatenate([triangles_with_rim(), np.array(around, np.intp)])
