"""Finds the people of one moment after another: network, calm and edges joined."""

from __future__ import annotations

import threading

import numpy as np

from realtime.core.errors import RealtimeError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import halve_into
from realtime.person import PersonNetwork
from realtime.person.edges import EdgeRefiner
from realtime.person.mask import PersonMask
from realtime.person.selfie import SelfieNetwork
from realtime.person.steadying import MaskSteadier

_MOST_GUIDE_PX = 960
"""The copy whose edges a mask is given has at most so many columns."""


class PersonFinder:
    """Used by one thread; opened on any. Frames come in order of `pts_s`; when a source starts over, or its size
    changes, it begins anew by itself.
    """

    def __init__(self, network: PersonNetwork) -> None:
        """Takes the network over: `close` closes it."""
        self._network = network
        self._steadier: MaskSteadier | None = None
        self._refiner: EdgeRefiner | None = None
        self._mirrored = False
        self._frame = Size(0, 0)
        self._halves: list[Pixels] = []

    @classmethod
    def open(cls, frame: Size) -> PersonFinder:
        """Open the network that comes with the program; `frame` is the size of the first frame, where it is known.
        Raises ModelError.
        """
        return cls(SelfieNetwork(frame))

    @property
    def provider(self) -> str:
        """What computes it."""
        return self._network.provider

    def find(self, frame: Frame) -> PersonMask:
        """Return where people are in a frame. Raises ModelError."""
        guide = self._guide_of(frame.pixels)
        small = self._network.look_at(guide)
        steadier = self._steadier
        if steadier is None or steadier.size != Size.of(small) or frame.mirrored != self._mirrored:
            steadier = self._steadier = MaskSteadier(Size.of(small))
            self._mirrored = frame.mirrored
        sizes = Size.of(small), Size.of(guide), frame.size
        if self._refiner is None or self._refiner.sizes != sizes:
            self._refiner = EdgeRefiner(*sizes)
        calm = steadier.calm(small, frame.pts_s)
        if steadier.must_look:
            steadier.hold(self._network.find(calm))
        return self._refiner.refine(guide, calm, steadier.held)

    def _guide_of(self, pixels: Pixels) -> Pixels:
        if Size.of(pixels) != self._frame:
            self._frame = Size.of(pixels)
            self._halves = []
            width, height = self._frame
            while width > _MOST_GUIDE_PX and height > 1:
                width, height = width // 2, height // 2
                self._halves.append(np.empty((height, width, 3), np.uint8))
        for half in self._halves:
            halve_into(pixels, half)
            pixels = half
        return pixels

    def close(self) -> None:
        """Free what it holds."""
        self._network.close()


class FinderOnDemand:
    """A finder that is opened beside the picture when it is first wanted: 30 ms. `get` and `close`: one thread."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        # Written by that thread, read when it has ended:
        self._finder: PersonFinder | None = None
        self._error: RealtimeError | None = None

    def get(self, frame: Size, *, waits: bool) -> PersonFinder | None:
        """Return the finder; None: it is being opened. `waits`: not before it is open. `frame` is the size of the frame
        it is wanted for. Raises ModelError where it cannot be opened.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._open, args=(frame,), name="person-opening", daemon=True)
            self._thread.start()
        self._thread.join(None if waits else 0)
        if self._thread.is_alive():
            return None
        if self._error is not None:
            raise self._error
        return self._finder

    def close(self) -> None:
        """Free what was opened."""
        if self._thread is not None:
            self._thread.join()
        if self._finder is not None:
            self._finder.close()

    def _open(self, frame: Size) -> None:
        try:
            self._finder = PersonFinder.open(frame)
        except RealtimeError as error:
            self._error = error
