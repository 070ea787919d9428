"""How far a mouth is open that says what is heard, and at what moment."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.control.channel import ControlChannel
from realtime.sound.analysis import HOP, SPEECH_LAGS_S, Analyser
from realtime.sound.drive import Driver
from realtime.sound.streams import sound_memory

RATE = 48_000
BLOCK = RATE // 100
BEGAN_S = 1000.0


def noise(seconds: float, db: float, seed: int = 1) -> NDArray[np.float64]:
    return 10 ** (db / 20) * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def babble(seconds: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sound like somebody who speaks: a voice of 120 Hz with its overtones, in syllables of different length and
    loudness, words and pauses; and its loudness.
    """
    random = np.random.default_rng(3)
    loudness = np.zeros(round(seconds * RATE))
    at_s = 0.3
    while at_s < seconds - 1:
        for _ in range(random.integers(2, 6)):
            lasts_s = random.uniform(0.12, 0.3)
            first, last = round(at_s * RATE), round((at_s + lasts_s) * RATE)
            part = loudness[first:last]
            part[:] = np.maximum(part, random.uniform(0.15, 1) * np.hanning(last - first)[: len(part)])
            at_s += lasts_s * 0.8
        at_s += random.uniform(0.2, 0.5)
    moments = np.arange(len(loudness)) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * moments) / k for k in range(1, 25))
    return 0.1 * voice * loudness, loudness


class Room:
    """What a driver hears."""

    def __init__(self) -> None:
        self.heard = sound_memory(RATE, 1)
        self.driver = Driver(ControlChannel(), (), lambda: self.heard)
        self.driver.step()

    def play(self, sound: NDArray[np.float64]) -> Iterator[float]:
        """Play a sound in blocks of 10 ms; yield the moment that each ends at, on the clock of pictures."""
        ring, clock = self.heard
        for at in range(0, len(sound) - BLOCK, BLOCK):
            clock.update(ring.written, BEGAN_S + at / RATE)
            ring.write(sound[at : at + BLOCK, None].astype(np.float32))
            self.driver.step()
            yield BEGAN_S + (at + BLOCK) / RATE


@pytest.mark.parametrize("db", [-100, -70, -50, -30])
def test_it_is_shut_in_a_rooms_noise(db: float) -> None:
    analyser = Analyser(RATE)
    blocks = noise(20, db).astype(np.float32)[: 20 * RATE // HOP * HOP].reshape(-1, HOP, 1)
    assert {analyser.analyse(block).speech for block in blocks} == {0.0}


def test_it_is_shut_between_words_and_opens_by_how_loud_they_are() -> None:
    sound, loudness = babble(20)
    room = Room()
    told = np.array([room.driver.features.speech for _ in room.play(sound + noise(20, -65))])
    known = np.arange(1, len(told) + 1) * BLOCK
    silent = np.array([loudness[max(0, at - RATE // 4) : at].max() == 0 for at in known])
    assert silent.sum() > 40
    assert told[silent].max() == 0
    assert told.max() > 0.9
    assert np.corrcoef(told[4:], np.sqrt(loudness[known[:-4]]))[0, 1] > 0.9, "40 ms later"


def test_a_frame_has_the_mouth_of_its_own_moment() -> None:
    """One that was captured at a syllable's peak shows that, though it is 60 ms old when its picture is made."""
    sound, loudness = babble(10)
    room = Room()
    frames = [
        (captured_s - BEGAN_S, room.driver.speech_at(captured_s))
        for number, now_s in enumerate(room.play(sound))
        if number % 3 == 0 and (captured_s := now_s - 0.06) > BEGAN_S + 1
    ]
    moments, openings = np.array(frames).T
    fits = {
        lag_ms: np.corrcoef(openings, np.sqrt(loudness[((moments - lag_ms / 1e3) * RATE).astype(int)]))[0, 1]
        for lag_ms in range(-50, 101, 5)
    }
    best_ms = max(fits, key=lambda lag_ms: fits[lag_ms])
    assert abs(best_ms) <= 15
    assert fits[best_ms] > 0.9


def test_between_two_blocks_lies_what_is_between() -> None:
    room = Room()
    assert room.driver.speech_at(BEGAN_S) == 0.0
    *_, ended_s = room.play(babble(2)[0])
    assert room.driver.speech_at(ended_s + 1000) == room.driver.features.speech, "what is not known is as it was last"
    assert room.driver.speech_at(0.0) == 0.0
    newest_s = BEGAN_S + room.heard.ring.written // HOP * HOP / RATE - SPEECH_LAGS_S
    before, between, after = (room.driver.speech_at(newest_s - blocks * HOP / RATE) for blocks in (5, 4.5, 4))
    assert between == pytest.approx((before + after) / 2, abs=0.01)
