"""What a film tells of how it was made, and how that is corrected in a film that has begun.

A recording says it twice. In words, with IPTC's term behind them, in the comment that stands at the file's beginning:
it is there from the first second on, whatever becomes of the program. And, in MP4 and MOV, in a packet of XMP behind
everything else, which is added when the recording is finished.

An effect that is chosen with a key may make a recording synthetic that was none when it began. FFmpeg writes the
comment once, so it is written with room to spare, and changed in its place: there at once, and in the index at the end.
"""

from __future__ import annotations

import datetime
import os
from typing import BinaryIO

from realtime.imaging.provenance import ALTERED, PROGRAM, SYNTHETIC, Provenance

_ROOM_BYTES = 240  # for effects that come later: some five of them
_TERM_BYTES = max(len(ALTERED), len(SYNTHETIC))
_NOT_STATED = "not stated"
_SEARCHED_BYTES = 1 << 16  # at both ends of the file: the comment lies in the first 2 kB, or in the last


class FilmTags:
    """Used by one thread."""

    def __init__(self, provenance: Provenance, *, has_free_tags: bool) -> None:
        """`has_free_tags`: the container takes tags of any name (Matroska), so that IPTC's term gets one of its own."""
        self.provenance = provenance
        self.tags: dict[str, str] = {
            "title": provenance.title,
            "comment": _padded(provenance.told(), len(provenance.told().encode()) + _ROOM_BYTES),
            "encoding_tool": PROGRAM,
            "creation_time": datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds"),
        }
        """To be given to the container before it is opened."""
        if has_free_tags:
            self.tags["digital_source_type"] = _padded(provenance.source_type or _NOT_STATED, _TERM_BYTES)
        self._written = dict(self.tags)
        self._is_current = True

    def add(self, provenance: Provenance) -> None:
        """Tell of another part of the film too."""
        together = self.provenance.together_with(provenance)
        if together == self.provenance:
            return
        self.provenance, self._is_current = together, False
        self.tags["comment"] = _padded(together.told(), len(self._written["comment"].encode()))
        if "digital_source_type" in self.tags:
            self.tags["digital_source_type"] = _padded(together.source_type or _NOT_STATED, _TERM_BYTES)

    def correct(self, file: BinaryIO, *, finished: bool = False) -> None:
        """Bring what has been written up to date, where it is not; the file's position stays. Raises OSError.

        `finished`: FFmpeg has written everything, and once more what it was told in the beginning.
        """
        if self._is_current and not (finished and self.tags != self._written):
            return
        position = file.tell()
        end = file.seek(0, os.SEEK_END)
        for name, written in self._written.items():
            if written != self.tags[name]:
                for begin in {0, max(0, end - _SEARCHED_BYTES)}:
                    self._replace(file, begin, written.encode(), self.tags[name].encode())
        file.seek(position)

    def _replace(self, file: BinaryIO, begin: int, before: bytes, after: bytes) -> None:
        file.seek(begin)
        data = file.read(_SEARCHED_BYTES)
        found = data.find(before)
        while found >= 0:
            file.seek(begin + found)
            file.write(after)
            self._is_current = True  # until then the beginning waits in FFmpeg's buffer
            found = data.find(before, found + len(before))


def _padded(text: str, length_bytes: int) -> str:
    """Return the text with spaces behind it, or cut, so that it is so many bytes in UTF-8."""
    encoded = text.encode()
    if len(encoded) > length_bytes:  # what must not be missing is the term at its end
        end = f" …; {text.rpartition('; ')[2]}".encode()
        encoded = encoded[: length_bytes - len(end)].decode(errors="ignore").encode() + end
    return encoded.ljust(length_bytes).decode()
