"""A motion model (`realtime.models.card`) opened as its three networks: what moves one face as another moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.models.card import ModelKind
from realtime.models.file_safety import read_card
from realtime.models.runtime.onnx_model import SessionPolicy, open_stages

_USUAL = SessionPolicy()
Motion: TypeAlias = NDArray[np.float32]
"""(1, M): how a face is held, in numbers of one model."""
Features: TypeAlias = NDArray[np.float32]
"""(1, F): how a source picture looks, likewise."""


class MotionModel:
    """Runs the parts of a motion model. Used by one thread at a time."""

    def __init__(self, path: Path, policy: SessionPolicy = _USUAL) -> None:
        """Open it: some ten milliseconds for each megabyte on the CPU. Raises ModelError."""
        if read_card(path).kind is not ModelKind.MOTION:
            raise ModelError(_("{path} is no motion model, which moves a face as a filmed one moves", path=path))
        stages = open_stages(path, (("motion",), ("features",), ("face_out", "mask")), policy)
        self._looking, self._keeping, self._drawing = stages
        self.path, self.card, self.notes = path, self._looking.card, self._drawing.notes
        self.side_px = int(self._looking.input_shapes["face"][1])
        """Side of the square faces that it looks at."""
        self.drawn_px = int(self._drawing.output_shapes["face_out"][1])
        """Side of those that it draws."""

    @property
    def provider(self) -> str:
        """What draws, for people: `CPU`, `CUDA`."""
        return self._drawing.provider

    def motion_of(self, face: Pixels) -> Motion:
        """Return how a face is held: (side_px, side_px, 3) uint8 BGR, cut as the card says. Raises ModelError."""
        motion = _empty(self._looking.output_shapes["motion"], np.float32)
        self._looking.run({"face": face[np.newaxis]}, {"motion": motion})
        return motion

    def features_of(self, face: Pixels) -> Features:
        """Return all that is needed of a source to draw it, found once. Raises ModelError."""
        features = _empty(self._keeping.output_shapes["features"], np.float32)
        self._keeping.run({"face": face[np.newaxis]}, {"features": features})
        return features

    def draw(
        self, features: Features, source: Motion, rest: Motion, driving: Motion
    ) -> tuple[Pixels, NDArray[np.uint8]]:
        """Return the source moved as `driving` differs from `rest`, (drawn_px, drawn_px, 3) uint8 BGR, and how much of
        each pixel is new, (drawn_px, drawn_px) 0..255. Raises ModelError.
        """
        side = self.drawn_px
        face, mask = np.empty((1, side, side, 3), np.uint8), np.empty((1, side, side, 1), np.uint8)
        self._drawing.run(
            {
                "source_features": features,
                "source_motion": source,
                "rest_motion": rest,
                "driving_motion": driving,
            },
            {"face_out": face, "mask": mask},
        )
        return face[0], mask[0, :, :, 0]

    def close(self) -> None:
        """Free what it holds."""
        for model in (self._looking, self._keeping, self._drawing):
            model.close()


def _empty(shape: tuple[int | str, ...], dtype: Any) -> NDArray[Any]:
    return np.empty(tuple(int(side) for side in shape), dtype)
