"""Whatever draws faces from codes: a morph model, or any decoder or generator in our contract."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from realtime.imaging.numerics import Floats
from realtime.models.latent_space import LatentSpace
from realtime.models.runtime.onnx_model import OnnxModel, SessionPolicy
from realtime.morph.model import MorphModel


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """What is to be drawn."""

    code: Floats
    """[Z]"""
    truncation: float = 1.0
    """How far from the mean picture: 1 as the code is. Of a generator that `truncates`."""
    fine: Floats | None = None
    """[Z], the code of the finer layers, where they have one of their own, and …"""
    mix: float = 0.0
    """… how much of it they have, 0..1, …"""
    fine_from: float = 0.5
    """… from which share of the layers on. Of a generator that has `layers`."""


class FaceGenerator(ABC):
    """A code in, a face out. Used by one thread at a time."""

    side_px: int
    space: LatentSpace
    title: str
    truncates: bool = False
    layers: int = 0
    """How many layers may have codes of their own; 0: it takes one code."""

    @property
    @abstractmethod
    def provider(self) -> str:
        """What computes it; a network may change it on the way."""

    @abstractmethod
    def draw(self, code: Floats, out: Floats) -> None:
        """Draw a code [Z] into `out`, float32 [S, S, 3] BGR, 0..255 and a little beyond. Raises ModelError."""

    def draw_sight(self, sight: Sight, out: Floats) -> None:
        """Draw what a sight says, as far as the generator can, likewise. Raises ModelError."""
        self.draw(sight.code, out)

    def interrupt(self) -> None:  # noqa: B027 - a morph's model stays the caller's
        """[any thread] End what is being drawn: nobody will see it."""

    def close(self) -> None:  # noqa: B027 - the same
        """Free the session."""


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
        shapes = self._network.input_shapes
        self.truncates, self.layers = "truncation" in shapes, int(shapes["layers"][1]) if "layers" in shapes else 0

    @property
    def provider(self) -> str:
        return self._network.provider

    def draw(self, code: Floats, out: Floats) -> None:
        self.draw_sight(Sight(code), out)

    def draw_sight(self, sight: Sight, out: Floats) -> None:
        z = np.ascontiguousarray(sight.code[np.newaxis], np.float32)
        given: dict[str, Floats] = {"z": z}
        if self.truncates:
            given["truncation"] = np.array([sight.truncation], np.float32)
        if self.layers:
            given["fine"] = z if sight.fine is None else np.ascontiguousarray(sight.fine[np.newaxis], np.float32)
            mix = 0.0 if sight.fine is None else sight.mix
            given["layers"] = (mix * layer_shares(self.layers, sight.fine_from))[np.newaxis]
        self._network.run(given, {"face_out": self._drawn})
        np.copyto(out, self._drawn[0])

    def interrupt(self) -> None:
        self._network.interrupt()

    def close(self) -> None:
        self._network.close()


def layer_shares(count: int, fine_from: float) -> Floats:
    """Return how much each of `count` layers, coarse first, belongs to the finer ones: 0 before a share of them, 1
    behind it; the one that it falls into in part, so that nothing jumps where it moves.
    """
    return np.asarray((np.arange(1, count + 1) - fine_from * count).clip(0, 1), np.float32)
