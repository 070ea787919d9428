"""Which cameras there are, under the numbers and names that `--source` takes."""

from __future__ import annotations

import dataclasses
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2

from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.imaging.frame import Size
from realtime.system import v4l2
from realtime.system.opencv_log import quiet_opencv

ON_LINUX: bool = sys.platform == "linux"
ON_WINDOWS: bool = sys.platform == "win32"

_FORMATS_SHOWN = 4  # a webcam has two or three; the kernel's test camera has eighty


@dataclasses.dataclass(frozen=True, slots=True)
class ListedMode:
    """A size that a camera offers."""

    size: Size
    rates_fps: tuple[float, ...]
    """Highest first; empty where the camera does not tell."""
    pixel_formats: tuple[str, ...]
    """`MJPG`, `YUYV` …, in the camera's own order."""

    def __str__(self) -> str:
        rates = ", ".join(f"{rate:g}" for rate in self.rates_fps)
        formats = ", ".join(self.pixel_formats[:_FORMATS_SHOWN])
        more = len(self.pixel_formats) - _FORMATS_SHOWN
        return (
            f"{self.size}"
            + (_(" at {rates} fps", rates=rates) if rates else "")
            + f"  ({formats}{f' +{more}' if more > 0 else ''})"
        )


@dataclasses.dataclass(frozen=True, slots=True)
class ListedCamera:
    """A camera that is plugged in."""

    number: int
    """What `--source` takes, and OpenCV: on Linux that of /dev/video…, elsewhere the position in the system's list."""
    name: str
    path: str
    """On Linux `/dev/video0`; elsewhere the system's own long name, or empty."""
    modes: tuple[ListedMode, ...]
    """Empty where the system does not tell without opening the camera (Windows, macOS)."""

    @property
    def label(self) -> str:
        return (
            f"{self.name} ({self.path})"
            if self.path.startswith("/dev/")
            else _("{name} (camera {number})", name=self.name, number=self.number)
        )


def list_cameras(*, with_modes: bool = True) -> list[ListedCamera]:
    """Return the cameras there are, by number. None is disturbed where it is in use.

    `with_modes`: ask each for its sizes and rates as well, where the system knows (Linux).
    """
    if ON_LINUX:
        return [
            ListedCamera(device.number, device.name, str(device.path), _modes(device) if with_modes else ())
            for device in v4l2.devices()
            if device.can_capture
        ]
    backend = cv2.CAP_MSMF if ON_WINDOWS else cv2.CAP_AVFOUNDATION
    return [ListedCamera(number, name, path, ()) for number, name, path in enumerated(backend)]


def first_camera() -> str:
    """Return the camera that a run without `--source` opens, as `--source` would name it: the first that captures.

    On Linux it need not be number 0. Where none is found it is 0 all the same: opening it says what is wrong.
    """
    matches = list_cameras(with_modes=False)
    return str(matches[0].number) if matches else "0"


def enumerated(backend: int) -> list[tuple[int, str, str]]:
    """Return number, name and path of each camera as one of OpenCV's backends counts them; [] if it cannot."""
    quiet_opencv()
    try:
        from cv2_enumerate_cameras import enumerate_cameras

        return [(camera.index, camera.name, camera.path or "") for camera in enumerate_cameras(backend)]
    except (ImportError, NotImplementedError, OSError):  # cameras can then be named by number only
        return []


def named(text: str, cameras: Iterable[ListedCamera]) -> ListedCamera:
    """Return the camera whose name contains `text`, in any case; a whole name goes before a part of one.

    Raises CameraError, listing the cameras there are, where none or several fit.
    """
    cameras = list(cameras)
    wanted_name = text.casefold()
    matches = [camera for camera in cameras if camera.name.casefold() == wanted_name]
    matches = matches or [camera for camera in cameras if wanted_name in camera.name.casefold()]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise CameraError(
            _("'{text}' fits several cameras: {matches}; give the number of one", text=text, matches=_as_list(matches))
        )
    raise CameraError(_("no camera '{text}'; {there_are}", text=text, there_are=there_are(cameras)))


def there_are(cameras: Iterable[ListedCamera]) -> str:
    """Say which cameras exist, and what can be done without one."""
    listed = _as_list(cameras)
    if listed:
        return _("there are: {listed}", listed=listed)
    if ON_LINUX and any(not os.access(path, os.R_OK | os.W_OK) for path in Path("/dev").glob("video*")):
        return _("there is none you may use; run: sudo usermod -aG video $USER, then log out and in again")
    return _("there is none; plug one in, or use --source demo")


def _as_list(cameras: Iterable[ListedCamera]) -> str:
    return ", ".join(f"{camera.number} {camera.name}" for camera in cameras)


def _modes(device: v4l2.Device) -> tuple[ListedMode, ...]:
    """Put together the formats that offer one size at the same rates."""
    try:
        modes = v4l2.modes(device.path)
    except OSError:  # unplugged while we looked
        return ()
    formats: dict[tuple[Size, tuple[float, ...]], list[str]] = {}
    for mode in modes:
        formats.setdefault((mode.size, mode.rates_fps), []).append(mode.pixel_format)
    return tuple(ListedMode(size, rates, tuple(names)) for (size, rates), names in sorted(formats.items()))
