"""Two running means, of the codes of those who have an attribute and of those who have not: their difference is the way
from one to the other. More pictures are looked at until the means have come to rest.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

REST = 0.08
"""Both means have come to rest when a batch moves them by less than this together …"""
MOST = 10_000
"""… or so many pictures with the attribute were seen."""


@dataclasses.dataclass(frozen=True, slots=True)
class Moved:
    """How far one batch of codes moved the means: a line of the table."""

    seen_with: int
    moved_with: float
    moved_without: float
    distance: float
    """Between the means, after it."""
    change: float
    """Of that distance."""

    @property
    def at_rest(self) -> bool:
        return self.moved_with + self.moved_without < REST or self.seen_with >= MOST


class RunningMeans:
    """The means of both sides, batch after batch."""

    def __init__(self, latent: int) -> None:
        self._sums = np.zeros((2, latent))
        self._counts = np.zeros(2, np.int64)
        # A side that was not in a batch counts as it last moved: that it was not there is no sign of rest.
        self._moved = [math.inf, math.inf]
        self._distance = 0.0

    def add(self, codes: NDArray[np.floating], has: NDArray[np.int8]) -> Moved:
        """Take in codes [N, Z]; `has` is 1 with the attribute, −1 without, 0 where nobody knows."""
        for side, chosen in enumerate((has > 0, has < 0)):
            if not chosen.any():
                continue
            before = self._mean(side)
            self._sums[side] += codes[chosen].sum(axis=0, dtype=np.float64)
            self._counts[side] += int(chosen.sum())
            self._moved[side] = float(np.linalg.norm(self._mean(side) - before))
        distance = float(np.linalg.norm(self.difference))
        change, self._distance = distance - self._distance, distance
        return Moved(int(self._counts[0]), self._moved[0], self._moved[1], distance, change)

    @property
    def difference(self) -> NDArray[np.float64]:
        """The mean with, less the mean without, [Z]."""
        return self._mean(0) - self._mean(1)

    def _mean(self, side: int) -> NDArray[np.float64]:
        return np.asarray(self._sums[side] / max(1, self._counts[side]), np.float64)


def until_at_rest(
    means: RunningMeans, batches: Iterable[tuple[NDArray[np.floating], NDArray[np.int8]]]
) -> Iterator[Moved]:
    """Take in batches of codes and labels until both means have come to rest, and yield how far each moved them."""
    for codes, has in batches:
        moved = means.add(codes, has)
        yield moved
        if moved.at_rest:
            return
