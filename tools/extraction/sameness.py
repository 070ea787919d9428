"""Crops that show nearly the same: somebody who talks to a camera gives thousands, of which hundreds tell something."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels

LOOK_SIDE_PX = 16
_REMEMBERED = 4096
"""Faces compared with, the newest: 4 MB, and half a millisecond for each new one."""


def look_of(face: Pixels) -> Pixels:
    """Return a `face` crop as 16×16 grey levels: at that size an eye's blink and a word still show, noise does not."""
    grey = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    return np.asarray(cv2.resize(grey, (LOOK_SIDE_PX, LOOK_SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)


class Seen:
    """Remembers the newest looks, and tells whether another is one of them. Used by one thread."""

    def __init__(self, least_difference: float) -> None:
        """`least_difference`: root mean square in grey levels, brightness left out, below which two are the same."""
        self._least = least_difference
        self._looks = np.zeros((_REMEMBERED, LOOK_SIDE_PX**2), np.float32)
        self._squares = np.full(_REMEMBERED, np.inf, np.float32)
        self._next = 0

    def has(self, look: Pixels) -> bool:
        """Tell whether a look like it is remembered."""
        own = _levelled(look)
        # Not `@`: numpy would share the work out among threads, which then wait for one another (18 ms instead of
        # 0.5 where both cores were busy).
        products = np.einsum("ij,j->i", self._looks, own)
        distances = self._squares - 2 * products + float(own @ own)
        return bool(distances.min() < self._least**2 * own.size)

    def add(self, look: Pixels) -> None:
        """Remember a look, and forget the oldest where there are too many."""
        own = _levelled(look)
        place = self._next % _REMEMBERED
        self._looks[place], self._squares[place] = own, float(own @ own)
        self._next += 1


def _levelled(look: Pixels) -> NDArray[np.float32]:
    flat = look.astype(np.float32).ravel()
    return np.asarray(flat - flat.mean(), np.float32)
