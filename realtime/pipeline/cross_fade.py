"""A soft exchange of one picture for another."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import smoothstep
from realtime.imaging.pixels import letterbox_into

_SLOWEST_PAIR_S = 1 / 15
"""A pair of effects that takes longer for a picture would make a slide show of the fade."""
_SLOW_PICTURES = 3
"""So many in a row: one may be slow because something else ran."""


class CrossFade:
    """From one effect's pictures to another's, by the source's clock. Processing thread."""

    def __init__(self, begins_at_s: float, lasts_s: float) -> None:
        """`begins_at_s`: `Frame.pts_s` of the first picture."""
        self._begins_at_s, self._lasts_s = begins_at_s, lasts_s
        self._slow = 0
        self._pool: FramePool | None = None

    def is_over(self, pts_s: float) -> bool:
        """Whether the new picture stands alone: also where the pair was too slow, or the clock began anew."""
        return self._slow >= _SLOW_PICTURES or not 0 <= pts_s - self._begins_at_s < self._lasts_s

    def took(self, seconds: float) -> None:
        """Note how long the second picture and the blending took."""
        self._slow = self._slow + 1 if seconds > _SLOWEST_PAIR_S else 0

    def blend(self, former: Pixels, new: Pixels, pts_s: float, screen: Size | None = None) -> Pixels:
        """Return what is seen at this time: the former picture alone at first.

        It has the new picture's size, which the former one fills. `screen`: on which pictures of any shape lie whole,
        on black: then both lie in a picture of the screen's shape as they do there, and neither jumps.
        """
        share = float(smoothstep(np.float32((pts_s - self._begins_at_s) / self._lasts_s)))
        size = Size.of(new)
        if screen is not None and not _have_one_shape(Size.of(former), size):
            size = _around(size, screen)
            former, new = _lying_in(former, size), _lying_in(new, size)
        if self._pool is None or self._pool.size != size:
            self._pool = FramePool(size)
        out = self._pool.take()
        cv2.addWeighted(_filling(former, size), 1 - share, new, share, 0, dst=out)
        return out


def _have_one_shape(one: Size, other: Size) -> bool:
    """Whether two sizes are alike but for what rounding makes of them."""
    return abs(one.width * other.height - other.width * one.height) <= max(one.width, other.width, one.height)


def _around(picture: Size, screen: Size) -> Size:
    """Return the least size of a screen's shape in which a picture has room."""
    scale = max(picture.width / screen.width, picture.height / screen.height)
    return Size(max(picture.width, round(screen.width * scale)), max(picture.height, round(screen.height * scale)))


def _lying_in(pixels: Pixels, size: Size) -> Pixels:
    out = np.empty((size.height, size.width, 3), np.uint8)
    letterbox_into(pixels, out)
    return out


def _filling(pixels: Pixels, size: Size) -> Pixels:
    """Return a picture scaled so that it fills the size; what is beyond its edges is cut off."""
    own = Size.of(pixels)
    if own == size:
        return pixels
    scale = min(own.width / size.width, own.height / size.height)
    width, height = max(1, round(size.width * scale)), max(1, round(size.height * scale))
    left, top = (own.width - width) // 2, (own.height - height) // 2
    part = pixels[top : top + height, left : left + width]
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.uint8)
