"""Finds faces with BlazeFace: MediaPipe's networks and its way with them, run by ONNX Runtime.

MediaPipe's own library reports to Google that and how it is used (`realtime.faces.detection.mediapipe`); its networks
are plain files. Everything around them is done as MediaPipe does it, so that faces, scores and thresholds are the same:
`tests/contracts/test_detectors.py` holds both against each other.

The networks see 128×128 (short range) or 192×192 (full range) pixels of the whole picture, so they get a
small copy. How it is made decides how still a still face appears. A face of 200 px in a 1280×720 picture with
camera noise (σ = 3 of 255), standard deviation of a keypoint in percent of the face's width, and milliseconds
for the copy:

    copy                 short   full    ms
    linear to 256         0.58   0.30  0.06
    linear to 320         0.23   0.17  0.09
    linear to 512         0.42   0.33  0.22
    area to 256           0.11   0.09  0.98
    halved twice, 320     0.12   0.10  0.22

Halving is what OpenCV does fastest and what averages every pixel, and the sizes it ends at suit both
networks.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.faces import DETECTOR_MODELS, FaceDetector
from realtime.faces.detection import ssd
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.imaging.pixels import halve_into
from realtime.models.runtime.tflite_session import open_shipped
from realtime.models.tflite_to_onnx import INPUT

LEAST_SCORE = 0.35
# Live, doubtful faces are wanted too: the tracker keeps people it knows by them (`tracker.SURE_SCORE`). Two
# people walking towards the camera from 5 m: 94 % of their faces are found at 0.35, 73 % at 0.5.
LEAST_STILL_SCORE = 0.5
MOST_OVERLAP = 0.3
"""Boxes that overlap by more, intersection over union, are one face."""

_LEAST_LONG_SIDE_PX = 224
# Halving stops before the long side would fall below this: every usual size ends between 240 and 480 px,
# above what the networks see and close enough to it that a (two-tap) linear scaling misses little.
_LAYOUTS = {"short": ssd.SHORT_RANGE, "full": ssd.FULL_RANGE}
_STEPS = 32
"""OpenCV's linear scaling by tables knows so many places between two pixels, each way (INTER_TAB_SIZE)."""


class SmallCopy:
    """Makes the small RGB copy a detector looks at, in buffers that are used again. Used by one thread."""

    def __init__(self) -> None:
        self._size = Size(0, 0)
        self._halves: list[Pixels] = []
        self._rgb: Pixels = np.empty((0, 0, 3), np.uint8)
        self.scale = 1
        """How many pixels of the last picture one pixel of its copy stands for; a power of two."""
        self.covered = Size(0, 0)
        """The part of the last picture that its copy shows, from the top left."""

    def make(self, pixels: Pixels) -> Pixels:
        """Return the RGB copy; the next call overwrites it."""
        if Size.of(pixels) != self._size:
            self._allocate(Size.of(pixels))
        small = pixels
        for half in self._halves:
            halve_into(small, half)
            small = half
        cv2.cvtColor(small, cv2.COLOR_BGR2RGB, dst=self._rgb)
        return self._rgb

    def _allocate(self, size: Size) -> None:
        self._size = size
        self._halves = []
        self.scale = 1
        width, height = size
        while max(width, height) // 2 >= _LEAST_LONG_SIDE_PX and min(width, height) >= 2:
            width, height = width // 2, height // 2
            self._halves.append(np.empty((height, width, 3), np.uint8))
            self.scale *= 2
        self._rgb = np.empty((height, width, 3), np.uint8)
        self.covered = Size(width * self.scale, height * self.scale)


class _Network:
    """A BlazeFace network and the way into it and out of it. Used by one thread."""

    def __init__(self, kind: str, least_score: float) -> None:
        """`kind` is `short` or `full`. Raises ModelError when the model file cannot be read."""
        layout = _LAYOUTS[kind]
        side, self._anchors = layout.side_px, layout.anchors()
        self._least_score = least_score
        self._buffers = open_shipped(DETECTOR_MODELS[kind], least=-1.0)
        self._copy = SmallCopy()
        self._input: NDArray[np.uint8] = np.zeros((1, side, side, 3), np.uint8)
        self._values: NDArray[np.float32] = np.zeros((1, len(self._anchors), ssd.VALUES), np.float32)
        self._logits: NDArray[np.float32] = np.zeros((1, len(self._anchors), 1), np.float32)
        self._covered = self._input[0]
        self._laid_for = Size(0, 0)

    def find(self, pixels: Pixels) -> list[Face]:
        """Return the faces in a picture, largest first, in its pixels."""
        small = self._copy.make(pixels)
        if Size.of(small) != self._laid_for:
            self._lay(Size.of(small))
        cv2.remap(small, *self._maps, cv2.INTER_LINEAR, dst=self._covered, borderMode=cv2.BORDER_CONSTANT)
        self._buffers.run({INPUT: self._input}, {"16": self._values, "1": self._logits})
        found = ssd.detections(self._values[0], self._logits[0, :, 0], self._anchors, self._least_score, MOST_OVERLAP)
        faces = [self._face(detection) for detection in found]
        faces.sort(key=lambda face: face.box.area, reverse=True)
        return faces

    def close(self) -> None:
        self._buffers.release()

    def _lay(self, size: Size) -> None:
        """Lay the input over a copy of this size: all of it in the middle, black bars beside it.

        Its pixels look where MediaPipe's do, in steps of a 32nd, which makes the answers the same to the last digits;
        scaling by `warpAffine` would be 0.08 ms faster and, with other OpenCV builds, stray by 0.1 px of the input.
        """
        side = self._input.shape[1]
        self._scale = max(size) / side
        self._start = (size.width - max(size)) / 2, (size.height - max(size)) / 2
        x, y = (np.rint((np.arange(side) * self._scale + start) * _STEPS).astype(np.int32) for start in self._start)
        # Rows that see nothing of it stay black: of a wide picture nearly half.
        rows = np.flatnonzero((y > -_STEPS) & (y < size.height * _STEPS))
        self._input[:] = 0
        self._covered = self._input[0, rows[0] : rows[-1] + 1]
        whole = np.stack(np.meshgrid(x // _STEPS, y[rows] // _STEPS), axis=-1)
        between = (y[rows] % _STEPS)[:, None] * _STEPS + x % _STEPS
        limits = np.iinfo(np.int16)
        self._maps = np.clip(whole, limits.min, limits.max).astype(np.int16), between.astype(np.uint16)
        self._laid_for = size

    def _face(self, detection: ssd.Detection) -> Face:
        """Bring a detection into pixels of the picture the copy was made of."""
        scale = self._scale * self._copy.scale
        across, down = self._start[0] * self._copy.scale, self._start[1] * self._copy.scale
        left, top, width, height = detection.box
        box = Box(left * scale + across, top * scale + down, width * scale, height * scale)
        keypoints = np.asarray(detection.keypoints * scale + (across, down), np.float32)
        return Face(box, keypoints, detection.score)


class BlazeFace(FaceDetector):
    """The live detector. Frames of any size; the size may change on the way."""

    provider = "CPU (ONNX Runtime)"

    def __init__(self, kind: str) -> None:
        """`kind` is `short` or `full`. Raises ModelError when the model file cannot be read. Any thread."""
        self._network = _Network(kind, LEAST_SCORE)

    def find(self, frame: Frame) -> list[Face]:
        return self._network.find(frame.pixels)

    def close(self) -> None:
        self._network.close()


class StillBlazeFace:
    """The same network for pictures that have nothing to do with each other. Used by one thread."""

    def __init__(self, kind: str) -> None:
        """`kind` is `short` or `full`. Raises ModelError when the model file cannot be read."""
        self._network = _Network(kind, LEAST_STILL_SCORE)

    def find(self, pixels: Pixels) -> list[Face]:
        """Return the faces in a picture, largest first, in its pixels."""
        return self._network.find(pixels)

    def close(self) -> None:
        """Free the detector."""
        self._network.close()


def open_short_range() -> BlazeFace:
    """Open the detector for faces wider than about a tenth of the picture."""
    return BlazeFace("short")


def open_full_range() -> BlazeFace:
    """Open the detector for faces wider than about a twentieth of the picture."""
    return BlazeFace("full")


def open_still(kind: str = "short") -> StillBlazeFace:
    """Open a detector for still pictures; `kind` is `short` or `full`. Raises ModelError."""
    if kind not in _LAYOUTS:
        raise ModelError(_("no face detector '{kind}'; there are: {layouts}", kind=kind, layouts=", ".join(_LAYOUTS)))
    return StillBlazeFace(kind)
