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
_SHIFTED_S = 0.004
_SHIFT_OVER_S = 0.4
"""Off by more than 4 ms in the mean of so long: time has moved in smaller steps, as a sound server tells it for seconds
after it ran dry. Blocks that are off by 5 ms each are off by 0.4 in that mean."""


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
        self._known_from_s = 0.0
        self._shift_s = 0.0
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
            self._known_from_s = time_s
            self._begin(position, time_s, 1.0 / self.nominal_rate)
            return
        samples = position - state.position
        if samples <= 0:
            return
        expected_s = state.time_s + samples * state.period_s
        late_s = time_s - expected_s
        passed_s = samples * state.period_s
        self._shift_s += (late_s - self._shift_s) * min(1.0, passed_s / _SHIFT_OVER_S)
        self._outliers = self._outliers + 1 if abs(late_s) > _OUTLIER_S else 0
        is_known = expected_s - self._known_from_s > _KNOWN_AFTER_S
        if self._outliers >= _BROKEN_AFTER:
            self._begin(position, time_s, state.period_s if is_known else 1.0 / self.nominal_rate)
            return
        if abs(self._shift_s) > _SHIFTED_S and expected_s - self._began_s > 2 * _SHIFT_OVER_S:
            self._began_s, self._shift_s = expected_s, 0.0
        late_s = max(-_OUTLIER_S, min(_OUTLIER_S, late_s))
        # At first as wide as the time it has seen is short: it is right at once, and settles within ten seconds. A rate
        # that is known is not learnt anew from the few blocks after a shift.
        bandwidth_hz = max(_SETTLED_HZ, 0.4 / max(0.2, expected_s - self._began_s))
        turn = _turn(bandwidth_hz, passed_s)
        rate_turn = _turn(_SETTLED_HZ, passed_s) if is_known else turn
        nominal_s = 1.0 / self.nominal_rate
        period_s = state.period_s + rate_turn * rate_turn * late_s / samples
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
        self._shift_s = 0.0
        self._began_s = time_s
        self._state = _State(position, time_s, period_s)


def _turn(bandwidth_hz: float, passed_s: float) -> float:
    """Return the loop's gain for a block, by which it goes towards what the block says."""
    return min(0.5, 2 * math.pi * bandwidth_hz * passed_s)
