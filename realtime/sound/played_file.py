"""A file of sound, heard as if it were a microphone: in real time, and again from its beginning."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from realtime.core.errors import FAULTS, SoundError, in_one_line
from realtime.core.language import _
from realtime.sound.ring import Samples
from realtime.sound.streams import Heard, sound_memory

log = logging.getLogger(__name__)

_RATE = 48_000
_EVERY_S = 0.01
_BEHIND_S = 0.5
"""A machine that slept does not catch up: it goes on from now."""


class PlayedFile:
    """Plays a file into a ring, on a thread of its own."""

    def __init__(self, path: Path) -> None:
        """Raises SoundError for a file without sound."""
        self.name = path.name
        self.failure = ""
        self._path = path
        self._blocks = _blocks(path)
        self._first = _first(self._blocks, path)
        self.channels = self._first.shape[1]
        self.heard: Heard = sound_memory(_RATE, self.channels)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"playing {path.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop playing."""
        self._ending.set()
        self._thread.join(timeout=0.5)

    def _run(self) -> None:
        try:
            self._play()
        except FAULTS as error:
            self.failure = _("{name} plays no further: {reason}", name=self.name, reason=in_one_line(error))
            log.debug("playing %s", self._path, exc_info=error)

    def _play(self) -> None:
        ring, clock = self.heard
        began_s = time.monotonic()
        began_at = 0
        block: Samples | None = self._first
        while not self._ending.is_set():
            if block is None:
                self._blocks = _blocks(self._path)
                block = _first(self._blocks, self._path)
            ends_s = began_s + (ring.written + len(block) - began_at) / _RATE
            early_s = ends_s - time.monotonic()
            if early_s > 0 and self._ending.wait(max(early_s, _EVERY_S / 4)):
                return
            if early_s < -_BEHIND_S:
                began_s, began_at = time.monotonic() - len(block) / _RATE, ring.written
            clock.update(ring.written, began_s + (ring.written - began_at) / _RATE)
            ring.write(block)
            block = next(self._blocks, None)


def _first(blocks: Iterator[Samples], path: Path) -> Samples:
    block = next(blocks, None)
    if block is None:
        raise SoundError(_("{path} has no sound in it; name a file of sound, or a microphone", path=path))
    return block


def _blocks(path: Path) -> Iterator[Samples]:
    """Yield its sound in blocks of 10 ms, (480, 1 or 2), the last one shorter. Raises SoundError."""
    import av

    from realtime.video.container import open_film, sound_stream

    try:
        with open_film(path) as container:
            stream = sound_stream(container)
            if stream is None:
                return
            # One channel stays one: as two it would be 3 dB weaker.
            layout = "mono" if stream.layout.nb_channels == 1 else "stereo"
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=_RATE)
            size = round(_EVERY_S * _RATE)
            for packet in container.demux(stream):
                try:
                    decoded = packet.decode()
                except av.InvalidDataError:  # a damaged spot is passed over, as players do
                    continue
                for frame in decoded:
                    for piece in resampler.resample(frame):
                        samples = np.ascontiguousarray(piece.to_ndarray().T, dtype=np.float32)
                        yield from (samples[at : at + size] for at in range(0, len(samples), size))
    except (av.FFmpegError, OSError) as error:
        raise SoundError(
            _(
                "{path} cannot be played: {reason}",
                path=path,
                reason=getattr(error, "strerror", None) or in_one_line(error),
            )
        ) from error
