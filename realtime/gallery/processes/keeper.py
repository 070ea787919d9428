"""What becomes of a screen's process: kept, killed because it stands still, started again, or left at rest.

Times (`at_s`) are of a clock that only runs on, and only while the supervisor does: nothing hung
while the machine slept.
"""

from __future__ import annotations

from collections.abc import Sequence

from realtime.core.language import _
from realtime.gallery.processes.reports import ScreenReport

STANDS_AFTER_S = 20.0
"""Without a new picture for so long, it is ended. Its own watchdog names and ends a part that hangs after 15."""
STARTS_WITHIN_S = 180.0
"""Without a step forward for so long it will not start. The first start makes a portrait and tries models: that took
102 s in all where six programs wanted two cores, and may take as long as it goes on.
"""
MOST_RESTARTS = 10
REST_S = 3600.0
_STEADY_S = 60.0
_LONGEST_PAUSE_S = 30.0


class Keeper:
    """Decides about one screen. One thread."""

    def __init__(self, restarts_at_s: Sequence[float] = ()) -> None:
        """`restarts_at_s`: when it was restarted before this program began."""
        self.restarts_at_s = list(restarts_at_s)
        """When it was, within the last hour."""
        self.starts_at_s = 0.0
        """When it is to be started next, where it does not run."""
        self._rests_until_s: float | None = None
        self._started_at_s = 0.0
        self._went_on_at_s = 0.0
        self._heard_at_s: float | None = None
        self._new_at_s = 0.0
        self._frames = 0
        self._short_lives = 0

    @property
    def rests(self) -> bool:
        """Whether it is to show a still and nothing else."""
        return self._rests_until_s is not None

    @property
    def is_starting(self) -> bool:
        """Whether it has been started and shows nothing yet."""
        return self._heard_at_s is None

    def is_late(self, at_s: float) -> bool:
        """Whether half of what it may take is over: time to look whether the machine lets it run at all."""
        if self._heard_at_s is None:
            return at_s - self._went_on_at_s > STARTS_WITHIN_S / 2
        return at_s - min(self._heard_at_s, self._new_at_s) > STANDS_AFTER_S / 2

    def excuse(self, seconds: float) -> None:
        """So much of the time that has just passed does not count: the machine had no processor for it."""
        self._went_on_at_s += seconds
        self._new_at_s += seconds
        if self._heard_at_s is not None:
            self._heard_at_s += seconds

    def started(self, at_s: float) -> None:
        """It has been started."""
        self._started_at_s = self._went_on_at_s = at_s
        self._heard_at_s, self._frames = None, 0

    def heard(self, report: ScreenReport, at_s: float) -> None:
        """It has told what it shows, or that it has got further on the way there."""
        if report.doing == "starts":
            self._went_on_at_s = at_s
        if report.is_before_first_picture:
            return
        if self._heard_at_s is None or report.frames != self._frames or report.doing != "shows":
            self._new_at_s = at_s
        self._heard_at_s, self._frames = at_s, report.frames

    def fault(self, at_s: float) -> str:
        """Return why it must be killed, or nothing."""
        if self._heard_at_s is None:
            late = at_s - self._went_on_at_s > STARTS_WITHIN_S
            return _("has not got on with its start for {within_s:.0f} s", within_s=STARTS_WITHIN_S) if late else ""
        if at_s - self._heard_at_s > STANDS_AFTER_S:
            return _("has not answered for {stands_after_s:.0f} s", stands_after_s=STANDS_AFTER_S)
        if at_s - self._new_at_s > STANDS_AFTER_S:
            return _("has shown no new picture for {stands_after_s:.0f} s", stands_after_s=STANDS_AFTER_S)
        return ""

    def is_well(self, at_s: float) -> bool:
        """Whether its pictures are new, or are known not to come: what systemd's watchdog is to hear."""
        return self.is_starting or at_s - max(self._new_at_s, self._started_at_s) <= STANDS_AFTER_S / 2

    def ended(self, at_s: float, *, is_counted: bool = True) -> None:
        """It has ended, or was killed: decide when it is started again, and as what. Not `is_counted`: its screen is
        not there, and no rest would bring it.
        """
        lived_s = at_s - self._started_at_s
        self._short_lives = self._short_lives + 1 if lived_s < _STEADY_S else 0
        pause_s = 0.0 if self._short_lives < 2 else min(2.0 ** (self._short_lives - 2), _LONGEST_PAUSE_S)
        self.starts_at_s = at_s + pause_s
        self.restarts_at_s = [one for one in self.restarts_at_s if at_s - one < REST_S]
        if self.rests or not is_counted:
            return
        self.restarts_at_s.append(at_s)
        if len(self.restarts_at_s) >= MOST_RESTARTS:
            self._rests_until_s = at_s + REST_S
            self.starts_at_s = at_s
            self._short_lives = 0

    def has_rested(self, at_s: float) -> bool:
        """Whether its rest is over: it is to be ended and started as usual. True once."""
        if self._rests_until_s is None or at_s < self._rests_until_s:
            return False
        self._rests_until_s = None
        self.restarts_at_s.clear()
        self._short_lives = 0
        return True
