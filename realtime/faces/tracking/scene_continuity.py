"""Whether a picture goes on from the last one. What was measured in another size, before the clock leapt or in another
scene says nothing of where anybody is now.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Frame, Pixels, Size

_LONGEST_GAP_S = 1.0
"""In more time than this anybody may be anywhere. Cameras of one picture a second are just followed."""
_SMALL = Size(64, 36)
_CALM = (5, 5)
_SAME_SCENE = 0.5
"""Correlation of two small copies. In 25 films of people it is 0.73 and more from picture to picture (0.55 with five
times the speed), at their cuts 0.29 and less; a light that is switched on does not change it."""
_LEAST_CONTRAST = 8.0
"""Grey levels of a small copy's deviation; less is a covered lens, darkness or noise (7), and no scene."""
_UNCHANGED, _STAYS = 4, 1 / 3
"""Grey levels by which a point may change, and the share of the points that must not: where somebody large stands up at
once 0.4 to 0.6 of the picture stay as they were, at a film's cuts from dark to dark at most 0.25."""


class SceneContinuity:
    """Watches the pictures of one source. Used by one thread."""

    def __init__(self) -> None:
        self._size = Size(0, 0)
        self._mirrored = False
        self._pts_s = -math.inf
        self._scene: NDArray[np.float32] | None = None
        self._grey: NDArray[np.uint8] | None = None
        self._grey_before: NDArray[np.uint8] | None = None
        """Small copies of the newest picture in which something is seen, and of the one before it; None where that
        had another size.
        """

    @property
    def scene(self) -> NDArray[np.float32] | None:
        """A small grey copy of the newest picture in which something is seen, (36, 64), mean 0 and deviation 1."""
        return self._scene

    def breaks(self, frame: Frame) -> bool:
        """Take the next frame. True where it does not go on from the one before; the first one never breaks."""
        is_first = self._size.width == 0
        goes_on = frame.size == self._size and 0 <= frame.pts_s - self._pts_s <= _LONGEST_GAP_S
        grey, scene = _small(frame.pixels)
        if frame.size != self._size:
            self._grey = None
        if frame.mirrored != self._mirrored:
            self._scene = None if self._scene is None else self._scene[:, ::-1]
            self._grey = None if self._grey is None else self._grey[:, ::-1]
        if scene is not None:
            if goes_on and self._scene is not None:
                goes_on = float(np.vdot(scene, self._scene)) > _SAME_SCENE * scene.size
            self._scene = scene
            self._grey_before, self._grey = self._grey, grey
        self._size, self._mirrored, self._pts_s = frame.size, frame.mirrored, frame.pts_s
        return not (goes_on or is_first)

    @property
    def stays_in_part(self) -> bool:
        """Whether a part of the newest picture is the very same as in the one before it. A picture breaks as a whole
        where somebody large is there at once, too.
        """
        if self._grey is None or self._grey_before is None:
            return False
        changes = cv2.absdiff(self._grey, np.ascontiguousarray(self._grey_before))
        return float((changes <= _UNCHANGED).mean()) > _STAYS


def _small(pixels: Pixels) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    """Return a small grey copy, and the same with mean 0 and deviation 1; None where there is nothing to be seen."""
    grey = cv2.cvtColor(cv2.resize(pixels, _SMALL, interpolation=cv2.INTER_LINEAR), cv2.COLOR_BGR2GRAY)
    calm = np.asarray(cv2.blur(grey, _CALM, dst=grey), np.uint8)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(calm))
    if deviation < _LEAST_CONTRAST:
        return calm, None
    return calm, (calm.astype(np.float32) - np.float32(mean)) * np.float32(1 / deviation)
