"""Sound of recorded material: carried over beside new pictures, unchanged where the container can hold it."""

from __future__ import annotations

import contextlib
import heapq
import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer

from realtime.core.errors import OutputError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.video.container import FilmClock, film_name, open_film, picture_stream, sound_stream

log = logging.getLogger(__name__)

_COPIED = {
    ".mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"}),
    ".mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac"}),
    ".webm": frozenset({"opus", "vorbis"}),
    ".mkv": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac", "vorbis", "dts", "truehd"}),
}
"""What a container may hold, and players find in it, without being encoded again."""


def has_sound(path: Path) -> bool:
    """Whether a file has a sound track, also one of a kind that is not known here: that must be told."""
    try:
        with open_film(path) as container:
            return sound_stream(container) is not None
    except (av.FFmpegError, OSError):
        return False


def with_sound_of(source: Path, pictures: Path, result: Path) -> None:
    """Write `result`: the video of `pictures` and the sound of `source`, cut where the pictures end.

    Both are copied packet by packet; a sound format that the container cannot hold is encoded as AAC, in WebM as Opus.
    `result` may be `pictures`. Raises OutputError.
    """
    try:
        with atomic_write(result) as unfinished:
            _join(source, pictures, unfinished)
    except (av.FFmpegError, ValueError) as error:
        raise _cannot_be_kept(source, error) from error


def _cannot_be_kept(source: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(
        _("the sound of {source} cannot be kept: {reason}; try another container", source=source, reason=reason)
    )


def _join(source: Path, pictures: Path, result: Path) -> None:
    options = (
        {} if result.suffix.lower() in (".mkv", ".webm") else {"movflags": "+faststart"}
    )  # Matroska has no such thing
    begins_s = _first_picture_s(source)  # pictures are recorded from 0 on: sound moves with them
    with (
        open_film(pictures) as video_in,
        open_film(source) as sound_in,
        av.open(film_name(result), "w", options=options) as out,
    ):
        out.metadata.update(video_in.metadata)
        video_stream, stream = video_in.streams.video[0], sound_stream(sound_in)
        assert stream is not None  # noqa: S101 - the caller has seen that there is one
        video_out = out.add_stream_from_template(video_stream)
        if video_stream.average_rate:  # which the template leaves out: Matroska would tell 1000 frames a second
            video_out.codec_context.framerate = video_stream.average_rate
        sound_out, copied = _add_stream(out, stream, result.suffix)
        ends_s = Fraction(video_in.duration or 0, av.time_base)
        # Merged by time, so that a player finds the sound of a moment beside its picture.
        for time_s, packet in heapq.merge(
            _pictures(video_in, video_stream), _sound(sound_in, stream, begins_s, ends_s), key=lambda item: item[0]
        ):
            if packet.stream is video_stream:
                packet.stream = video_out
                out.mux(packet)
            elif time_s < 0:
                continue
            elif copied:
                packet.stream = sound_out
                out.mux(packet)
            else:
                with contextlib.suppress(av.InvalidDataError):  # a damaged spot is silent, as it is in players
                    for frame in packet.decode():
                        out.mux(sound_out.encode(frame))
        if not copied:
            out.mux(sound_out.encode(None))


def _add_stream(out: OutputContainer, stream: AudioStream, suffix: str) -> tuple[AudioStream, bool]:
    """Add a track for the sound of `stream`; True where its packets are taken over as they are."""
    if stream.codec_context.codec.canonical_name in _COPIED[suffix.lower()]:
        return out.add_stream_from_template(stream), True
    if suffix.lower() == ".webm":
        return out.add_stream("libopus", rate=48_000, layout="mono" if stream.channels == 1 else "stereo"), False
    layout = _layout_for_aac(stream.layout)
    if layout != stream.layout.name and stream.layout.nb_channels != AudioLayout(layout).nb_channels:
        log.warning(
            _("the sound of %d channels (%s) is kept as %s"), stream.layout.nb_channels, stream.layout.name, layout
        )
    return out.add_stream("aac", rate=_rate_for_aac(stream.rate), layout=layout), False


def _layout_for_aac(layout: AudioLayout) -> str:
    """Return the layout of channels that AAC has for it: its own in most cases, else the usual one of as many."""
    usual = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}
    for name in (layout.name, usual.get(layout.nb_channels, "")):
        try:
            encoder = av.CodecContext.create("aac", "w")
            assert isinstance(encoder, av.AudioCodecContext)  # noqa: S101 - aac is sound
            encoder.sample_rate, encoder.format, encoder.layout = 48_000, "fltp", name
            encoder.open()
        except (av.FFmpegError, ValueError):
            continue
        return name
    return "stereo"


def _rate_for_aac(rate: int) -> int:
    """Return the sample rate of AAC that loses nothing, or the highest it has."""
    rates = sorted(av.Codec("aac", "w").audio_rates or [48_000])
    return next((possible for possible in rates if possible >= rate), rates[-1])


def _first_picture_s(source: Path) -> Fraction:
    """When the first picture of a film that can be decoded is shown, on the film's own clock; 0 of a sound file."""
    with open_film(source) as container:
        stream = picture_stream(container)
        if stream is None or stream.codec_context is None:
            return Fraction(0)
        clock = FilmClock(container)
        for packet in container.demux([stream, *filter(None, [sound_stream(container)])]):
            clock.mend(packet)
            if packet.stream_index != stream.index:
                continue
            with contextlib.suppress(av.InvalidDataError):
                for frame in packet.decode():
                    if isinstance(frame, av.VideoFrame) and frame.pts is not None and frame.time_base is not None:
                        return frame.pts * frame.time_base
        return Fraction(0)


def _pictures(container: InputContainer, stream: av.VideoStream) -> Iterator[tuple[Fraction, Any]]:
    for packet in container.demux(stream):
        if packet.dts is not None:  # the last, empty packet has none
            yield packet.dts * packet.time_base, packet


def _sound(
    container: InputContainer, stream: AudioStream, begins_s: Fraction, ends_s: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    """Yield time and packet up to `ends_s`; `begins_s` on the film's clock becomes 0. Times grow, as containers want
    them to.
    """
    clock = FilmClock(container)
    pictures = picture_stream(container)
    last: int | None = None
    for packet in container.demux([stream, *([pictures] if pictures is not None else [])]):
        clock.mend(packet)
        if packet.stream_index != stream.index or packet.dts is None:
            continue
        shift = round(begins_s / packet.time_base)
        packet.dts -= shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        if last is not None and packet.dts <= last:  # where two recordings were joined
            packet.dts = last + 1
            packet.pts = max(packet.pts, packet.dts)
        last = packet.dts
        time_s = packet.dts * packet.time_base
        if time_s >= ends_s:
            return
        yield time_s, packet
