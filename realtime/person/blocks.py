"""A picture cut into equal blocks, so that work is done in some of them, all at once.

Along somebody's outline lie a tenth of a picture's blocks. They are gathered into one array, changed there by a few
calls, and put back: a call for each would cost more than its pixels do, and all pixels some four times as much.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Size

Chosen = NDArray[np.intp]
"""Numbers of blocks."""


class BlockGrid:
    """The blocks of pictures of one size. Where a side is no multiple of a block's, the last overlaps its neighbour, so
    that all are of one size. Nothing changes after it is made; any thread.
    """

    def __init__(self, size: Size, side_px: int) -> None:
        self.size = size
        self.block = Size(min(side_px, size.width), min(side_px, size.height))
        tops, lefts = _starts(size.height, self.block.height), _starts(size.width, self.block.width)
        self.rows, self.columns = len(tops), len(lefts)
        self._tops, self._lefts = np.repeat(tops, len(lefts)), np.tile(lefts, len(tops))

    @property
    def count(self) -> int:
        return self.rows * self.columns

    def at_centres(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return the values (count,) that a plane of any size, laid over the picture, has at the blocks' centres."""
        height, width = plane.shape
        rows = (self._tops + self.block.height // 2) * height // self.size.height
        columns = (self._lefts + self.block.width // 2) * width // self.size.width
        return np.asarray(plane[rows, columns])

    def take(self, picture: NDArray[Any], chosen: Chosen) -> NDArray[Any]:
        """Return copies of some blocks of a picture or plane, one in each row: (count, pixels of a block[, 3]). What is
        done to single pixels takes OpenCV half as long so as in rows of a block's width.
        """
        blocks = self._windows(picture)[self._tops[chosen], self._lefts[chosen]]
        return blocks.reshape(len(chosen), self.block.width * self.block.height, *picture.shape[2:])

    def put(self, blocks: NDArray[Any], picture: NDArray[Any], chosen: Chosen) -> None:
        """Write what `take` returns into the same blocks of another picture or plane, in place."""
        shape = (len(chosen), self.block.height, self.block.width * picture[0, 0].size)
        self._windows(picture)[self._tops[chosen], self._lefts[chosen]] = blocks.reshape(shape)

    def copy(self, source: NDArray[Any], onto: NDArray[Any], chosen: Chosen) -> None:
        """Copy some blocks, their numbers in order, from one picture or plane (height, width[, 3]) to another.
        Neighbours in a row go at once: half the time of taking and putting.
        """
        if not len(chosen):
            return
        begins = np.flatnonzero((np.diff(chosen, prepend=-2) != 1) | (chosen % self.columns == 0))
        firsts, lasts = chosen[begins], chosen[np.append(begins[1:], len(chosen)) - 1]
        tops, lefts, rights = self._tops[firsts], self._lefts[firsts], self._lefts[lasts] + self.block.width
        for top, left, right in zip(tops.tolist(), lefts.tolist(), rights.tolist(), strict=True):
            rows, columns = slice(top, top + self.block.height), slice(left, right)
            onto[rows, columns] = source[rows, columns]

    def _windows(self, picture: NDArray[Any]) -> NDArray[Any]:
        """Return a view of every block that could be cut: (top, left, rows, values of a row)."""
        across, down = picture.strides[1], picture.strides[0]
        values = picture[0, 0].size
        shape = (
            self.size.height - self.block.height + 1,
            self.size.width - self.block.width + 1,
            self.block.height,
            self.block.width * values,
        )
        strides = (down, across, down, picture.itemsize)
        return np.lib.stride_tricks.as_strided(picture, shape, strides)


def _starts(whole_px: int, block_px: int) -> NDArray[np.intp]:
    count = -(-whole_px // block_px)
    return np.minimum(np.arange(count) * block_px, whole_px - block_px)
