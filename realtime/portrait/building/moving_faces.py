"""One picture whose faces move together: each is measured, and given an engine of its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import cv2
import numpy as np

from realtime.core.errors import PortraitError
from realtime.core.language import _
from realtime.faces.detection.still_pictures import LEAST_FACE_PX, find_faces
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Box, Face, Pixels
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.building.seam import seam_weights
from realtime.portrait.engines import DrivingFace, Engine, Source, engine_maker
from realtime.portrait.pack import Place

log = logging.getLogger(__name__)

_PROFILE_DEGREES = 45.0
_PROFILE_NOSE = 0.75
"""How far the nose is from the middle between the eyes, over their distance as the detector sees them: 0.5 is below an
eye. The mesh model has learnt no profiles: it calls them turned by 24 to 48 degrees, or sees no face at all. The
detector has; profiles measure 0.75 to 2.6, faces turned by up to 35 degrees at most 0.7."""
_LEAST_SURE = 0.8
"""The mean score of the mesh model: 0.97 and more for photographed and painted faces, 0.2 to 0.7 for most lettering,
knobs and cloth that one crop alone passed for a face."""


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
            seam_weights(int(engine.region.width), int(engine.region.height))
            if seam == "sigmoid" or not engine.is_exact
            else None
            for engine in engines
        ]

    @property
    def are_driven_by_faces(self) -> bool:
        """Whether an engine takes more of a filmed face than its motion."""
        return any(engine.is_driven_by_faces for engine in self.engines)

    def render(self, motions: Sequence[Motion], face: DrivingFace | None = None) -> Pixels:
        """Return the region that holds all faces, each moved by its motion, or by a filmed face."""
        if len(self.engines) == 1:
            return self._moved(0, motions[0], face)
        frame = self.place.of(self.picture).copy()
        for number, motion in enumerate(motions):
            engine = self.engines[number]
            region = _whole(engine.region)
            moved = self._moved(number, motion, face)
            changed = (moved != region.of(self.picture)).any(axis=2)
            inside = Place(region.left - self.place.left, region.top - self.place.top, region.width, region.height)
            inside.of(frame)[changed] = moved[changed]  # regions of neighbours overlap where nothing moves
        return frame

    def _moved(self, number: int, motion: Motion, face: DrivingFace | None) -> Pixels:
        engine = self.engines[number]
        moved = engine.render(motion) if face is None else engine.drive(face, motion)
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


def usable_faces(picture: Pixels, meter: FaceMeasurer) -> list[Face]:
    """Return the faces in a picture that can be moved, largest first; the log tells of others.

    Raises PortraitError where there is none, and why the largest is none.
    """
    usable: list[Face] = []
    left_out: list[PortraitError] = []
    for face in find_faces(picture, meter):
        try:
            measured_face(picture, face, meter)
        except PortraitError as error:
            left_out.append(error)
        else:
            usable.append(face)
    if not usable:
        raise left_out[0]
    if left_out:
        log.info(_("%d of %d faces move; left out: %s"), len(usable), len(usable) + len(left_out), left_out[0])
    return usable


def prepare(
    picture: Pixels, faces: Sequence[Face], meter: FaceMeasurer, options: BuildOptions
) -> tuple[MovingFaces, list[FaceMeasurement]]:
    """Measure the faces and open an engine for each. Raises PortraitError for a face that cannot be moved."""
    measured = [measured_face(picture, face, meter) for face in faces]
    made = engine_maker(options.engine)
    opened = [made(Source(picture, seen.mesh, seen.eyes)) for seen in measured]
    return MovingFaces(picture, opened, options.seam), measured


def measured_face(picture: Pixels, face: Face, meter: FaceMeasurer) -> FaceMeasurement:
    """Measure a face. Raises PortraitError where it is too small, in profile or none."""
    size_px = max(face.box.width, face.box.height)
    if size_px < LEAST_FACE_PX:
        raise PortraitError(
            _(
                "the face is only {size_px:.0f} pixels wide and {least_face_px} are needed; use a larger picture of it",
                size_px=size_px,
                least_face_px=LEAST_FACE_PX,
            )
        )
    seen = meter.find(picture, face)
    if seen.mesh.score < _LEAST_SURE:
        raise PortraitError(
            _(
                "what looks like a face is turned away, hidden or too blurred to be measured; use a clearer picture,"
                " or point at another face with --face X,Y,WIDTH,HEIGHT (pixels)"
            )
        )
    if abs(seen.mesh.yaw_degrees) > _PROFILE_DEGREES or _nose_aside(face) > _PROFILE_NOSE:
        raise PortraitError(_("the face is in profile, with one eye hidden; use a picture where both eyes are seen"))
    return seen


def _nose_aside(face: Face) -> float:
    """Return how far the nose is from the middle between the eyes, along the line through them, over their distance."""
    first, second, nose = face.keypoints[:3].astype(np.float64)
    across = second - first
    return float(abs((nose - (first + second) / 2) @ across) / max(1e-9, across @ across))


def _whole(region: Box) -> Place:
    return Place(*(int(side) for side in region))
