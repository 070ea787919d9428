"""Pictures between two that a slow network has drawn: each is bent part of the way to the other, and both are blended.

Blended as they are, two faces a tenth of a person apart show two outlines. So it is found what has gone where (dense
inverse search, both ways), and believed where the way back leads to where it began; elsewhere, in hair and where
something appears, the two are only blended. `python -m tools.measure_walk` compares that with the true pictures.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Size
from realtime.imaging.numerics import Floats
from realtime.morph.framing import STEPS, FinePixels

_FLOW_PX = 512
"""Longest side of what movement is found in. At 256 hair and teeth lose twice as much of their sharpness."""
_SMOOTHER_PX = 4.0
"""Deviation of the blur over a movement, there."""
_BACK_PX = 0.7
"""So far from where it began may the way back lead, there: at that distance it is believed by a third."""
_DOUBT = 0.05
"""Belief is counted against so much of none: where there is hardly any, nothing moves."""
Flow: TypeAlias = Floats
"""(height, width, 2): how far what is at each pixel has gone in all, across and down."""


class Movement(NamedTuple):
    """What has gone where between two pictures."""

    there: Flow
    back: Flow


class InBetween:
    """Pictures of one size. Used by one thread."""

    def __init__(self, size: Size, edge: Floats | None = None) -> None:
        """`edge`, (height, width): how much of a movement is taken where, 0..1; None: all of it everywhere."""
        scale = min(1.0, _FLOW_PX / max(size))
        self._small = Size(max(16, round(size.width * scale)), max(16, round(size.height * scale)))
        self._size = size
        self._edge = None if edge is None else np.ascontiguousarray(edge[..., np.newaxis])
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._place = _places(size)
        self._small_place = _places(self._small)
        self._map = np.empty_like(self._place)
        self._bent = [np.empty((size.height, size.width, 3), np.uint16) for _ in range(2)]

    def between(self, before: FinePixels, after: FinePixels) -> Movement:
        """Return what has gone where from the one to the other: 0.1 s of one core for 720×720."""
        one, other = (self._grey(picture) for picture in (before, after))
        there, back = self._found(one, other), self._found(other, one)
        return Movement(self._believed(there, back), self._believed(back, there))

    def draw(self, before: FinePixels, after: FinePixels, movement: Movement, share: float, out: FinePixels) -> None:
        """Draw the moment at `share` 0..1 between them: 20 ms of one core for 720×720."""
        bent = self._bent
        # What was before at x is at x + share · there(x) now, and so is looked for that far back.
        self._bend(before, movement.there, -share, bent[0])
        self._bend(after, movement.back, share - 1, bent[1])
        cv2.addWeighted(bent[0], 1 - share, bent[1], share, 0, dst=out)

    def _found(self, one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Flow:
        return np.asarray(self._search.calc(one, other, np.zeros((*one.shape, 2), np.float32)), np.float32)

    def _grey(self, picture: FinePixels) -> NDArray[np.uint8]:
        small = cv2.resize(picture, self._small, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(cv2.convertScaleAbs(small, alpha=1 / STEPS), cv2.COLOR_BGR2GRAY), np.uint8)

    def _believed(self, there: Flow, back: Flow) -> Flow:
        """Return a movement at full size, smooth, and only as far as the way back bears it out."""
        returned = there + cv2.remap(back, self._small_place + there, None, cv2.INTER_LINEAR)
        belief = np.exp(np.square(returned).sum(axis=2) / -(_BACK_PX**2))
        moved = cv2.GaussianBlur(there * belief[..., np.newaxis], (0, 0), _SMOOTHER_PX)
        moved /= (cv2.GaussianBlur(belief, (0, 0), _SMOOTHER_PX) + _DOUBT)[..., np.newaxis]
        full = cv2.resize(moved, self._size, interpolation=cv2.INTER_LINEAR)
        full *= np.array(self._size, np.float32) / self._small
        if self._edge is not None:
            full *= self._edge
        return np.asarray(full, np.float32)

    def _bend(self, picture: FinePixels, flow: Flow, times: float, out: FinePixels) -> None:
        cv2.scaleAdd(flow, times, self._place, dst=self._map)
        # Linear between pixels would take a quarter of the sharpness away, and give it back at every picture drawn.
        cv2.remap(picture, self._map, None, cv2.INTER_CUBIC, dst=out, borderMode=cv2.BORDER_REPLICATE)


def _places(size: Size) -> Floats:
    across, down = np.meshgrid(np.arange(size.width, dtype=np.float32), np.arange(size.height, dtype=np.float32))
    return np.dstack([across, down])
