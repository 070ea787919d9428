"""Keeps a mask still where nothing moves: camera noise must not make an outline crawl, and nothing may trail behind.

As with repainted pictures (`realtime.style.temporal_filter`), all is ruled by where something moves: what the network
is shown is averaged over time elsewhere, and so is its answer. Where it clearly moves, both are the newest at once.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats

_SHOWN_HOLD_S = 1.0
_FOUND_HOLD_S = 0.3
_CUT_S = 0.5
"""After a longer gap everything begins anew."""
_LEAST_CHANGE = 2.0
_NOISE_TIMES = 3.0
_MOST_NOISE = 4.0
_NOISE_RISES_PER_S = 1.0
"""A change (half the sum over the channels, averaged over 3×3 pixels) of more than `_LEAST_CHANGE + _NOISE_TIMES ×
noise` grey levels is taken for motion. The least is what H.264 adds by itself."""
_CLEAR_TIMES = 3.0
"""A change of so many thresholds more is followed at once, a smaller one in part, so that breathing makes no outline
crawl: of two people filmed sitting it changed 10 and 12 % less from frame to frame, 16 and 28 % less to and fro."""
_MOVING = np.ones((3, 3), np.uint8)
"""An edge that moves is soft, and its faint rim below the threshold moves with it."""
_REACH = np.ones((7, 7), np.uint8)
"""So far around what moves the outline is the newest, too: of a sleeve of the wall's own colour only the hem shows that
it moves."""
_LOOKS_AGAIN_S = 0.25
"""So long an answer holds where nothing moves at all."""
_SUM = np.full((1, 3), 0.5, np.float32)
_ON = 255


class MaskSteadier:
    """For masks of one size. For each frame: `calm` what the network is going to see; then, where `must_look`, give
    what it found to `hold`. `held` is the mask. Used by one thread.
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        shape = (size.height, size.width)
        self.held: Floats = np.zeros(shape, np.float32)
        """The mask, 0..1."""
        self.must_look = True
        """Whether the picture has changed so that the network must look at it."""
        self._pts_s = self._looked_at_s = -math.inf
        self._noise = math.inf
        self._is_new = True
        self._shown: Floats = np.zeros((*shape, 3), np.float32)
        self._calm, self._difference = np.zeros((*shape, 3), np.uint8), np.zeros((*shape, 3), np.uint8)
        self._change, self._moves, self._rests = (np.zeros(shape, np.uint8) for _ in range(3))
        self._moved = np.zeros(shape, np.uint8)  # since the network looked last
        self._share: Floats = np.zeros(shape, np.float32)
        self._step: Floats = np.zeros(shape, np.float32)

    def calm(self, small: Pixels, pts_s: float) -> Pixels:
        """Return the picture with its noise calmed where nothing moves. The next call overwrites it."""
        passed_s = pts_s - self._pts_s
        self._pts_s = pts_s
        self._is_new = not 0 <= passed_s <= _CUT_S
        if self._is_new:
            np.copyto(self._shown, small)
            np.copyto(self._calm, small)
            self.must_look = True
            return self._calm
        moves = self._find_motion(small, passed_s)
        self.must_look = moves or pts_s - self._looked_at_s >= _LOOKS_AGAIN_S
        cv2.accumulateWeighted(small, self._shown, 1 - math.exp(-passed_s / _SHOWN_HOLD_S), mask=self._rests)
        cv2.accumulateWeighted(small, self._shown, 1.0, mask=self._moves)
        cv2.convertScaleAbs(self._shown, dst=self._calm)
        return self._calm

    def hold(self, found: Floats) -> None:
        """Take in what the network found, (rows, columns) 0..1, in the picture that `calm` answered last."""
        passed_s = self._pts_s - self._looked_at_s
        self._looked_at_s = self._pts_s
        if self._is_new:
            np.copyto(self.held, found)
            self._moved[:] = 0
            return
        cv2.dilate(self._moved, _REACH, dst=self._moved)
        cv2.blur(self._moved, (3, 3), dst=self._moved)
        least = 1 - math.exp(-passed_s / _FOUND_HOLD_S)
        np.multiply(self._moved, np.float32((1 - least) / _ON), out=self._share)
        self._share += least
        self._moved[:] = 0
        cv2.subtract(found, self.held, dst=self._step)
        cv2.multiply(self._step, self._share, dst=self._step)
        cv2.add(self.held, self._step, dst=self.held)

    def _find_motion(self, small: Pixels, passed_s: float) -> bool:
        """Fill `_moves` and `_rests`, 255 or 0; return whether anything moves."""
        cv2.absdiff(small, self._calm, dst=self._difference)
        cv2.blur(self._difference, (3, 3), dst=self._difference)
        cv2.transform(self._difference, _SUM, dst=self._change)
        # Most of the picture is still as a rule, so the median is the noise; a scene in motion must not raise it.
        sample = np.sort(self._change[::4, ::4], axis=None)
        median = float(sample[len(sample) // 2])
        self._noise = min(median, self._noise + _NOISE_RISES_PER_S * passed_s, _MOST_NOISE)
        # (Any: OpenCV takes a number in place of a picture, its types do not.)
        threshold: Any = _LEAST_CHANGE + _NOISE_TIMES * self._noise
        cv2.threshold(self._change, threshold, _ON, cv2.THRESH_BINARY, dst=self._moves)
        cv2.dilate(self._moves, _MOVING, dst=self._moves)
        cv2.subtract(self._change, threshold, dst=self._change)
        cv2.multiply(self._change, _ON / (_CLEAR_TIMES * threshold), dst=self._change)
        cv2.max(self._moved, self._change, dst=self._moved)
        cv2.bitwise_not(self._moves, dst=self._rests)
        return cv2.countNonZero(self._moves) > 0
