"""The mesh of one person from frame to frame: found, kept while it fits, calmed without lag."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import (
    EYES,
    LEFT_EYE_INNER,
    LEFT_EYE_OUTER,
    LIDS,
    LIPS,
    MOUTH,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    NOSE_TIP,
    POINT_COUNT,
    RIGHT_EYE_INNER,
    RIGHT_EYE_OUTER,
    RIGID,
    FaceMesh,
    MeshModel,
)
from realtime.faces.tracking.one_euro import OneEuroFilter
from realtime.imaging.frame import Box, Face, Pixels

_LEAST_SCORE = 0.4
"""Below it the mesh model sees no face: a hand over all of it, the back of a head."""
_MOST_YAW_DEGREES = 62.0
"""Beyond it the far half of the mesh is guessed, and a face drawn there slides over the cheek."""
_LEAST_OVERLAP = 0.15
"""Of the mesh's box with the detector's: less, and it has slipped to somebody else or to a poster."""
_MOST_APART = 0.2
"""Face widths between eyes, nose and mouth as mesh and detector have them. On films of people 0.06, in profile and
quick motion 0.2 at most; a face that leans out quickly was left behind by half a width, with a mouth on its chin."""
_LAGS = 0.08
"""Farther apart than this it is measured once more: in quick motion it comes after by a quarter of a width."""
_LEAST_UNSEEN_SCORE, _MOST_STEP = 0.7, 0.06
"""Where the detector sees nobody: a mesh that lies right stays where it is when it is measured once more, to 0.04 of
its width; one that hangs between two faces or lags behind goes on moving."""
_UNSEEN_PASSES = 3
_LOOK_PX, _ALIKE = 16, 0.5
"""Where the detector sees nobody, what lies under the mesh must look as it did in the frame before."""


class _Calm(NamedTuple):
    """Of a One Euro filter: Hz at rest, and Hz more for each face width a second."""

    least_cutoff_hz: float
    cutoff_per_speed: float


_HEAD = _Calm(1.0, 32.0)
_FEATURES = _Calm(3.0, 60.0)
_SKIN = _Calm(0.7, 18.0)
"""The head's place, the mean of many points, is sure and must not lag: a nod moves it by half a width a second and
passes at 19 Hz, lids and lips quicker. The rest of the face shakes most, by 0.1 % of its width from frame to frame,
has the finest texture, and moves least within the head."""


_KEYPOINTS = np.array(
    [
        (RIGHT_EYE_OUTER, RIGHT_EYE_INNER),
        (LEFT_EYE_INNER, LEFT_EYE_OUTER),
        (NOSE_TIP, NOSE_TIP),
        (MOUTH_RIGHT, MOUTH_LEFT),
    ]
)
"""The detector's keypoints, but for the ears: each is the middle of two points of the mesh."""


def _points_that_speak() -> NDArray[np.intp]:
    return np.unique([number for loop in (*EYES, *LIDS, LIPS, MOUTH) for number in loop])


class MeshTracker:
    """Follows one person's mesh. Used by one thread."""

    def __init__(self, model: MeshModel) -> None:
        self._model = model
        self.measured: FaceMesh | None = None
        """The mesh of the last frame as it was measured, before it was calmed; None where none was seen."""
        self._look: NDArray[np.float32] | None = None
        self._head, self._features, self._skin = (
            OneEuroFilter(least_cutoff_hz=calm.least_cutoff_hz, cutoff_per_speed=calm.cutoff_per_speed)
            for calm in (_HEAD, _FEATURES, _SKIN)
        )
        self._speaking = _points_that_speak()
        self._resting = np.setdiff1d(np.arange(POINT_COUNT), self._speaking)

    def follow(self, pixels: Pixels, face: Face, pts_s: float) -> FaceMesh | None:
        """Return where the face lies in this frame, calmed; None where it cannot be seen well enough to wear one.

        `face` is what the tracker knows, which may be a place held while the detector sees nothing.
        """
        mesh = self._again(pixels, face)
        if mesh is None and face.lost_for_s == 0:
            mesh = self._model.measure(pixels, face)
            self._reset()
            if not _is_of(mesh, face):
                mesh = None
        if mesh is None:
            self.forget()
            return None
        look = _look(pixels, mesh.box)
        if face.lost_for_s > 0 and not _is_alike(look, self._look):
            self.forget()
            return None
        self.measured, self._look = mesh, look
        return dataclasses.replace(mesh, points=self._calmed(mesh, pts_s))

    def _again(self, pixels: Pixels, face: Face) -> FaceMesh | None:
        """Return the mesh where it was in the last frame; None where it does not lie on the same face any more."""
        if self.measured is None:
            return None
        mesh = self._model.again(pixels, self.measured)
        if face.lost_for_s == 0:
            if _apart(mesh, face) > _LAGS:
                tries = (mesh, self._model.again(pixels, mesh), self._model.measure(pixels, face))
                mesh = min(tries, key=lambda each: _apart(each, face))
            return mesh if _is_of(mesh, face) else None
        for _ in range(_UNSEEN_PASSES - 1):
            if not _is_good(mesh, _LEAST_UNSEEN_SCORE):
                return None
            once_more = self._model.again(pixels, mesh)
            step_px = float(np.linalg.norm((once_more.points - mesh.points)[:, :2], axis=1).mean())
            if step_px <= _MOST_STEP * mesh.width_px:
                return mesh
            mesh = once_more
        return None

    def forget(self) -> None:
        """Begin with the detector's box next time."""
        self.measured = self._look = None
        self._reset()

    def _calmed(self, mesh: FaceMesh, pts_s: float) -> NDArray[np.float32]:
        points, unit = mesh.points.astype(np.float64), mesh.width_px
        head = points[list(RIGID)].mean(axis=0)
        calmed = np.empty_like(mesh.points)
        for some, calm in ((self._speaking, self._features), (self._resting, self._skin)):
            calmed[some] = calm.update((points[some] - head).ravel(), pts_s, unit).reshape(-1, 3)
        calmed += self._head.update(head, pts_s, unit)
        return calmed

    def _reset(self) -> None:
        for calm in (self._head, self._features, self._skin):
            calm.reset()


def _look(pixels: Pixels, box: Box) -> NDArray[np.float32] | None:
    """Return a small grey copy of what lies in a box, mean 0 and length 1; None where that is nothing."""
    height, width = pixels.shape[:2]
    left, top = max(0, int(box.left)), max(0, int(box.top))
    right, bottom = min(width, int(box.left + box.width)), min(height, int(box.top + box.height))
    if right - left < 2 or bottom - top < 2:
        return None
    # Averaging all of a large face takes 0.1 ms, and tells no more.
    few = cv2.resize(pixels[top:bottom, left:right], (2 * _LOOK_PX,) * 2, interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(cv2.cvtColor(few, cv2.COLOR_BGR2GRAY), (_LOOK_PX,) * 2, interpolation=cv2.INTER_AREA)
    grey = small.astype(np.float32)
    grey -= grey.mean()
    return grey / max(1e-6, float(np.linalg.norm(grey)))


def _is_alike(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    return one is not None and other is not None and float(np.vdot(one, other)) > _ALIKE


def _is_good(mesh: FaceMesh, least_score: float) -> bool:
    """Whether a face can be worn there. Numbers that are none are never good."""
    return mesh.score >= least_score and abs(mesh.yaw_degrees) <= _MOST_YAW_DEGREES


def _is_of(mesh: FaceMesh, face: Face) -> bool:
    """Whether a mesh lies on the face that the detector sees."""
    if not _is_good(mesh, _LEAST_SCORE) or not mesh.box.overlap(face.box) > _LEAST_OVERLAP:
        return False
    return _apart(mesh, face) <= _MOST_APART


def _apart(mesh: FaceMesh, face: Face) -> float:
    """How far apart mesh and detector have eyes, nose and mouth, in face widths."""
    points = mesh.points[_KEYPOINTS, :2].mean(axis=1)
    return float(np.linalg.norm(points - face.keypoints[:4], axis=1).mean()) / max(1.0, face.box.width)
