from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import ModelError
from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.alignment import FACE, Alignment, cut_face, sample
from realtime.faces.landmarks.canonical import triangles, uv_points
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import OVAL, FaceMesh, square_crop
from realtime.imaging.frame import Pixels
from realtime.picture_files.painting import read_picture

DEEPFACELIVE = "mesh coverage=2.2 x=0 y=-0.08"
TEXTS = [FACE, DEEPFACELIVE, "mesh coverage=1.6", "arcface_112", "arcface_128", "ffhq_512"]


@pytest.fixture(scope="module")
def meter() -> FaceMeasurer:
    return FaceMeasurer()


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    pixels = cv2.GaussianBlur(read_picture(navy_photo)[0], (0, 0), 3.0)  # nothing finer than a crop's pixels
    return np.asarray(pixels, np.uint8)


@pytest.fixture(scope="module")
def mesh(photo: Pixels, meter: FaceMeasurer) -> FaceMesh:
    return meter.meshes.measure(photo, find_faces(photo, meter)[0])


def test_the_mesh_is_closed_but_for_its_outline() -> None:
    corners = triangles()
    assert corners.shape == (898, 3)
    sides = Counter(
        tuple(sorted(pair)) for three in corners.tolist() for pair in (*pairwise(three), (three[2], three[0]))
    )
    assert set(sides.values()) == {1, 2}
    outline = {side for side, count in sides.items() if count == 1}
    assert outline == {tuple(sorted(pair)) for pair in (*pairwise(OVAL), (OVAL[-1], OVAL[0]))}


def test_all_triangles_turn_the_same_way() -> None:
    first, second, third = (uv_points()[triangles()[:, corner]].astype(np.float64) for corner in range(3))
    away, along = second - first, third - first
    assert (away[:, 0] * along[:, 1] - away[:, 1] * along[:, 0] > 0).all()


@pytest.mark.parametrize("text", TEXTS)
def test_a_turned_scaled_and_moved_picture_gives_the_same_crop(text: str, photo: Pixels, mesh: FaceMesh) -> None:
    alignment = Alignment.parse(text)
    before, _ = cut_face(photo, mesh, alignment, 128)
    turn = cv2.getRotationMatrix2D((200, 250), 23, 1.3)
    turn[:, 2] += 250
    turned = np.asarray(cv2.warpAffine(photo, turn, (1300, 1300), flags=cv2.INTER_CUBIC), np.uint8)
    points = mesh.points.copy()
    points[:, :2] = points[:, :2] @ turn[:, :2].T + turn[:, 2]
    after, _ = cut_face(turned, FaceMesh(points, 1.0), alignment, 128)
    middle = (slice(30, 98), slice(30, 98))  # the rest may lie outside the picture
    assert np.abs(before[middle].astype(int) - after[middle]).mean() < 4


def test_five_points_lie_where_arcface_has_them(photo: Pixels, mesh: FaceMesh, meter: FaceMeasurer) -> None:
    for text, scale, moved in (("arcface_112", 1.0, 0.0), ("arcface_128", 1.0, 8.0)):
        side = int(text.split("_")[1])
        to_crop = cv2.invertAffineTransform(Alignment.parse(text).to_picture(mesh, side))
        eyes = mesh.points[[33, 133, 362, 263], :2].reshape(2, 2, 2).mean(axis=1)
        five = np.vstack([eyes, mesh.points[[1, 61, 291], :2]])
        seen = five @ to_crop[:, :2].T + to_crop[:, 2]
        wanted = np.array([(38.29, 51.70), (73.53, 51.50), (56.03, 71.74), (41.55, 92.37), (70.73, 92.20)]) * scale
        assert np.abs(seen - wanted - (moved, 0)).max() < 5  # a face is not the mean face


@pytest.mark.parametrize("text", ["arcface_112", "arcface_128", "arcface_112_v1", "mtcnn_512"])
def test_five_points_are_fitted_as_others_fit_them(text: str, mesh: FaceMesh) -> None:
    """OpenCV's estimate is FaceFusion's way; InsightFace's, from scikit-image, has the same least squares."""
    alignment = Alignment.parse(text)
    five = mesh.points[alignment.points, :2].mean(axis=1)
    wanted, _ = cv2.estimateAffinePartial2D(
        five, alignment.places * 128 - 0.5, method=cv2.RANSAC, ransacReprojThreshold=100
    )
    given = cv2.invertAffineTransform(alignment.to_picture(mesh, 128))
    corners = np.array([(0, 0), (400, 0), (0, 400), (400, 400)], float)
    assert np.abs(corners @ (given - wanted)[:, :2].T + (given - wanted)[:, 2]).max() < 0.02


@pytest.mark.parametrize(("coverage", "x", "y"), [(2.2, 0.0, -0.08), (1.6, 0.1, 0.25)])
def test_the_mesh_lies_where_deepfacelive_has_it(coverage: float, x: float, y: float) -> None:
    """Numbers of its own table of 468 points, for a face that looks just like it: seen turned and enlarged."""
    in_its_table = {
        0: (0.49066195, 0.7133885),
        10: (0.48905632, -0.25326234),
        21: (-0.2106727, 0.00861922),
        93: (-0.37090415, 0.5509728),
        152: (0.49159575, 1.2484183),
        251: (1.1896138, 0.00617525),
    }
    turn = np.array([[0.8, -0.6], [0.6, 0.8]]) * 321
    points = np.hstack([uv_points() @ turn.T + (200, -30), np.zeros((468, 1))]).astype(np.float32)
    alignment = Alignment.parse(f"mesh coverage={coverage} x={x} y={y}")
    to_crop = cv2.invertAffineTransform(alignment.to_picture(FaceMesh(points, 1.0), 224))
    for number, place in in_its_table.items():
        seen = to_crop[:, :2] @ points[number, :2] + to_crop[:, 2] + 0.5  # from pixels' middles
        wanted = ((np.array(place) - (0.5 + x, 0.5 + y)) / coverage + 0.5) * 224
        assert seen == pytest.approx(wanted, abs=0.01)


def test_the_mesh_is_fitted_in_the_crop_by_nose_and_cheeks(mesh: FaceMesh) -> None:
    """Umeyama's own formula, from the picture to the template."""
    alignment = Alignment.parse(DEEPFACELIVE)
    assert alignment.points.shape == (152, 1)
    used = alignment.points[:, 0]
    assert {1, 4, 234, 454} <= set(used.tolist())
    assert not {33, 263, 61, 291, 13, 14, 152, 10, 70, 300} & set(used.tolist()), "eyes, lips, chin, brows move"
    seen, wanted = mesh.points[used, :2].astype(float), alignment.places * 224 - 0.5
    u, sizes, v = np.linalg.svd((wanted - wanted.mean(0)).T @ (seen - seen.mean(0)) / len(seen))
    turn = u @ v * sizes.sum() / seen.var(axis=0).sum()
    to_crop = np.column_stack([turn, wanted.mean(0) - turn @ seen.mean(0)])
    assert cv2.invertAffineTransform(alignment.to_picture(mesh, 224)) == pytest.approx(to_crop, rel=1e-4, abs=1e-4)


def test_eyes_lie_about_where_they_do_in_whole_face_pictures(mesh: FaceMesh) -> None:
    """FaceFusion's `dfl_whole_face`: the same crop told in five points."""
    to_crop = cv2.invertAffineTransform(Alignment.parse(DEEPFACELIVE).to_picture(mesh, 1))
    eyes = mesh.points[[33, 133, 362, 263], :2].reshape(2, 2, 2).mean(axis=1)
    seen = eyes @ to_crop[:, :2].T + to_crop[:, 2] + 0.5
    assert seen == pytest.approx(np.array([(0.353, 0.393), (0.628, 0.393)]), abs=0.05)


@pytest.mark.parametrize("text", TEXTS)
def test_the_matrix_goes_from_the_crop_to_the_picture(text: str, photo: Pixels, mesh: FaceMesh) -> None:
    crop, to_picture = cut_face(photo, mesh, Alignment.parse(text), 96)
    again = cv2.warpAffine(photo, to_picture, (96, 96), flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP)
    middle = (slice(20, 76), slice(20, 76))
    assert np.abs(crop[middle].astype(int) - again[middle]).mean() < 4


def test_a_larger_crop_of_the_same_face_shows_the_same_part(photo: Pixels, mesh: FaceMesh) -> None:
    small, _ = cut_face(photo, mesh, Alignment.parse(FACE), 64)
    large, _ = cut_face(photo, mesh, Alignment.parse(FACE), 256)
    assert np.abs(cv2.resize(large, (64, 64), interpolation=cv2.INTER_AREA).astype(int) - small).mean() < 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("arcface_113", "did you mean"),
        ("", "there are: face, mesh"),
        ("mesh", "cannot be"),
        ("mesh coverage=9", "0.5 to 5"),
        ("mesh coverage=2 z=1", "'z=1'"),
        ("face coverage=2", "no face crop"),
    ],
)
def test_an_unknown_alignment_is_a_line(text: str, said: str) -> None:
    with pytest.raises(ModelError, match="crop") as caught:
        Alignment.parse(text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [2.1, 2.9, 4.3, 7.9])
def test_every_pixel_of_a_large_face_counts(photo: Pixels, scale: float) -> None:
    """Against the mean of 256 samples for each pixel, on a picture as grainy as a webcam's in the evening."""
    grain = np.random.default_rng(1).normal(0, 8, photo.shape)
    grainy = np.clip(photo + grain, 0, 255).astype(np.uint8)
    to_picture = square_crop((250.3, 260.7), scale, 0.3, 48)
    finest = to_picture.astype(float)
    finest[:, :2] /= 16
    finest[:, 2] += to_picture[:, :2] @ np.full(2, 0.5 / 16 - 0.5)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    many = cv2.warpAffine(grainy, finest, (48 * 16, 48 * 16), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    wanted = cv2.resize(many, (48, 48), interpolation=cv2.INTER_AREA)
    assert np.abs(sample(grainy, to_picture, 48).astype(int) - wanted).mean() < 1.5


@pytest.mark.parametrize("scale", [1.0, 2.5, 5.0])
@pytest.mark.parametrize("middle", [(-900, 200), (2000, 2000), (511, 300), (3, 599)])
def test_a_crop_beyond_the_picture_repeats_its_edge(photo: Pixels, middle: tuple[float, float], scale: float) -> None:
    to_picture = square_crop(middle, scale, 0.2, 64)
    padded = np.pad(photo, ((2200, 2200), (2200, 2200), (0, 0)), mode="edge")
    moved = to_picture + np.array([(0, 0, 2200), (0, 0, 2200)], np.float32)
    apart = np.abs(sample(photo, to_picture, 64).astype(int) - sample(padded, moved, 64))
    assert apart.mean() < 1.5


def test_a_crop_many_times_as_large_as_the_picture_is_cut_too(photo: Pixels) -> None:
    assert sample(photo, square_crop((250, 300), 5000.0, 0.2, 16), 16).shape == (16, 16, 3)
