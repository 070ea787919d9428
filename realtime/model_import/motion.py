"""Models that move a picture's face as a filmed one moves, which come as models that were exported here."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

import numpy as np

from realtime.core.errors import ModelError
from realtime.faces.landmarks.alignment import Alignment, cut_face
from realtime.imaging.frame import Pixels
from realtime.model_import.face.validation import FacePhoto
from realtime.model_import.result import Speed, Validation
from realtime.model_import.steps import Importer, ImportRequest, Inputs, median_ms
from realtime.model_import.verdict import verdict_on
from realtime.models.card import ModelKind
from realtime.models.motion_model import MotionModel
from realtime.models.runtime.onnx_model import ON_CPU


class MotionImporter(Importer):
    """A face and a motion in, the face moved out: the photo's is moved as its mirror image differs from it."""

    kind = ModelKind.MOTION

    def __init__(self, photo: FacePhoto) -> None:
        self._photo = photo

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls(request.face())

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes faces and nothing else
        """Raises ModelError also where its motion does not hang on the face, or the picture not on the motion."""
        with contextlib.closing(MotionModel(path, ON_CPU)) as model:
            alignment = Alignment.of_model(path, model.card)
            return _tried(model, cut_face(self._photo.pixels, self._photo.mesh, alignment, model.side_px)[0])

    @staticmethod
    def next_step(name: str, card: object) -> str:  # noqa: ARG004 - the same for all
        return f"realtime portrait build PICTURE.jpg --engine {name}"


def _tried(model: MotionModel, face: Pixels) -> Validation:
    mirrored = np.ascontiguousarray(face[:, ::-1])
    features, own, other = model.features_of(face), model.motion_of(face), model.motion_of(mirrored)
    still, _ = model.draw(features, own, own, own)
    moved, _ = model.draw(features, own, own, other)
    verdict = verdict_on(still.astype(np.float32), _resized(face, model.drawn_px))
    if np.allclose(own, other, rtol=1e-3, atol=1e-6):
        problem = "finds the same motion in a face and in its mirror image"
    elif np.array_equal(still, moved):
        problem = "draws the same picture whatever the motion is"
    else:
        problem = f"cannot be used: {verdict.problem}" if verdict.problem else ""
    if problem:
        raise ModelError(f"{model.path.name} {problem}; take another copy of it, or an earlier checkpoint")

    def run() -> None:
        model.draw(features, own, own, model.motion_of(mirrored))

    ms = median_ms(run, 3, first_counts=True)
    return Validation(
        _resized(face, model.drawn_px),
        still,
        model.notes,
        (verdict.doubt,) if verdict.doubt else (),
        speed=Speed(f"{ms:.0f} ms a picture of {model.drawn_px}x{model.drawn_px} on the CPU"),
    )


def _resized(face: Pixels, side_px: int) -> Pixels:
    import cv2

    return face if len(face) == side_px else np.asarray(cv2.resize(face, (side_px, side_px)), np.uint8)
