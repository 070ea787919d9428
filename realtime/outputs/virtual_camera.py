"""A virtual camera: the picture as a webcam for video calls and OBS, through pyvirtualcam."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

from realtime.core.errors import OutputError, nearest
from realtime.core.language import N_, _
from realtime.imaging.frame import USUAL_SIZE, Frame, Size
from realtime.imaging.pixels import Fitter
from realtime.outputs import Output, OutputRequest
from realtime.system import v4l2

_BACKENDS_ELSEWHERE = {
    "v4l2loopback": "Linux",
    "obs": N_("Windows and macOS"),
    "unitycapture": "Windows",
}
_USUAL_DEVICES = {"obs": "OBS Virtual Camera", "unitycapture": "Unity Video Capture"}
"""What cameras of these are called where no device is named."""
_LOAD_LOOPBACK = "sudo modprobe v4l2loopback exclusive_caps=1 card_label=realtime"


class VirtualCamera(Output):
    """Sends pictures at a steady rate: what reads a webcam expects the next one in time, changed or not.

    The argument is `BACKEND`, `BACKEND:DEVICE` or empty: the first device that works. Pictures of another size than
    the camera's are letterboxed.
    """

    shows_in_calls = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        size = request.size or USUAL_SIZE
        if size.width % 2 or size.height % 2:
            even = Size(size.width // 2 * 2, size.height // 2 * 2)
            raise OutputError(
                _(
                    "a virtual camera takes even sizes only; ask for --size {even} instead of {size}",
                    even=even,
                    size=size,
                )
            )
        backend, device = _parse(argument)
        self._camera = _open(backend, device, size, request.fps)
        self.device = str(self._camera.device)
        """The device as the backend calls it: `/dev/video10`, `OBS Virtual Camera`."""
        self.name = f"camera {self.device}"
        self.repeat_fps = request.fps
        self._fitter = Fitter(size)

    def show(self, frame: Frame) -> None:
        try:
            self._camera.send(self._fitter.fit(frame.pixels))
        except (RuntimeError, OSError) as error:
            raise OutputError(
                _("{name} takes no more pictures: {reason}; start again once it is back", name=self.name, reason=error)
            ) from error

    def close(self) -> None:
        self._fitter.forget()
        self._camera.close()


def backends() -> list[str]:
    """Return the names of the backends that pyvirtualcam has on this system. Raises OutputError without it."""
    return sorted(_pyvirtualcam().camera.BACKENDS)


def _pyvirtualcam() -> Any:  # the library is untyped
    try:
        import pyvirtualcam
        import pyvirtualcam.camera
    except ImportError as error:
        raise OutputError(
            _(
                "virtual cameras need pyvirtualcam, which does not load ({reason}); install it with: pip "
                "install --force-reinstall pyvirtualcam",
                reason=error,
            )
        ) from error
    return pyvirtualcam


def _parse(argument: str) -> tuple[str, str]:
    """Return backend and device, each empty where the user named none. Raises OutputError."""
    if argument.startswith("/dev/"):
        return "v4l2loopback", argument
    backend, _unused, device = argument.partition(":")
    known = backends()
    if backend and backend not in known:
        elsewhere = _BACKENDS_ELSEWHERE.get(backend)
        hint = _(" here, it is for {elsewhere}", elsewhere=_(elsewhere)) if elsewhere else nearest(backend, known)
        raise OutputError(
            _(
                "no virtual camera backend '{backend}'{hint}; this system has: {known}",
                backend=backend,
                hint=hint,
                known=", ".join(known),
            )
        )
    return backend, device


def _open(backend: str, device: str, size: Size, fps: float) -> Any:
    if sys.platform == "linux" and backend in ("", "v4l2loopback"):
        return _open_loopback(device, size, fps)
    try:
        return _pyvirtualcam_camera(backend, device, size, fps)
    except (RuntimeError, OSError, ValueError) as error:
        reasons = "; ".join(str(error).splitlines())
        raise OutputError(
            _(
                "no virtual camera opens: {reasons}; install OBS (obsproject.com), start its virtual "
                "camera once and close OBS, then start again",
                reasons=reasons,
            )
        ) from error


def _pyvirtualcam_camera(backend: str, device: str, size: Size, fps: float) -> Any:
    library = _pyvirtualcam()
    return library.Camera(
        width=size.width,
        height=size.height,
        fps=fps,
        fmt=library.PixelFormat.BGR,
        backend=backend or None,
        device=device or None,
    )


def _open_loopback(device: str, size: Size, fps: float) -> Any:
    """Open the device named, or the first v4l2loopback device that can be had.

    Devices are named to pyvirtualcam one by one: left to search by itself it opens webcams on its way, and forgets
    to close them.
    """
    paths = [Path(device)] if device else loopbacks()
    if not paths:
        raise OutputError(
            _(
                "this system has no virtual camera; make one with: sudo apt install v4l2loopback-dkms && "
                "{load_loopback}",
                load_loopback=_LOAD_LOOPBACK,
            )
        )
    reasons = []
    for path in paths:
        reason = _why_no_output(path)
        if not reason:
            try:
                return _pyvirtualcam_camera("v4l2loopback", str(path), size, fps)
            except (RuntimeError, OSError, ValueError) as error:
                reason = "; ".join(str(error).splitlines())
        reasons.append(reason)
    raise OutputError(_("no virtual camera opens: {reasons}", reasons="; ".join(reasons)))


def planned_device(argument: str) -> str:
    """Return the device that a camera of this argument is going to send to, as `VirtualCamera.device`; empty where
    there is none.
    """
    try:
        backend, device = _parse(argument)
    except OutputError:  # told when it is opened
        return ""
    if device:
        return device
    if sys.platform == "linux" and backend in ("", "v4l2loopback"):
        return next((str(path) for path in loopbacks() if not _why_no_output(path)), "")
    return _USUAL_DEVICES.get(backend or "obs", "")


def loopbacks() -> list[Path]:
    """Return the virtual video devices of a Linux system, by number; none elsewhere."""
    # A device without hardware behind it lies there; a webcam lies below its bus.
    virtual = Path("/sys/devices/virtual/video4linux")
    found = [node.name for node in virtual.glob("video*") if node.name[5:].isdecimal()]
    return [Path("/dev") / name for name in sorted(found, key=lambda name: int(name[5:]))]


def _why_no_output(path: Path) -> str:
    """Return what keeps a v4l2loopback device from taking pictures, with the next step; empty: nothing."""
    try:
        device = v4l2.describe(path)
        is_loopback = path in loopbacks()
        if is_loopback and not device.can_output and not (device.can_capture and v4l2.is_written_to(path)):
            # Left like this by the program that wrote to it last; see `reset_output`.
            v4l2.reset_output(path)
            device = v4l2.describe(path)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            return _(
                "{path} denies permission: add yourself to the group video with sudo usermod -aG "
                "video $USER, then log out and in",
                path=path,
            )
        if error.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
            return _(
                "{path} is not there: make a virtual camera with {load_loopback} video_nr={number}",
                path=path,
                load_loopback=_LOAD_LOOPBACK,
                number=path.name[5:],
            )
        return _(
            "{path} is no virtual camera ({reason}): leave the device out, or name another",
            path=path,
            reason=error.strerror,
        )
    if device.can_output:
        return ""
    if not is_loopback:
        return _(
            "{path} ({name}) is a camera, not a virtual one: leave the device out, or name another",
            path=path,
            name=device.name,
        )
    others = v4l2.holders(path)
    users = _("; open in {others}", others=", ".join(others)) if others else ""
    return _(
        "{path} ({name}) is being written to by another program: end that one first{users}",
        path=path,
        name=device.name,
        users=users,
    )
