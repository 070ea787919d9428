"""What a sound is like, block by block: how loud, in which bands, and whether something begins."""

from __future__ import annotations

import collections
import dataclasses
import math

import numpy as np

from realtime.sound.ring import Samples

HOP = 1024
"""Frames from one analysis to the next: 21 ms at 48 kHz, less than a picture."""
_WINDOW = 2048
_SILENCE_DB = -100.0
_BANDS_HZ = {"low": (30.0, 250.0), "mid": (250.0, 2000.0), "high": (2000.0, 12_000.0)}

_SPAN_DB = 36.0
"""From the quietest that moves anything to the loudest of late."""
_QUIETEST_PEAK_DB = -50.0
"""What counts as loud at least: the noise of an empty room's microphone must not be blown up to a dance."""
_PEAK_FALLS_DB_PER_S = 0.5

_SPEECH_HZ = (200.0, 4000.0)
"""What a voice carries of its vowels. A mains' hum lies below, most of what hisses above."""
_FLOOR_RISES_DB_PER_S = 2.0
"""The room's own noise is the quietest of late: pauses between words find it, and a long sentence does not hide it."""
_ABOVE_FLOOR_DB = 12.0
"""What is not so much louder than the room's noise opens no mouth: blocks of noise differ by some decibels."""
_MOUTH_SPAN_DB = 30.0
"""Nor does what is so far below the loudest of late."""
_MOUTH_POWER = 0.5
"""A mouth opens by the root of the sound's amplitude: half as far at a quarter of it, 12 dB less."""
_MOUTH_OPENS_S, _MOUTH_CLOSES_S = 0.025, 0.07
"""After so long two thirds of the way are done: lips that followed each block would tremble."""
SPEECH_LAGS_S = 0.035
"""So much later than the sound is the mouth that these make, as measured on speech."""
_MOUTH_LEAST = 0.02
"""Less is shut."""

_ONSET_BANDS = 24
_ONSET_APART_S = 0.06
_ONSET_MEMORY = 24
_ONSET_LEAST = 0.35
_ONSET_TIMES = 1.6


@dataclasses.dataclass(frozen=True, slots=True)
class Features:
    """A sound in one moment; all but `level_db` are 0..1."""

    level_db: float = _SILENCE_DB
    """Root mean square, dB of full scale."""
    level: float = 0.0
    onset: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    speech: float = 0.0
    """How far a mouth is open that says it."""


class _Gain:
    """From dB to 0..1, the loudest of late being 1: a whisper in a quiet room moves as much as a band."""

    def __init__(self) -> None:
        self._peak_db = _QUIETEST_PEAK_DB + 20

    def __call__(self, level_db: float, passed_s: float) -> float:
        self._peak_db = max(level_db, _QUIETEST_PEAK_DB, self._peak_db - _PEAK_FALLS_DB_PER_S * passed_s)
        return max(0.0, min(1.0, 1.0 - (self._peak_db - level_db) / _SPAN_DB))


class _Mouth:
    """How far a mouth is open that says what is heard: still in a room's noise, wide at the loudest of late."""

    def __init__(self) -> None:
        self._floor_db: float | None = None
        self._peak_db = _QUIETEST_PEAK_DB
        self._follower = Follower(_MOUTH_OPENS_S, _MOUTH_CLOSES_S)

    def __call__(self, level_db: float, passed_s: float) -> float:
        """Return it, 0 to 1, after a block whose voice band is so loud."""
        floor_db = level_db if self._floor_db is None else self._floor_db + _FLOOR_RISES_DB_PER_S * passed_s
        self._floor_db = floor_db = min(level_db, floor_db)
        self._peak_db = max(level_db, _QUIETEST_PEAK_DB, self._peak_db - _PEAK_FALLS_DB_PER_S * passed_s)
        shut_db = max(floor_db + _ABOVE_FLOOR_DB, self._peak_db - _MOUTH_SPAN_DB)
        shut = _mouth_of(shut_db - self._peak_db)
        opening = (_mouth_of(level_db - self._peak_db) - shut) / max(1e-6, 1 - shut) if level_db > shut_db else 0.0
        opened = self._follower.follow(min(1.0, opening), passed_s)
        return opened if opened >= _MOUTH_LEAST else 0.0


def _mouth_of(below_peak_db: float) -> float:
    return math.exp(below_peak_db * math.log(10) / 20 * _MOUTH_POWER)


class Analyser:
    """Takes HOP frames at a time. One thread."""

    def __init__(self, rate: float) -> None:
        """`rate`: frames a second."""
        self._passed_s = HOP / rate
        self._held = np.zeros(_WINDOW, np.float32)
        self._window = np.hanning(_WINDOW).astype(np.float32)
        frequencies = np.fft.rfftfreq(_WINDOW, 1 / rate)
        self._bands = {name: (frequencies >= low) & (frequencies < high) for name, (low, high) in _BANDS_HZ.items()}
        edges = np.geomspace(60.0, min(14_000.0, 0.45 * rate), _ONSET_BANDS + 1)
        cuts = np.searchsorted(frequencies, edges)
        self._onset_cuts = np.maximum.accumulate(np.maximum(cuts, np.arange(len(cuts)) + cuts[0]))
        self._before = np.full(_ONSET_BANDS, math.log10(1e-4))
        self._fluxes: collections.deque[float] = collections.deque(maxlen=_ONSET_MEMORY)
        self._since_onset_s = 1.0
        self._gains = {name: _Gain() for name in ("level", *_BANDS_HZ)}
        self._scale = 4.0 / float((self._window**2).sum() * _WINDOW)
        self._newest_window = np.hanning(HOP).astype(np.float32)
        newest = np.fft.rfftfreq(HOP, 1 / rate)
        self._voice = (newest >= _SPEECH_HZ[0]) & (newest < _SPEECH_HZ[1])
        self._newest_scale = 4.0 / float((self._newest_window**2).sum() * HOP)
        self._mouth = _Mouth()

    def analyse(self, frames: Samples) -> Features:
        """Return what the sound is like after the next frames, (HOP, channels)."""
        mono = frames.mean(1)
        self._held[:-HOP] = self._held[HOP:]
        self._held[-HOP:] = mono
        power = np.abs(np.fft.rfft(self._held * self._window)) ** 2 * self._scale
        level_db = _db(float(np.mean(mono.astype(np.float64) ** 2)))
        scaled = {
            name: self._gains[name](_db(float(power[band].sum()) / 2), self._passed_s)
            for name, band in self._bands.items()
        }
        return Features(
            level_db,
            self._gains["level"](level_db, self._passed_s),
            self._onset(power, level_db),
            speech=self._mouth(self._voice_db(mono), self._passed_s),
            **scaled,
        )

    def _voice_db(self, mono: np.ndarray) -> float:
        """Return how loud the newest block is where voices are: the window of the bands would be 20 ms later."""
        power = np.abs(np.fft.rfft(mono * self._newest_window)[self._voice]) ** 2 * self._newest_scale
        return _db(float(power.sum()) / 2)

    def _onset(self, power: np.ndarray, level_db: float) -> float:
        """Return 1 where something begins: more bands grow, and grow more, than they did of late."""
        sums = np.add.reduceat(power, self._onset_cuts[:-1])[:_ONSET_BANDS]
        logs = np.log10(1e-8 + sums)
        flux = float(np.maximum(0.0, logs - self._before).mean())
        self._before = logs
        usual = float(np.median(self._fluxes)) if self._fluxes else 0.0
        self._fluxes.append(flux)
        self._since_onset_s += self._passed_s
        if flux < max(_ONSET_LEAST, usual * _ONSET_TIMES + 0.1) or level_db < _QUIETEST_PEAK_DB - 20:
            return 0.0
        if self._since_onset_s < _ONSET_APART_S:
            return 0.0
        self._since_onset_s = 0.0
        return 1.0


def _db(power: float) -> float:
    return max(_SILENCE_DB, 10 * math.log10(power)) if power > 0 else _SILENCE_DB


class Follower:
    """Lets a value rise and fall at its own pace."""

    def __init__(self, attack_s: float, release_s: float) -> None:
        self._attack_s, self._release_s = attack_s, release_s
        self.value = 0.0

    def follow(self, wanted: float, passed_s: float) -> float:
        """Return the value after `passed_s`, going towards `wanted`."""
        time_s = self._attack_s if wanted > self.value else self._release_s
        self.value += (wanted - self.value) * (1.0 if time_s <= 0 else 1.0 - math.exp(-passed_s / time_s))
        return self.value
