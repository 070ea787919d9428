"""The sound of a live run, as a recording asks for it. What gives it is `realtime.sound`."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray


class SoundTrack(ABC):
    """Sound for one recording. The recording's thread."""

    channels: int
    """1 or 2."""

    @abstractmethod
    def read(self, out: NDArray[np.float32], seen_at_s: float) -> None:
        """Fill `out`, (frames, channels) float32, -1..1, 48 kHz, with what belongs to the picture captured at
        `seen_at_s` (`Frame.captured_at_s`) and what follows on it; silence where nothing was heard. Call it in the
        order of time. Drift between the clocks is followed, without a click.
        """


class LiveSound(ABC):
    """Where recordings get their sound."""

    @abstractmethod
    def open_track(self) -> SoundTrack | None:
        """[any] Return the sound for a recording that begins now; None: there is none."""
