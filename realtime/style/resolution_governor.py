"""At what size a model works, so that the picture keeps moving: lowered in steps where it is too slow, raised again
when there is time to spare. Pure: no clock, no model.
"""

from __future__ import annotations

import collections
import statistics
from collections.abc import Sequence

from realtime.imaging.frame import Size
from realtime.models.contract import LEAST_PX, MOST_PX

_SHARES = (1.0, 5 / 6, 2 / 3, 7 / 12, 1 / 2, 5 / 12, 1 / 3)
_MULTIPLE = 16
"""Sides below the full size are multiples of this: whatever a network halves, nothing has to be padded."""
_LEAST_SIDE_PX = 240
"""Of a smaller one, enlarged, a face is blocks: rather fewer pictures a second than that."""

# Shares of the time between two frames. What is left belongs to the detector, the outputs and the camera's decoding.
_TOO_LONG = 0.75
_AIM = 0.6
_SAMPLES, _FEWEST_SAMPLES = 12, 3
_UNSETTLED = 2
"""Frames after an exchange that do not count: caches and threads are cold."""
_PATIENCE_S = 4.0
_LONGEST_PATIENCE_S = 120.0
_RELAPSE_S = 15.0
"""Lowered within so long after raising: it was tried in vain, and is tried again only after twice the patience."""


def working_sizes(full: Size, least_px: int = 0) -> tuple[Size, ...]:
    """Return the sizes a model may work at for frames of size `full`, the full one first, each smaller than the last.

    `least_px`: no side smaller than this, even if the frame's is (the network takes no smaller ones).
    """
    least_px = max(least_px, LEAST_PX)
    grow = max(1.0, least_px / min(full))
    sizes = [Size(*(min(MOST_PX, max(least_px, round(side * grow))) for side in full))]
    floor = max(_LEAST_SIDE_PX, least_px)
    for share in _SHARES[1:]:
        size = Size(*(max(_MULTIPLE, round(side * share / _MULTIPLE) * _MULTIPLE) for side in full))
        if min(size) >= floor and _area(size) < 0.95 * _area(sizes[-1]):
            sizes.append(size)
    return tuple(sizes)


def first_step(sizes: Sequence[Size], s_per_px: float, rest_s: float, period_s: float) -> int:
    """Return the largest of the sizes that should be quick enough, or the last, from a measured time for a pixel."""
    for step, size in enumerate(sizes):
        if s_per_px * _area(size) + rest_s <= _AIM * period_s:
            return step
    return len(sizes) - 1


class ResolutionGovernor:
    """Chooses among working sizes by the times that frames took. Used by one thread."""

    def __init__(self, sizes: Sequence[Size], period_s: float, step: int = 0) -> None:
        """`period_s`: time between two frames at the rate asked for. `step`: which of `sizes` is in use."""
        self.sizes = tuple(sizes)
        self.step = step
        self.wanted = step
        """The step to go to; other than `step` until `exchanged` is called."""
        self._period_s = period_s
        self._scaling: collections.deque[float] = collections.deque(maxlen=_SAMPLES)
        self._rest: collections.deque[float] = collections.deque(maxlen=_SAMPLES)
        self._to_skip = _UNSETTLED
        self._patience_s = _PATIENCE_S
        self._roomy_since_s: float | None = None
        self._raised_at_s: float | None = None

    def count(self, scaling_s: float, rest_s: float, now_s: float) -> int:
        """Count one frame and return the step wanted.

        `scaling_s`: the time that grows with the working size's pixels, `rest_s`: the other. `now_s`: any clock.
        """
        if self.wanted != self.step:  # opening another model takes time from this one: nothing to learn from
            return self.wanted
        if self._to_skip:
            self._to_skip -= 1
            return self.step
        self._scaling.append(scaling_s)
        self._rest.append(rest_s)
        if len(self._scaling) < _SAMPLES and not self._is_plain():
            return self.step
        if self._raised_at_s is not None and now_s - self._raised_at_s > 2 * _RELAPSE_S:
            self._raised_at_s, self._patience_s = None, _PATIENCE_S
        now = self._expected_s(self.step)
        roomiest = next((step for step in range(self.step) if self._expected_s(step) <= _AIM * self._period_s), None)
        if now > _TOO_LONG * self._period_s and self.step + 1 < len(self.sizes):
            self._lower(now_s)
        elif roomiest is None:
            self._roomy_since_s = None
        elif self._roomy_since_s is None:
            self._roomy_since_s = now_s
        elif now_s - self._roomy_since_s >= self._patience_s:
            self.wanted, self._raised_at_s = roomiest, now_s
        return self.wanted

    def exchanged(self, step: int) -> None:
        """Say that this step is in use from the next frame on."""
        self.step = self.wanted = step
        self._scaling.clear()
        self._rest.clear()
        self._to_skip = _UNSETTLED
        self._roomy_since_s = None

    def _is_plain(self) -> bool:
        """Whether few samples are enough: nobody should wait for twelve frames of a second each."""
        took_s = sum(self._scaling) + sum(self._rest)
        return len(self._scaling) >= _FEWEST_SAMPLES and took_s > _SAMPLES * self._period_s

    def _lower(self, now_s: float) -> None:
        fitting = (
            step for step in range(self.step + 1, len(self.sizes)) if self._expected_s(step) <= _AIM * self._period_s
        )
        self.wanted = next(fitting, len(self.sizes) - 1)
        if self._raised_at_s is not None and now_s - self._raised_at_s < _RELAPSE_S:
            self._patience_s = min(2 * self._patience_s, _LONGEST_PATIENCE_S)
        self._raised_at_s = None

    def _expected_s(self, step: int) -> float:
        """The median frame, were it made at another size. Medians: one frame held up by the system proves nothing."""
        ratio = _area(self.sizes[step]) / _area(self.sizes[self.step])
        return statistics.median(self._scaling) * ratio + statistics.median(self._rest)


def _area(size: Size) -> int:
    return size.width * size.height
