"""Writing films: containers, encoders, one video stream and, where there is sound, one of it.

Best first, whatever encoder works here is taken: libx264, then those of graphics cards and systems, then MPEG-4;
for WebM VP9, then VP8. Where pictures are seen through, WebM and QuickTime keep that: VP9 or VP8, and ProRes 4444.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from fractions import Fraction
from typing import BinaryIO, NamedTuple, cast

import av
import av.container
import av.error
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from realtime.core.errors import OutputError
from realtime.core.files import write_all
from realtime.core.language import _
from realtime.disclosure.film_tags import FilmTags
from realtime.imaging.frame import Frame, Opacity, Pixels, Size
from realtime.imaging.opacity import fitted as fitted_opacity
from realtime.imaging.opacity import straight
from realtime.imaging.pixels import letterbox_into

log = logging.getLogger(__name__)

_BT709 = 1
"""The number of ITU-T H.273 for primaries, transfer and matrix alike."""
_SECONDS_BETWEEN_KEYFRAMES = 2
SOUND_RATE = 48_000
SOUND_BLOCK = 1024
"""Samples of each channel that AAC takes at once."""
_SOUND_BITS_PER_S = 96_000
"""For each channel: what a voice and music need to sound as they did."""


class Encoder(NamedTuple):
    """One way to compress, best first in the tables below."""

    name: str
    options: dict[str, str]
    has_quality: bool
    """False: it knows no constant quality, and gets a bit rate that is generous instead."""


# libx264 on two CPU cores, a person talking, 1280×720, crf 20: superfast takes 5.0 ms a frame and 2.2 MB for five
# seconds, veryfast 6.5 ms and 0.9 MB, faster 8.8 ms and 1.0 MB, all at 40 dB.
ENCODERS = (
    Encoder("libx264", {"preset": "veryfast", "crf": "20"}, has_quality=True),
    Encoder("h264_nvenc", {"preset": "p4", "rc": "vbr", "cq": "23", "b": "0"}, has_quality=True),
    Encoder("h264_videotoolbox", {"realtime": "1"}, has_quality=False),
    Encoder("h264_qsv", {}, has_quality=False),
    Encoder("h264_amf", {}, has_quality=False),
    Encoder("h264_mf", {}, has_quality=False),
    Encoder("libopenh264", {}, has_quality=False),
    Encoder("mpeg4", {}, has_quality=False),
)
WEB_ENCODERS = (
    Encoder("libvpx-vp9", {"deadline": "realtime", "cpu-used": "7", "row-mt": "1", "crf": "30", "b": "0"}, True),
    Encoder("libvpx", {"deadline": "realtime", "cpu-used": "8"}, has_quality=False),
)
"""Of WebM, which may hold no other."""
# 1280×720 on two CPU cores: prores takes 15 ms a frame and prores_ks 76, at the same size; VP9 12.
OPACITY_ENCODERS = {
    "webm": WEB_ENCODERS,
    "mov": (
        Encoder("prores", {"vendor": "apl0"}, has_quality=True),
        Encoder("prores_ks", {"profile": "4444", "vendor": "apl0", "alpha_bits": "8"}, has_quality=True),
    ),
}
"""By container: those that keep where a picture is seen through."""
_OPACITY_FORMATS = ("yuva420p", "yuva444p10le")
"""What they take."""


class Container(NamedTuple):
    """How a kind of file is written."""

    format: str
    ticks_per_s: int
    options: dict[str, str]
    sound: str = "aac"
    """What compresses sound."""

    @property
    def is_matroska(self) -> bool:
        """Whether tags may have any name, and stand where they can be found again."""
        return self.format in ("matroska", "webm")


# 60000 ticks a second hold the times of 24, 25, 29.97, 30, 50, 59.94 and 60 fps exactly, and MPEG-4 Part 2 allows no
# more than 65535. Matroska counts milliseconds.
# hybrid_fragmented: written in pieces of a second, each playable as soon as it is there, so that a recording whose
# program was killed loses a second at most; closing it turns it into an ordinary file that every editor opens.
_FRAGMENTS = {"movflags": "+hybrid_fragmented", "frag_duration": "1000000"}
CONTAINERS = {
    ".mp4": Container("mp4", 60_000, _FRAGMENTS),
    ".mov": Container("mov", 60_000, _FRAGMENTS),
    # Without checksums: they are optional, and a tag could not be corrected in its place.
    ".mkv": Container("matroska", 1_000, {"cluster_time_limit": "1000", "write_crc32": "0"}),
    ".webm": Container("webm", 1_000, {"cluster_time_limit": "1000", "write_crc32": "0"}, sound="libopus"),
}


class WholeWrites:
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


class FilmWriter:
    """A container opened for writing, with a video stream and perhaps one of sound (AAC). Raises FFmpegError,
    ValueError or OSError throughout.
    """

    def __init__(
        self,
        file: WholeWrites,
        kind: Container,
        encoder: Encoder,
        size: Size,
        fps: float,
        metadata: FilmTags,
        sound_channels: int = 0,
        *,
        has_opacity: bool = False,
    ) -> None:
        """`has_opacity`: the film keeps where its pictures are seen through."""
        self._has_opacity = has_opacity
        self._ticks_per_s, self._sound_codec = kind.ticks_per_s, kind.sound
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
        self._format = _opacity_format(context) if has_opacity else _planar_format(context)
        context.pix_fmt = self._format
        context.time_base = self._stream.time_base = Fraction(1, kind.ticks_per_s)
        context.gop_size = max(1, round(_SECONDS_BETWEEN_KEYFRAMES * rate))
        context.max_b_frames = 0  # frames leave in the order they came: exact times in pieces too, and less delay
        context.color_range = int(ColorRange.MPEG)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        if not encoder.has_quality:
            context.bit_rate = round(size.width * size.height * rate * Fraction(15, 100))  # 4 Mbit/s at 720p30
        self._sound = self._sound_stream(sound_channels) if sound_channels else None
        # AAC puts a block of its own before the first one it is given: begun a block later, nothing lies before the
        # first picture, and the container need not move all the rest.
        self._sound_samples = SOUND_BLOCK
        try:
            self._container.start_encoding()
        except BaseException:
            self._abandon()
            raise
        self._first_pts_s: float | None = None
        self._last_ticks = -1
        self._last_moment: tuple[int, float] | None = None
        self._last_pixels: Pixels | None = None
        self._last_opacity: Opacity | None = None
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
        picture = self._picture(frame.pixels, frame.opacity if self._has_opacity else None)
        picture.pts = self._last_ticks
        self._container.mux(self._stream.encode(picture))

    @property
    def sound_s(self) -> float:
        """How much sound has been written: the next block begins there, counted from the first frame."""
        return self._sound_samples / SOUND_RATE

    def add_sound(self, block: NDArray[np.float32]) -> None:
        """Write the next block of sound, (SOUND_BLOCK, channels) float32, -1..1. Only where the film has sound."""
        assert self._sound is not None  # noqa: S101 - the caller knows what it has asked for
        layout = self._sound.codec_context.layout.name
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T), format="fltp", layout=layout)
        frame.sample_rate = SOUND_RATE
        frame.time_base = Fraction(1, SOUND_RATE)
        frame.pts = self._sound_samples
        self._sound_samples += len(block)
        self._container.mux(self._sound.encode(frame))

    def _sound_stream(self, channels: int) -> av.AudioStream:
        layout = "mono" if channels == 1 else "stereo"
        stream = cast("av.AudioStream", self._container.add_stream(self._sound_codec, rate=SOUND_RATE, layout=layout))
        stream.codec_context.bit_rate = _SOUND_BITS_PER_S * channels
        return stream

    def _picture(self, pixels: Pixels, opacity: Opacity | None) -> av.VideoFrame:
        """Return the pixels as the encoder wants them: BT.709, limited range, what players assume of HD video."""
        if pixels is self._last_pixels and opacity is self._last_opacity and self._last_picture is not None:
            return self._last_picture
        height, width = self._size.height, self._size.width
        fitted = pixels
        if (pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2) != (height, width):
            if self._fitted is None:
                self._fitted = np.empty((height, width, 3), np.uint8)
            letterbox_into(pixels, self._fitted)
            fitted = self._fitted
        source = self._source(fitted[:height, :width], opacity)
        picture = self._reformat(
            source,
            format=self._format,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            dst_colorspace=Colorspace.ITU709,
        )
        picture.color_primaries = picture.color_trc = _BT709
        picture.time_base = Fraction(1, self._ticks_per_s)
        self._last_pixels, self._last_opacity, self._last_picture = pixels, opacity, picture
        return picture

    def _source(self, pixels: Pixels, opacity: Opacity | None) -> av.VideoFrame:
        """Return pixels of the film's size, with how much is seen of each where the film keeps that."""
        if not self._has_opacity:
            return av.VideoFrame.from_numpy_buffer(pixels, format="bgr24")
        height, width = pixels.shape[:2]
        if opacity is None:
            opacity = np.full((height, width), 255, np.uint8)
        elif (opacity.shape[0] // 2 * 2, opacity.shape[1] // 2 * 2) != (height, width):
            opacity = fitted_opacity(opacity, self._size)
        return av.VideoFrame.from_ndarray(straight(pixels, opacity[:height, :width]), format="bgra")

    def finish(self) -> None:
        """Write what the encoder still holds, then the index."""
        try:
            self._container.mux(self._stream.encode(None))
            if self._sound is not None:
                self._container.mux(self._sound.encode(None))
        finally:
            self._container.close()

    def _abandon(self) -> None:
        try:
            self._container.close()
        except (OSError, av.error.FFmpegError):
            log.debug("closing an encoder that did not open", exc_info=True)


def begin_film(
    file: BinaryIO,
    writes: WholeWrites,
    kind: Container,
    asked: Size,
    fps: float,
    metadata: FilmTags,
    sound_channels: int = 0,
    *,
    has_opacity: bool = False,
) -> tuple[FilmWriter, str]:
    """Begin a film in a file, through `writes`, with the best encoder that works; return it and that one's name.

    `sound_channels`: 1 or 2 for a film with sound, 0 for one without. `has_opacity`: its pictures are seen through;
    where no encoder here keeps that, they lie over black, and a line says so.

    Raises OutputError where none works or pictures are too small, and OSError where the file cannot be written.
    """
    # One chroma sample serves 2×2 pixels, so sides are even: of an odd picture the last row or column is left out.
    size = Size(asked.width // 2 * 2, asked.height // 2 * 2)
    if not size.width or not size.height:
        raise OutputError(_("cannot record pictures of {asked}; the smallest is 2x2", asked=asked))
    reasons = []
    ways = [(encoder, False) for encoder in (WEB_ENCODERS if kind.format == "webm" else ENCODERS)]
    if has_opacity:
        ways = [*((encoder, True) for encoder in OPACITY_ENCODERS.get(kind.format, ())), *ways]
    for encoder, keeps_opacity in ways:
        file.seek(0)
        file.truncate()
        try:
            film = FilmWriter(writes, kind, encoder, size, fps, metadata, sound_channels, has_opacity=keeps_opacity)
        except (av.error.FFmpegError, ValueError) as error:
            if writes.failure is not None:
                raise
            reasons.append(f"{encoder.name}: {error}")
            continue
        if has_opacity and not keeps_opacity:
            _tell_of_black(kind, reasons)
        elif encoder is not ways[0][0]:
            log.info(_("recording with %s, because %s"), encoder.name, "; ".join(reasons))
        return film, encoder.name
    raise OutputError(
        _(
            "no video encoder works here ({reasons}); install FFmpeg's libraries with pip install "
            "--force-reinstall av, or write pictures with --output folder/",
            reasons="; ".join(reasons),
        )
    )


def _tell_of_black(kind: Container, reasons: Sequence[str]) -> None:
    """Say that a film does not keep what is seen through, and what does."""
    if kind.format in OPACITY_ENCODERS:
        log.warning(
            _("no encoder here keeps transparency (%s): what is transparent is black; a folder/ of PNGs keeps it"),
            "; ".join(reasons),
        )
    else:
        log.warning(
            _("such a film keeps no transparency: what is transparent is black; .webm, .mov and a folder/ keep it")
        )


def _opacity_format(context: av.VideoCodecContext) -> str:
    """Return the layout with opacity that the encoder takes. Raises ValueError where it takes none."""
    names = {layout.name for layout in context.codec.video_formats or ()}
    for name in _OPACITY_FORMATS:
        if name in names:
            return name
    raise ValueError(_("it keeps no transparency"))


def _open_container(file: WholeWrites, kind: Container) -> av.container.OutputContainer:
    options = kind.options
    if "movflags" in options and av.library_versions["libavformat"] < (61, 7):
        # FFmpeg before 7.1 has no hybrid_fragmented: pieces of a second stay pieces, which players accept too.
        options = {**options, "movflags": "+frag_keyframe+empty_moov+default_base_moof"}
    return av.open(file, "w", format=kind.format, options=options)


def _planar_format(context: av.VideoCodecContext) -> str:
    """Return the 4:2:0 layout the encoder takes: three planes, or two for most hardware."""
    names = {layout.name for layout in context.codec.video_formats or ()}
    return "yuv420p" if "yuv420p" in names or "nv12" not in names else "nv12"
