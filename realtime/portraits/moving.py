"""One picture whose faces move together: each is measured, and given an engine of its own."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from realtime.errors import PortraitError
from realtime.frame import Box, Face, Pixels
from realtime.model_store import Progress, no_progress
from realtime.portrait_file import Place
from realtime.portraits import ENGINES, Engine, Motion, Source
from realtime.portraits.blend import seam_weights
from realtime.portraits.build_options import BuildOptions
from realtime.portraits.measure import Measured, Meter
from realtime.portraits.search import LEAST_FACE_PX, find_faces

_PROFILE_DEGREES = 52.0
"""Beyond this turn the far eye is hidden, and the mesh model guesses where it is."""


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


def _face_px(face: Face) -> float:
    return max(face.box.width, face.box.height)


def _whole(region: Box) -> Place:
    return Place(*(int(side) for side in region))
