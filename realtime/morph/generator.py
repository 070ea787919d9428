"""Whatever draws faces from codes: a morph model, or any decoder or generator in our contract."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from realtime.imaging.numerics import Floats
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.morph.model import MorphModel


class FaceGenerator(ABC):
    """A code in, a face out. Used by one thread at a time."""

    side_px: int
    space: LatentSpace
    title: str

    @property
    @abstractmethod
    def provider(self) -> str:
        """What computes it; a network may change it on the way."""

    @abstractmethod
    def draw(self, code: Floats, out: Floats) -> None:
        """Draw a code [Z] into `out`, float32 [S, S, 3] BGR, 0..255 and a little beyond. Raises ModelError."""


class MorphGenerator(FaceGenerator):
    """The decoder in a morph model, which stays the caller's."""

    def __init__(self, model: MorphModel) -> None:
        side, codes = model.side_px, model.codes
        self.side_px, self.space, self.title = side, model.space, model.title
        self._model = model
        self._nobody = np.zeros((side, side, 3), np.uint8)
        self._keep = np.zeros((codes, 1), np.float32)
        self._add = np.zeros((codes, model.latent), np.float32)
        self._z = np.empty((1, model.latent), np.float32)
        self._drawn = np.empty((codes, side, side, 3), np.float32)

    @property
    def provider(self) -> str:
        return self._model.network.provider

    def draw(self, code: Floats, out: Floats) -> None:
        self._add[:] = code
        self._model.run(self._nobody, self._keep, self._add, self._z, self._drawn)
        np.copyto(out, self._drawn[0])


class DecoderGenerator(FaceGenerator):
    """A model of kind `decoder`."""

    def __init__(self, path: Path, policy: SessionPolicy) -> None:
        """Raises ModelError."""
        self._network = OnnxModel.open(path, policy)
        latent, side = int(self._network.input_shapes["z"][1]), int(self._network.output_shapes["face_out"][1])
        self.side_px = side
        self.space = LatentSpace.parse(self._network.card.latent_space, latent, str(path))
        self.title = self._network.card.title or path.stem
        self._drawn = np.empty((1, side, side, 3), np.uint8)

    @property
    def provider(self) -> str:
        return self._network.provider

    def draw(self, code: Floats, out: Floats) -> None:
        self._network.run({"z": code[np.newaxis]}, {"face_out": self._drawn})
        np.copyto(out, self._drawn[0])

    def close(self) -> None:
        """Free the session."""
        self._network.close()
