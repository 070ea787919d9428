"""The middle row of a portrait, left to right: each frame tried until it is seen where it should be, or driven."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from realtime.frame import Pixels
from realtime.model_store import Progress
from realtime.portraits import Motion
from realtime.portraits.build_options import BuildOptions
from realtime.portraits.measure import Irises, IrisWatch, Measured, Meter, turn
from realtime.portraits.moving import MovingFaces
from realtime.portraits.steps import StepFinder, Steps

_TRIES = 9
"""A frame is made up to as often as this, until its gaze and turn are seen close enough to their places; three times
on average."""
_SHARE = 0.9
"""Each time this share of what is missing is added."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """The finished middle row."""

    steps: list[Steps]
    motions: list[list[Motion]]
    """For each frame, each face."""
    frames: list[Pixels]
    measured: list[list[Measured]]
    """For each face, each frame."""
    irises: list[list[Irises]]
    """For each face, each frame."""
    iris_brightness: list[float]
    """Of each face in the picture."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Try:
    """One attempt at a frame; lists hold one item for each face."""

    miss: float
    motions: list[Motion]
    frame: Pixels
    measured: list[Measured]
    places: list[tuple[float, float]]
    """Gaze and yaw as seen."""


def find_row(
    moving: MovingFaces, originals: Sequence[Measured], meter: Meter, options: BuildOptions, progress: Progress
) -> Row:
    """Return the middle row, each frame tried a few times until every face in it is seen where it should be."""
    finders = [
        StepFinder(options.columns, options.rows, options.head_share, options.up_down_degrees) for _ in originals
    ]
    probes = finders[0].probes()
    for number, motion in enumerate(probes):
        whole = moving.whole(moving.render([motion] * len(originals)))
        for finder, original in zip(finders, originals, strict=True):
            seen = meter.measure(whole, original.mesh)
            finder.learn(motion, seen.gaze[0], turn(seen, original).yaw_degrees)
        progress("learning how the eyes turn", (number + 1) / len(probes))
    watches = [IrisWatch(moving.picture, original) for original in originals]
    row = Row(
        steps=[finder.steps() for finder in finders],
        motions=[],
        frames=[],
        measured=[[] for _ in originals],
        irises=[[] for _ in originals],
        iris_brightness=[watch.brightness for watch in watches],
    )
    for column in range(options.columns):
        motions = [steps.motion(column, options.rows // 2) for steps in row.steps]
        best: _Try | None = None
        share = _SHARE
        for _ in range(1 if column == options.columns // 2 else _TRIES):
            frame = moving.render(motions)
            whole = moving.whole(frame)
            faces = [meter.measure(whole, original.mesh) for original in originals]
            places = [
                (seen.gaze[0], turn(seen, original).yaw_degrees)
                for seen, original in zip(faces, originals, strict=True)
            ]
            miss = max(finder.miss(column, *place) for finder, place in zip(finders, places, strict=True))
            if best is None or miss < best.miss:
                best, share = _Try(miss, motions, frame, faces, places), _SHARE
            else:
                share *= -0.6  # past the gaze's turning point, near a corner, the other way is the right one
            if miss <= 1:
                break
            motions = [
                finder.retry(column, motion, *place, share)
                for finder, motion, place in zip(finders, best.motions, best.places, strict=True)
            ]
        assert best is not None  # noqa: S101 - there is at least one try
        row.motions.append(best.motions)
        row.frames.append(best.frame)
        whole = moving.whole(best.frame)
        for number, seen in enumerate(best.measured):
            row.measured[number].append(seen)
            row.irises[number].append(watches[number].see(whole, seen))
        progress("finding even steps", (column + 1) / options.columns)
    return row


def driven_row(
    moving: MovingFaces,
    originals: Sequence[Measured],
    meter: Meter,
    driven: Sequence[Motion],
    options: BuildOptions,
    progress: Progress,
) -> Row:
    """Return the middle row made by motions that are given."""
    finders = [StepFinder(len(driven), options.rows, options.head_share, options.up_down_degrees) for _ in originals]
    watches = [IrisWatch(moving.picture, original) for original in originals]
    row = Row(
        steps=[finder.given(driven) for finder in finders],
        motions=[],
        frames=[],
        measured=[[] for _ in originals],
        irises=[[] for _ in originals],
        iris_brightness=[watch.brightness for watch in watches],
    )
    for number, motion in enumerate(driven):
        row.motions.append([motion] * len(originals))
        row.frames.append(moving.render(row.motions[-1]))
        whole = moving.whole(row.frames[-1])
        for face, original in enumerate(originals):
            row.measured[face].append(meter.measure(whole, original.mesh))
            row.irises[face].append(watches[face].see(whole, row.measured[face][-1]))
        progress("following the clip", (number + 1) / len(driven))
    return row
