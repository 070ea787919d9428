"""The engine that keeps every detail: one warp of the picture itself, and eyes that turn in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.portrait.engines import Engine, Source
from realtime.portrait.engines.warp.eyes import eye_shape
from realtime.portrait.engines.warp.eyes.eye import EyeGaze, EyeLayers, together
from realtime.portrait.engines.warp.head import HeadMotion
from realtime.portrait.engines.warp.mouth.mouth import MouthLayer
from realtime.portrait.engines.warp.supersampling import SupersampledPicture
from realtime.portrait.pack import Place

_LEAST_EYE_PX = 6
"""An iris is less than half as wide as its eye: of a smaller one there are not three pixels to turn."""
_FAR_EYE_FROM_DEGREES, _FAR_EYE_FADES_OVER_DEGREES = 22.0, 25.0
_FAR_EYE_LEAST = 0.3
"""Of a face turned away, the models see the far eye worse with every degree: from the first of these on it moves less,
rather than wrongly, down to this share."""
_LID_REACH = 0.15
"""The upper lid's edge stands so far above the middle of an eye, eye widths."""
_UNMOVED_PX = 1 / 64
"""A pixel that moves less than this is the picture's own, to the bit: half of what OpenCV's remap can resolve."""


class MeshEngine(Engine):
    """Moves the head by a smooth field from the mesh's depth; turns the eyes as balls behind their lids; opens the
    mouth.
    """

    is_exact = True

    def __init__(self, source: Source) -> None:
        self._picture = source.picture
        self._field = HeadMotion(source.mesh, Size.of(source.picture))
        self.region = self._field.region
        self._fine = SupersampledPicture(source.picture, Place(*(int(side) for side in self.region)))
        self._last: tuple[Motion, tuple[Floats, Floats, Pixels]] | None = None
        yaw = source.mesh.yaw_degrees
        trust = 1 - (abs(yaw) - _FAR_EYE_FROM_DEGREES) / _FAR_EYE_FADES_OVER_DEGREES
        trust = min(1.0, max(_FAR_EYE_LEAST, trust))
        self._shares = (trust, 1.0) if yaw < 0 else (1.0, trust)
        self._mouth = MouthLayer(source.picture, source.mesh, self._field)
        self._eyes = []
        shapes = eye_shape.fit(source.picture, source.eyes, source.mesh)
        for shape, brow in zip(shapes, (face.RIGHT_BROW, face.LEFT_BROW), strict=True):
            if shape.width_px < _LEAST_EYE_PX:
                raise PortraitError(_("the eyes are too small to move; use a larger picture of this face"))
            lower_edge_of_brow = float(source.mesh.points[list(brow[5:]), 1].mean())
            lid = float(shape.middle_px[1]) - _LID_REACH * shape.width_px
            self._eyes.append(EyeLayers(source.picture, shape, lid - lower_edge_of_brow))

    @classmethod
    def open(cls, source: Source) -> MeshEngine:
        return cls(source)

    def render(self, motion: Motion) -> Pixels:
        x, y, head = self._head(motion)
        frame = head.copy()
        mouth_open = self._opening(motion)
        if mouth_open > 0:
            _repaint(frame, x, y, self._mouth, partial(self._mouth.paint, mouth_open=mouth_open))
        gaze = EyeGaze(motion.gaze_x_degrees, motion.gaze_y_degrees, motion.closing)
        if not gaze.is_still:
            alone = [
                eye.most_of(gaze.right_degrees * share) for eye, share in zip(self._eyes, self._shares, strict=True)
            ]
            for eye, degrees in zip(self._eyes, together(alone), strict=True):
                turned = dataclasses.replace(gaze, right_degrees=degrees)
                _repaint(frame, x, y, eye, partial(eye.paint, gaze=turned))
        return frame

    def least_area(self, motion: Motion) -> float:
        mouth_open = self._opening(motion)
        return self._field.least_area(motion) * (self._mouth.least_area(mouth_open) if mouth_open > 0 else 1.0)

    def _opening(self, motion: Motion) -> float:
        """Return how far the mouth opens; lips that are apart in the picture do not close."""
        return min(self._mouth.most_open, max(0.0, motion.mouth_open))

    def _head(self, motion: Motion) -> tuple[Floats, Floats, Pixels]:
        """Return where the region's pixels come from, and the region with the head moved, eyes and mouth as they were.

        The last one is kept: the stages of a blink all share it.
        """
        head = dataclasses.replace(motion, gaze_x_degrees=0.0, gaze_y_degrees=0.0, closing=0.0, mouth_open=0.0)
        if self._last is not None and self._last[0] == head:
            return self._last[1]
        left, top = int(self.region.left), int(self.region.top)
        right, bottom = left + int(self.region.width), top + int(self.region.height)
        x, y = self._field.backward(head)
        frame = self._fine.at(x, y)
        own = self._picture[top:bottom, left:right]
        own_x = np.arange(left, right, dtype=np.float32)
        own_y = np.arange(top, bottom, dtype=np.float32)
        unmoved = (np.abs(x - own_x[None, :]) < _UNMOVED_PX) & (np.abs(y - own_y[:, None]) < _UNMOVED_PX)
        frame[unmoved] = own[unmoved]
        made = (x, y, np.asarray(frame, np.uint8))
        self._last = (head, made)
        return made


class _Layer(Protocol):
    """What can be painted over the moved head: all it changes lies between these, pixels of the picture."""

    left: int
    top: int
    right: int
    bottom: int


def _repaint(
    frame: Pixels, x: Floats, y: Floats, layer: _Layer, paint: Callable[[Floats, Floats, Floats], Floats]
) -> None:
    """Paint a layer into a frame whose pixels come from `x`, `y` of the picture."""
    # A pixel or two within its sides, for layers are sampled between pixels.
    inside = (x > layer.left + 1) & (x < layer.right - 2) & (y > layer.top + 1) & (y < layer.bottom - 2)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not len(rows):
        return
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    painted = paint(frame[part].astype(np.float32), x[part], y[part])
    frame[part] = np.clip(np.rint(painted), 0, 255).astype(np.uint8)
