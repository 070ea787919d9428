"""The turns of each frame, so that the steps from left to right are even as the models see them.

A painted eye answers to a turn less than a real one, and not evenly: near the middle more than near the corners, and
every painting in its own way. So turns are tried and measured, and those that give even steps are read off the curve.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.motion import Motion

FULL_TURN_DEGREES = 32.0
"""The head's turn from the middle to a side when it follows all the way."""
PROBES = 23
"""Motions tried before the first frames are made."""
MOST_EYE_DEGREES = 55.0
"""Of eyes that look as far to one side as they can, to the other; how far they get in their openings, the engine says.
"""
_GAZE_REACH = 0.13
"""Measured gaze aimed at on both sides, eye widths: a little beyond the 0.12 that is clear from across a room."""
_LEAST_GAZE_MOVE = 0.11
"""And at least this far from where the picture's own eyes look."""
_MOST_DOUBT = 0.06
"""Two models' middles that differ by more are no doubt any more: one of them is wrong."""
_EYES_CLOSE = 0.02
"""Steps by which the eyes may miss their place. A step between two frames misses by both: where the picture's own eyes
look aside, one side's steps are 1.31 times the mean one (the Mona Lisa's), and no step may be more than 1.5 times."""
_EYES_NEAR = 0.2
"""Steps by which they may while the head is led to its place. When they turn by one, it is seen to turn by 0.15 (the
girl with the pearl earring's), in places by 0.65 (the Mona Lisa's)."""
_HEAD_CLOSE = 0.1
"""Steps by which the head may miss its place."""
_HEAD_TRIES = 8
"""Where it is not seen close enough by then, the closest is kept: what the models see of heads wavers."""
_NO_RISE = 0.01
"""Turns beyond which no more than this share of the whole way is seen are not made: there an iris hides in its corner,
and is seen to turn back (the Mona Lisa's from 20 degrees on)."""
_NO_TURN = 0.03
"""The same for heads: from there on their turn is hardly seen by the models, and what is seen wavers."""
_SLOPES_DIFFER = 3.0
"""Between two tries what is seen may change by so many times more or less than the whole curve says."""
_PITCH_SHARE = 0.6
"""Heads nod less than they turn."""
_STEPS_AVERAGED = 36
"""What was seen is averaged over about a step of so many across all turns: one of a usual row."""


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """The turns of one face for each column, from left to right, and for each row, from up to down; degrees."""

    eyes: tuple[float, ...]
    heads: tuple[float, ...]
    eyes_up: tuple[float, ...]
    heads_up: tuple[float, ...]

    def motion(self, column: int, row: int) -> Motion:
        """Return the motion of one frame."""
        return Motion(
            yaw_degrees=self.heads[column],
            gaze_x_degrees=self.eyes[column],
            pitch_degrees=self.heads_up[row],
            gaze_y_degrees=self.eyes_up[row],
        )

    def motion_after(self, before: Motion, column: int, row: int) -> Motion:
        """Return the motion of one frame, as far from these steps as the one found for the frame before it is."""
        planned, motion = self.motion(column - 1, row), self.motion(column, row)
        return dataclasses.replace(
            motion,
            yaw_degrees=motion.yaw_degrees + before.yaw_degrees - planned.yaw_degrees,
            gaze_x_degrees=motion.gaze_x_degrees + before.gaze_x_degrees - planned.gaze_x_degrees,
        )


class Try(NamedTuple):
    """A motion that a frame was made with, and by how many steps eyes and head were seen too far to the right."""

    motion: Motion
    gaze_error: float
    yaw_error: float


class StepSolver:
    """Learns how one face answers to turns, and says which turns give even steps."""

    def __init__(
        self, columns: int, rows: int, head_share: float, up_down_degrees: float, other_middle: float = 0.0
    ) -> None:
        """`other_middle`: where the middle of the eyes may lie as well as at 0, eye widths: the gaze is to reach far
        enough from both.
        """
        self._sides = sides(columns)
        self._rows = sides(rows) if rows > 1 else np.zeros(1)
        self._most_yaw = FULL_TURN_DEGREES * head_share
        self._head_share = head_share
        self._up_down = up_down_degrees
        other = float(np.clip(other_middle, -_MOST_DOUBT, _MOST_DOUBT))
        self._reach = min(0.0, other) - _GAZE_REACH, max(0.0, other) + _GAZE_REACH
        self._tried: list[tuple[float, float, float, float]] = []
        """Eye turn, gaze seen, head turn, yaw seen."""

    def probes(self) -> list[Motion]:
        """Return the motions to try first, from left to right."""
        places = np.linspace(-1, 1, PROBES)
        return [Motion(yaw_degrees=self._most_yaw * place, gaze_x_degrees=MOST_EYE_DEGREES * place) for place in places]

    def learn(self, motion: Motion, gaze: float, yaw: float) -> None:
        """Take what was seen for a motion of the middle row: gaze in eye widths, yaw in degrees."""
        self._tried.append((motion.gaze_x_degrees, gaze, motion.yaw_degrees, yaw))

    def steps(self) -> Steps:
        """Return the turns that give even steps, by all that was learnt, and set the goals of `compare`."""
        tried = np.array(self._tried, np.float64)
        eyes, self._gaze_goals, self._gaze_slopes = self._even(tried[:, 0], tried[:, 1], limited=True)
        if self._most_yaw > 0:
            heads, self._yaw_goals, self._yaw_slopes = self._even(tried[:, 2], tried[:, 3], limited=False)
        else:
            heads = np.zeros(len(self._sides))
        return Steps(tuple(eyes.tolist()), tuple(heads.tolist()), *self._rows_up())

    def given(self, motions: Sequence[Motion]) -> Steps:
        """Return the turns of motions that were thought up elsewhere."""
        eyes = tuple(motion.gaze_x_degrees for motion in motions)
        return Steps(eyes, tuple(motion.yaw_degrees for motion in motions), *self._rows_up())

    def _rows_up(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        up = tuple(float(-self._up_down * row) for row in self._rows)
        row_pitch_degrees = tuple(
            float(-FULL_TURN_DEGREES * self._head_share * _PITCH_SHARE * row) for row in self._rows
        )
        return up, row_pitch_degrees

    def compare(self, column: int, motion: Motion, gaze: float, yaw: float) -> Try:
        """Return by how much a frame whose motion was seen to give `gaze` and `yaw` misses its place."""
        gaze_error = (gaze - self._gaze_goals[column]) / self._step(self._gaze_goals)
        yaw_error = (yaw - self._yaw_goals[column]) / self._step(self._yaw_goals) if self._most_yaw > 0 else 0.0
        return Try(motion, float(gaze_error), float(yaw_error))

    def retry(self, column: int, tries: Sequence[Try]) -> Motion:
        """Return a motion for a frame that comes nearer to its place than those of `tries`, or the best of these where
        it is close enough or nothing new is left to try.

        First the head is led, and the eyes only until they are near; then it stays, and the eyes are led alone. For
        whenever a head turns, be it by half a degree, what is seen of its eyes wavers by up to 0.3 of a step; as they
        turn alone it is a smooth curve, within 0.2 of a line for three steps.
        """
        with_head, head_stays = _with_best_head(tries)
        if head_stays:
            motion = self._lead_eyes(column, with_head, _EYES_CLOSE)
        else:
            motion = self._lead_head(column, tries, self._lead_eyes(column, tries[:-3:-1], _EYES_NEAR))
        return with_head[0].motion if any(motion == each.motion for each in tries) else motion

    def _lead_eyes(self, column: int, tries: Sequence[Try], close: float) -> Motion:
        """Return the motion of the first of `tries`, with eyes nearer to their place unless they are that close, or two
        that turned farther out were seen no nearer: there an iris hides in its corner.
        """
        motion, error, _ = tries[0]
        farther = [each for each in tries if (each.motion.gaze_x_degrees - motion.gaze_x_degrees) * error < 0]
        if abs(error) <= close or (len(farther) >= 2 and all(each.gaze_error * error > 0 for each in tries)):
            return motion
        slope, limit = self._gaze_slopes[column] / self._step(self._gaze_goals), 2 * MOST_EYE_DEGREES / len(self._sides)
        eyes = _nearer({each.motion.gaze_x_degrees: each.gaze_error for each in reversed(tries)}, slope, limit)
        return dataclasses.replace(motion, gaze_x_degrees=float(np.clip(eyes, -MOST_EYE_DEGREES, MOST_EYE_DEGREES)))

    def _lead_head(self, column: int, tries: Sequence[Try], motion: Motion) -> Motion:
        """Return `motion` with a head nearer to its place than in `tries`, by those with eyes near theirs if there are
        any.
        """
        if self._most_yaw == 0:
            return motion
        slope, limit = self._yaw_slopes[column] / self._step(self._yaw_goals), 2 * self._most_yaw / len(self._sides)
        near = [each for each in tries if abs(each.gaze_error) <= _EYES_NEAR] or tries
        yaw = _nearer({each.motion.yaw_degrees: each.yaw_error for each in near}, slope, limit)
        return dataclasses.replace(motion, yaw_degrees=yaw)

    @staticmethod
    def _step(goals: NDArray[np.float64]) -> float:
        return max(1e-9, float(np.abs(np.diff(goals)).mean()))

    def _even(
        self, turns: NDArray[np.float64], observed: NDArray[np.float64], *, limited: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return for each column the turn, what it is meant to be seen as, and how that changes with the turn.

        What is seen moves evenly from the middle to each side; the middle is the picture, so each side has its own
        step. It is where it was seen: the calmed curve passes the Mona Lisa's by 0.12 of a step. `limited`: up to a
        gaze that is far enough; else as far as was tried.
        """
        picture = float(observed[turns == 0].mean())
        turns, observed = rising(turns, observed)
        flat = (_NO_RISE if limited else _NO_TURN) * (observed[-1] - observed[0])
        first, last = int(np.sum(observed <= observed[0] + flat)) - 1, int(np.sum(observed < observed[-1] - flat))
        turns, observed = turns[first : last + 1], observed[first : last + 1]
        middle = float(np.clip(picture, observed[0], observed[-1]))
        left, right = float(observed[0]), float(observed[-1])
        if limited:
            left = max(left, min(self._reach[0], middle - _LEAST_GAZE_MOVE))
            right = min(right, max(self._reach[1], middle + _LEAST_GAZE_MOVE))
        goals = middle + np.abs(self._sides) * np.where(self._sides < 0, left - middle, right - middle)
        solution = np.interp(goals, observed, turns)
        solution[self._sides == 0] = 0.0
        slopes = np.interp(solution, turns, np.gradient(observed, turns))
        overall = (observed[-1] - observed[0]) / (turns[-1] - turns[0])
        return solution, goals, np.clip(slopes, 0.4 * overall, 2 * overall)


def best_motion(tries: Sequence[Try]) -> Motion:
    """Return the motion of the try nearest to its place: with its head, and of those with that head with its eyes."""
    return _with_best_head(tries)[0][0].motion


def _with_best_head(tries: Sequence[Try]) -> tuple[list[Try], bool]:
    """Return the tries with the head that is nearest to its place, the best eyes first, and whether it is to stay."""
    misses = [max(abs(each.gaze_error) / _EYES_NEAR, abs(each.yaw_error) / _HEAD_CLOSE) for each in tries[:_HEAD_TRIES]]
    yaw = tries[int(np.argmin(misses))].motion.yaw_degrees
    with_it = sorted((each for each in tries if each.motion.yaw_degrees == yaw), key=lambda each: abs(each.gaze_error))
    return with_it, min(misses) <= 1 or len(misses) == _HEAD_TRIES


def _nearer(errors: Mapping[float, float], slope: float, limit: float) -> float:
    """Return a turn to try that should miss its place by less than those before, of which each is `errors[turn]` off.

    Between two that miss it to either side; else farther out than all, by `limit` at most. `slope`: how what is seen
    changes with the turn by the whole curve.
    """
    turns = sorted(errors)
    missed = [errors[turn] for turn in turns]
    crossings = [number for number in range(1, len(turns)) if (missed[number - 1] < 0) != (missed[number] < 0)]
    if crossings:
        crossing = min(crossings, key=lambda number: abs(missed[number - 1]) + abs(missed[number]))
        share = np.clip(missed[crossing - 1] / (missed[crossing - 1] - missed[crossing]), 0.1, 0.9)
        return float(turns[crossing - 1] + share * (turns[crossing] - turns[crossing - 1]))
    outer, inner = (0, 1) if missed[0] > 0 else (-1, -2)
    if len(turns) > 1:
        observed = (missed[outer] - missed[inner]) / (turns[outer] - turns[inner])
        slope = float(np.clip(observed, slope / _SLOPES_DIFFER, slope * _SLOPES_DIFFER))
    return float(turns[outer] + np.clip(-missed[outer] / slope, -limit, limit))


def sides(count: int) -> NDArray[np.float64]:
    """Return where each column (or row) stands, from -1 to 1, and exactly 0 at the middle one."""
    middle = count // 2
    numbers = np.arange(count, dtype=np.float64) - middle
    return numbers / np.where(numbers < 0, max(1, middle), max(1, count - 1 - middle))


def rising(
    turns: Sequence[float] | NDArray[np.float64], observed: Sequence[float] | NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the samples in order of turns, calmed where they are dense, what is seen strictly rising.

    A Gaussian over turns with the spread of one step: repeated measurements of nearly the same turn average out, and
    the curve keeps its shape. Local straight lines, so that its ends keep their slope.
    """
    turns, observed = np.asarray(turns, np.float64), np.asarray(observed, np.float64)
    places = np.unique(np.round(turns, 6))
    spread = max(1e-6, (places[-1] - places[0]) / _STEPS_AVERAGED)
    smoothed = np.empty(len(places))
    for number, turn in enumerate(places):
        weights = np.exp(-0.5 * ((turns - turn) / spread) ** 2)
        total = weights.sum()
        mean_turn, mean_seen = (weights @ turns) / total, (weights @ observed) / total
        variance = weights @ (turns - mean_turn) ** 2 + 1e-3 * total * spread**2
        slope = max(0.0, float(weights @ ((turns - mean_turn) * (observed - mean_seen)) / variance))
        smoothed[number] = mean_seen + slope * (turn - mean_turn)
    # Turned back on the left; on the right, the last line sees to it.
    smoothed[: np.argmin(smoothed)] = smoothed.min()
    least = 1e-5 * max(1e-6, float(smoothed.max() - smoothed.min()))
    return places, np.maximum.accumulate(smoothed) + least * np.arange(len(smoothed))
