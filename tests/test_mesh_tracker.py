"""When a mesh is taken for the face that a detector sees, in the three ways in which one is followed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.faces.tracking.mesh_tracker import FOLLOWED, LEARNED_FROM, WORN, MeshTracker, TrackingPolicy
from realtime.imaging.frame import Face, Pixels

PICTURE = np.zeros((480, 640, 3), np.uint8)
POLICIES = {"worn": WORN, "followed": FOLLOWED, "learned from": LEARNED_FROM}


def mesh_at(left: float, score: float = 1.0) -> FaceMesh:
    flat = 200 * uv_points() + (left, 100)
    return FaceMesh(np.column_stack([flat, np.zeros(len(flat))]).astype(np.float32), score)


def seen_by_detector(mesh: FaceMesh, *, lost_for_s: float = 0.0) -> Face:
    middles = [(33, 133), (362, 263), (1, 1), (61, 291), (234, 234), (454, 454)]
    points = np.array([mesh.points[list(two), :2].mean(axis=0) for two in middles], np.float32)
    return Face(mesh.box, points, 0.9, lost_for_s=lost_for_s)


class Scene:
    """A face of 200 pixels, as the mesh model sees it: what lies within a face's width is drawn to it."""

    def __init__(self, policy: TrackingPolicy) -> None:
        self.face = mesh_at(200)
        self.asked: list[str] = []
        self.tracker = MeshTracker(self.find, self.again, lambda mesh: mesh, policy)

    def find(self, pixels: Pixels, face: Face) -> FaceMesh:
        self.asked.append("find")
        return self.face

    def again(self, pixels: Pixels, near: FaceMesh) -> FaceMesh:
        self.asked.append("again")
        reaches = abs(near.box.left - self.face.box.left) < 150
        return self.face if reaches else dataclasses.replace(near, score=0.95)

    def see(self, *, detected: bool = True) -> FaceMesh | None:
        self.asked.clear()
        return self.tracker.update(PICTURE, seen_by_detector(self.face) if detected else None)


@pytest.fixture(params=POLICIES)
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(POLICIES[request.param])


def test_a_face_is_found_once_and_followed_from_then_on(scene: Scene) -> None:
    assert scene.see() is scene.face
    assert (scene.asked, scene.tracker.is_new) == (["find"], True)
    scene.face = mesh_at(230)
    assert scene.see() is scene.face
    assert (scene.asked, scene.tracker.is_new) == (["again"], False)
    scene.tracker.forget()
    assert scene.see() is scene.face
    assert scene.asked == ["find"]


def test_a_mesh_that_stayed_behind_begins_anew_at_the_detectors_face(scene: Scene) -> None:
    scene.see()
    scene.face = mesh_at(420)
    assert scene.see() is scene.face
    assert scene.asked[-1] == "find"


@pytest.mark.parametrize(("name", "score", "is_taken"), [
    ("worn", 0.41, True), ("worn", 0.39, False),
    ("followed", 0.51, True), ("followed", 0.49, False),
    ("learned from", 0.91, True), ("learned from", 0.89, False),
])  # fmt: skip
def test_how_sure_the_model_must_be(name: str, score: float, is_taken: bool) -> None:
    scene = Scene(POLICIES[name])
    scene.face = mesh_at(200, score)
    assert (scene.see() is scene.face) == is_taken
    assert (scene.tracker.rejected is scene.face) != is_taken
    scene.see()
    assert scene.asked == (["again"] if is_taken else ["find"])


@pytest.mark.parametrize(("name", "score", "is_held"), [
    ("worn", 0.71, True), ("worn", 0.69, False), ("followed", 0.51, True), ("followed", 0.49, False),
    ("learned from", 0.99, False),
])  # fmt: skip
def test_where_the_detector_sees_nobody(name: str, score: float, is_held: bool) -> None:
    scene = Scene(POLICIES[name])
    scene.see()
    scene.face = mesh_at(200, score)
    assert (scene.see(detected=False) is not None) == is_held
    assert "find" not in scene.asked
    assert (scene.tracker.measured is not None) == is_held


def test_a_place_that_is_held_is_no_face_that_is_seen(scene: Scene) -> None:
    held = seen_by_detector(scene.face, lost_for_s=0.2)
    assert scene.tracker.update(PICTURE, held) is None
    assert scene.asked == []


def test_a_worn_face_turns_no_farther_than_its_far_half_is_seen() -> None:
    scene = Scene(WORN)
    turned = mesh_at(200)
    turned.points[454, 2] = 2.5 * turned.width_px
    assert turned.yaw_degrees > 62
    scene.face = turned
    assert scene.see() is None
    others = Scene(FOLLOWED)
    others.face = turned
    assert others.see() is turned


def test_numbers_that_are_none_are_no_face(scene: Scene) -> None:
    broken = mesh_at(200)
    face = seen_by_detector(broken)
    broken.points[:] = np.nan
    scene.face = broken
    assert scene.tracker.update(PICTURE, face) is None
    assert scene.tracker.measured is None
