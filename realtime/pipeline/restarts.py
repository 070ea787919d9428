"""When a stage is taken for hung, and how often one may be begun anew before the run ends."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable, Hashable

from realtime.core.stats import RunStats

MOST_RESTARTS = 5
WITHIN_S = 600.0
"""What hangs more often than `MOST_RESTARTS` times in `WITHIN_S` is not mended by beginning it anew: each time a thread
and what it holds are left behind. The run ends then, and whoever watches the process starts it again."""

_LEARNT_AFTER = 30  # answers, a second of them: the first inference, which may compile for seconds, is long over
_LEAST_S = 1.0
# With the fifth of a second within which the watchdog notices it, 0.8 s are left to open another, and the picture is
# back within two.
_TIMES_SLOWEST = 5.0  # of the slowest lately: a machine that is busy makes a network two or three times as slow
_FORGOTTEN = 0.997  # by answer: of one slow moment half is forgotten in 230, eight seconds


class Patience:
    """How long a stage may take, learnt from how long it has taken. One thread adds; any may ask."""

    def __init__(self) -> None:
        self._count = 0
        self._slowest_s = 0.0
        self._first_s: float | None = None  # the slowest of the first answers, once those are known
        self._kind: Hashable = None

    def add(self, took_s: float, kind: Hashable = None) -> None:
        """Learn from an answer. `kind`: what it was asked for, a picture's size: with another one it begins anew, since
        a network may be made ready for that size first.
        """
        if kind != self._kind:
            self._count, self._slowest_s, self._first_s, self._kind = 0, 0.0, None, kind
        self._count += 1
        self._slowest_s = max(took_s, self._slowest_s * _FORGOTTEN)
        if self._count == _LEARNT_AFTER and self._first_s is None:
            self._first_s = self._slowest_s / _FORGOTTEN**_LEARNT_AFTER
        if self._count == _LEARNT_AFTER:
            self._slowest_s = took_s  # what it took to warm up says nothing of the rest

    def of_successor(self) -> Patience:
        """Return what is known of another of the same kind, which has answered nothing yet: its first answers may take
        as long as those of this one did.
        """
        successor = Patience()
        successor._first_s, successor._kind = self._first_s, self._kind
        return successor

    def seconds(self, most_s: float, kind: Hashable = None, *, doubled: int = 0) -> float:
        """Return how long the next answer may take: `most_s` until enough has been learnt. `doubled`: how often that
        has been found too short, or the stage hung.
        """
        if kind != self._kind or self._first_s is None:
            return most_s
        is_warm = self._count >= 2 * _LEARNT_AFTER
        slowest_s = self._slowest_s if is_warm else max(self._first_s, self._slowest_s)
        learnt_s = max(_LEAST_S, _TIMES_SLOWEST * slowest_s)
        return min(most_s, learnt_s * float(1 << min(doubled, 10)))


class Restarts:
    """How often which stage was begun anew. Any thread."""

    def __init__(self, stats: RunStats, now_s: Callable[[], float] = time.monotonic) -> None:
        self._stats = stats
        self._now_s = now_s
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._at_s: dict[str, collections.deque[float]] = {}

    def recent(self, stage: str) -> int:
        """Return how often it was within the last `WITHIN_S`."""
        with self._lock:
            times_s = self._at_s.get(stage, ())
            return sum(self._now_s() - at_s < WITHIN_S for at_s in times_s)

    def may(self, stage: str) -> bool:
        """Whether it may be begun anew once more."""
        return self.recent(stage) < MOST_RESTARTS

    def note(self, stage: str) -> None:
        """Count that it is."""
        with self._lock:
            self._at_s.setdefault(stage, collections.deque(maxlen=MOST_RESTARTS)).append(self._now_s())
            self._stats.restarts[stage] = self._stats.restarts.get(stage, 0) + 1
