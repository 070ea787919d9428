"""A soft exchange of one picture for another."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import smoothstep

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

    def blend(self, former: Pixels, new: Pixels, pts_s: float) -> Pixels:
        """Return what is seen at this time, in the new picture's size: the former alone at first."""
        share = float(smoothstep(np.float32((pts_s - self._begins_at_s) / self._lasts_s)))
        size = Size.of(new)
        if self._pool is None or self._pool.size != size:
            self._pool = FramePool(size)
        out = self._pool.take()
        cv2.addWeighted(_filling(former, size), 1 - share, new, share, 0, dst=out)
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
