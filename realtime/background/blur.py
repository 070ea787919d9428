"""The room out of focus, as behind a portrait lens: nothing of the people before it runs into it.

A plain blur of the whole picture leaves a halo of hair and skin around everybody. Here each pixel of the room counts by
how much it is room, people not at all, and what is counted is divided by (normalised convolution: Knutsson, Westin,
1993). It is done with squared levels, so that lamps stay bright, and at a quarter of the size: nothing finer is left.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.background import Background, BackgroundSettings
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import halve_into
from realtime.person.mask import PersonMask

_MOST_PX = 480
"""The copy in which it is blurred has at most so many columns; of 1280 it has 320."""
_STRONGEST = 0.03
"""Standard deviation at the full amount, of the picture's width."""
_BOXES = 3
"""So many means over a square, one after the other, are a Gaussian to the eye, in a fifth of its time."""
_FRINGE = np.ones((5, 5), np.uint8)
"""So much around people counts as people: hair that the mask does not have must not tint the wall."""
_LEAST_SHARE = 1e-3
"""Of people, so that where nobody else is near there is something to divide by."""


class BlurredBackground(Background):
    """Blurs the frame it is given."""

    title = "blur"
    takes = ("amount",)

    def __init__(self) -> None:
        self._frame = Size(0, 0)
        self._halves: list[Pixels] = []

    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:
        if frame.size != self._frame:
            self._allocate(frame.size)
        small = frame.pixels
        for half in self._halves:
            halve_into(small, half)
            small = half
        size = Size.of(small)
        cv2.multiply(small, small, dst=self._light, dtype=cv2.CV_32F)
        planes = [*cv2.split(self._light), self._shares(people, size)]
        for plane in planes[:3]:
            cv2.multiply(plane, planes[3], dst=plane)
        counted = cv2.merge(planes)
        for _ in range(_BOXES):
            cv2.blur(counted, self._box_px(settings.amount, size), dst=counted)
        *sums, shares = cv2.split(counted)
        for plane in sums:
            cv2.divide(plane, shares, dst=plane)
            cv2.max(
                plane, 0.0, dst=plane
            )  # OpenCV takes means by adding and taking away: nothing may become a little less
        cv2.merge(sums, dst=self._light)
        cv2.sqrt(self._light, dst=self._light)
        cv2.resize(cv2.convertScaleAbs(self._light), frame.size, dst=out, interpolation=cv2.INTER_LINEAR)

    def _shares(self, people: PersonMask | None, size: Size) -> Floats:
        """Return how much each pixel counts."""
        if people is None:
            return np.ones((size.height, size.width), np.float32)
        near = cv2.dilate(cv2.resize(people.small, size, interpolation=cv2.INTER_AREA), _FRINGE)
        shares = np.asarray(near, np.float32)
        shares *= -1 / 255
        shares += 1 + _LEAST_SHARE
        return shares

    def _box_px(self, amount: float, size: Size) -> tuple[int, int]:
        sigma_px = amount * _STRONGEST * max(size)
        side = round(math.sqrt(12 * sigma_px**2 / _BOXES + 1)) | 1
        return min(side, size.width | 1), min(side, size.height | 1)

    def _allocate(self, frame: Size) -> None:
        self._frame = frame
        self._halves = []
        width, height = frame
        while width > _MOST_PX and height > 1:
            width, height = width // 2, height // 2
            self._halves.append(np.empty((height, width, 3), np.uint8))
        self._light = np.empty((height, width, 3), np.float32)
