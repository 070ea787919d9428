"""How a photo's proportions come into a viewer's face."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.face_compositing.face_geometry import with_rim
from realtime.faces.landmarks.mesh import EYES, LIPS, NOSE_TIP, FaceMesh
from realtime.imaging.numerics import Floats
from realtime.swap.photo.shape_transfer import ShapeTransfer
from tests.swap.test_photo import turned

_NOSE = (1, 2, 4, 5, 19, 94)


def corners_of(mesh: FaceMesh) -> Floats:
    return with_rim(mesh.points[:, :2])


def with_nose_lowered(mesh: FaceMesh, share: float) -> FaceMesh:
    points = mesh.points.copy()
    points[list(_NOSE), 1] += share * mesh.width_px
    return FaceMesh(points, mesh.score)


def settled(proportions: ShapeTransfer, viewer: FaceMesh, frames: int = 33) -> Floats:
    moved = [proportions.corners(viewer) for _ in range(frames)]
    return next(corners for corners in reversed(moved) if corners is not None)


def test_a_viewer_of_the_same_shape_changes_nothing(mesh: FaceMesh) -> None:
    places = settled(ShapeTransfer(mesh, corners_of(mesh)), mesh)
    assert np.abs(places - corners_of(mesh)).max() < 0.01 * mesh.width_px


@pytest.mark.parametrize("yaw", [0, 15])
def test_a_longer_nose_is_worn_longer_however_the_viewer_is_turned(mesh: FaceMesh, yaw: float) -> None:
    longer = with_nose_lowered(mesh, 0.1)
    places = settled(ShapeTransfer(longer, corners_of(longer)), turned(mesh, yaw))
    # The viewer's tip lies where the new face has what is above the photo's tip: that is drawn further down.
    up = corners_of(longer)[NOSE_TIP, 1] - places[NOSE_TIP, 1]
    assert 0.01 * mesh.width_px < up < 0.1 * mesh.width_px


def test_eyes_and_lips_stay_the_viewers(mesh: FaceMesh) -> None:
    longer = with_nose_lowered(mesh, 0.1)
    places = settled(ShapeTransfer(longer, corners_of(longer)), mesh)
    for loop in (*EYES, LIPS):
        assert np.array_equal(places[list(loop)], corners_of(longer)[list(loop)])
    assert np.array_equal(places[468:], corners_of(longer)[468:])


def test_a_photo_turned_far_aside_tells_nothing_of_proportions(mesh: FaceMesh) -> None:
    aside = turned(with_nose_lowered(mesh, 0.1), 32)
    proportions = ShapeTransfer(aside, corners_of(aside))
    assert all(proportions.corners(mesh) is None for _ in range(40))


def test_one_word_said_changes_little(mesh: FaceMesh) -> None:
    longer = with_nose_lowered(mesh, 0.1)
    proportions = ShapeTransfer(longer, corners_of(longer))
    calm = settled(proportions, mesh, 321)
    for _ in range(4):
        proportions.corners(with_nose_lowered(mesh, -0.1))
    after = settled(proportions, mesh, 33)
    assert np.abs(after - calm).max() < 0.005 * mesh.width_px


def test_the_next_wearer_is_learned_anew(mesh: FaceMesh) -> None:
    proportions = ShapeTransfer(mesh, corners_of(mesh))
    before = settled(proportions, with_nose_lowered(mesh, 0.1), 200)
    proportions.forget()
    at_once = proportions.corners(mesh)
    assert at_once is not None
    assert np.abs(at_once - corners_of(mesh)).max() < 0.01 * mesh.width_px
    assert np.abs(before - corners_of(mesh)).max() > 0.01 * mesh.width_px
