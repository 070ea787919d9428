"""The picture as a JPEG, made once for all who look, and only when somebody does."""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from realtime.disclosure import xmp
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import scale_into

LONGEST_SIDE_PX = 960
_QUALITY = 75
_LEAST_AGE_S = 0.1
"""Nobody gets more than ten a second. One of 1280x720 takes 6 ms, most of them beside Python (OpenCV lets go of it)."""


class PictureFeed:
    """Used by one thread: the server's."""

    def __init__(self, newest: Callable[[], Frame | None], now_s: Callable[[], float] = time.monotonic) -> None:
        self._newest = newest
        self._now_s = now_s
        self._made_at_s = 0.0
        self._made_of: tuple[int, float] | None = None
        self._jpeg = b""
        self._scaled: Pixels | None = None

    def jpeg(self) -> bytes:
        """Return the newest picture, its longer side at most `LONGEST_SIDE_PX`, in which stands how it was made; empty
        before the first. The frame itself is not kept: its memory goes back to the loop.
        """
        frame = self._newest()
        if frame is None:
            return b""
        now_s = self._now_s()
        identity = (id(frame.pixels), frame.captured_at_s)
        if not self._jpeg or (identity != self._made_of and now_s - self._made_at_s >= _LEAST_AGE_S):
            self._jpeg, self._made_of, self._made_at_s = self._encoded(frame), identity, now_s
        return self._jpeg

    def _encoded(self, frame: Frame) -> bytes:
        _, encoded = cv2.imencode(".jpg", self._fitted(frame.pixels), (cv2.IMWRITE_JPEG_QUALITY, _QUALITY))
        jpeg = encoded.tobytes()
        return jpeg if frame.provenance is None else xmp.jpeg_with(jpeg, xmp.packet(frame.provenance))

    def _fitted(self, pixels: Pixels) -> Pixels:
        size = Size.of(pixels)
        longest = max(size)
        if longest <= LONGEST_SIDE_PX:
            return pixels
        width, height = (max(1, round(side * LONGEST_SIDE_PX / longest)) for side in size)
        if self._scaled is None or self._scaled.shape[:2] != (height, width):
            self._scaled = np.empty((height, width, 3), np.uint8)
        scale_into(pixels, self._scaled)
        return self._scaled
