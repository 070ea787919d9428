"""The pictures of a walk: drawn a little apart on a thread of its own, and blended in between.

A face that takes ten seconds to become another changes by one part in eighty in an eighth of a second: two pictures so
near to one another may be blended, and nobody sees that it was not the network that drew what lies between. So the
loop never waits for the network, however slow that is and however many frames a second are asked for, and enlarging,
which costs more than drawing, is not done for every frame either.

Where the network draws two pictures a second and fewer, those between are made on its thread, too, an eighth of a
second apart: bent from one to the other (`realtime.morph.in_between`), and again blended in between.
"""

from __future__ import annotations

import math
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.morph.framing import STEPS, CoveringFace, FinePixels, FramedFace, Framing
from realtime.morph.generator import FaceGenerator, Sight
from realtime.morph.in_between import InBetween
from realtime.morph.walk import LatentWalk, WalkCourse

_APART_S = 1 / 8
"""Between two pictures drawn; a binary fraction, so that whichever frames are asked for, they are the same moments."""
_HURRY = 1.5
"""A network that needs longer is asked every so many times as long as it lately took at most: it shall be done before
it is asked again."""
_LATELY = 4
"""Pictures: the slowest of the last ones says how long the next may take."""
_MOST_BETWEEN_BYTES = 60_000_000
"""Of the pictures between two that are drawn: 1 s at 1280×720, the half of it at 1920×1080."""
_MOST_STEP = 0.2
"""People from one picture of the network to the next, live: at more, what moves is not found again, and two faces shine
through each other. A network that is too slow for its walk makes that slower."""
_FINE_SEED = 7919
"""Added to the seed, of the way that the finer layers go."""
_SMILES = 2.0
"""Steps along a model's own direction, at most."""
_SETTLES_S = 0.5
"""In which most of a change of speed or spread is taken up: a jump of either would be one of the face."""


class _Key:
    """A picture drawn, and when it is shown."""

    def __init__(self, canvas: Size) -> None:
        self.picture: FinePixels = np.zeros((canvas.height, canvas.width, 3), np.uint16)
        self.between: list[FinePixels] = []
        """Pictures since the one before, evenly apart."""
        self.count = 0
        """How many of those there are now."""
        self.face: Pixels | None = None
        """What the network drew, as it is."""
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
        covers: bool = False,
    ) -> None:
        """`generator` stays the caller's, who leaves it alone until `close`; `start`: the code [Z] to begin at.
        `waits`: recorded material; every picture is the one of its moment. Otherwise nobody waits, and where the
        network is late the walk is, without a jump. `covers`: the face fills the screen, cut off at two sides.
        """
        self.size = canvas
        self._generator = generator
        self._waits = waits
        self._face = np.empty((generator.side_px, generator.side_px, 3), np.float32)
        self._frame: Framing = (CoveringFace if covers else FramedFace)(generator.side_px, canvas)
        self._in_between: InBetween | None = None
        self._most_between = max(2, _MOST_BETWEEN_BYTES // (6 * canvas.width * canvas.height))
        self._worker = ThreadPoolExecutor(1, "walk")
        self._before, self._after, self._coming = _Key(canvas), _Key(canvas), _Key(canvas)
        self._running: Future[None] | None = None
        self._drawn_in_s: deque[float] = deque([0.0], _LATELY)

        self._origin_s: float | None = None
        self._time_s = self._pts_s = 0.0

        self._walk, self._fine_walk = self._ways(course, start)
        self._smile = next((one.values for one in generator.space.directions if one.name == "smile"), None)
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
        place = (time_s - before.time_s) / (after.time_s - before.time_s) * (after.count + 1)
        first = min(int(place), after.count)
        share = place - first
        one = before.picture if first == 0 else after.between[first - 1]
        other = after.picture if first == after.count else after.between[first]
        cv2.addWeighted(one, (1 - share) / STEPS, other, share / STEPS, 0, dst=out, dtype=cv2.CV_8U)
        return True

    @property
    def apart_s(self) -> float:
        """Between two pictures of the network, in the source's time. Any thread."""
        return self._after.time_s - self._before.time_s

    @property
    def face(self) -> Pixels | None:
        """What the network drew last of what has been shown, (S, S, 3) BGR, not to be written into; None: nothing yet.
        Any thread.
        """
        return self._before.face

    def wait(self, course: WalkCourse) -> None:
        """Have the first moment drawn. Raises ModelError."""
        while self._before.time_s < 0:
            if self._running is not None:
                self._running.result()
            self._take()
            self._begin(self._following_s(0.0), course)

    def close(self, *, wait: bool = True) -> None:
        """Wait for the picture that is being drawn, or let it be drawn for nobody. A generator that can be interrupted
        draws it to no end, and is not asked again.
        """
        self._generator.interrupt()
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
        return self._begun_s + max(_APART_S, _HURRY * max(self._drawn_in_s))

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
        gap = round((time_s - self._after.time_s) / _APART_S) - 1 if self._after.time_s >= 0 else 0
        count = 0 if self._waits else min(gap, self._most_between)
        self._running = self._worker.submit(self._draw, self._sight(), self._after, self._coming, count)

    def _ways(self, course: WalkCourse, start: Floats | None) -> tuple[LatentWalk, LatentWalk]:
        space = self._generator.space
        return (
            LatentWalk(space, course.seed, start, course.loop),
            LatentWalk(space, course.seed + _FINE_SEED, None, course.loop),
        )

    def _code(self) -> Floats:
        return self._walk.code(self._people, 1.0 if self._generator.truncates else self._course.spread)

    def _sight(self) -> Sight:
        course, truncates = self._course, self._generator.truncates
        code = self._walk.leant(self._code(), course.lean)
        if self._smile is not None and course.smile:
            code = np.asarray(code + _SMILES * course.smile * self._smile, np.float32)
        fine = self._fine_walk.code(self._people, 1.0 if truncates else course.spread) if course.mix else None
        return Sight(code, course.spread, fine, course.mix, course.fine_from)

    def _go_to(self, time_s: float, course: WalkCourse) -> None:
        passed_s, now = time_s - self._begun_s, self._course
        if (course.seed, course.loop) != (now.seed, now.loop):  # another way, from here
            self._walk, self._fine_walk = self._ways(course, self._code())
            self._people = 0.0
        self._course = now.nearing(course, 1 - math.exp(-passed_s / _SETTLES_S))
        step = passed_s / 60 * self._course.speed
        self._people += step if self._waits else min(step, _MOST_STEP)
        self._begun_s = time_s

    def _draw(self, sight: Sight, before: _Key, key: _Key, count: int) -> None:
        """[the second thread]"""
        began_s = time.monotonic()
        self._generator.draw_sight(sight, self._face)
        self._frame.draw(self._face, key.picture)
        key.face = np.rint(self._face.clip(0, 255)).astype(np.uint8)
        key.count = 0
        if count > 0:
            self._draw_between(before, key, count)
        self._drawn_in_s.append(time.monotonic() - began_s)

    def _draw_between(self, before: _Key, key: _Key, count: int) -> None:
        """Where the face is, things move; what lies beside it is soft, and only blended."""
        place = self._frame.rows, self._frame.columns
        inside = key.picture[place]
        if self._in_between is None:
            self._in_between = InBetween(Size(inside.shape[1], inside.shape[0]), self._frame.edge)
        one, other = np.ascontiguousarray(before.picture[place]), np.ascontiguousarray(inside)
        movement = self._in_between.between(one, other)
        drawn = np.empty_like(one)
        while len(key.between) < count:
            key.between.append(np.empty_like(key.picture))
        for number in range(count):
            share, out = (number + 1) / (count + 1), key.between[number]
            if drawn.shape != out.shape:
                cv2.addWeighted(before.picture, 1 - share, key.picture, share, 0, dst=out)
            self._in_between.draw(one, other, movement, share, drawn)
            out[place] = drawn
        key.count = count
