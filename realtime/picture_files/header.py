"""What the first bytes of a picture file say, before anything is decoded: its kind, its size, whether it is
whole.

A decoder allocates what a header claims and fills what a damaged file lacks with grey. Both are decided here,
on the bytes: PNG by its chunks' check sums, JPEG by its end marker, WebP by its length.
"""

from __future__ import annotations

import io
import struct
import zlib
from typing import NamedTuple

from realtime.core.language import _
from realtime.imaging.frame import Size
from realtime.imaging.png import SIGNATURE, chunks

MAX_SIDE_PX = 16_383
MAX_PICTURE_PX = 80_000_000  # 240 MB decoded: beyond any painting one would show, well below a decompression bomb

MAX_FRAME_PX = 40_000_000
MAX_PACK_PX = 600_000_000
"""Of each of several pictures of a pack, and of all of them: every one is decoded, a few at a time, before the last is
shown. 33 heads of 18 megapixels fit; a few kilobytes that unpack to 33 of 79 took 1.4 GB and half a minute."""

_JPEG = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"
_JPEG_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0..15, less DHT, JPG and DAC


class PictureHeader(NamedTuple):
    """Kind (`PNG`, `JPEG` or `WebP`) and size as stored, before any rotation its EXIF data ask for."""

    kind: str
    size: Size


def read_header(data: bytes) -> PictureHeader:
    """Return what the file's header says. Raises ValueError, its text fit to follow a file's name."""
    kind = common_kind(data)
    if kind is None:
        raise ValueError(_("is no PNG, JPEG or WebP picture") if data else _("is empty"))
    try:
        return PictureHeader(kind, {"PNG": _png_size, "JPEG": _jpeg_size, "WebP": _webp_size}[kind](data))
    except (struct.error, IndexError):
        raise ValueError(_("is cut short")) from None


def common_kind(head: bytes) -> str | None:
    """Return `PNG`, `JPEG` or `WebP` where that is what a file's first bytes announce."""
    if head.startswith(SIGNATURE):
        return "PNG"
    if head.startswith(_JPEG):
        return "JPEG"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    return None


def check_whole(data: bytes) -> None:
    """Make sure that nothing of a picture file is missing. Raises ValueError, fit to follow a file's name.

    PNG: every chunk's check sum, so any changed byte is noticed. JPEG and WebP have none: only a missing end
    is.
    """
    kind = read_header(data).kind
    if kind == "PNG":
        _check_png(data)
    elif kind == "JPEG":
        # Telephones put thumbnails, with end markers of their own, before the picture, and bits and pieces
        # after it.
        if data.rfind(_JPEG_END) < len(data) // 2:
            raise ValueError(_("is cut short"))
    elif struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise ValueError(_("is cut short"))


def _check_png(data: bytes) -> None:
    view = memoryview(data)
    for name, begin, end in chunks(io.BytesIO(data)):
        if end + 4 > len(data):
            break
        if zlib.crc32(view[begin - 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise ValueError(_("is damaged"))
        if name == b"IEND":
            return
    raise ValueError(_("is cut short"))


def _png_size(data: bytes) -> Size:
    return Size(*struct.unpack_from(">II", data, 16))


def _jpeg_size(data: bytes) -> Size:
    at = 2
    while True:
        while data[at] == 0xFF:  # any number of fill bytes may stand before a marker
            at += 1
        marker = data[at]
        if marker in _JPEG_FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, at + 4)
            return Size(width, height)
        (length,) = struct.unpack_from(">H", data, at + 1)
        at += 1 + length
        if data[at] != 0xFF:
            raise ValueError(_("is damaged"))


def _webp_size(data: bytes) -> Size:
    form = data[12:16]
    if form == b"VP8X":  # extended: two 24-bit numbers, each one less than the side
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return Size((high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1)
    if form == b"VP8L":  # lossless: 14 bits each, after one signature byte
        (bits,) = struct.unpack_from("<I", data, 21)
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    width, height = struct.unpack_from("<HH", data, 26)  # lossy: after the frame tag and the start code
    return Size(width & 0x3FFF, height & 0x3FFF)
