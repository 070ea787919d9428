"""Animated WebP, which FFmpeg does not read: each picture decoded by itself and laid on the one before it."""

from __future__ import annotations

import struct
from collections.abc import Generator
from fractions import Fraction
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.transparency import on_white
from realtime.picture_files.exif import turned
from realtime.picture_files.formats import check_size, read_any_header, stored_turn, webp_chunks

_REPLACES, _DISAPPEARS = 0x02, 0x01
_LEAST_MS = 10  # shorter times, 0 among them, are shown as 100 ms by browsers
_USUAL_MS = 100


class _Part(NamedTuple):
    """One picture as the file keeps it: where it goes on the canvas, for how long, and its chunks."""

    left: int
    top: int
    size: Size
    duration_ms: int
    flags: int
    begin: int
    end: int


def parts(data: bytes) -> list[_Part]:
    """Return the pictures of a file, none decoded. Raises ValueError, its text fit to follow a file's name."""
    try:
        return [_part(data, begin, end) for name, begin, end in webp_chunks(data) if name == b"ANMF"]
    except struct.error:
        raise ValueError(_("is cut short")) from None


def durations_s(data: bytes) -> list[Fraction]:
    """Return how long each picture is shown."""
    return [Fraction(part.duration_ms, 1000) for part in parts(data)]


def first_picture(data: bytes) -> Pixels:
    """Return the first picture of a file. Raises ValueError, its text fit to follow a file's name."""
    for pixels in pictures(data):
        return pixels
    raise ValueError(_("holds no pictures"))


def pictures(data: bytes) -> Generator[Pixels, None, None]:
    """Yield each picture as it is shown: (height, width, 3) uint8 BGR, upright, transparent parts on white.

    One is decoded at a time, however many there are. Raises ValueError, its text fit to follow a file's name.
    """
    size = read_any_header(data).size
    assert size is not None  # noqa: S101 - the header of a WebP tells it
    turn = stored_turn("WebP", data)
    canvas = np.zeros((size.height, size.width, 4), np.uint8)
    for part in parts(data):
        if part.left + part.size.width > size.width or part.top + part.size.height > size.height:
            raise ValueError(_("is damaged: a picture lies outside of it"))
        place = canvas[part.top : part.top + part.size.height, part.left : part.left + part.size.width]
        drawn = _decoded(data, part)
        if part.flags & _REPLACES:
            place[:] = drawn
        else:
            _blend(drawn, place)
        yield turned(on_white(canvas), turn)
        if part.flags & _DISAPPEARS:
            place[:] = 0


def _part(data: bytes, begin: int, end: int) -> _Part:
    numbers = [int.from_bytes(data[begin + at : begin + at + 3], "little") for at in range(0, 15, 3)]
    if end - begin < 24:
        raise ValueError(_("is cut short"))
    left, top, width, height, duration_ms = numbers
    duration_ms = duration_ms if duration_ms > _LEAST_MS else _USUAL_MS
    size = Size(width + 1, height + 1)
    check_size(size)
    return _Part(left * 2, top * 2, size, duration_ms, data[begin + 15], begin + 16, end)


def _decoded(data: bytes, part: _Part) -> NDArray[np.uint8]:
    """Return one picture as (height, width, 4) BGRA, read as a WebP file of its own."""
    chunks = data[part.begin : part.end]
    wide, high = part.size.width - 1, part.size.height - 1
    has_alpha = 0x10 if chunks[:4] == b"ALPH" else 0
    head = struct.pack("<4sIIHBHB", b"VP8X", 10, has_alpha, wide & 0xFFFF, wide >> 16, high & 0xFFFF, high >> 16)
    body = b"WEBP" + (head if has_alpha else b"") + chunks
    alone = b"RIFF" + struct.pack("<I", len(body)) + body
    if read_any_header(alone).size != part.size:
        raise ValueError(_("is damaged: a picture in it is not as large as it says"))
    try:
        stored = cv2.imdecode(np.frombuffer(alone, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        stored = None
    if stored is None or stored.ndim != 3 or stored.shape[1::-1] != part.size:
        raise ValueError(_("is damaged: a picture in it cannot be decoded"))
    if stored.shape[2] == 3:
        stored = cv2.cvtColor(stored, cv2.COLOR_BGR2BGRA)
    return np.asarray(stored, np.uint8)


def _blend(drawn: NDArray[np.uint8], place: NDArray[np.uint8]) -> None:
    """Draw a picture with transparency over what is there, which may be transparent itself."""
    for over, under in zip(
        drawn, place, strict=True
    ):  # row by row: in numbers with a point they are four times as large
        upper, lower = over[:, 3:] / np.float32(255), under[:, 3:] / np.float32(255)
        rest = lower * (1 - upper)
        opacity = upper + rest
        colour = over[:, :3] * upper + under[:, :3] * rest
        under[:, :3] = np.rint(colour / np.maximum(opacity, np.float32(1e-6)))
        under[:, 3:] = np.rint(opacity * 255)
