"""A thread's right to go on: taken away from one that does not come back, so that another can go on in its place.

A native call that never returns cannot be ended. What can be done is to leave its thread behind: when it wakes, it must
find out, before anything else, that nothing here is its own any more.
"""

from __future__ import annotations

import threading
from typing import Protocol

from realtime.system.watchdog import HUNG_AFTER_S, Call, Pulse


class LeftBehind(BaseException):
    """Raised on a thread whose turn was taken away. No guard for faults may take it for one, so it is no Exception."""


class Telling(Protocol):
    """Where a thread says what it is at: a `Pulse`, or a `Turn`."""

    def at(self, what: str, patience_s: float = HUNG_AFTER_S) -> None: ...
    def rest(self) -> None: ...


class Turn:
    """Of one thread. `at` and `rest` are that thread's: the first thing it does after each call into anybody's code.

    Between two of them the turn can be taken away only while the call that was told first is still the one told: so a
    thread that has got through one of them may do what it likes until the next.
    """

    def __init__(self, pulse: Pulse) -> None:
        """`pulse`: what the watchdog looks at. The next thread's turn writes into the same one."""
        self._pulse = pulse
        self._lock = threading.Lock()
        self._is_over = False  # guarded by _lock

    def at(self, what: str, patience_s: float = HUNG_AFTER_S) -> None:
        """As `Pulse.at`. Raises LeftBehind."""
        with self._lock:
            self._check()
            self._pulse.at(what, patience_s)

    def rest(self) -> None:
        """As `Pulse.rest`. Raises LeftBehind."""
        with self._lock:
            self._check()
            self._pulse.rest()

    def take_away(self, call: Call) -> bool:
        """Take it away from a thread that hangs in this very call; False: it has just come back. Any thread."""
        with self._lock:
            if self._is_over or self._pulse.call is not call:
                return False
            self._is_over = True
            self._pulse.rest()
            return True

    def take_away_from_dead(self) -> None:
        """Take it away from a thread that has ended."""
        with self._lock:
            self._is_over = True
            self._pulse.rest()

    def _check(self) -> None:
        if self._is_over:
            raise LeftBehind
