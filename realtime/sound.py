"""Sound of recorded material: carried over beside new pictures, unchanged where the container can hold it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from realtime.errors import OutputError
from realtime.files import written_whole

# What an MP4 or MOV may hold without being encoded again; Matroska holds them too.
_COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus", "flac"})


def has_sound(path: Path) -> bool:
    """Whether a file has a sound track that can be read."""
    try:
        with av.open(str(path)) as container:
            return bool(container.streams.audio)
    except (av.FFmpegError, OSError):
        return False


def with_sound_of(source: Path, pictures: Path, result: Path) -> None:
    """Write `result`: the video of `pictures` and the sound of `source`, cut where the pictures end.

    Both are copied packet by packet; a sound format that the container cannot hold is encoded as AAC. `result` may
    be `pictures`. Raises OutputError.
    """
    try:
        with written_whole(result) as unfinished:
            _join(source, pictures, unfinished)
    except av.FFmpegError as error:
        raise OutputError(f"the sound of {source} cannot be kept: {error.strerror}; try another container") from error


def _join(source: Path, pictures: Path, result: Path) -> None:
    options = {} if result.suffix.lower() == ".mkv" else {"movflags": "+faststart"}  # Matroska has no such thing
    with (
        av.open(str(pictures)) as video_in,
        av.open(str(source)) as sound_in,
        av.open(str(result), "w", options=options) as out,
    ):
        out.metadata.update(video_in.metadata)
        video_stream, sound_stream = video_in.streams.video[0], sound_in.streams.audio[0]
        video_out = out.add_stream_from_template(video_stream)
        if video_stream.average_rate:  # which the template leaves out: Matroska would tell 1000 frames a second
            video_out.codec_context.framerate = video_stream.average_rate
        copied = sound_stream.codec_context.name in _COPIED
        sound_out: AudioStream = (
            out.add_stream_from_template(sound_stream) if copied else out.add_stream("aac", rate=sound_stream.rate)
        )
        ends_s = (video_in.duration or 0) / av.time_base
        begins_s = _first_picture_s(source)  # pictures are recorded from 0 on: sound moves with them
        # Merged by time, so that a player finds the sound of a moment beside its picture.
        for _, packet in heapq.merge(
            _by_time(video_in, video_stream), _by_time(sound_in, sound_stream, begins_s), key=lambda item: item[0]
        ):
            if packet.stream is video_stream:
                packet.stream = video_out
                out.mux(packet)
            elif packet.dts < 0 or packet.dts * packet.time_base >= ends_s:
                continue
            elif copied:
                packet.stream = sound_out
                out.mux(packet)
            else:
                for frame in packet.decode():
                    out.mux(sound_out.encode(frame))
        if not copied:
            out.mux(sound_out.encode(None))


def _first_picture_s(source: Path) -> float:
    """When the first picture of a file is shown, on the file's own clock."""
    with av.open(str(source)) as container:
        stream = container.streams.video[0] if container.streams.video else None
        if stream is None or stream.start_time is None or stream.time_base is None:
            return 0.0
        return float(stream.start_time * stream.time_base)


def _by_time(container: InputContainer, stream: Stream, begins_s: float = 0.0) -> Iterator[tuple[float, Any]]:
    """Yield time and packet; `begins_s` on the container's clock becomes 0."""
    for packet in container.demux(stream):
        if packet.dts is None or packet.time_base is None:  # the last, empty packet has none
            continue
        if begins_s:
            shift = round(begins_s / packet.time_base)
            packet.dts -= shift
            packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        yield float(packet.dts * packet.time_base), packet
