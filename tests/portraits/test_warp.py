"""The head's warp: a bijection of the region it claims, and nothing outside it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.frame import Pixels, Size
from realtime.portrait.building.seam import seam_weights
from realtime.portrait.engines.warp.head import HeadMotion

MOTIONS = st.builds(
    Motion,
    yaw_degrees=st.floats(-40, 40),
    pitch_degrees=st.floats(-30, 30),
    roll_degrees=st.floats(-20, 20),
    brows=st.floats(-0.1, 0.1),
    mouth_open=st.floats(0, 0.2),
    mouth_wide=st.floats(-0.1, 0.1),
    rise=st.floats(-0.05, 0.05),
)


@pytest.fixture(scope="module")
def field(navy_picture: Pixels, navy: FaceMeasurement) -> HeadMotion:
    return HeadMotion(navy.mesh, Size.of(navy_picture))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(motion=MOTIONS)
def test_the_warp_is_a_bijection_of_its_region(field: HeadMotion, motion: Motion) -> None:
    """Whatever is asked: it never folds, it leaves the region's edge where it is, and so covers the region exactly."""
    x, y = field.backward(motion)
    left, top, width, height = (int(side) for side in field.region)
    determinant = np.gradient(x, axis=1) * np.gradient(y, axis=0) - np.gradient(x, axis=0) * np.gradient(y, axis=1)
    assert determinant.min() > 0, "a continuous map without folds is one to one"
    assert field.least_area(motion) > 0
    for edge_x, edge_y, own_x, own_y in (
        (x[0], y[0], np.arange(left, left + width), np.full(width, top)),
        (x[-1], y[-1], np.arange(left, left + width), np.full(width, top + height - 1)),
        (x[:, 0], y[:, 0], np.full(height, left), np.arange(top, top + height)),
        (x[:, -1], y[:, -1], np.full(height, left + width - 1), np.arange(top, top + height)),
    ):
        assert np.abs(edge_x - own_x).max() < 0.02, "and one that keeps the edge covers what is inside"
        assert np.abs(edge_y - own_y).max() < 0.02


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(motion=MOTIONS)
def test_going_there_and_back_arrives_where_it_began(field: HeadMotion, motion: Motion) -> None:
    """`backward` was found by repetition: the displacement at each start it names leads to the pixel it began with."""
    x, y = field.backward(motion)
    own_x = np.arange(x.shape[1]) + field.region.left
    own_y = np.arange(x.shape[0]) + field.region.top
    for displacement in (
        field.features(motion),
        field.turn(motion),
    ):  # the features first: they are of the face at rest
        at_x = ((x - field.region.left + 0.5) / displacement.steps_px[0] - 0.5).astype(np.float32)
        at_y = ((y - field.region.top + 0.5) / displacement.steps_px[1] - 0.5).astype(np.float32)
        x = x + cv2.remap(displacement.right, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        y = y + cv2.remap(displacement.down, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # A tenth of a pixel is lost between the grid's places, at the steep sides of the nose.
    assert np.abs(x - own_x[None, :]).max() < 0.25
    assert np.abs(y - own_y[:, None]).max() < 0.25


@pytest.mark.parametrize("features", [{"brows": 0.06}, {"mouth_wide": 0.06}, {"brows": -0.06, "mouth_wide": -0.06}])
def test_features_take_nothing_from_the_turn(
    field: HeadMotion, navy: FaceMeasurement, features: dict[str, float]
) -> None:
    """Where the features do not reach, the head turns as far as with none of them, however hard they are pulled."""
    alone, together = field.backward(Motion(yaw_degrees=9)), field.backward(Motion(yaw_degrees=9, **features))
    nose = navy.mesh.points[195]  # its ridge, half-way between eyes and tip
    column, row = round(float(nose[0]) - field.region.left), round(float(nose[1]) - field.region.top)
    assert alone[0][row, column] < nose[0] - 3
    assert together[0][row, column] == pytest.approx(alone[0][row, column], abs=0.05)


def test_brows_leave_the_upper_lids_alone(field: HeadMotion, navy: FaceMeasurement) -> None:
    _, y = field.backward(Motion(brows=0.03))
    moved = (y - (np.arange(y.shape[0])[:, None] + field.region.top)) / navy.mesh.box.height

    def share(points: tuple[int, ...]) -> float:
        places = navy.mesh.points[list(points), :2] - (field.region.left, field.region.top)
        return max(float(moved[round(float(down)), round(float(right))]) for right, down in places)

    assert share((159, 386)) < 0.002
    assert share((105, 334)) > 0.02


def test_near_parts_move_with_the_turn(field: HeadMotion, navy: FaceMeasurement) -> None:
    x, _ = field.backward(Motion(yaw_degrees=8))
    nose = navy.mesh.points[1]
    column, row = round(float(nose[0]) - field.region.left), round(float(nose[1]) - field.region.top)
    assert x[row, column] < nose[0] - 3, "the nose came from farther left"
    _, y = field.backward(Motion(pitch_degrees=8))
    assert y[row, column] > nose[1] + 3, "looking up, it came from below"


def test_the_seam_is_the_published_formula() -> None:
    weights = seam_weights(512, 512)
    for x, y in ((256, 256), (76, 300), (10, 500), (511, 0)):
        away = max(abs(x + 0.5 - 256), abs(y + 0.5 - 256))
        assert weights[y, x] == pytest.approx(1 / (1 + np.exp(0.06 * (away - 180))), rel=1e-4)
    assert seam_weights(100, 40).shape == (40, 100)
