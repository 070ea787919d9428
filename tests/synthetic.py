"""A synthetic effect for tests, and how the metadata of files are read without our own code."""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpDM": "http://ns.adobe.com/xmp/1.0/DynamicMedia/",
    "stEvt": "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


class Swapped(Effect):
    """Shows the negative of whoever is there, and calls it synthetic. `fails_from`: from that frame on it fails."""

    synthetic = True
    hides_identity = True

    @dataclasses.dataclass(frozen=True)
    class Settings:
        pass

    def __init__(self, fails_from: int | None = None) -> None:
        self._fails_from = fails_from
        self._count = 0

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Swapped:
        return cls()

    def make(self, scene: Scene) -> Frame:
        frame = scene.frame
        self._count += 1
        if self._fails_from is not None and self._count > self._fails_from:
            raise RuntimeError("a bug in an effect")
        return frame.with_pixels(~frame.pixels)


class Painted(Swapped):
    """The same, as a style does it: what the camera saw, altered."""

    synthetic = False
    hides_identity = False


def boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the type and content of every box at the top level of an MP4 or MOV file."""
    position = 0
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        header = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        assert length >= header, "a box that is none"
        assert position + length <= len(data), "a box reaches beyond the file"
        yield kind.decode(), data[position + header : position + length]
        position += length


def xmp_of_film(path: Path) -> bytes:
    """Return the packet of an MP4 or MOV file."""
    found = [content for kind, content in boxes(path.read_bytes()) if kind == "uuid" and content[:16] == _XMP_BOX]
    assert len(found) == 1
    return found[0][16:]


def xmp_of_png(data: bytes) -> bytes:
    """Return the packet of a PNG, every checksum looked at."""
    position, found = 8, []
    kinds = []
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 4 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length) == (zlib.crc32(body),)
        kinds.append(kind)
        if kind == b"iTXt":
            keyword, rest = body[4:].split(b"\0", 1)
            assert keyword == b"XML:com.adobe.xmp"
            assert rest[:4] == b"\0\0\0\0", "not compressed, no language, no translation"
            found.append(rest[4:])
        position += 12 + length
    assert kinds[0] == b"IHDR"
    assert kinds.index(b"iTXt") < kinds.index(b"IDAT")
    assert len(found) == 1
    return found[0]


def told_in(xmp: bytes) -> dict[str, list[str]]:
    """Return every text of a packet by the name of its element, without namespaces that nobody knows."""
    told: dict[str, list[str]] = {}
    short = {f"{{{uri}}}": f"{name}:" for name, uri in _NAMES.items()}
    for element in ElementTree.fromstring(xmp.decode("utf-8")).iter():  # noqa: S314 - our own file
        uri, _, local = element.tag.rpartition("}")
        if element.text and element.text.strip():
            told.setdefault(short.get(uri + "}", "?:") + local, []).append(element.text.strip())
    return told
