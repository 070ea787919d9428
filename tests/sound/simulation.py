"""A microphone and a loudspeaker of two clocks, without either: blocks come when they would, in accelerated time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from realtime.sound.delayed_reader import DelayedReader
from realtime.sound.ring import Ring
from realtime.sound.sample_clock import SampleClock

Signal = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Sound by time, seconds."""


class Simulation:
    """What leaves the loudspeaker, and how late it was."""

    def __init__(
        self,
        *,
        input_ppm: float = 0.0,
        output_ppm: float = 0.0,
        input_rate: float = 48_000,
        output_rate: float = 48_000,
        block: int = 480,
        jitter_s: float = 0.003,
        latency_s: float = 0.03,
        delay_s: Callable[[float], float] = lambda now_s: 0.08,
        signal: Signal | None = None,
        seed: int = 1,
    ) -> None:
        self.real_input_rate = input_rate * (1 + input_ppm * 1e-6)
        self.real_output_rate = output_rate * (1 + output_ppm * 1e-6)
        self.input_clock, self.output_clock = SampleClock(input_rate), SampleClock(output_rate)
        self.ring = Ring(1, int(8 * input_rate))
        self.reader = DelayedReader(self.ring, self.input_clock, output_rate)
        self._block, self._jitter_s, self._latency_s = block, jitter_s, latency_s
        self._delay_s, self._signal = delay_s, signal
        self._random = np.random.default_rng(seed)
        self._given = 0
        self._lost_frames = 0
        self.gap_s: tuple[float, float] = (0.0, 0.0)
        """When the microphone gives nothing, and what it gave then is lost."""

    def run(self, seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float32]]:
        """Return the time of each block, how far it was off (seconds, NaN in silence), and all that was given out."""
        times: list[float] = []
        offs: list[float] = []
        sounds: list[NDArray[np.float32]] = []
        heard_frames = 0
        out = np.zeros((self._block, 1), np.float32)
        silence = np.zeros((self._block, 1), np.float32)
        while True:
            heard_at_s = (heard_frames + self._block) / self.real_input_rate + 0.004
            asked_at_s = self._given / self.real_output_rate
            if min(heard_at_s, asked_at_s) > seconds:
                return np.array(times), np.array(offs), np.concatenate(sounds)
            if heard_at_s <= asked_at_s:
                self._hear(heard_frames, silence)
                heard_frames += self._block
                continue
            leaves_at_s = asked_at_s + self._latency_s
            self.output_clock.update(self._given, leaves_at_s + self._jitter())
            delay_s = self._delay_s(asked_at_s)
            self.reader.read(out, self.output_clock.time_of(self._given) - delay_s)
            now_at = (self.reader.position_before + self._lost_frames) / self.real_input_rate
            times.append(asked_at_s)
            offs.append(np.nan if self.reader.is_silent else leaves_at_s - now_at - delay_s)
            sounds.append(out[:, 0].copy() if self._signal else np.zeros(0, np.float32))
            self._given += self._block

    def _hear(self, first: int, silence: NDArray[np.float32]) -> None:
        begins_s = first / self.real_input_rate
        if self.gap_s[0] <= begins_s < self.gap_s[1]:
            self._lost_frames += self._block
            return
        self.input_clock.update(self.ring.written, begins_s + self._jitter())
        if self._signal is None:
            self.ring.write(silence)
        else:
            moments = (first + np.arange(self._block)) / self.real_input_rate
            self.ring.write(self._signal(moments)[:, None].astype(np.float32))

    def _jitter(self) -> float:
        return float(self._random.uniform(-self._jitter_s, self._jitter_s))


def click_db(sound: NDArray[np.floating], tone_hz: float, rate: float = 48_000, beside_hz: float = 250) -> float:
    """Return how much of a tone's sound lies beside the tone in the worst 43 ms, dB: what an ear hears as a click."""
    window = np.kaiser(2048, 16)
    beside = np.abs(np.fft.rfftfreq(2048, 1 / rate) - tone_hz) > beside_hz
    worst = 0.0
    for at in range(0, len(sound) - 2048, 512):
        power = np.abs(np.fft.rfft(sound[at : at + 2048] * window)) ** 2
        worst = max(worst, float(power[beside].sum() / power.sum()))
    return 10 * math.log10(max(worst, 1e-20))
