"""What is made of a photo before it is worn."""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.face_compositing.anonymization import anonymize, anonymize_all, restore
from realtime.face_compositing.face_geometry import FaceGeometry
from realtime.faces.landmarks.canonical import uv_points
from realtime.faces.landmarks.mesh import FOREHEAD_TOP, OVAL, FaceMesh
from realtime.imaging.frame import Box, Pixels, Size
from realtime.swap.photo.frontalization import frontalized
from realtime.swap.photo.photo_face import PhotoFace, PhotoLevels, folds_in
from realtime.swap.photo.skin_segmentation import skin_mask
from realtime.swap.photo.skin_texture import _forehead, wearable_part, without_hair
from tests.swap.conftest import difference, inside


def turned(mesh: FaceMesh, yaw_degrees: float) -> FaceMesh:
    """The same head, turned about its own vertical."""
    middle = mesh.points.mean(axis=0)
    away = mesh.points - middle
    cosine, sine = math.cos(math.radians(yaw_degrees)), math.sin(math.radians(yaw_degrees))
    turn = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]], np.float32)
    return FaceMesh((away @ turn.T + middle).astype(np.float32), mesh.score)


def around(mesh: FaceMesh, number: int, pixels: Pixels, side: int = 7) -> Pixels:
    x, y = np.rint(mesh.points[number, :2]).astype(int)
    return pixels[y - side // 2 : y + side // 2 + 1, x - side // 2 : x + side // 2 + 1]


def test_a_cap_becomes_skin_and_the_face_stays(photo: Pixels, mesh: FaceMesh) -> None:
    bare = without_hair(photo, mesh)
    cheek = around(mesh, 50, photo).mean(axis=(0, 1))
    cap, skin = (around(mesh, 10, pixels).mean(axis=(0, 1)) for pixels in (photo, bare))
    assert np.abs(cap - cheek).max() > 80
    assert np.abs(skin - cheek).max() < 70
    for number in (1, 50, 280):
        assert difference(around(mesh, number, bare), around(mesh, number, photo)) < 2
    corner = bare[:20, -20:].mean(axis=(0, 1))  # blue sky before: what is around the face is skin as well
    assert corner[2] > corner[0]


def test_a_hidden_forehead_has_the_colour_of_what_is_seen_above_the_brows() -> None:
    columns, rows = np.meshgrid(np.arange(96, dtype=np.float32), np.arange(96, dtype=np.float32))
    brows = int(uv_points()[[105, 334], 1].min() * 96)
    face = np.full((96, 96, 3), (140, 170, 220), np.float32)
    face[rows < brows] = (60, 80, 110)  # a fringe's shadow
    face[rows < brows - 4] = 10
    part = (rows >= brows - 4).astype(np.float32)
    colours, reach = _forehead(face, np.stack([columns, rows], axis=2), part)
    hidden = np.s_[4 : brows - 4, 10:86]
    assert np.abs(colours[hidden] - (60, 80, 110)).max() < 1
    assert reach[hidden].min() > 0.9
    assert reach[brows + 4 :].max() < 0.1
    nobody = _forehead(face, np.zeros((96, 96, 2), np.float32), part)[1]
    assert nobody.max() == 0


def test_skin_is_cut_from_a_cap_and_a_bright_forehead_stays(photo: Pixels, mesh: FaceMesh) -> None:
    def share(pixels: Pixels, number: int, above: float = 0.0) -> float:
        skin, to_small = skin_mask(pixels, mesh)
        place = mesh.points[number, :2] - (0, above * mesh.width_px)
        x, y = np.rint(to_small[:, :2] @ place + to_small[:, 2]).astype(int)
        return float(skin[y - 1 : y + 2, x - 1 : x + 2].mean())

    assert share(photo, FOREHEAD_TOP, above=0.1) == 0  # the cap
    rows = np.arange(photo.shape[0], dtype=np.float32)[:, None, None]
    brow = float(mesh.points[9, 1])
    lamp = 1 + 0.5 * np.clip((brow + 10 - rows) / 20, 0, 1)
    lit = np.clip(photo * lamp, 0, 255).astype(np.uint8)
    assert share(photo, 9) == share(lit, 9) == share(lit, 50) == 1
    assert np.array_equal(skin_mask(photo, mesh)[0], skin_mask(photo, mesh)[0])


def test_strands_that_hang_over_a_forehead_become_skin_and_a_mole_stays(photo: Pixels, mesh: FaceMesh) -> None:
    x, y = np.rint(uv_points()[9] * 96).astype(int)  # between the brows, below a cap
    strand, mole = photo.copy(), photo.copy()
    down = np.rint(mesh.points[[10, 151, 9], :2]).astype(np.int32)
    cv2.polylines(strand, [down], False, (40, 50, 70), 3, cv2.LINE_AA)
    cv2.circle(mole, tuple(down[2].tolist()), 3, (40, 50, 70), -1, cv2.LINE_AA)
    plain, hung, spotted = (wearable_part(pixels, mesh)[y - 3, x] for pixels in (photo, strand, mole))
    assert hung < 0.5
    assert min(plain, spotted) > 0.7


def test_what_is_filled_in_beside_white_skin_is_no_other_colour(photo: Pixels, mesh: FaceMesh) -> None:
    white = np.clip(photo.astype(int) * 3, 0, 255).astype(np.uint8)
    for pixels in (white, 255 - white // 8):
        bare = without_hair(pixels, mesh)
        corner = bare[:20, -20:].mean(axis=(0, 1))
        cheeks = np.concatenate([around(mesh, number, pixels).reshape(-1, 3) for number in (50, 280, 205, 425)])
        assert np.abs(corner - np.median(cheeks, axis=0)).max() < 60
        middle = bare[: int(mesh.points[9, 1])].astype(int)
        assert np.abs(np.diff(middle, axis=0)).max() < 128  # a byte that ran over is a step of 250


def test_a_frontal_face_laid_flat_keeps_its_colours_where_they_are(photo: Pixels, mesh: FaceMesh) -> None:
    face = PhotoFace(PhotoLevels.of(photo, mesh))
    flat, places = frontalized(without_hair(photo, mesh), face.corners * 0 + _with_rim(mesh))
    assert flat.shape[0] == flat.shape[1]
    for number in (1, 50, 280, 199):
        x, y = np.rint(places[number]).astype(int)
        there = flat[y - 2 : y + 3, x - 2 : x + 3].mean(axis=(0, 1))
        assert np.abs(there - around(mesh, number, photo, 5).mean(axis=(0, 1))).max() < 30


def _with_rim(mesh: FaceMesh) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    from realtime.face_compositing.face_geometry import with_rim

    return with_rim(mesh.points[:, :2])


def test_the_cover_ends_where_the_face_does(mesh: FaceMesh, photo: Pixels) -> None:
    for yaw in (0, 30, -45):
        geometry = FaceGeometry()
        one = turned(mesh, yaw)
        geometry.update(one, Size.of(photo), _with_rim(mesh))
        assert geometry.alpha.max() > 0.99
        edge = np.concatenate([geometry.alpha[0], geometry.alpha[-1], geometry.alpha[:, 0], geometry.alpha[:, -1]])
        assert edge.max() == 0
        step = max(np.abs(np.diff(geometry.alpha, axis=axis)).max() for axis in (0, 1))
        assert step < 0.5, yaw


def test_a_nose_that_hides_a_cheek_is_a_fold_and_a_frontal_face_has_none(mesh: FaceMesh, photo: Pixels) -> None:
    geometry = FaceGeometry()
    geometry.update(mesh, Size.of(photo), _with_rim(mesh))
    assert not folds_in(geometry.source_map, geometry.margin)[20:60, 16:48].any()
    for yaw in (-40, 40):
        one = turned(mesh, yaw)
        geometry.update(one, Size.of(photo), _with_rim(mesh))
        rows, columns = np.nonzero(folds_in(geometry.source_map, geometry.margin))
        x = geometry.place.left + (columns + 0.5) * geometry.place.width / geometry.margin.shape[1]
        y = geometry.place.top + (rows + 0.5) * geometry.place.height / geometry.margin.shape[0]
        tip = one.points[1]
        near = np.hypot(x - tip[0], y - tip[1]) < 0.3 * one.width_px
        assert near.sum() >= 3


def test_who_is_hidden_cannot_be_told(photo: Pixels, mesh: FaceMesh) -> None:
    box = mesh.box
    out = photo.copy()
    anonymize(out, box, 0.0)
    assert np.array_equal(out[-40:], photo[-40:])  # a head, and no more
    fine = np.abs(np.diff(inside(out, box).astype(int), axis=1)).mean()
    assert fine < 0.15 * np.abs(np.diff(inside(photo, box).astype(int), axis=1)).mean()
    later, everything = photo.copy(), photo.copy()
    anonymize(later, box, 2.5)
    anonymize_all(everything)
    for pixels in (later, everything):
        assert (np.abs(pixels.astype(int) - photo).max(axis=2) > 0).mean() > 0.8


def test_who_is_spared_is_seen(photo: Pixels, mesh: FaceMesh) -> None:
    out = np.zeros_like(photo)
    box = mesh.box
    restore(out, photo, box)
    middle = Box(box.left + box.width / 4, box.top + box.height / 4, box.width / 2, box.height / 2)
    assert np.array_equal(inside(out, middle), inside(photo, middle))
    assert not out[:5].any()


def test_the_outline_is_the_mesh_models(mesh: FaceMesh) -> None:
    outline = mesh.points[list(OVAL), :2]
    assert len(set(OVAL)) == len(outline) == 36
    off_px = [cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in mesh.points[:, :2]]
    assert min(off_px) > -0.02 * mesh.width_px, "no point of a face that looks ahead lies outside it"
    rim = _with_rim(mesh)
    outside_px = [cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in rim[len(mesh.points) :]]
    assert max(outside_px) < 0, "the rim goes around it"
