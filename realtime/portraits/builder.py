"""Makes a portrait pack from a picture: the motions of each frame, evenly spaced by what the models see, and figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2

from realtime.errors import PortraitError
from realtime.frame import Box, Face, Pixels
from realtime.model_store import Progress, no_progress
from realtime.portrait_file import PackWriter, Place
from realtime.portraits import ENGINES, Engine, Motion, Source
from realtime.portraits.measure import Irises, Measured, Meter, look_at_irises, sharpness, turn
from realtime.portraits.report import Pictures, Report, make_report
from realtime.portraits.search import LEAST_FACE_PX, find_faces
from realtime.portraits.steps import StepFinder, Steps

_TRIES = 4
"""Times a frame is made until its gaze and turn are seen close enough to their places; two on average."""
_PROFILE_DEGREES = 52.0


@dataclasses.dataclass(frozen=True, slots=True)
class BuildOptions:
    """How a portrait is made."""

    columns: int = 33
    rows: int = 1
    head_share: float = 0.25
    """How far the head follows: 0 only the eyes move, 1 a turn of 32 degrees."""
    up_down_degrees: float = 14.0
    """With rows: how far the eyes look up and down; the head follows by its share."""
    blink_stages: int = 3
    """0: no blink pictures."""
    idle_seconds: float = 4.0
    """0: no idle loop."""
    engine: str = "mesh"


class MovingFaces:
    """One picture with one face or several that move together, each by its own motion."""

    def __init__(self, picture: Pixels, engines: Sequence[Engine]) -> None:
        self.picture = picture
        self.engines = tuple(engines)
        left = min(int(engine.region.left) for engine in engines)
        top = min(int(engine.region.top) for engine in engines)
        right = max(int(engine.region.left + engine.region.width) for engine in engines)
        bottom = max(int(engine.region.top + engine.region.height) for engine in engines)
        self.place = Place(left, top, right - left, bottom - top)

    def render(self, motions: Sequence[Motion]) -> Pixels:
        """Return the region that holds all faces, each moved by its motion."""
        if len(self.engines) == 1:
            return self.engines[0].render(motions[0])
        frame = self.place.of(self.picture).copy()
        for engine, motion in zip(self.engines, motions, strict=True):
            region = Place(
                int(engine.region.left) - self.place.left,
                int(engine.region.top) - self.place.top,
                int(engine.region.width),
                int(engine.region.height),
            )
            own = Place(*(int(side) for side in engine.region)).of(self.picture)
            moved = engine.render(motion)
            changed = (moved != own).any(axis=2)
            region.of(frame)[changed] = moved[changed]  # regions of neighbours overlap where nothing moves
        return frame

    def whole(self, frame: Pixels) -> Pixels:
        """Return the picture with a frame in its place."""
        whole = self.picture.copy()
        self.place.of(whole)[:] = frame
        return whole


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    """What came out."""

    path: Path
    place: Place
    reports: tuple[Report, ...]
    """One for each face."""
    measured: tuple[tuple[Measured, ...], ...]
    """For each face, what was seen in each frame of the middle row."""


def prepare(
    picture: Pixels, faces: Sequence[Face], meter: Meter, engine: str = "mesh"
) -> tuple[MovingFaces, list[Measured]]:
    """Measure the faces and open an engine for each. Raises PortraitError for a face that cannot be moved."""
    measured = []
    for face in faces:
        size = max(face.box.width, face.box.height)
        if size < LEAST_FACE_PX:
            raise PortraitError(
                f"the face is only {size:.0f} pixels wide; at least {LEAST_FACE_PX} are needed, so use a larger picture"
            )
        seen = meter.find(picture, face)
        if abs(seen.mesh.yaw_degrees) > _PROFILE_DEGREES:
            raise PortraitError("the face is in profile, with one eye hidden; use a picture where both eyes are seen")
        measured.append(seen)
    opened = [ENGINES[engine].load().open(Source(picture, seen.mesh, seen.eyes)) for seen in measured]
    return MovingFaces(picture, opened), measured


def usable_faces(picture: Pixels, meter: Meter, progress: Progress = no_progress) -> list[Face]:
    """Return the faces in a picture that are large enough, or the largest where none is."""
    faces = find_faces(picture, meter, progress)
    return [face for face in faces if max(face.box.width, face.box.height) >= LEAST_FACE_PX] or faces[:1]


def build(
    picture: Pixels,
    faces: Sequence[Face],
    path: Path,
    meter: Meter,
    *,
    title: str,
    credit: str = "",
    options: BuildOptions | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
) -> Built:
    """Make a pack. Raises PortraitError; then nothing is left of it, and what was at `path` before is as it was."""
    options = options or BuildOptions()
    writer_place = None
    moving, originals = prepare(picture, faces, meter, options.engine)
    writer_place = moving.place
    with (
        PackWriter(
            path,
            title=title,
            credit=credit,
            columns=options.columns,
            rows=options.rows,
            place=writer_place,
            overwrite=overwrite,
        ) as pack,
        ThreadPoolExecutor(2) as workers,
    ):
        pending = [workers.submit(pack.add_painting, picture)]
        row = _find_row(moving, originals, meter, options, progress)
        checks = Checks(moving, originals)
        middle_row, middle = options.rows // 2, options.columns // 2
        for column, frame in enumerate(row.frames):
            pending.append(workers.submit(pack.add_frame, middle_row * options.columns + column, frame))
            checks.add(frame, is_middle=column == middle)
        others = [number for number in range(options.rows) if number != middle_row]
        for done, number in enumerate(others):
            for column in range(options.columns):
                frame = moving.render([each.motion(column, number) for each in row.steps])
                pending.append(workers.submit(pack.add_frame, number * options.columns + column, frame))
                checks.add(frame)
                progress("painting the other rows", (done + (column + 1) / options.columns) / len(others))
        reports = checks.reports(row.measured, row.irises)
        pack.set_report({"faces": len(reports), **reports[0].as_table()})
        for job in pending:
            job.result()
    return Built(path, writer_place, tuple(reports), tuple(tuple(each) for each in row.measured))


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    """The finished middle row."""

    steps: list[Steps]
    frames: list[Pixels]
    measured: list[list[Measured]]
    """For each face, each frame."""
    irises: list[list[Irises]]
    """For each face, those of the picture, then those of each frame."""


def _find_row(
    moving: MovingFaces, originals: Sequence[Measured], meter: Meter, options: BuildOptions, progress: Progress
) -> _Row:
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
    row = _Row([finder.steps() for finder in finders], [], [[] for _ in originals], [[] for _ in originals])
    for number, original in enumerate(originals):
        row.irises[number].append(look_at_irises(moving.picture, original))
    for column in range(options.columns):
        motions = [steps.motion(column, options.rows // 2) for steps in row.steps]
        is_middle = column == options.columns // 2
        best: tuple[float, Pixels, list[Measured]] | None = None
        for _ in range(1 if is_middle else _TRIES):
            frame = moving.render(motions)
            whole = moving.whole(frame)
            seen_faces = [meter.measure(whole, original.mesh) for original in originals]
            places = [
                (seen.gaze[0], turn(seen, original).yaw_degrees)
                for seen, original in zip(seen_faces, originals, strict=True)
            ]
            miss = max(finder.miss(column, *place) for finder, place in zip(finders, places, strict=True))
            if best is None or miss < best[0]:
                best = miss, frame, seen_faces
            if miss <= 1:
                break
            motions = [
                finder.retry(column, motion, *place)
                for finder, motion, place in zip(finders, motions, places, strict=True)
            ]
        assert best is not None  # noqa: S101 - there is at least one try
        row.frames.append(best[1])
        whole = moving.whole(best[1])
        for number, seen in enumerate(best[2]):
            row.measured[number].append(seen)
            row.irises[number].append(look_at_irises(whole, seen))
        progress("painting the frames", (column + 1) / options.columns)
    return row


class Checks:
    """Gathers figures of frames as they are made, so that none has to be kept."""

    def __init__(self, moving: MovingFaces, originals: Sequence[Measured]) -> None:
        self._moving = moving
        self._originals = originals
        self._own = moving.place.of(moving.picture)
        self._boxes = [_within(original.mesh.box, moving.place) for original in originals]
        self._sharp = [sharpness(box.of(self._own)) for box in self._boxes]
        self._least_sharp = [1.0] * len(originals)
        self._middle_difference = 0.0

    def add(self, frame: Pixels, *, is_middle: bool = False) -> None:
        """Take a frame of any row."""
        for number, box in enumerate(self._boxes):
            share = sharpness(box.of(frame)) / max(1e-6, self._sharp[number])
            self._least_sharp[number] = min(self._least_sharp[number], share)
        if is_middle:
            self._middle_difference = float(cv2.absdiff(frame, self._own).mean())

    def reports(self, measured: Sequence[Sequence[Measured]], irises: Sequence[Sequence[Irises]]) -> list[Report]:
        """Return a report for each face."""
        return [
            make_report(
                original,
                measured[number],
                irises[number],
                Pictures(self._least_sharp[number], self._middle_difference, 0.0, 1.0, 1.0),
            )
            for number, original in enumerate(self._originals)
        ]


def _within(box: Box, place: Place) -> Place:
    """Return a box within a place, in that place's own pixels."""
    left, top = max(0, round(box.left) - place.left), max(0, round(box.top) - place.top)
    right = min(place.width, round(box.left + box.width) - place.left)
    bottom = min(place.height, round(box.top + box.height) - place.top)
    return Place(left, top, max(1, right - left), max(1, bottom - top))
