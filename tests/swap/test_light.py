"""The viewer's light on another face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.face_compositing.relighting import Relighting
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size

SIGMA_PX = 9.0
"""Light is smooth: what is compared is the picture without its features."""


@pytest.fixture
def geometry(mesh: FaceMesh, photo: Pixels) -> FaceGeometry:
    laid = FaceGeometry()
    laid.update(mesh, Size.of(photo), with_rim(mesh.points[:, :2]))
    return laid


def covered(geometry: FaceGeometry) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(np.ascontiguousarray(geometry.alpha), geometry.place.size), np.float32)


def shaded(viewer: Pixels, cover: NDArray[np.float32]) -> Pixels:
    """The same face in a light that falls off towards the outline."""
    inside = np.clip(cv2.distanceTransform((cover > 0.02).astype(np.uint8), cv2.DIST_L2, 3) / 40, 0, 1)
    return np.asarray(np.rint(viewer * (0.5 + 0.5 * inside[..., None])), np.uint8)


def lit(geometry: FaceGeometry, viewer: Pixels, drawn: Pixels) -> Pixels:
    light = Relighting()
    for index in range(30):
        light.estimate(viewer, drawn, geometry, index / 10)
    light.apply(drawn, geometry)
    return drawn


def off(made: Pixels, viewer: Pixels, where: NDArray[np.bool_]) -> float:
    smooth = (cv2.GaussianBlur(pixels, (0, 0), SIGMA_PX).astype(np.float32) for pixels in (made, viewer))
    return float(np.abs(next(smooth) - next(smooth))[where].mean())


def test_faces_meet_along_the_outline(geometry: FaceGeometry, photo: Pixels) -> None:
    viewer, cover = geometry.place.of(photo).copy(), covered(geometry)
    seam = (cover > 0.2) & (cover < 0.8)
    drawn = shaded(viewer, cover)
    before = off(drawn, viewer, seam)
    assert before > 25
    assert off(lit(geometry, viewer, drawn), viewer, seam) < 0.25 * before


def test_what_is_dark_in_the_middle_stays_the_photos(geometry: FaceGeometry, photo: Pixels) -> None:
    viewer = geometry.place.of(photo).copy()
    x, y = np.rint(geometry.in_place((9,))[0]).astype(int)  # between the brows
    mark = np.zeros(viewer.shape[:2], np.float32)
    cv2.circle(mark, (int(x), int(y)), geometry.place.width // 14, 1, -1)
    socket = np.asarray(cv2.GaussianBlur(mark, (0, 0), 3), np.float32)
    drawn = np.asarray(np.rint(viewer * (1 - 0.5 * socket[..., None])), np.uint8)
    before = off(drawn, viewer, socket > 0.9)
    assert off(lit(geometry, viewer, drawn), viewer, socket > 0.9) > 0.85 * before


def test_no_light_is_taken_where_none_is_asked_for(geometry: FaceGeometry, photo: Pixels) -> None:
    viewer = geometry.place.of(photo).copy()
    drawn = (viewer // 2).copy()
    light = Relighting(0.0)
    light.estimate(viewer, drawn, geometry, 0.0)
    made = drawn.copy()
    light.apply(made, geometry)
    assert np.abs(made.astype(int) - drawn).max() <= 1
