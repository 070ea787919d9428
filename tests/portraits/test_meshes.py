from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.faces.landmarks.exact_eyes import ExactEyes
from realtime.faces.landmarks.expression import SHUT_IN_PHOTO, TOO_NARROW_TO_ANIMATE
from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.faces.landmarks.mesh import (
    EYE_CORNERS,
    LEFT_CHEEK,
    NOSE_TIP,
    RIGHT_CHEEK,
    FaceMesh,
    compare,
)
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Face, Pixels
from realtime.portrait.engines.warp.engine import MeshEngine

ANGLES = st.floats(-20, 20)


def test_the_mesh_lies_on_the_face(navy: FaceMeasurement) -> None:
    assert navy.mesh.score > 0.9
    assert abs(navy.mesh.yaw_degrees) < 4
    nose, right, left = (navy.mesh.points[number] for number in (NOSE_TIP, RIGHT_CHEEK, LEFT_CHEEK))
    assert right[0] < nose[0] < left[0]
    assert nose[2] < min(right[2], left[2]), "the nose is nearer than the cheeks"
    assert 150 < navy.mesh.width_px < 220


def test_both_irises_lie_between_their_lids(navy: FaceMeasurement) -> None:
    for eye in (navy.eyes.left, navy.eyes.right):
        assert eye.upper[0, 0] < eye.centre[0] < eye.upper[-1, 0]
        assert eye.upper[4, 1] < eye.centre[1] < eye.lower[4, 1] + eye.radius_px
        assert 0.12 < eye.radius_px / eye.width_px < 0.3
    assert navy.eyes.left.centre[0] < navy.eyes.right.centre[0]
    assert 0.15 < navy.eyes.openness < 0.5


def test_corners_lead_from_the_persons_sides_to_the_pictures(navy: FaceMeasurement) -> None:
    for eye, (left, right) in zip((navy.eyes.left, navy.eyes.right), EYE_CORNERS, strict=True):
        assert navy.mesh.points[left, 0] < eye.centre[0] < navy.mesh.points[right, 0]


@pytest.mark.parametrize(("closing", "is_shut"), [(0.0, False), (0.5, False), (1.0, True)])
def test_an_eye_is_shut_when_its_lids_have_fallen(
    engine: MeshEngine,
    navy_picture: Pixels,
    navy: FaceMeasurement,
    meter: FaceMeasurer,
    closing: float,
    is_shut: bool,
) -> None:
    picture = navy_picture.copy()
    left, top, width, height = (round(side) for side in engine.region)
    picture[top : top + height, left : left + width] = engine.render(Motion(closing=closing))
    openness = meter.again(picture, navy).eyes.openness
    assert (openness < SHUT_IN_PHOTO) == is_shut
    assert (openness < TOO_NARROW_TO_ANIMATE) == is_shut


@pytest.mark.parametrize("degrees", [-20, 12, 30])
def test_a_tilted_picture_gives_a_tilted_mesh(
    navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer, degrees: int
) -> None:
    centre = navy.mesh.box.centre
    turned = cv2.warpAffine(
        navy_picture, cv2.getRotationMatrix2D(centre, -degrees, 1), (navy_picture.shape[1], navy_picture.shape[0])
    )
    mesh = navy.mesh
    for _ in range(3):  # each run lays the next crop better
        mesh = meter.meshes.again(np.asarray(turned, np.uint8), mesh)
    assert mesh.roll_degrees - navy.mesh.roll_degrees == pytest.approx(degrees, abs=2.5)
    assert compare(mesh, navy.mesh).roll_degrees == pytest.approx(degrees, abs=2.5)


def test_a_mirrored_picture_looks_the_other_way(
    navy_picture: Pixels, navy: FaceMeasurement, meter: FaceMeasurer
) -> None:
    mirrored = np.ascontiguousarray(navy_picture[:, ::-1])
    start = navy.mesh.points.copy()
    start[:, 0] = navy_picture.shape[1] - 1 - start[:, 0]
    start = start[:, :]
    mesh = FaceMesh(start, 1.0)
    # left and right change places in a mirror; three runs find the new order
    swapped = mesh.points.copy()
    swapped[[33, 263, 133, 362]] = mesh.points[[263, 33, 362, 133]]
    seen = meter.measure(mirrored, FaceMesh(swapped, 1.0))
    assert seen.gaze[0] == pytest.approx(-navy.gaze[0], abs=0.04)


@given(yaw=ANGLES, pitch=ANGLES, roll=ANGLES, scale=st.floats(0.7, 1.4))
def test_a_turn_is_read_off_two_meshes(yaw: float, pitch: float, roll: float, scale: float) -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(0, 60, (468, 3)).astype(np.float32)
    y, p, r = np.radians([yaw, pitch, roll])
    # x right, y down, z away: turned right, then up, then clockwise
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    moved = scale * points @ (about_z @ about_x @ about_y).T + [5, -7, 3]
    turn = compare(FaceMesh(moved.astype(np.float32), 1.0), FaceMesh(points, 1.0))
    assert turn.scale == pytest.approx(scale, rel=1e-3)
    if abs(roll) < 0.5 and abs(pitch) < 0.5:
        assert turn.yaw_degrees == pytest.approx(yaw, abs=1)
    if abs(yaw) < 0.5 and abs(roll) < 0.5:
        assert turn.pitch_degrees == pytest.approx(pitch, abs=1)
    if abs(yaw) < 0.5 and abs(pitch) < 0.5:
        assert turn.roll_degrees == pytest.approx(roll, abs=1)


@pytest.mark.parametrize(("name", "degrees"), [("yaw_degrees", 15.0), ("pitch_degrees", -12.0), ("roll_degrees", 9.0)])
def test_each_axis_has_its_sign(name: str, degrees: float) -> None:
    points = np.random.default_rng(4).normal(0, 60, (468, 3))
    angle = np.radians(degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = {
        "yaw_degrees": np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]]),  # the near side goes right
        "pitch_degrees": np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]]),  # the near side goes up
        "roll_degrees": np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]),
    }[name]
    turn = compare(FaceMesh((points @ matrix.T).astype(np.float32), 1.0), FaceMesh(points.astype(np.float32), 1.0))
    assert getattr(turn, name) == pytest.approx(degrees, abs=0.1)


def test_eyes_are_found_exactly_where_a_detector_is_far_off(
    navy_picture: Pixels, navy_face: Face, navy: FaceMeasurement
) -> None:
    off = navy_face.keypoints.copy()
    off[0] += 0.3 * (off[1] - off[0])
    exact = ExactEyes().of(navy_picture, dataclasses.replace(navy_face, keypoints=off))
    assert exact.eye_distance == pytest.approx(
        float(np.linalg.norm(np.diff(navy.mesh.keypoints[:2], axis=0))), rel=0.02
    )
    assert np.array_equal(exact.keypoints[4:], off[4:])
    nobody = np.full_like(navy_picture, 90)
    assert ExactEyes().of(nobody, navy_face) is navy_face
