"""The middle row of a portrait, left to right: each frame tried until it is seen where it should be, or driven."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.core.progress import Progress
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer, gaze_from, middle_of_lids, turn
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.building.step_solver import Steps, StepSolver, rising, sides
from realtime.portrait.quality.iris_match import Irises, IrisWatch
from realtime.portrait.quality.judge import seen_look

_TRIES = 18
"""A frame is made up to as often as this, until its gaze and turn are seen close enough to their places; three times
on average."""
_TRIES_ALONE = 8
"""So many times gaze and turn are each led to their places alone; then together, by all that was seen so far."""
_SHARE = 0.9
"""Each time this share of what is missing is added."""
_PACES = 3
"""A driven row is made as often as this, each time in steps more even to the eye."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """The finished middle row."""

    steps: list[Steps]
    motions: list[list[Motion]]
    """For each frame, each face."""
    frames: list[Pixels]
    measured: list[list[FaceMeasurement]]
    """For each face, each frame."""
    irises: list[list[Irises]]
    """For each face, each frame."""
    iris_brightness: list[float]
    """Of each face in the picture."""
    driven: Sequence[Motion] | None = None
    """The motions that a clip asked for, where the row follows one."""

    def motions_above(self, column: int, rows: int, number: int) -> list[Motion]:
        """Return the motions of each face for a frame of row `number` of `rows`: those found for this one, and up or
        down besides.
        """
        if number == rows // 2:
            return self.motions[column]
        return [
            dataclasses.replace(
                found,
                pitch_degrees=found.pitch_degrees + steps.heads_up[number],
                gaze_y_degrees=found.gaze_y_degrees + steps.eyes_up[number],
            )
            for found, steps in zip(self.motions[column], self.steps, strict=True)
        ]


@dataclasses.dataclass(frozen=True, slots=True)
class _Try:
    """One attempt at a frame; lists hold one item for each face."""

    miss: float
    motions: list[Motion]
    frame: Pixels
    measured: list[FaceMeasurement]
    places: list[tuple[float, float]]
    """Gaze and yaw as seen."""


def find_row(
    moving: MovingFaces,
    originals: Sequence[FaceMeasurement],
    meter: FaceMeasurer,
    options: BuildOptions,
    progress: Progress,
) -> Row:
    """Return the middle row, each frame tried a few times until every face in it is seen where it should be."""
    solvers = [
        StepSolver(
            options.columns,
            options.rows,
            options.head_share,
            options.up_down_degrees,
            -middle_of_lids(original.eyes, original.mesh),
        )
        for original in originals
    ]
    probes = solvers[0].probes()
    for number, motion in enumerate(probes):
        whole = moving.whole(moving.render([motion] * len(originals)))
        for solver, original in zip(solvers, originals, strict=True):
            measurement = meter.again(whole, original)
            solver.learn(motion, gaze_from(measurement, original), turn(measurement, original).yaw_degrees)
        progress("learning how the eyes turn", (number + 1) / len(probes))
    watches = [IrisWatch(moving.picture, original) for original in originals]
    row = Row(
        steps=[solver.steps() for solver in solvers],
        motions=[],
        frames=[],
        measured=[[] for _ in originals],
        irises=[[] for _ in originals],
        iris_brightness=[watch.brightness for watch in watches],
    )
    for column in range(options.columns):
        motions = [steps.motion(column, options.rows // 2) for steps in row.steps]
        tries = 1 if column == options.columns // 2 else _TRIES  # the middle frame is the picture
        best = _best_try(moving, originals, meter, solvers, column, motions, tries)
        row.motions.append(best.motions)
        row.frames.append(best.frame)
        whole = moving.whole(best.frame)
        for number, measurement in enumerate(best.measured):
            row.measured[number].append(measurement)
            row.irises[number].append(watches[number].see(whole, measurement))
        progress("finding even steps", (column + 1) / options.columns)
    return row


def _best_try(
    moving: MovingFaces,
    originals: Sequence[FaceMeasurement],
    meter: FaceMeasurer,
    solvers: Sequence[StepSolver],
    column: int,
    motions: list[Motion],
    tries: int,
) -> _Try:
    """Return the first try that is close enough, or the best of as many as are allowed."""
    best: _Try | None = None
    share = _SHARE
    for number in range(tries):
        frame = moving.render(motions)
        whole = moving.whole(frame)
        measured = [meter.again(whole, original) for original in originals]
        places = [
            (gaze_from(measurement, original), turn(measurement, original).yaw_degrees)
            for measurement, original in zip(measured, originals, strict=True)
        ]
        miss = max(solver.miss(column, *place) for solver, place in zip(solvers, places, strict=True))
        if best is None or miss < best.miss:
            best, share = _Try(miss, motions, frame, measured, places), _SHARE
        else:
            share *= -0.6  # past the gaze's turning point, near a corner, the other way is the right one
        if miss <= 1:
            break
        for solver, motion, place in zip(solvers, motions, places, strict=True):
            solver.learn(motion, *place)
        if number < _TRIES_ALONE:
            motions = [
                solver.retry(column, motion, *place, share)
                for solver, motion, place in zip(solvers, best.motions, best.places, strict=True)
            ]
        else:
            motions = [solver.aim(column, motion) for solver, motion in zip(solvers, best.motions, strict=True)]
    assert best is not None  # noqa: S101 - there is at least one try
    return best


def driven_row(
    moving: MovingFaces,
    originals: Sequence[FaceMeasurement],
    meter: FaceMeasurer,
    driven: Sequence[Motion],
    options: BuildOptions,
    progress: Progress,
) -> Row:
    """Return the middle row made by motions that are given: along their way, but in steps that are seen to be even.

    A portrait does not answer to a turn as the filmed face did, so the same way is walked at another pace: first by
    the motions as they are, then _PACES - 1 times by what was seen of the last one.
    """
    watches = [IrisWatch(moving.picture, original) for original in originals]
    numbers = np.arange(len(driven), dtype=np.float64)
    places = numbers.copy()
    seen_at: list[float] = []
    looks: list[float] = []
    for pace in range(_PACES):
        motions = along(driven, places)
        frames: list[Pixels] = []
        measured: list[list[FaceMeasurement]] = [[] for _ in originals]
        for number, motion in enumerate(motions):
            frames.append(moving.render([motion] * len(originals)))
            whole = moving.whole(frames[-1])
            for each, original in zip(measured, originals, strict=True):
                each.append(meter.again(whole, original))
            progress("following the clip", (pace + (number + 1) / len(driven)) / _PACES)
        seen = [[seen_look(one, original) for one in each] for each, original in zip(measured, originals, strict=True)]
        seen_at += places.tolist()
        looks += np.mean(seen, axis=0).tolist()
        if pace < _PACES - 1:
            places = _even_places(seen_at, looks, len(driven))
    return Row(
        steps=[
            StepSolver(len(driven), options.rows, options.head_share, options.up_down_degrees).given(motions)
            for _ in originals
        ],
        motions=[[motion] * len(originals) for motion in motions],
        frames=frames,
        measured=measured,
        irises=[
            [watch.see(moving.whole(frame), one) for frame, one in zip(frames, each, strict=True)]
            for watch, each in zip(watches, measured, strict=True)
        ],
        iris_brightness=[watch.brightness for watch in watches],
        driven=driven,
    )


def along(motions: Sequence[Motion], places: NDArray[np.float64]) -> list[Motion]:
    """Return the motions met at `places` (0 to len(motions) - 1, between them too) on the way through `motions`."""
    table = np.array([dataclasses.astuple(motion) for motion in motions])
    numbers = np.arange(len(motions))
    return [Motion(*row) for row in np.stack([np.interp(places, numbers, column) for column in table.T], 1).tolist()]


def _even_places(places: Sequence[float], looks: Sequence[float], columns: int) -> NDArray[np.float64]:
    """Return the places of the columns where what is seen moves evenly from the middle one to each end."""
    tried, seen = rising(places, looks)
    middle = columns // 2
    start, rest, end = np.interp([0, middle, columns - 1], tried, seen)
    side = sides(columns)
    found = np.interp(rest + np.abs(side) * np.where(side < 0, start - rest, end - rest), seen, tried)
    found[[0, middle, -1]] = 0, middle, columns - 1
    return np.asarray(found, np.float64)
