"""Morphs, which come as models that were trained and exported here."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

import numpy as np

from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.model_import.face.validation import FacePhoto, crop_for
from realtime.model_import.result import Speed, Validation
from realtime.model_import.steps import Importer, ImportRequest, Inputs, median_ms
from realtime.model_import.verdict import unusable, verdict_on
from realtime.models.card import CODES, ModelKind
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel


class MorphImporter(Importer):
    """A face in, and any count of codes drawn: the photo's face is shown as it comes back."""

    kind = ModelKind.MORPH

    def __init__(self, photo: FacePhoto) -> None:
        self._photo = photo

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls(request.face())

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes a face and nothing else
        """Raises ModelError also where nothing of the face comes back, or what is drawn does not hang on the code."""
        with contextlib.closing(OnnxModel.open(path, ON_CPU, dimensions={CODES: 2})) as model:
            return _tried(model, crop_for(model, self._photo))


def _tried(model: OnnxModel, face: Pixels) -> Validation:
    latent = int(model.input_shapes["add"][1])
    space = LatentSpace.parse(model.card.latent_space, latent, str(model.path))
    # Beside the face itself a person like all others.
    keep, add = np.array([[1], [0]], np.float32), np.stack([np.zeros(latent, np.float32), space.mean])
    z, of_nobody = np.empty((1, latent), np.float32), np.empty((1, latent), np.float32)
    drawn = np.empty((2, *face.shape), np.float32)
    given = {"keep": keep, "add": add}
    model.run({"face": np.full_like(face, 128)[np.newaxis], **given}, {"z": of_nobody, "face_out": drawn})

    def run() -> None:
        model.run({"face": face[np.newaxis], **given}, {"z": z, "face_out": drawn})

    run()
    verdict = verdict_on(drawn[0], face)
    if np.allclose(z, of_nobody, rtol=1e-3, atol=1e-6):
        problem = _("gives the same numbers for a face and for none")
    elif np.allclose(drawn[0], drawn[1], atol=0.5):
        problem = _("draws the same face whatever its code is")
    else:
        problem = _("cannot be used: {problem}", problem=verdict.problem) if verdict.problem else ""
    if problem:
        raise unusable(model.path, problem)
    side, ms = len(face), median_ms(run, 3, first_counts=True)
    known = (
        _("its directions: {names}", names=", ".join(space.names))
        if space.directions
        else _("it has no directions yet")
    )
    return Validation(
        face,
        np.rint(drawn[0].clip(0, 255)).astype(np.uint8),
        (*model.notes, known),
        (verdict.doubt,) if verdict.doubt else (),
        code=z,
        speed=Speed(
            _(
                "{ms:.1f} ms for a face of {side}x{side} and two codes of {latent} on the CPU",
                ms=ms,
                side=side,
                latent=latent,
            )
        ),
    )
