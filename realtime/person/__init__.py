"""People told from what is behind them: the contract of a network that does so, and what becomes of its answer.

`selfie.py` says of a small copy of the picture where somebody is; `steadying.py` keeps that still where nothing moves;
`edges.py` gives it the picture's edges; `mask.py` is the answer, by which pictures are laid over each other, in
`blocks.py`'s rectangles. `finder.py` joins them: effects ask it, once a moment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats


class PersonNetwork(ABC):
    """Looks at single pictures. All methods: one thread; `close` comes once and last."""

    provider: str
    """What computes it, for the statistics: `CPU (ONNX Runtime)`."""

    @abstractmethod
    def look_at(self, pixels: Pixels) -> Pixels:
        """Return the small copy (height, width, 3) that it wants to see of a picture; its size depends on the picture's
        alone. The next call overwrites it. Raises ModelError.
        """

    @abstractmethod
    def find(self, small: Pixels) -> Floats:
        """Return how surely each pixel of a small copy is a person, or held by one, (height, width) 0..1: all people
        that there are. The next call overwrites it. Raises ModelError.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the network."""
