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
import math

import numpy as np
from numpy.typing import NDArray

from realtime.imaging.numerics import Floats
from realtime.models.latent_space import LatentSpace

_WAVES = 6
"""Of each number: with so many it is spread as a normal one is (kurtosis 2.75; one wave: 1.5, normal: 3)."""
_BAND = (0.3, 1.7)
"""Slowest and fastest wave, in quarter turns for each person. Narrower, the way leads back to the opposite of where it
was, and then to where it was; wider, it dithers."""
_LEANS = math.pi / 3
"""How far it may be turned: two people are a quarter turn apart."""
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
    loop: int = 0
    """After so many people it is where it began; 0: never."""
    lean: float = 0.0
    """−1..1: towards somebody to the left, or to the right."""
    smile: float = 0.0
    """−1..1."""
    mix: float = 0.0
    """0..1: how much of another's its finer layers have …"""
    fine_from: float = 0.5
    """… and at which share of the layers those begin."""

    def nearing(self, other: WalkCourse, share: float) -> WalkCourse:
        """Return the course a share of the way to another one, whose seed and loop it has."""
        between = {
            name: getattr(self, name) + share * (getattr(other, name) - getattr(self, name)) for name in _GLIDING
        }
        return dataclasses.replace(other, **between)


_GLIDING = ("speed", "spread", "lean", "smile", "mix", "fine_from")


class LatentWalk:
    """One way, for ever. Any thread; nothing in it changes."""

    def __init__(self, space: LatentSpace, seed: int, start: Floats | None = None, loop: int = 0) -> None:
        """`start`: the code [Z] it begins at; None: at somebody the seed chooses. `loop`: after so many people it is
        where it began; 0: never.
        """
        random = np.random.default_rng(seed)
        shape = (len(space.mean), _WAVES)
        self._per_person: NDArray[np.float64] = _frequencies(random, shape, loop)
        self._phase: NDArray[np.float64] = random.uniform(0, 2 * np.pi, shape)
        self._aside: NDArray[np.float64] = random.standard_normal(shape[0])
        if space.light:
            self._aside[-space.light :] = 0
        self._aside_length = float(np.linalg.norm(self._aside))
        self._mean = space.mean.astype(np.float64)
        self._reach = space.deviation.astype(np.float64)
        if space.light:
            self._reach[-space.light :] *= _LIGHT_SPREAD
        self._reach = np.maximum(self._reach, 1e-9)  # numbers that never differ
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

    def leant(self, code: Floats, lean: float) -> Floats:
        """Return a code turned by `lean` −1..1 towards somebody whom the seed has chosen, or away: as long as it was,
        and so somebody.
        """
        if not lean:
            return code
        away = (code - self._mean) / self._reach
        angle = lean * _LEANS
        turned = math.cos(angle) * away + math.sin(angle) * self._aside * (np.linalg.norm(away) / self._aside_length)
        return np.asarray(self._mean + self._reach * turned, np.float32)

    def _waves(self, people: float) -> NDArray[np.float64]:
        """Return [Z] numbers of mean 0 and deviation 1."""
        turned = np.cos(self._per_person * people + self._phase)
        return np.asarray(turned.sum(axis=1) * np.sqrt(2 / _WAVES), np.float64)


def _frequencies(random: np.random.Generator, shape: tuple[int, int], loop: int) -> NDArray[np.float64]:
    """Return by how much each wave turns for each person, radians; whole turns in a loop."""
    if not loop:
        return random.uniform(*_BAND, shape) * (np.pi / 2)
    least = max(1, math.ceil(_BAND[0] * loop / 4))
    most = max(least, math.floor(_BAND[1] * loop / 4))
    return np.asarray(random.integers(least, most, shape, endpoint=True) * (2 * np.pi / loop), np.float64)
