"""The mesh of one person from frame to frame: found, kept while it fits, calmed without lag."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.faces.mesh import POINT_COUNT, RIGID, FaceMesh, MeshModel
from realtime.faces.one_euro import OneEuroFilter
from realtime.frame import Face, Pixels
from realtime.swap.field import EYES, LIDS, LIPS, MOUTH

_LEAST_SCORE = 0.4
"""Below it the mesh model sees no face: a hand over all of it, the back of a head."""
_MOST_YAW_DEGREES = 62.0
"""Beyond it the far half of the mesh is guessed, and a face drawn there slides over the cheek."""
_LEAST_OVERLAP = 0.15
"""Of the mesh's box with the detector's: less, and it has slipped to somebody else or to a poster."""


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


def _points_that_speak() -> NDArray[np.intp]:
    return np.unique([number for loop in (*EYES, *LIDS, LIPS, MOUTH) for number in loop])


class MeshFollower:
    """Follows one person's mesh. Used by one thread."""

    def __init__(self, model: MeshModel) -> None:
        self._model = model
        self.measured: FaceMesh | None = None
        """The mesh of the last frame as it was measured, before it was calmed; None where none was seen."""
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
        mesh = self._model.again(pixels, self.measured) if self.measured is not None else None
        if mesh is None or not self._fits(mesh, face):
            if face.lost_for_s > 0:
                self.forget()
                return None
            mesh = self._model.measure(pixels, face)
            self._reset()
            if not self._fits(mesh, face):
                self.forget()
                return None
        self.measured = mesh
        return dataclasses.replace(mesh, points=self._calmed(mesh, pts_s))

    def forget(self) -> None:
        """Begin with the detector's box next time."""
        self.measured = None
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

    def _fits(self, mesh: FaceMesh, face: Face) -> bool:
        if mesh.score < _LEAST_SCORE or abs(mesh.yaw_degrees) > _MOST_YAW_DEGREES:
            return False
        return face.lost_for_s > 0 or mesh.box.overlap(face.box) > _LEAST_OVERLAP
