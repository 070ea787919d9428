"""How a photo's proportions come into a viewer's face."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import EYES, LEFT_CHEEK, LIPS, MOUTH, NOSE_TIP, OVAL, FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.swap.photo.photo_face import PhotoFace, PhotoLevels
from realtime.swap.photo.shape_transfer import ShapeTransfer
from tests.swap.test_photo import turned

_NOSE = tuple(np.flatnonzero(np.linalg.norm(uv_points() - uv_points()[NOSE_TIP], axis=1) < 0.08).tolist())
"""Its tip and its wings."""


def lowered(mesh: FaceMesh, numbers: tuple[int, ...], share: float) -> FaceMesh:
    points = mesh.points.copy()
    points[list(numbers), 1] += share * mesh.width_px
    return FaceMesh(points, mesh.score)


def settled(proportions: ShapeTransfer, viewer: FaceMesh, frames: int = 65) -> Floats:
    """Moves in widths of the face."""
    moves = [proportions.moves_px(viewer) for _ in range(frames)][-1]
    assert moves is not None
    return np.asarray(moves / viewer.width_px, np.float32)


def test_a_viewer_of_the_same_shape_stays(mesh: FaceMesh) -> None:
    assert np.abs(settled(ShapeTransfer(mesh), mesh)).max() < 0.005


@pytest.mark.parametrize("yaw", [0, 15])
def test_a_longer_nose_is_worn_longer_however_the_viewer_is_turned(mesh: FaceMesh, yaw: float) -> None:
    moves = settled(ShapeTransfer(lowered(mesh, _NOSE, 0.1)), turned(mesh, yaw))
    assert 0.01 < moves[NOSE_TIP, 1] < 0.1
    assert np.abs(moves[NOSE_TIP]).max() > 3 * np.abs(moves[LEFT_CHEEK]).max()


def test_the_outline_stays_the_viewers(mesh: FaceMesh) -> None:
    moves = settled(ShapeTransfer(lowered(mesh, (*_NOSE, *OVAL), 0.1)), mesh)
    assert np.abs(moves[list(OVAL)]).max() == 0


def test_eyes_and_mouth_move_as_a_whole(mesh: FaceMesh) -> None:
    """A photo with narrow eyes and an open mouth narrows and opens nobody's."""
    photo = lowered(lowered(lowered(mesh, EYES[0][1:8], 0.02), MOUTH[11:], 0.1), LIPS[11:], 0.1)
    points = mesh.points.copy()
    points[:, :2] += settled(ShapeTransfer(photo), mesh) * mesh.width_px
    for loop in (EYES[0], LIPS):
        before, after = (each[list(loop), :2] - each[list(loop), :2].mean(axis=0) for each in (mesh.points, points))
        assert np.abs(after - before).max() < 0.012 * mesh.width_px


def test_a_photo_turned_far_aside_tells_nothing_of_proportions(mesh: FaceMesh) -> None:
    proportions = ShapeTransfer(turned(lowered(mesh, _NOSE, 0.1), 32))
    assert all(proportions.moves_px(mesh) is None for _ in range(40))


def test_one_word_said_changes_little(mesh: FaceMesh) -> None:
    proportions = ShapeTransfer(lowered(mesh, _NOSE, 0.1))
    calm = settled(proportions, mesh, 321)
    for _ in range(4):
        proportions.moves_px(lowered(mesh, _NOSE, -0.1))
    assert np.abs(settled(proportions, mesh, 33) - calm).max() < 0.005


def test_what_was_learned_comes_little_by_little(mesh: FaceMesh) -> None:
    proportions = ShapeTransfer(mesh)
    other = lowered(mesh, _NOSE, 0.1)
    moves = [settled(proportions, mesh if frame == 0 else other, 1) for frame in range(80)]
    steps = [np.abs(after - before).max() for before, after in pairwise(moves)]
    assert max(steps) < 0.15 * np.abs(moves[-1]).max()


def test_the_next_wearer_is_learned_anew(mesh: FaceMesh) -> None:
    proportions = ShapeTransfer(mesh)
    before = settled(proportions, lowered(mesh, _NOSE, 0.1), 200)
    proportions.forget()
    at_once = settled(proportions, mesh, 1)
    assert np.abs(at_once).max() < 0.005 < np.abs(before).max()


def test_a_picture_is_moved_with_the_mesh(photo: Pixels, mesh: FaceMesh) -> None:
    """What was at a point of the mesh comes to lie where that point does; beside the face nothing changes."""
    moves: NDArray[np.float32] = np.zeros((468, 2), np.float32)
    eye = list(EYES[0])
    moves[eye] = (0.0, 0.03 * mesh.width_px)
    ramp = np.zeros_like(photo)
    ramp[..., 1] = np.linspace(0, 255, photo.shape[0], dtype=np.float32)[:, None].astype(np.uint8)
    geometry = FaceGeometry()
    geometry.update(mesh, Size.of(photo), with_rim(mesh.points[:, :2]), None, moves)
    part = geometry.place.of(ramp)
    moved = part.copy()
    geometry.move(moved)
    x, y = np.rint(geometry.in_place((EYES[0][4],))[0]).astype(int)
    lines_a_level = photo.shape[0] / 255
    shift = (float(part[y, x, 1]) - float(moved[y, x, 1])) * lines_a_level
    assert shift == pytest.approx(0.03 * mesh.width_px, rel=0.35)
    beside = cv2.dilate((geometry.margin > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    whole = cv2.resize(beside, geometry.place.size, interpolation=cv2.INTER_NEAREST) == 0
    assert np.array_equal(moved[whole], part[whole])


def test_whoever_wears_a_longer_nose_keeps_what_is_around_the_face(photo: Pixels, mesh: FaceMesh) -> None:
    levels = PhotoLevels.of(photo, lowered(mesh, _NOSE, 0.1))
    out = photo.copy()
    Compositor(PhotoFace(levels), KeptFeatures(eyes=True, mouth=True), light=1).render(photo, mesh, 0.0, 1.0, out)
    hull = cv2.convexHull(np.rint(mesh.points[:, :2]).astype(np.int32))
    around = cv2.fillConvexPoly(np.zeros(photo.shape[:2], np.uint8), hull, 1)
    outside = cv2.dilate(around, np.ones((25, 25), np.uint8)) == 0  # the edge is soft
    assert np.array_equal(out[outside], photo[outside])
