"""A style model opened for one working size, with all that turns frames of one size into pictures of that size."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from realtime.frame import Pixels, Size
from realtime.model_card import HEIGHT, INPUT_NAMES, OUTPUT_NAMES, WIDTH, ModelCard, ModelKind
from realtime.onnx_model import OnnxModel, SessionPolicy
from realtime.style.guided import Enlarger
from realtime.style.steady import Steady

(_FRAME,) = INPUT_NAMES[ModelKind.STYLE]
(_FRAME_OUT,) = OUTPUT_NAMES[ModelKind.STYLE]


class SizedModel:
    """A style model whose pictures all have one size."""

    def __init__(self, path: Path, policy: SessionPolicy, size: Size) -> None:
        """Open it, and warm it where the first run is much slower than the others. Raises ModelError."""
        self.size = size
        self._model = OnnxModel.open(path, policy, dimensions={HEIGHT: size.height, WIDTH: size.width})
        self._model.warm()

    @property
    def card(self) -> ModelCard:
        return self._model.card

    @property
    def provider(self) -> str:
        """What computes it now."""
        return self._model.provider

    @property
    def notes(self) -> tuple[str, ...]:
        """Why a slower provider was taken."""
        return self._model.notes

    def paint(self, pixels: Pixels, into: Pixels) -> None:
        """Repaint a picture of this size into another. Raises ModelError."""
        self._model.run({_FRAME: pixels[np.newaxis]}, {_FRAME_OUT: into[np.newaxis]})

    def close(self) -> None:
        self._model.close()


class Easel:
    """Paints frames of one size with a model of one size. `paint`: one thread."""

    def __init__(self, model: SizedModel, frame: Size, *, steady: bool) -> None:
        """Takes the model over; `close` closes it."""
        self.model, self.frame = model, frame
        self.scaling_s, self.rest_s = 0.0, 0.0
        """What the last picture took: what grows with the working size, and the other."""
        self._steady = Steady(model.size) if steady else None
        self._enlarger = Enlarger(model.size, frame) if model.size != frame else None
        shape = (model.size.height, model.size.width, 3)
        self._small, self._painted = np.empty(shape, np.uint8), np.empty(shape, np.uint8)
        half = Size(frame.width // 2, frame.height // 2)
        self._half = np.empty((half.height, half.width, 3), np.uint8) if half.width >= model.size.width else None

    def warm(self) -> None:
        """Touch every buffer: the first picture of a new easel must not take longer than the others."""
        blank = np.zeros((self.frame.height, self.frame.width, 3), np.uint8)
        out = np.empty_like(blank)
        for count in range(2):
            self.paint(blank, count * 0.01, out)
        if self._steady is not None:
            self._steady = Steady(self.model.size)

    def paint(self, pixels: Pixels, pts_s: float, out: Pixels) -> None:
        """Fill `out` with the repainted frame, both of the frame's size. Raises ModelError."""
        began_s = time.perf_counter()
        enlarger = self._enlarger
        seen = pixels if enlarger is None else self._shrink(pixels)
        painted = out if enlarger is None else self._painted
        if self._steady is not None:
            seen = self._steady.calm(seen, pts_s)
        self.model.paint(seen, painted)
        if self._steady is not None:
            self._steady.hold(painted)
        painted_s = time.perf_counter()
        if enlarger is not None:
            enlarger.enlarge(pixels, seen, painted, out)
        self.scaling_s, self.rest_s = painted_s - began_s, time.perf_counter() - painted_s

    def close(self) -> None:
        self.model.close()

    def _shrink(self, pixels: Pixels) -> Pixels:
        """Averaging in one step to an odd size takes 3 ms for 1280×720; halving first, then linear, 0.7."""
        if self._half is not None:
            height, width = self._half.shape[:2]
            cv2.resize(pixels, (width, height), dst=self._half, interpolation=cv2.INTER_AREA)
            pixels = self._half
        cv2.resize(pixels, self.model.size, dst=self._small, interpolation=cv2.INTER_LINEAR)
        return self._small
