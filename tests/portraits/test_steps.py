from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.building.step_solver import StepSolver, Try, rising, sides
from realtime.portrait.engines.warp.engine import MeshEngine
from realtime.portrait.quality.report import rank_correlation, step_ratio


def respond(motion: Motion, bend: float, start: float) -> tuple[float, float]:
    """A painted eye: where it looks, it answers to a turn less and less."""
    gaze = start + 0.3 * np.tanh(bend * motion.gaze_x_degrees / 60) / np.tanh(bend)
    return float(gaze), 0.8 * motion.yaw_degrees


@given(columns=st.integers(3, 65), bend=st.floats(0.2, 2.5), start=st.floats(-0.06, 0.06))
def test_steps_are_even_whatever_the_answer(columns: int, bend: float, start: float) -> None:
    solver = StepSolver(columns, 1, 0.25, 14)
    for motion in solver.probes():
        solver.learn(motion, *respond(motion, bend, start))
    steps = solver.steps()
    gazes = [respond(steps.motion(column, 0), bend, start)[0] for column in range(columns)]
    middle = columns // 2
    assert steps.motion(middle, 0) == Motion(), "the middle one is the picture"
    assert np.all(np.diff(gazes) > 0)
    for side in (gazes[: middle + 1], gazes[middle:]):
        assert step_ratio(side) < 1.25


def tries_for(
    solver: StepSolver, column: int, motion: Motion, see: Callable[[Motion], tuple[float, float]]
) -> list[Try]:
    """Try until the solver has no better motion; the last one is that of the frame."""
    tries = [solver.compare(column, motion, *see(motion))]
    while (motion := solver.retry(column, tries)) not in [each.motion for each in tries]:
        tries.append(solver.compare(column, motion, *see(motion)))
    return [*tries, solver.compare(column, motion, *see(motion))]


def test_tries_come_nearer_until_they_are_close() -> None:
    solver = StepSolver(33, 1, 0.25, 14)
    for motion in solver.probes():
        solver.learn(motion, *respond(motion, 1.5, 0.02))
    start = solver.steps().motion(5, 0)
    off = Motion(yaw_degrees=start.yaw_degrees + 0.3, gaze_x_degrees=start.gaze_x_degrees - 1.5)
    tries = tries_for(solver, 5, off, lambda motion: respond(motion, 1.5, 0.02))
    assert abs(tries[1].gaze_error) < 0.5 * abs(tries[0].gaze_error)
    assert abs(tries[1].yaw_error) < 0.5 * abs(tries[0].yaw_error)
    assert abs(tries[-1].gaze_error) <= 0.02
    assert abs(tries[-1].yaw_error) <= 0.1
    assert len(tries) <= 5


def test_both_turns_are_found_where_a_head_turns_its_eyes() -> None:
    def see(motion: Motion) -> tuple[float, float]:
        gaze, yaw = respond(motion, 1.5, 0.02)
        return gaze + 0.02 * motion.yaw_degrees, yaw + 0.01 * motion.gaze_x_degrees

    solver = StepSolver(33, 1, 0.25, 14)
    for motion in solver.probes():
        solver.learn(motion, *see(motion))
    tries = tries_for(solver, 5, solver.steps().motion(5, 0), see)
    assert abs(tries[-1].gaze_error) <= 0.02
    assert abs(tries[-1].yaw_error) <= 0.15
    assert len(tries) <= 12


@pytest.mark.parametrize("phase", range(5))
def test_steps_are_even_though_every_turn_of_the_head_shakes_its_eyes(phase: int) -> None:
    """By up to 0.3 of a step, as it is seen in painted faces, and what is seen of the head wavers by as much."""

    def see(motion: Motion) -> tuple[float, float]:
        gaze, yaw = respond(motion, 1.0, 0.05)
        waver = np.sin(9 * motion.yaw_degrees + phase)
        return gaze + 0.003 * float(waver), yaw + 0.1 * float(np.sin(5 * motion.yaw_degrees + 2 * phase))

    solver = StepSolver(33, 1, 0.25, 14)
    for motion in solver.probes():
        solver.learn(motion, *see(motion))
    steps = solver.steps()
    gazes, yaws, count = [], [], 0
    for column in range(33):
        if column == 16:
            motion = Motion()
        else:
            start = steps.motion(0, 0) if column == 0 else steps.motion_after(motion, column, 0)
            tries = tries_for(solver, column, start, see)
            motion, count = tries[-1].motion, count + len(tries) - 1
        gaze, yaw = see(motion)
        gazes.append(gaze)
        yaws.append(yaw)
    for side in (gazes[:17], gazes[16:]):
        assert step_ratio(side) <= 1.1
    assert step_ratio(yaws) <= 1.4
    assert count <= 32 * 6


def test_an_iris_that_hides_in_its_corner_is_not_turned_on_and_on() -> None:
    solver = StepSolver(33, 1, 0.25, 14)
    for motion in solver.probes():
        solver.learn(motion, 0.006 * motion.gaze_x_degrees, motion.yaw_degrees)
    start = solver.steps().motion(32, 0)

    def hides(motion: Motion) -> tuple[float, float]:
        turn = motion.gaze_x_degrees
        return 0.006 * min(turn, 21.5) - 0.002 * max(0.0, turn - 21.5), motion.yaw_degrees

    tries = tries_for(solver, 32, start, hides)
    assert tries[-1].motion.gaze_x_degrees == min(each.motion.gaze_x_degrees for each in tries)
    assert len(tries) <= 5


def test_turns_that_are_not_seen_any_more_are_not_made() -> None:
    """An iris that hides in its corner is seen to turn back."""
    solver = StepSolver(33, 1, 0.25, 14)
    for motion in solver.probes():
        turn = motion.gaze_x_degrees
        solver.learn(motion, 0.006 * min(turn, 20.0) - 0.002 * max(0.0, turn - 20.0), motion.yaw_degrees)
    assert solver.steps().eyes[-1] <= 20.5


def test_nor_to_the_left() -> None:
    solver = StepSolver(33, 1, 0.25, 14)
    for motion in solver.probes():
        turn = motion.gaze_x_degrees
        solver.learn(motion, 0.006 * max(turn, -20.0) + 0.002 * max(0.0, -20.0 - turn), motion.yaw_degrees)
    steps = solver.steps()
    assert steps.eyes[0] >= -20.5
    assert np.all(np.diff(steps.eyes) > 0)


@pytest.mark.parametrize(("other", "left", "right"), [(0.0, -0.13, 0.13), (0.05, -0.13, 0.18), (-0.2, -0.19, 0.13)])
def test_a_gaze_reaches_far_enough_from_both_middles(other: float, left: float, right: float) -> None:
    solver = StepSolver(33, 1, 0.25, 14, other)
    for motion in solver.probes():
        solver.learn(motion, 0.006 * motion.gaze_x_degrees, motion.yaw_degrees)
    eyes = solver.steps().eyes
    assert 0.006 * eyes[0] == pytest.approx(left, abs=0.005)
    assert 0.006 * eyes[-1] == pytest.approx(right, abs=0.005)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 33])
def test_sides_reach_from_edge_to_edge_through_the_middle(count: int) -> None:
    places = sides(count)
    assert len(places) == count
    assert places[count // 2] == 0
    if count > 2:
        assert (places[0], places[-1]) == (-1, 1)
        assert np.all(np.diff(places) > 0)


@given(st.lists(st.tuples(st.floats(-40, 40), st.floats(-1, 1)), min_size=4, max_size=40))
def test_a_curve_always_rises(samples: list[tuple[float, float]]) -> None:
    turns, seen = rising([turn for turn, _ in samples], [value for _, value in samples])
    assert np.all(np.diff(turns) > 0)
    assert np.all(np.diff(seen) >= 0)


def test_figures() -> None:
    assert rank_correlation([1, 2, 3, 9]) == pytest.approx(1)
    assert rank_correlation([9, 3, 2, 1]) == pytest.approx(-1)
    assert step_ratio([0, 1, 2, 3]) == pytest.approx(1)
    assert step_ratio([0, 1, 2, 6]) == pytest.approx(2)


def test_the_square_seam_fades_the_movement_out(navy_picture: Pixels, engine: MeshEngine) -> None:
    motion = Motion(yaw_degrees=8)
    along_head = MovingFaces(navy_picture, [engine]).render([motion]).astype(int)
    square = MovingFaces(navy_picture, [engine], "sigmoid").render([motion]).astype(int)
    own = MovingFaces(navy_picture, [engine]).render([Motion()]).astype(int)
    height, width = own.shape[:2]
    middle = np.s_[height // 2 - 20 : height // 2 + 20, width // 2 - 20 : width // 2 + 20]
    assert np.abs(square[middle] - along_head[middle]).mean() < 1
    rim = np.s_[: height // 20]
    assert np.abs(square[rim] - own[rim]).mean() <= np.abs(along_head[rim] - own[rim]).mean()
