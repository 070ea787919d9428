"""The pictures of a walk: drawn a little apart on a thread of its own, and blended in between.

A face that takes ten seconds to become another changes by one part in eighty in an eighth of a second: two pictures so
near to one another may be blended, and nobody sees that it was not the network that drew what lies between. So the
loop never waits for the network, however slow that is and however many frames a second are asked for, and enlarging,
which costs more than drawing, is not done for every frame either.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.morph.framing import STEPS, FinePixels, FramedFace
from realtime.morph.generator import FaceGenerator
from realtime.morph.walk import LatentWalk, WalkCourse

_APART_S = 1 / 8
"""Between two pictures drawn; a binary fraction, so that whichever frames are asked for, they are the same moments."""
_HURRY = 1.5
"""A network that needs longer is asked every so many times as long: it shall be done before it is asked again."""
_SETTLES_S = 0.5
"""In which most of a change of speed or spread is taken up: a jump of either would be one of the face."""


class _Key:
    """A picture drawn, and when it is shown."""

    def __init__(self, canvas: Size) -> None:
        self.picture: FinePixels = np.zeros((canvas.height, canvas.width, 3), np.uint16)
        self.time_s = -math.inf


class Walker:
    """A walk on one screen. One thread asks for pictures; a second one draws them."""

    def __init__(
        self,
        generator: FaceGenerator,
        canvas: Size,
        course: WalkCourse,
        start: Floats | None = None,
        *,
        waits: bool,
    ) -> None:
        """`generator` stays the caller's, who leaves it alone until `close`; `start`: the code [Z] to begin at.
        `waits`: recorded material; every picture is the one of its moment. Otherwise nobody waits, and where the
        network is late the walk is, without a jump.
        """
        self.size = canvas
        self._generator = generator
        self._waits = waits
        self._face = np.empty((generator.side_px, generator.side_px, 3), np.float32)
        self._frame = FramedFace(generator.side_px, canvas)
        self._worker = ThreadPoolExecutor(1, "walk")
        self._before, self._after, self._coming = _Key(canvas), _Key(canvas), _Key(canvas)
        self._running: Future[None] | None = None
        self._drawn_in_s = 0.0

        self._origin_s: float | None = None
        self._time_s = self._pts_s = 0.0

        self._walk = LatentWalk(generator.space, course.seed, start)
        self._course = course
        self._people = 0.0
        self._begun_s = 0.0
        self._begin(0.0, course)

    def draw(self, pts_s: float, course: WalkCourse, out: Pixels) -> bool:
        """Draw the moment, of the screen's size; return False, with nothing drawn, while there is none yet.

        Raises ModelError where the network fails; it is tried again with the next picture.
        """
        time_s = self._clock(pts_s)
        while time_s >= self._after.time_s and self._take():
            self._begin(self._following_s(time_s), course)
        before, after = self._before, self._after
        if before.time_s < 0:
            self._hold(0.0)
            return False
        if time_s > after.time_s:
            time_s = after.time_s
            self._hold(time_s)
        share = (time_s - before.time_s) / (after.time_s - before.time_s)
        weights = (1 - share) / STEPS, share / STEPS
        cv2.addWeighted(before.picture, weights[0], after.picture, weights[1], 0, dst=out, dtype=cv2.CV_8U)
        return True

    def wait(self, course: WalkCourse) -> None:
        """Have the first moment drawn. Raises ModelError."""
        while self._before.time_s < 0:
            if self._running is not None:
                self._running.result()
            self._take()
            self._begin(self._following_s(0.0), course)

    def close(self, *, wait: bool = True) -> None:
        """Wait for the picture that is being drawn, or let it be drawn for nobody."""
        self._worker.shutdown(wait, cancel_futures=True)

    def _clock(self, pts_s: float) -> float:
        """Return the walk's own time: it stands where the source's clock leaps back."""
        if self._origin_s is None or pts_s < self._pts_s:
            self._origin_s = pts_s - self._time_s
        self._pts_s, self._time_s = pts_s, pts_s - self._origin_s
        return self._time_s

    def _hold(self, time_s: float) -> None:
        self._origin_s, self._time_s = self._pts_s - time_s, time_s

    def _following_s(self, now_s: float) -> float:
        """Return when the next picture is shown."""
        if self._waits:
            return max(self._begun_s + _APART_S, math.floor(now_s / _APART_S) * _APART_S)
        return self._begun_s + max(_APART_S, _HURRY * self._drawn_in_s)

    def _take(self) -> bool:
        """Take in the picture that was begun; return whether there is one."""
        running = self._running
        if running is None:  # the last one failed
            self._begin(self._begun_s, self._course)
            return self._take() if self._waits else False
        if not self._waits and not running.done():
            return False
        self._running = None
        running.result()
        self._before, self._after, self._coming = self._after, self._coming, self._before
        return True

    def _begin(self, time_s: float, course: WalkCourse) -> None:
        self._go_to(time_s, course)
        self._coming.time_s = time_s
        code = self._walk.code(self._people, self._course.spread)
        self._running = self._worker.submit(self._draw, code, self._coming.picture)

    def _go_to(self, time_s: float, course: WalkCourse) -> None:
        passed_s, now = time_s - self._begun_s, self._course
        if course.seed != now.seed:  # another way, from here
            start = self._walk.code(self._people, now.spread)
            self._walk, self._people = LatentWalk(self._generator.space, course.seed, start), 0.0
        taken_up = 1 - math.exp(-passed_s / _SETTLES_S)
        speed = now.speed + taken_up * (course.speed - now.speed)
        spread = now.spread + taken_up * (course.spread - now.spread)
        self._course = WalkCourse(speed, spread, course.seed)
        self._people += passed_s / 60 * speed
        self._begun_s = time_s

    def _draw(self, code: Floats, picture: FinePixels) -> None:
        """[the second thread]"""
        began_s = time.monotonic()
        self._generator.draw(code, self._face)
        self._frame.draw(self._face, picture)
        self._drawn_in_s = time.monotonic() - began_s
