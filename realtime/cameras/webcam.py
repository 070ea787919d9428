"""A camera plugged into this machine, through OpenCV: V4L2 on Linux, Media Foundation or DirectShow on Windows,
AVFoundation on macOS.
"""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import cv2

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.cameras.listing import ON_LINUX, ON_WINDOWS, ListedCamera, enumerated, list_cameras, named, there_are
from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.core.text_limits import abbreviated, whole_number
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.system import v4l2
from realtime.system.opencv_log import quiet_opencv

_DEFAULT_FPS = 30.0
_MJPG = cv2.VideoWriter.fourcc(*"MJPG")
# Raw 1280×720 at 30 fps is 55 MB/s, more than USB 2 carries: cameras then offer 10 fps. As JPEG it fits.
_BUFFERS = 2
# The fewest with which none is late: with one, the driver has nowhere to put the next picture while we decode this
# one, and many cameras then give every second picture only. OpenCV's own 4 show up to three old ones after a pause.
_FIRST_FRAME_WITHIN_S = 10.0
_SILENT_AFTER_S = 4  # whole seconds; OpenCV on Linux would wait 10 for a frame


class Webcam(Camera):
    """`source`: a number, a /dev/video path, or a part of a camera's name."""

    def __init__(self, source: str, request: CameraRequest) -> None:
        quiet_opencv()
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(_SILENT_AFTER_S))
        self._camera = _find(source)
        self._capture = cv2.VideoCapture()
        try:
            self._open(request)
        except BaseException:
            self._capture.release()
            raise

    def _open(self, request: CameraRequest) -> None:
        capture = self._capture
        for backend, number in _ways(self._camera):
            if capture.open(number, backend):
                break
        else:
            raise CameraError(_why_not(self._camera))
        wanted_size = request.size or USUAL_SIZE
        wanted_fps = request.fps or _DEFAULT_FPS
        for setting, value in (  # the format first: which sizes and rates there are depends on it
            (cv2.CAP_PROP_FOURCC, _MJPG),
            (cv2.CAP_PROP_FRAME_WIDTH, wanted_size.width),
            (cv2.CAP_PROP_FRAME_HEIGHT, wanted_size.height),
            (cv2.CAP_PROP_FPS, wanted_fps),
            (cv2.CAP_PROP_BUFFERSIZE, _BUFFERS),
        ):
            capture.set(setting, value)
        self._pool = FramePool(wanted_size)
        self._count = 0
        self._first: Pixels | None = self._first_picture()
        self._first_at_s = time.monotonic()
        size = Size.of(self._first)
        fps = capture.get(cv2.CAP_PROP_FPS)
        fps = fps if 0 < fps < 1000 else _DEFAULT_FPS
        notes = []
        if size != wanted_size or abs(fps - wanted_fps) > 0.05 * wanted_fps:
            mode = _(
                "{size} at {fps:g} fps ({format})",
                size=size,
                fps=fps,
                format=_four_letters(capture.get(cv2.CAP_PROP_FOURCC)),
            )
            notes.append(
                _(
                    "asked for {wanted_size} at {wanted_fps:g} fps, the camera gives {mode}",
                    wanted_size=wanted_size,
                    wanted_fps=wanted_fps,
                    mode=mode,
                )
            )
        self.info = CameraInfo(self._camera.label, size, fps, live=True, notes=tuple(notes))

    def read(self) -> Frame | None:
        pixels, self._first = self._first, None
        captured_at_s = self._first_at_s
        if pixels is None:
            pixels = self._next_picture()
            captured_at_s = time.monotonic()
            if pixels is None:
                raise CameraError(_("{name} has stopped sending pictures; check its cable", name=self.info.name))
        index = self._count
        self._count += 1
        return Frame(pixels, captured_at_s, captured_at_s - self._first_at_s, index)

    def close(self) -> None:
        self._capture.release()

    def _first_picture(self) -> Pixels:
        """Wait for the first picture: a camera that is busy often opens and then sends nothing."""
        give_up_at_s = time.monotonic() + _FIRST_FRAME_WITHIN_S
        while True:
            pixels = self._next_picture()
            if pixels is not None:
                return pixels
            if time.monotonic() > give_up_at_s:
                self._capture.release()
                raise CameraError(_why_not(self._camera))
            time.sleep(0.05)

    def _next_picture(self) -> Pixels | None:
        buffer = self._pool.take()
        was_read, pixels = self._capture.read(buffer)
        if not was_read:
            return None
        if pixels.shape != buffer.shape:
            self._pool = FramePool(Size(pixels.shape[1], pixels.shape[0]))
        return pixels  # type: ignore[return-value]


def _find(source: str) -> ListedCamera:
    """Return the camera that a `--source` text means. Raises CameraError where there is none such."""
    if source.isdecimal() and whole_number(source) is None:
        raise CameraError(
            _("no camera {source}; realtime devices lists those that are there", source=abbreviated(source))
        )
    if ON_LINUX:
        if source.isdecimal():
            return _device(Path(f"/dev/video{int(source)}"))
        if source.startswith("/"):
            return _device(Path(source))
    cameras = list_cameras(with_modes=False)
    if not source.isdecimal():
        return named(source, cameras)
    number = int(source)
    by_number = {camera.number: camera for camera in cameras}
    if cameras and number not in by_number:
        raise CameraError(_("no camera {number}; {there_are}", number=number, there_are=there_are(cameras)))
    # Where the system's list cannot be had, the camera itself tells whether it is there.
    return by_number.get(number, ListedCamera(number, "camera", "", ()))


def _device(path: Path) -> ListedCamera:
    """Return the V4L2 device at a path, which may be a link such as /dev/v4l/by-id/… Raises CameraError."""
    device_path = path.resolve()
    try:
        device = v4l2.describe(device_path)
        number = device.number
    except OSError as error:
        raise CameraError(_refusal(str(path), device_path, error)) from error
    except ValueError as error:  # a device whose name does not end in a number
        raise CameraError(
            _("{path} is no camera; {there_are}", path=path, there_are=there_are(list_cameras(with_modes=False)))
        ) from error
    if not device.can_capture:
        if device.can_output:
            raise CameraError(
                _(
                    "{name} ({path}) is a virtual camera nobody sends to; start the program that feeds it",
                    name=device.name,
                    path=path,
                )
            )
        raise CameraError(
            _(
                "{name} ({path}) gives no pictures; {there_are}",
                name=device.name,
                path=path,
                there_are=there_are(list_cameras(with_modes=False)),
            )
        )
    return ListedCamera(number, device.name, str(path), ())


def _ways(camera: ListedCamera) -> list[tuple[int, int]]:
    """Return backend and number of each way to open a camera, best first."""
    if ON_LINUX:
        return [(cv2.CAP_V4L2, camera.number)]
    if not ON_WINDOWS:
        return [(cv2.CAP_AVFOUNDATION, camera.number)]
    # DirectShow may count the same cameras in another order: find it again by name.
    by_name = [number for number, name, _ in enumerated(cv2.CAP_DSHOW) if name == camera.name]
    return [(cv2.CAP_MSMF, camera.number), (cv2.CAP_DSHOW, by_name[0] if by_name else camera.number)]


def _why_not(camera: ListedCamera) -> str:
    """Say why a camera that exists does not open or sends nothing, and what to do."""
    if ON_LINUX:
        path = Path(camera.path).resolve()
        refusal = v4l2.why_not(path)
        if refusal is not None:
            return _refusal(camera.label, path, refusal)
        return _("{label} sends no pictures; unplug it and plug it in again, or try another --size", label=camera.label)
    if ON_WINDOWS:
        allow = _("Settings > Privacy & security > Camera must let desktop apps use it")
    else:
        allow = _("System Settings > Privacy & Security > Camera must allow your terminal")
    return _("{label} does not open; close other programs that use it; {allow}", label=camera.label, allow=allow)


def _refusal(label: str, path: Path, error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return _("no permission for {label}; run: sudo usermod -aG video $USER, then log out and in again", label=label)
    if error.errno == errno.EBUSY:
        holders = ", ".join(v4l2.holders(path))
        return _(
            "{label} is in use by {holders}; close it and try again",
            label=label,
            holders=holders or _("another program"),
        )
    if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return _("no camera at {path}; {there_are}", path=path, there_are=there_are(list_cameras(with_modes=False)))
    return _(
        "{label} is no camera ({reason}); {there_are}",
        label=label,
        reason=error.strerror,
        there_are=there_are(list_cameras(with_modes=False)),
    )


def _four_letters(fourcc: float) -> str:
    letters = int(fourcc).to_bytes(4, "little", signed=int(fourcc) < 0).decode("latin-1")
    return letters if letters.isprintable() and letters.strip() else _("unknown format")
