"""Nobody is there: the last face seen wanders on, until somebody comes."""

from __future__ import annotations

import dataclasses

import cv2

from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Frame, Size
from realtime.imaging.numerics import Floats
from realtime.morph.generator import MorphGenerator
from realtime.morph.model import MorphModel
from realtime.morph.walk import WalkCourse
from realtime.morph.walker import Walker

_BEGINS_AFTER_S = 3.0
_FADES_S = 0.5
_SETTLED_S = 1.0
"""A face is remembered as it was at least so long before it went: who walks out of the picture is half a face."""


class WanderingFace:
    """What is shown of the last face while nobody is there. Used by one thread."""

    def __init__(self, model: MorphModel, course: WalkCourse, *, waits: bool) -> None:
        """`model` stays the caller's; `waits` as a `Walker`'s."""
        self._model = model
        self._course = course
        self._waits = waits
        self._code: Floats | None = None
        self._newer_code: Floats | None = None
        self._newer_at_s = self._seen_at_s = self._pts_s = 0.0
        self._weight = 0.0
        """Of the wandering face in the picture, 0..1."""
        self._walker: Walker | None = None
        self._pool = FramePool(Size(1, 1))

    def saw(self, pts_s: float, code: Floats | None) -> None:
        """Somebody is there; `code` [Z] is their face's, None while it is not known."""
        self._seen_at_s = pts_s
        if code is not None and (self._code is None or abs(pts_s - self._newer_at_s) >= _SETTLED_S):
            self._code = code if self._newer_code is None else self._newer_code
            self._newer_code, self._newer_at_s = code, pts_s

    def show(self, frame: Frame, *, wanted: bool) -> Frame:
        """Return the picture to be shown in place of this one: the same where nobody wanders. Raises ModelError."""
        passed_s = frame.pts_s - self._pts_s
        self._pts_s = frame.pts_s
        if passed_s < 0:  # the source began again
            self._seen_at_s = frame.pts_s
        is_alone = wanted and self._code is not None and frame.pts_s - self._seen_at_s >= _BEGINS_AFTER_S
        if not is_alone and not self._weight:
            self._end()
            return frame
        walker = self._of_size(frame)
        picture = self._pool.take()
        if not walker.draw(frame.pts_s, self._course, picture):
            return frame
        step = max(0.0, passed_s) / _FADES_S
        self._weight = min(1.0, self._weight + step) if is_alone else max(0.0, self._weight - step)
        if self._weight < 1:
            cv2.addWeighted(frame.pixels, 1 - self._weight, picture, self._weight, 0, dst=picture)
        return frame.with_pixels(picture)

    def close(self) -> None:
        """Wait for the picture that is being drawn."""
        self._end(wait=True)

    def _of_size(self, frame: Frame) -> Walker:
        if self._walker is None or self._walker.size != frame.size:
            self._end()
            generator = MorphGenerator(self._model)
            self._walker = Walker(generator, frame.size, self._course, self._code, waits=self._waits)
            self._pool = FramePool(frame.size)
        return self._walker

    def _end(self, *, wait: bool = False) -> None:
        if self._walker is not None:
            self._walker.close(wait=wait)
            self._course = dataclasses.replace(self._course, seed=self._course.seed + 1)  # another way next time
        self._walker, self._weight = None, 0.0
