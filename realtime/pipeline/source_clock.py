"""The time of a source's frames: mended where it cannot be, carried on over losses and rounds, and kept to where
recorded material is played at its own rate.
"""

from __future__ import annotations

import logging
import math
import threading
import time

from realtime.cameras import CameraInfo
from realtime.core.language import _
from realtime.imaging.frame import Frame, Pixels

log = logging.getLogger(__name__)

_OWN_CLOCK_S = 5.0  # a live frame so old, or so far ahead, has the time of another clock than the wall's
_LEAP_S = 10.0
_LEAP_FRAMES = 20
# A recorded picture that would stay for longer, and for more than so many frames of its film's own rate, is taken for a
# clock that leaps (FFmpeg's player draws the line at 10 s too). A slide show of one picture a minute keeps its minutes.


class SourceClock:
    """Goes on from one opening of a source to the next. Used by the reader that is current."""

    def __init__(self, stopping: threading.Event) -> None:
        """`stopping`: set when nobody waits for frames any more."""
        self.stopping = stopping
        self.may_run = threading.Event()
        """Recorded material shows its first frame and then waits for this."""
        self.next_index = 0
        self.last_pts_s = 0.0
        self.live_since_s: float | None = None
        self._is_leap_told = False

    def begin(self, info: CameraInfo, *, paced: bool) -> OpeningClock:
        """Go on with a source that has been opened. `paced`: at its own rate."""
        return OpeningClock(self, info, paced=paced)

    def report_leap(self, name: str, leap_s: float) -> None:
        """Say once that a film's clock leaps."""
        if not self._is_leap_told:
            self._is_leap_told = True
            log.warning(_("the clock of %s leaps ahead by %.0f s; it is played on without a stop"), name, leap_s)


class OpeningClock:
    """The clock of one opening of a source."""

    def __init__(self, clock: SourceClock, info: CameraInfo, *, paced: bool) -> None:
        self._clock, self._info, self._paced = clock, info, paced
        self._first_index = clock.next_index
        self._first_pts_s = clock.last_pts_s + 1.0 / info.fps if clock.next_index else 0.0
        self._shift_s: float | None = None  # wall clock minus presentation time, while the beat holds

    @property
    def has_given(self) -> bool:
        """Whether a frame has been passed on since the source was opened."""
        return self._clock.next_index != self._first_index

    def lose_beat(self) -> None:
        """Show the next frame at once: reading was suspended."""
        self._shift_s = None

    def timed(self, frame: Frame, pixels: Pixels, now_s: float) -> Frame:
        """Return a frame read at `now_s` with its place in the run. Recorded material waits until it is due."""
        clock, info = self._clock, self._info
        index, pts_s = self._first_index + frame.index, self._first_pts_s + frame.pts_s
        captured_at_s = frame.captured_at_s
        if not math.isfinite(pts_s + captured_at_s):
            pts_s, captured_at_s = clock.last_pts_s + 1.0 / info.fps, now_s
        if info.live:  # its own clock begins anew when it is opened again; ours goes on
            if abs(captured_at_s - now_s) > _OWN_CLOCK_S:  # time would stand still for whatever follows faces
                captured_at_s = now_s
            clock.live_since_s = clock.live_since_s or captured_at_s
            pts_s = max(clock.last_pts_s, captured_at_s - clock.live_since_s)
        elif self._paced:
            self._wait_until_due(pts_s, now_s)
            captured_at_s = time.monotonic()
        return Frame(pixels, captured_at_s, pts_s, index, frame.mirrored)

    def passed_on(self, frame: Frame) -> None:
        """Go on from a frame that was passed on. The first one of paced material stays until the clock may run."""
        clock = self._clock
        clock.next_index, clock.last_pts_s = frame.index + 1, frame.pts_s
        if self._paced and not clock.may_run.is_set():
            clock.may_run.wait()
            self._shift_s = time.monotonic() - frame.pts_s

    def _wait_until_due(self, pts_s: float, now_s: float) -> None:
        early_s = 0.0 if self._shift_s is None else pts_s + self._shift_s - now_s
        leaps = early_s > max(_LEAP_S, _LEAP_FRAMES / self._info.fps)
        if leaps:
            self._clock.report_leap(self._info.name, early_s)
        if self._shift_s is None or leaps or -early_s > 1.0 / self._info.fps:
            self._shift_s = now_s - pts_s  # first frame, or more than a frame late: forgive the debt
        else:
            self._clock.stopping.wait(early_s)
