"""Makes a portrait pack from a picture: frames in even steps, blinks, a breath, and figures of how good they are."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import PortraitError
from realtime.faces.blazeface import open_still
from realtime.frame import Box, Face, Pixels
from realtime.model_store import Progress, no_progress
from realtime.portrait_file import PackWriter, Place
from realtime.portraits import ENGINES, Engine, Motion, Source
from realtime.portraits.blend import seam_weights
from realtime.portraits.measure import Irises, IrisWatch, Measured, Meter, sharpness, turn
from realtime.portraits.report import FAR_EYE_DEGREES, Pictures, Report, make_report
from realtime.portraits.search import LEAST_FACE_PX, find_faces, sees
from realtime.portraits.steps import StepFinder, Steps

_PROFILE_DEGREES = 52.0
"""Beyond this turn the far eye is hidden, and the mesh model guesses where it is."""
_TRIES = 9
"""A frame is made up to as often as this, until its gaze and turn are seen close enough to their places; three times
on average."""
_SHARE = 0.9
"""Each time this share of what is missing is added."""
_BLINK = {1: (1.0,), 2: (0.5, 1.0), 3: (0.35, 0.75, 1.0)}
"""How far the lids are closed in each stage: the first third of a blink shows most, the last is the quickest."""
_COMPACT_FROM_PX = 150_000
"""Heads larger than this are stored as WebP: 0.6 of a PNG's size, which then counts, for a few seconds' work."""
_IDLE_FPS = 3.0
"""A breath moves less than a third of a pixel in a third of a second: more pictures would only make packs larger."""


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
    """0 to 3; 0: no blink pictures."""
    idle_seconds: float = 4.0
    """Length of a breath. 0: no idle loop."""
    seam: str = "head"
    """`head`: the movement itself dies away before the region ends. `sigmoid`: the whole region is blended in by the
    sigmoid of `blend.py` besides, for comparison with frames made that way."""
    engine: str = "mesh"


class MovingFaces:
    """One picture with one face or several that move together, each by its own motion."""

    def __init__(self, picture: Pixels, engines: Sequence[Engine], seam: str = "head") -> None:
        self.picture = picture
        self.engines = tuple(engines)
        left = min(int(engine.region.left) for engine in engines)
        top = min(int(engine.region.top) for engine in engines)
        right = max(int(engine.region.left + engine.region.width) for engine in engines)
        bottom = max(int(engine.region.top + engine.region.height) for engine in engines)
        self.place = Place(left, top, right - left, bottom - top)
        self._weights = [
            seam_weights(int(engine.region.width), int(engine.region.height)) if seam == "sigmoid" else None
            for engine in engines
        ]

    def render(self, motions: Sequence[Motion]) -> Pixels:
        """Return the region that holds all faces, each moved by its motion."""
        if len(self.engines) == 1:
            return self._moved(0, motions[0])
        frame = self.place.of(self.picture).copy()
        for number, motion in enumerate(motions):
            engine = self.engines[number]
            region = _whole(engine.region)
            moved = self._moved(number, motion)
            changed = (moved != region.of(self.picture)).any(axis=2)
            inside = Place(region.left - self.place.left, region.top - self.place.top, region.width, region.height)
            inside.of(frame)[changed] = moved[changed]  # regions of neighbours overlap where nothing moves
        return frame

    def _moved(self, number: int, motion: Motion) -> Pixels:
        engine = self.engines[number]
        moved = engine.render(motion)
        weights = self._weights[number]
        if weights is None:
            return moved
        own = _whole(engine.region).of(self.picture)
        return np.asarray(cv2.blendLinear(moved, np.ascontiguousarray(own), weights, 1 - weights), np.uint8)

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


def usable_faces(picture: Pixels, meter: Meter, progress: Progress = no_progress) -> list[Face]:
    """Return the faces in a picture that are large enough, or the largest where none is. Raises PortraitError."""
    faces = find_faces(picture, meter, progress)
    return [face for face in faces if _face_px(face) >= LEAST_FACE_PX] or faces[:1]


def prepare(
    picture: Pixels, faces: Sequence[Face], meter: Meter, options: BuildOptions
) -> tuple[MovingFaces, list[Measured]]:
    """Measure the faces and open an engine for each. Raises PortraitError for a face that cannot be moved."""
    measured = []
    for face in faces:
        if _face_px(face) < LEAST_FACE_PX:
            raise PortraitError(
                f"the face is only {_face_px(face):.0f} pixels wide and {LEAST_FACE_PX} are needed; use a larger one"
            )
        seen = meter.find(picture, face)
        if abs(seen.mesh.yaw_degrees) > _PROFILE_DEGREES:
            raise PortraitError("the face is in profile, with one eye hidden; use a picture where both eyes are seen")
        measured.append(seen)
    engine = ENGINES[options.engine].load()
    opened = [engine.open(Source(picture, seen.mesh, seen.eyes)) for seen in measured]
    return MovingFaces(picture, opened, options.seam), measured


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
    driven: Sequence[Motion] | None = None,
    progress: Progress = no_progress,
) -> Built:
    """Make a pack. Raises PortraitError; then nothing is left of it, and what was at `path` before is as it was.

    `driven`: motions for the columns, taken from a clip, instead of even steps.
    """
    options = options or BuildOptions()
    if driven is not None:
        options = dataclasses.replace(options, columns=len(driven))
    moving, originals = prepare(picture, faces, meter, options)
    if any(abs(seen.mesh.yaw_degrees) > FAR_EYE_DEGREES for seen in originals):
        options = dataclasses.replace(options, blink_stages=0)  # the far lid's edge is a guess, and a blink shows it
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
            row = _find_row(moving, originals, meter, options, progress)
        else:
            row = _driven_row(moving, originals, meter, driven, options, progress)
        frames = _all_frames(moving, row, options, progress)
        checks = _Checks(moving, originals, row)
        blink_place = _blink_place(moving, row.steps, options) if options.blink_stages else None
        if blink_place is not None:
            in_painting = Place(
                moving.place.left + blink_place.left,
                moving.place.top + blink_place.top,
                blink_place.width,
                blink_place.height,
            )
            pack.set_blink(in_painting, options.blink_stages)
        for index, frame, motions in frames:
            jobs.append(workers.submit(pack.add_frame, index, frame))
            checks.add(frame, motions)
            if blink_place is not None:
                closing = [
                    np.ascontiguousarray(blink_place.of(moving.render(_closed(motions, share))))
                    for share in _BLINK[options.blink_stages]
                ]
                jobs.append(workers.submit(pack.add_blink, index, closing))
            _raise_early(jobs)
        if options.idle_seconds > 0:
            pack.set_idle(_IDLE_FPS)
            for number, motion in enumerate(breath(options.idle_seconds)):
                jobs.append(workers.submit(pack.add_idle, number, moving.render([motion] * len(originals))))
        reports = checks.reports()
        pack.set_report({"faces": len(reports), **reports[0].as_table()})
        for job in jobs:
            job.result()
    return Built(path, moving.place, tuple(reports))


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


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
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
    watches = [IrisWatch(moving.picture, original) for original in originals]
    row = _Row(
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


def _driven_row(
    moving: MovingFaces,
    originals: Sequence[Measured],
    meter: Meter,
    driven: Sequence[Motion],
    options: BuildOptions,
    progress: Progress,
) -> _Row:
    """Return the middle row made by motions that are given."""
    finders = [StepFinder(len(driven), options.rows, options.head_share, options.up_down_degrees) for _ in originals]
    watches = [IrisWatch(moving.picture, original) for original in originals]
    row = _Row(
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


def _all_frames(
    moving: MovingFaces, row: _Row, options: BuildOptions, progress: Progress
) -> Iterable[tuple[int, Pixels, list[Motion]]]:
    """Yield every frame's index, pixels and motions; the turns found for the middle row serve the others as well."""
    middle = options.rows // 2
    count = options.columns * options.rows
    for index in range(count):
        number, column = divmod(index, options.columns)
        if number == middle:
            yield index, row.frames[column], row.motions[column]
        else:
            motions = [
                dataclasses.replace(
                    found,
                    pitch_degrees=found.pitch_degrees + steps.heads_up[number],
                    gaze_y_degrees=found.gaze_y_degrees + steps.eyes_up[number],
                )
                for found, steps in zip(row.motions[column], row.steps, strict=True)
            ]
            yield index, moving.render(motions), motions
        progress("painting the frames", (index + 1) / count)


def _closed(motions: Sequence[Motion], share: float) -> list[Motion]:
    return [dataclasses.replace(motion, closing=share) for motion in motions]


def _blink_place(moving: MovingFaces, steps: Sequence[Steps], options: BuildOptions) -> Place | None:
    """Return the part of the frames that a blink changes, in the frames' own pixels, or None where none does."""
    rows = sorted({0, options.rows // 2, options.rows - 1})
    columns = sorted({0, options.columns // 2, options.columns - 1})
    changed = np.zeros((moving.place.height, moving.place.width), np.bool_)
    for column in columns:
        for row in rows:
            motions = [each.motion(column, row) for each in steps]
            changed |= (moving.render(motions) != moving.render(_closed(motions, 1.0))).any(axis=2)
    down, across = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    if not len(down):
        return None
    margin = max(2, round(0.02 * moving.place.width))  # frames between those looked at reach no farther than this
    left, top = max(0, int(across[0]) - margin), max(0, int(down[0]) - margin)
    right = min(moving.place.width, int(across[-1]) + 1 + margin)
    bottom = min(moving.place.height, int(down[-1]) + 1 + margin)
    return Place(left, top, right - left, bottom - top)


def _raise_early(jobs: Sequence[Future[None]]) -> None:
    """Raise what a finished job raised: a full disk ends the work at once."""
    for job in jobs[-8:]:
        if job.done():
            job.result()


class _Checks:
    """Gathers figures of frames as they are made, so that none has to be kept."""

    def __init__(self, moving: MovingFaces, originals: Sequence[Measured], row: _Row) -> None:
        self._moving = moving
        self._originals = originals
        self._row = row
        self._own = moving.place.of(moving.picture)
        self._boxes = [_within(original.mesh.box, moving.place) for original in originals]
        self._sharp = [max(1e-6, sharpness(box.of(self._own))) for box in self._boxes]
        self._least_sharp = [math.inf] * len(originals)
        self._outside = 0.0
        self._least_area = math.inf
        self._ever_changed = np.zeros(self._own.shape[:2], np.bool_)

    def add(self, frame: Pixels, motions: Sequence[Motion]) -> None:
        """Take a frame of any row."""
        for number, box in enumerate(self._boxes):
            self._least_sharp[number] = min(self._least_sharp[number], sharpness(box.of(frame)) / self._sharp[number])
        difference = cv2.absdiff(frame, self._own).max(axis=2)
        self._ever_changed |= difference > 0
        rim = (difference[0], difference[-1], difference[:, 0], difference[:, -1])
        self._outside = max(self._outside, *(float(side.max()) for side in rim))
        areas = [engine.least_area(motion) for engine, motion in zip(self._moving.engines, motions, strict=True)]
        self._least_area = min(self._least_area, *areas, math.inf)

    def reports(self) -> list[Report]:
        """Return a report for each face."""
        frames = self._row.frames
        middle = frames[len(frames) // 2]
        seam = self._seam()
        detector = open_still("short")
        try:
            found = [
                sum(sees(detector, self._moving.whole(frame), original.mesh.box) for frame in frames)
                for original in self._originals
            ]
        finally:
            detector.close()
        return [
            make_report(
                original,
                self._row.measured[number],
                self._row.irises[number],
                self._row.iris_brightness[number],
                Pictures(
                    found=found[number],
                    sharpness_least=self._least_sharp[number],
                    middle_difference=float(cv2.absdiff(middle, self._own).mean()),
                    outside_difference=self._outside,
                    least_area=self._least_area,
                    seam=seam,
                ),
            )
            for number, original in enumerate(self._originals)
        ]

    def _seam(self) -> float:
        """Return the steepest gradients (99th percentile) along the line where frames begin to differ, over the
        picture's own there; the worst of the middle row.
        """
        changed = cv2.morphologyEx(self._ever_changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        line = (cv2.dilate(changed, np.ones((5, 5), np.uint8)) - cv2.erode(changed, np.ones((5, 5), np.uint8))) > 0
        if not line.any():
            return 1.0
        own = float(np.percentile(_gradient(self._own)[line], 99))
        return max(float(np.percentile(_gradient(frame)[line], 99)) for frame in self._row.frames) / max(1.0, own)


def _gradient(pixels: Pixels) -> NDArray[np.float32]:
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)), np.float32)


def _face_px(face: Face) -> float:
    return max(face.box.width, face.box.height)


def _whole(region: Box) -> Place:
    return Place(*(int(side) for side in region))


def _within(box: Box, place: Place) -> Place:
    """Return a box within a place, in that place's own pixels."""
    left, top = max(0, round(box.left) - place.left), max(0, round(box.top) - place.top)
    right = min(place.width, round(box.left + box.width) - place.left)
    bottom = min(place.height, round(box.top + box.height) - place.top)
    return Place(left, top, max(1, right - left), max(1, bottom - top))
