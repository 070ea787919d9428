"""A film of a face as photos: the sharpest frame of each direction it looks in, at rest, smiling, speaking."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from realtime.cameras import CameraRequest, open_camera
from realtime.core.errors import EffectError
from realtime.core.language import _
from realtime.faces.detection.blazeface import open_still
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.smile import smile_share
from realtime.faces.landmarks.symmetry import mouth_crookedness
from realtime.imaging.frame import Box, Pixels
from realtime.swap.photo.neutralization import mouth_differs

_EVERY_S = 0.25
_MOST_LOOKS = 200
_MOST_S = 90.0
"""So much of a film is read: whoever turns once has shown all there is."""
_DIRECTION_DEGREES = 12.0
_MOST_DEGREES = 55.0
_AROUND = 0.9
"""Of the face that is kept around it: hair is told by what is beside it."""
_MOST_FRAMES = 12
_LEAST_SCORE = 0.5
_GRIMACE = 0.3
"""Of `mouth_crookedness`."""


class FilmedSight(NamedTuple):
    """What `sights.Sight` wants, in its order."""

    name: str
    photo: Pixels
    mesh: FaceMesh
    openness: float


@dataclasses.dataclass(frozen=True, slots=True)
class _Look:
    at_s: float
    crop: Pixels
    mesh: FaceMesh
    """In the crop."""
    sharpness: float

    @property
    def direction(self) -> int:
        return round(self.mesh.yaw_degrees / _DIRECTION_DEGREES)

    @property
    def mouth(self) -> str:
        """What it does: `rest`, `smiles`, `open`, or a `grimace`."""
        if smile_share(self.mesh) > 0.5:
            return "smiles"
        if mouth_crookedness(self.mesh) > _GRIMACE:
            return "grimace"
        return "open" if mouth_differs(self.mesh) > 0.5 else "rest"


def sights_of_film(path: Path, meter: FaceMeasurer, progress: Callable[[float], None]) -> list[FilmedSight]:
    """Return the frames of a film that show most of a face. Raises EffectError where nobody is seen, CameraError where
    it cannot be read.
    """
    best: dict[tuple[int, str], _Look] = {}
    for look in _looks(path, meter, progress):
        place = (look.direction, look.mouth)
        if place not in best or look.sharpness > best[place].sharpness:
            best[place] = look
    if not best:
        raise EffectError(_("no face is seen in the film"))
    chosen = sorted(_chosen(list(best.values())), key=lambda look: look.at_s)
    sights = []
    for look in chosen:
        measured = meter.measure(look.crop, look.mesh)
        name = _("{name} at {at_s:.1f} s", name=path.name, at_s=look.at_s)
        sights.append(FilmedSight(name, look.crop, measured.mesh, measured.eyes.openness))
    return sights


def _chosen(looks: list[_Look]) -> list[_Look]:
    """Return the looks that are used: of each direction first one at rest, then what the mouth does, from the front."""
    order = {"rest": 0, "smiles": 1, "open": 2, "grimace": 3}

    def urgency(look: _Look) -> tuple[int, int]:
        aside = abs(look.direction)
        return (0 if look.mouth == "rest" else 1 + order[look.mouth] + aside, aside)

    directions_at_rest = {look.direction for look in looks if look.mouth == "rest"}
    # A direction that was seen only smiling is better than none.
    first = [look for look in looks if look.mouth == "rest" or look.direction not in directions_at_rest]
    # What a grimace does to cheeks and lips is nobody's face: it is taken only where a film shows nothing else.
    others = [look for look in looks if look not in first and look.mouth != "grimace"]
    first = [look for look in first if look.mouth != "grimace"] or first
    return [*sorted(first, key=urgency), *sorted(others, key=urgency)][:_MOST_FRAMES]


def _looks(path: Path, meter: FaceMeasurer, progress: Callable[[float], None]) -> list[_Look]:
    camera = open_camera(str(path), CameraRequest())
    detector = open_still("short")
    looks: list[_Look] = []
    try:
        next_s, looked = 0.0, 0
        length_s = min(_MOST_S, (camera.info.frame_count or 0) / max(1.0, camera.info.fps) or _MOST_S)
        every_s = max(_EVERY_S, length_s / _MOST_LOOKS)
        while looked < _MOST_LOOKS and (frame := camera.read()) is not None and frame.pts_s <= _MOST_S:
            if frame.pts_s < next_s:
                continue
            next_s, looked = frame.pts_s + every_s, looked + 1
            progress(min(1.0, frame.pts_s / length_s))
            faces = sorted(detector.find(frame.pixels), key=lambda face: face.box.area, reverse=True)
            if not faces:
                continue
            mesh = meter.meshes.measure(frame.pixels, faces[0])
            if mesh.score >= _LEAST_SCORE and abs(mesh.yaw_degrees) <= _MOST_DEGREES:
                looks.append(_look(frame.pixels, mesh, frame.pts_s))
    finally:
        detector.close()
        camera.close()
    return looks


def _look(pixels: Pixels, mesh: FaceMesh, at_s: float) -> _Look:
    box = mesh.box
    reach = _AROUND * max(box.width, box.height)
    around = Box(box.left - reach, box.top - reach, box.width + 2 * reach, box.height + 2 * reach)
    left, top = max(0, round(around.left)), max(0, round(around.top))
    crop = pixels[
        top : max(0, round(around.top + around.height)), left : max(0, round(around.left + around.width))
    ].copy()
    inside = dataclasses.replace(mesh, points=(mesh.points - (left, top, 0)).astype(np.float32))
    return _Look(at_s, crop, inside, _sharpness(crop, inside))


def _sharpness(crop: Pixels, mesh: FaceMesh) -> float:
    """Return how much fine detail a face has, whatever its size: 96 px of it are looked at."""
    box = mesh.box
    left, top = max(0, round(box.left)), max(0, round(box.top))
    face = crop[top : round(box.top + box.height), left : round(box.left + box.width)]
    if min(face.shape[:2]) < 16:
        return 0.0
    small = cv2.cvtColor(cv2.resize(face, (192, 192), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(small, cv2.CV_32F).std()) / (10 + float(small.std()))
