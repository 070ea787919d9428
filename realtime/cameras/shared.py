"""A camera that another process has opened: `shared:NAME` reads its pictures out of memory that both see.

A webcam can be opened by one process only, and a wall of several screens is several processes. One of them opens the
camera and publishes what it gives; the others read the newest picture. The memory is the user's own (mode 0600, and one
that belongs to somebody else is not read), holds four pictures, and lies on no disk.

The publisher never waits. It writes each picture over the oldest one, and a reader that is held up just then notices by
the slot's sequence number, which is odd while it is written and another one afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
import sys
import threading
import time
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.core.text_limits import abbreviated
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Frame, Pixels, Size

SILENT_AFTER_S = 4.0
"""A camera that sends nothing for so long has stopped, as for `webcam.py`."""
GONE_AFTER_S = 1.0
"""A publisher gives a sign of life five times a second, whatever its camera does."""
BEAT_EVERY_S = 0.2

_MAGIC = 0x5254_5348_4152_4531
_SLOTS = 4
_LARGEST = Size(3840, 2160)
"""Memory is taken for it, and used only as far as pictures are large: of 720p, 11 of 100 MB."""
_NAME_BYTES = 200
_LOOK_EVERY_S = 0.002
_FIRST_WITHIN_S = 2.0
_ON_LINUX: bool = sys.platform == "linux"
_LIVES_IN = Path("/dev/shm")  # noqa: S108 - where Linux keeps such memory, which nobody else may read

_HEADER = np.dtype(
    [
        ("magic", np.uint64),
        ("pid", np.uint64),
        ("beat_s", np.float64),
        ("newest", np.uint64),  # pictures published so far; the last lies in slot (newest - 1) % _SLOTS
        ("has_camera", np.uint64),
        ("fps", np.float64),
        ("name", np.uint8, (_NAME_BYTES,)),
    ]
)
_SLOT = np.dtype(
    [
        ("sequence", np.uint64),
        ("number", np.uint64),
        ("captured_at_s", np.float64),
        ("width", np.uint64),
        ("height", np.uint64),
    ]
)
_PAGE = 4096
_PICTURE_BYTES = 3 * _LARGEST.width * _LARGEST.height
_SLOT_BYTES = _PAGE + -(-_PICTURE_BYTES // _PAGE) * _PAGE
_BYTES = _PAGE + _SLOTS * _SLOT_BYTES


def memory_name(name: str) -> str:
    """Return what the system calls the memory of `shared:name`: each user's own; short, as macOS takes 30 letters."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    return f"realtime-{hashlib.sha256(f'{user}:{name}'.encode()).hexdigest()[:16]}"


class _Layout:
    """The memory, as numbers and pictures."""

    def __init__(self, memory: Any) -> None:
        self.header: NDArray[Any] = np.ndarray((1,), _HEADER, memory)
        self.slots: list[NDArray[Any]] = [
            np.ndarray((1,), _SLOT, memory, _PAGE + slot * _SLOT_BYTES) for slot in range(_SLOTS)
        ]
        self._bytes: list[Pixels] = [
            np.ndarray((_PICTURE_BYTES,), np.uint8, memory, 2 * _PAGE + slot * _SLOT_BYTES) for slot in range(_SLOTS)
        ]

    def picture(self, slot: int, size: Size) -> Pixels:
        """Return a slot's pixels as a picture of a size."""
        return self._bytes[slot][: 3 * size.width * size.height].reshape(size.height, size.width, 3)


class FramePublisher:
    """Publishes pictures under a name. `publish` from one thread, `beat` from any."""

    def __init__(self, name: str) -> None:
        """Raises CameraError where another process publishes under that name, or the memory cannot be had."""
        self.name = name
        self._memory = _created(name)
        self._open_layout: _Layout | None = _Layout(self._memory.buf)
        self._fence = threading.Lock()
        header = self._layout.header
        header["pid"] = os.getpid()
        header["newest"] = 0
        header["has_camera"] = 0
        self.beat()
        header["magic"] = _MAGIC

    def begin(self, camera: CameraInfo) -> None:
        """Tell that a camera gives pictures from now on."""
        header = self._layout.header
        text = camera.name.encode("utf-8", "replace")[:_NAME_BYTES]
        header["name"] = np.frombuffer(text.ljust(_NAME_BYTES, b"\0"), np.uint8)
        header["fps"] = camera.fps
        header["has_camera"] = 1

    def end(self) -> None:
        """Tell that there is no camera now. The last pictures are wiped out."""
        self._layout.header["has_camera"] = 0
        for number, slot in enumerate(self._layout.slots):
            size = _size_of(slot)
            if size is not None:
                slot["sequence"] += 1
                self._layout.picture(number, size)[:] = 0
                slot["width"] = slot["height"] = 0
                slot["sequence"] += 1

    def publish(self, pixels: Pixels, captured_at_s: float) -> None:
        """Publish a picture (h, w, 3) uint8 BGR, 4K at most, taken at a moment of `time.monotonic`. Raises CameraError
        for a larger one.
        """
        size = Size.of(pixels)
        if 3 * size.width * size.height > _PICTURE_BYTES:
            raise CameraError(
                _(
                    "pictures of {size} are too large to be shared; ask the camera for {largest} at most",
                    size=size,
                    largest=_LARGEST,
                )
            )
        header = self._layout.header
        number = int(header["newest"][0])
        slot = self._layout.slots[number % _SLOTS]
        slot["sequence"] += 1
        self._order()
        np.copyto(self._layout.picture(number % _SLOTS, size), pixels)
        slot["number"], slot["captured_at_s"] = number + 1, captured_at_s
        slot["width"], slot["height"] = size
        self._order()
        slot["sequence"] += 1
        header["newest"] = number + 1

    def beat(self) -> None:
        """Give a sign of life, unless it is closed."""
        if (layout := self._open_layout) is not None:
            layout.header["beat_s"] = time.monotonic()

    def close(self) -> None:
        """Take the memory away. Readers lose their camera."""
        if self._open_layout is not None:
            self._layout.header["beat_s"] = 0.0
            self.end()
            self._open_layout = None
        with contextlib.suppress(BufferError):  # a thread is just giving a sign of life
            self._memory.close()
        with contextlib.suppress(FileNotFoundError):
            self._memory.unlink()

    @property
    def _layout(self) -> _Layout:
        assert self._open_layout is not None  # noqa: S101 - nothing is published once it is closed
        return self._open_layout

    def _order(self) -> None:
        """Let nothing that is written after this be seen before what was written before it: an ARM processor would
        otherwise be free to. Python has no word for it; a lock does it.
        """
        for _unused in range(2):
            with self._fence:
                pass


class Shared(Camera):
    """`source`: `shared:NAME`, the name of a publisher."""

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - it keeps its own size and rate
        name = source.partition(":")[2]
        if not name:
            raise CameraError(_("shared:NAME reads a camera that another process publishes; write its name"))
        self._name = abbreviated(name)
        self._close_memory, memory = _attached(name, self._name)
        self._layout: _Layout | None = None
        try:
            self._layout = _Layout(memory)
            del memory
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        header = self._header
        if int(header["magic"][0]) != _MAGIC:
            raise CameraError(_("shared:{name} is not ready yet; try again", name=self._name))
        self._pool = FramePool(_LARGEST)
        self._number = 0
        self._count = 0
        self._first: Frame | None = None
        self._first = frame = self._wait(_FIRST_WITHIN_S)
        label = bytes(header["name"][0]).split(b"\0")[0].decode("utf-8", "replace") or "camera"
        fps = float(header["fps"][0])
        self.info = CameraInfo(
            _("{label} (shared)", label=label), frame.size, fps if 0 < fps < 1000 else 30.0, live=True
        )

    def read(self) -> Frame | None:
        frame, self._first = self._first, None
        return frame or self._wait(SILENT_AFTER_S)

    def close(self) -> None:
        self._layout = None  # numpy's views of it, or it cannot be given back
        with contextlib.suppress(BufferError):  # an error on its way out holds one: it goes with that
            self._close_memory()

    @property
    def _header(self) -> NDArray[Any]:
        assert self._layout is not None  # noqa: S101 - nothing is read once it is closed
        return self._layout.header

    def _wait(self, within_s: float) -> Frame:
        """Return the newest picture that has not been read. Raises CameraError where none comes."""
        give_up_at_s = time.monotonic() + within_s
        while True:
            frame = self._newest()
            if frame is not None:
                return frame
            now_s = time.monotonic()
            if now_s - float(self._header["beat_s"][0]) > GONE_AFTER_S:
                raise CameraError(
                    _("nobody publishes shared:{name} any more; start the gallery that has the camera", name=self._name)
                )
            if now_s > give_up_at_s or not int(self._header["has_camera"][0]):
                raise CameraError(_("the camera of shared:{name} sends nothing; check its cable", name=self._name))
            time.sleep(_LOOK_EVERY_S)

    def _newest(self) -> Frame | None:
        assert self._layout is not None  # noqa: S101 - as above
        number = int(self._layout.header["newest"][0])
        if number <= self._number or not int(self._layout.header["has_camera"][0]):
            return None
        slot = self._layout.slots[(number - 1) % _SLOTS]
        sequence, size = int(slot["sequence"][0]), _size_of(slot)
        if sequence % 2 or int(slot["number"][0]) != number or size is None:
            return None
        if size != self._pool.size:
            self._pool = FramePool(size)
        pixels = self._pool.take()
        np.copyto(pixels, self._layout.picture((number - 1) % _SLOTS, size))
        captured_at_s = float(slot["captured_at_s"][0])
        if int(slot["sequence"][0]) != sequence:  # written anew while it was copied: there is a newer one
            return None
        if not self._count:
            self._began_at_s = captured_at_s
        index, self._count, self._number = self._count, self._count + 1, number
        return Frame(pixels, captured_at_s, max(0.0, captured_at_s - self._began_at_s), index)


def _size_of(slot: NDArray[Any]) -> Size | None:
    """Return the size of a slot's picture; None for what is none: another process has written it."""
    size = Size(int(slot["width"][0]), int(slot["height"][0]))
    is_one = min(size) > 0 and max(size) <= _PICTURE_BYTES and 3 * size.width * size.height <= _PICTURE_BYTES
    return size if is_one else None


def _created(name: str) -> SharedMemory:
    """Make the memory. One that a publisher left behind which was killed is taken away first."""
    for attempt in range(2):
        try:
            return SharedMemory(memory_name(name), create=True, size=_BYTES)
        except FileExistsError:
            if attempt or not _is_left_behind(name):
                raise CameraError(
                    _("shared:{name} is published already; end the other program", name=abbreviated(name))
                ) from None
        except OSError as error:
            raise CameraError(
                _("no memory to share a camera: {reason}; close other programs", reason=error.strerror or error)
            ) from error
    raise AssertionError  # the second attempt returns or raises


def _is_left_behind(name: str, ended_pid: int = 0) -> bool:
    """Take away the memory of a publisher that has given no sign of life, or has ended; return whether it is gone."""
    try:
        close, memory = _attached(name, name)
    except CameraError:
        return False
    header = _Layout(memory).header
    beat_s, pid = float(header["beat_s"][0]), int(header["pid"][0])
    del header, memory
    close()
    if pid != ended_pid and 0 <= time.monotonic() - beat_s <= GONE_AFTER_S:
        return False
    with contextlib.suppress(OSError, ValueError):
        left = SharedMemory(memory_name(name))
        left.close()
        left.unlink()
    return True


def remove_left_behind(name: str, ended_pid: int = 0) -> None:
    """Take away what a publisher has left that was killed: the last pictures of people are in it. Nothing happens where
    it lives. `ended_pid`: a process that is known to have ended.
    """
    _is_left_behind(name, ended_pid)


def _attached(name: str, shown_name: str) -> tuple[Any, Any]:
    """Return what closes the memory, and the memory. Raises CameraError."""
    missing = CameraError(
        _("nobody publishes shared:{shown_name}; start the gallery that has the camera", shown_name=shown_name)
    )
    if _ON_LINUX:
        # Read only, and by hand: `SharedMemory` of Python 3.12 and older takes the memory away when a reader ends.
        try:
            descriptor = os.open(_LIVES_IN / memory_name(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            raise missing from None
        try:
            about = os.fstat(descriptor)
            if about.st_uid != os.getuid() or about.st_size < _BYTES:
                raise CameraError(
                    _("shared:{shown_name} is not this user's; give the camera another name", shown_name=shown_name)
                )
            mapped = mmap.mmap(descriptor, _BYTES, prot=mmap.PROT_READ)
        finally:
            os.close(descriptor)
        return mapped.close, mapped
    try:
        memory = SharedMemory(memory_name(name))
    except (OSError, ValueError):
        raise missing from None
    if sys.platform != "win32":
        resource_tracker.unregister(f"/{memory_name(name)}", "shared_memory")  # it is the publisher's to take away
    if memory.size < _BYTES:
        memory.close()
        raise CameraError(
            _("shared:{shown_name} is of another version; end all programs and start them again", shown_name=shown_name)
        )
    return memory.close, memory.buf
