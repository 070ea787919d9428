"""Where frames come from: the contract every source keeps, and the table of sources.

A source yields frames as fast as it can; `realtime.pipeline.capture` runs it on a thread of its own, plays recorded
material at its own rate, opens a lost camera again and starts a looped one from the beginning. So a source needs four
things: open in `__init__`, say what it is in `info`, `read`, `close`. The smallest one is `still.py`: copy it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from abc import ABC, abstractmethod
from pathlib import Path

from realtime.core.errors import CameraError, nearest
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.registry import RegistryEntry
from realtime.imaging.frame import Frame, Size


@dataclasses.dataclass(frozen=True, slots=True)
class CameraRequest:
    """What the user asks of a source. A source that cannot give it gives the nearest it has, and says so in `info`."""

    size: Size | None = None
    """None: a webcam is asked for 1280×720, the demo drawn in it. Everything else always keeps its own size."""
    fps: float | None = None
    """None: 30 for a webcam, the demo and pictures. Videos and streams always keep their own rate."""


@dataclasses.dataclass(frozen=True, slots=True)
class CameraInfo:
    """What a source really gives."""

    name: str
    """For people: `Logitech C920 (/dev/video0)`, `clip.mp4`."""
    size: Size
    fps: float
    """Frames per second by its own account; 30 where it has none."""
    live: bool
    """True: it has a clock of its own and will not wait (webcam, network stream). False: recorded or drawn."""
    frame_count: int | None = None
    """How many frames there will be, where that is known (a progress bar needs it)."""
    notes: tuple[str, ...] = ()
    """Lines worth telling the user, such as `asked for 1920x1080, the camera gives 1280x720`."""


class Camera(ABC):
    """An opened source of frames.

    The caller promises: `read` and `close` come from one thread; `close` comes once and last (also after `read`
    raised); `read` is not called again once it has returned None or raised.
    """

    info: CameraInfo

    @abstractmethod
    def read(self) -> Frame | None:
        """Wait for the next frame and return it; None when the source has ended.

        `index` counts from 0. `pts_s` starts near 0 and never decreases. `captured_at_s` is taken as soon as the
        picture is there. The pixels belong to the receiver: a source that reuses buffers does so through
        `realtime.imaging.buffers.FramePool`. Raises CameraError when frames stop coming (unplugged, stream broken, file
        damaged half-way): a live source is then closed and opened again, a recorded one ends the run.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the device back."""


CAMERAS: dict[str, RegistryEntry] = {
    "webcam": RegistryEntry("realtime.cameras.webcam", "Webcam", N_("a camera by number or by name")),
    "video": RegistryEntry("realtime.cameras.video_file", "VideoFile", N_("a video file")),
    "stream": RegistryEntry("realtime.cameras.stream", "Stream", N_("a network stream (rtsp://, http://, udp:// …)")),
    "still": RegistryEntry("realtime.cameras.still", "Still", N_("one picture, again and again")),
    "folder": RegistryEntry("realtime.cameras.picture_folder", "PictureFolder", N_("a folder of numbered pictures")),
    "shared": RegistryEntry("realtime.cameras.shared", "Shared", N_("a camera that another process has opened")),
    "demo": RegistryEntry("realtime.cameras.demo", "Demo", N_("a built-in viewer who walks about")),
}
"""Each class is opened as `Class(source, request)`, `source` being the text the user gave."""

_MOVING_WEBP = RegistryEntry(
    "realtime.cameras.animated_webp", "MovingWebp", N_("an animated WebP, which FFmpeg does not read")
)

PICTURE_SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
    | {".avif", ".heic", ".heif", ".hif", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2"}
)
"""Of pictures, as people name them. What is in a file counts; a name counts where nobody has looked into it yet."""


def kind_of(source: str) -> str:
    """Return the name in CAMERAS that a `--source` text means. Raises CameraError where nothing fits."""
    if source == "demo":
        return "demo"
    if source.startswith("shared:"):
        return "shared"
    if source.isdecimal() or source.startswith("/dev/video"):
        return "webcam"
    if re.match(r"[a-z][a-z0-9+.-]+://", source, re.IGNORECASE):
        return "stream"
    path = user_path(source)
    if path.is_dir():
        return "folder"
    if path.is_file():
        return _kind_of_file(path)
    if path.is_char_device():  # /dev/v4l/by-id/…: the name that stays when cameras are plugged in another order
        return "webcam"
    if path.exists():
        raise CameraError(
            _("{source} is neither a file nor a folder nor a camera; choose another source", source=source)
        )
    if path.suffix or "/" in source or "\\" in source:
        raise CameraError(
            _(
                "no such file: {source}{hint}; check the path, or name another",
                source=source,
                hint=nearest(source, ["demo"]),
            )
        )
    return "webcam"  # by name: the webcam module knows the names, and says which there are


def _kind_of_file(path: Path) -> str:
    """Tell a picture from a film by what is in it; by its name where it may not be read."""
    from realtime.picture_files.formats import is_picture_file, moving_kind

    with contextlib.suppress(OSError):
        if moving_kind(path) is not None:
            return "video"
        if is_picture_file(path):
            return "still"
    return "still" if path.suffix.lower() in PICTURE_SUFFIXES - {".gif"} else "video"


def _is_webp(source: str) -> bool:
    from realtime.picture_files.formats import moving_kind

    with contextlib.suppress(OSError):
        return moving_kind(user_path(source)) == "WebP"
    return False


def open_camera(source: str, request: CameraRequest) -> Camera:
    """Open the source a `--source` text means. Raises CameraError, with the next step in its message."""
    kind = kind_of(source)
    part = _MOVING_WEBP if kind == "video" and _is_webp(source) else CAMERAS[kind]
    camera = part.load()(source, request)
    assert isinstance(camera, Camera)  # noqa: S101 - the table is ours
    return camera
