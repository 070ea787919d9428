"""Sound in memory: the last seconds of it, by the number of each sample since the beginning."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Sound: (frames, channels) float32, -1..1. A frame is one sample of each channel."""


class Ring:
    """Keeps the last frames written. One thread writes, any may read; neither ever waits for the other.

    Nothing is taken out: each reader knows for itself where it is, so that a loudspeaker, a recording and an analyser
    hear the same sound at different moments. `written` is moved after the frames are there, in one assignment, and
    that is all the order there needs to be.
    """

    def __init__(self, channels: int, capacity: int) -> None:
        """`capacity`: how many frames it keeps."""
        self._held = np.zeros((capacity, channels), np.float32)
        self.written = 0
        """How many frames have been written since the beginning."""

    @property
    def capacity(self) -> int:
        return len(self._held)

    @property
    def channels(self) -> int:
        return self._held.shape[1]

    @property
    def oldest(self) -> int:
        """The first frame that can still be read. A quarter is kept free for what is written meanwhile."""
        return max(0, self.written - self.capacity * 3 // 4)

    def write(self, frames: Samples) -> None:
        """[writer] Append frames, (n, channels); no more than a quarter of the capacity at once."""
        at = self.written % self.capacity
        first = min(len(frames), self.capacity - at)
        self._held[at : at + first] = frames[:first]
        self._held[: len(frames) - first] = frames[first:]
        self.written += len(frames)

    def copy_into(self, frames: Samples, position: int) -> None:
        """[any] Copy frames from a position on; silence where there are none, or none any more."""
        end = position + len(frames)
        begin, stop = max(position, self.oldest), min(end, self.written)
        if begin >= stop:
            frames[:] = 0
            return
        frames[: begin - position] = 0
        frames[stop - position :] = 0
        at = begin % self.capacity
        first = min(stop - begin, self.capacity - at)
        frames[begin - position : begin - position + first] = self._held[at : at + first]
        frames[begin - position + first : stop - position] = self._held[: stop - begin - first]
