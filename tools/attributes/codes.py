"""Faces to codes: by the encoder in a checkpoint of ours or of a public layout, or by a model file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelKind
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from tools.exporting.checkpoint import read_checkpoint
from tools.networks import Part, layout_of, unknown
from tools.training.data import to_tensor

_AT_ONCE = 32


class Encoder:
    """Takes RGB uint8 [N, S, S, 3], gives codes float32 [N, Z]."""

    def __init__(self, side_px: int, latent: int, encode: Callable[[Pixels], NDArray[np.float32]]) -> None:
        self.side_px, self.latent, self._encode = side_px, latent, encode

    @classmethod
    def open(cls, path: Path) -> Encoder:
        """Raises ModelError for a file without an encoder."""
        return cls._of_model(path) if path.suffix.lower() == ".onnx" else cls._of_checkpoint(path)

    @classmethod
    def _of_checkpoint(cls, path: Path) -> Encoder:
        weights = read_checkpoint(path)
        layout = layout_of(weights)
        if layout is None:
            raise unknown(weights)
        part = next((part for part in layout.parts(weights) if part.kind is ModelKind.LATENT_ENCODER), None)
        if part is None:
            raise ModelError(f"{path} has no encoder; name the checkpoint of a VAE of faces")
        return cls(part.side_px, part.latent, lambda faces: _encoded(part, faces))

    @classmethod
    def _of_model(cls, path: Path) -> Encoder:
        model = OnnxModel.open(path, SessionPolicy(provider="cpu"))
        card = model.card
        # Files of before latent encoders were a kind say `encoder`, as recognisers do, and those have a fingerprint.
        was_latent = card.kind is ModelKind.IDENTITY_ENCODER and not card.fingerprint
        if card.kind is not ModelKind.LATENT_ENCODER and not was_latent:
            raise ModelError(f"{path} is of the kind '{card.kind.value}'; name a latent encoder")
        latent = model.output_shapes["z"][1]
        side_px = model.input_shapes["face"][1]
        assert isinstance(latent, int)
        assert isinstance(side_px, int)

        def encode(faces: Pixels) -> NDArray[np.float32]:
            codes = np.empty((len(faces), latent), np.float32)
            for face, code in zip(faces, codes, strict=True):
                model.run({"face": np.ascontiguousarray(face[np.newaxis, :, :, ::-1])}, {"z": code[np.newaxis]})
            return codes

        return cls(side_px, latent, encode)

    def codes(self, faces: Iterator[Pixels]) -> NDArray[np.float32]:
        """Return the codes of RGB faces [S, S, 3], [N, Z]. Raises ModelError where one is no number."""
        found: list[NDArray[np.float32]] = []
        waiting: list[Pixels] = []
        for face in faces:
            waiting.append(face)
            if len(waiting) == _AT_ONCE:
                found.append(self._encode(np.stack(waiting)))
                waiting.clear()
        if waiting:
            found.append(self._encode(np.stack(waiting)))
        codes = np.concatenate(found) if found else np.empty((0, self.latent), np.float32)
        if not np.isfinite(codes).all():
            raise ModelError("the encoder gives codes that are no numbers; take an earlier checkpoint")
        return codes


def _encoded(part: Part, faces: Pixels) -> NDArray[np.float32]:
    picture = part.picture
    with torch.no_grad():
        rgb = to_tensor(faces, torch.device("cpu")) * (picture.white - picture.black) + picture.black
        codes = part.network(rgb.flip(1) if picture.order.value == "bgr" else rgb)
    return np.asarray(codes.float().numpy(), np.float32)
