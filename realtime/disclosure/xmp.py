"""XMP, the metadata that Adobe, IPTC, ExifTool and C2PA agree on: the packet, and where files keep it.

ISO 16684-1 says what a packet is; part 3 of Adobe's XMP specification where PNG, JPEG, MP4 and MOV hold one. Nothing
here knows what is told: that is `provenance.py`'s.
"""

from __future__ import annotations

import datetime
import os
import re
import struct
import uuid
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

from realtime.core.files import write_all
from realtime.core.frame_rates import exact_rate
from realtime.imaging.png import HEADER_BYTES, SIGNATURE, chunk, chunks
from realtime.imaging.provenance import PROGRAM, Provenance

_KEYWORD = b"XML:com.adobe.xmp"
_JPEG_NAMESPACE = b"http://ns.adobe.com/xap/1.0/\0"
_LONGEST_SEGMENT_BYTES = 65_535
_BOX_TYPE = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_BOX_HEADER_BYTES = 24
_LARGEST_PACKET_BYTES = 1 << 20

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
    xmlns:xmpDM="http://ns.adobe.com/xmp/1.0/DynamicMedia/"
    xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <xmp:CreatorTool>{program}</xmp:CreatorTool>
   <xmp:CreateDate>{made_at}</xmp:CreateDate>
   <dc:description><rdf:Alt><rdf:li xml:lang="x-default">{told}</rdf:li></rdf:Alt></dc:description>
{source_type}{frame_rate}{history}  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
_SOURCE_TYPE = "   <Iptc4xmpExt:DigitalSourceType>{}</Iptc4xmpExt:DigitalSourceType>\n"
_FRAME_RATE = "   <xmpDM:videoFrameRate>{:.6g}</xmpDM:videoFrameRate>\n"
_FRAME_RATE_READ = re.compile(rb"videoFrameRate(?:>|=[\"'])([0-9]+(?:\.[0-9]+)?)[<\"']")
_HISTORY = "   <xmpMM:History><rdf:Seq>\n{}   </rdf:Seq></xmpMM:History>\n"
_EVENT = (
    '    <rdf:li rdf:parseType="Resource"><stEvt:action>edited</stEvt:action><stEvt:when>{made_at}</stEvt:when>'
    "<stEvt:softwareAgent>{program}</stEvt:softwareAgent><stEvt:parameters>effect {effect}</stEvt:parameters>"
    "</rdf:li>\n"
)


def packet(provenance: Provenance, made_at: datetime.datetime | None = None, *, fps: float | None = None) -> bytes:
    """Return the packet as UTF-8. `made_at`: with its time zone; None: now. `fps`: of the film that the picture is
    one of.
    """
    moment = (made_at or datetime.datetime.now().astimezone()).isoformat(timespec="seconds")
    program = escape(PROGRAM)
    events = "".join(
        _EVENT.format(made_at=moment, program=program, effect=escape(effect))
        for effect in provenance.effects
        if effect != "none"
    )
    text = _PACKET.format(
        program=program,
        made_at=moment,
        told=escape(provenance.told()),
        source_type=_SOURCE_TYPE.format(escape(provenance.source_type)) if provenance.source_type else "",
        frame_rate=_FRAME_RATE.format(fps) if fps else "",
        history=_HISTORY.format(events) if events else "",
    )
    return text.encode()


def png_with(png: bytes | memoryview, xmp: bytes) -> bytes:
    """Return an encoded PNG with a packet in it, before its pixels, where readers look."""
    text = _KEYWORD + b"\0\0\0\0\0" + xmp  # not compressed, no language, no translated keyword
    return b"".join((png[:HEADER_BYTES], chunk(b"iTXt", text), png[HEADER_BYTES:]))


def jpeg_with(jpeg: bytes, xmp: bytes) -> bytes:
    """Return an encoded JPEG with a packet in it, as its first segment. A packet that is too long for one, over 65,502
    bytes, is left out.
    """
    content = _JPEG_NAMESPACE + xmp
    if len(content) + 2 > _LONGEST_SEGMENT_BYTES:
        return jpeg
    return b"".join((jpeg[:2], struct.pack(">2sH", b"\xff\xe1", len(content) + 2), content, jpeg[2:]))


def append_box(file: BinaryIO, xmp: bytes) -> None:
    """Put a packet at the end of an MP4 or MOV file, as a box of its own that players skip. Raises OSError."""
    file.seek(0, os.SEEK_END)
    box = struct.pack(">I4s", _BOX_HEADER_BYTES + len(xmp), b"uuid") + _BOX_TYPE + xmp
    write_all(file, box)


def frame_rate_in(xmp: bytes) -> float | None:
    """Return the frames per second a packet tells of, as element or attribute; None where it tells none."""
    found = _FRAME_RATE_READ.search(xmp)
    return exact_rate(float(found[1])) if found else None


def found_in(path: Path) -> bytes:
    """Return the packet a PNG, MP4 or MOV file carries; empty where it carries none or is something else."""
    try:
        with path.open("rb") as file:
            return _in_png(file) if file.read(8) == SIGNATURE else _in_boxes(file)
    except (OSError, struct.error):
        return b""


def _in_png(file: BinaryIO) -> bytes:
    for name, begin, end in chunks(file):
        if name in (b"IDAT", b"IEND"):
            break
        if name == b"iTXt" and end - begin < _LARGEST_PACKET_BYTES:
            file.seek(begin)
            keyword, _, rest = file.read(end - begin).partition(b"\0")
            is_plain = rest[:1] == b"\0"
            if keyword == _KEYWORD and is_plain:
                return rest[2:].split(b"\0", 2)[2]
    return b""


def _in_boxes(file: BinaryIO) -> bytes:
    end = file.seek(0, os.SEEK_END)
    position = 0
    while position + 8 <= end:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        elif kind == b"uuid" and length < _LARGEST_PACKET_BYTES and file.read(16) == _BOX_TYPE:
            return file.read(length - _BOX_HEADER_BYTES)
        if length < 8:  # 0: to the end of the file. Anything else: no such file
            return b""
        position += length
    return b""
