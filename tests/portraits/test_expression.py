from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.faces.landmarks.expression import CLOSED, Expression, motion_between, read_expression
from realtime.faces.landmarks.iris import Eye, Eyes
from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.landmarks.motion import Motion

REST = Expression(0, 0, 0, eye_x=-0.02, eye_y=-0.04, iris=0.22, openness=0.34, brows=0.14, lips=0.01, mouth=0.29)


def turned(seen: FaceMeasurement, yaw_degrees: float, pitch_degrees: float, scale: float = 1.0) -> FaceMeasurement:
    """The same face, turned in space as a solid thing."""
    yaw, pitch = math.radians(yaw_degrees), math.radians(pitch_degrees)
    about_y = np.array([[math.cos(yaw), 0, -math.sin(yaw)], [0, 1, 0], [math.sin(yaw), 0, math.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(pitch), math.sin(pitch)], [0, -math.sin(pitch), math.cos(pitch)]])
    middle = seen.mesh.points.mean(axis=0)

    def move(points: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(((points - middle) @ about_x.T @ about_y.T) * scale + middle + (40, -20, 0), np.float32)

    def move_eye(eye: Eye, lids: tuple[int, ...]) -> Eye:
        depth = float(seen.mesh.points[list(lids), 2].mean())
        flat = np.vstack([eye.centre[None], eye.upper, eye.lower])
        moved = move(np.column_stack([flat, np.full(len(flat), depth)]).astype(np.float32))[:, :2]
        return Eye(moved[0], eye.radius_px * scale, moved[1:10], moved[10:])

    mesh = FaceMesh(move(seen.mesh.points), seen.mesh.score)
    left = move_eye(seen.eyes.left, (160, 159, 158, 144, 145, 153))
    right = move_eye(seen.eyes.right, (385, 386, 387, 380, 374, 373))
    return FaceMeasurement(mesh, Eyes(left, right), seen.gaze)


def test_a_face_at_rest_makes_no_motion(navy: FaceMeasurement) -> None:
    rest = read_expression(navy, navy)
    assert dataclasses.astuple(motion_between(rest, rest)) == pytest.approx([0.0] * 10, abs=1e-9)


@pytest.mark.parametrize(
    ("yaw", "pitch", "scale"), [(18, 0, 1.0), (-18, 0, 1.0), (0, 12, 1.0), (0, -12, 1.3), (9, -7, 0.6)]
)
def test_a_turned_head_changes_no_expression(navy: FaceMeasurement, yaw: float, pitch: float, scale: float) -> None:
    """Neither do brows rise nor lips part, nor a mouth narrow nor eyes turn, because a head turns or comes nearer."""
    motion = motion_between(read_expression(turned(navy, yaw, pitch, scale), navy), read_expression(navy, navy))
    assert motion.yaw_degrees == pytest.approx(yaw, abs=0.3)
    assert motion.pitch_degrees == pytest.approx(pitch, abs=0.3)
    assert (motion.brows, motion.mouth_open, motion.mouth_wide) == pytest.approx((0, 0, 0), abs=1e-4)
    assert motion.gaze_x_degrees == pytest.approx(0, abs=1.0)
    assert motion.gaze_y_degrees == pytest.approx(0, abs=1.0)
    assert motion.closing == 0


def test_signs() -> None:
    now = REST._replace(
        yaw_degrees=5, pitch_degrees=4, roll_degrees=3, eye_x=0.1, eye_y=-0.1, brows=0.16, lips=0.1, mouth=0.33
    )
    motion = motion_between(now, REST)
    assert motion.gaze_x_degrees > 10, "the irises at the right: a look to the right"
    assert motion.gaze_y_degrees > 5, "the irises higher: a look up"
    expected = Motion(5, 4, 3, motion.gaze_x_degrees, motion.gaze_y_degrees, 0.0, 0.02, 0.09, 0.02)
    assert dataclasses.astuple(motion) == pytest.approx(dataclasses.astuple(expected))


def test_the_iris_turns_on_its_ball() -> None:
    """As far as the iris' shift is on a ball of 2.05 of its radii, whatever the eye's width."""
    straight = REST._replace(eye_x=0.0)
    for degrees in (-25, -10, 10, 25):
        shift = 2.05 * REST.iris * math.sin(math.radians(degrees))
        assert motion_between(straight._replace(eye_x=shift), straight).gaze_x_degrees == pytest.approx(degrees)


def test_lids() -> None:
    assert motion_between(REST._replace(openness=CLOSED), REST).closing == pytest.approx(1.0)
    assert motion_between(REST._replace(openness=0.0), REST).closing == 1.0
    assert 0.35 < motion_between(REST._replace(openness=(REST.openness + CLOSED) / 2), REST).closing < 0.55
    assert motion_between(REST._replace(openness=REST.openness + 0.1), REST).closing == 0.0


def test_lids_that_follow_a_look_down_are_not_closing() -> None:
    down = REST._replace(eye_y=REST.eye_y + 0.1, openness=REST.openness - 0.05)
    assert motion_between(down, REST).closing == 0.0
    assert motion_between(down._replace(eye_y=REST.eye_y), REST).closing > 0.05
