"""Makes a portrait pack from a picture: the motions of each frame, evenly spaced by what the models see, and figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import PortraitError
from realtime.frame import Box, Face, Pixels
from realtime.model_store import Progress, no_progress
from realtime.portrait_file import PackWriter, Place
from realtime.portraits import ENGINES, Engine, Motion, Source
from realtime.portraits.measure import Measured, Meter, sharpness, turn
from realtime.portraits.report import Pictures, Report, make_report
from realtime.portraits.search import LEAST_FACE_PX, find_faces

_FULL_TURN_DEGREES = 32.0
"""The head's turn from the middle to a side when it follows all the way."""
_GAZE_REACH = 0.135
"""Measured gaze aimed at on both sides, eye widths: a little beyond the 0.12 that is clear from across a room."""
_LEAST_EYE_DEGREES, _MOST_EYE_DEGREES = 20.0, 36.0
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


@dataclasses.dataclass(frozen=True, slots=True)
class Steps:
    """The turns of one face for each column, from left to right, and for each row, from up to down."""

    eye_degrees: tuple[float, ...]
    yaw_degrees: tuple[float, ...]
    up_degrees: tuple[float, ...]
    pitch_degrees: tuple[float, ...]

    def motion(self, column: int, row: int) -> Motion:
        return Motion(
            yaw_degrees=self.yaw_degrees[column],
            gaze_x_degrees=self.eye_degrees[column],
            pitch_degrees=self.pitch_degrees[row],
            gaze_y_degrees=self.up_degrees[row],
        )


def even_steps(
    faces: MovingFaces,
    originals: Sequence[Measured],
    meter: Meter,
    options: BuildOptions,
    progress: Callable[[float], None],
) -> list[Steps]:
    """Return turns whose frames, as the models see them, go from left to right in even steps.

    A painted eye answers to a turn less than a real one, and not evenly: near the middle more than near the corners.
    So a row of turns is made, measured, and the turns that give even steps are read off the smoothed curve, on each
    side of the middle for itself, as the middle is the picture and stays.
    """
    places = np.linspace(-1, 1, 21)
    yaw_most = _FULL_TURN_DEGREES * options.head_share
    seen: list[list[Measured]] = [[] for _ in originals]
    for number, place in enumerate(places):
        motion = Motion(yaw_degrees=yaw_most * place, gaze_x_degrees=_MOST_EYE_DEGREES * place)
        whole = faces.whole(faces.render([motion] * len(originals)))
        for index, original in enumerate(originals):
            seen[index].append(meter.measure(whole, original.mesh))
        progress((number + 1) / len(places))
    sides = _sides(options.columns)
    rows = _sides(options.rows) if options.rows > 1 else np.zeros(1)
    steps = []
    for original, measured in zip(originals, seen, strict=True):
        gaze = _monotone([one.gaze[0] for one in measured])
        yaw = _monotone([turn(one, original).yaw_degrees for one in measured])
        least, most = places[0] * _MOST_EYE_DEGREES, places[-1] * _MOST_EYE_DEGREES
        degrees = np.linspace(least, most, len(places))
        middle_gaze = float(np.interp(0.0, degrees, gaze))
        ends = (
            min(float(np.interp(-_LEAST_EYE_DEGREES, degrees, gaze)), max(gaze[0], -_GAZE_REACH)),
            max(float(np.interp(_LEAST_EYE_DEGREES, degrees, gaze)), min(gaze[-1], _GAZE_REACH)),
        )
        eye = [
            0.0 if side == 0 else float(np.interp(middle_gaze + (ends[0 if side < 0 else 1] - middle_gaze) * abs(side), gaze, degrees))
            for side in sides
        ]  # fmt: skip
        if yaw_most > 0:
            turns = np.linspace(-yaw_most, yaw_most, len(places))
            middle_yaw = float(np.interp(0.0, turns, yaw))
            head = [
                0.0 if side == 0 else float(np.interp(middle_yaw + ((yaw[0] if side < 0 else yaw[-1]) - middle_yaw) * abs(side), yaw, turns))
                for side in sides
            ]  # fmt: skip
        else:
            head = [0.0] * len(sides)
        up = [-options.up_down_degrees * float(row) for row in rows]
        pitch = [-_FULL_TURN_DEGREES * options.head_share * 0.6 * float(row) for row in rows]
        steps.append(Steps(tuple(eye), tuple(head), tuple(up), tuple(pitch)))
    return steps


def _sides(count: int) -> NDArray[np.float64]:
    """Return where each column stands, -1 left to 1 right; 0 exactly at the middle one."""
    middle = count // 2
    numbers = np.arange(count, dtype=np.float64) - middle
    return numbers / np.where(numbers < 0, max(1, middle), max(1, count - 1 - middle))


def _monotone(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the values calmed (a Gaussian over neighbours, ends kept in line) and strictly rising."""
    line = np.asarray(values, np.float64)
    reach = 3
    left = 2 * line[0] - line[reach:0:-1]
    right = 2 * line[-1] - line[-2 : -reach - 2 : -1]
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / 1.2) ** 2)
    calm = np.convolve(np.concatenate([left, line, right]), weights / weights.sum(), mode="valid")
    least = 1e-4 * max(1e-6, float(calm[-1] - calm[0])) + 1e-9
    rising = np.maximum.accumulate(calm) + least * np.arange(len(calm))
    return np.asarray(rising, np.float64)


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
        steps = even_steps(moving, originals, meter, options, lambda share: progress("finding the turns", share))
        middle_row = options.rows // 2
        measured: list[list[Measured]] = [[] for _ in originals]
        checks = Checks(moving, originals)
        count = options.columns * options.rows
        for index in range(count):
            row, column = divmod(index, options.columns)
            frame = moving.render([each.motion(column, row) for each in steps])
            pending.append(workers.submit(pack.add_frame, index, frame))
            whole = moving.whole(frame)
            checks.add(frame, is_middle=(row == middle_row and column == options.columns // 2))
            if row == middle_row:
                for number, original in enumerate(originals):
                    measured[number].append(meter.measure(whole, original.mesh))
                    checks.see(number, whole, measured[number][-1])
            progress("painting the frames", (index + 1) / count)
        reports = checks.reports(measured)
        pack.set_report({"faces": len(reports), **reports[0].as_table()})
        for job in pending:
            job.result()
    return Built(path, writer_place, tuple(reports), tuple(tuple(each) for each in measured))


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
        self._found = [0] * len(originals)
        self._colours: list[list[float]] = [[] for _ in originals]

    def add(self, frame: Pixels, *, is_middle: bool) -> None:
        """Take a frame of any row."""
        for number, box in enumerate(self._boxes):
            share = sharpness(box.of(frame)) / max(1e-6, self._sharp[number])
            self._least_sharp[number] = min(self._least_sharp[number], share)
        if is_middle:
            self._middle_difference = float(cv2.absdiff(frame, self._own).mean())

    def see(self, number: int, whole: Pixels, measured: Measured) -> None:
        """Take what was measured of one face in a frame of the middle row."""
        self._found[number] += measured.mesh.score > 0.5
        original = self._originals[number]
        self._colours[number].append(
            iris_brightness(whole, measured) / max(1.0, iris_brightness(self._moving.picture, original))
        )

    def reports(self, measured: Sequence[Sequence[Measured]]) -> list[Report]:
        """Return a report for each face."""
        return [
            make_report(
                original,
                measured[number],
                self._found[number],
                Pictures(self._least_sharp[number], self._middle_difference, 0.0, 1.0, 1.0),
                np.array(self._colours[number]),
            )
            for number, original in enumerate(self._originals)
        ]


def iris_brightness(picture: Pixels, measured: Measured) -> float:
    """Return the mean brightness of both irises' middles (half their radius), 0..255."""
    values = []
    for eye in (measured.eyes.left, measured.eyes.right):
        side = max(3, round(eye.radius_px))
        crop = cv2.getRectSubPix(picture, (side, side), (float(eye.centre[0]), float(eye.centre[1])))
        values.append(float(crop.mean()))
    return float(np.mean(values))


def _within(box: Box, place: Place) -> Place:
    """Return a box within a place, in that place's own pixels."""
    left, top = max(0, round(box.left) - place.left), max(0, round(box.top) - place.top)
    right = min(place.width, round(box.left + box.width) - place.left)
    bottom = min(place.height, round(box.top + box.height) - place.top)
    return Place(left, top, max(1, right - left), max(1, bottom - top))
