"""What a file is by its first bytes, whatever its name says: a picture, and of which size; or one that moves.

A decoder allocates what a header claims: 200 bytes may claim 4 gigapixels. So the size is read first, here.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from realtime.core.language import _
from realtime.imaging.frame import Size
from realtime.imaging.png import chunks
from realtime.picture_files.exif import Turn, orientation_in_exif, tiff_tags, turn_of_orientation
from realtime.picture_files.header import MAX_PICTURE_PX, common_kind, read_header

HEAD_BYTES = 64
"""So many first bytes tell the kind."""

_STREAMS_OF_JPEGS = frozenset({".mjpeg", ".mjpg"})
_PHOTO_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"avif"})
_SEQUENCE_BRANDS = frozenset({b"avis", b"msf1", b"hevc", b"hevx"})
_WIDTH, _HEIGHT, _BITS, _EXTRA_SAMPLES = 0x0100, 0x0101, 0x0102, 0x0152
_WEBP_MOVES = 0x02


class Header(NamedTuple):
    """What the first bytes of a picture say."""

    kind: str
    """`PNG`, `JPEG`, `WebP`, `GIF`, `BMP`, `TIFF`, `PNM`, `JPEG 2000` or `HEIF` (HEIC and AVIF)."""
    size: Size | None
    """As stored, before it is turned; None where only the boxes of a HEIF tell."""


def kind_of_picture(head: bytes) -> str | None:
    """Return the kind of picture that a file's first bytes announce, None for anything else."""
    if (common := common_kind(head)) is not None:
        return common
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return "TIFF"
    if head[:2] == b"BM" and head[14:18] in {struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124)}:
        return "BMP"
    if re.match(rb"P[1-7]\s", head) or re.match(rb"P[fF]\n", head):
        return "PNM"
    if head.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "JPEG 2000"
    if head[4:8] == b"ftyp" and _brands(head) & _PHOTO_BRANDS:
        return "HEIF"
    return None


def is_picture_file(path: Path) -> bool:
    """Tell whether a file is a picture, one that moves or not. Raises OSError."""
    if path.suffix.lower() in _STREAMS_OF_JPEGS:
        return False
    with path.open("rb") as file:
        return kind_of_picture(file.read(HEAD_BYTES)) is not None


def moving_kind(path: Path) -> str | None:
    """Return the kind of a file whose pictures move (`GIF`, `PNG`, `WebP`, `HEIF`); None for anything else. Raises
    OSError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        kind = kind_of_picture(head)
        if kind == "HEIF":
            return kind if _brands(head) & _SEQUENCE_BRANDS else None
        if kind not in ("GIF", "PNG", "WebP"):
            return None
        data = head + file.read()
    try:
        count = {"GIF": _gif_pictures, "PNG": _png_pictures, "WebP": _webp_pictures}[kind](data)
    except (struct.error, IndexError):  # cut short: whoever reads it says so
        return None
    return kind if count > 1 else None


def read_any_header(data: bytes) -> Header:
    """Return what a picture file's header says. Raises ValueError, its text fit to follow a file's name: for what is no
    picture, and for one of more pixels than a picture may have.
    """
    kind = kind_of_picture(data[:HEAD_BYTES])
    if kind is None:
        raise ValueError(
            _("is no picture that can be read; save it as PNG, JPEG, WebP or TIFF") if data else _("is empty")
        )
    try:
        size = _size(kind, data)
    except (struct.error, IndexError):
        raise ValueError(_("is cut short")) from None
    if size is not None:
        check_size(size)
    return Header(kind, size)


def check_size(size: Size) -> None:
    """Raise ValueError, fit to follow a file's name, for a size that no picture may have."""
    if min(size) < 1:
        raise ValueError(_("is damaged: it says it is {size}", size=size))
    if size.width * size.height > MAX_PICTURE_PX:
        raise ValueError(
            _(
                "says it is {size}; a picture may have {most_megapixels} megapixels",
                size=size,
                most_megapixels=MAX_PICTURE_PX // 10**6,
            )
        )


def stored_turn(kind: str, data: bytes) -> Turn:
    """Return how a PNG or WebP asks to be turned, which OpenCV leaves out where it gives transparency. (JPEGs have
    none, and a TIFF it turns always.)
    """
    try:
        if kind == "PNG":
            exif = next((data[at:end] for name, at, end in chunks(io.BytesIO(data)) if name == b"eXIf"), b"")
        elif kind == "WebP":
            exif = next((data[at:end] for name, at, end in webp_chunks(data) if name == b"EXIF"), b"")
        else:
            exif = b""
        return turn_of_orientation(orientation_in_exif(exif))
    except (struct.error, ValueError, IndexError):
        return Turn()


def may_be_transparent(kind: str, data: bytes) -> bool:
    """Tell whether a picture may have transparent parts, without decoding it."""
    if kind == "PNG":
        has_alpha = data[25] in (4, 6)  # grey or colour with opacity
        return has_alpha or any(name == b"tRNS" for name, _, _ in chunks(io.BytesIO(data)))
    return kind in ("WebP", "TIFF", "GIF", "BMP", "PNM", "JPEG 2000")


def is_premultiplied(kind: str, data: bytes) -> bool:
    """Tell whether OpenCV gives a picture's colours already dimmed by their opacity: those of a TIFF that says that it
    keeps them so, and those of 8 bits in which it says the contrary (libtiff does it).
    """
    if kind != "TIFF":
        return False
    tags = dict(tiff_tags(data))
    extra, bits = tags.get(_EXTRA_SAMPLES, (0,))[0], tags.get(_BITS, (8,))[0]
    return extra == 1 or (extra == 2 and bits == 8)


def webp_chunks(data: bytes, at: int = 12, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, begin and end of what each chunk of a WebP file holds, of the whole file or of a part of it."""
    end = len(data) if end is None else end
    while at + 8 <= end:
        name, length = struct.unpack_from("<4sI", data, at)
        yield name, at + 8, min(at + 8 + length, end)
        at += 8 + length + length % 2


def _size(kind: str, data: bytes) -> Size | None:
    if kind in ("PNG", "JPEG", "WebP"):
        return read_header(data).size
    if kind == "GIF":
        return Size(*struct.unpack_from("<HH", data, 6))
    if kind == "BMP":
        old = struct.unpack_from("<I", data, 14)[0] == 12
        width, height = struct.unpack_from("<HH" if old else "<ii", data, 18)
        return Size(abs(width), abs(height))
    if kind == "TIFF":
        tags = dict(tiff_tags(data))
        if not tags.get(_WIDTH) or not tags.get(_HEIGHT):
            raise ValueError(_("is damaged: it does not say how large it is"))
        return Size(tags[_WIDTH][0], tags[_HEIGHT][0])
    if kind == "PNM":
        return _pnm_size(data)
    if kind == "JPEG 2000":
        return _jpeg2000_size(data)
    return None


def _pnm_size(data: bytes) -> Size:
    head = re.sub(rb"#[^\n]*", b"", data[:4096])
    if head.startswith(b"P7"):
        found = [re.search(rb"\b%s\s+(\d{1,9})\b" % word, head) for word in (b"WIDTH", b"HEIGHT")]
        numbers = [match[1] for match in found if match]
    else:
        match = re.match(rb"P.\s+(\d{1,9})\s+(\d{1,9})\s", head)
        numbers = list(match.groups()) if match else []
    if len(numbers) != 2:
        raise ValueError(_("is cut short"))
    return Size(int(numbers[0]), int(numbers[1]))


def _jpeg2000_size(data: bytes) -> Size:
    if data.startswith(b"\xff\x4f"):
        right, bottom, left, top = struct.unpack_from(">IIII", data, 8)
        return Size(right - left, bottom - top)
    at = data.index(b"ihdr", 0, 4096) if b"ihdr" in data[:4096] else len(data)
    height, width = struct.unpack_from(">II", data, at + 4)
    return Size(width, height)


def _brands(head: bytes) -> set[bytes]:
    """Return what an ISO file (MP4, HEIC, AVIF …) says it is."""
    (length,) = struct.unpack_from(">I", head)
    end = min(length, len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))}


def _png_pictures(data: bytes) -> int:
    for name, at, _unused in chunks(io.BytesIO(data)):
        if name == b"acTL":
            return int(struct.unpack_from(">I", data, at)[0])
        if name == b"IDAT":  # what tells of moving pictures stands before the first
            break
    return 1


def _webp_pictures(data: bytes) -> int:
    if data[12:16] != b"VP8X" or not data[20] & _WEBP_MOVES:
        return 1
    return sum(name == b"ANMF" for name, _, _ in webp_chunks(data))


def _gif_pictures(data: bytes) -> int:
    """Count to two."""
    at = 13 + (3 << (data[10] & 7) + 1 if data[10] & 0x80 else 0)
    count = 0
    while count < 2 and data[at] != 0x3B:
        if data[at] == 0x2C:
            count += 1
            flags = data[at + 9]
            at += 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
        elif data[at] == 0x21:
            at += 2
        else:
            break
        while data[at]:  # blocks, each with its length before it
            at += 1 + data[at]
        at += 1
    return count
