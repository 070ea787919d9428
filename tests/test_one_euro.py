from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from realtime.faces.tracking.one_euro import OneEuroFilter


def follow(
    one_euro: OneEuroFilter, values: NDArray[np.float64], times_s: NDArray[np.float64], unit: float = 1.0
) -> NDArray[np.float64]:
    return np.array([one_euro.update(value, time_s, unit) for value, time_s in zip(values, times_s, strict=True)])


def steady(count: int, fps: float = 30.0) -> NDArray[np.float64]:
    return np.arange(count) / fps


@given(
    st.lists(st.floats(0.001, 0.5), min_size=1, max_size=30), st.floats(-1e4, 1e4), st.floats(0.1, 5), st.floats(0, 20)
)
def test_a_constant_stays_itself_at_whatever_times(
    steps_s: list[float], value: float, cutoff_hz: float, per_speed: float
) -> None:
    one_euro = OneEuroFilter(least_cutoff_hz=cutoff_hz, cutoff_per_speed=per_speed)
    times_s = np.cumsum([0.0, *steps_s])
    calmed = follow(one_euro, np.full((len(times_s), 2), value), times_s)
    assert np.allclose(calmed, value)


def test_at_rest_it_is_the_low_pass_of_the_paper() -> None:
    """Without the speed term, α = 1 / (1 + τ/Δt), τ = 1 / (2π·cutoff): a step is 1 − (1 − α)^n high after n steps."""
    one_euro = OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=0.0)
    calmed = follow(one_euro, np.concatenate([np.zeros((1, 1)), np.ones((9, 1))]), steady(10))
    alpha = 1 / (1 + 30 / (2 * math.pi))
    assert calmed[:, 0] == pytest.approx([1 - (1 - alpha) ** n for n in range(10)])


def test_noise_at_rest_is_reduced_as_theory_says() -> None:
    """White noise through a first-order low-pass keeps √(α / (2 − α)) of its deviation."""
    noise = np.random.default_rng(1).normal(0, 1, (6000, 4))
    one_euro = OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=0.0)
    alpha = 1 / (1 + 30 / (2 * math.pi))
    left = follow(one_euro, noise, steady(6000))[100:].std()
    assert left == pytest.approx(math.sqrt(alpha / (2 - alpha)), rel=0.05)


def test_speed_buys_less_lag() -> None:
    ramp = steady(90)[:, None] * 2.0
    lags = []
    for per_speed in (0.0, 1.0, 7.0):
        one_euro = OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=per_speed)
        lags.append(float((ramp - follow(one_euro, ramp, steady(90)))[-1, 0]) / 2.0)
    assert lags[0] == pytest.approx(1 / (2 * math.pi), rel=0.01)
    assert lags[1] < 0.5 * lags[0]
    assert lags[2] < 0.1 * lags[0]


def test_each_number_has_its_own_cutoff() -> None:
    moving_and_resting = np.stack([steady(90) * 3, np.random.default_rng(2).normal(0, 0.01, 90)], axis=1)
    together = follow(OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=7.0), moving_and_resting, steady(90))
    alone = follow(OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=7.0), moving_and_resting[:, 1:], steady(90))
    assert np.array_equal(together[:, 1:], alone)


def test_a_small_face_is_as_calm_as_a_big_one() -> None:
    shape = np.random.default_rng(3).normal(0, 0.02, (90, 2)) + np.sin(steady(90) * 3)[:, None]
    small, big = (
        follow(OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=7.0), shape * width, steady(90), width) / width
        for width in (40.0, 400.0)
    )
    assert np.allclose(small, big)


@pytest.mark.parametrize("fps", [10.0, 60.0])
def test_another_rate_gives_nearly_the_same_path(fps: float) -> None:
    def path(rate: float) -> NDArray[np.float64]:
        times_s = steady(int(4 * rate), rate)
        calmed = follow(OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=3.0), np.sin(2 * times_s)[:, None], times_s)
        return np.interp(np.linspace(1, 3.8, 50), times_s, calmed[:, 0])

    assert np.abs(path(fps) - path(30.0)).max() < 0.03


def test_irregular_times_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(4)
    times_s = np.cumsum(rng.uniform(0.005, 0.12, 200))
    one_euro = OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=7.0)
    calmed = follow(one_euro, (times_s * 1.5)[:, None], times_s)
    lag_s = (times_s[20:] * 1.5 - calmed[20:, 0]) / 1.5
    assert lag_s.max() < 0.03
    assert one_euro.speed[0] == pytest.approx(1.5, rel=0.01)


def test_a_moment_that_is_not_later_changes_nothing() -> None:
    one_euro = OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=7.0)
    one_euro.update(np.zeros(2), 0.0)
    before = one_euro.update(np.ones(2), 0.1)
    assert np.array_equal(one_euro.update(np.full(2, 9.0), 0.1), before)
    assert np.array_equal(one_euro.update(np.full(2, 9.0), 0.05), before)


def test_results_are_not_written_into_and_reset_starts_afresh() -> None:
    one_euro = OneEuroFilter(least_cutoff_hz=1.0, cutoff_per_speed=7.0)
    values = np.zeros(2)
    first = one_euro.update(values, 0.0)
    values[:] = 5.0
    one_euro.update(np.ones(2), 0.1)
    assert np.array_equal(first, np.zeros(2))
    one_euro.reset()
    assert np.array_equal(one_euro.update(np.full(2, 7.0), 0.2), np.full(2, 7.0))
    assert np.array_equal(one_euro.speed, np.zeros(2))
