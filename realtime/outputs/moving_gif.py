"""A moving GIF, which plays wherever a picture is shown: each frame in 256 colours of its own."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
import av.filter

from realtime.core.errors import OutputError
from realtime.core.files import check_folder, put_in_free_place, remove, temporary_name
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.disclosure import xmp
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import Fitter
from realtime.imaging.provenance import Provenance
from realtime.outputs import Output, OutputRequest

_TICKS_PER_S = 100
_LEAST_TICKS = 2
"""Players take a shorter time for a tenth of a second."""
_TRAILER = b"\x3b"
_XMP_BEGINS = b"\x21\xff\x0bXMP DataXMP"
_XMP_ENDS = b"\x01" + bytes(range(0xFF, -1, -1)) + b"\x00"
"""As Adobe's specification has it: whoever reads the packet as sub-blocks comes out at its end."""
_LONGEST_COMMENT = 255


class MovingGif(Output):
    """Writes .gif, whole or not at all: it has its name when it is finished. Frames that come closer than a fiftieth of
    a second are left out, because no player shows them so. It tells how its pictures were made (XMP, and in words).
    """

    takes_every_frame = True

    def __init__(self, argument: str, request: OutputRequest) -> None:
        self.path = user_path(argument)
        self.name = self.path.name
        self._overwrite = request.overwrite
        self._size = request.size
        self._rate = request.fps
        self._unfinished = temporary_name(self.path)
        self._film: _Film | None = None
        self._provenance: Provenance | None = None
        check_folder(self.path.absolute().parent)
        if request.signer is not None:
            raise OutputError(_("{path} cannot be signed: C2PA knows no GIF; choose .mp4", path=self.path))
        if os.path.lexists(self.path) and not request.overwrite:
            raise OutputError(_("{path} exists; choose another name, or add --overwrite to replace it", path=self.path))

    def show(self, frame: Frame) -> None:
        """Write one frame. Raises OutputError."""
        try:
            if self._film is None:
                self._film = _Film(self._unfinished, self._size or frame.size, self._rate)
            self._film.add(frame)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._failed(error) from error
        if frame.provenance is not None:
            former = self._provenance
            self._provenance = frame.provenance if former is None else former.together_with(frame.provenance)

    def close(self) -> None:
        """Finish it and give it its name. Raises OutputError."""
        film, self._film = self._film, None
        if film is None:
            return
        try:
            film.finish()
            if self._provenance is not None:
                _tell(self._unfinished, self._provenance)
            if self._overwrite:
                self._unfinished.replace(self.path)
            else:
                self.path = put_in_free_place(self._unfinished, self.path)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            raise self._failed(error) from error
        finally:
            remove(self._unfinished)

    def _failed(self, error: Exception) -> OutputError:
        return OutputError(
            _(
                "cannot write {path}: {reason}; try another folder",
                path=self.path,
                reason=getattr(error, "strerror", None) or error,
            )
        )


class _Film:
    """The file while it is being written."""

    def __init__(self, path: Path, size: Size, fps: float) -> None:
        self._fitter = Fitter(size)
        self._container = av.open(str(path), "w", format="gif", options={"loop": "0"})
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self._container.add_stream("gif", rate=rate)
        context = self._stream.codec_context
        context.width, context.height = size
        context.pix_fmt = "pal8"
        context.time_base = self._stream.time_base = Fraction(1, _TICKS_PER_S)
        self._colours = _colours(size)
        self._begins_s: float | None = None
        self._last_ticks = -_LEAST_TICKS

    def add(self, frame: Frame) -> None:
        if self._begins_s is None:
            self._begins_s = frame.pts_s
        ticks = round((frame.pts_s - self._begins_s) * _TICKS_PER_S)
        if ticks - self._last_ticks < _LEAST_TICKS:
            return
        self._last_ticks = ticks
        picture = self._in_256_colours(self._fitter.fit(frame.pixels))
        picture.pts, picture.time_base = ticks, Fraction(1, _TICKS_PER_S)
        self._container.mux(self._stream.encode(picture))

    def _in_256_colours(self, pixels: Pixels) -> av.VideoFrame:
        picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        picture.pts, picture.time_base = self._last_ticks, Fraction(1, _TICKS_PER_S)
        self._colours.push(picture)
        return cast("av.VideoFrame", self._colours.pull())

    def finish(self) -> None:
        try:
            self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


def _colours(size: Size) -> av.filter.Graph:
    """Return what finds the 256 best colours of each picture and lays it out in them."""
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=size.width, height=size.height, format=av.VideoFormat("bgr24"), time_base=Fraction(1, _TICKS_PER_S)
    )
    split = graph.add("split")
    find = graph.add("palettegen", "stats_mode=single")
    use = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=4")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(find, 1, 0)
    find.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _tell(path: Path, provenance: Provenance) -> None:
    """Write into a finished GIF how it was made, before its last byte. Raises OSError."""
    told = provenance.told().encode("ascii", "replace")[:_LONGEST_COMMENT]
    comment = b"\x21\xfe" + bytes([len(told)]) + told + b"\x00"
    packet = _XMP_BEGINS + xmp.packet(provenance) + _XMP_ENDS
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != _TRAILER:
            raise OSError(f"{path.name} has no end")
        file.seek(-1, os.SEEK_END)
        file.write(comment + packet + _TRAILER)
