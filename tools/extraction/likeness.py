"""Who looks like whom: a few hundred numbers for a face, alike for one person.

Without a network of ours for it there are gradients (HOG: Dalal and Triggs, "Histograms of Oriented Gradients for Human
Detection", 2005) of the aligned face. Means over a track in one clip differ by less than 0.02 (cosine) between its
halves and by more than 0.04 between people, in the six clips tried; in another light, or from photo to photo, one
person's differ as much as two people's. So it joins only what is surely one person, and keeps apart what is in doubt.

With `--embedding`, a face recognition network says it: any ONNX file of the usual kind, [1, 3, 112, 112] RGB, ArcFace's
five points, to some hundred numbers compared by their cosine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.faces.landmarks.alignment import FACE, Alignment, cut_face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels

_HOG_SIDE_PX = 64
_EMBEDDING_SIDE_PX = 112


class Likeness(Protocol):
    """Makes numbers of faces."""

    least: float
    """Cosine of two people's means from which on they are one."""
    photos: bool
    """Good enough to tell people apart by single photos."""

    def of(self, crop: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
        """Return numbers of length 1 for the face in a crop, its mesh in the crop's pixels."""
        ...


class Gradients:
    """Without any network."""

    least = 0.97
    photos = False

    def __init__(self) -> None:
        side = (_HOG_SIDE_PX, _HOG_SIDE_PX)
        self._hog = cv2.HOGDescriptor(side, (16, 16), (8, 8), (8, 8), 9)
        self._alignment = Alignment.parse(FACE)

    def of(self, crop: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
        face, _ = cut_face(crop, mesh, self._alignment, _HOG_SIDE_PX)
        grey = cv2.equalizeHist(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY))
        return unit(np.sqrt(np.abs(np.asarray(self._hog.compute(grey), np.float32).ravel())))


class Embedding:
    """With a face recognition network."""

    least = 0.45
    photos = True

    def __init__(self, path: Path) -> None:
        """Raises ModelError where it is no such network."""
        from realtime.models.runtime.ort_session import new_session, session_options

        if not path.is_file():
            raise ModelError(f"no face embedding {path}; name an existing ONNX file")
        try:
            self._session = new_session(str(path), session_options(1), [])
        except Exception as error:  # whatever ONNX Runtime raises
            raise ModelError(f"{path} is no ONNX file that can be run; fetch it again") from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        wanted = [3, _EMBEDDING_SIDE_PX, _EMBEDDING_SIDE_PX]
        if (
            len(inputs) != 1
            or inputs[0].type != "tensor(float)"
            or list(inputs[0].shape[1:]) != wanted
            or len(outputs) != 1
        ):
            shape = inputs[0].shape if inputs else []
            raise ModelError(f"{path} takes {shape}, not a face [1, 3, 112, 112]; name a face recognition network")
        self._name = inputs[0].name
        self._alignment = Alignment.parse("arcface_112")

    def of(self, crop: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
        face, _ = cut_face(crop, mesh, self._alignment, _EMBEDDING_SIDE_PX)
        planes = cv2.dnn.blobFromImage(face, 1 / 127.5, mean=(127.5, 127.5, 127.5), swapRB=True)
        numbers = self._session.run(None, {self._name: planes})[0]
        return unit(np.asarray(numbers, np.float32).ravel())


def unit(numbers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return them with length 1."""
    return np.asarray(numbers / max(1e-9, float(np.linalg.norm(numbers))), np.float32)
