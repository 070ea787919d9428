"""The chunks a PNG file is made of (ISO/IEC 15948): each a length, a name of four letters, content and check sum."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER_BYTES = 33
"""The signature and the first chunk, IHDR: 8 + 4 + 4 + 13 + 4."""
FRAME_BYTES = 12
"""Of a chunk, besides its content."""


class Chunk(NamedTuple):
    """Where a chunk lies in its file; neither its content nor its check sum has been looked at."""

    name: bytes
    begin: int
    """Of the content."""
    end: int
    """Of the content; the check sum follows. In a file that is cut short it may lie beyond the file's end."""


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yield a PNG file's chunks in their order, as far as it goes. In between, the file may be read anywhere."""
    at = len(SIGNATURE)
    while True:
        file.seek(at)
        head = file.read(FRAME_BYTES)
        if len(head) < FRAME_BYTES:
            return
        length, name = struct.unpack_from(">I4s", head)
        yield Chunk(name, at + 8, at + 8 + length)
        at += FRAME_BYTES + length


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a whole chunk."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
