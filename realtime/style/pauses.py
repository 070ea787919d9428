"""Rests between pieces of work that is done beside a picture which goes on."""

from __future__ import annotations

import time

_REST_TIMES = 2.0
_LONGEST_S = 0.5


class Pauses:
    """Lets the picture go on between two pieces of work: each frame then meets one of them at most, and a third of the
    processor's time is taken. Used by the one thread that works.
    """

    def __init__(self, period_s: float = 0.0) -> None:
        """`period_s`: the time between two frames of the picture that goes on; 0: there is none, and nothing rests."""
        self._period_s = period_s
        self._began_s = time.perf_counter()

    @property
    def are_taken(self) -> bool:
        """Whether there is a picture that goes on."""
        return self._period_s > 0

    def rest(self) -> None:
        """Sleep for a frame, or for twice as long as the piece of work took that ends here."""
        if self.are_taken:
            worked_s = time.perf_counter() - self._began_s
            time.sleep(min(_LONGEST_S, max(self._period_s, _REST_TIMES * worked_s)))
        self._began_s = time.perf_counter()
