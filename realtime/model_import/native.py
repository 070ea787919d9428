"""Face models that are in the contract already: tried on a photo, and kept as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from realtime.model_import.face.validation import FacePhoto, crop_for, encode, swap_once
from realtime.model_import.hints import Finding
from realtime.model_import.style.importer import Imported
from realtime.models.card import ModelCard, ModelKind
from realtime.models.file_safety import check_safe, read_header
from realtime.models.library import find_identity_encoder
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel


def kind_of(path: Path) -> ModelKind | None:
    """Return the kind of a model of ours, None for other people's and for what is no file. Raises ModelError."""
    if path.suffix.lower() != ".onnx" or not path.is_file():
        return None
    metadata = read_header(path).metadata
    return ModelCard.read(metadata, str(path)).kind if "realtime.kind" in metadata else None


def import_native(path: Path, photo: FacePhoto) -> Imported:
    """Open a swap model, encoder or decoder of this program and run it. Raises ModelError where it does not keep what
    its card says, or where its encoder is missing.
    """
    header = read_header(path)
    check_safe(path, header)
    model = OnnxModel.open(path, ON_CPU)
    try:
        ms, before, after = 0.0, photo.pixels, photo.pixels
        if model.card.kind is ModelKind.SWAP:
            made = swap_once(model, photo, _identity(path, photo) if model.card.identity_model else None)
            before, after, ms = made.before, made.after, made.ms_per_face
        elif model.card.kind is ModelKind.ENCODER:
            encode(model, photo)
            before = after = crop_for(model, photo)
        else:
            model.warm()
        notes = model.notes
    finally:
        model.close()
    content = path.read_bytes()
    if header.external_files:
        content = bytes(onnx.load_model(str(path)).SerializeToString())
    finding = Finding("contract", "as it should be already", "its card")
    return Imported(content, model.card, (finding,), notes, before, after, ms_per_face=ms)


def _identity(path: Path, photo: FacePhoto) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    encoder = OnnxModel.open(find_identity_encoder(path), ON_CPU)
    try:
        return encode(encoder, photo)
    finally:
        encoder.close()
