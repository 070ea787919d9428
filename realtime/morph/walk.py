"""A way through latent space that never stops and never leaves the people.

In 194 numbers people lie on a shell: the length of a code is the same for all of them, within 5 %, and the middle,
which is nobody, is empty. A straight way between two people leads through that middle, and shows a blur half-way; so
does a random walk that is drawn back to the mean. Here each number swings as a sum of slow waves whose frequencies and
phases are its own: at every moment the numbers are as independent, and so the code is as long, as a person's. It is
the great-circle way between people who never end: no knots at which it would turn or rest, every derivative is there,
and any moment is computed by itself, whatever came before.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from realtime.imaging.numerics import Floats
from realtime.models.latent_space import LatentSpace

_WAVES = 6
"""Of each number: with so many it is spread as a normal one is (kurtosis 2.75; one wave: 1.5, normal: 3)."""
_BAND = (0.3, 1.7)
"""Slowest and fastest wave, in quarter turns for each person. Narrower, the way leads back to the opposite of where it
was, and then to where it was; wider, it dithers."""
_LIGHT_SPREAD = 0.35
"""How far the light moves, of what it differs by between photos."""


@dataclasses.dataclass(frozen=True, slots=True)
class WalkCourse:
    """How a walk goes, at one moment."""

    speed: float
    """People a minute: so often the code is as far from where it was as two people are from one another."""
    spread: float
    """How far from the mean face, 1: as far as people are."""
    seed: int


class LatentWalk:
    """One way, for ever. Any thread; nothing in it changes."""

    def __init__(self, space: LatentSpace, seed: int, start: Floats | None = None) -> None:
        """`start`: the code [Z] it begins at; None: at somebody the seed chooses."""
        random = np.random.default_rng(seed)
        shape = (len(space.mean), _WAVES)
        self._per_person: NDArray[np.float64] = random.uniform(*_BAND, shape) * (np.pi / 2)
        self._phase: NDArray[np.float64] = random.uniform(0, 2 * np.pi, shape)
        self._mean = space.mean.astype(np.float64)
        self._reach = space.deviation.astype(np.float64)
        if space.light:
            self._reach[-space.light :] *= _LIGHT_SPREAD
        self._begin = None if start is None else self._waves(0.0)
        self._start = self._mean if start is None else start.astype(np.float64)

    def code(self, people: float, spread: float) -> Floats:
        """Return the code, float32 [Z], after so many people."""
        waves = self._waves(people)
        if self._begin is None:
            return np.asarray(self._mean + spread * self._reach * waves, np.float32)
        # What is known of a stationary course whose value at one moment is known: it forgets the start as its
        # correlation says, and the spread about it grows by as much (Matheron's rule).
        still = np.cos(self._per_person * people).mean(axis=1)
        away = spread * self._reach * (waves - still * self._begin)
        return np.asarray(self._mean + still * (self._start - self._mean) + away, np.float32)

    def _waves(self, people: float) -> NDArray[np.float64]:
        """Return [Z] numbers of mean 0 and deviation 1."""
        turned = np.cos(self._per_person * people + self._phase)
        return np.asarray(turned.sum(axis=1) * np.sqrt(2 / _WAVES), np.float64)
