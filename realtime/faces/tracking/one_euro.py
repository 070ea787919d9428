"""The One Euro filter: calm while a signal rests, quick while it moves.

Géry Casiez, Nicolas Roussel, Daniel Vogel: "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input
in Interactive Systems", CHI 2012. A first-order low-pass whose cutoff frequency rises with the signal's own
speed:

    cutoff = least_cutoff + cutoff_per_speed · |speed|,    α = 1 / (1 + 1 / (2π · cutoff · Δt))

so that jitter is removed at rest, where the eye sees it, and lag is removed in motion, where the eye sees
that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


class OneEuroFilter:
    """Filters a vector, each number on its own, at whatever times the values come. Used by one thread."""

    def __init__(self, *, least_cutoff_hz: float, cutoff_per_speed: float, speed_cutoff_hz: float = 1.0) -> None:
        """`least_cutoff_hz` sets the calm at rest, `cutoff_per_speed` (Hz for each unit per second) the lag
        in motion, `speed_cutoff_hz` how calmly the speed itself is measured (the paper's 1 Hz suits all of
        ours).
        """
        self._least_turn = 2 * math.pi * least_cutoff_hz
        self._turn_per_speed = 2 * math.pi * cutoff_per_speed
        self._speed_turn = 2 * math.pi * speed_cutoff_hz
        self._at_s = 0.0
        self._raw: NDArray[np.float64] | None = None
        self._calm: NDArray[np.float64] = np.empty(0)
        self.speed: NDArray[np.float64] = np.empty(0)
        """The calmed speed, per second; zeros after the first value."""

    def update(self, values: NDArray[np.float64], at_s: float, unit: float = 1.0) -> NDArray[np.float64]:
        """Return the calmed values for a moment later than the last one (an array nobody writes into
        afterwards).

        `unit` is what counts as one in `cutoff_per_speed`: the face's width in pixels makes a small far face
        as calm as a big near one. The speed is taken between raw values, so that lag does not pass for
        motion. A moment that is not later than the last one changes nothing.
        """
        if self._raw is None:
            self._raw = self._calm = values.astype(np.float64)
            self.speed = np.zeros_like(self._calm)
            self._at_s = at_s
            return self._calm
        step_s = at_s - self._at_s
        if step_s <= 0.0:
            return self._calm
        turn = self._speed_turn * step_s
        self.speed = self.speed + (turn / (1.0 + turn)) * ((values - self._raw) / step_s - self.speed)
        turns = np.abs(self.speed)
        turns *= self._turn_per_speed * step_s / unit
        turns += self._least_turn * step_s
        turns /= turns + 1.0
        self._calm = self._calm + turns * (values - self._calm)
        self._raw = values.astype(np.float64)
        self._at_s = at_s
        return self._calm

    def reset(self) -> None:
        """Forget everything: the next value is taken as it is."""
        self._raw = None
