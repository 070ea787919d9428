"""The turns of each frame, so that the steps from left to right are even as the models see them.

A painted eye answers to a turn less than a real one, and not evenly: near the middle more than near the corners, and
every painting in its own way. So turns are tried and measured, and those that give even steps are read off the curve.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

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
_CLOSE_ENOUGH = 0.1
"""Steps by which a frame may miss its place."""
_NO_RISE = 0.01
"""Turns beyond which no more than this share of the whole way is seen are not made: there an iris hides in its corner,
and is seen to turn back (the Mona Lisa's from 20 degrees on)."""
_NO_TURN = 0.03
"""The same for heads: from there on their turn is hardly seen by the models, and what is seen wavers."""
_TRUSTS_SLOPE = 0.1
"""The overall slopes count as much as one try a third of a step away."""
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
        """Return the turns that give even steps, by all that was learnt, and set the goals that `retry` aims at."""
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
        nod = tuple(float(-FULL_TURN_DEGREES * self._head_share * _PITCH_SHARE * row) for row in self._rows)
        return up, nod

    def miss(self, column: int, gaze: float, yaw: float) -> float:
        """Return by how much a frame misses its place, over what is close enough: up to 1 is good."""
        eyes = abs(gaze - self._gaze_goals[column]) / self._step(self._gaze_goals)
        head = abs(yaw - self._yaw_goals[column]) / self._step(self._yaw_goals) if self._most_yaw > 0 else 0.0
        return float(max(eyes, head)) / _CLOSE_ENOUGH

    def retry(self, column: int, motion: Motion, gaze: float, yaw: float, share: float) -> Motion:
        """Return a better motion for a frame whose motion was seen to give `gaze` and `yaw`.

        A step of Newton's method, shortened to `share`: what the models see wavers by a tenth of a pixel as the
        picture moves, so their slope at one place says little, and that of the whole curve is used.
        """
        limit_eyes, limit_head = 2.0 * MOST_EYE_DEGREES / len(self._sides), 2.0 * self._most_yaw / len(self._sides)
        eyes = np.clip((self._gaze_goals[column] - gaze) / self._gaze_slopes[column] * share, -limit_eyes, limit_eyes)
        head = 0.0
        if self._most_yaw > 0:
            head = np.clip((self._yaw_goals[column] - yaw) / self._yaw_slopes[column] * share, -limit_head, limit_head)
        return dataclasses.replace(
            motion,
            gaze_x_degrees=float(np.clip(motion.gaze_x_degrees + eyes, -MOST_EYE_DEGREES, MOST_EYE_DEGREES)),
            yaw_degrees=motion.yaw_degrees + float(head),
        )

    def aim(self, column: int, motion: Motion) -> Motion:
        """Return `motion` with the turns that a frame needs by all that was learnt near its place.

        Where a head's turn makes its eyes seem to turn, or is hardly seen itself, each goal for itself is never met. So
        both things seen are taken to depend on both turns: planes through what was seen near by (least squares, the
        nearer the more), that tilt from the overall slopes only as far as the tries say so (ridge regression).
        """
        tried = np.array(self._tried, np.float64)
        turns, observed = tried[:, [0]], (tried[:, [1]] - self._gaze_goals[column]) / self._step(self._gaze_goals)
        scales = np.array([self._gaze_slopes[column] / self._step(self._gaze_goals)])
        if self._most_yaw > 0:
            yaw = (tried[:, [3]] - self._yaw_goals[column]) / self._step(self._yaw_goals)
            turns, observed = tried[:, [0, 2]], np.hstack([observed, yaw])
            scales = np.append(scales, self._yaw_slopes[column] / self._step(self._yaw_goals))
        weights = 1 / (_CLOSE_ENOUGH**2 + (observed**2).sum(axis=1))
        places = turns * scales  # a step, by the overall slopes, is 1
        off = observed - places
        middle, mean = weights @ places / weights.sum(), weights @ off / weights.sum()
        around = (places - middle) * weights[:, None]
        unit = np.eye(len(scales))
        tilt = np.linalg.solve(around.T @ (places - middle) + _TRUSTS_SLOPE * unit, around.T @ (off - mean))
        solution, *_ = np.linalg.lstsq((unit + tilt).T, middle @ tilt - mean, rcond=None)
        # Never farther than anything tried.
        best = np.clip(solution / scales, turns.min(axis=0), turns.max(axis=0))
        head = float(best[1]) if self._most_yaw > 0 else motion.yaw_degrees
        return dataclasses.replace(motion, gaze_x_degrees=float(best[0]), yaw_degrees=head)

    @staticmethod
    def _step(goals: NDArray[np.float64]) -> float:
        return max(1e-9, float(np.abs(np.diff(goals)).mean()))

    def _even(
        self, turns: NDArray[np.float64], observed: NDArray[np.float64], *, limited: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return for each column the turn, what it is meant to be seen as, and how that changes with the turn.

        What is seen moves evenly from the middle to each side; the middle is the picture, so each side has its own
        step. `limited`: up to a gaze that is far enough; else as far as was tried.
        """
        turns, observed = rising(turns, observed)
        flat = (_NO_RISE if limited else _NO_TURN) * (observed[-1] - observed[0])
        first, last = int(np.sum(observed <= observed[0] + flat)) - 1, int(np.sum(observed < observed[-1] - flat))
        turns, observed = turns[first : last + 1], observed[first : last + 1]
        middle = float(np.interp(0.0, turns, observed))
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
    grid = np.unique(np.round(turns, 6))
    spread = max(1e-6, (grid[-1] - grid[0]) / _STEPS_AVERAGED)
    calm = np.empty(len(grid))
    for number, place in enumerate(grid):
        weights = np.exp(-0.5 * ((turns - place) / spread) ** 2)
        total = weights.sum()
        mean_turn, mean_seen = (weights @ turns) / total, (weights @ observed) / total
        variance = weights @ (turns - mean_turn) ** 2 + 1e-3 * total * spread**2
        slope = max(0.0, float(weights @ ((turns - mean_turn) * (observed - mean_seen)) / variance))
        calm[number] = mean_seen + slope * (place - mean_turn)
    calm[: np.argmin(calm)] = calm.min()  # turned back on the left; on the right, the next line but one sees to it
    least = 1e-5 * max(1e-6, float(calm.max() - calm.min()))
    return grid, np.maximum.accumulate(calm) + least * np.arange(len(calm))
