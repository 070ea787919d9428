"""Film files as FFmpeg opens them: by name, which of their tracks count, and one clock for all of these."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

MAX_PICTURE_PX = 80_000_000
"""Of a picture in a film; a header of a few bytes may claim 4 gigapixels, and a decoder believes it."""

OPTIONS = {"max_pixels": str(MAX_PICTURE_PX)}
"""What every file is opened with: decoders refuse larger pictures, also those that come later on."""

_COVERS = frozenset({"mjpeg", "png", "bmp", "gif", "webp", "tiff"})
_TS_DISCONT = 0x0200  # FFmpeg's AVFMT_TS_DISCONT
_LEAP_S = 10
_RESTART_S = Fraction(1, 10)
# FFmpeg's own measures (-dts_delta_threshold; a tenth of a second backwards): by them its tools join what was joined.


def open_film(path: Path) -> InputContainer:
    """Open a film or a sound file for reading. Raises OSError or av.FFmpegError.

    The name is a file's whatever is in it: `10:30 meeting.mp4` speaks no protocol called `10`. Titles that are not
    UTF-8, as in old AVI files, are no reason to refuse a film.
    """
    return av.open(film_name(path), metadata_errors="ignore", options=OPTIONS)


def film_name(path: Path) -> str:
    """Return a path as FFmpeg takes it for a file's name and nothing else."""
    return f"file:{path}"


def picture_stream(container: InputContainer) -> av.VideoStream | None:
    """Return the track whose pictures are the film: not the cover of a song, which is one picture and comes first in
    many files. None where there is none.
    """
    best = container.streams.best("video")
    # tty: FFmpeg takes any text for an animation in characters.
    if not isinstance(best, av.VideoStream) or container.format.name == "tty":
        return None
    films = [stream for stream in container.streams.video if not _is_cover(stream)]
    if best.codec_context is not None and best.codec_context.name in _COVERS:  # often not marked as what it is
        films = [s for s in films if s.codec_context is not None and s.codec_context.name not in _COVERS] or films
    return best if best in films else films[0] if films else None


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Return the sound track that players take: the one marked as default, else the fullest. None: there is none."""
    stream = container.streams.best("audio")
    return stream if isinstance(stream, AudioStream) else None


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


class FilmClock:
    """Makes the times of a film's packets run on where they start anew or leap, as in joined transport streams.

    By FFmpeg's own measures: a packet that lies 0.1 s or more before the one before it of its track, or, in
    formats made for broadcasting, 10 s away from where it belongs, moves there, and everything after it by as much,
    sound and pictures alike. Where two recordings meet, packets of the first may still follow those of the second; each
    track changes over with its own. Every packet of the tracks that count must come by, in the order of the file. Used
    by one thread.
    """

    def __init__(self, container: InputContainer) -> None:
        self.may_leap = bool(container.format.flags & _TS_DISCONT)
        """Whether the format is one of those in which times may start anew."""
        self.sound_ends_s: Fraction | None = None
        """When the last packet of sound that came by ends; None before the first."""
        self._latest_offset_s = Fraction(0)
        self._offsets_s: dict[int, Fraction] = {}  # by track, as the two below
        self._last_s: dict[int, Fraction] = {}
        self._expected_s: dict[int, Fraction] = {}
        self._newest_s: Fraction | None = None

    def mend(self, packet: Packet[Stream]) -> None:
        """Give a packet its time on the clock that runs on."""
        base, index = packet.time_base, packet.stream_index
        if not base:
            return
        if packet.dts is not None:
            self._offsets_s[index] = self._offset_s(index, packet.dts * base)
        offset_s = self._offsets_s.get(index, self._latest_offset_s)
        if offset_s:
            ticks = round(offset_s / base)
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.pts = None if packet.pts is None else packet.pts + ticks
        if packet.dts is None:
            return
        time_s = packet.dts * base
        ends_s = time_s + (packet.duration or 0) * base
        self._last_s[index] = self._newest_s = time_s
        self._expected_s[index] = ends_s
        if isinstance(packet.stream, AudioStream) and not packet.is_discard:  # by an edit list, which leaves it out
            self.sound_ends_s = max(ends_s, self.sound_ends_s or Fraction(0))

    def _offset_s(self, index: int, stated_s: Fraction) -> Fraction:
        """Return what is to be added to a time that the file states."""
        own_s = self._offsets_s.get(index, self._latest_offset_s)
        for offset_s in (own_s, self._latest_offset_s):
            if not self._gap_s(index, stated_s + offset_s):
                return offset_s
        self._latest_offset_s = own_s - self._gap_s(index, stated_s + own_s)
        return self._latest_offset_s

    def _gap_s(self, index: int, time_s: Fraction) -> Fraction:
        """Return by how much a time lies away from where it belongs; 0 where it may be true."""
        belongs_s = self._expected_s.get(index, self._newest_s)
        if belongs_s is None:
            return Fraction(0)
        gap_s = time_s - belongs_s
        starts_anew = index in self._last_s and time_s + _RESTART_S < self._last_s[index]
        return gap_s if starts_anew or (self.may_leap and abs(gap_s) > _LEAP_S) else Fraction(0)
