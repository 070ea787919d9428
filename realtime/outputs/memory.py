"""Keeps what it was shown, for tests and timing: the loop built with it shows every picture it made, in order."""

from __future__ import annotations

import time

from realtime.imaging.frame import Frame
from realtime.outputs import Output, OutputRequest


class MemoryOutput(Output):
    """Keeps the frames themselves, so that a test can tell a copied array from the very same one.

    An argument is the number of frames to keep, the newest ones; empty: all of them.
    """

    name = "memory"
    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:  # noqa: ARG002
        self._limit = int(argument) if argument else None
        self.frames: list[Frame] = []
        self.shown_at_s: list[float] = []
        """When each was shown, on `time.monotonic`'s clock."""
        self.is_closed = False

    def show(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.shown_at_s.append(time.monotonic())
        if self._limit is not None and len(self.frames) > self._limit:
            del self.frames[0], self.shown_at_s[0]

    def close(self) -> None:
        self.is_closed = True
