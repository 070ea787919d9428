"""From decoded video to BGR pictures: upright, square pixels, right colours, no copy where none is needed.

Decoding goes through PyAV rather than OpenCV's VideoCapture because it tells true presentation times and what is
wrong with a file, and because it is faster once the conversion to BGR is a filter graph: libavfilter reuses its
picture buffers as soon as nobody holds them (1.4 ms for 1280×720 H.264 to BGR on 2 cores; OpenCV 1.7 ms; PyAV's
`reformat`, which allocates each picture anew, 1.5 to 2.5 ms, the rest going into page faults).
"""

from __future__ import annotations

import gc
import math
import os
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import NamedTuple

import av
import av.filter
import numpy as np

from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.transparency import lay_on_white
from realtime.video import hdr
from realtime.video.container import FilmClock

_USUAL_FPS = 30.0
MOST_FPS = 1000.0
_MATRIX_BT709 = 1
_MATRIX_UNSPECIFIED = 2
_MATRIX_BT2020 = 9
_HD_HEIGHT_PX = 720  # from here on an unlabelled video is BT.709, below BT.601: what players assume
_WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Codecs whose usual decoders leave out the transparency that WebM keeps beside the picture, and those that do not."""

_NOT_TURNED = (1, 0, 0, 1)


class Picture(NamedTuple):
    """A decoded picture as (height, width, 3) uint8 BGR; its stated time and how long it stays, where it has such."""

    pixels: Pixels
    time_s: Fraction | None
    duration_s: Fraction | None = None


def stated_fps(stream: av.VideoStream) -> float:
    """Return frames a second as the stream states them, the usual 30 where it states none or no true ones.

    Some files state the ticks of their clock, 90000 a second: nothing can keep that beat.
    """
    fps = float(stream.average_rate or stream.guessed_rate or _USUAL_FPS)
    return fps if 0.0 < fps < MOST_FPS else _USUAL_FPS


def decoded_pictures(
    container: av.container.InputContainer,
    stream: av.VideoStream,
    clock: FilmClock,
    sound: av.AudioStream | None = None,
) -> Generator[Picture | None, None, None]:
    """Yield the pictures to the end of the stream; None for a damaged spot, which costs its own pictures only.

    A picture that decodes and cannot be turned into BGR is a damaged spot too. Times are the `clock`'s; packets of
    `sound` pass by it as well, so that it knows when the film ends. Raises av.FFmpegError or OSError where nothing more
    can be read. Close it before the container.
    """
    maker = PictureMaker(stream.sample_aspect_ratio)
    tracks = [stream] if sound is None else [stream, sound]
    packets = container.demux(*tracks)
    decoder = _decoder(stream)
    waiting: list[Picture | None] = []  # what is given away has no name here: its buffer is free once nobody looks
    ending: av.Packet[av.stream.Stream] | None = None
    has_ended = False
    while not has_ended:
        try:
            packet = next(packets, None)
            if packet is None:
                has_ended = True
            elif not packet.size:
                # The last of a track tells its decoder to give what it still holds. Some cameras send empty ones amid
                # others, which must not end anything.
                ending = packet if packet.stream.index == stream.index else ending
                continue
            else:
                clock.mend(packet)
                if packet.stream_index != stream.index:
                    continue
            waiting += _pictures_of(maker, decoder.decode(packet or ending))
        except av.InvalidDataError:  # the decoder finds its way back at the next key frame
            waiting.append(None)
        except av.EOFError:  # it was told before, or the like
            pass
        if has_ended:
            waiting += maker.rest()
        while waiting:
            yield waiting.pop(0)


def _pictures_of(maker: PictureMaker, frames: list[av.VideoFrame]) -> list[Picture | None]:
    pictures: list[Picture | None] = []
    frames.reverse()
    while frames:
        try:
            pictures += maker.make(frames.pop())
        except av.FFmpegError:
            pictures.append(None)
    return pictures


def _decoder(stream: av.VideoStream) -> av.VideoCodecContext:
    """Return the stream's own decoder, or one that knows of its transparency."""
    context = stream.codec_context
    name = _WITH_ALPHA.get(context.name if context.name in _WITH_ALPHA else context.codec.canonical_name)
    if name is None or stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1":
        return context
    try:
        decoder = av.CodecContext.create(name, "r")
    except ValueError:  # this FFmpeg has it not: the picture as it lies under the transparency
        return context
    assert isinstance(decoder, av.VideoCodecContext)  # noqa: S101 - the table is ours
    decoder.extradata = context.extradata
    decoder.thread_count = context.thread_count
    return decoder


class PictureMaker:
    """Turns decoded frames into BGR pictures. Used by one thread; sizes and formats may change on the way."""

    def __init__(self, pixel_aspect: Fraction | None = None, *, upright: bool = True) -> None:
        """`pixel_aspect`: width of a stored pixel to its height; where it is not 1 the picture is stretched. `upright`:
        False where the caller turns it, by what it knows better than FFmpeg.
        """
        self._pixel_aspect = pixel_aspect or Fraction(1)
        self._made_for: tuple[object, ...] = ()
        self._graph: _Graph | None = None
        self._interlaced = False
        self._upright = upright
        self._holds_itself = False  # whether there was a frame that PyAV's `side_data` hold, and that holds them
        self._pool: FramePool | None = None

    def make(self, decoded: av.VideoFrame) -> list[Picture]:
        """Return the frame as (height, width, 3) uint8 BGR, C-contiguous. Raises av.FFmpegError.

        Of interlaced film both fields become one picture, which comes with the frame after it.
        """
        self._free_held()
        _fill_in_matrix(decoded)
        self._interlaced |= decoded.interlaced_frame  # once is enough: parts of a film may be marked otherwise
        kind = (
            decoded.width,
            decoded.height,
            decoded.format.name,
            decoded.colorspace,
            decoded.color_range,
            decoded.color_trc if hdr.is_hdr(decoded.color_trc) else 0,
            decoded.time_base,
            decoded.rotation,
            self._interlaced,
        )
        earlier: list[Picture] = []
        if kind != self._made_for:
            earlier = self.rest()
            self._graph = _Graph(
                decoded,
                self._pixel_aspect,
                _turn(decoded) if self._upright else _NOT_TURNED,
                deinterlace=self._interlaced,
            )
            self._made_for = kind
            self._holds_itself = True
        return earlier + self._pictures(decoded)

    def rest(self) -> list[Picture]:
        """Return what waits for a frame that will not come. Raises av.FFmpegError."""
        self._free_held()
        waiting = self._pictures(None) if self._graph is not None and self._graph.delays else []
        self._graph, self._made_for = None, ()
        return waiting

    def _free_held(self) -> None:
        """Free the frame that was asked how it is turned (`_turn`), now that nobody else holds it. Left to Python, it
        is found when a quarter as many new objects as there are have come, after two thousand openings of a film, each
        of which keeps a frame until then (1.36 MB of 1280×720: a clip of 2.4 s in a loop grew by 31 MB in a minute).
        Only what is young is looked through, in some 10 µs.
        """
        if self._holds_itself:
            self._holds_itself = False
            gc.collect(1)

    def _pictures(self, decoded: av.VideoFrame | None) -> list[Picture]:
        graph = self._graph
        assert graph is not None  # noqa: S101 - the callers have seen to it
        return [
            Picture(
                self._pixels(frame, has_alpha=graph.has_alpha),
                None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base,
                frame.duration * frame.time_base if frame.duration and frame.time_base else None,
            )
            for frame in graph.pass_through(decoded)
        ]

    def _pixels(self, frame: av.VideoFrame, *, has_alpha: bool) -> Pixels:
        """View the picture's memory; it stays alive, and out of FFmpeg's pool, as long as the view."""
        plane = frame.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(frame.height, plane.line_size)
        channels = 4 if has_alpha else 3
        row_bytes = frame.width * channels
        if row_bytes == plane.line_size and not has_alpha:
            return rows.reshape(frame.height, frame.width, 3)
        size = Size(frame.width, frame.height)
        if self._pool is None or self._pool.size != size:
            self._pool = FramePool(size)
        pixels = self._pool.take()
        if has_alpha:
            lay_on_white(rows[:, :row_bytes].reshape(frame.height, frame.width, 4), pixels)
        else:  # FFmpeg pads rows to a multiple of 64 bytes: move them together
            np.copyto(pixels.reshape(frame.height, row_bytes), rows[:, :row_bytes])
        return pixels


def _fill_in_matrix(decoded: av.VideoFrame) -> None:
    """Label what is not labelled, as players take it."""
    if decoded.colorspace != _MATRIX_UNSPECIFIED or decoded.format.is_rgb or decoded.format.has_palette:
        return
    if hdr.is_hdr(decoded.color_trc):
        decoded.colorspace = _MATRIX_BT2020
    elif decoded.height >= _HD_HEIGHT_PX:
        decoded.colorspace = _MATRIX_BT709


def _turn(decoded: av.VideoFrame) -> tuple[int, int, int, int]:
    """Return where a frame is to be turned or mirrored: (a, b, c, d) of FFmpeg's display matrix, without perspective
    and shift; a stored pixel at (x, y) is shown at (a·x + c·y, b·x + d·y).

    Not for every frame: PyAV's `side_data` and the frame hold each other, so that the decoder would have to find new
    memory for each picture (1.3 ms for one of 1280×720 become 1.7).
    """
    try:
        data = decoded.side_data.get("DISPLAYMATRIX")
    except ValueError:  # beside it lie data of a kind that PyAV does not know: it tells the angle all the same
        angle = math.radians(-decoded.rotation)
        return round(math.cos(angle)), round(math.sin(angle)), round(-math.sin(angle)), round(math.cos(angle))
    if not isinstance(data, av.buffer.Buffer):
        return _NOT_TURNED
    matrix = np.frombuffer(memoryview(data), np.int32)
    return int(matrix[0]), int(matrix[1]), int(matrix[3]), int(matrix[4])


def _turning_filters(turn: tuple[int, int, int, int]) -> list[tuple[str, str]]:
    """Return the filters that show a frame as its display matrix says: FFmpeg's own choice, case by case."""
    a, b, c, d = turn
    if not (a or c) or not (b or d):
        return []
    degrees = round(math.degrees(math.atan2(b / math.hypot(b, d), a / math.hypot(a, c)))) % 360
    if degrees == 90:
        return [("transpose", "cclock_flip" if c > 0 else "clock")]
    if degrees == 180:
        return [("hflip", "")] * (a < 0) + [("vflip", "")] * (d < 0)
    if degrees == 270:
        return [("transpose", "clock_flip" if c < 0 else "cclock")]
    if degrees:
        return [("rotate", f"{degrees}*PI/180")]
    return [("vflip", "")] * (d < 0)


class _Graph:
    """A filter graph that puts two fields together, stretches to square pixels, turns upright and converts to BGR."""

    def __init__(
        self, decoded: av.VideoFrame, pixel_aspect: Fraction, turn: tuple[int, int, int, int], *, deinterlace: bool
    ) -> None:
        is_hdr = hdr.is_hdr(decoded.color_trc)
        has_palette = decoded.format.has_palette
        self.has_alpha = has_palette or any(component.is_alpha for component in decoded.format.components)
        self.delays = deinterlace
        self._graph = graph = av.filter.Graph()  # kept: its nodes do not hold it, and crash without it
        # On 2 cores the conversion takes 0.3 ms with one thread and 0.65 ms with two. HDR takes ten times as long.
        graph.threads = (os.cpu_count() or 1) if is_hdr else 1
        self._source = graph.add(
            "buffer",
            video_size=f"{decoded.width}x{decoded.height}",
            pix_fmt=decoded.format.name,
            time_base=str(decoded.time_base or Fraction(1, 1000)),
            colorspace=str(int(decoded.colorspace)),
            range=str(int(decoded.color_range)),
        )
        nodes = [self._source]
        if deinterlace:
            nodes.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        if pixel_aspect not in (0, 1):
            width = round(decoded.width * pixel_aspect)
            nodes.append(graph.add("scale", f"{width}:{decoded.height}:flags=bilinear"))
        nodes += [graph.add(name, options or None) for name, options in _turning_filters(turn)]
        graph.link_nodes(*nodes)
        last, table = hdr.add_lookup(graph, nodes[-1]) if is_hdr else (nodes[-1], None)
        self._sink = graph.add("buffersink")
        graph.link_nodes(last, graph.add("format", f"pix_fmts={'bgra' if self.has_alpha else 'bgr24'}"), self._sink)
        graph.configure()
        if table is not None:
            hdr.feed(table, decoded.color_trc)

    def pass_through(self, decoded: av.VideoFrame | None) -> Iterator[av.VideoFrame]:
        """Yield what comes out for a frame; None: for the end."""
        self._source.push(decoded)
        try:
            yield self._pull()
            while self.delays:
                yield self._pull()
        except (av.BlockingIOError, av.EOFError):  # nothing more until the next frame
            return

    def _pull(self) -> av.VideoFrame:
        frame = self._sink.pull()
        assert isinstance(frame, av.VideoFrame)  # noqa: S101 - no sound goes in
        return frame
