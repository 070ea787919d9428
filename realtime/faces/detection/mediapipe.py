"""Finds faces with BlazeFace in MediaPipe's own library (its Tasks API), for whoever prefers that to ours.

Nothing else imports MediaPipe: since 0.10.30 its library reports to Google (play.googleapis.com) that and how it is
used, and knows no switch against it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.faces import DETECTOR_MODELS, FaceDetector
from realtime.faces.detection.blazeface import LEAST_SCORE, MOST_OVERLAP, SmallCopy
from realtime.faces.detection.mediapipe_loader import cannot_load, import_mediapipe, plain_letters
from realtime.imaging.frame import Box, Face, Frame
from realtime.models.weights import weights_file


class MediaPipeDetector(FaceDetector):
    """Frames of any size; the size may change on the way."""

    provider = "CPU (MediaPipe, XNNPACK)"

    def __init__(self, name: str) -> None:
        """`name` is the detector's in `realtime.faces.DETECTORS`.

        Raises ModelError when the model file cannot be read or MediaPipe cannot be had. Any thread.
        """
        self._mediapipe, self._detector = _open(DETECTOR_MODELS[name])
        self._copy = SmallCopy()
        self._clock_ms = -1

    def find(self, frame: Frame) -> list[Face]:
        # MediaPipe copies the pixels (0.02 ms), so the buffer is free again at once.
        rgb = self._copy.make(frame.pixels)
        image = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=rgb)
        # MediaPipe refuses a time that does not increase. Detection itself does not depend on it, so two
        # frames within a millisecond, and a source that starts over, just count on from where the clock is.
        self._clock_ms = max(self._clock_ms + 1, math.floor(frame.pts_s * 1000))
        return _faces(self._detector.detect_for_video(image, self._clock_ms), self._copy)

    def close(self) -> None:
        self._detector.close()


def open_short_range() -> MediaPipeDetector:
    """Open the detector for faces wider than about a tenth of the picture."""
    return MediaPipeDetector("mediapipe-short")


def open_full_range() -> MediaPipeDetector:
    """Open the detector for faces wider than about a twentieth of the picture."""
    return MediaPipeDetector("mediapipe-full")


def _open(model_name: str) -> tuple[Any, Any]:
    path = weights_file(model_name)
    mediapipe, tasks = import_mediapipe()
    options = tasks.vision.FaceDetectorOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(path)),
        running_mode=tasks.vision.RunningMode.VIDEO,
        min_detection_confidence=LEAST_SCORE,
        min_suppression_threshold=MOST_OVERLAP,
    )
    try:
        with plain_letters():
            return mediapipe, tasks.vision.FaceDetector.create_from_options(options)
    except OSError as error:  # its C library is loaded only now
        raise ModelError(cannot_load(error)) from error
    except (RuntimeError, ValueError) as error:
        raise ModelError(_("MediaPipe does not accept {path}: {reason}", path=path, reason=error)) from error


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
