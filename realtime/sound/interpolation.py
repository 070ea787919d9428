"""Sound between its samples: a windowed sinc, at any place and at any ratio of two rates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.sound.ring import Ring, Samples

TAPS = 32
_PHASES = 256
_KAISER_BETA = 9.0


def sinc_table(taps: int, phases: int, cutoff: float, beta: float) -> NDArray[np.float64]:
    """Return the weights of `taps` samples for a place between the middle two, (phases + 1, taps); each row sums to 1.

    `cutoff`: share of half the sampling rate that passes.
    """
    places = np.arange(phases + 1)[:, None] / phases
    distances = np.arange(taps)[None, :] - (taps // 2 - 1) - places
    window = np.i0(beta * np.sqrt(np.maximum(0.0, 1 - (distances / (taps / 2)) ** 2))) / np.i0(beta)
    table = cutoff * np.sinc(cutoff * distances) * window
    weights: NDArray[np.float64] = table / table.sum(1, keepdims=True)
    return weights


class Interpolator:
    """Reads a ring at places between its samples. One thread. Nothing is allocated once it is made."""

    def __init__(self, channels: int, base_ratio: float, most_frames: int) -> None:
        """`base_ratio`: samples read for each one given, about; it sets what must be filtered away. `most_frames`: the
        longest block asked for.
        """
        cutoff = 0.94 * min(1.0, 1.0 / base_ratio)
        self._taps = 2 * round(TAPS / 2 * max(1.0, base_ratio))
        table = sinc_table(self._taps, _PHASES, cutoff, _KAISER_BETA)
        self._table = table[:-1].astype(np.float32)
        self._slopes = np.diff(table, axis=0).astype(np.float32)
        self._base_ratio = base_ratio
        longest = int(most_frames * base_ratio * 1.01) + self._taps + 2
        self._segment = np.zeros((longest, channels), np.float32)
        self._counts = np.arange(most_frames, dtype=np.float64)
        self._places = np.zeros(most_frames)
        self._whole = np.zeros(most_frames, np.intp)
        self._phase = np.zeros(most_frames, np.intp)
        self._rest = np.zeros((most_frames, 1), np.float32)
        self._weights = np.zeros((most_frames, self._taps), np.float32)
        self._slope = np.zeros((most_frames, self._taps), np.float32)
        self._gathered = np.zeros((most_frames, self._taps), np.float32)

    @property
    def most_frames(self) -> int:
        return len(self._counts)

    def end_of(self, position: float, ratio: float, frames: int) -> int:
        """Return how many samples must have been written for `read` to find all it needs."""
        return int(position + ratio * frames) + self._taps // 2 + 1

    def read(self, ring: Ring, position: float, ratio: float, out: Samples) -> float:
        """Fill `out`, (frames, the ring's channels), from `position` on, `ratio` samples for each frame; return where
        the next block begins. Silence where the ring has nothing.
        """
        frames = len(out)
        before = self._taps // 2 - 1
        base = int(np.floor(position))
        places, whole = self._places[:frames], self._whole[:frames]
        np.multiply(self._counts[:frames], ratio, out=places)
        places += position - base
        np.floor(places, out=places)
        whole[:] = places
        fractions = places
        np.multiply(self._counts[:frames], ratio, out=fractions)
        fractions += position - base
        fractions -= whole
        fractions *= _PHASES
        phase, rest = self._phase[:frames], self._rest[:frames]
        phase[:] = fractions
        np.minimum(phase, _PHASES - 1, out=phase)
        fractions -= phase
        rest[:, 0] = fractions
        weights, slope, gathered = self._weights[:frames], self._slope[:frames], self._gathered[:frames]
        self._table.take(phase, axis=0, out=weights, mode="clip")
        self._slopes.take(phase, axis=0, out=slope, mode="clip")
        slope *= rest
        weights += slope
        segment = self._segment[: int(whole[-1]) + self._taps + 1]
        ring.copy_into(segment, base - before)
        for channel in range(out.shape[1]):
            windows = np.lib.stride_tricks.as_strided(
                segment[:, channel],
                (len(segment) - self._taps + 1, self._taps),
                (segment.strides[0], segment.strides[0]),
                writeable=False,
            )
            windows.take(whole, axis=0, out=gathered, mode="clip")
            np.einsum("ij,ij->i", gathered, weights, out=out[:, channel])
        return position + ratio * frames
