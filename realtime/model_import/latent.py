"""The two halves of an autoencoder of faces that was trained here: its encoder and its decoder, each a file."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Self

from realtime.model_import.face.validation import FacePhoto, validate_encoder
from realtime.model_import.result import Validation
from realtime.model_import.steps import Importer, ImportRequest, Inputs
from realtime.models.card import ModelKind
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel


class _LatentImporter(Importer):
    def __init__(self, photo: FacePhoto) -> None:
        self._photo = photo

    @classmethod
    def of(cls, request: ImportRequest) -> Self:
        return cls(request.face())


class LatentEncoderImporter(_LatentImporter):
    """A face in, its latent code out."""

    kind = ModelKind.LATENT_ENCODER

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - it takes a face and nothing else
        return validate_encoder(path, self._photo)


class LatentDecoderImporter(_LatentImporter):
    """A latent code in, a face out. Nothing is known of its codes, so nobody is shown what it draws."""

    kind = ModelKind.LATENT_DECODER

    def validate(self, path: Path, inputs: Inputs) -> Validation:  # noqa: ARG002 - its codes are not known
        with contextlib.closing(OnnxModel.open(path, ON_CPU)) as model:
            model.warm()
            return Validation(self._photo.pixels, self._photo.pixels, model.notes)
