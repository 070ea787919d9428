"""A photo that smiles, worn by somebody who does not, and the other way about."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from realtime.face_compositing import FaceSource
from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.face_compositing.folds import ViewerFolds
from realtime.face_compositing.lips import LipColour, clear_lips
from realtime.faces.landmarks.mesh import LIPS, MOUTH, FaceMesh
from realtime.faces.landmarks.smile import axes_of, smile_level, smile_share
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.swap.photo.neutralization import _smile, at_rest, lips_colour, mouth_differs, neutralized
from realtime.swap.photo.photo_face import PhotoLevels
from tests.swap.conftest import difference

_FOLD = (203, 206, 216)
_SOURCE = np.zeros((504, 2), np.float32)
BLUE = (200, 60, 60)


def smiling(mesh: FaceMesh, strength: float = 1.0) -> FaceMesh:
    axes, unit = axes_of(mesh.points)
    moved = strength * unit * (_smile()[0] @ axes.T)
    return FaceMesh((mesh.points + moved).astype(np.float32), mesh.score)


def folded(photo: Pixels, mesh: FaceMesh) -> Pixels:
    """The photo with dark lines from the nose past the mouth."""
    lines = np.zeros(photo.shape[:2], np.uint8)
    cv2.polylines(lines, [np.rint(mesh.points[list(_FOLD), :2]).astype(np.int32)], False, 255, 3, cv2.LINE_AA)
    shade = 1 - 0.5 * cv2.GaussianBlur(lines.astype(np.float32) / 255, (0, 0), 1.0)
    return np.rint(photo * shade[..., None]).astype(np.uint8)


def at(pixels: Pixels, mesh: FaceMesh, number: int, side: int = 5) -> Floats:
    x, y = np.rint(mesh.points[number, :2]).astype(int)
    part = pixels[y - side // 2 : y + side // 2 + 1, x - side // 2 : x + side // 2 + 1]
    return np.asarray(part.reshape(-1, 3).mean(axis=0), np.float32)


def placed(mesh: FaceMesh, pixels: Pixels) -> FaceGeometry:
    geometry = FaceGeometry()
    geometry.update(mesh, Size.of(pixels), _SOURCE)
    return geometry


def test_a_smile_is_told_and_taken_back(mesh: FaceMesh) -> None:
    broad = smiling(mesh, 1.2)
    assert smile_share(mesh) < 0.1
    assert smile_share(broad) == 1
    assert smile_level(broad) - smile_level(mesh) > 0.6
    assert abs(smile_level(at_rest(broad)) - smile_level(mesh)) < 0.2
    assert mouth_differs(mesh) < 0.1
    assert mouth_differs(broad) == 1


def test_a_photo_at_rest_stays_as_it_is(photo: Pixels, mesh: FaceMesh) -> None:
    assert neutralized(photo, mesh) is None
    levels = PhotoLevels.of(photo, mesh)
    assert levels.lips is None
    assert levels.with_mouth is levels.levels


def test_an_open_mouth_is_taken_out_without_a_smile(photo: Pixels, mesh: FaceMesh) -> None:
    points = mesh.points.copy()
    points[[14, 17], 1] += 0.15 * mesh.width_px
    opened = FaceMesh(points, mesh.score)
    assert smile_share(opened) == 0
    neutral = neutralized(photo, opened)
    assert neutral is not None
    assert difference(neutral.with_mouth, photo) < 1


def test_folds_go_and_lips_close_over_teeth(photo: Pixels, mesh: FaceMesh) -> None:
    broad = smiling(mesh)
    creased = folded(photo, broad)
    teeth = np.rint(broad.points[list(MOUTH), :2]).astype(np.int32)
    cv2.polylines(creased, [teeth], True, (235, 240, 240), 3)  # the mesh is off by some pixels
    cv2.fillPoly(creased, [teeth], (235, 240, 240))
    neutral = neutralized(creased, broad)
    assert neutral is not None
    for number in (13, 14, 312, 82):
        assert at(neutral.with_mouth, broad, number, 2).mean() > 220
        assert at(neutral.skin, broad, number, 2).mean() < 140
    beside = at(creased, broad, 205)
    deep = (at(creased, broad, 206, 3) / beside).mean()
    even = (at(neutral.skin, broad, 206, 3) / at(neutral.skin, broad, 205)).mean()
    assert deep < 0.75
    assert even > deep + 0.5 * (1 - deep)
    for number in (159, 386, 6, 4):  # eyes and nose are whose they are
        assert np.abs(at(neutral.skin, broad, number) - at(creased, broad, number)).max() < 20
    assert difference(neutral.skin[:40], creased[:40]) == 0
    assert np.abs(neutral.lips - lips_colour(creased, broad)).max() == 0


def test_lips_are_painted_and_teeth_and_skin_are_not(photo: Pixels, mesh: FaceMesh) -> None:
    points = mesh.points.copy()
    points[list(MOUTH)[11:], 1] += 0.12 * mesh.width_px
    points[list(LIPS)[11:], 1] += 0.12 * mesh.width_px
    talking = FaceMesh(points, mesh.score)
    grey = np.full_like(photo, 120)
    geometry = placed(talking, grey)
    colour = LipColour()
    colour.estimate(geometry.place.of(grey), np.array([90, 100, 180], np.float32), geometry, 0.0)
    colour.paint(
        geometry.place.of(grey), np.full((geometry.place.height, geometry.place.width), 255, np.uint8), geometry
    )
    lip = talking.points[[17, 14], :2].mean(axis=0)
    x, y = np.rint(lip).astype(int)
    assert grey[y, x, 2] > 130 > 110 > grey[y, x, 0]
    for place in (talking.points[[13, 14], :2].mean(axis=0), talking.points[152, :2], talking.points[50, :2]):
        x, y = np.rint(place).astype(int)
        assert np.abs(grey[y, x].astype(int) - 120).max() <= 3


class Blue(FaceSource):
    """A face that is blue where the viewer's is not to be seen."""

    keeps_openings = True

    def __init__(self, lips: tuple[int, int, int] | None) -> None:
        self.corners = with_rim(np.zeros((468, 2), np.float32))
        self.lips = None if lips is None else np.array(lips, np.float32)

    def draw(self, geometry: FaceGeometry) -> Pixels:
        out = geometry.bytes_like("blue", 3)
        out[:] = BLUE
        return out

    def draw_with_mouth(self, geometry: FaceGeometry) -> Pixels:
        out = self.draw(geometry)
        out[:] = (60, 200, 60)
        return out

    def alpha(self, geometry: FaceGeometry) -> Floats:
        return geometry.alpha


def test_lips_stay_the_viewers_where_the_face_has_none(photo: Pixels, mesh: FaceMesh) -> None:
    seen = {}
    for lips in (None, (60, 60, 200)):
        out = photo.copy()
        Compositor(Blue(lips), KeptFeatures(eyes=True, mouth=True), light=0).render(photo, mesh, 0.0, 1.0, out)
        seen[lips] = at(out, mesh, 17, 3)
        assert np.abs(at(out, mesh, 50) - BLUE).max() < 3
    assert np.abs(seen[None] - BLUE).max() < 40
    assert seen[60, 60, 200][2] > at(photo, mesh, 17, 3)[2] * 0.9
    assert seen[60, 60, 200][0] < 150


def test_who_keeps_no_mouth_wears_the_photos(photo: Pixels, mesh: FaceMesh) -> None:
    out = photo.copy()
    Compositor(Blue((60, 60, 200)), KeptFeatures(eyes=True, mouth=False), light=0).render(photo, mesh, 0.0, 1.0, out)
    assert np.abs(at(out, mesh, 17, 3) - (60, 200, 60)).max() < 3


def test_a_face_that_is_held_has_a_mouth(photo: Pixels, mesh: FaceMesh) -> None:
    compositor = Compositor(Blue((60, 60, 200)), KeptFeatures(eyes=True, mouth=True), light=0)
    compositor.render(photo, mesh, 0.0, 1.0, photo.copy())
    out = photo.copy()
    compositor.hold(out)
    assert np.abs(at(out, mesh, 17, 3) - (60, 200, 60)).max() < 3


def test_a_mouth_is_cleared_with_a_little_room(photo: Pixels, mesh: FaceMesh) -> None:
    geometry = placed(mesh, photo)
    alpha = np.full((geometry.place.height, geometry.place.width), 255, np.uint8)
    clear_lips(alpha, geometry)
    x, y = np.rint(geometry.in_place((17,))[0]).astype(int)
    assert alpha[y, x] == 0
    assert alpha[y + 1, x] == 0
    assert alpha[y + round(0.05 * mesh.width_px), x] == 255


@pytest.mark.parametrize("smiles", [False, True])
def test_folds_are_carried_over_in_a_smile_and_never_at_rest(photo: Pixels, mesh: FaceMesh, smiles: bool) -> None:
    folds, broad = ViewerFolds(), smiling(mesh, 1.2)
    creased = folded(photo, broad)
    for index in range(12):
        folds.look(photo, placed(mesh, photo), index / 30)
    now = broad if smiles else mesh
    for index in range(12, 24):
        folds.look(creased if smiles else photo, placed(now, photo), index / 30)
    geometry = placed(now, photo)
    drawn = np.full((geometry.place.height, geometry.place.width, 3), 150, np.uint8)
    folds.shade(drawn, geometry)
    x, y = np.rint(geometry.in_place((206,))[0]).astype(int)
    if smiles:
        assert drawn[y, x, 0] < 145
        assert np.abs(drawn.astype(int) - 150).max() <= 40
        assert np.abs(drawn[:10].astype(int) - 150).max() == 0
    else:
        assert (drawn == 150).all()
