from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.portrait.gaze_controller import (
    BLINK_INTERVAL_S,
    FULL_TURN_S,
    IDLE_FADE_S,
    GazeController,
    GazeOptions,
    GazeTarget,
)

FPS = 30


def follow(
    gaze: GazeController, places: list[tuple[float, float] | None], start: int = 0, fps: float = FPS
) -> list[GazeTarget]:
    return [gaze.update((start + i) / fps, place) for i, place in enumerate(places)]


@pytest.mark.parametrize(("across", "column"), [(0.0, 0), (0.25, 8), (0.5, 16), (0.75, 24), (1.0, 32), (1.4, 32)])
def test_viewer_is_looked_at(across: float, column: int) -> None:
    look = follow(GazeController(GazeOptions(33)), [(across, 0.5)] * 60)[-1]
    assert (look.column, look.row) == (column, 0)


def test_view_moves_and_widens_the_gaze() -> None:
    options = GazeOptions(33, view_left=-0.5, view_right=0.5)
    assert follow(GazeController(options), [(0.5, 0.5)] * 60)[-1].column == 32
    assert follow(GazeController(options), [(0.0, 0.5)] * 60)[-1].column == 16


def test_rows_are_followed_too() -> None:
    options = GazeOptions(9, 5)
    assert [follow(GazeController(options), [(0.5, down)] * 60)[-1].row for down in (0.0, 0.5, 1.0)] == [0, 2, 4]


def test_gaze_rests_while_the_viewer_rests() -> None:
    gaze = GazeController(GazeOptions(33))
    chance = random.Random(1)  # noqa: S311
    looks = follow(gaze, [(0.61 + chance.gauss(0, 0.003), 0.5) for _ in range(20 * FPS)])
    assert {look.column for look in looks[FPS:]} == {looks[FPS].column}
    assert looks[FPS].column == pytest.approx(0.61 * 32, abs=1)
    assert looks[FPS].column.is_integer()


@pytest.mark.parametrize("seconds", [2.0, 6.0, 15.0])
def test_someone_walking_is_followed_without_steps(seconds: float) -> None:
    count = round(seconds * FPS)
    looks = follow(GazeController(GazeOptions(33)), [(0.1 + 0.8 * i / count, 0.5) for i in range(count)])
    steps = [after.column - before.column for before, after in itertools.pairwise(looks[FPS:])]
    even = 0.8 * 32 / count
    assert min(steps) > 0.5 * even, "it stands still between two frames"
    assert max(steps) < 1.6 * even, "it jumps"


@pytest.mark.parametrize("fps", [10, 30, 60])
def test_rate_of_frames_does_not_matter(fps: int) -> None:
    gaze = GazeController(GazeOptions(33, smoothing_s=0.5))
    follow(gaze, [(0.5, 0.5)] * fps, fps=fps)
    looks = follow(gaze, [(0.6, 0.5)] * fps, start=fps, fps=fps)
    goal = 0.6 * 32
    after_s = (fps // 2 + 1) / fps
    stiffness = 3.89 / 0.5
    expected = goal + (16 - goal) * (1 + stiffness * after_s) * math.exp(-stiffness * after_s)
    # It turns from whole frame to moving viewer and back: half a frame's play.
    assert looks[fps // 2].column == pytest.approx(expected, abs=0.5)


def test_turns_are_bounded_and_smooth() -> None:
    gaze = GazeController(GazeOptions(33))
    follow(gaze, [(0.0, 0.5)] * FPS)
    looks = follow(gaze, [(1.0, 0.5)] * (2 * FPS), start=FPS)
    steps = [after.column - before.column for before, after in itertools.pairwise(looks)]
    assert max(steps) <= 32 / FULL_TURN_S / FPS * 1.01
    assert max(abs(b - a) for a, b in itertools.pairwise(steps)) < 0.7 * max(steps)
    assert looks[-1].column == 32


def test_no_smoothing_is_at_once() -> None:
    gaze = GazeController(GazeOptions(33, smoothing_s=0))
    follow(gaze, [(0.5, 0.5)])
    assert gaze.update(1 / FPS, (1.0, 0.5)).column == pytest.approx(32, abs=0.4)


def test_a_short_absence_changes_nothing() -> None:
    gaze = GazeController(GazeOptions(33, wander_after_s=2))
    follow(gaze, [(0.9, 0.5)] * 60)
    looks = follow(gaze, [None] * 59, start=60)
    assert {look.column for look in looks} == {29}


def test_it_wanders_when_nobody_is_there_and_comes_back() -> None:
    gaze = GazeController(GazeOptions(33, rows=5, wander_after_s=2))
    follow(gaze, [(0.5, 0.5)] * 30)
    looks = follow(gaze, [None] * (120 * FPS), start=30)
    columns = [look.column for look in looks]
    assert min(columns) < 10
    assert max(columns) > 22
    assert len({look.row for look in looks if look.row.is_integer()}) > 1
    at_rest = [a == b for a, b in itertools.pairwise(columns)]
    assert 0.4 < sum(at_rest) / len(at_rest) < 0.95, "looks with rests between them"
    assert all(a.is_integer() for a, b in itertools.pairwise(columns) if a == b), "rests on whole frames"
    assert max(abs(b - a) for a, b in itertools.pairwise(columns)) < 32 / 2.2 / FPS * 1.01

    back = follow(gaze, [(0.1, 0.5)] * 60, start=30 + len(looks))
    moves = [back[0].column - columns[-1], *(b.column - a.column for a, b in itertools.pairwise(back))]
    assert max(map(abs, moves)) <= 32 / FULL_TURN_S / FPS * 1.01
    assert back[-1].column == 3


def test_without_wandering_it_returns_to_the_middle() -> None:
    gaze = GazeController(GazeOptions(33, wander_after_s=None))
    follow(gaze, [(0.9, 0.5)] * 60)
    assert {look.column for look in follow(gaze, [None] * 600, start=60)[300:]} == {16}


def test_the_same_times_give_the_same_looks() -> None:
    places: list[tuple[float, float] | None] = [*[(0.3, 0.4)] * 50, *[None] * 1500, *[(0.8, 0.4)] * 50]
    options = GazeOptions(33, idle_count=20)
    assert follow(GazeController(options), places) == follow(GazeController(options), places)


@pytest.mark.parametrize("place", [None, (0.4, 0.5)])
def test_it_blinks_like_people_do(place: tuple[float, float] | None) -> None:
    fps = 120
    looks = follow(GazeController(GazeOptions(33)), [place] * (180 * fps), fps=fps)
    closed = [look.lids > 0 for look in looks]
    begins = [i / fps for i in range(1, len(closed)) if closed[i] and not closed[i - 1]]
    ends = [i / fps for i in range(1, len(closed)) if not closed[i] and closed[i - 1]]
    assert len(begins) > 25
    for begin, end in zip(begins, ends, strict=False):
        assert 0.15 <= end - begin <= 0.2
        assert max(look.lids for look in looks[round(begin * fps) : round(end * fps)]) == 1
    for end, begin in zip(ends, begins[1:], strict=False):
        assert BLINK_INTERVAL_S[0] - 0.02 <= begin - end <= BLINK_INTERVAL_S[1] + 0.02


def test_at_thirty_frames_a_second_every_blink_closes_the_eyes() -> None:
    looks = follow(GazeController(GazeOptions(33)), [(0.4, 0.5)] * (120 * FPS))
    blinks = [list(group) for closed, group in itertools.groupby(looks, lambda look: look.lids > 0) if closed]
    assert len(blinks) > 15
    assert all(max(look.lids for look in blink) > 0.85 for blink in blinks)


def test_it_does_not_blink_where_it_cannot() -> None:
    looks = follow(GazeController(GazeOptions(33, blinks=False)), [None] * 1000)
    assert {look.lids for look in looks} == {0.0}


def test_idle_loop_plays_in_the_middle_only_and_fades() -> None:
    gaze = GazeController(GazeOptions(33, idle_count=40, idle_fps=10))
    looks = follow(gaze, [None] * (200 * FPS))
    weights = [look.idle_weight for look in looks]
    assert max(weights) == 1
    assert sum(weights) / len(weights) > 0.2
    assert {look.idle_number for look in looks if look.idle_weight == 1} >= set(range(3, 37))
    assert all(look.column == 16 for look in looks if look.idle_weight > 0)
    assert all(look.lids == 0 for look in looks if look.idle_weight > 0), "lids belong to gaze frames"
    assert max(abs(b - a) for a, b in itertools.pairwise(weights)) <= 1 / IDLE_FADE_S / FPS + 1e-9
    assert any(look.lids > 0 for look in looks)


def test_a_viewer_interrupts_the_idle_loop_softly() -> None:
    gaze = GazeController(GazeOptions(33, idle_count=40, idle_fps=10))
    count = 0
    while gaze.update(count / FPS, None).idle_weight < 1:
        count += 1
        assert count < 100 * FPS
    looks = follow(gaze, [(0.9, 0.5)] * 60, start=count + 1)
    weights = [look.idle_weight for look in looks]
    assert 0.8 < weights[0] < 1
    assert weights[round(IDLE_FADE_S * FPS) + 1 :] == [0.0] * (60 - round(IDLE_FADE_S * FPS) - 1)
    assert looks[-1].column == 29


places = st.one_of(st.none(), st.tuples(st.floats(-3, 4), st.floats(-3, 4)))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 20), places), max_size=60),
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(0, 30),
    st.floats(0, 5),
)
def test_whatever_comes_the_look_is_one_that_exists(
    moments: list[tuple[float, tuple[float, float] | None]], columns: int, rows: int, idles: int, smoothing_s: float
) -> None:
    gaze = GazeController(GazeOptions(columns, rows, idle_count=idles, smoothing_s=smoothing_s))
    pts_s = 0.0
    for step_s, place in moments:
        pts_s += step_s
        look = gaze.update(pts_s, place)
        assert -1e-6 <= look.column <= columns - 1 + 1e-6
        assert -1e-6 <= look.row <= rows - 1 + 1e-6
        assert 0 <= look.lids <= 1
        assert 0 <= look.idle_weight <= 1
        assert 0 <= look.idle_number < max(1, idles)
