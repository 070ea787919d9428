"""The numeric tools that many parts share, on values that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from realtime.imaging.frame import Size
from realtime.imaging.guided_filter import GuidedFilter
from realtime.imaging.numerics import best_similarity, eased, smoothstep, smoothstep_between
from realtime.imaging.pixels import halve_into, halved


def test_a_smooth_step_begins_and_ends_at_rest() -> None:
    shares = np.array([-1, 0, 0.25, 0.5, 0.75, 1, 2], np.float32)
    expected = [0, 0, 0.15625, 0.5, 0.84375, 1, 1]
    np.testing.assert_allclose(smoothstep(shares), expected)
    np.testing.assert_allclose(smoothstep_between(10, 30, 10 + 20 * shares), expected)
    assert [eased(float(share)) for share in shares] == pytest.approx(expected)
    assert smoothstep(shares.astype(np.float64)).dtype == np.float32


def test_a_turned_moved_and_scaled_body_is_laid_back() -> None:
    points = np.random.default_rng(5).normal(size=(20, 3)) * 30
    turn = math.radians(25)
    rotation = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    fit = best_similarity(points, 1.7 * points @ rotation + (5, -3, 40))
    assert fit.scale == pytest.approx(1.7)
    np.testing.assert_allclose(fit.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(fit.place(points), 1.7 * points @ rotation + (5, -3, 40), atol=1e-9)


def test_a_mirror_image_is_not_reached_by_mirroring() -> None:
    points = np.random.default_rng(6).normal(size=(20, 3))
    fit = best_similarity(points, points * (-1, 1, 1))
    assert np.linalg.det(fit.rotation) == pytest.approx(1)


def test_halving_takes_the_mean_of_four_and_leaves_out_what_is_odd() -> None:
    picture = np.zeros((5, 7, 3), np.uint8)
    picture[:2, :2] = [[[0] * 3, [40] * 3], [[80] * 3, [120] * 3]]
    picture[4], picture[:, 6] = 255, 255
    half = np.empty((2, 3, 3), np.uint8)
    halve_into(picture, half)
    assert half[0, 0].tolist() == [60, 60, 60]
    assert half[:, 1:].max() == 0
    np.testing.assert_array_equal(halved(picture, 1), half)
    assert halved(picture, 2).shape == (1, 1, 3)


def test_the_guided_filter_keeps_edges_of_the_guide_and_no_others() -> None:
    guide = np.zeros((40, 40), np.float32)
    guide[:, 20:] = 1
    filter_ = GuidedFilter(Size(40, 40), 5, 0.002)
    slope = filter_.slope(guide, 0.5 * guide).copy()
    assert slope[20, 20] == pytest.approx(0.5, abs=0.01)
    assert slope[20, 5] == 0
    np.testing.assert_allclose(filter_.slope(guide, 0.5 * guide, scale=255.0), 255 * slope, rtol=1e-5)
    spot = np.zeros_like(guide)
    spot[20, 5] = 1
    filtered = filter_.apply(guide, 0.5 * guide + spot)
    assert abs(float(filtered[20, 22] - filtered[20, 17]) - 0.5) < 0.05, "the edge stays"
    assert filtered[20, 5] < 0.1, "a spot that the guide has not goes"
