"""A walk in the hand of whoever stands before it: place, nearness and smile."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from realtime.faces.landmarks.mesh import EYE_CORNERS, MOUTH_LEFT, MOUTH_RIGHT, FaceMesh, MeshModel
from realtime.faces.tracking.mesh_tracker import WornMeshTracker
from realtime.imaging.frame import Face, Frame
from realtime.morph.walk import WalkCourse

_FAR, _NEAR = 0.15, 0.55
"""Heights of a face, of the picture's: at the first it walks as fast as is set, at the second it stands."""
_SMILES_BY = 0.2
"""So much wider is a mouth that smiles broadly than the same mouth at rest."""
_REST_S = 20.0
"""In which most of what somebody's mouth is at rest is learnt anew, where it is wider."""
_FADES_S = 1.0
"""Nobody there: in which most of the steering is gone."""


@dataclasses.dataclass(slots=True)
class _Hand:
    lean: float = 0.0
    near: float = 0.0
    smile: float = 0.0


class WalkSteering:
    """Used by one thread."""

    def __init__(self) -> None:
        self._tracker = WornMeshTracker(MeshModel(step_px=2.0))
        self._hand = _Hand()
        self._rest = 0.0
        self._track_id = -1
        self._pts_s = 0.0

    def steered(self, course: WalkCourse, frame: Frame, faces: Sequence[Face]) -> WalkCourse:
        """Return a course as the first of these faces wants it."""
        passed_s = max(0.0, frame.pts_s - self._pts_s)
        self._pts_s = frame.pts_s
        if faces:
            self._see(frame, faces[0], passed_s)
        else:
            left = math.exp(-passed_s / _FADES_S)
            hand = self._hand
            self._hand = _Hand(hand.lean * left, hand.near * left, hand.smile * left)
        hand = self._hand
        return dataclasses.replace(
            course,
            speed=course.speed * (1 - hand.near),
            lean=_within(course.lean + hand.lean),
            smile=_within(course.smile + hand.smile),
        )

    def _see(self, frame: Frame, face: Face, passed_s: float) -> None:
        size, box = frame.size, face.box
        middle = (box.left + box.width / 2) / size.width
        self._hand.lean = _within(2 * middle - 1)
        self._hand.near = float(np.clip((box.height / size.height - _FAR) / (_NEAR - _FAR), 0, 1))
        if face.track_id != self._track_id:
            self._track_id, self._rest = face.track_id, 0.0
            self._tracker.forget()
        mesh = self._tracker.follow(frame.pixels, face, frame.pts_s)
        if mesh is not None:
            self._hand.smile = self._smile(mouth_width(mesh), passed_s)

    def _smile(self, width: float, passed_s: float) -> float:
        """Return 0..1: how much wider a mouth is than the narrowest of late."""
        if not self._rest or width < self._rest:
            self._rest = width
        self._rest += (width - self._rest) * (1 - math.exp(-passed_s / _REST_S))
        return float(np.clip((width / self._rest - 1) / _SMILES_BY, 0, 1))


def mouth_width(mesh: FaceMesh) -> float:
    """Return the distance of a mouth's corners, in that of the eyes' outer ones: a turn of the head narrows both."""
    points = mesh.points
    eyes = points[EYE_CORNERS[0][0]] - points[EYE_CORNERS[1][1]]
    return float(np.linalg.norm(points[MOUTH_RIGHT] - points[MOUTH_LEFT]) / max(1e-6, float(np.linalg.norm(eyes))))


def _within(value: float) -> float:
    return min(1.0, max(-1.0, value))
