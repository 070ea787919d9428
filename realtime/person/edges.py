"""Gives a small mask the edges of the picture: hair and fingers are finer than its pixels.

The guided filter explains the mask by the picture, locally and linearly, on the small copies (He, Sun: "Fast Guided
Filter", 2015); that explanation is enlarged and put to a larger copy's grey. The larger one is halved, too, from 960
columns on: what a camera tells of colour is no finer, the four pixels' mean has half of its noise, and an outline that
follows the noise crawls. Nothing of the full size is touched but the blocks that an outline goes through.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.guided_filter import GuidedFilter
from realtime.imaging.numerics import Floats
from realtime.person.blocks import BlockGrid
from realtime.person.mask import PersonMask

_BLOCK_PX = 32
_WINDOW_PX = 5
"""Of the small copy: 25 columns of 1280. An outline that the network places falsely by 12 is put right."""
_FLOOR = 65.0
"""Grey levels squared: 8 levels of difference between hair and wall are an edge."""
_CERTAIN = 5
"""Of 255: a block that strays so little from 0, or from all, has no outline in it."""
_FULL = 255


class EdgeRefiner:
    """Refines masks of one size by guides of another, for frames of a third. All buffers are its own; used by one
    thread.
    """

    def __init__(self, small: Size, guide: Size, frame: Size) -> None:
        self.sizes = small, guide, frame
        self._guide, self._frame = guide, frame
        self._grid = BlockGrid(frame, _BLOCK_PX)
        self._filter = GuidedFilter(small, _WINDOW_PX, _FLOOR)
        small_shape, guide_shape = (small.height, small.width), (guide.height, guide.width)
        self._small_grey = np.empty(small_shape, np.uint8)
        self._small_guide: Floats = np.empty(small_shape, np.float32)
        self._small_levels: Floats = np.empty(small_shape, np.float32)
        self._grey, self._alpha = np.empty(guide_shape, np.uint8), np.empty(guide_shape, np.uint8)
        self._slope: Floats = np.empty(guide_shape, np.float32)
        self._level: Floats = np.empty(guide_shape, np.float32)
        self._near = np.empty(guide_shape, np.uint8)
        self._enlarged = np.empty((frame.height, frame.width), np.uint8)
        # A pixel of the guide reaches half of the next when it is enlarged, and a block rarely begins with one.
        across, down = (
            2 + -(-block * few // many) for block, few, many in zip(self._grid.block, guide, frame, strict=True)
        )
        self._footprint = np.ones((down | 1, across | 1), np.uint8)

    def refine(self, guide: Pixels, seen: Pixels, found: Floats) -> PersonMask:
        """Return the mask of a frame. `guide` and `seen` are copies of it, `found` (0..1) what was found in `seen`."""
        cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY, dst=self._small_grey)
        np.copyto(self._small_guide, self._small_grey)
        cv2.multiply(found, float(_FULL), dst=self._small_levels)
        slope, level = self._filter.coefficients(self._small_guide, self._small_levels)
        cv2.resize(slope, self._guide, dst=self._slope, interpolation=cv2.INTER_LINEAR)
        cv2.resize(level, self._guide, dst=self._level, interpolation=cv2.INTER_LINEAR)
        cv2.cvtColor(guide, cv2.COLOR_BGR2GRAY, dst=self._grey)
        cv2.multiply(self._slope, self._grey, dst=self._slope, dtype=cv2.CV_32F)
        cv2.add(self._slope, self._level, dst=self._alpha, dtype=cv2.CV_8U)
        cv2.dilate(self._alpha, self._footprint, dst=self._near)
        is_outside = self._grid.at_centres(self._near) <= _CERTAIN
        cv2.erode(self._alpha, self._footprint, dst=self._near)
        is_inside = self._grid.at_centres(self._near) >= _FULL - _CERTAIN
        inside, outside = np.flatnonzero(is_inside), np.flatnonzero(is_outside)
        outline = np.flatnonzero(~(is_inside | is_outside))
        enlarged = self._alpha
        if self._guide != self._frame:
            cv2.resize(self._alpha, self._frame, dst=self._enlarged, interpolation=cv2.INTER_LINEAR)
            enlarged = self._enlarged
        return PersonMask(self._grid, inside, outline, outside, self._grid.take(enlarged, outline), self._alpha)
