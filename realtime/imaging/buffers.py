"""Reused picture buffers: a fresh 1280×720 array costs more in page faults than filling it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from realtime.imaging.frame import Pixels, Size


def _count_references(buffers: list[Pixels], position: int) -> int:
    return sys.getrefcount(buffers[position])


_IDLE_REFERENCES = _count_references([np.empty((1, 1, 3), np.uint8)], 0)
# What the call above counts for an array that only its list holds; it differs between Python versions.


class FramePool:
    """Hands out picture buffers and takes each back by itself once nobody looks at it any more.

    A buffer is handed out as a view. numpy lets every view, slice and memoryview made from it hold a reference to
    the buffer itself, so the buffer's reference count tells whether any is alive: nobody has to release anything,
    and a buffer that is still shown or recorded is never overwritten. Used by one thread (the receivers of its
    pictures may live on others).
    """

    def __init__(self, size: Size, *, prepare: Callable[[Pixels], None] | None = None, limit: int = 16) -> None:
        """`prepare` fills each new buffer once. Beyond `limit` kept buffers, further ones are not reused: an
        output that hoards pictures costs memory as long as it holds them and no longer.
        """
        self.size = size
        self._prepare = prepare
        self._limit = limit
        self._buffers: list[Pixels] = []

    def take(self) -> Pixels:
        """Return a writable (height, width, 3) uint8 picture with old contents (or what `prepare` drew)."""
        buffers = self._buffers
        for position in range(len(buffers)):
            if _count_references(buffers, position) == _IDLE_REFERENCES:
                return buffers[position][:]
        buffer = np.empty((self.size.height, self.size.width, 3), np.uint8)
        if self._prepare is not None:
            self._prepare(buffer)
        if len(buffers) < self._limit:
            buffers.append(buffer)
        return buffer[:]
