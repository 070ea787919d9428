"""A recorded video or an animated GIF, frame by frame."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from fractions import Fraction
from pathlib import Path

import av

from realtime.cameras import Camera, CameraInfo, CameraRequest
from realtime.core.errors import CameraError
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.video.container import MAX_PICTURE_PX, FilmClock, open_film, picture_stream, sound_stream
from realtime.video.decoding import MOST_FPS, decoded_pictures, stated_fps

log = logging.getLogger(__name__)

_CONVERT = N_("convert it first, for example: ffmpeg -i {name} converted.mp4")
_SHORT_S = 0.5  # a video that ends so much before its stated end has lost something
_DOLBY_ONLY = N_(
    "{name} is Dolby Vision without a picture for other screens (profile 5); its colours come out wrong, so convert it "
    "first"
)
_DOLBY_TAGS = frozenset({"dvh1", "dvhe", "dav1", "dva1", "dvav"})
_MOVING_PICTURES = frozenset({"gif", "apng"})
_UNSPECIFIED = 2
_STAYS_S = 0.1  # sound commonly ends up to that much after the pictures


class VideoFile(Camera):
    """Delivers every frame that can be decoded, with its true presentation time, at its own size, upright.

    A file that is cut short or damaged gives the frames that are there; then one warning says what was missing.
    """

    def __init__(self, source: str, request: CameraRequest) -> None:  # noqa: ARG002 - it keeps its own size and rate
        self._path = user_path(source)
        self._container = _open(self._path)
        try:
            self._start()
        except BaseException:
            self._container.close()
            raise

    def _start(self) -> None:
        name = self._path.name
        stream = picture_stream(self._container)
        if stream is None:
            what = _("sound only") if self._container.streams.audio else _("no video")
            raise CameraError(_("{name} holds {what}; choose a video file", name=name, what=what))
        if stream.codec_context is None:
            raise CameraError(
                _(
                    "{name} is coded in a way that cannot be read here; {convert}",
                    name=name,
                    convert=_(_CONVERT, name=name),
                )
            )
        if stream.width * stream.height > MAX_PICTURE_PX:
            raise CameraError(
                _(
                    "{name} says its pictures are {width}x{height}; at most {most_megapixels} megapixels can be read",
                    name=name,
                    width=stream.width,
                    height=stream.height,
                    most_megapixels=MAX_PICTURE_PX // 10**6,
                )
            )
        stream.thread_type = "AUTO"  # threads by frame where the codec can: half the time of threads by slice
        # One core is left to whatever is made of the pictures meanwhile: with BlazeFace beside it on 2 cores, one
        # decoding thread gave 157, 202 and 206 frames a second where two gave 121, 159 and 192.
        stream.codec_context.thread_count = max(1, (os.cpu_count() or 1) - 1)
        self._stream: av.VideoStream = stream
        self._clock = FilmClock(self._container)
        self._pictures = decoded_pictures(self._container, stream, self._clock, sound_stream(self._container))
        self._damaged = 0
        self._count = 0
        self._began_s: Fraction | None = None
        self._last_pts_s = self._ends_s = 0.0
        self._last_pixels: Pixels | None = None
        self._ended = False
        is_moving_picture = self._container.format.name in _MOVING_PICTURES
        fps = _finest_fps(self._path) if is_moving_picture else stated_fps(stream)
        self._period_s = 1.0 / fps
        self._first = self._next_picture()
        if self._first is None:
            raise self._undecodable("")
        size = Size.of(self._first[0])
        notes = (_(_DOLBY_ONLY, name=name),) if _is_dolby_only(stream) else ()
        self.info = CameraInfo(name, size, fps, live=False, frame_count=stream.frames or None, notes=notes)

    def read(self) -> Frame | None:
        picture = self._first or self._next_picture()
        self._first = None
        if picture is None and not self._ended:
            self._ended = True
            self._tell_what_was_missing()
            picture = self._held_to_the_end()
        if picture is None:
            return None
        self._last_pixels, pts_s = picture
        index = self._count
        self._count += 1
        return Frame(self._last_pixels, time.monotonic(), pts_s, index)

    def close(self) -> None:
        self._pictures.close()
        self._container.close()

    def _next_picture(self) -> tuple[Pixels, float] | None:
        try:
            for picture in self._pictures:
                if picture is not None:
                    pts_s = self._presentation_s(picture.time_s)
                    self._ends_s = pts_s + float(picture.duration_s or 0)
                    return picture.pixels, pts_s
                self._damaged += 1
        except av.FFmpegError as error:
            if self._began_s is None and not self._count:
                raise self._undecodable(error.strerror or "") from error
            log.warning(_("%s cannot be read further: %s"), self._path.name, error.strerror)
        return None

    def _undecodable(self, reason: str) -> CameraError:
        name, why = self._path.name, f" ({reason})" if reason else ""
        return CameraError(
            _(
                "{name} holds no picture that can be decoded{why}; {convert}",
                name=name,
                why=why,
                convert=_(_CONVERT, name=name),
            )
        )

    def _presentation_s(self, time_s: Fraction | None) -> float:
        """Return seconds since the first frame. A frame without a time follows the one before at the usual pace."""
        if time_s is None:
            self._last_pts_s += self._period_s if self._began_s is not None else 0.0
            return self._last_pts_s
        if self._began_s is None:
            self._began_s = time_s
        self._last_pts_s = max(self._last_pts_s, float(time_s - self._began_s))
        return self._last_pts_s

    def _held_to_the_end(self) -> tuple[Pixels, float] | None:
        """Return the last picture once more, for the last moment of the film, where it stays longer than others do:
        slides, or a sound that goes on. Nothing else would tell how long that is.
        """
        ends_s = [self._pictures_end_s()]
        if self._clock.sound_ends_s is not None and self._began_s is not None:
            ends_s.append(float(self._clock.sound_ends_s - self._began_s))
        pts_s = max(ends_s) - self._period_s
        if self._last_pixels is None or pts_s - self._last_pts_s <= _STAYS_S:
            return None
        self._last_pts_s = pts_s
        return self._last_pixels, pts_s

    def _pictures_end_s(self) -> float:
        """Return when the last picture ends by its own account; of an MP4 with pictures that are decoded in another
        order than shown, by the track's: there a picture's own is that of the order of decoding.
        """
        stream = self._stream
        is_reordered = stream.codec_context.has_b_frames and stream.duration and not self._clock.may_leap
        if not is_reordered or stream.time_base is None or self._began_s is None:
            return self._ends_s
        return float(((stream.start_time or 0) + (stream.duration or 0)) * stream.time_base - self._began_s)

    def _tell_what_was_missing(self) -> None:
        """Warn where frames were promised and did not come.

        Neither number is enough alone: a file trimmed by an edit list counts frames that are not shown, and its
        sound may outlast its pictures.
        """
        stream, container = self._stream, self._container
        promised_s = [float(stream.duration * stream.time_base)] if stream.duration and stream.time_base else []
        promised_s += [container.duration / av.time_base] if container.duration else []
        ended_s = self._last_pts_s + self._period_s
        fewer = self._count < stream.frames or not stream.frames
        if fewer and promised_s and ended_s < min(promised_s) - _SHORT_S:
            log.warning(_("%s is cut short: it ends after %.1f of %.1f s"), self._path.name, ended_s, min(promised_s))
        elif self._damaged:
            log.warning(_("%s is damaged: %d places could not be decoded"), self._path.name, self._damaged)


def _open(path: Path) -> av.container.InputContainer:
    try:
        return open_film(path)
    except av.InvalidDataError as error:
        raise CameraError(
            _(
                "{name} is no video, or is cut short so that its index is missing; check it in another player",
                name=path.name,
            )
        ) from error
    except (OSError, av.FFmpegError) as error:
        raise CameraError(
            _(
                "cannot read {path}: {reason}; check the path and its permissions",
                path=path,
                reason=error.strerror or error,
            )
        ) from error


def _is_dolby_only(stream: av.VideoStream) -> bool:
    """Tell whether a film is in Dolby's own colours. One with a base layer says what that is: HLG, PQ or BT.709."""
    return stream.codec_tag in _DOLBY_TAGS and stream.codec_context.color_trc in (0, _UNSPECIFIED)


def _finest_fps(path: Path) -> float:
    """Return the rate of the shortest of a moving picture's delays, which may all differ; 30 where it tells none.

    An APNG may tell a delay of 1/65535 s: no more than `MOST_FPS`.
    """
    delays_s: list[Fraction] = []
    with open_film(path) as container, contextlib.suppress(av.FFmpegError):  # where it is damaged, decoding tells
        packets = container.demux(container.streams.video[0])
        delays_s.extend(packet.duration * packet.time_base for packet in packets if packet.size and packet.duration)
    return min(float(1 / min(delays_s)), MOST_FPS) if delays_s else 30.0
