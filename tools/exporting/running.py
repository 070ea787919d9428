"""Running a written model as the application will."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime.frame import Pixels
from realtime.onnx_model import OnnxModel, SessionPolicy


class WrittenStyle:
    """A style model on the CPU, as the loop runs it: buffers bound once for each size."""

    def __init__(self, path: Path) -> None:
        self._model = OnnxModel.open(path, SessionPolicy(provider="cpu"))

    def __call__(self, frame: Pixels) -> Pixels:
        """Return what the model makes of (h, w, 3) uint8 BGR."""
        out = np.empty_like(frame)
        self._model.run({"frame": frame[np.newaxis]}, {"frame_out": out[np.newaxis]})
        return out

    def close(self) -> None:
        self._model.close()
