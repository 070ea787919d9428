"""The mesh of one person from frame to frame: found, kept while it fits, calmed without lag."""

from __future__ import annotations

import dataclasses

import numpy as np

from realtime.faces.mesh import FaceMesh, MeshModel
from realtime.faces.one_euro import OneEuroFilter
from realtime.frame import Face, Pixels

_LEAST_SCORE = 0.4
"""Below it the mesh model sees no face: a hand over all of it, the back of a head."""
_MOST_YAW_DEGREES = 62.0
"""Beyond it the far half of the mesh is guessed, and a face drawn there slides over the cheek."""
_LEAST_OVERLAP = 0.15
"""Of the mesh's box with the detector's: less, and it has slipped to somebody else or to a poster."""
_LEAST_CUTOFF_HZ = 3.0
_CUTOFF_PER_SPEED = 60.0
# Hz for each face width a second. A face at rest shakes by 0.1 % of its width from frame to frame, some 0.03 widths a
# second, and is filtered at 5 Hz; a nod moves it by half a width a second and passes at 33 Hz: 5 ms late.


class MeshFollower:
    """Follows one person's mesh. Used by one thread."""

    def __init__(self, model: MeshModel) -> None:
        self._model = model
        self._near: FaceMesh | None = None
        self._calm = OneEuroFilter(least_cutoff_hz=_LEAST_CUTOFF_HZ, cutoff_per_speed=_CUTOFF_PER_SPEED)

    def follow(self, pixels: Pixels, face: Face, pts_s: float) -> FaceMesh | None:
        """Return where the face lies in this frame, calmed; None where it cannot be seen well enough to wear one.

        `face` is what the tracker knows, which may be a place held while the detector sees nothing.
        """
        mesh = self._model.again(pixels, self._near) if self._near is not None else None
        if mesh is None or not self._fits(mesh, face):
            if face.lost_for_s > 0:
                self.forget()
                return None
            mesh = self._model.measure(pixels, face)
            self._calm.reset()
            if not self._fits(mesh, face):
                self.forget()
                return None
        self._near = mesh
        calmed = self._calm.update(mesh.points.ravel().astype(np.float64), pts_s, mesh.width_px)
        return dataclasses.replace(mesh, points=calmed.reshape(-1, 3).astype(np.float32))

    def forget(self) -> None:
        """Begin with the detector's box next time."""
        self._near = None
        self._calm.reset()

    def _fits(self, mesh: FaceMesh, face: Face) -> bool:
        if mesh.score < _LEAST_SCORE or abs(mesh.yaw_degrees) > _MOST_YAW_DEGREES:
            return False
        return face.lost_for_s > 0 or mesh.box.overlap(face.box) > _LEAST_OVERLAP
