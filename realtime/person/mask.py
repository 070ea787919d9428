"""Where people are in one picture: blocks that are all people, blocks that an outline goes through, and the rest."""

from __future__ import annotations

import dataclasses
import functools

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels, Size
from realtime.person.blocks import BlockGrid, Chosen

USUAL_SOFTNESS = 0.7
"""What a fringe of hair keeps its strands with, and a shoulder gets no halo of the wall behind it."""
_HARDEST = 0.1
_MIDDLE = 0.57
"""What is people and wall by halves shows the wall: a rim of it about a shoulder is seen, a hair less is not."""


@dataclasses.dataclass(frozen=True)
class PersonMask:
    """People and background of one moment. It holds for that moment: the next one's may use its arrays again."""

    grid: BlockGrid
    inside: Chosen
    """Blocks that are people all over."""
    outline: Chosen
    """Blocks that are partly people."""
    outside: Chosen
    """All others."""
    alpha: NDArray[np.uint8]
    """(count, pixels) of the outline's blocks: how much is people, 0..255, not yet made harder."""
    small: NDArray[np.uint8]
    """The same of a copy of the picture, (height, width), at most as large as it and of at most 960 columns."""

    @property
    def size(self) -> Size:
        """The picture's."""
        return self.grid.size

    @property
    def is_empty(self) -> bool:
        """Whether nobody is there."""
        return not len(self.inside) and not len(self.outline)

    def lay_people(self, people: Pixels, onto: Pixels, softness: float = USUAL_SOFTNESS) -> None:
        """Lay what is people in one picture over another, in place; the rest of that one stays as it is.

        `softness`, 0..1: how much of an outline is a matter of degree; 0: nearly nothing.
        """
        self._lay(people, onto, self.inside, _curve(softness))

    def lay_background(self, background: Pixels, onto: Pixels, softness: float = USUAL_SOFTNESS) -> None:
        """Lay one picture over what is background in another, in place; its people stay as they are."""
        self._lay(background, onto, self.outside, 255 - _curve(softness))

    def plane(self, softness: float = USUAL_SOFTNESS) -> NDArray[np.uint8]:
        """Return a new plane (height, width) of the picture's size: how much of each pixel is people, 0..255."""
        plane = np.zeros((self.size.height, self.size.width), np.uint8)
        self.grid.copy(np.broadcast_to(np.uint8(255), plane.shape), plane, self.inside)
        if len(self.outline):
            self.grid.put(cv2.LUT(self.alpha, _curve(softness)), plane, self.outline)
        return plane

    def _lay(self, source: Pixels, onto: Pixels, whole: Chosen, curve: NDArray[np.uint8]) -> None:
        below = self.grid.take(onto, self.outline)  # before whole blocks, which may overlap, are laid
        self.grid.copy(source, onto, whole)
        if not len(self.outline):  # OpenCV takes no empty arrays
            return
        above = self.grid.take(source, self.outline)
        share3 = cv2.cvtColor(cv2.LUT(self.alpha, curve), cv2.COLOR_GRAY2BGR)
        cv2.multiply(above, share3, dst=above, scale=1 / 255)
        cv2.bitwise_not(share3, dst=share3)
        cv2.multiply(below, share3, dst=below, scale=1 / 255)
        cv2.add(above, below, dst=below)
        self.grid.put(below, onto, self.outline)


def _curve(softness: float) -> NDArray[np.uint8]:
    return _curve_of(round(100 * min(1.0, max(0.0, softness))))


@functools.cache
def _curve_of(softness_percent: int) -> NDArray[np.uint8]:
    """Return a table of 256: a smooth step of that width, never narrower than a tenth."""
    width = _HARDEST + (1 - _HARDEST) * softness_percent / 100
    middle = min(_MIDDLE, 1 - width / 2)
    share = np.clip((np.arange(256) / 255 - middle) / width + 0.5, 0, 1)
    return np.asarray(np.rint(255 * share * share * (3 - 2 * share)), np.uint8)
