"""The viewer's glasses: found, left on, taken off. The Navy photo wears some."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import ModelError
from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.face_compositing.occlusion.glasses import (
    GlassesDetector,
    GlassesNetwork,
    _thresholds,
    taken_off,
    without_glasses,
)
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels, Size
from realtime.picture_files.painting import read_picture
from realtime.swap.photo.photo_face import PhotoLevels
from tests.swap.test_smiles import BLUE, Blue, at, placed
from tools.glasses.drawing import draw_glasses
from tools.swap_figures.glasses import glasses_table, keep_glasses
from tools.swap_figures.material import Clip

_CORNERS = np.zeros((504, 2), np.float32)


def looked(pixels: Pixels, mesh: FaceMesh, frames: int = 1) -> tuple[GlassesDetector, FaceGeometry]:
    detector, geometry = GlassesDetector(), FaceGeometry()
    for index in range(frames):
        geometry.update(mesh, Size.of(pixels), _CORNERS)
        detector.look(pixels, geometry, index / 30)
    return detector, geometry


def test_glasses_are_found_and_skin_is_not(photo: Pixels, mesh: FaceMesh) -> None:
    detector, geometry = looked(photo, mesh)
    assert detector.are_worn
    mask = detector.mask(geometry)
    assert mask is not None
    bridge, right_rim, left_rim = (geometry.in_place((number,))[0] for number in (168, 130, 359))
    for x, y in (bridge, right_rim, left_rim):
        reach = round(0.06 * mesh.width_px)
        x, y = round(float(x)), round(float(y))
        assert mask[y - reach : y + reach, x - reach : x + reach].max() == 255
    for number in (50, 280, 151, 4, 17, 152):
        x, y = np.rint(geometry.in_place((number,))[0]).astype(int)
        assert mask[y, x] < 30
    assert 0.02 < (mask > 128).mean() < 0.25


def test_a_brow_must_surely_be_glasses_to_stay() -> None:
    least, surely = _thresholds()
    for number in (105, 334):  # the upper edge of each brow
        x, y = np.rint((uv_points()[number] - (0, 0.225)) * 160 - 0.5).astype(int)
        assert least[y, x] > 0.4
        assert surely[y, x] > 0.65
    for number in (168, 33, 263, 50):  # bridge and eyes
        x, y = np.rint((uv_points()[number] - (0, 0.225)) * 160 - 0.5).astype(int)
        assert least[y, x] < 0.15


def test_who_wears_none_wears_none(shared_data: Path, meter: FaceMeasurer) -> None:
    for name in ("sargent_lady_agnew.jpg", "bouguereau_girl.jpg", "mona_lisa.jpg"):
        pixels, _ = read_picture(shared_data / "portraits" / name)
        mesh = meter.meshes.measure(pixels, find_faces(pixels, meter)[0])
        detector, geometry = looked(pixels, mesh)
        assert not detector.are_worn, name
        assert detector.mask(geometry) is None


def test_a_moment_without_them_does_not_take_them_off(photo: Pixels, mesh: FaceMesh) -> None:
    detector, geometry = looked(photo, mesh)
    plain = np.full_like(photo, 120)
    for index in range(1, 4):
        detector.look(plain, geometry, index / 30)
    assert detector.are_worn
    for index in range(4, 60):
        detector.look(plain, geometry, index / 30)
    assert not detector.are_worn


def test_they_stay_on_a_new_face_or_go(photo: Pixels, mesh: FaceMesh) -> None:
    detector, geometry = looked(photo, mesh)
    mask = detector.mask(geometry)
    assert mask is not None
    sure = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 250
    inside = geometry.place
    differs = {}
    for glasses in ("keep", "remove", None):
        out = photo.copy()
        keep = KeptFeatures(eyes=False, mouth=True)
        Compositor(Blue(None), keep, light=0, in_front=False, glasses=glasses).render(photo, mesh, 0.0, 1.0, out)
        assert np.abs(at(out, mesh, 50) - BLUE).max() < 3
        differs[glasses] = np.abs(inside.of(out).astype(int) - inside.of(photo)).max(axis=2)[sure]
    assert (differs["keep"] < 12).mean() > 0.95
    assert (differs["keep"] < 12).mean() > (differs["remove"] < 12).mean() + 0.5
    assert (differs[None] < 12).mean() < 0.5


def test_what_is_beside_goes_on_where_they_were() -> None:
    part = np.full((80, 120, 3), 150, np.uint8)
    mask = np.zeros((80, 120), np.uint8)
    cv2.line(mask, (10, 40), (110, 40), 255, 5)
    part[mask > 0] = 10
    taken_off(part, mask)
    assert np.abs(part.astype(int) - 150).max() < 12
    untouched = part.copy()
    taken_off(part, np.zeros_like(mask))
    assert (part == untouched).all()


def test_a_photos_glasses_are_taken_off(photo: Pixels, mesh: FaceMesh) -> None:
    bare = without_glasses(photo, mesh)
    assert looked(photo, mesh)[0].share > 3 * looked(bare, mesh)[0].share
    assert np.abs(at(bare, mesh, 50) - at(photo, mesh, 50)).max() < 1
    kept, gone = (PhotoLevels.of(photo, mesh, with_glasses=worn).levels[0] for worn in (True, False))
    assert np.abs(kept.astype(int) - gone).max() > 60


def test_a_broken_network_says_what_to_do() -> None:
    with pytest.raises(ModelError, match=r"glasses\.onnx cannot be read .*; install the program again"):
        GlassesNetwork(b"nothing")


def test_drawn_glasses_are_where_the_mask_says(photo: Pixels, mesh: FaceMesh) -> None:
    for seed in range(6):
        drawn, mask = draw_glasses(photo, mesh, np.random.default_rng(seed))
        changed = np.abs(drawn.astype(int) - photo).max(axis=2)
        assert (mask > 128).sum() > 40
        assert changed[mask > 200].mean() > 5 * changed[mesh.points[152:153, 1].astype(int)].mean() + 1
    geometry = placed(mesh, photo)
    assert not geometry.is_empty


def test_kept_glasses_are_counted(photo: Pixels) -> None:
    clip = Clip("navy", 30.0, [photo] * 8)
    kept = keep_glasses(clip, 1)
    assert [each.number for each in kept] == [-1, 0]
    assert kept[0].holes == kept[0].frames == 4  # without any drawn ones there are those of the photo
    assert kept[1].stays > 0.7
    assert "| navy | 1 |" in glasses_table(kept)
