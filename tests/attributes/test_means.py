"""The article's stopping rule, on a case worked out by hand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tools.attributes.means import MOST, RunningMeans, until_at_rest

Batch = tuple[NDArray[np.floating], NDArray[np.int8]]


def batch(having: list[tuple[float, float]], lacking: list[tuple[float, float]]) -> Batch:
    codes = np.array([*having, *lacking], np.float32)
    return codes, np.array([1] * len(having) + [-1] * len(lacking), np.int8)


def test_the_means_are_at_rest_when_a_batch_moves_both_by_less_than_008_together() -> None:
    drawn = []

    def batches() -> Iterator[Batch]:
        for number, each in enumerate(
            [
                batch([(3, 4)], [(0, 1)]),  # from nothing to (3, 4) and (0, 1): 5 and 1
                batch([(3, 4), (3, 4)], [(0, 1.2)]),  # to (3, 4) and (0, 1.1): 0 and 0.1 are no rest
                batch([(3, 4.1)], [(0, 1.22)]),  # to (3, 4.025) and (0, 1.14): 0.025 + 0.04 are
                batch([(9, 9)], [(9, 9)]),
            ]
        ):
            drawn.append(number)
            yield each

    means = RunningMeans(2)
    table = list(until_at_rest(means, batches()))
    assert drawn == [0, 1, 2]
    assert [line.seen_with for line in table] == [1, 3, 4]
    assert [line.moved_with for line in table] == pytest.approx([5, 0, 0.025], abs=1e-6)
    assert [line.moved_without for line in table] == pytest.approx([1, 0.1, 0.04], abs=1e-6)
    assert means.difference == pytest.approx([3, 2.885], abs=1e-6)
    distances = [np.hypot(3, 3), np.hypot(3, 2.9), np.hypot(3, 2.885)]
    assert [line.distance for line in table] == pytest.approx(distances, abs=1e-6)
    assert [line.change for line in table] == pytest.approx(list(np.diff([0, *distances])), abs=1e-6)


def test_a_batch_in_which_nobody_has_it_is_no_sign_of_rest() -> None:
    means = RunningMeans(2)
    assert not means.add(*batch([], [(0.01, 0)])).at_rest  # the other side is still unknown
    assert not means.add(*batch([(1, 0)], [(0.01, 0)])).at_rest
    later = means.add(*batch([], [(0.01, 0)]))
    assert (later.moved_with, later.moved_without) == (1, 0)
    assert not later.at_rest


def test_pictures_of_whom_nobody_knows_count_on_neither_side() -> None:
    means = RunningMeans(1)
    moved = means.add(np.array([[1.0], [5.0], [100.0]]), np.array([1, -1, 0], np.int8))
    assert (moved.moved_with, moved.moved_without, moved.seen_with) == (1, 5, 1)


def test_after_ten_thousand_pictures_it_ends_in_any_case() -> None:
    codes = np.zeros((MOST, 1))
    codes[:, 0] = 50
    assert RunningMeans(1).add(codes, np.ones(MOST, np.int8)).at_rest
    assert not RunningMeans(1).add(codes[1:], np.ones(MOST - 1, np.int8)).at_rest
