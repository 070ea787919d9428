"""A photo's own light."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.swap.photo.delighting import delighted
from tests.swap.conftest import difference
from tests.swap.test_photo import turned
from tests.swap.test_smiles import at

_PAIRS = ((50, 280), (205, 425), (101, 330), (104, 333))


def lit_from_the_left(photo: Pixels, mesh: FaceMesh) -> Pixels:
    x = (np.arange(photo.shape[1], dtype=np.float32) - mesh.points[1, 0]) / mesh.width_px
    return np.asarray(np.clip(photo * (0.75 - 0.4 * np.tanh(4 * x))[None, :, None], 0, 255), np.uint8)


def unlike(pixels: Pixels, mesh: FaceMesh) -> float:
    """How many times as bright one side is, in the logarithm."""
    return float(
        np.mean([abs(np.log(at(pixels, mesh, a, 9).mean() / at(pixels, mesh, b, 9).mean())) for a, b in _PAIRS])
    )


def test_a_lamp_at_one_side_is_taken_out(photo: Pixels, mesh: FaceMesh) -> None:
    lit = lit_from_the_left(photo, mesh)
    assert unlike(lit, mesh) > 0.5
    assert unlike(delighted(lit, mesh), mesh) < 0.4 * unlike(lit, mesh)


def test_even_light_stays(photo: Pixels, mesh: FaceMesh) -> None:
    left, top = np.floor(mesh.points[:, :2].min(axis=0)).astype(int)
    right, bottom = np.ceil(mesh.points[:, :2].max(axis=0)).astype(int)
    inside = np.s_[top:bottom, left:right]
    assert difference(delighted(photo, mesh)[inside], photo[inside]) < 6
    assert (delighted(photo, mesh)[: top - 2] == photo[: top - 2]).all()


def test_halves_of_a_face_that_looks_aside_are_not_compared(photo: Pixels, mesh: FaceMesh) -> None:
    lit, aside = lit_from_the_left(photo, mesh), turned(mesh, 30)
    assert abs(unlike(delighted(lit, aside), mesh) - unlike(lit, mesh)) < 0.1


def test_a_white_spot_becomes_skin(photo: Pixels, mesh: FaceMesh) -> None:
    x, y = np.rint(mesh.points[50, :2]).astype(int)
    spot = np.zeros(photo.shape[:2], np.float32)
    cv2.circle(spot, (int(x), int(y)), max(2, round(0.02 * mesh.width_px)), 1.0, -1)
    share = cv2.GaussianBlur(spot, (0, 0), 1.5)[..., None]
    shining = np.clip(photo + share * (255 - photo.astype(np.float32)), 0, 255).astype(np.uint8)
    before = difference(shining[y - 3 : y + 4, x - 3 : x + 4], photo[y - 3 : y + 4, x - 3 : x + 4])
    dulled = delighted(shining, mesh)
    after = difference(dulled[y - 3 : y + 4, x - 3 : x + 4], photo[y - 3 : y + 4, x - 3 : x + 4])
    assert after < 0.7 * before
