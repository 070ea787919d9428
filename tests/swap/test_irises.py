"""A photo's eyes between the viewer's lids."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.faces.landmarks.iris import Eyes
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.swap.photo.eyeballs import EyeBall, eyeballs
from realtime.swap.photo.irises import EyePainter, _white_of
from realtime.swap.photo.photo_face import PhotoFace, PhotoLevels
from tests.swap.test_photo import turned

_GREEN = np.array([30, 150, 30], np.uint8)


@pytest.fixture(scope="module")
def eyes(photo: Pixels, mesh: FaceMesh, meter: FaceMeasurer) -> Eyes:
    return meter.irises.measure(photo, mesh)


@pytest.fixture(scope="module")
def drawn_eyes(photo: Pixels, eyes: Eyes) -> Pixels:
    return with_green_irises(photo, eyes)


def with_green_irises(photo: Pixels, eyes: Eyes, aside: float = 0.0) -> Pixels:
    """The photo with green irises in white eyes: hers lie behind glasses, in the shade of their rims. `aside`: how far
    they look to the right, in widths of an eye.
    """
    drawn = photo.copy()
    for eye in (eyes.left, eyes.right):
        opening = np.zeros(photo.shape[:2], np.uint8)
        cv2.fillPoly(opening, [np.rint(np.concatenate([eye.upper, eye.lower[::-1]])).astype(np.int32)], 255)
        ball = np.full_like(photo, 225)
        centre = (round(float(eye.centre[0]) + aside * eye.width_px), round(float(eye.centre[1])))
        cv2.circle(ball, centre, round(eye.radius_px), _GREEN.tolist(), cv2.FILLED)
        cv2.copyTo(ball, opening, drawn)
    return drawn


def placed(mesh: FaceMesh, pixels: Pixels) -> FaceGeometry:
    geometry = FaceGeometry()
    geometry.update(mesh, Size.of(pixels), with_rim(mesh.points[:, :2]))
    return geometry


def painted(painter: EyePainter, mesh: FaceMesh, pixels: Pixels) -> tuple[Pixels, Pixels]:
    """A grey face with eyes, and how far these cover the viewer's, both as large as the frame."""
    geometry = placed(mesh, pixels)
    out, alpha = np.full_like(pixels, 128), np.zeros(pixels.shape[:2], np.uint8)
    painter.paint(geometry.place.of(out), geometry, lit=False)
    covered = geometry.place.of(alpha)
    painter.cover(covered, np.full_like(covered, 255))
    return out, alpha


def test_an_eyeball_has_nothing_of_its_lids(drawn_eyes: Pixels, mesh: FaceMesh, meter: FaceMeasurer) -> None:
    found = eyeballs(drawn_eyes, with_rim(mesh.points[:, :2]), mesh, meter.irises)
    assert found is not None
    for ball in found:
        height, width = ball.picture.shape[:2]
        radius = height // 4
        column = ball.picture[height // 2 - radius // 2 : height // 2 + radius // 2, width // 2].astype(int)
        assert np.abs(column - _GREEN).max() < 70, "an iris is whole, also where lids were"
        assert ball.left < -1 < 1 < ball.right


def test_photos_that_look_aside_or_show_no_iris_give_no_eyes(
    photo: Pixels, drawn_eyes: Pixels, mesh: FaceMesh, meter: FaceMeasurer
) -> None:
    corners = with_rim(mesh.points[:, :2])
    assert eyeballs(drawn_eyes, corners, turned(mesh, 25), meter.irises) is None
    assert eyeballs(np.full_like(photo, 120), corners, mesh, meter.irises) is None


def blue_eyes() -> tuple[EyeBall, EyeBall]:
    picture = np.full((80, 136, 3), 230, np.uint8)
    cv2.circle(picture, (68, 40), 20, (220, 60, 20), cv2.FILLED)
    white = np.full(3, 230, np.float32)
    return EyeBall(picture, -2.4, 2.4, white), EyeBall(picture, -2.4, 2.4, white)


def test_irises_lie_over_the_viewers(drawn_eyes: Pixels, mesh: FaceMesh, eyes: Eyes, meter: FaceMeasurer) -> None:
    painter = EyePainter(blue_eyes(), meter.irises)
    painter.look(drawn_eyes, mesh, 0.0, worn=True)
    out, alpha = painted(painter, mesh, drawn_eyes)
    blue = (out[..., 0].astype(int) > 130) & (out[..., 2] < 100)
    assert blue.any()
    for eye in meter_eyes(drawn_eyes, mesh, meter):
        rows, columns = np.nonzero(blue & (np.hypot(*distances(out, eye.centre)) < 3 * eye.radius_px))
        assert abs(columns.mean() - eye.centre[0]) < 1.5
        assert alpha[round(float(eye.centre[1])), round(float(eye.centre[0]))] > 200
        assert rows.size < 1.3 * np.pi * eye.radius_px**2
    assert (alpha > 0).mean() < 0.02, "nothing but the eyes"


def meter_eyes(pixels: Pixels, mesh: FaceMesh, meter: FaceMeasurer) -> list:  # type: ignore[type-arg]
    found = meter.irises.measure(pixels, mesh)
    return [found.left, found.right]


def distances(pixels: Pixels, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    return x - centre[0], y - centre[1]


def test_shut_eyes_and_those_turned_aside_stay_the_viewers(
    drawn_eyes: Pixels, mesh: FaceMesh, meter: FaceMeasurer
) -> None:
    painter = EyePainter(blue_eyes(), meter.irises)
    painter.look(drawn_eyes, mesh, 0.0, worn=True)
    assert painted(painter, turned(mesh, 35), drawn_eyes)[1].max() == 0
    for look in painter._looks:
        look.openness = 0.16
    assert painted(painter, mesh, drawn_eyes)[1].max() == 0


def test_one_eye_is_looked_at_and_both_turn(
    photo: Pixels, drawn_eyes: Pixels, mesh: FaceMesh, eyes: Eyes, meter: FaceMeasurer
) -> None:
    painter = EyePainter(blue_eyes(), meter.irises)
    painter.look(drawn_eyes, mesh, 0.0, worn=True)
    before = [look.centre.copy() for look in painter._looks]
    painter.look(with_green_irises(photo, eyes, aside=0.12), mesh, 0.04, worn=True)
    moves = [look.centre - place for look, place in zip(painter._looks, before, strict=True)]
    assert moves[0][0] > 0.05
    assert moves[1][0] > 0.05


def test_the_white_of_wide_eyes_goes_on_above_the_lid_that_the_network_sees(drawn_eyes: Pixels, eyes: Eyes) -> None:
    wide = drawn_eyes.copy()
    for eye in (eyes.left, eyes.right):
        lid, height_px = np.rint(eye.upper).astype(np.int32), round(0.12 * eye.width_px)
        cv2.fillPoly(wide, [np.concatenate([lid, lid[::-1] - (0, height_px)])], (225, 225, 225))
        cv2.polylines(wide, [lid - (0, height_px + 2)], False, (20, 20, 20), 4)
        down = np.array([0.0, eye.width_px])
        assert _white_of(wide, eye, down)[0][2:-2] == pytest.approx(0.12, abs=0.05)
        assert _white_of(np.full_like(wide, 200), eye, down)[0].max() == 0, "skin as bright as the white is no white"


def test_whites_are_as_the_viewers_own(drawn_eyes: Pixels, mesh: FaceMesh, eyes: Eyes, meter: FaceMeasurer) -> None:
    dim = np.asarray(drawn_eyes * np.array([0.3, 0.5, 0.7]), np.uint8)  # a lamp of warm light
    painter = EyePainter(blue_eyes(), meter.irises)
    painter.look(dim, mesh, 0.0, worn=True)
    geometry = placed(mesh, dim)
    out = np.full_like(dim, 128)
    painter.paint(geometry.place.of(out), geometry, lit=True)
    for eye in (eyes.left, eyes.right):
        beside = eye.centre + 1.25 * eye.radius_px * eye.axis
        x, y = np.rint(beside).astype(int)
        assert out[y, x] == pytest.approx(225 * np.array([0.3, 0.5, 0.7]), rel=0.25)


def test_both_irises_come_near_one_colour(drawn_eyes: Pixels, mesh: FaceMesh, meter: FaceMeasurer) -> None:
    lit = drawn_eyes.astype(np.float32)
    lit[:, : round(float(mesh.points[168, 0]))] *= 0.7  # a lamp at one side
    found = eyeballs(lit.astype(np.uint8), with_rim(mesh.points[:, :2]), mesh, meter.irises)
    assert found is not None
    dim, bright = (ball.picture[40 - 4 : 40 + 4, 68 - 4 : 68 + 4].mean() for ball in found)
    assert 0.85 < dim / bright < 1


def test_eyes_that_are_not_to_be_worn_go_little_by_little(
    drawn_eyes: Pixels, mesh: FaceMesh, meter: FaceMeasurer
) -> None:
    painter = EyePainter(blue_eyes(), meter.irises)
    most = []
    for frame in range(30):
        painter.look(drawn_eyes, mesh, frame / 25, worn=frame < 5)
        most.append(int(painted(painter, mesh, drawn_eyes)[1].max()))
    assert most[0] > 200
    assert 20 < most[9] < most[4]
    assert most[-1] == 0


@pytest.mark.parametrize(("irises", "is_green"), [(False, True), (True, False)])
def test_whoever_keeps_their_irises_has_them(
    photo: Pixels, drawn_eyes: Pixels, mesh: FaceMesh, eyes: Eyes, *, irises: bool, is_green: bool
) -> None:
    viewer = drawn_eyes.copy()
    viewer[..., 1] = np.minimum(viewer[..., 1], viewer[..., 2])  # whose eyes are not green
    out = viewer.copy()
    keep = KeptFeatures(eyes=True, mouth=True, irises=irises)
    levels = PhotoLevels.of(drawn_eyes, mesh, with_glasses=True)
    Compositor(PhotoFace(levels), keep, light=0, glasses=None).render(viewer, mesh, 0.0, 1.0, out)
    x, y = np.rint(eyes.left.centre).astype(int)
    colour = out[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3).mean(axis=0)
    assert (colour[1] > colour[2] + 50) == is_green
