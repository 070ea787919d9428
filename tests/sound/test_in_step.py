"""Two clocks that drift, a delay that changes, uneven blocks: sound stays in step, and nobody hears a click."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.sound.delay import DelayTarget, LeastDelay
from realtime.sound.delayed_reader import MOST_BEND
from realtime.sound.interpolation import Interpolator
from realtime.sound.ring import Ring
from realtime.sound.sample_clock import SampleClock
from tests.sound.simulation import Simulation, click_db

TONE_HZ = 997.0


def tone(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 * np.sin(2 * np.pi * TONE_HZ * moments)


def residual_db(sound: NDArray[np.floating], hz: float, rate: float) -> float:
    """What remains of a sine once the sine that fits best is taken away, against that sine."""
    moments = np.arange(len(sound)) / rate
    waves = np.stack([np.cos(2 * np.pi * hz * moments), np.sin(2 * np.pi * hz * moments)], 1)
    fitted = waves @ np.linalg.lstsq(waves, sound, rcond=None)[0]
    return float(10 * np.log10(((sound - fitted) ** 2).mean() / (fitted**2).mean()))


def test_a_ring_gives_back_what_was_written_and_silence_elsewhere() -> None:
    ring = Ring(2, 64)
    for first in range(0, 200, 10):
        ring.write(np.arange(first, first + 10, dtype=np.float32)[:, None].repeat(2, 1))
    out = np.full((30, 2), 9, np.float32)
    ring.copy_into(out, 180)
    assert out[:20, 1].tolist() == list(range(180, 200))
    assert not out[20:].any()
    assert ring.oldest == 200 - 48
    ring.copy_into(out, 140)
    assert not out[:12].any()
    assert out[12:, 0].tolist() == list(range(152, 170))
    ring.copy_into(out, 1000)
    assert not out.any()


@pytest.mark.parametrize(
    ("input_rate", "output_rate", "tones_hz"),
    [
        (48_000, 48_000, (100, 997, 5_000, 10_000, 15_000, 20_000)),
        (44_100, 48_000, (997, 10_000, 18_000)),
        (48_000, 44_100, (997, 10_000, 15_000)),
        (16_000, 48_000, (100, 997, 6_000)),
    ],
)
def test_a_sine_is_the_same_sine_at_another_rate(
    input_rate: float, output_rate: float, tones_hz: tuple[float, ...]
) -> None:
    for hz in tones_hz:
        ring = Ring(1, 1 << 17)
        for first in range(0, 48_000, 8_000):
            moments = np.arange(first, first + 8_000) / input_rate
            ring.write(np.sin(2 * np.pi * hz * moments)[:, None].astype(np.float32))
        ratio = input_rate / output_rate * 1.0002
        interpolator = Interpolator(1, input_rate / output_rate, 480)
        position, blocks = 500.3, []
        while interpolator.end_of(position, ratio, 480) < ring.written:
            out = np.zeros((480, 1), np.float32)
            position = interpolator.read(ring, position, ratio, out)
            blocks.append(out[:, 0].astype(np.float64))
        assert residual_db(np.concatenate(blocks), hz * 1.0002, output_rate) < -90


def test_what_a_lower_rate_cannot_hold_is_filtered_away() -> None:
    ring = Ring(1, 1 << 15)
    ring.write(np.sin(2 * np.pi * 12_000 * np.arange(8_000) / 48_000)[:, None].astype(np.float32))
    out = np.zeros((1_000, 1), np.float32)
    Interpolator(1, 3.0, 1_000).read(ring, 500.0, 3.0, out)  # to 16 kHz, where it would be heard as 4 kHz
    assert float(np.abs(out).max()) < 1e-4


def test_a_clock_is_known_to_a_fraction_of_what_its_blocks_are_off() -> None:
    random = np.random.default_rng(3)
    clock = SampleClock(48_000)
    rate = 48_000 * (1 + 150e-6)
    for block in range(6_000):
        clock.update(block * 480, 100.0 + block * 480 / rate + random.uniform(-0.005, 0.005))
    assert clock.rate == pytest.approx(rate, rel=15e-6)
    assert clock.time_of(6_000 * 480) == pytest.approx(100.0 + 6_000 * 480 / rate, abs=0.0008)
    assert clock.position_at(clock.time_of(12_345.5)) == pytest.approx(12_345.5, abs=1e-3)


def test_a_clock_finds_its_way_after_sound_was_lost() -> None:
    clock = SampleClock(48_000)
    for block in range(500):
        clock.update(block * 480, block * 0.01 + (0.2 if block > 300 else 0.0))
    assert clock.time_of(500 * 480) == pytest.approx(5.2, abs=0.001)


def test_a_clock_finds_its_way_after_time_moved_in_small_steps() -> None:
    """As a sound server tells it after it ran dry: 30 ms in steps of 10, half a second apart."""
    random = np.random.default_rng(4)
    clock = SampleClock(48_000)
    off_s = []
    for block in range(4_000):
        moved_s = 0.01 * min(3, max(0, (block - 3_000) // 50 + 1)) if block >= 3_000 else 0.0
        clock.update(block * 480, block * 0.01 + moved_s + random.uniform(-0.003, 0.003))
        off_s.append(clock.time_of(block * 480) - block * 0.01 - moved_s)
    assert np.abs(off_s[2_000:3_000]).max() < 0.001
    assert np.abs(off_s[3_300:]).max() < 0.003
    assert np.abs(off_s[3_900:]).max() < 0.001
    assert clock.rate == pytest.approx(48_000, rel=300e-6)


def test_eight_hours_of_two_drifting_clocks_stay_in_step() -> None:
    """A second from one correction to the next, a hundred times as long as in life."""
    rate = 400
    made = Simulation(
        input_ppm=200,
        output_ppm=-200,
        block=rate,
        input_rate=rate,
        output_rate=rate,
        delay_s=lambda now_s: 2.5,
    )
    times_s, offs_s, _ = made.run(8 * 3600)
    late_s = offs_s[times_s > 5]
    assert len(late_s) > 25_000
    assert np.isfinite(late_s).mean() > 0.999
    off_ms = 1e3 * np.abs(late_s[np.isfinite(late_s)])
    assert np.percentile(off_ms, 50) < 2
    assert np.percentile(off_ms, 99) < 10
    assert off_ms.max() < 20
    assert made.reader.fades == 0


def test_drift_and_a_delay_that_creeps_are_followed_without_a_click() -> None:
    made = Simulation(
        input_ppm=200,
        output_ppm=-200,
        signal=tone,
        delay_s=lambda now_s: 0.08 + 0.015 * min(1.0, max(0.0, now_s - 6)),
    )
    times_s, offs_s, sound = made.run(25)
    assert made.reader.gaps == made.reader.fades == 0
    assert float(np.nanmax(np.abs(offs_s))) < 0.020
    assert float(np.abs(offs_s[times_s > 20]).max()) < 0.005
    assert click_db(sound[24_000:], TONE_HZ) < -80
    assert float(np.abs(np.diff(sound[24_000:])).max()) < 0.5 * 2 * math.pi * TONE_HZ / 48_000 * (1 + 2 * MOST_BEND)


def test_a_delay_that_jumps_is_faded_over_at_once() -> None:
    made = Simulation(signal=tone, delay_s=lambda now_s: 0.08 if now_s < 3 else 0.28)
    times_s, offs_s, sound = made.run(6)
    assert made.reader.fades == 1
    assert made.reader.gaps == 0
    assert float(np.abs(offs_s[times_s > 3.1]).max()) < 0.005
    assert click_db(sound[24_000:], TONE_HZ) < -40  # 30 ms of two tones that turn into each other
    assert float(np.abs(np.diff(sound[24_000:])).max()) < 0.5 * 2 * math.pi * TONE_HZ / 48_000 * 1.5


def test_sound_that_is_lost_is_silent_and_comes_back_in_step() -> None:
    made = Simulation(signal=tone)
    made.gap_s = (3.0, 3.5)
    times_s, offs_s, sound = made.run(6)
    assert made.reader.gaps == 1
    assert np.isnan(offs_s[(times_s > 3.2) & (times_s < 3.4)]).all()
    assert float(np.abs(offs_s[times_s > 4]).max()) < 0.005
    steepest = 0.5 * 2 * math.pi * TONE_HZ / 48_000
    assert float(np.abs(np.diff(sound[24_000:])).max()) < 3 * steepest


def test_other_rates_are_in_step_too() -> None:
    made = Simulation(input_rate=44_100, output_rate=48_000, input_ppm=120, signal=tone)
    times_s, offs_s, sound = made.run(8)
    assert float(np.abs(offs_s[times_s > 3]).max()) < 0.005
    assert click_db(sound[24_000:], TONE_HZ) < -80


def test_a_reader_gives_one_channel_to_both_ears_and_both_ears_to_one() -> None:
    from realtime.sound.delayed_reader import DelayedReader

    for heard, given, expected in ((1, 2, [0.5, 0.5]), (2, 1, [0.375])):
        ring, clock = Ring(heard, 48_000), SampleClock(48_000)
        ring.write(np.tile(np.array([0.5, 0.25][:heard], np.float32), (10_000, 1)))
        clock.update(0, 0.0)
        out = np.zeros((4_096, given), np.float32)
        DelayedReader(ring, clock, 48_000).read(out, 0.05)
        assert out[1_000:].mean(0).tolist() == pytest.approx(expected, abs=1e-4)


def test_the_delay_asked_for_is_the_usual_age_and_no_jitter() -> None:
    target = DelayTarget(0.010)
    assert target.delay_s == 0.010
    for age_s in (0.060, 0.062, 0.500, 0.061, 0.059, 0.020):
        target.add(age_s)
    assert target.is_known
    assert target.delay_s == pytest.approx(0.0605 + 0.010)
    for _ in range(16):
        target.add(9.0)
    assert target.delay_s == 4.0


def test_the_least_delay_is_what_was_missing_more_than_once() -> None:
    least = LeastDelay()

    def pass_by(seconds: float, spare_s: float) -> None:
        for _ in range(round(seconds / 0.01)):
            least.learn(0.060, spare_s, 0.01)

    pass_by(5, 0.020)
    assert least.delay_s == pytest.approx(0.045)
    least.learn(0.060, -0.100, 0.01)  # the machine stood still once
    pass_by(5, 0.020)
    assert least.delay_s == pytest.approx(0.045)
    pass_by(1.5, -0.012)
    assert least.delay_s == pytest.approx(0.077)
    pass_by(11, 0.020)
    assert least.delay_s == pytest.approx(0.045)
    pass_by(2, -3.0)  # nothing comes: no delay would help
    assert least.delay_s == pytest.approx(0.045)
