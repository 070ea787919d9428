"""The networks that place points on a face answer as OpenCV's own reader of the same files does."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import ModelError
from realtime.faces.landmarks.landmark_network import LandmarkNetwork
from realtime.models import weights
from realtime.models.weights import WEIGHTS_FILES, WeightsFile, weights_file
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo


def as_opencv_computes(name: str) -> cv2.dnn.Net:
    # OpenCV 5 tries a new engine first, which computes only one of a graph's outputs; these have two.
    engine = {"engine": cv2.dnn.ENGINE_CLASSIC} if hasattr(cv2.dnn, "ENGINE_CLASSIC") else {}
    return cv2.dnn.readNetFromTFLite(str(weights_file(name)), **engine)


@pytest.mark.parametrize(
    ("name", "side_px", "shapes"),
    [
        ("face_landmark.tflite", 192, ((1, 1, 1, 1404), (1, 1, 1, 1))),
        ("iris_landmark.tflite", 64, ((1, 213), (1, 15))),
    ],
)
def test_points_lie_where_opencv_has_them(name: str, side_px: int, shapes: tuple[tuple[int, ...], ...]) -> None:
    ours, theirs = LandmarkNetwork(name, side_px, shapes), as_opencv_computes(name)
    names = theirs.getUnconnectedOutLayersNames()
    photo = read_picture(sample_photo())
    for left, top, side in ((130, 40, 230), (60, 0, 400), (0, 300, 200)):  # the face, more around it, a uniform
        crop = cv2.resize(photo[top : top + side, left : left + side], (side_px, side_px), interpolation=cv2.INTER_AREA)
        theirs.setInput(cv2.dnn.blobFromImage(crop, 1 / 255, swapRB=True))
        expected = {output.size: output.ravel() for output in theirs.forward(names)}
        for output, shape in zip(ours.run(np.asarray(crop, np.uint8)), shapes, strict=True):
            assert output.shape == shape
            assert output.ravel() == pytest.approx(expected[output.size], abs=0.01)  # pixels of the crop, or a logit


def test_a_file_that_is_no_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, name = b"TFL3 but not really", "face_landmark.tflite"
    for known in WEIGHTS_FILES:
        shutil.copyfile(weights_file(known), tmp_path / known)
    (tmp_path / name).write_bytes(broken)
    known_as = WeightsFile("468 points of one face", hashlib.sha256(broken).hexdigest())
    monkeypatch.setattr(weights, "WEIGHTS_FILES", {**WEIGHTS_FILES, name: known_as})
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match=r"face_landmark\.tflite cannot be opened: .*; reinstall realtime") as caught:
        LandmarkNetwork(name, 192, ())
    assert "\n" not in str(caught.value)
