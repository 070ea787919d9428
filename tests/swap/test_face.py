"""One face of several photos: what it is made of, its file, and how it is asked for."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.core.errors import EffectError
from realtime.core.specs import EffectSpec, joined_files, names_in, without_folders
from realtime.face_compositing.compositor import Compositor, KeptFeatures
from realtime.face_compositing.face_geometry import FaceGeometry, with_rim
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import LIPS, MOUTH, RIGID, FaceMesh
from realtime.faces.landmarks.smile import axes_of, in_own_frame
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.swap.face.blending import Weighed, blended
from realtime.swap.face.building import built
from realtime.swap.face.face_file import FORMAT, FaceFile, read_face, write_face
from realtime.swap.face.opening import open_face
from realtime.swap.face.proportions import mean_shape, strangeness
from realtime.swap.face.registration import moved, moved_together
from realtime.swap.face.report import report_of
from realtime.swap.face.sights import LeftOut, Looked, Sight, look_at
from realtime.swap.face.sources import files_of, is_face
from realtime.swap.face.views import View, laid_flat
from realtime.swap.photo.photo_face import CutFace, PhotoFace, PhotoLevels
from realtime.swap.photo.smiling_mouth import smiling_mouth
from tests.swap.conftest import difference
from tests.swap.test_photo import turned


@pytest.fixture(scope="session")
def sight(photo: Pixels, mesh: FaceMesh) -> Sight:
    return Sight("navy.jpg", photo, mesh, 0.3)


@pytest.fixture(scope="session")
def darker(photo: Pixels, mesh: FaceMesh) -> Sight:
    """The same face in a bluer and darker light, moved by a few pixels."""
    matrix = np.array([[1, 0, 6], [0, 1, -4]], np.float32)
    moved = cv2.warpAffine(photo, matrix, photo.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    pixels = np.clip(moved * np.array([0.8, 0.62, 0.55]), 0, 255).astype(np.uint8)
    there = dataclasses.replace(mesh, points=mesh.points + np.array([6, -4, 0], np.float32))
    return Sight("darker.jpg", pixels, there, 0.3)


@pytest.fixture(scope="session")
def kept(sight: Sight, darker: Sight) -> FaceFile:
    return FaceFile("two", built([sight, darker]), ("navy.jpg: from in front, at rest",))


@pytest.fixture(scope="session")
def written(kept: FaceFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("faces") / "two.face"
    write_face(kept, path)
    return path


def grey_view(side: int, level: float, seen: float = 1.0) -> View:
    picture = np.full((side, side, 3), level, np.float32)
    share = np.full((side, side), seen, np.float32)
    return View(picture, picture, share, np.ones((side, side), np.float32), has_mouth=True)


def weighed(view: View, counts: Floats) -> Weighed:
    return Weighed(view.skin, np.asarray(counts, np.float32), view.detail, 1.0)


# What it is made of ----------------------------------------------------------------------------------------------


def test_a_single_photo_is_worn_as_it_is_alone(sight: Sight) -> None:
    alone, of_one = PhotoLevels.of(sight.photo, sight.mesh), built([sight])
    assert all(np.array_equal(one, other) for one, other in zip(alone.levels, of_one.levels, strict=True))
    assert np.array_equal(alone.corners, of_one.corners)
    assert np.array_equal(alone.mesh.points, of_one.mesh.points)


def test_a_place_that_faces_the_camera_is_seen_and_one_behind_the_nose_is_not(photo: Pixels, mesh: FaceMesh) -> None:
    cut = CutFace.of(photo, mesh)
    aside = turned(mesh, 40)
    view = laid_flat(dataclasses.replace(cut, corners=cut.corners, mesh=mesh), mesh, 256)
    assert view.seen[128, 128] > 0.3
    far = laid_flat(dataclasses.replace(cut, corners=with_rim(aside.points[:, :2])), aside, 256)
    left, right = (far.seen[90:170, columns].mean() for columns in (slice(40, 110), slice(146, 216)))
    assert min(left, right) < 0.35 * max(left, right)


def test_two_views_of_other_exposure_meet_without_a_seam() -> None:
    side = 128
    bright, dark = grey_view(side, 180), grey_view(side, 90)
    left = np.zeros((side, side), np.float32)
    left[:, : side // 2 + 8] = 1
    mixed = blended([weighed(bright, left), weighed(dark, np.ascontiguousarray(left[:, ::-1]))])
    assert np.ptp(mixed[20:-20, 20:-20]) < 3
    assert 110 < mixed.mean() < 150  # the exposure between both


def test_what_one_photo_alone_does_not_show_comes_from_the_other() -> None:
    side = 128
    plain, spotted = grey_view(side, 120), grey_view(side, 120)
    spotted.skin[60:68, 60:68] = 40
    hidden = np.ones((side, side), np.float32)
    hidden[50:78, 50:78] = 0
    mixed = blended([weighed(spotted, hidden), weighed(plain, np.ones_like(hidden))])
    assert mixed[64, 64].mean() > 115
    shown = blended([weighed(spotted, np.ones_like(hidden)), weighed(plain, hidden)])
    assert shown[64, 64].mean() < 60


def test_features_that_the_mesh_has_elsewhere_are_laid_onto_each_other(sight: Sight) -> None:
    view = laid_flat(CutFace.of(sight.photo, sight.mesh), sight.mesh, 256)
    matrix = np.array([[1, 0, 3], [0, 1, -2]], np.float32)

    def beside(picture: Floats) -> Floats:
        return np.asarray(cv2.warpAffine(picture, matrix, (256, 256), borderMode=cv2.BORDER_REPLICATE), np.float32)

    shifted = dataclasses.replace(view, skin=beside(view.skin), with_mouth=beside(view.with_mouth))
    middle = np.s_[80:150, 70:186]
    before = np.abs(shifted.skin - view.skin)[middle].mean()
    flows = moved_together([view, shifted], [view.seen, view.seen], [1, 1])
    one, other = (moved(each, flow).skin for each, flow in zip((view, shifted), flows, strict=True))
    assert np.abs(one - other)[middle].mean() < 0.45 * before


def test_one_shape_of_two_meshes_lies_between_them_and_looks_at_the_camera(mesh: FaceMesh) -> None:
    wider = dataclasses.replace(mesh, points=mesh.points * np.array([1.1, 1, 1], np.float32))
    shape = mean_shape([turned(mesh, 12), wider], 100)
    assert abs(shape.yaw_degrees) < 2

    def slim(one: FaceMesh) -> float:
        return float(np.linalg.norm(one.points[10] - one.points[152])) / one.width_px

    assert slim(wider) < slim(shape) < slim(mesh)


def test_a_face_of_two_photos_is_the_face_and_has_no_hole(kept: FaceFile, sight: Sight) -> None:
    flat = kept.levels.levels[0]
    alone = laid_flat(CutFace.of(sight.photo, sight.mesh), sight.mesh, flat.shape[0]).skin
    middle = np.s_[flat.shape[0] // 3 : 3 * flat.shape[0] // 5, flat.shape[0] // 3 : 2 * flat.shape[0] // 3]
    one, other = (np.asarray(each, np.float32)[middle] for each in (flat, alone))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.97
    skin = np.median(flat, axis=(0, 1))
    for corner in (flat[:12, :12], flat[-12:, :12], flat[:12, -12:], flat[-12:, -12:]):
        assert np.abs(corner.mean(axis=(0, 1)) - skin).max() < 50  # around the face its skin goes on


# The file ----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(kept: FaceFile, written: Path) -> None:
    again = read_face(written)
    assert again.title == "two"
    assert again.report == kept.report
    assert np.array_equal(again.levels.levels[0], kept.levels.levels[0])
    assert np.array_equal(again.levels.corners, kept.levels.corners)
    assert np.array_equal(again.levels.mesh.points, kept.levels.mesh.points)
    assert written.stat().st_mode & 0o077 == 0


def repacked(written: Path, target: Path, change: Callable[[dict[str, bytes]], object], compression: int = 0) -> Path:
    with zipfile.ZipFile(written) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target


def _points(change: Callable[[Floats], object]) -> Callable[[dict[str, bytes]], object]:
    def changed(parts: dict[str, bytes]) -> None:
        numbers = np.frombuffer(parts["points.f32"], "<f4").copy()
        change(numbers)
        parts["points.f32"] = numbers.tobytes()

    return changed


def _png(width: int, height: int) -> bytes:
    done, data = cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))
    assert done
    return bytes(data)


HOSTILE: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "NaN": (_points(lambda n: n.__setitem__(5, np.nan)), "no number"),
    "infinite": (_points(lambda n: n.__setitem__(-1, np.inf)), "no number"),
    "far away": (_points(lambda n: n.__setitem__(0, 1e30)), "outside"),
    "all in one place": (_points(lambda n: n.__setitem__(slice(1008, -1), 3.0)), "no face"),
    "no size": (_points(lambda n: n.__setitem__(-1, 0)), "no face"),
    "points cut short": (lambda parts: parts.__setitem__("points.f32", parts["points.f32"][:-4]), "bytes"),
    "points too long": (lambda parts: parts.__setitem__("points.f32", parts["points.f32"] + b"1234"), "bytes"),
    "no skin": (lambda parts: parts.pop("skin.png"), "lacks skin.png"),
    "no picture": (lambda parts: parts.__setitem__("skin.png", b"GIF89a" + bytes(40)), "skin.png"),
    "a picture too large": (lambda parts: parts.__setitem__("skin.png", _png(20, 5000)), "20x5000"),
    "picture cut short": (lambda parts: parts.__setitem__("skin.png", parts["skin.png"][:200]), "skin.png"),
    "two sizes": (lambda parts: parts.update({"mouth.png": _png(80, 80)}), "bytes"),
    "no JSON": (lambda parts: parts.__setitem__("face.json", b"\xff{"), "no JSON"),
    "nested": (lambda parts: parts.__setitem__("face.json", b"[" * 100_000), "JSON"),
    "a list": (lambda parts: parts.__setitem__("face.json", b"[1]"), "format"),
    "a newer format": (lambda parts: parts.__setitem__("face.json", b'{"format": 9}'), "format 9"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_face_is_refused_in_a_line(written: Path, tmp_path: Path, name: str) -> None:
    change, words = HOSTILE[name]
    with pytest.raises(EffectError, match=words) as refused:
        read_face(repacked(written, tmp_path / "bad.face", change))
    assert "\n" not in str(refused.value)
    assert ";" in str(refused.value)


def test_what_unpacks_to_more_is_not_unpacked(written: Path, tmp_path: Path) -> None:
    bomb = repacked(written, tmp_path / "bomb.face", lambda parts: parts.__setitem__("skin.png", bytes(30_000_000)), 8)
    assert bomb.stat().st_size < 200_000
    with pytest.raises(EffectError, match="not as this program packs"):
        read_face(bomb)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06" + bytes(18), b"no archive at all" * 20])
def test_what_is_no_archive_is_no_face(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.face"
    path.write_bytes(data)
    with pytest.raises(EffectError, match=r"x\.face"):
        read_face(path)


def test_a_face_cut_short_anywhere_is_refused(written: Path, tmp_path: Path) -> None:
    data, path = written.read_bytes(), tmp_path / "short.face"
    for share in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(EffectError, match=r"short\.face"):
            read_face(path)


def test_a_strangers_words_cannot_write_on_the_terminal(written: Path, tmp_path: Path) -> None:
    words = json.dumps({"format": FORMAT, "title": "a\x1b[2Jb\n", "report": ["x\r\ny" * 1000, 5]}).encode()
    face = read_face(repacked(written, tmp_path / "t.face", lambda parts: parts.__setitem__("face.json", words)))
    assert face.title == "a [2Jb"
    assert len(face.report) == 1
    assert face.report[0].isprintable()
    assert len(face.report[0]) <= 300


# How it is asked for -----------------------------------------------------------------------------------------------


def test_a_plus_joins_files_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.jpg", "b.jpg", "a+b.jpg", "x,1.jpg"):
        (tmp_path / name).write_bytes(b"x")
    assert joined_files("a.jpg+b.jpg") == ["a.jpg", "b.jpg"]
    assert joined_files("a+b.jpg") == ["a+b.jpg"]  # a file of that name
    assert joined_files("b.jpg+a+b.jpg") == ["b.jpg", "a+b.jpg"]
    assert joined_files("c++") == ["c++"]
    assert joined_files("a.jpg+gone.jpg") == ["a.jpg", "gone.jpg"]
    assert joined_files("gone.jpg+a.jpg") == ["gone.jpg", "a.jpg"]
    assert names_in("x,1.jpg+b.jpg,a.jpg") == ["x,1.jpg+b.jpg", "a.jpg"]
    assert is_face("a.jpg+b.jpg")
    assert not is_face("a+b.jpg")
    assert not is_face("a.jpg")
    with pytest.raises(EffectError, match=r"gone\.jpg"):
        files_of(joined_files("a.jpg+gone.jpg"))


def test_a_preset_finds_the_photos_beside_it_and_titles_leave_folders_out(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"x")
    asked = EffectSpec.parse("swap:a.jpg+b.jpg").beside(tmp_path)
    assert asked.argument == f"{tmp_path / 'a.jpg'}+{tmp_path / 'b.jpg'}"
    assert asked.public_name == "swap:a.jpg+b.jpg"
    assert without_folders("swap:/home/ben/+1/me.jpg") == "swap:me.jpg"
    assert without_folders("swap:/home/anna/") == "swap:anna/"


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(EffectError, match="holds no photos"):
        files_of([str(tmp_path)])


def test_photos_of_a_folder_come_in_the_order_of_their_numbers_and_are_no_more_than_24(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"p{number}.jpg").write_bytes(b"x")
    names = [path.name for path in files_of([str(tmp_path)])]
    assert names[:2] == ["p0.jpg", "p2.jpg"]
    assert len(names) == 24


def test_photos_without_a_face_are_left_out_and_said(navy_photo: Path, tmp_path: Path, meter: FaceMeasurer) -> None:
    blank, torn = tmp_path / "blank.png", tmp_path / "torn.jpg"
    blank.write_bytes(_png(200, 200))
    torn.write_bytes(navy_photo.read_bytes()[:3000])
    looked = look_at([blank, navy_photo, torn], meter)
    assert [each.name for each in looked.sights] == [navy_photo.name]
    assert [each.name for each in looked.left_out] == ["blank.png", "torn.jpg"]
    assert looked.left_out[0].why == "no face was found"
    with pytest.raises(EffectError, match=r"blank.png: no face was found \(and 1 more like it\)"):
        look_at([blank, torn], meter)


def test_a_face_is_built_once(
    navy_photo: Path, other_photo: Path, tmp_path: Path, meter: FaceMeasurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    name = f"{navy_photo}+{other_photo}"
    told: list[float] = []
    first = open_face(name, meter, progress=lambda what, share: told.append(share))
    assert told == sorted(told)
    assert told[-1] == 1
    monkeypatch.setattr("realtime.swap.face.opening.build_face", None)
    again = open_face(name, meter)
    assert np.array_equal(first.levels.levels[0], again.levels.levels[0])
    (cached,) = (tmp_path / "realtime" / "faces").iterdir()
    assert cached.stat().st_mode & 0o077 == 0


def test_build_and_show(
    navy_photo: Path, other_photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target, page = tmp_path / "n.face", tmp_path / "n.html"
    words = ["face", "build", str(navy_photo), str(other_photo), "-o", str(target), "--title", "N <b>"]
    assert main([*words, "--preview", str(page)]) == 0
    said = capsys.readouterr().out
    assert f"{navy_photo.name}: " in said
    assert "none is turned to the right or left by 20° or more" in said
    assert "<h1>N &lt;b&gt;</h1>" in page.read_text("utf-8")
    assert main(["face", "show", str(target)]) == 0
    assert "N <b>" in capsys.readouterr().out
    assert main(words) == 2  # it exists
    assert main(["face", "build", str(navy_photo), "-o", str(tmp_path / "n.png")]) == 2


# The smiling mouth -------------------------------------------------------------------------------------------------


def smiling(mesh: FaceMesh, gap: float) -> FaceMesh:
    """The same face with its lips so many eye distances apart, and the corners of its mouth drawn wide and up."""
    axes, unit = axes_of(mesh.points)
    points = in_own_frame(mesh.points)
    lower = [*MOUTH[11:], *LIPS[11:]]
    points[lower, 1] += gap
    for corners, side in (((61, 78), -1), ((291, 308), 1)):
        points[list(corners), 0] += 0.16 * side
        points[list(corners), 1] -= 0.1
    back = points * unit @ axes.T + mesh.points[list(RIGID)].mean(axis=0)
    return dataclasses.replace(mesh, points=back.astype(np.float32))


def worn_by(face: PhotoFace, mesh: FaceMesh, size: Size) -> tuple[Pixels, FaceGeometry]:
    geometry = FaceGeometry()
    geometry.update(mesh, size, face.corners)
    return face.draw(geometry).copy(), geometry


@pytest.fixture(scope="session")
def with_smile(kept: FaceFile, sight: Sight) -> PhotoLevels:
    """The face, and a mouth that is blue, so that it is known."""
    cut = CutFace.of(sight.photo, sight.mesh)
    blue = np.zeros_like(sight.photo)
    blue[..., 0] = 220
    corners = with_rim(sight.mesh.points[:, :2])
    mouth = smiling_mouth(blue, corners, smiling(sight.mesh, 0.16), np.ones(3))
    assert cut.lips is None
    return dataclasses.replace(kept.levels, smile=mouth)


def test_who_smiles_has_the_mouth_of_the_photo_that_smiles_and_who_rests_or_speaks_has_not(
    with_smile: PhotoLevels, mesh: FaceMesh, photo: Pixels
) -> None:
    face, plain = PhotoFace(with_smile), PhotoFace(dataclasses.replace(with_smile, smile=None))
    size = Size.of(photo)
    speaks = mesh.points.copy()
    speaks[[*MOUTH[11:], *LIPS[11:]], 1] += 0.16 * axes_of(mesh.points)[1]
    for calm in (mesh, dataclasses.replace(mesh, points=speaks)):
        for _ in range(10):
            drawn, without = (worn_by(one, calm, size)[0] for one in (face, plain))
        assert face.own_mouth == 0
        assert np.array_equal(drawn, without)
    smiles = smiling(mesh, 0.16)
    for _ in range(20):
        drawn, geometry = worn_by(face, smiles, size)
    assert face.own_mouth > 0.9
    x, y = geometry.in_place(MOUTH).mean(axis=0).astype(int)
    assert drawn[y, x].argmax() == 0
    assert drawn[y, x, 0] > 180
    cheek = geometry.in_place((50,))[0].astype(int)
    assert drawn[cheek[1], cheek[0], 0] < drawn[cheek[1], cheek[0], 2]
    for _ in range(40):
        worn_by(face, mesh, size)
    assert face.own_mouth == 0
    for wider in (smiling(mesh, 0.6), turned(smiles, 35)):
        for _ in range(5):
            worn_by(face, wider, size)
        assert face.own_mouth < 0.05


def test_the_viewers_own_mouth_is_covered_as_far_as_the_photos_is_worn(
    with_smile: PhotoLevels, mesh: FaceMesh, photo: Pixels
) -> None:
    face = PhotoFace(with_smile)
    compositor = Compositor(face, KeptFeatures(eyes=True, mouth=True), light=0.0, in_front=False)
    smiles = smiling(mesh, 0.16)
    x, y = smiles.points[list(MOUTH), :2].mean(axis=0).astype(int)
    for number in range(20):
        out = photo.copy()
        compositor.render(photo, smiles, number / 30, 1.0, out)
        if number == 0:
            assert difference(out[y - 1 : y + 2, x - 1 : x + 2], photo[y - 1 : y + 2, x - 1 : x + 2]) < 70
    assert out[y, x].argmax() == 0


def test_a_smiling_mouth_is_kept_in_the_file_and_looked_at(with_smile: PhotoLevels, tmp_path: Path) -> None:
    path = tmp_path / "s.face"
    write_face(FaceFile("s", with_smile, ()), path)
    again = read_face(path).levels.smile
    assert again is not None
    assert with_smile.smile is not None
    assert np.array_equal(again.picture, with_smile.smile.picture)
    assert np.array_equal(again.corners, with_smile.smile.corners)
    bad: list[Callable[[dict[str, bytes]], object]] = [
        lambda parts: parts.__setitem__("smile.f32", parts["smile.f32"][4:]),
        lambda parts: parts.__setitem__("smile.f32", np.full(81, np.nan, "<f4").tobytes()),
        lambda parts: parts.__setitem__("smile.f32", np.full(81, 2.5e4, "<f4").tobytes()),
        lambda parts: parts.__setitem__("smile.f32", np.array([*[9e4] * 80, 0.1], "<f4").tobytes()),
        lambda parts: parts.pop("smile.f32"),
        lambda parts: parts.__setitem__("smile.png", _png(4, 4)),
    ]
    for change in bad:
        with pytest.raises(EffectError, match="smile"):
            read_face(repacked(path, tmp_path / "bad.face", change))


# Films -------------------------------------------------------------------------------------------------------------


def filmed(path: Path, pictures: list[Pixels], fps: float = 4.0) -> Path:
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def test_of_a_film_the_sharpest_frame_of_each_direction_is_taken(
    photo: Pixels, mesh: FaceMesh, tmp_path: Path, meter: FaceMeasurer
) -> None:
    left, top = (round(float(edge)) for edge in mesh.points[:, :2].min(axis=0) - 80)
    sharp = np.ascontiguousarray(photo[top : top + 320, left : left + 320])
    blurred = np.asarray(cv2.GaussianBlur(sharp, (0, 0), 4), np.uint8)
    film = filmed(tmp_path / "navy.mp4", [blurred, np.zeros_like(sharp), sharp, blurred])
    looked = look_at([film], meter)
    assert [each.name for each in looked.sights] == ["navy.mp4 at 0.5 s"]


def test_a_film_without_a_face_is_refused(tmp_path: Path, meter: FaceMeasurer) -> None:
    film = filmed(tmp_path / "empty.mp4", [np.full((96, 128, 3), 90, np.uint8)] * 4)
    with pytest.raises(EffectError, match=r"empty.mp4: no face is seen in the film"):
        look_at([film], meter)
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(film.read_bytes()[:100])
    with pytest.raises(EffectError, match=r"torn.mp4: "):
        look_at([torn], meter)


# What is said ------------------------------------------------------------------------------------------------------


def test_it_is_said_what_each_photo_gave_and_what_none_shows(sight: Sight, kept: FaceFile, mesh: FaceMesh) -> None:
    aside = Sight("aside.jpg", sight.photo, turned(mesh, 30), 0.05, people=3)
    looked = Looked((sight, aside), (LeftOut("beach.jpg", "no face was found"),))
    lines = list(report_of(looked, kept.levels))
    which = "right" if aside.mesh.yaw_degrees > 0 else "left"
    other = {"right": "left", "left": "right"}[which]
    assert lines[0].startswith("navy.jpg: ")
    assert lines[1].startswith(f"aside.jpg: 3 faces, the largest is taken, turned 31° to the {which}")
    assert "eyes closed" in lines[1]
    assert lines[2] == "beach.jpg: left out, no face was found"
    assert f"none is turned to the {other} by 20° or more" in lines[3]


def test_photos_of_which_none_looks_at_the_camera_are_refused(
    navy_photo: Path, meter: FaceMeasurer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.swap.face.sights.MOST_YAW_DEGREES", 0.01)
    with pytest.raises(EffectError, match="no photo looks at the camera"):
        look_at([navy_photo], meter)


def test_a_stranger_among_one_persons_photos_is_told_by_his_proportions(mesh: FaceMesh) -> None:
    stranger = dataclasses.replace(mesh, points=mesh.points * np.array([1.0, 1.3, 1.0], np.float32))
    off = strangeness([mesh, turned(mesh, 15), turned(mesh, -15), stranger, mesh])
    assert int(np.argmax(off)) == 3
    assert off[3] > 0.043 > max(off[0], off[1])
    assert strangeness([mesh, stranger]) == [0.0, 0.0]  # who of two is the stranger nobody can tell
