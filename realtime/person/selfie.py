"""MediaPipe's selfie segmentation, run by ONNX Runtime: one network for wide pictures, one for all others.

Both see the whole picture, however its sides lie, as MediaPipe's own pipeline shows it to them. On one thread of a
server the wide one (256×144) takes 1.3 ms and the square one (256×256) 2.6; on two they are no faster, and OpenCV's
reader takes 3.2 and 5.5. The answers are the same but for the fifth digit.
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import halve_into
from realtime.models.runtime.ort_session import first_line
from realtime.models.runtime.tflite_session import open_shipped
from realtime.models.tflite_to_onnx import INPUT
from realtime.person import PersonNetwork

WIDE, SQUARE = "selfie_segmentation_landscape.tflite", "selfie_segmentation.tflite"
_SIZES = {WIDE: Size(256, 144), SQUARE: Size(256, 256)}
_WIDE_FROM = 1.5
"""Width over height. 4:3 has more to tell than 144 rows hold."""
_OUTPUT = "1"


def network_for(frame: Size) -> str:
    """Return the file of the network for frames of this size."""
    return WIDE if frame.width >= _WIDE_FROM * frame.height else SQUARE


class SelfieNetwork(PersonNetwork):
    """Frames of any size; the network that suits them is opened when the first of them comes (20 ms)."""

    provider = "CPU (ONNX Runtime)"

    def __init__(self, frame: Size) -> None:
        """`frame`: the size of the first. Raises ModelError. Any thread."""
        self._name = network_for(frame)
        self._opened = _Opened(self._name)

    def look_at(self, pixels: Pixels) -> Pixels:
        name = network_for(Size.of(pixels))
        if name != self._name:
            opened = _Opened(name)
            self._opened.close()
            self._name, self._opened = name, opened
        return self._opened.look_at(pixels)

    def find(self, small: Pixels) -> Floats:
        return self._opened.find(small)

    def close(self) -> None:
        self._opened.close()


class _Opened:
    """One of the two networks. Used by one thread."""

    def __init__(self, name: str) -> None:
        self._buffers = open_shipped(name, least=0.0)
        self._size = size = _SIZES[name]
        self._frame = Size(0, 0)
        self._halves: list[Pixels] = []
        self._small = np.zeros((size.height, size.width, 3), np.uint8)
        self._rgb = np.zeros((1, size.height, size.width, 3), np.uint8)
        self._found = np.zeros((1, size.height, size.width, 1), np.float32)

    def look_at(self, pixels: Pixels) -> Pixels:
        if Size.of(pixels) != self._frame:
            self._allocate(Size.of(pixels))
        for half in self._halves:
            halve_into(pixels, half)
            pixels = half
        # What is left is less than a factor of two in one direction: linear takes a thirteenth of averaging's time.
        cv2.resize(pixels, self._size, dst=self._small, interpolation=cv2.INTER_LINEAR)
        return self._small

    def find(self, small: Pixels) -> Floats:
        cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=self._rgb[0])
        try:
            self._buffers.run({INPUT: self._rgb}, {_OUTPUT: self._found})
        except Exception as error:  # whatever ONNX Runtime raises
            raise ModelError(
                _("people cannot be told from the background: {reason}", reason=first_line(error))
            ) from error
        return self._found[0, ..., 0]

    def close(self) -> None:
        self._buffers.release()

    def _allocate(self, frame: Size) -> None:
        self._frame = frame
        self._halves = []
        width, height = frame
        while width >= 2 * self._size.width and height >= 2 * self._size.height:
            width, height = width // 2, height // 2
            self._halves.append(np.empty((height, width, 3), np.uint8))
