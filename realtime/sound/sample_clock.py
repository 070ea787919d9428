"""When each sample of a device was heard, or will be: a device's own clock against `time.monotonic`."""

from __future__ import annotations

import math
from typing import NamedTuple

_SETTLED_HZ = 0.05
"""How fast it follows once it knows the rate: what a block's time is off, 1 to 5 ms, becomes a tenth of that."""
_MOST_DRIFT = 2e-3
"""Of the rate a device says it has. Quartz drifts by 1e-4 at most; some sound servers say 48000 and give 48010."""
_KNOWN_AFTER_S = 20.0
_OUTLIER_S = 0.015
_BROKEN_AFTER = 8
"""So many blocks in a row off by more than `_OUTLIER_S`: sound was lost between them."""


class _State(NamedTuple):
    position: float
    time_s: float
    period_s: float


class SampleClock:
    """Tells time and position of samples from what a sound card says of each block: a second-order delay-locked loop.

    The times of single blocks are off by milliseconds; the clock behind them is steady to millionths. One thread
    updates it, any may ask.
    """

    def __init__(self, rate: float) -> None:
        """`rate`: the samples a second that the device says it has."""
        self.nominal_rate = rate
        self._state: _State | None = None
        self._began_s = 0.0
        self._outliers = 0

    @property
    def is_running(self) -> bool:
        """Whether it knows a time."""
        return self._state is not None

    @property
    def rate(self) -> float:
        """Samples a second, as measured."""
        return 1.0 / self._state.period_s if self._state else self.nominal_rate

    def update(self, position: int, time_s: float) -> None:
        """[the device's thread] Take in that the sample at `position` belongs to `time_s`."""
        state = self._state
        if state is None:
            self._begin(position, time_s, 1.0 / self.nominal_rate)
            return
        samples = position - state.position
        if samples <= 0:
            return
        expected_s = state.time_s + samples * state.period_s
        late_s = time_s - expected_s
        self._outliers = self._outliers + 1 if abs(late_s) > _OUTLIER_S else 0
        if self._outliers >= _BROKEN_AFTER:
            is_known = state.time_s - self._began_s > _KNOWN_AFTER_S
            self._begin(position, time_s, state.period_s if is_known else 1.0 / self.nominal_rate)
            return
        late_s = max(-_OUTLIER_S, min(_OUTLIER_S, late_s))
        # At first as wide as the time it has seen is short: it is right at once, and settles within ten seconds.
        bandwidth_hz = max(_SETTLED_HZ, 0.4 / max(0.1, expected_s - self._began_s))
        turn = min(0.5, 2 * math.pi * bandwidth_hz * samples * state.period_s)
        nominal_s = 1.0 / self.nominal_rate
        period_s = state.period_s + turn * turn * late_s / samples
        period_s = max(nominal_s * (1 - _MOST_DRIFT), min(nominal_s * (1 + _MOST_DRIFT), period_s))
        self._state = _State(position, expected_s + math.sqrt(2) * turn * late_s, period_s)

    def time_of(self, position: float) -> float:
        """Return when a sample belongs, on `time.monotonic`'s clock. Only where it `is_running`."""
        state = self._state
        assert state is not None  # noqa: S101 - asked before
        return state.time_s + (position - state.position) * state.period_s

    def position_at(self, time_s: float) -> float:
        """Return which sample, and what part of one, belongs to a moment. Only where it `is_running`."""
        state = self._state
        assert state is not None  # noqa: S101 - asked before
        return state.position + (time_s - state.time_s) / state.period_s

    def _begin(self, position: int, time_s: float, period_s: float) -> None:
        self._outliers = 0
        self._began_s = time_s
        self._state = _State(position, time_s, period_s)
