"""Rests between pieces of work that is done beside a picture which goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

_REST_TIMES = 2.0
_LONGEST_S = 0.5


class Cancelled(Exception):  # noqa: N818 - not an error: what was worked on is not wanted any more
    """The work is to be left as it is."""


class Throttle:
    """Lets the picture go on between two pieces of work: each frame then meets one of them at most, and a third of the
    processor's time is taken. Used by the one thread that works.
    """

    def __init__(self, period_s: float = 0.0, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        """`period_s`: the time between two frames of the picture that goes on; 0: there is none, and nothing rests.
        `is_cancelled`: whether nobody wants any more what is worked on.
        """
        self._period_s = period_s
        self._is_cancelled = is_cancelled
        self._began_s = time.perf_counter()

    @property
    def are_taken(self) -> bool:
        """Whether there is a picture that goes on."""
        return self._period_s > 0

    def rest(self) -> None:
        """Sleep for a frame, or for twice as long as the piece of work took that ends here. Raises Cancelled."""
        if self._is_cancelled():
            raise Cancelled
        if self.are_taken:
            worked_s = time.perf_counter() - self._began_s
            time.sleep(min(_LONGEST_S, max(self._period_s, _REST_TIMES * worked_s)))
        self._began_s = time.perf_counter()
