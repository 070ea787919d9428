"""How much later the sound must be: the picture's age, calmed, and never less than the devices can do."""

from __future__ import annotations

import collections
import statistics

LONGEST_DELAY_S = 4.0
"""More is no delay but a fault; the ring keeps eight seconds."""
_CALMED_OVER = 16
"""Ages, four a second: the median of 4 s. A picture's age jumps by a frame time and more; sound must not."""


class DelayTarget:
    """The delay that sound should have. Fed on the main thread, read by any."""

    def __init__(self, offset_s: float = 0.0) -> None:
        """`offset_s`: added to the picture's age, as the user has it (`--sound-offset`)."""
        self.offset_s = offset_s
        self._ages_s: collections.deque[float] = collections.deque(maxlen=_CALMED_OVER)
        self._age_s: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether a picture has been shown."""
        return self._age_s is not None

    @property
    def delay_s(self) -> float:
        """How much later than it was heard sound should leave; the offset alone before the first picture."""
        return max(0.0, min(LONGEST_DELAY_S, (self._age_s or 0.0) + self.offset_s))

    def add(self, age_s: float) -> None:
        """Take in how old the picture is now."""
        self._ages_s.append(age_s)
        self._age_s = statistics.median(self._ages_s)


class LeastDelay:
    """The delay below which sound is not there yet when a device wants it: learnt from what was to spare. One thread.

    A machine that stood still once leaves a gap that no delay would have filled; only what comes again within ten
    seconds counts. Fed with every block, it looks at them half a second at a time.
    """

    SPARE_S = 0.005
    """Kept for the next block, which may come later than any before it."""
    _PERIOD_S = 0.5
    _REMEMBERED = 20
    _STANDS_S = 0.25  # missing more than this: the microphone stands still

    def __init__(self) -> None:
        self.delay_s = 0.0
        self._wanted_s: collections.deque[float] = collections.deque(maxlen=self._REMEMBERED)
        self._most_s = 0.0
        self._passed_s = 0.0

    def learn(self, delay_s: float, spare_s: float, passed_s: float) -> None:
        """Take in that with `delay_s` there were `spare_s` of sound left after a block of `passed_s`; negative: so much
        was missing.
        """
        if spare_s > -self._STANDS_S:
            self._most_s = max(self._most_s, delay_s - spare_s + self.SPARE_S)
        self._passed_s += passed_s
        if self._passed_s < self._PERIOD_S:
            return
        self._wanted_s.append(self._most_s)
        self._passed_s = self._most_s = 0.0
        if len(self._wanted_s) > 1:
            self.delay_s = min(LONGEST_DELAY_S, sorted(self._wanted_s)[-2])
