"""Faces to codes and back: by a checkpoint of ours or of a public layout, or by a model file."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.faces.landmarks.alignment import FACE
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelKind
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import ON_CPU
from realtime.morph.model import MorphModel
from tools.attributes.verification import Decode
from tools.exporting.checkpoint import read_checkpoint
from tools.networks import Autoencoder, Part, layout_of, unknown
from tools.training.data import to_tensor

_AT_ONCE = 32


class Encoder:
    """Takes RGB uint8 [N, S, S, 3], gives codes float32 [N, Z]; and, as `decode`, the way back."""

    def __init__(
        self, side_px: int, latent: int, light: int, encode: Callable[[Pixels], NDArray[np.float32]], decode: Decode
    ) -> None:
        self.side_px, self.latent, self.light, self._encode, self.decode = side_px, latent, light, encode, decode

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
        part = next((part for part in layout.parts(weights) if part.kind is ModelKind.MORPH), None)
        if part is None:
            raise ModelError(f"{path} has no encoder; name the checkpoint of a VAE of faces")
        encode, decode = functools.partial(_encoded, part), functools.partial(_decoded, part)
        return cls(part.side_px, part.latent, part.light, encode, decode)

    @classmethod
    def _of_model(cls, path: Path) -> Encoder:
        model = MorphModel(find_model(str(path), ModelKind.MORPH), ON_CPU, codes=1)
        if model.alignment.text.strip() != FACE:
            raise ModelError(
                f"{path}: its faces lie as '{model.alignment.text}' says, and here they are cut as '{FACE}'"
            )
        return cls(
            model.side_px,
            model.latent,
            model.space.light,
            lambda faces: np.stack([model.encode(np.ascontiguousarray(face[:, :, ::-1])) for face in faces]),
            model.decode,
        )

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
    assert isinstance(part.network, Autoencoder)
    with torch.no_grad():
        rgb = to_tensor(faces, torch.device("cpu")) * (picture.white - picture.black) + picture.black
        codes = part.network.encoder(rgb.flip(1) if picture.order.value == "bgr" else rgb)
    return np.asarray(codes.float().numpy(), np.float32)


def _decoded(part: Part, codes: NDArray[np.float32]) -> NDArray[np.float32]:
    picture = part.picture
    assert isinstance(part.network, Autoencoder)
    drawn = np.empty((len(codes), part.side_px, part.side_px, 3), np.float32)
    with torch.no_grad():
        for start in range(0, len(codes), _AT_ONCE):
            made = part.network.decoder(torch.from_numpy(codes[start : start + _AT_ONCE]))
            bgr = (made if picture.order.value == "bgr" else made.flip(1)).float().permute(0, 2, 3, 1)
            drawn[start : start + _AT_ONCE] = (bgr.numpy() - picture.black) * (255 / (picture.white - picture.black))
    return drawn
