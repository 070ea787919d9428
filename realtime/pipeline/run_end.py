"""How a run ends: in order, because it is over or somebody wants it, or because a part of it hangs."""

from __future__ import annotations

import logging
import threading

from realtime.core.errors import HangError, RealtimeError
from realtime.core.language import _
from realtime.system.watchdog import END_WITHIN_S, Call, Pulse

log = logging.getLogger(__name__)


class RunEnd:
    """Whether the run is over, and why. Any thread, where nothing else is said."""

    def __init__(self, main_pulse: Pulse) -> None:
        """`main_pulse`: what the main thread is at."""
        self.interrupted = False
        """True after the user ended the run, be it while it was being closed."""
        self.is_closing = False
        """True once everything is being closed."""
        self.outcome: RealtimeError | None = None
        """What ended it, where it ended by an error."""
        self.hang: HangError | None = None
        """What hung, where that ended it."""
        self._hang_at_end: HangError | None = None
        self._stopping = threading.Event()
        self._main_pulse = main_pulse
        self._late_call: Call | None = None
        self._late_s = 0.0

    @property
    def must_end(self) -> bool:
        """Whether it is over, or the user wants it to be."""
        return self.interrupted or self._stopping.is_set()

    def stop(self) -> None:
        """End the run, in order, because the user wants it. Signal handlers too: it takes no lock, which the main
        thread might hold when it is interrupted. The main thread looks some fifty times a second.
        """
        self.interrupted = True

    def end(self, outcome: RealtimeError | None = None) -> None:
        """End it in order."""
        self.note(outcome)
        self._stopping.set()

    def note(self, outcome: RealtimeError | None) -> None:
        """Keep why it will end; the first reason counts."""
        self.outcome = self.outcome or outcome

    def begin_closing(self) -> None:
        """[main thread] Say that everything is being closed from now on."""
        self.is_closing = True
        self._stopping.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait, and return whether it is over."""
        return self._stopping.wait(timeout_s) or self.interrupted

    def give_up_on(self, reason: str) -> None:
        """End it because something hangs that cannot be begun anew."""
        self.give_up(HangError(_("{reason}; the run is ended, start it again", reason=reason)))

    def give_up(self, error: HangError) -> None:
        """[watchdog] End the run because a part of it hangs."""
        log.debug("%s", error)
        if self.is_closing:  # an effect or an output is left behind in its turn; only the main thread cannot be
            self._hang_at_end = error
            return
        self.hang = error
        self.end(error)

    @property
    def exit_code(self) -> int:
        """Of a program that must be left because the main thread hangs."""
        hang = self.hang or self._hang_at_end
        return hang.exit_code if hang else 0

    def is_overdue(self, passed_s: float) -> bool:
        """[watchdog, `passed_s` after the last time] Whether the main thread should end and cannot, because it stands
        still in one call. A machine that is only busy lets it go on from call to call.
        """
        if not (self.is_closing or self.interrupted or self.hang):
            return False
        call = self._main_pulse.call
        if call is None or call is not self._late_call:
            self._late_call, self._late_s = call, 0.0
            return False
        self._late_s += passed_s
        if self.is_closing:
            return self._hang_at_end is not None and self._late_s >= call.patience_s
        return self._late_s > END_WITHIN_S
