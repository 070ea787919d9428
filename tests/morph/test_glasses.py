"""Glasses that are drawn: where the eyes are, as the head stands, behind hands, and on nobody who wears some."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.settings import parse_settings
from realtime.effects import EffectContext
from realtime.effects.morph import MorphEffect, MorphSettings
from realtime.effects.scene import Scene
from realtime.face_compositing.face_geometry import FaceGeometry, new_grid, with_rim
from realtime.face_compositing.occlusion.glasses import without_glasses
from realtime.faces.landmarks.mesh import EYE_CORNERS, FaceMesh, MeshModel
from realtime.imaging.frame import Face, Frame, Pixels, Size
from realtime.imaging.numerics import Doubles, Floats
from realtime.imaging.pixels import Place
from realtime.models.latent_space import LatentSpace
from realtime.morph.glasses.drawing import Carried, Drawn
from realtime.morph.glasses.head import Head
from realtime.morph.glasses.light import Light
from realtime.morph.glasses.shapes import FrameShape, pair
from realtime.morph.glasses.sprite import Sprite
from realtime.morph.glasses.worn import WornGlasses
from tests import tiny_models

DAYLIGHT = Light(np.ones(3, np.float32), 0.0, 0.5)


@pytest.fixture(scope="module")
def mesh(photo: Pixels, face: Face) -> FaceMesh:
    return MeshModel().measure(photo, face)


@pytest.fixture(scope="module")
def bare(photo: Pixels, mesh: FaceMesh) -> Pixels:
    """The same photo, her own glasses taken off."""
    return without_glasses(photo, mesh)


def carried(mesh: FaceMesh, steps: float = 3.0, shape: FrameShape = "panto") -> Carried:
    head = Head()
    head.update(mesh, 0.0)
    scale = head.stands.scale * head.wide
    return Carried(Sprite(pair(steps, shape), DAYLIGHT, head.apart / head.wide, scale, 0.5), head)


def drawn(mesh: FaceMesh, photo: Pixels, steps: float = 3.0, shape: FrameShape = "panto") -> Drawn:
    found = carried(mesh, steps, shape).draw(mesh, Size.of(photo))
    assert found is not None
    return found


def hides(one: Drawn, photo: Pixels) -> Floats:
    """Return how much of each of the photo's pixels is hidden, 0..1."""
    whole = np.zeros(photo.shape[:2], np.float32)
    one.place.of(whole)[:] = 1 - one.left.mean(axis=2) / 255
    return whole


def turned(mesh: FaceMesh, yaw_degrees: float, roll_degrees: float) -> FaceMesh:
    """Return the same head, turned about its middle."""
    middle = mesh.points.mean(axis=0)
    yaw, roll = np.radians([yaw_degrees, roll_degrees])
    about_down = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    about_out = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    points = (mesh.points - middle) @ about_down.T @ about_out.T + middle
    return dataclasses.replace(mesh, points=points.astype(np.float32))


def eyes_of(mesh: FaceMesh) -> Doubles:
    """Return (2, 2): the middles of both eyes."""
    return np.stack([mesh.points[list(corners), :2].mean(axis=0) for corners in EYE_CORNERS]).astype(np.float64)


def at(picture: Floats, place: Doubles) -> float:
    x, y = (round(float(value)) for value in place)
    return float(picture[y - 2 : y + 3, x - 2 : x + 3].mean())


@pytest.mark.parametrize("shape", ["panto", "round", "square"])
@pytest.mark.parametrize(("yaw", "roll"), [(0, 0), (25, 0), (-25, 10), (0, -20)])
def test_both_eyes_are_seen_through_lenses_and_rims_go_around_them(
    shape: FrameShape, yaw: float, roll: float, photo: Pixels, mesh: FaceMesh
) -> None:
    head = turned(mesh, yaw, roll)
    hidden = hides(drawn(head, photo, shape=shape), photo)
    eyes = eyes_of(head)
    apart = float(np.linalg.norm(eyes[1] - eyes[0]))
    down = np.array([-(eyes[1] - eyes[0])[1], (eyes[1] - eyes[0])[0]]) / apart
    for eye in eyes:
        assert at(hidden, eye) < 0.15
        for way in (-1, 1):
            line = [at(hidden, eye + way * reach * apart * down) for reach in np.linspace(0, 0.62, 32)]
            assert max(line) > 0.6, "no rim above or below"
    assert at(hidden, eyes.mean(axis=0)) > 0.4 or max(
        at(hidden, eyes.mean(axis=0) + reach * apart * down) for reach in np.linspace(-0.15, 0.15, 16)
    ) > 0.6, "no bridge"  # fmt: skip
    assert at(hidden, eyes.mean(axis=0) + 0.9 * apart * down) < 0.01, "something at the mouth"


def test_the_front_stands_before_the_eyes(mesh: FaceMesh) -> None:
    """So it is seen farther on the side that the head turns to."""
    gaps = {}
    for yaw in (-25, 0, 25):
        head = turned(mesh, yaw, 0)
        on = carried(head)
        gaps[yaw] = float((on.on_front(np.zeros((1, 2))) - eyes_of(head).mean(axis=0))[0, 0]) / on.unit_px
    assert abs(gaps[0]) < 0.05
    assert min(abs(gaps[-25]), abs(gaps[25])) > 0.1
    assert gaps[-25] * gaps[25] < 0


@pytest.mark.parametrize("yaw", [-30, 30])
def test_the_near_temple_goes_back_to_the_ear(yaw: float, photo: Pixels, mesh: FaceMesh) -> None:
    head = turned(mesh, yaw, 0)
    hidden = hides(drawn(head, photo), photo)
    ear, eye = min(((127, 33), (356, 263)), key=lambda numbers: float(head.points[numbers[0], 2]))
    x, y = (0.7 * head.points[ear, :2] + 0.3 * head.points[eye, :2]).round().astype(int)
    reach = round(0.12 * head.width_px)
    assert hidden[y - reach : y + reach, x - reach // 3 : x + reach // 3].max() > 0.5


def test_more_is_bolder_and_none_is_none(photo: Pixels, mesh: FaceMesh) -> None:
    areas = [float((hides(drawn(mesh, photo, steps), photo) > 0.5).sum()) for steps in (1, 2, 3, 4)]
    assert areas == sorted(areas)
    assert areas[3] > 2 * areas[0]
    assert pair(0, "panto").opacity == 0
    assert pair(0.25, "panto").opacity == 0.5


def test_a_hand_stands_in_front_of_them(photo: Pixels, mesh: FaceMesh) -> None:
    seen = new_grid(1)[..., 0] + 1
    seen[:, : seen.shape[1] // 2] = 0
    box = mesh.box
    over = Place(int(box.left), int(box.top), int(box.width), int(box.height))
    found = carried(mesh).draw(mesh, Size.of(photo), 1.0, seen, over)
    assert found is not None
    out = photo.copy()
    found.apply(out)
    left, right = (round(float(eye[0])) for eye in eyes_of(mesh))
    assert np.array_equal(out[:, : left + 5], photo[:, : left + 5])
    assert (out[:, right - 5 :] != photo[:, right - 5 :]).any()


def test_they_have_the_light_of_the_face(mesh: FaceMesh, photo: Pixels) -> None:
    """In half of the light they mirror half."""
    head = Head()
    head.update(mesh, 0.0)
    dim = dataclasses.replace(DAYLIGHT, colour=DAYLIGHT.colour * np.float32(0.5))
    bright, dark = (Sprite(pair(1, "round"), light, 1.0, 60.0, 0.5) for light in (DAYLIGHT, dim))
    assert 0.4 < dark.front[..., :3].sum() / bright.front[..., :3].sum() < 0.6
    assert 0.4 < dark.mirrored[0].sum() / bright.mirrored[0].sum() < 0.6


def test_softness_and_side_are_measured(photo: Pixels, face: Face) -> None:
    box = face.box
    part = photo[int(box.top) : int(box.top + box.height), int(box.left) : int(box.left + box.width)]
    sharp, soft = Light.of(part, part), Light.of(part, np.asarray(cv2.GaussianBlur(part, (0, 0), 2), np.uint8))
    assert soft.soft_px > sharp.soft_px + 0.3
    shaded = np.rint(part * np.linspace(0.3, 1, part.shape[1])[None, :, None]).astype(np.uint8)
    assert Light.of(shaded, part).side > sharp.side + 0.3
    assert Light.of(part // 2, part).colour.mean() < 0.7 * sharp.colour.mean()


def geometry_of(mesh: FaceMesh, photo: Pixels) -> FaceGeometry:
    geometry = FaceGeometry()
    geometry.update(mesh, Size.of(photo), with_rim(mesh.points[:, :2]))
    return geometry


def test_who_wears_a_pair_gets_no_second_one(photo: Pixels, bare: Pixels, mesh: FaceMesh) -> None:
    glasses = WornGlasses()
    glasses.wear(3, "panto")
    out = photo.copy()
    assert not glasses.render(photo, geometry_of(mesh, photo), 0.0, out)
    assert np.array_equal(out, photo)
    assert not glasses.hold(Size.of(photo), out)
    taken_off = 0.0
    for index in range(1, 60):  # she takes them off
        out = bare.copy()
        glasses.render(bare, geometry_of(mesh, bare), index / 10, out)
        taken_off = float(np.abs(out.astype(int) - bare).max())
    assert taken_off > 60
    held = bare.copy()
    assert glasses.hold(Size.of(bare), held)
    assert np.array_equal(held, out)
    assert not glasses.hold(Size(10, 10), held)


def test_a_still_face_wears_them_still(bare: Pixels, mesh: FaceMesh) -> None:
    """The mesh of a face at rest shakes by 0.1 % of its width, point by point: of a whole pair less is left."""
    random = np.random.default_rng(1)
    head, shake = Head(), 0.001 * mesh.width_px
    wander = []
    for index in range(30):
        points = mesh.points + random.normal(0, shake, mesh.points.shape).astype(np.float32)
        head.update(dataclasses.replace(mesh, points=points), index / 30)
        sprite = Sprite(pair(1, "round"), DAYLIGHT, 1.0, 20.0, 0.5)
        wander.append(Carried(sprite, head).on_front(np.array([[-0.9, 0.0], [0.9, 0.0]])))
    assert np.std(wander, axis=0).max() < 0.6 * shake


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny_models.shaded_morph(tmp_path / "shaded.onnx", LatentSpace.unknown(3).text())


def test_the_effect_puts_them_on_and_leaves_the_rest_to_the_bit(
    model: Path, bare: Pixels, face: Face, mesh: FaceMesh
) -> None:
    settings = parse_settings(MorphSettings, {"glasses": 3, "frame": "square"}, "morph")
    effect = MorphEffect.open(str(model), settings, EffectContext())
    frame = Frame(bare, 0.0, 0.0, 0)
    made = effect.make(Scene(frame, [face]))
    changed = (made.pixels != bare).any(axis=2)
    rows = np.flatnonzero(changed.any(axis=1))
    eye_row = float(eyes_of(mesh)[:, 1].mean())
    assert rows[0] > eye_row - 0.4 * mesh.width_px
    assert rows[-1] < eye_row + 0.6 * mesh.width_px
    assert changed.sum() > 500
    effect.parameters.set("glasses", 0.0)
    assert effect.make(Scene(Frame(bare, 0.1, 0.1, 1), [face])).pixels is bare
    effect.close()


def test_the_effect_leaves_alone_who_wears_some(model: Path, photo: Pixels, face: Face) -> None:
    effect = MorphEffect.open(str(model), parse_settings(MorphSettings, {"glasses": 2}, "morph"), EffectContext())
    frame = Frame(photo, 0.0, 0.0, 0)
    assert effect.make(Scene(frame, [face])) is frame, "nothing is changed: it needs no label"
    effect.close()
