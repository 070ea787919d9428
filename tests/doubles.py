"""Stand-ins that are normal parts: drawn cameras, a scripted detector, outputs that keep or dawdle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from realtime.cameras import Camera, CameraInfo
from realtime.core.errors import CameraError, OutputError
from realtime.faces import FaceDetector
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.outputs import Output

SIZE = Size(64, 48)


def draw_number(number: int, size: Size = SIZE) -> Pixels:
    """A grey picture that carries a number in its first 16 pixels, as bits."""
    pixels = np.full((size.height, size.width, 3), 90, np.uint8)
    for bit in range(16):
        pixels[:4, bit * 4 : bit * 4 + 4] = 255 * (number >> bit & 1)
    return pixels


def read_number(pixels: Pixels) -> int:
    """The number `draw_number` put in."""
    return sum(1 << bit for bit in range(16) if pixels[1, bit * 4 + 1, 0] > 128)


class DrawnCamera(Camera):
    """Numbered pictures at a rate; `live`: waits like a webcam does."""

    def __init__(
        self,
        count: int | None = None,
        *,
        fps: float = 30.0,
        live: bool = False,
        fail_at: int | None = None,
        stall_at: int | None = None,
    ) -> None:
        self.info = CameraInfo("drawn", SIZE, fps, live=live, frame_count=count)
        self.is_closed = False
        self.released = threading.Event()
        self._count, self._fail_at, self._stall_at = count, fail_at, stall_at
        self._next = 0
        self._began_s = time.monotonic()

    def read(self) -> Frame | None:
        number = self._next
        if number == self._fail_at:
            raise CameraError("drawn: unplugged")
        if number == self._stall_at:
            self.released.wait()
            raise CameraError("drawn: released")
        if number == self._count:
            return None
        if self.info.live:
            time.sleep(max(0.0, self._began_s + number / self.info.fps - time.monotonic()))
        self._next += 1
        return Frame(draw_number(number), time.monotonic(), number / self.info.fps, number)

    def close(self) -> None:
        assert not self.is_closed, "close comes once"
        self.is_closed = True


class ScriptedDetector(FaceDetector):
    """Finds one face whose eyes are where `eye_x(pts_s)` says, as a share of the width; None: nobody."""

    provider = "script"

    def __init__(self, eye_x: Callable[[float], float | None]) -> None:
        self._eye_x = eye_x

    def find(self, frame: Frame) -> list[Face]:
        share = self._eye_x(frame.pts_s)
        if share is None:
            return []
        width, height = frame.size
        x, y, side = share * width, height / 2, width / 5
        eyes = [(x - side / 5, y), (x + side / 5, y)]
        rest = [(x, y + side / 5), (x, y + side / 3), (x - side / 2, y), (x + side / 2, y)]
        keypoints = np.array(eyes + rest, np.float32)
        return [Face(Box(x - side / 2, y - side / 2, side, side), keypoints, 0.9)]

    def close(self) -> None:
        pass


class KeepingOutput(Output):
    """Keeps the numbers and times of what it was shown, and takes as long as it is told."""

    def __init__(self, *, takes_s: float = 0.0, fail_at: int | None = None, every: bool = False) -> None:
        self.name = "keeping"
        self.takes_every_frame = every  # type: ignore[misc] # the contract has it per class; a test wants both
        self.numbers: list[int] = []
        self.frames: list[Frame] = []
        self.is_closed = False
        self._takes_s, self._fail_at = takes_s, fail_at

    def show(self, frame: Frame) -> None:
        if self._fail_at is not None and len(self.numbers) >= self._fail_at:
            raise OutputError("keeping: the disk is full")
        self.numbers.append(read_number(frame.pixels))
        self.frames.append(frame)
        time.sleep(self._takes_s)

    def close(self) -> None:
        assert not self.is_closed, "close comes once"
        self.is_closed = True


def in_turn(cameras: Sequence[Camera | CameraError]) -> Callable[[], Camera]:
    """An opener that gives one camera after the other, or raises what stands in its place."""
    left = list(cameras)

    def open_next() -> Camera:
        item = left.pop(0)
        if isinstance(item, CameraError):
            raise item
        return item

    return open_next
