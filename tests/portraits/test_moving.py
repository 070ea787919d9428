"""Which faces can be moved, and the line for those that cannot."""

from __future__ import annotations

import dataclasses
import logging

import cv2
import numpy as np
import pytest

from realtime.core.errors import PortraitError
from realtime.faces.landmarks.iris import Eye, Eyes
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.imaging.frame import Face, Pixels
from realtime.portrait.building.moving_faces import prepare, usable_faces
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.quality.judge import can_blink


def refused(picture: Pixels, face: Face, meter: FaceMeasurer) -> str:
    with pytest.raises(PortraitError) as caught:
        prepare(picture, [face], meter, BuildOptions())
    return str(caught.value)


@pytest.mark.parametrize("side", [-1, 1])
def test_a_nose_beside_both_eyes_is_a_profile(
    navy_picture: Pixels, navy_face: Face, meter: FaceMeasurer, side: int
) -> None:
    """The mesh model takes profiles for half-turned faces: what the detector saw decides."""
    keypoints = navy_face.keypoints.copy()
    across = keypoints[1] - keypoints[0]
    keypoints[2] += np.float32(0.9 * side) * across
    assert "in profile" in refused(navy_picture, dataclasses.replace(navy_face, keypoints=keypoints), meter)
    keypoints[2] -= np.float32(0.4 * side) * across
    prepare(navy_picture, [dataclasses.replace(navy_face, keypoints=keypoints)], meter, BuildOptions())


def test_what_the_mesh_model_doubts_is_refused(navy_picture: Pixels, navy_face: Face, meter: FaceMeasurer) -> None:
    left, top, width, height = (int(side) for side in navy_face.box)
    hidden = navy_picture.copy()
    hidden[top + height // 4 : top + height * 2, left - 50 : left + width + 50] = 90
    assert "turned away, hidden or too blurred" in refused(hidden, navy_face, meter)


def test_a_small_face_beside_a_larger_one_is_left_out_and_said_so(
    navy_picture: Pixels, meter: FaceMeasurer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("realtime"), "propagate", True)
    canvas = np.full((240, 420, 3), 90, np.uint8)
    for left, scale in ((10, 0.38), (240, 0.26)):
        smaller = np.asarray(cv2.resize(navy_picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
        canvas[10 : 10 + smaller.shape[0], left : left + smaller.shape[1]] = smaller
    with caplog.at_level(logging.INFO, "realtime"):
        faces = usable_faces(canvas, meter)
    assert len(faces) == 1
    assert faces[0].box.left < 200
    (line,) = (
        record.getMessage() for record in caplog.records if record.name == "realtime.portrait.building.moving_faces"
    )
    assert line.startswith("1 of 2 faces move; left out: the face is only 5")


def test_eyes_that_are_shut_do_not_blink(navy: FaceMeasurement) -> None:
    assert can_blink(navy)

    def shut(eye: Eye) -> Eye:
        return dataclasses.replace(eye, upper=eye.lower - np.array([0, 0.08 * eye.width_px], np.float32))

    closed = Eyes(shut(navy.eyes.left), shut(navy.eyes.right))
    assert closed.openness < 0.12
    assert not can_blink(dataclasses.replace(navy, eyes=closed))
