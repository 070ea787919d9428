"""A video file, H.264 where it can be had, each frame at its own time."""

from __future__ import annotations

import errno
import functools
import logging
import os
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import av
import av.container
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from realtime.core.errors import OutputError
from realtime.core.files import remove, write_all
from realtime.core.finishing_threads import FinishingThread
from realtime.core.paths import user_path
from realtime.disclosure import xmp
from realtime.disclosure.c2pa import SIGNED_FILMS
from realtime.disclosure.film_tags import FilmTags
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import letterbox_into
from realtime.imaging.provenance import Provenance
from realtime.outputs import Output, OutputRequest
from realtime.outputs.splitting import later_names

_logger = logging.getLogger(__name__)

_BT709 = 1
"""The number of ITU-T H.273 for primaries, transfer and matrix alike."""
_SECONDS_BETWEEN_KEYFRAMES = 2


class _Container(NamedTuple):
    """How a kind of file is written."""

    format: str
    ticks_per_s: int
    options: dict[str, str]


# 60000 ticks a second hold the times of 24, 25, 29.97, 30, 50, 59.94 and 60 fps exactly, and MPEG-4 Part 2 allows no
# more than 65535. Matroska counts milliseconds.
# hybrid_fragmented: written in pieces of a second, each playable as soon as it is there, so that a recording whose
# program was killed loses a second at most; closing it turns it into an ordinary file that every editor opens.
_FRAGMENTS = {"movflags": "+hybrid_fragmented", "frag_duration": "1000000"}
_CONTAINERS = {
    ".mp4": _Container("mp4", 60_000, _FRAGMENTS),
    ".mov": _Container("mov", 60_000, _FRAGMENTS),
    # Without checksums: they are optional, and a tag could not be corrected in its place.
    ".mkv": _Container("matroska", 1_000, {"cluster_time_limit": "1000", "write_crc32": "0"}),
}


class _Encoder(NamedTuple):
    """One way to compress, best first in the table below."""

    name: str
    options: dict[str, str]
    has_quality: bool
    """False: it knows no constant quality, and gets a bit rate that is generous instead."""


# libx264 on two CPU cores, a person talking, 1280×720, crf 20: superfast takes 5.0 ms a frame and 2.2 MB for five
# seconds, veryfast 6.5 ms and 0.9 MB, faster 8.8 ms and 1.0 MB, all at 40 dB.
_ENCODERS = (
    _Encoder("libx264", {"preset": "veryfast", "crf": "20"}, has_quality=True),
    _Encoder("h264_nvenc", {"preset": "p4", "rc": "vbr", "cq": "23", "b": "0"}, has_quality=True),
    _Encoder("h264_videotoolbox", {"realtime": "1"}, has_quality=False),
    _Encoder("h264_qsv", {}, has_quality=False),
    _Encoder("h264_amf", {}, has_quality=False),
    _Encoder("h264_mf", {}, has_quality=False),
    _Encoder("libopenh264", {}, has_quality=False),
    _Encoder("mpeg4", {}, has_quality=False),
)


class _WholeWrites:
    """A file as FFmpeg sees it: writes everything or fails, and once it has failed writes nothing more.

    Without that, a disk that fills up would be patched at its beginning when the recording is closed, for pieces that
    never arrived at its end; this way, what was written until then stays playable.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.failure: OSError | None = None

    def write(self, data: bytes) -> int:
        if self.failure is not None:
            raise self.failure
        try:
            write_all(self._file, data)
        except OSError as error:
            self.failure = error
            raise
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class Recorder(Output):
    """Writes .mp4, .mov or .mkv straight under its final name: a recording can be watched while it grows, and one
    whose program was killed is still a film.

    A file that exists is refused without `--overwrite`; with it, it is emptied when the first frame comes, not before.
    Times are the frames' `pts_s`, counted from the first frame, whatever the distances between them. How its pictures
    were made is written into it (`film_tags.py`), also where that changes on the way. Where `request.split` asks
    for it the recording goes on in another file, which is a film by itself and replaces none; so it does where somebody
    deletes the file that it goes to, unless it is to be one file (`ONE_FILE`).
    """

    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        path = user_path(argument)
        if path.suffix.lower() not in _CONTAINERS:
            raise OutputError(f"cannot record to '{argument}': the name must end in {', '.join(_CONTAINERS)}")
        if request.signer and path.suffix.lower() not in SIGNED_FILMS:
            raise OutputError(f"{argument} cannot be signed: C2PA knows {' and '.join(sorted(SIGNED_FILMS))} only")
        self.name = path.name
        self.path = path
        self.paths = [path]
        """All the files that hold the recording, in order."""
        self._request = request
        is_new = not os.path.lexists(path)
        self._part = _Part(path, _open_file(path, overwrite=request.overwrite), request, is_new=is_new)
        self._number = 1
        self._finishing: FinishingThread | None = None
        self._failures: list[Exception] = []

    @property
    def _whole_writes(self) -> _WholeWrites:
        return self._part.whole_writes

    @property
    def encoder(self) -> str:
        """What compresses, once the first frame has been written."""
        return self._part.encoder

    @property
    def provenance(self) -> Provenance | None:
        """What the film tells of all its frames until now; None before the first."""
        return self._part.provenance

    def show(self, frame: Frame) -> None:
        if self._part.ends_before(frame):
            self._go_on_in_another_file()
        self._part.add(frame)

    def close(self) -> None:
        """Finish the file, and sign it where that was asked for. Raises OutputError when its end cannot be written; a
        failure told before is not repeated.
        """
        self._wait_for_former()
        self._begin_to_finish(self._part)  # where `close` itself is no longer waited for, this is
        self._wait_for_former()
        if self._failures:
            raise self._failures[0]

    def _go_on_in_another_file(self) -> None:
        """Begin the next part; the former one is finished beside, so that no frame has to wait for it. Raises
        OutputError.
        """
        if self._part.is_deleted and not self._request.split.outlasts_deletion:
            raise OutputError(f"{self._part.path} was deleted before it was done; the recording ends here")
        former, part = self._part, self._next_part()
        self._part = part
        self.paths.append(part.path)
        if former.is_deleted:
            _logger.warning("%s was deleted; the recording goes on in %s", former.path, part.path.name)
        else:
            _logger.info("%s is full; the recording goes on in %s", former.path, part.path.name)
        self._wait_for_former()
        self._begin_to_finish(former)

    def _next_part(self) -> _Part:
        """Open the next file whose name is free, as the one before it was. Raises OutputError."""
        for number, path in later_names(self.path, self._number):
            try:
                file = path.open("x+b", buffering=0)
            except FileExistsError:
                continue
            except FileNotFoundError:
                raise OutputError(
                    f"{self._part.path} was deleted, and its folder with it; the recording ends here"
                ) from None
            except OSError as error:
                raise OutputError(_reason(path, error)) from error
            self._number = number
            return _Part(path, file, self._request, is_new=True)
        raise AssertionError("numbers have no end")

    def _begin_to_finish(self, part: _Part) -> None:
        """Finish a part on a thread of its own; here and now where none can be started."""
        finishing = FinishingThread(functools.partial(self._finish, part), part.path.name)
        try:
            finishing.start()
        except RuntimeError:
            self._finish(part)
        else:
            self._finishing = finishing

    def _finish(self, part: _Part) -> None:
        try:
            part.finish()
        except Exception as error:  # `close` raises the first
            if part is not self._part or self._failures:
                _logger.warning("%s", error)
            self._failures.append(error)

    def _wait_for_former(self) -> None:
        if self._finishing is not None:
            self._finishing.join()
            self._finishing = None


class _Part:
    """One file, from its first frame to its last. One thread at a time."""

    def __init__(self, path: Path, file: BinaryIO, request: OutputRequest, *, is_new: bool) -> None:
        self.path = path
        self.encoder = ""
        self.is_deleted = False
        self._container_kind = _CONTAINERS[path.suffix.lower()]
        self._request = request
        self._file = file
        self._is_new = is_new
        self._counts_names = os.fstat(file.fileno()).st_nlink > 0  # some file systems do not
        self.whole_writes = _WholeWrites(file)
        self._film: _Film | None = None
        self._metadata: FilmTags | None = None
        self._last_provenance: Provenance | None = None

    @property
    def provenance(self) -> Provenance | None:
        """What it tells of all its frames until now; None before the first."""
        return self._metadata.provenance if self._metadata is not None else None

    def ends_before(self, frame: Frame) -> bool:
        """Whether a frame belongs into another file: this one is full, or nobody can see it any more. 1 µs."""
        film, split = self._film, self._request.split
        if film is None or film.holds(frame):
            return False
        status = os.fstat(self._file.fileno())
        self.is_deleted = self._counts_names and status.st_nlink == 0
        return (
            self.is_deleted
            or (split.seconds is not None and film.seconds_to(frame) >= split.seconds)
            or (split.size_bytes is not None and status.st_size >= split.size_bytes)
        )

    def add(self, frame: Frame) -> None:
        """Write one frame. Raises OutputError."""
        try:
            metadata = self._told_of(frame)
            if self._film is None:
                self._film = self._begin(frame.size, metadata)
            self._film.add(frame)
            metadata.correct(self._file)
        except (OSError, av.error.FFmpegError) as error:
            raise OutputError(_reason(self.path, self.whole_writes.failure or error)) from error

    def finish(self) -> None:
        """Finish the file, and sign it where that was asked for. Raises OutputError when its end cannot be written; a
        failure told before is not repeated.
        """
        is_told = self.whole_writes.failure is not None
        try:
            if self._film is not None:
                self._film.finish()
                if not is_told:
                    self._tell()
        except (OSError, av.error.FFmpegError) as error:
            if not is_told:
                raise OutputError(_reason(self.path, self.whole_writes.failure or error)) from error
        finally:
            self._film = None
            is_empty = self._file.seek(0, os.SEEK_END) == 0
            self._file.close()
            if self._is_new and is_empty:
                remove(self.path)
        if self._request.signer and self._metadata is not None and not is_told and not self.is_deleted:
            self._request.signer.sign_film(self.path, self._metadata.provenance)

    def _told_of(self, frame: Frame) -> FilmTags:
        """Return what the film tells, with this frame in it."""
        provenance = frame.provenance
        if self._metadata is None:
            told = provenance or Provenance((self._request.title,))
            self._metadata = FilmTags(told, has_free_tags=self._container_kind.format == "matroska")
        elif provenance is not None and provenance is not self._last_provenance:
            self._metadata.add(provenance)
        self._last_provenance = provenance
        return self._metadata

    def _tell(self) -> None:
        """Write into the finished file what is true of the whole of it. Raises OSError."""
        assert self._metadata is not None  # noqa: S101 - a film has begun
        self._metadata.correct(self._file, finished=True)
        if self._container_kind.format == "matroska":
            return
        end = self._file.seek(0, os.SEEK_END)
        try:
            xmp.append_box(self._file, xmp.packet(self._metadata.provenance))
        except OSError:
            self._file.truncate(end)  # half a box would be a fault in a file that has none
            raise

    def _begin(self, picture: Size, metadata: FilmTags) -> _Film:
        asked = self._request.size or picture
        # One chroma sample serves 2×2 pixels, so sides are even: of an odd picture the last row or column is left out.
        size = Size(asked.width // 2 * 2, asked.height // 2 * 2)
        if not size.width or not size.height:
            raise OutputError(f"cannot record pictures of {asked}; the smallest is 2x2")
        reasons = []
        for encoder in _ENCODERS:
            self._file.seek(0)
            self._file.truncate()
            try:
                film = _Film(self.whole_writes, self._container_kind, encoder, size, self._request.fps, metadata)
            except (av.error.FFmpegError, ValueError) as error:
                if self.whole_writes.failure is not None:
                    raise
                reasons.append(f"{encoder.name}: {error}")
                continue
            if encoder is not _ENCODERS[0]:
                _logger.info("recording with %s, because %s", encoder.name, "; ".join(reasons))
            self.encoder = encoder.name
            return film
        raise OutputError(
            f"no video encoder works here ({'; '.join(reasons)}); install FFmpeg's libraries with pip install"
            " --force-reinstall av, or write pictures with --output folder/"
        )


class _Film:
    """A container with one video stream, opened for writing. Raises FFmpegError, ValueError or OSError throughout."""

    def __init__(
        self, file: _WholeWrites, kind: _Container, encoder: _Encoder, size: Size, fps: float, metadata: FilmTags
    ) -> None:
        self._ticks_per_s = kind.ticks_per_s
        self._size = size
        self._fitted: Pixels | None = None
        self._reformat = VideoReformatter().reformat
        self._container = _open_container(file, kind)
        self._container.metadata.update(metadata.tags)
        rate = Fraction(fps).limit_denominator(1001)
        stream = self._container.add_stream(encoder.name, rate=rate, options=encoder.options)
        self._stream = cast("av.VideoStream", stream)
        context = self._stream.codec_context
        context.width, context.height = size
        self._format = _planar_format(context)
        context.pix_fmt = self._format
        context.time_base = self._stream.time_base = Fraction(1, kind.ticks_per_s)
        context.gop_size = max(1, round(_SECONDS_BETWEEN_KEYFRAMES * rate))
        context.max_b_frames = 0  # frames leave in the order they came: exact times in pieces too, and less delay
        context.color_range = int(ColorRange.MPEG)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        if not encoder.has_quality:
            context.bit_rate = round(size.width * size.height * rate * Fraction(15, 100))  # 4 Mbit/s at 720p30
        try:
            self._container.start_encoding()
        except BaseException:
            self._abandon()
            raise
        self._first_pts_s: float | None = None
        self._last_ticks = -1
        self._last_moment: tuple[int, float] | None = None
        self._last_pixels: Pixels | None = None
        self._last_picture: av.VideoFrame | None = None

    def holds(self, frame: Frame) -> bool:
        """Whether this very moment has been written: the last frame is shown again where there is no newer one."""
        return (frame.index, frame.pts_s) == self._last_moment

    def seconds_to(self, frame: Frame) -> float:
        """Return how long after the film's first frame another comes."""
        return 0.0 if self._first_pts_s is None else frame.pts_s - self._first_pts_s

    def add(self, frame: Frame) -> None:
        """Write one frame. The very same moment again is not written twice."""
        if self.holds(frame):
            return
        self._last_moment = (frame.index, frame.pts_s)
        if self._first_pts_s is None:
            self._first_pts_s = frame.pts_s
        ticks = round((frame.pts_s - self._first_pts_s) * self._ticks_per_s)
        self._last_ticks = max(ticks, self._last_ticks + 1)
        picture = self._picture(frame.pixels)
        picture.pts = self._last_ticks
        self._container.mux(self._stream.encode(picture))

    def _picture(self, pixels: Pixels) -> av.VideoFrame:
        """Return the pixels as the encoder wants them: BT.709, limited range, what players assume of HD video."""
        if pixels is self._last_pixels and self._last_picture is not None:
            return self._last_picture
        height, width = self._size.height, self._size.width
        fitted = pixels
        if (pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2) != (height, width):
            if self._fitted is None:
                self._fitted = np.empty((height, width, 3), np.uint8)
            letterbox_into(pixels, self._fitted)
            fitted = self._fitted
        source = av.VideoFrame.from_numpy_buffer(fitted[:height, :width], format="bgr24")
        picture = self._reformat(
            source,
            format=self._format,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            dst_colorspace=Colorspace.ITU709,
        )
        picture.color_primaries = picture.color_trc = _BT709
        picture.time_base = Fraction(1, self._ticks_per_s)
        self._last_pixels, self._last_picture = pixels, picture
        return picture

    def finish(self) -> None:
        """Write what the encoder still holds, then the index."""
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()

    def _abandon(self) -> None:
        try:
            self._container.close()
        except (OSError, av.error.FFmpegError):
            _logger.debug("closing an encoder that did not open", exc_info=True)


def _open_file(path: Path, *, overwrite: bool) -> BinaryIO:
    """Return the file, unbuffered, existing contents untouched. Raises OutputError."""
    try:
        if overwrite and path.exists():
            return path.open("r+b", buffering=0)
        return path.open("x+b", buffering=0)
    except FileExistsError:
        raise OutputError(f"{path} exists; choose another name, or add --overwrite to replace it") from None
    except OSError as error:
        if not path.parent.is_dir():
            reason = f"cannot record to {path}: there is no folder {path.parent}; create it first"
            raise OutputError(reason) from None
        raise OutputError(_reason(path, error)) from error


def _open_container(file: _WholeWrites, kind: _Container) -> av.container.OutputContainer:
    options = kind.options
    if "movflags" in options and av.library_versions["libavformat"] < (61, 7):
        # FFmpeg before 7.1 has no hybrid_fragmented: pieces of a second stay pieces, which players accept too.
        options = {**options, "movflags": "+frag_keyframe+empty_moov+default_base_moof"}
    return av.open(file, "w", format=kind.format, options=options)


def _planar_format(context: av.VideoCodecContext) -> str:
    """Return the 4:2:0 layout the encoder takes: three planes, or two for most hardware."""
    names = {layout.name for layout in context.codec.video_formats or ()}
    return "yuv420p" if "yuv420p" in names or "nv12" not in names else "nv12"


def _reason(path: Path, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return f"{path}: the disk is full; what was recorded until now is kept. Free some space and start again"
    if number == errno.EFBIG:  # FAT32, the usual format of memory cards and sticks, ends at 4 GB
        return (
            f"{path}: this disk takes no larger file; what was recorded until now is kept. Start again with a new name"
        )
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"cannot record to {path}: permission denied; choose a folder that you may write to"
    return f"cannot record to {path}: {getattr(error, 'strerror', None) or error}; try another folder or name"
