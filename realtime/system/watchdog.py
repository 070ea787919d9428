"""Sees to it that a part which stands still is noticed, said, and does not keep the program standing.

A native call that never returns can be neither interrupted nor ended, and the thread in it hears no signal. So each
thread that calls anybody's code tells its `Pulse` what it is about to call, and a thread that calls nothing looks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from realtime.core.errors import HangError
from realtime.core.language import _
from realtime.system.processor_share import CountedTime

log = logging.getLogger(__name__)

SAID_AFTER_S = 5.0
HUNG_AFTER_S = 15.0
"""The most a single call may take in a live run; parts that are known to take longer say so."""
END_WITHIN_S = 1.5
"""How long the main thread may be in one call when the run is to end; it looks some fifty times a second."""

_BEAT_S = 0.1  # a call is noticed up to two beats late, and the picture is to be back in two seconds
_MOST_COUNTED_S = 0.5
_SLOW_STEP_S = 30.0  # offline a slow model may take that long for a picture, and nobody waits for the next one


class Call(NamedTuple):
    """What a thread is at. A new object for each call, so that two calls of one part are told apart."""

    what: str
    patience_s: float


class Pulse:
    """What one thread is at. Written by that thread, read by the watchdog; a write is some 0.2 µs."""

    def __init__(self) -> None:
        self.call: Call | None = None

    def at(self, what: str, patience_s: float = HUNG_AFTER_S) -> None:
        """Say what is called next: `effect swap:anna.jpg`. It may take `patience_s` before it is taken for hung."""
        self.call = Call(what, patience_s)

    def rest(self) -> None:
        """Say that it has returned: whatever is waited for next has a limit of its own, or none."""
        self.call = None


class Watchdog:
    """Watches pulses on a thread of its own, from `start` to `stop`."""

    def __init__(
        self,
        pulses: Sequence[Pulse],
        *,
        hung: Callable[[HangError], None],
        overdue: Callable[[float], bool],
        last_resort: Callable[[], None],
        mend: Callable[[Call], bool] = lambda call: False,
        hurried: bool = True,
    ) -> None:
        """`hung` is called once for a call that is past its patience, and shall end the run; `mend` is asked before
        whether it has begun that part anew instead. `overdue` is asked at each beat, with the seconds since the last
        one, whether the main thread keeps the run from ending: then `last_resort` is called, once. `hurried`: False:
        nothing is live, and a picture may take as long as it takes; it is only said.
        """
        self._watched = [_Watched(pulse) for pulse in pulses]
        self._hung, self._overdue, self._last_resort, self._mend = hung, overdue, last_resort, mend
        self._hurried = hurried
        self._counted = CountedTime()
        self._said_after_s = SAID_AFTER_S if hurried else _SLOW_STEP_S
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch; where no thread can be started, the run goes on unwatched."""
        try:
            self._thread.start()
        except RuntimeError as error:
            log.warning(_("nobody watches for parts that hang: %s"), error)

    def stop(self) -> None:
        """Watch no more."""
        self._is_over.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=_MOST_COUNTED_S)

    def _run(self) -> None:
        before_s = time.monotonic()
        while not self._is_over.wait(_BEAT_S):
            now_s = time.monotonic()
            # Of a longer gap only so much counts: the whole process was stopped, or the machine asleep or swapping.
            passed_s, before_s = min(now_s - before_s, _MOST_COUNTED_S), now_s
            self.look(passed_s)
            if self._overdue(passed_s):
                self._last_resort()
                return

    def look(self, passed_s: float) -> None:
        """Look at every pulse, `passed_s` after the last time. From `start` to `stop` its own thread calls this."""
        passed_s = self._counted.of(passed_s)
        for watched in self._watched:
            self._look_at(watched, passed_s)
        self._counted.look(is_late=any(watched.is_late for watched in self._watched))

    def _look_at(self, watched: _Watched, passed_s: float) -> None:
        before = watched.call
        if not watched.is_still_at_it(passed_s):
            if before is not None and watched.is_told and not watched.is_given_up:
                log.warning(_("%s goes on"), before.what)
            watched.is_told = watched.is_given_up = False
            return
        assert before is not None  # noqa: S101 - it is still at it
        if not watched.is_told and watched.for_s >= self._said_after_s:
            watched.is_told = True
            log.warning(_("%s has not answered for %.0f s; the last picture stays"), before.what, watched.for_s)
        if self._hurried and not watched.is_given_up and watched.for_s >= before.patience_s:
            if self._mend(before):
                watched.call, watched.is_told = None, False
                return
            watched.is_given_up = True
            self._hung(HangError(_("{what} does not answer; the run is ended, start it again", what=before.what)))


class _Watched:
    """One pulse, and for how long it has been at the same call."""

    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        self.call: Call | None = None
        self.for_s = 0.0
        self.is_told = self.is_given_up = False

    @property
    def is_late(self) -> bool:
        """Whether half of its patience is over."""
        return self.call is not None and self.for_s > self.call.patience_s / 2

    def is_still_at_it(self, passed_s: float) -> bool:
        call = self._pulse.call
        if call is not None and call is self.call:
            self.for_s += passed_s
            return True
        self.call, self.for_s = call, 0.0
        return False
