"""The middle row of a portrait, left to right: each frame tried until it is seen where it should be, or driven."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _
from realtime.core.progress import Progress
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer, gaze_from, middle_of_lids, turn
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels
from realtime.portrait.building.moving_faces import MovingFaces
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.building.step_solver import Steps, StepSolver, Try, best_motion, rising, sides
from realtime.portrait.quality.iris_match import Irises, IrisWatch
from realtime.portrait.quality.judge import seen_look

_TRIES = 18
"""A frame is made up to as often as this, until its gaze and turn are seen close enough to their places; four times
on average."""
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
class _Frame:
    """One frame; lists hold one item for each face."""

    motions: list[Motion]
    pixels: Pixels
    measured: list[FaceMeasurement]


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
        progress(_("learning how the eyes turn"), (number + 1) / len(probes))
    watches = [IrisWatch(moving.picture, original) for original in originals]
    row = Row(
        steps=[solver.steps() for solver in solvers],
        motions=[],
        frames=[],
        measured=[[] for _unused in originals],
        irises=[[] for _unused in originals],
        iris_brightness=[watch.brightness for watch in watches],
    )
    for column in range(options.columns):
        motions = [steps.motion(column, options.rows // 2) for steps in row.steps]
        if column == options.columns // 2:
            frame = _render(motions, moving, originals, meter)  # the picture
        else:
            if column > 0:
                motions = [
                    steps.motion_after(before, column, options.rows // 2)
                    for steps, before in zip(row.steps, row.motions[-1], strict=True)
                ]
            frame = _search(column, motions, moving, originals, meter, solvers)
        row.motions.append(frame.motions)
        row.frames.append(frame.pixels)
        whole = moving.whole(frame.pixels)
        for number, measurement in enumerate(frame.measured):
            row.measured[number].append(measurement)
            row.irises[number].append(watches[number].see(whole, measurement))
        progress(_("finding even steps"), (column + 1) / options.columns)
    return row


def _search(
    column: int,
    motions: list[Motion],
    moving: MovingFaces,
    originals: Sequence[FaceMeasurement],
    meter: FaceMeasurer,
    solvers: Sequence[StepSolver],
) -> _Frame:
    """Return the first frame in which every face is close enough to its place, or that with the best motions of as many
    tries as are allowed. `motions`: those to try first.
    """
    tries: list[list[Try]] = [[] for _ in originals]
    while True:
        frame = _render(motions, moving, originals, meter)
        for each, solver, motion, measurement, original in zip(
            tries, solvers, motions, frame.measured, originals, strict=True
        ):
            yaw = turn(measurement, original).yaw_degrees
            each.append(solver.compare(column, motion, gaze_from(measurement, original), yaw))
        if len(tries[0]) < _TRIES:
            motions = [solver.retry(column, each) for solver, each in zip(solvers, tries, strict=True)]
        else:
            motions = [best_motion(each) for each in tries]
        if motions == frame.motions:
            return frame


def _render(
    motions: list[Motion], moving: MovingFaces, originals: Sequence[FaceMeasurement], meter: FaceMeasurer
) -> _Frame:
    pixels = moving.render(motions)
    whole = moving.whole(pixels)
    return _Frame(motions, pixels, [meter.again(whole, original) for original in originals])


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
        measured: list[list[FaceMeasurement]] = [[] for _unused in originals]
        for number, motion in enumerate(motions):
            frames.append(moving.render([motion] * len(originals)))
            whole = moving.whole(frames[-1])
            for each, original in zip(measured, originals, strict=True):
                each.append(meter.again(whole, original))
            progress(_("following the clip"), (pace + (number + 1) / len(driven)) / _PACES)
        seen = [[seen_look(one, original) for one in each] for each, original in zip(measured, originals, strict=True)]
        seen_at += places.tolist()
        looks += np.mean(seen, axis=0).tolist()
        if pace < _PACES - 1:
            places = _even_places(seen_at, looks, len(driven))
    return Row(
        steps=[
            StepSolver(len(driven), options.rows, options.head_share, options.up_down_degrees).given(motions)
            for _unused in originals
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
