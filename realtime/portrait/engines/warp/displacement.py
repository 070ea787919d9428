"""Displacements of a picture that never fold: known on a grid, kept gentle enough, and turned round."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.imaging.numerics import Floats

_MOST_CHANGE = 0.8
"""A displacement changes by at most this from one pixel to the next; from 1 on it could fold."""
_LEAST_AREA = 0.35
"""No part of the picture is squeezed below this share of its area: far from folding, and still sharp."""
_CLOSE_ENOUGH_PX = 0.002
_MOST_ROUNDS = 40
"""Each round leaves at most `_MOST_CHANGE` of what the last one missed: 40 bring 20 pixels below `_CLOSE_ENOUGH_PX`."""


@dataclasses.dataclass(frozen=True, slots=True)
class Displacement:
    """How far each point of a grid moves to the right and down, pixels of the picture; (rows, columns) each."""

    right: Floats
    down: Floats
    steps_px: tuple[float, float]
    """Between two columns and between two rows of the grid."""

    def gentle(self) -> Displacement:
        """Return this displacement, made smaller as a whole where it must be for it to stay one to one, and sharp.

        A displacement that changes by less than a pixel from any pixel to the next (in the largest-row-sum norm) is a
        contraction: every pixel has exactly one start, and repetition finds it (Banach).
        """
        changes = self._changes()
        steepest = max(float((np.abs(xs) + np.abs(ys)).max()) for xs, ys in (changes[:2], changes[2:]))
        excess = max(1.0, steepest / _MOST_CHANGE)
        while _least_area(*(change / excess for change in changes)) < _LEAST_AREA:
            excess *= 1.08
        return self if excess == 1 else Displacement(self.right / excess, self.down / excess, self.steps_px)

    def least_area(self) -> float:
        """Return the least determinant of the Jacobian, from where points are to where they arrive."""
        return _least_area(*self._changes())

    def plus(self, other: Displacement) -> Displacement:
        """Return the sum: both at once."""
        return Displacement(self.right + other.right, self.down + other.down, self.steps_px)

    def backward(self) -> Displacement:
        """Return the same displacement, known where points arrive; `self` is gentle.

        Each point's start is found by repeating `start = point − displacement(start)`.
        """
        moved = self
        for _ in range(_MOST_ROUNDS):
            before, moved = moved, self._before(moved)
            missed = max(float(np.abs(moved.right - before.right).max()), float(np.abs(moved.down - before.down).max()))
            if missed < _CLOSE_ENOUGH_PX:
                break
        return moved

    def after(self, earlier: Displacement) -> Displacement:
        """Return `earlier` and then this one, as a single displacement; all three known where points arrive."""
        return self.plus(earlier._before(self))

    def _before(self, moved: Displacement) -> Displacement:
        """Return this displacement at the places that `moved` brings to the grid's points."""
        rows, columns = self.right.shape
        at_x = np.arange(columns, dtype=np.float32)[None, :] - moved.right / np.float32(self.steps_px[0])
        at_y = np.arange(rows, dtype=np.float32)[:, None] - moved.down / np.float32(self.steps_px[1])
        right, down = (
            np.asarray(cv2.remap(part, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
            for part in (self.right, self.down)
        )
        return Displacement(right, down, self.steps_px)

    def _changes(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Return by how much `right` and then `down` change from a pixel to the next, across and along."""
        across, along = self.steps_px
        return (
            np.gradient(self.right, across, axis=1),
            np.gradient(self.right, along, axis=0),
            np.gradient(self.down, across, axis=1),
            np.gradient(self.down, along, axis=0),
        )


def _least_area(right_across: Floats, right_along: Floats, down_across: Floats, down_along: Floats) -> float:
    return float(((1 + right_across) * (1 + down_along) - right_along * down_across).min())
