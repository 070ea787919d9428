"""A network that places points in a square crop, as those of the mesh and of the iris do."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.models.runtime.tflite_session import open_shipped
from realtime.models.tflite_to_onnx import INPUT


class LandmarkNetwork:
    """Runs one of MediaPipe's, by ONNX Runtime. Used by one thread."""

    def __init__(self, name: str, side_px: int, shapes: tuple[tuple[int, ...], ...]) -> None:
        """`name`: among the program's weights. `shapes`: those of its outputs, no two with the same last side.

        Raises ModelError when the file cannot be read.
        """
        self._binding = open_shipped(name, least=0.0)
        self._input: NDArray[np.uint8] = np.zeros((1, side_px, side_px, 3), np.uint8)
        self._outputs = tuple(np.zeros(shape, np.float32) for shape in shapes)
        self._by_name = {str(output.shape[-1]): output for output in self._outputs}

    def run(self, crop: Pixels) -> tuple[NDArray[np.float32], ...]:
        """Return what it makes of a (side_px, side_px, 3) crop, BGR, in the order of `shapes`; the next call overwrites
        it.
        """
        cv2.cvtColor(crop, cv2.COLOR_BGR2RGB, dst=self._input[0])
        self._binding.run({INPUT: self._input}, self._by_name)
        return self._outputs
