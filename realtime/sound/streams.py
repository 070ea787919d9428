"""An open microphone and an open loudspeaker, each with the times of its samples. Callbacks are PortAudio's threads."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from realtime.core.errors import FAULTS, OnceLogger, SoundError, in_one_line
from realtime.core.language import _
from realtime.sound.delay import DelayTarget, LeastDelay
from realtime.sound.delayed_reader import DelayedReader
from realtime.sound.devices import Device, Direction, find, portaudio, rate_of
from realtime.sound.ring import Ring, Samples
from realtime.sound.sample_clock import SampleClock
from realtime.sound.sound_server import choose
from realtime.system.processor_share import CountedTime

log = logging.getLogger(__name__)

KEPT_S = 8.0
"""Of a microphone's sound: the longest delay, twice."""
_LATENCY_S = 0.04
"""Asked of each device. It must outlast what a callback waits for Python, some 10 ms, and for a busy machine."""
_STEPPED_S = 0.05
_STOPPED_AFTER_S = 2.0
_LATE_S = 0.5


class Heard(NamedTuple):
    """Sound that is being heard, and when each sample of it was."""

    ring: Ring
    clock: SampleClock


def sound_memory(rate: float, channels: int) -> Heard:
    """Return an empty one."""
    return Heard(Ring(channels, int(KEPT_S * rate)), SampleClock(rate))


class StreamTimes:
    """PortAudio's clock against `time.monotonic`: another one on most systems, Linux' wall clock for example."""

    def __init__(self) -> None:
        self._ahead_s: float | None = None

    def look(self, stream: Any) -> None:
        """[keeper] Compare the clocks now; a comparison that was interrupted counts for nothing."""
        before_s = time.monotonic()
        stream_s = stream.time
        after_s = time.monotonic()
        if stream_s and after_s - before_s < 0.001:
            self._ahead_s = stream_s - (before_s + after_s) / 2

    def of(self, moment_s: float, current_s: float, otherwise_s: float) -> float:
        """[callback] Return a moment of the stream's clock on ours. `otherwise_s`: for drivers that tell no times."""
        if not moment_s or not current_s:
            return otherwise_s
        ahead_s = current_s - time.monotonic()
        if self._ahead_s is None or abs(ahead_s - self._ahead_s) > _STEPPED_S:
            self._ahead_s = ahead_s  # somebody set the wall clock
        return moment_s - self._ahead_s


class Silence:
    """For how long a device has not called. Time in which the machine starves us counts by the share that we got: an
    output that only starved was closed and opened anew, which made it starve the more. One thread.
    """

    def __init__(self, began_s: float, counted: CountedTime | None = None) -> None:
        """`began_s`: now, on `time.monotonic`'s clock, as all times here."""
        self._counted = CountedTime() if counted is None else counted
        self._asked_at_s = began_s
        self._silent_s = 0.0

    def of(self, called_at_s: float, now_s: float) -> float:
        """Return how many seconds of silence count by now. `called_at_s`: when it called last."""
        passed_s = self._counted.of(now_s - self._asked_at_s)
        self._silent_s = 0.0 if called_at_s >= self._asked_at_s else self._silent_s + passed_s
        self._counted.look(is_late=now_s - called_at_s > _LATE_S)
        self._asked_at_s = now_s
        return self._silent_s


class _Stream(ABC):
    """What both have in common."""

    def __init__(self, wanted: str, direction: Direction) -> None:
        self.device: Device = find(wanted, direction)
        self.rate = rate_of(self.device, direction)
        self.channels = min(2, self.device.channels(direction))
        self.called_at_s = time.monotonic()
        """When PortAudio last called."""
        self._silence = Silence(self.called_at_s)
        self.times = StreamTimes()
        self.latency_s = _LATENCY_S
        self._faults = OnceLogger(log)
        if self.device.server_name:
            choose(direction, self.device.server_name)
        library = portaudio()
        kind = library.InputStream if direction == "input" else library.OutputStream
        extra = library.WasapiSettings(auto_convert=True) if self.device.host_api == "Windows WASAPI" else None
        self.stream: Any = None
        try:
            self.stream = kind(
                samplerate=self.rate,
                device=self.device.number,
                channels=self.channels,
                dtype="float32",
                latency=_LATENCY_S,
                extra_settings=extra,
                callback=self._called,
            )
            self.latency_s = float(self.stream.latency)
            self._prepare()
            self.stream.start()
        except (library.PortAudioError, ValueError) as error:
            self.close()
            raise SoundError(
                _("{title} does not open: {reason}", title=self.device.title, reason=in_one_line(error))
            ) from error

    def look_after(self) -> None:
        """[keeper] Compare the clocks."""
        self.times.look(self.stream)

    def has_stopped(self) -> bool:
        """[keeper] Whether it calls no more. Asked at each look: what passed since the last one is counted."""
        return self._silence.of(self.called_at_s, time.monotonic()) > _STOPPED_AFTER_S or not self.stream.active

    def close(self) -> None:
        """Let go of the device. May stand still where a driver does."""
        if self.stream is None:
            return
        try:
            self.stream.close(ignore_errors=True)
        except FAULTS as error:
            log.debug("closing %s", self.device.title, exc_info=error)

    def _called(self, block: Samples, frames: int, times: Any, status: Any) -> None:  # noqa: ARG002 - sounddevice's signature
        self.called_at_s = time.monotonic()
        try:
            self._take_or_give(block, times)
        except FAULTS as error:  # raised further, it would be printed and end the stream
            self._faults.failure(_("sound of {title} fails", title=self.device.title), error)

    @abstractmethod
    def _prepare(self) -> None:
        """Make what callbacks need, before the first."""

    @abstractmethod
    def _take_or_give(self, block: Samples, times: Any) -> None:
        """[callback] Take what was heard, or fill the block."""


class Microphone(_Stream):
    """Writes what it hears into a ring."""

    def __init__(self, wanted: str) -> None:
        """`wanted`: as `devices.find` takes it. Raises SoundError."""
        super().__init__(wanted, "input")

    def _prepare(self) -> None:
        self.heard: Heard = sound_memory(self.rate, self.channels)

    def _take_or_give(self, block: Samples, times: Any) -> None:
        ring, clock = self.heard
        otherwise_s = self.called_at_s - self.latency_s
        clock.update(ring.written, self.times.of(times.inputBufferAdcTime, times.currentTime, otherwise_s))
        ring.write(block)


class Loudspeaker(_Stream):
    """Gives out what was heard, as much later as the picture is."""

    def __init__(self, wanted: str, target: DelayTarget) -> None:
        """`wanted`: as `devices.find` takes it. Raises SoundError."""
        self.reader: DelayedReader | None = None
        self.delay_s = 0.0
        """How much later than it was heard sound leaves now."""
        self._target = target
        self._least = LeastDelay()
        self._given = 0
        super().__init__(wanted, "output")

    def _prepare(self) -> None:
        self._clock = SampleClock(self.rate)

    @property
    def off_s(self) -> float:
        """How far sound is from the picture; positive: it comes later."""
        return self.delay_s - self._target.delay_s

    def listen_to(self, heard: Heard) -> None:
        """[keeper] Give out this sound from now on."""
        self._least = LeastDelay()
        self.reader = DelayedReader(heard.ring, heard.clock, self.rate)

    def _take_or_give(self, block: Samples, times: Any) -> None:
        clock = self._clock
        otherwise_s = self.called_at_s + self.latency_s
        clock.update(self._given, self.times.of(times.outputBufferDacTime, times.currentTime, otherwise_s))
        leaves_at_s = clock.time_of(self._given)
        self._given += len(block)
        reader, least = self.reader, self._least
        if reader is None or not self._target.is_known:
            block[:] = 0
            return
        delay_s = max(self._target.delay_s, least.delay_s)
        reader.read(block, leaves_at_s - delay_s)
        self.delay_s = delay_s + reader.off_s
        least.learn(self.delay_s, reader.spare_s, len(block) / self.rate)
