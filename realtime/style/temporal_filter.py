"""Against flicker: where the scene is still, camera noise must not become strokes that wander from frame to frame.

Two steps, both ruled by one question, where something moves. What the model is shown is averaged over time, so that it
answers the same picture the same way; that can leave no ghost of anything painted. And what it painted is held against
the little that comes through (an H.264 camera changes a still picture all at once, at every key frame).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats

# On a still photo with sensor noise, two fast-neural-style networks that nobody trained against noise gave 3.8 and 2.5
# times the camera's flicker; shown the averaged picture 0.55 and 0.30.
_SHOWN_HOLD_S = 1.0
# Shorter: strokes beside something that moves away change although nothing moves there, and must not fade in slowly.
_PAINTED_HOLD_S = 0.2
_REACH_PX = 32
"""What moves changes the painting around it, so far: a pale rim follows an outline, and held beside a moving head it
was a trace of lines. Pixels of the model's picture, whatever its size. Networks with large strokes look further: with
16 pixels 0.2 to 0.5 % of places were off by more than 16 grey levels (night, fauve, mosaic), with 32 at most 0.05 %
and the worst half percent by 3 to 8; 64 gained nothing."""
_CUT_S = 0.5
"""After a longer gap everything begins anew."""
_LONGEST_SMALL_PX = 480
"""The copy in which motion is looked for has at most so many columns: eyelids and lips are still several wide."""
_NOISE_TIMES = 3.0
_LEAST_CHANGE = 3.0
"""A change (half the sum over the channels, averaged over 3×3 pixels of the small copy) of up to `_LEAST_CHANGE +
_NOISE_TIMES × noise` grey levels is taken for noise, of twice as much for motion; between them it is a matter of
degree. The least is what H.264 adds by itself."""
_MOST_NOISE = 3.0
"""More than this, in the small copy, is no camera's noise: something moves everywhere."""
_NOISE_RISES_PER_S = 1.0

_SUM = np.full((1, 3), 0.5, np.float32)
_AROUND = np.ones((3, 3), np.uint8)


class TemporalFilter:
    """A running picture that follows motion at once and everything else slowly. Used by one thread.

    Every frame: `calm` what the model is going to see, then `hold` what it made. Times are the source's own, so that
    the result does not depend on the frame rate beyond the noise there is to average.
    """

    def __init__(self, size: Size) -> None:
        self.size = size
        self._halvings: list[Size] = []
        small = size
        while small.width > _LONGEST_SMALL_PX:
            small = Size(small.width // 2, max(1, small.height // 2))
            self._halvings.append(small)
        self._noise = math.inf
        self._pts_s = -math.inf
        self._is_new = True
        self._least_painted = 1.0
        self._small = _Following(small, _Scratch.of(small))
        scratch = _Scratch.of(size)
        self._whole, self._painted = _Following(size, scratch), _Following(size, scratch)
        self._change = np.empty((small.height, small.width), np.float32)
        self._blurred = np.empty((small.height, small.width, 3), np.float32)
        reach_px = round(_REACH_PX * small.width / size.width)
        self._reach = np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)
        self._near = np.empty_like(self._change)
        self._share = np.empty((size.height, size.width), np.float32)
        self._out = np.empty((size.height, size.width, 3), np.uint8)

    def calm(self, pixels: Pixels, pts_s: float) -> Pixels:
        """Return the picture with its noise calmed where nothing moves.

        `pixels` must have this object's size. The answer is valid until the next call; it may be `pixels` itself.
        """
        passed_s = pts_s - self._pts_s
        self._pts_s = pts_s
        small = pixels
        for size in self._halvings:  # halving twice takes a third of the time of one step to a quarter
            small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._is_new = not 0 <= passed_s <= _CUT_S
        if self._is_new:
            self._small.begin(small)
            self._whole.begin(pixels)
            return pixels
        self._small.look_at(small)
        self._find_motion(1 - math.exp(-passed_s / _SHOWN_HOLD_S), passed_s)
        self._least_painted = 1 - math.exp(-passed_s / _PAINTED_HOLD_S)
        self._small.follow(self._change)
        cv2.resize(self._change, self.size, dst=self._share, interpolation=cv2.INTER_LINEAR)
        self._whole.look_at(pixels)
        self._whole.follow(self._share)
        self._whole.write(self._out)
        return self._out

    def hold(self, painted: Pixels) -> None:
        """Hold what was painted of the picture that `calm` answered last, in place, where nothing moves."""
        if self._is_new:
            self._painted.begin(painted)
            return
        cv2.dilate(self._change, self._reach, dst=self._near)
        cv2.blur(self._near, (5, 5), dst=self._near)
        np.maximum(self._near, self._least_painted, out=self._near)
        cv2.resize(self._near, self.size, dst=self._share, interpolation=cv2.INTER_LINEAR)
        self._painted.look_at(painted)
        self._painted.follow(self._share)
        self._painted.write(painted)

    def _find_motion(self, least: float, passed_s: float) -> None:
        """Fill `_change` with how much of the difference is followed: `least` where still, 1 where it moves."""
        cv2.blur(self._small.difference, (3, 3), dst=self._blurred)
        sample = self._blurred[::4, ::4].reshape(-1, 3)
        # Most of the picture is still as a rule, so the median is the noise; a scene in motion must not raise it. Light
        # that changes everywhere alike is no noise, and is taken out of it.
        median = float(np.median(0.5 * np.abs(sample - sample.mean(axis=0)).sum(axis=1)))
        np.abs(self._blurred, out=self._blurred)
        change = self._change
        cv2.transform(self._blurred, _SUM, dst=change)
        self._noise = min(median, self._noise + _NOISE_RISES_PER_S * passed_s, _MOST_NOISE)
        threshold = _LEAST_CHANGE + _NOISE_TIMES * self._noise
        change -= threshold
        change *= (1 - least) / threshold
        np.clip(change, 0, 1 - least, out=change)
        change += least
        # A moving edge is soft, and its faint rim below the threshold moves with it.
        cv2.dilate(change, _AROUND, dst=change)
        cv2.blur(change, (3, 3), dst=change)


class _Scratch(NamedTuple):
    """Room to compute in, (height, width, 3) each: 11 MB for 1280×720, so two pictures share it."""

    difference: Floats
    share3: Floats

    @classmethod
    def of(cls, size: Size) -> _Scratch:
        shape = (size.height, size.width, 3)
        return cls(np.empty(shape, np.float32), np.empty(shape, np.float32))


class _Following:
    """A picture in single precision (steps of one grey level would be lost in rounding) that follows others."""

    def __init__(self, size: Size, scratch: _Scratch) -> None:
        self.difference, self._share3 = scratch
        self._picture: Floats = np.empty((size.height, size.width, 3), np.float32)

    def begin(self, pixels: Pixels) -> None:
        np.copyto(self._picture, pixels)

    def look_at(self, pixels: Pixels) -> None:
        """Note how another picture differs, in `difference`, until `follow`."""
        cv2.subtract(pixels, self._picture, dst=self.difference, dtype=cv2.CV_32F)

    def follow(self, share: Floats) -> None:
        """Go so much of the way to the picture last looked at; `share` (height, width), 0..1."""
        cv2.merge([share, share, share], dst=self._share3)
        cv2.multiply(self.difference, self._share3, dst=self.difference)
        cv2.add(self._picture, self.difference, dst=self._picture)

    def write(self, out: Pixels) -> None:
        cv2.convertScaleAbs(self._picture, dst=out)
