"""A network stream: rtsp://, http://, udp://, srt:// and whatever else FFmpeg speaks."""

from __future__ import annotations

import re
import time
from fractions import Fraction

import av

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.video.container import FilmClock
from realtime.video.decoding import decoded_pictures, stated_fps

_OPEN_WITHIN_S = 10.0
_READ_WITHIN_S = 5.0  # a live picture that old is of no use: better to connect again
_OPTIONS = {
    "rtsp_transport": "tcp",  # over UDP one lost packet smears the picture until the next key frame
    "analyzeduration": "1000000",  # µs; FFmpeg's own 5 s of looking before opening are too long for live
    # No fflags=nobuffer: it throws away what was read while looking, the first key frame among it.
}
_KNOWN_TO_FEW = frozenset({"rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "udp", "tcp", "srt", "rtp"})


class Stream(Camera):
    """Live, unless the server tells how long it is: a film behind http:// is played like a file.

    Every frame is decoded as it arrives, and nothing is kept, so that the newest is always at hand.
    """

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - it keeps its own size and rate
        self._name = without_password(source)
        self._container = self._connect(source)
        try:
            self._start()
        except BaseException:
            self._container.close()
            raise

    def _connect(self, source: str) -> av.container.InputContainer:
        try:
            timeouts_s = (_OPEN_WITHIN_S, _READ_WITHIN_S)
            return av.open(source, options=dict(_OPTIONS), timeout=timeouts_s, metadata_errors="ignore")
        except av.ExitError as error:  # how FFmpeg calls a time limit that PyAV keeps
            raise CameraError(
                _(
                    "no answer from {name} within {open_within_s:g} s; check the address and that it is running",
                    name=self._name,
                    open_within_s=_OPEN_WITHIN_S,
                )
            ) from error
        except av.ProtocolNotFoundError as error:
            known = ", ".join(f"{name}://" for name in sorted(_KNOWN_TO_FEW))
            raise CameraError(
                _("cannot open {name}: no such kind of stream; there are {known}", name=self._name, known=known)
            ) from error
        except av.HTTPUnauthorizedError as error:
            raise CameraError(
                _("{name} wants a password: write it as rtsp://name:password@address", name=self._name)
            ) from error
        except (OSError, av.FFmpegError) as error:
            reason = error.strerror or str(error)
            raise CameraError(
                _(
                    "cannot open {name}: {reason}; check the address and that it is running",
                    name=self._name,
                    reason=reason,
                )
            ) from error

    def _start(self) -> None:
        stream = self._container.streams.best("video")
        if not isinstance(stream, av.VideoStream) or stream.codec_context is None:
            raise CameraError(_("{name} carries no video that can be decoded here; check the address", name=self._name))
        stream.thread_type = "SLICE"  # threads by frame would hold each picture back by one frame a thread
        stream.codec_context.flags |= int(av.codec.context.Flags.low_delay)
        self._pictures = decoded_pictures(self._container, stream, FilmClock(self._container))
        self._count = 0
        self._began_s: Fraction | None = None
        self._last_pts_s = 0.0
        self._live = not self._container.duration
        fps = stated_fps(stream)
        self._first = self._next_picture()
        if self._first is None:
            raise CameraError(_("{name} ended before its first picture; check that it is running", name=self._name))
        size = Size.of(self._first[0])
        self.info = CameraInfo(self._name, size, fps, live=self._live)

    def read(self) -> Frame | None:
        picture, self._first = self._first or self._next_picture(), None
        if picture is None:
            if self._live:
                raise CameraError(_("{name} has ended; check that it is running", name=self._name))
            return None
        pixels, pts_s = picture
        index = self._count
        self._count += 1
        return Frame(pixels, time.monotonic(), pts_s, index)

    def close(self) -> None:
        self._pictures.close()
        self._container.close()

    def _next_picture(self) -> tuple[Pixels, float] | None:
        try:
            picture = next((picture for picture in self._pictures if picture is not None), None)
        except av.ExitError as error:
            raise CameraError(
                _(
                    "{name} has sent nothing for {read_within_s:g} s; check the network",
                    name=self._name,
                    read_within_s=_READ_WITHIN_S,
                )
            ) from error
        except (OSError, av.FFmpegError) as error:
            raise CameraError(
                _("{name} broke off: {reason}; check the network", name=self._name, reason=error.strerror or error)
            ) from error
        if picture is None:
            return None
        if picture.time_s is not None:
            self._began_s = picture.time_s if self._began_s is None else self._began_s
            self._last_pts_s = max(self._last_pts_s, float(picture.time_s - self._began_s))
        return picture.pixels, self._last_pts_s


_ADDRESS = re.compile(r"(?:[\w-]+(?:\.[\w-]+)+|\[[^]]*\])(?::\d+)?")
_PARTS = re.compile(r"([^/?#]*)([^?#]*)(.*)", re.DOTALL)
"""Of what follows `scheme://`: whose host it is, the path, and the query."""


def without_password(url: str) -> str:
    """Return the address as it may be shown and logged: without `name:password@`, and without what a query says, which
    may be a token.

    A password may hold `@`, `/` or `?` by mistake, and libraries differ in what they make of it: in doubt, more is left
    out than need be.
    """
    scheme, separator, rest = url.partition("://")
    found = _PARTS.fullmatch(rest)
    if not separator or found is None:
        return url
    authority, path, query = found.groups()
    host = authority.rpartition("@")[2]
    has_login = "@" in authority
    if "@" in path + query and not (has_login and _ADDRESS.fullmatch(host)):
        if (
            "@" not in path and not has_login
        ):  # of the query alone; what looks like a port may be a password all the same
            host = re.sub(r":[^]:]*$", "", host)
        else:
            host, path, query = re.split("[?#&]", rest.rpartition("@")[2])[0], "", ""
    return f"{scheme}://{host}{path}{'?…' if query else ''}"
