"""Finding faces and knowing them again: the contract of a detector, and the table of detectors.

`blazeface.py` finds the faces of one frame; `tracker.py` gives them identity, calm and a memory; `viewer_selection.py`
says which of them is the viewer to follow. `mesh.py` and `iris.py` measure one face closely.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from realtime.core.language import N_
from realtime.core.registry import RegistryEntry
from realtime.imaging.frame import Face, Frame


class FaceDetector(ABC):
    """Finds faces in single frames. All methods: processing thread; `close` comes once and last."""

    provider: str
    """What computes it, for the statistics: `CPU (ONNX Runtime)`."""

    @abstractmethod
    def find(self, frame: Frame) -> list[Face]:
        """Return the faces, largest first; empty when nobody is there.

        Boxes and keypoints are in pixels of `frame`, `track_id` is -1. Faces that are not certain belong to
        it, with their low score: the tracker knows what to do with them. Frames come in order of `pts_s`;
        when a source starts over, they begin again.
        """

    @abstractmethod
    def close(self) -> None:
        """Free the detector."""


DETECTORS: dict[str, RegistryEntry] = {
    "short": RegistryEntry(
        "realtime.faces.detection.blazeface",
        "open_short_range",
        N_("BlazeFace, faces wider than a tenth of the picture (1.3 m)"),
    ),
    "full": RegistryEntry(
        "realtime.faces.detection.blazeface",
        "open_full_range",
        N_("BlazeFace, faces down to a twentieth (3 m); 2.7 times the work"),
    ),
    "mediapipe-short": RegistryEntry(
        "realtime.faces.detection.mediapipe",
        "open_short_range",
        N_("short in Google's library, which reports to Google"),
    ),
    "mediapipe-full": RegistryEntry("realtime.faces.detection.mediapipe", "open_full_range", N_("full in the same")),
}
"""Each is opened as `function()`, and raises ModelError when its model file cannot be read."""

_SHORT_RANGE = "face_detection_short_range.tflite"
_FULL_RANGE = "face_detection_full_range_sparse.tflite"

DETECTOR_MODELS = {
    "short": _SHORT_RANGE,
    "full": _FULL_RANGE,
    "mediapipe-short": _SHORT_RANGE,
    "mediapipe-full": _FULL_RANGE,
}
"""The model file of each detector in `realtime.models.weights`, so that it can be checked before anything starts."""
