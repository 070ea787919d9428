"""Makes a portrait pack from a picture: frames in even steps, blinks, a breath, and figures of how good they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np

from realtime.core.language import _
from realtime.core.progress import Progress, no_progress
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Face, Pixels
from realtime.portrait.building.checks import Checks
from realtime.portrait.building.gaze_row import Row, driven_row, find_row
from realtime.portrait.building.moving_faces import MovingFaces, prepare
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.pack import PackWriter, Place
from realtime.portrait.quality.judge import can_blink
from realtime.portrait.quality.report import Report

__all__ = ["BuildOptions", "BuildResult", "breath", "build"]

_BLINK = {1: (1.0,), 2: (0.5, 1.0), 3: (0.35, 0.75, 1.0)}
"""How far the lids are closed in each stage: the first third of a blink shows most, the last is the quickest."""
_MOUTH_OPEN = 0.05
"""How far a mouth is open in its last stage, heights of the face: people who speak part their lips by 0.02 to 0.04."""
_COMPACT_FROM_PX = 150_000
"""Heads larger than this are stored as WebP: 0.6 of a PNG's size, which then counts, for a few seconds' work."""
_IDLE_FPS = 3.0
"""A breath moves less than a third of a pixel in a third of a second: more pictures would only make packs larger."""


_Change: TypeAlias = Callable[[Sequence[Motion], float], list[Motion]]
"""From the motions of a frame's faces to those of a part that has changed by a share, 0 to 1."""


@dataclasses.dataclass(frozen=True, slots=True)
class BuildResult:
    """What came out."""

    path: Path
    place: Place
    reports: tuple[Report, ...]
    """One for each face."""


def build(
    picture: Pixels,
    faces: Sequence[Face],
    path: Path,
    meter: FaceMeasurer,
    *,
    title: str,
    credit: str = "",
    options: BuildOptions | None = None,
    overwrite: bool = False,
    driven: Sequence[Motion] | None = None,
    progress: Progress = no_progress,
) -> BuildResult:
    """Make a pack. Raises PortraitError; then nothing is left of it, and what was at `path` before is as it was.

    `driven`: motions for the columns, taken from a clip, instead of even steps.
    """
    options = options or BuildOptions()
    if driven is not None:
        options = dataclasses.replace(options, columns=len(driven))
    moving, originals = prepare(picture, faces, meter, options)
    if not all(can_blink(seen) for seen in originals):
        options = dataclasses.replace(options, blink_stages=0)
    writer = PackWriter(
        path,
        title=title,
        credit=credit,
        columns=options.columns,
        rows=options.rows,
        place=moving.place,
        overwrite=overwrite,
        compact=moving.place.width * moving.place.height > _COMPACT_FROM_PX,
    )
    with writer as pack, ThreadPoolExecutor(2) as workers:
        jobs: list[Future[None]] = [workers.submit(pack.add_painting, picture)]
        if driven is None:
            row = find_row(moving, originals, meter, options, progress)
        else:
            row = driven_row(moving, originals, meter, driven, options, progress)
        frames = _all_frames(moving, row, options, progress)
        checks = Checks(moving, originals, row)
        blink = _Band.of(moving, row, options, _closed, _BLINK[options.blink_stages]) if options.blink_stages else None
        if blink is not None:
            pack.set_blink(blink.in_painting, options.blink_stages)
        openings = [(number + 1) / options.mouth_stages for number in range(options.mouth_stages)]
        mouth = _Band.of(moving, row, options, _speaking, openings) if openings else None
        if mouth is not None:
            pack.set_mouth(mouth.in_painting, options.mouth_stages)
        for index, frame, motions in frames:
            jobs.append(workers.submit(pack.add_frame, index, frame))
            checks.add(frame, motions)
            if blink is not None:
                jobs.append(workers.submit(pack.add_blink, index, blink.stages(motions)))
            if mouth is not None:
                jobs.append(workers.submit(pack.add_mouth, index, mouth.stages(motions)))
            _raise_early(jobs)
        if options.idle_seconds > 0:
            pack.set_idle(_IDLE_FPS)
            for number, motion in enumerate(breath(options.idle_seconds)):
                jobs.append(workers.submit(pack.add_idle, number, moving.render([motion] * len(originals))))
        reports = checks.reports()
        tables = [report.as_table() for report in reports]
        pack.set_report(tables[0] if len(tables) == 1 else {"face": tables})
        for job in jobs:
            job.result()
    return BuildResult(path, moving.place, tuple(reports))


def breath(seconds: float) -> list[Motion]:
    """Return the motions of one quiet breath: the head rises, nods and turns a little. Begins and ends at rest."""
    count = max(2, round(seconds * _IDLE_FPS))
    motions = []
    for number in range(count):
        angle = 2 * math.pi * number / count
        motions.append(
            Motion(
                rise=0.004 * (1 - math.cos(angle)) / 2,
                pitch_degrees=0.5 * (1 - math.cos(angle)) / 2,
                yaw_degrees=0.35 * math.sin(angle),
                roll_degrees=0.15 * math.sin(angle),
            )
        )
    return motions


def _all_frames(
    moving: MovingFaces, row: Row, options: BuildOptions, progress: Progress
) -> Iterable[tuple[int, Pixels, list[Motion]]]:
    """Yield every frame's index, pixels and motions; the turns found for the middle row serve the others as well."""
    count = options.columns * options.rows
    for index in range(count):
        number, column = divmod(index, options.columns)
        motions = row.motions_above(column, options.rows, number)
        yield index, row.frames[column] if number == options.rows // 2 else moving.render(motions), motions
        progress(_("painting the frames"), (index + 1) / count)


def _closed(motions: Sequence[Motion], share: float) -> list[Motion]:
    return [dataclasses.replace(motion, closing=share) for motion in motions]


def _speaking(motions: Sequence[Motion], share: float) -> list[Motion]:
    return [dataclasses.replace(motion, mouth_open=motion.mouth_open + share * _MOUTH_OPEN) for motion in motions]


@dataclasses.dataclass(frozen=True, slots=True)
class _Band:
    """A part of the frames that changes by itself: a blink, a mouth that opens."""

    moving: MovingFaces
    place: Place
    """In the frames' own pixels."""
    changed: _Change
    shares: Sequence[float]

    @classmethod
    def of(
        cls, moving: MovingFaces, row: Row, options: BuildOptions, changed: _Change, shares: Sequence[float]
    ) -> _Band | None:
        """Return what `changed` changes, in as many stages as there are `shares`; None: nothing."""
        place = _changed_place(moving, row, options, changed)
        return None if place is None else cls(moving, place, changed, shares)

    @property
    def in_painting(self) -> Place:
        left, top, width, height = self.place
        return Place(self.moving.place.left + left, self.moving.place.top + top, width, height)

    def stages(self, motions: Sequence[Motion]) -> list[Pixels]:
        """Return the pictures that go with a frame."""
        drawn = (self.moving.render(self.changed(motions, share)) for share in self.shares)
        return [np.ascontiguousarray(self.place.of(picture)) for picture in drawn]


def _changed_place(moving: MovingFaces, row: Row, options: BuildOptions, change: _Change) -> Place | None:
    """Return the part of the frames that `change` changes, in the frames' own pixels, or None where it changes none."""
    changed = np.zeros((moving.place.height, moving.place.width), np.bool_)
    for column in _outermost(row):
        for number in {0, options.rows // 2, options.rows - 1}:
            motions = row.motions_above(column, options.rows, number)
            changed |= (moving.render(motions) != moving.render(change(motions, 1.0))).any(axis=2)
    down, across = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(down):
        return None
    margin = max(2, round(0.02 * moving.place.width))  # frames between those looked at reach no farther than this
    left, top = max(0, int(across[0]) - margin), max(0, int(down[0]) - margin)
    right = min(moving.place.width, int(across[-1]) + 1 + margin)
    bottom = min(moving.place.height, int(down[-1]) + 1 + margin)
    return Place(left, top, right - left, bottom - top)


def _outermost(row: Row) -> set[int]:
    """Return the columns where the eyes are farthest out: the ends, and where a clip's head nods or leans most."""
    first = [motions[0] for motions in row.motions]
    columns = {0, len(first) // 2, len(first) - 1}
    for values in ([each.pitch_degrees for each in first], [each.roll_degrees for each in first]):
        columns |= {int(np.argmin(values)), int(np.argmax(values))}
    return columns


def _raise_early(jobs: Sequence[Future[None]]) -> None:
    """Raise what a finished job raised: a full disk ends the work at once."""
    for job in jobs:
        if job.done():
            job.result()
