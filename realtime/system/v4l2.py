"""Video4Linux devices asked directly: names, sizes, rates, who holds one; the cure for a sulking loopback.

OpenCV opens cameras but neither lists them nor says why one does not open. Numbers and layouts are those of
`linux/videodev2.h`, the same on all processors Linux runs on. On other systems `devices()` is empty.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import re
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from realtime.core.language import _
from realtime.imaging.frame import Size

if sys.platform == "linux":
    import fcntl

_QUERYCAP = 0x80685600
_ENUM_FMT = 0xC0405602
_ENUM_FRAMESIZES = 0xC02C564A
_ENUM_FRAMEINTERVALS = 0xC034564B
_REQBUFS = 0xC0145608
_STREAMON = 0x40045612

_VIDEO_CAPTURE = 1  # v4l2_buf_type
_VIDEO_OUTPUT = 2
_MEMORY_MMAP = 1
_CAN_CAPTURE = 0x00000001  # v4l2_capability
_CAN_OUTPUT = 0x00000002
_HAS_DEVICE_CAPS = 0x80000000

_WATCH_S = 0.7  # long enough for three pictures of a writer at 5 fps

_COMMON_SIZES = tuple(
    Size(*pair)
    for pair in (
        (640, 360),
        (640, 480),
        (800, 600),
        (1280, 720),
        (1280, 960),
        (1920, 1080),
        (2560, 1440),
        (3840, 2160),
    )
)
_COMMON_RATES_FPS = (60.0, 50.0, 30.0, 25.0, 24.0, 15.0, 10.0, 5.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Device:
    """A video device as the kernel describes it at this moment."""

    path: Path
    name: str
    can_capture: bool
    """Pictures can be read from it: a webcam, or a loopback somebody writes to."""
    can_output: bool
    """Pictures can be written to it: a loopback nobody writes to yet."""

    @property
    def number(self) -> int:
        return int(self.path.name.removeprefix("video"))


@dataclasses.dataclass(frozen=True, slots=True)
class Mode:
    """One size a camera offers in one pixel format."""

    size: Size
    rates_fps: tuple[float, ...]
    """Highest first; empty where the driver does not tell. Of a range, the usual ones that lie in it."""
    pixel_format: str
    """The four letters of the format, such as `MJPG` or `YUYV`."""


def devices() -> list[Device]:
    """Return the devices that answer, by number; those without permission are left out (see `why_not`)."""
    found = []
    paths = [path for path in Path("/dev").glob("video*") if re.fullmatch(r"video\d+", path.name)]
    for path in sorted(paths, key=lambda path: int(path.name[5:])):
        with contextlib.suppress(OSError):
            found.append(describe(path))
    return found


def describe(path: Path) -> Device:
    """Ask one device what it is. Raises OSError where it cannot be opened or is no video device."""
    with _opened(path) as handle:
        answer = bytearray(104)
        _ioctl(handle, _QUERYCAP, answer)
    card = bytes(answer[16:48]).split(b"\0", 1)[0].decode("utf-8", "replace").strip()
    driver_can, node_can = struct.unpack_from("II", answer, 84)
    can = node_can if driver_can & _HAS_DEVICE_CAPS else driver_can
    return Device(path, card or path.name, bool(can & _CAN_CAPTURE), bool(can & _CAN_OUTPUT))


def modes(path: Path) -> list[Mode]:
    """Return the sizes a camera offers, in its own order. Empty where it does not tell. Raises OSError."""
    found = []
    with _opened(path) as handle:
        for pixel_format in _pixel_formats(handle):
            name = struct.pack("I", pixel_format).decode("latin-1").strip()
            for size in _sizes(handle, pixel_format):
                rates_fps = sorted(set(_rates_fps(handle, pixel_format, size)), reverse=True)
                found.append(Mode(size, tuple(rates_fps), name))
    return found


def why_not(path: Path) -> OSError | None:
    """Try the steps a capture begins with; return the first refusal, None where nothing is in the way.

    EACCES: no permission. ENOENT, ENODEV, ENXIO: not there. EBUSY: another program captures from it. ENOTTY
    and EINVAL: no camera.
    """
    try:
        with _opened(path) as handle:
            _ioctl(handle, _QUERYCAP, bytearray(104))
            _ioctl(handle, _REQBUFS, bytearray(struct.pack("IIIII", 1, _VIDEO_CAPTURE, _MEMORY_MMAP, 0, 0)))
            # Closing the handle gives the buffer back.
    except OSError as error:
        return error
    return None


def holders(path: Path) -> list[str]:
    """Return the other programs that have the device open, as `name (process 123)`, as far as /proc tells."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):  # another user's process, or one that ended while we looked
            if any(_points_to(link, path) for link in (process / "fd").iterdir()):
                found.append(
                    _("{program} (process {name})", program=(process / "comm").read_text().strip(), name=process.name)
                )
    return found


def reset_output(path: Path) -> None:
    """Make a v4l2loopback device offer output again after a program that wrote to it has ended.

    v4l2loopback 0.12.7 (Debian 12) with `exclusive_caps=1` takes the offer back when somebody writes frames
    with write(), as pyvirtualcam does, and restores it only when a handle that asked for STREAMON is closed:
    the next program hears "not a video output device". So open, ask, close; the refusal of the asking itself
    (EINVAL, as no buffers were set up) does no harm. Devices that need no cure are left as they were. Raises
    OSError where the device cannot be opened.
    """
    with _opened(path) as handle, contextlib.suppress(OSError):
        _ioctl(handle, _STREAMON, bytearray(struct.pack("i", _VIDEO_OUTPUT)))


def is_written_to(path: Path) -> bool:
    """Tell whether pictures arrive at a v4l2loopback device, by reading from it for a moment.

    A device that offers capture only has a writer, or had one and is still open in a video call. The driver does not
    tell which; new pictures do. The first read answers the last picture there was, also when its writer has left.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        pictures, until_s = 0, time.monotonic() + _WATCH_S
        while pictures < 3 and time.monotonic() < until_s:
            try:
                os.read(handle, 64)
                pictures += 1
            except BlockingIOError:
                time.sleep(0.02)
            except OSError:
                return True  # a driver that lends the device to one reader: leave it alone
        return pictures == 3
    finally:
        os.close(handle)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    try:
        yield handle
    finally:
        os.close(handle)


def _ioctl(handle: int, request: int, argument: bytearray) -> None:
    """Send `argument` and let the driver's answer replace it."""
    if sys.platform == "linux":
        fcntl.ioctl(handle, request, argument, True)
    else:
        raise OSError(errno.ENOSYS, "Video4Linux exists on Linux only")


def _answers(handle: int, request: int, head: str, *fields: int, length: int) -> Iterator[bytearray]:
    """Count the index of an enumeration up from 0 until the driver says that was all."""
    index = 0
    while True:
        argument = bytearray(length)
        struct.pack_into(head, argument, 0, index, *fields)
        try:
            _ioctl(handle, request, argument)
        except OSError:  # EINVAL after the last; ENOTTY from drivers that do not tell
            return
        yield argument
        index += 1
        if index == 1000:  # a driver that never says so
            return


def _pixel_formats(handle: int) -> list[int]:
    answers = _answers(handle, _ENUM_FMT, "II", _VIDEO_CAPTURE, length=64)
    return [struct.unpack_from("I", answer, 44)[0] for answer in answers]


def _sizes(handle: int, pixel_format: int) -> Iterator[Size]:
    for answer in _answers(handle, _ENUM_FRAMESIZES, "II", pixel_format, length=44):
        (kind,) = struct.unpack_from("I", answer, 8)
        if kind == 1:  # V4L2_FRMSIZE_TYPE_DISCRETE
            yield Size(*struct.unpack_from("II", answer, 12))
            continue
        low_w, high_w, step_w, low_h, high_h, step_h = struct.unpack_from("6I", answer, 12)
        if (low_w, low_h) == (high_w, high_h):  # a loopback whose writer has fixed the size
            yield Size(low_w, low_h)
            return
        for size in _COMMON_SIZES:
            fits_w = low_w <= size.width <= high_w and (size.width - low_w) % max(1, step_w) == 0
            fits_h = low_h <= size.height <= high_h and (size.height - low_h) % max(1, step_h) == 0
            if fits_w and fits_h:
                yield size
        return  # a range comes alone


def _rates_fps(handle: int, pixel_format: int, size: Size) -> Iterator[float]:
    answers = _answers(handle, _ENUM_FRAMEINTERVALS, "IIII", pixel_format, *size, length=52)
    for answer in answers:
        (kind,) = struct.unpack_from("I", answer, 16)
        if kind == 1:  # V4L2_FRMIVAL_TYPE_DISCRETE
            numerator, denominator = struct.unpack_from("II", answer, 20)
            if numerator:
                yield round(denominator / numerator, 3)
            continue
        shortest_n, shortest_d, longest_n, longest_d = struct.unpack_from("4I", answer, 20)
        high_fps = shortest_d / shortest_n if shortest_n else float("inf")
        low_fps = longest_d / longest_n if longest_n else 0.0
        yield from (fps for fps in _COMMON_RATES_FPS if low_fps <= fps <= high_fps)
        return


def _points_to(link: Path, path: Path) -> bool:
    try:
        return link.readlink() == path
    except OSError:
        return False
