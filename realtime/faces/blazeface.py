"""Finds faces with BlazeFace, through MediaPipe's Tasks API.

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

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import ModelError
from realtime.faces import FaceDetector
from realtime.faces.mediapipe_tasks import cannot_load, import_mediapipe
from realtime.frame import Box, Face, Frame, Pixels, Size
from realtime.model_store import Progress, model_file, no_progress

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range_sparse.tflite"

_LEAST_LONG_SIDE_PX = 224
# Halving stops before the long side would fall below this: every usual size ends between 240 and 480 px,
# above what the networks see and close enough to it that MediaPipe's own (two-tap) scaling misses little.
_LEAST_SCORE = 0.35
# Live, doubtful faces are wanted too: the tracker keeps people it knows by them (`tracker.SURE_SCORE`). Two
# people walking towards the camera from 5 m: 94 % of their faces are found at 0.35, 73 % at 0.5.
_LEAST_STILL_SCORE = 0.5
_MOST_OVERLAP = 0.3


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
            height, width = half.shape[:2]
            # an odd last row or column is left out: only an exact factor of two takes OpenCV's fast way
            even = small[: 2 * height, : 2 * width]
            cv2.resize(even, (width, height), dst=half, interpolation=cv2.INTER_AREA)
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


class BlazeFace(FaceDetector):
    """The live detector. Frames of any size; the size may change on the way."""

    provider = "CPU (XNNPACK)"

    def __init__(self, model_name: str, progress: Progress = no_progress) -> None:
        """Raises ModelError when the model file or MediaPipe cannot be had. Any thread."""
        self._mediapipe, self._detector = _open(model_name, progress, _LEAST_SCORE, video=True)
        self._copy = SmallCopy()
        self._clock_ms = -1

    def find(self, frame: Frame) -> list[Face]:
        image = _image(self._mediapipe, self._copy.make(frame.pixels))
        # MediaPipe refuses a time that does not increase. Detection itself does not depend on it, so two
        # frames within a millisecond, and a source that starts over, just count on from where the clock is.
        self._clock_ms = max(self._clock_ms + 1, math.floor(frame.pts_s * 1000))
        result = self._detector.detect_for_video(image, self._clock_ms)
        return _faces(result, self._copy)

    def close(self) -> None:
        self._detector.close()


class StillBlazeFace:
    """The same network for pictures that have nothing to do with each other. Used by one thread."""

    def __init__(self, model_name: str, progress: Progress = no_progress) -> None:
        """Raises ModelError when the model file or MediaPipe cannot be had."""
        self._mediapipe, self._detector = _open(model_name, progress, _LEAST_STILL_SCORE, video=False)
        self._copy = SmallCopy()

    def find(self, pixels: Pixels) -> list[Face]:
        """Return the faces in a picture, largest first, in its pixels."""
        return _faces(self._detector.detect(_image(self._mediapipe, self._copy.make(pixels))), self._copy)

    def close(self) -> None:
        """Free the detector."""
        self._detector.close()


def open_short_range() -> BlazeFace:
    """Open the detector for faces wider than about a tenth of the picture."""
    return BlazeFace(SHORT_RANGE)


def open_full_range() -> BlazeFace:
    """Open the detector for faces wider than about a twentieth of the picture."""
    return BlazeFace(FULL_RANGE)


def open_still(kind: str = "short", progress: Progress = no_progress) -> StillBlazeFace:
    """Open a detector for still pictures; `kind` is `short` or `full`. Raises ModelError."""
    names = {"short": SHORT_RANGE, "full": FULL_RANGE}
    if kind not in names:
        raise ModelError(f"no face detector '{kind}'; there are: {', '.join(names)}")
    return StillBlazeFace(names[kind], progress)


def _open(model_name: str, progress: Progress, least_score: float, *, video: bool) -> tuple[Any, Any]:
    path = model_file(model_name, progress)
    mediapipe, tasks = import_mediapipe()
    mode = tasks.vision.RunningMode.VIDEO if video else tasks.vision.RunningMode.IMAGE
    options = tasks.vision.FaceDetectorOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(path)),
        running_mode=mode,
        min_detection_confidence=least_score,
        min_suppression_threshold=_MOST_OVERLAP,
    )
    try:
        return mediapipe, tasks.vision.FaceDetector.create_from_options(options)
    except OSError as error:  # its C library is loaded only now
        raise ModelError(cannot_load(error)) from error
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"MediaPipe does not accept {path}: {error}") from error


def _image(mediapipe: Any, rgb: Pixels) -> Any:
    """Wrap the small copy. MediaPipe copies the pixels (0.02 ms), so the buffer is free again at once."""
    return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=rgb)


def _faces(result: Any, copy: SmallCopy) -> list[Face]:
    """Bring MediaPipe's detections into pixels of the picture the copy was made of; largest first."""
    scale = float(copy.scale)
    covered = copy.covered
    faces = []
    for detection in result.detections:
        box = detection.bounding_box
        keypoints: NDArray[np.float32] = np.array(
            [(point.x * covered.width, point.y * covered.height) for point in detection.keypoints], np.float32
        )
        # MediaPipe cuts boxes (not keypoints) to whole pixels of the copy; half a pixel sets the mean right
        sides = (box.origin_x, box.origin_y, box.width, box.height)
        place = Box(*(scale * (side + 0.5) for side in sides))
        faces.append(Face(place, keypoints, float(detection.categories[0].score)))
    faces.sort(key=lambda face: face.box.area, reverse=True)
    return faces
