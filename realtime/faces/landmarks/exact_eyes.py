"""A face with its eyes where the mesh sees them: a detector is off by up to half of their distance where faces are
small, which tells a viewer's distance wrongly by as much; the mesh, on a crop of its own, by a fiftieth.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from realtime.imaging.frame import Face, Pixels

if TYPE_CHECKING:
    from realtime.faces.landmarks.mesh import MeshModel

_LEAST_SURE = 0.5
"""Score of a mesh below which the detector's eyes are kept."""


class ExactEyes:
    """Looks at faces once more. One thread; the network is opened with the first."""

    def __init__(self) -> None:
        self._model: MeshModel | None = None

    def of(self, pixels: Pixels, face: Face) -> Face:
        """Return a face of a picture with exact keypoints; the face as it is where the mesh sees none. Raises
        ModelError when the model file cannot be read.
        """
        if self._model is None:
            from realtime.faces.landmarks.mesh import MeshModel

            self._model = MeshModel(step_px=2.0)
        mesh = self._model.measure(pixels, face)
        if mesh.score < _LEAST_SURE:
            return face
        keypoints = face.keypoints.copy()
        exact = mesh.keypoints
        keypoints[: len(exact)] = exact
        return dataclasses.replace(face, keypoints=keypoints)
