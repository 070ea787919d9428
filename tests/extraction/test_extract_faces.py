"""The command, on real faces: what it keeps, what it leaves out, and that nothing is ever lost."""

from __future__ import annotations

import errno
import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.faces.detection.blazeface import open_still
from realtime.faces.landmarks.alignment import FACE, Alignment, cut_face
from realtime.faces.landmarks.mesh import FaceMesh, MeshModel
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import read_picture
from tests.extraction.conftest import laid, write_clip
from tools.extract_faces import main
from tools.extraction.manifest import NAME, Manifest, ManifestWriter, crop_files
from tools.extraction.writing import Store


def photos(folder: Path, navy: Pixels, count: int, first: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        cv2.imwrite(str(folder / f"{number:03d}.jpg"), laid(navy, number))
    return folder


ALL = ("--least-difference", 0)


def run(*words: object) -> int:
    return main([str(word) for word in words])


def persons(folder: Path) -> dict[str, int]:
    return {place.name: len(list(place.iterdir())) for place in folder.iterdir() if place.is_dir()}


def test_three_photos_make_three_crops_of_one_person(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "faces"
    assert run(photos(tmp_path / "photos", navy, 3), "-o", out) == 0
    assert persons(out) == {"person-1": 3}
    assert read_picture(out / "person-1.jpg").shape == (112, 336, 3)
    assert "3 faces in" in capsys.readouterr().err
    manifest = Manifest.read(out / NAME)
    assert {line.group for line in manifest.crops.values()} == {"person-1"}
    assert [source["done"] for source in manifest.sources.values()] == [True] * 3


def test_a_network_gets_from_the_crop_what_it_would_get_from_the_picture(navy: Pixels, tmp_path: Path) -> None:
    picture = laid(navy, 5)
    cv2.imwrite(str(tmp_path / "one.png"), picture)
    assert run(tmp_path / "one.png", "-o", tmp_path / "faces", "--format", "png") == 0
    manifest = Manifest.read(tmp_path / "faces" / NAME)
    (name, line), *_ = manifest.crops.items()
    crop = np.asarray(cv2.imread(str(crop_files(tmp_path / "faces")[name])), np.uint8)
    assert crop.shape == (256, 256, 3)

    detector = open_still()
    mesh = MeshModel().measure(picture, detector.find(picture)[0])
    detector.close()
    alignment = Alignment.parse(FACE)
    live, _ = cut_face(picture, mesh, alignment, 64)
    trained, _ = cut_face(crop, FaceMesh(line.points(256), 1.0), alignment, 64)
    assert np.abs(live.astype(int) - trained).mean() < 2.5
    shifted = FaceMesh(line.points(256) + np.array([8, 0, 0], np.float32), 1.0)
    assert np.abs(live.astype(int) - cut_face(crop, shifted, alignment, 64)[0]).mean() > 4  # the bar can fail


def test_what_is_blurred_small_turned_or_twice_the_same_is_left_out(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "photos", navy, 1)
    good = laid(navy, 0)
    cv2.imwrite(str(folder / "twice.jpg"), good, [cv2.IMWRITE_JPEG_QUALITY, 80])
    cv2.imwrite(str(folder / "blurred.png"), cv2.GaussianBlur(laid(navy, 1), (0, 0), 6))
    small = cv2.resize(laid(navy, 2), None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "small.png"), cv2.copyMakeBorder(small, 40, 40, 40, 40, cv2.BORDER_REPLICATE))
    assert run(folder, "-o", tmp_path / "faces") == 0
    said = capsys.readouterr().err
    for part in ("1 nearly the same as another", "1 blurred", "1 too small"):
        assert part in said
    assert persons(tmp_path / "faces") == {"person-1": 1}
    assert run(folder, "-o", tmp_path / "strict", "--most-yaw", 0.1) == 2
    assert "turned too far" in capsys.readouterr().err


def test_a_clip_is_followed_and_its_cut_is_seen(navy: Pixels, tmp_path: Path) -> None:
    first = [laid(navy, 1) for _ in range(3)] + [np.roll(laid(navy, 1), (step, step), (0, 1)) for step in range(1, 7)]
    mirrored = [np.ascontiguousarray(255 - frame[:, ::-1] // 3) for frame in first]  # another scene altogether
    clip = write_clip(tmp_path / "clip.mp4", first + [np.ascontiguousarray(f[:, ::-1]) for f in first] + mirrored)
    assert run(clip, "-o", tmp_path / "faces", "--least-difference", 0) == 0
    lines = list(Manifest.read(tmp_path / "faces" / NAME).crops.values())
    shots = {line.track.split("#")[1] for line in lines if line.frame < 18}
    assert shots == {"0.0.0", "0.9.0"}
    assert [line.time_s for line in lines[:3]] == [0.0, 0.04, 0.08]


def test_the_demo_camera_is_filmed(tmp_path: Path) -> None:
    assert run("--camera", "demo", "--seconds", 0.7, "-o", tmp_path / "faces", "--every", 2) == 0
    lines = Manifest.read(tmp_path / "faces" / NAME).crops.values()
    assert lines
    assert all(line.source.startswith("camera demo") and line.time_s < 0.7 for line in lines)
    assert persons(tmp_path / "faces").keys() == {"person-1"}


def test_a_run_that_was_stopped_goes_on_and_ends_as_if_it_had_not(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "photos", navy, 8)
    add = Store.add
    with pytest.MonkeyPatch.context() as patch:

        def add_and_stop(self: Store, line, crop) -> None:  # type: ignore[no-untyped-def]
            add(self, line, crop)
            if line.file.startswith("000003"):
                signal.raise_signal(signal.SIGINT)

        patch.setattr(Store, "add", add_and_stop)
        assert run(folder, "-o", tmp_path / "faces", *ALL) == 0
    assert "stopped; 3 faces" in capsys.readouterr().err
    assert persons(tmp_path / "faces") == {"new": 3}
    with (tmp_path / "faces" / NAME).open("a") as file:
        file.write('{"file": "000004.jpg", "sou')  # the power went off in the middle of a line
    assert run(folder, "-o", tmp_path / "faces", *ALL) == 0
    assert persons(tmp_path / "faces") == {"person-1": 8}
    lines = Manifest.read(tmp_path / "faces" / NAME).crops
    assert len({line.source for line in lines.values()}) == 8

    capsys.readouterr()
    assert run(folder, "-o", tmp_path / "faces", *ALL) == 0  # all has been seen
    assert "nothing new; 8 faces" in capsys.readouterr().err
    photos(folder, navy, 2, first=20)
    (tmp_path / "faces" / "person-1").rename(tmp_path / "faces" / "grace")  # folders are the user's
    assert run(folder, "-o", tmp_path / "faces", *ALL) == 0
    assert persons(tmp_path / "faces") == {"grace": 10}


def test_a_clip_that_was_stopped_goes_on_at_its_frame(navy: Pixels, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", [laid(navy, number // 2) for number in range(16)])
    add = Store.add
    with pytest.MonkeyPatch.context() as patch:

        def add_and_stop(self: Store, line, crop) -> None:  # type: ignore[no-untyped-def]
            add(self, line, crop)
            if line.frame == 6:
                signal.raise_signal(signal.SIGINT)

        patch.setattr(Store, "add", add_and_stop)
        run(clip, "-o", tmp_path / "faces", *ALL)
    (looked,) = Manifest.read(tmp_path / "faces" / NAME).sources.values()
    assert not looked["done"]
    assert 7 <= looked["frames"] < 16
    run(clip, "-o", tmp_path / "faces", *ALL)
    run(clip, "-o", tmp_path / "whole", *ALL)
    parted, whole = (Manifest.read(tmp_path / name / NAME) for name in ("faces", "whole"))
    assert [line.frame for line in parted.crops.values()] == [line.frame for line in whole.crops.values()]
    assert sum(persons(tmp_path / "faces").values()) == len(whole.crops)


def test_a_full_disk_is_one_line_and_loses_nothing(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "photos", navy, 6)
    write = Path.write_bytes

    def full_from_the_third(self: Path, data: bytes) -> int:
        if "000003" in self.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_from_the_third)
        assert run(folder, "-o", tmp_path / "faces", *ALL) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("extract_faces:")]
    assert said[-1].endswith("No space left on device; make room, and the same command goes on")
    assert persons(tmp_path / "faces") == {"new": 2}
    assert run(folder, "-o", tmp_path / "faces", *ALL) == 0
    assert persons(tmp_path / "faces") == {"person-1": 6}


def test_broken_files_cost_a_line_each_and_no_more(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "photos", navy, 2)
    whole = (folder / "000.jpg").read_bytes()
    for number in range(7):
        (folder / f"broken-{number}.jpg").write_bytes(whole[: 300 + number])
    (folder / "film.mp4").write_bytes(b"no film at all" * 100)
    assert run(folder, "-o", tmp_path / "faces") == 0
    said = capsys.readouterr().err
    assert said.count("left out: ") == 6  # five of the files, and the tally
    assert "3 more could not be read" in said
    assert "film.mp4 is no video" in said
    assert persons(tmp_path / "faces") == {"person-1": 2}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{tmp}/wall.png", "-o", "{tmp}/out"], "no face in 1 pictures"),
        (["{tmp}/broken.mp4", "-o", "{tmp}/out"], "no picture could be read"),
        (["{tmp}/nowhere.mp4", "-o", "{tmp}/out"], "No such file"),
        (["{tmp}/empty", "-o", "{tmp}/out"], "holds no pictures"),
        (["{tmp}/wall.png", "-o", "{tmp}"], "holds other things"),
        (["-o", "{tmp}/out"], "name videos, photos or folders"),
        (["{tmp}/wall.png", "--camera", "0", "-o", "{tmp}/out"], "not both"),
        (["{tmp}/wall.png", "-o", "{tmp}/out", "--least-pixel", "3"], "did you mean '--least-px'"),
        (["{tmp}/wall.png", "-o", "{tmp}/out", "--embedding", "{tmp}/none.onnx"], "no face embedding"),
        (["{tmp}/wall.png", "-o", "{tmp}/out", "--embedding", "{tmp}/wall.png"], "no ONNX file that can be run"),
        (["--camera", "demo", "--seconds", "0", "-o", "{tmp}/out"], "--seconds takes"),
    ],
)
def test_what_cannot_be_is_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((240, 320, 3), 120, np.uint8))
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    assert run(*(word.format(tmp=tmp_path) for word in words)) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert said in lines[-1]


def test_a_folder_of_other_crops_is_not_added_to(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "photos", navy, 1)
    assert run(folder, "-o", tmp_path / "faces", "--side-px", 128) == 0
    assert run(folder, "-o", tmp_path / "faces") == 2
    assert "holds crops of 128 px" in capsys.readouterr().err


def test_a_manifest_of_another_version_is_told(
    navy: Pixels, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = photos(tmp_path / "photos", navy, 1)
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / NAME).write_text(
        json.dumps({"format": 9, "alignment": "face", "wider": 1, "side_px": 3}) + "\n"
    )
    assert run(folder, "-o", tmp_path / "faces") == 2
    assert "of another version" in capsys.readouterr().err


def test_people_of_two_clips_are_told_apart_and_known_again(shared_data: Path, tmp_path: Path) -> None:
    videos = [shared_data / "videos" / name for name in ("talking_0.mp4", "talking_11.mp4", "two_people_head_pose.gif")]
    assert run(*videos, "-o", tmp_path / "faces", "--every", 6) == 0
    lines = Manifest.read(tmp_path / "faces" / NAME).crops.values()
    together = {(line.group, Path(line.source).name) for line in lines if line.group != "unsorted"}
    groups = [group for group, _ in together]
    assert len(groups) == len(set(groups))  # nobody's folder holds faces of two clips
    assert {"talking_0.mp4", "talking_11.mp4"} <= {source for _, source in together}


def test_an_embedding_sorts_photos_of_several_people(shared_data: Path, navy: Pixels, tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos", navy, 4)
    for number in range(4):
        astronaut = read_picture(shared_data / "portraits" / "astronaut.png")
        turned = cv2.warpAffine(astronaut, cv2.getRotationMatrix2D((230, 120), 8.0 * number - 12, 1.2), (512, 512))
        cv2.imwrite(str(folder / f"astronaut-{number}.png"), turned)
    embedding = shared_data / "metrics" / "mobilefacenet.onnx"
    assert run(folder, "-o", tmp_path / "faces", "--embedding", embedding) == 0
    lines = Manifest.read(tmp_path / "faces" / NAME).crops.values()
    groups = {(line.group, Path(line.source).name[:3].isdecimal()) for line in lines}
    assert len(groups) == 2
    assert len({group for group, _ in groups}) == 2


def test_the_manifest_goes_on_behind_its_last_whole_line(tmp_path: Path) -> None:
    from tools.extraction.manifest import Header

    path = tmp_path / NAME
    writer = ManifestWriter(path, Header("face", 1.5, 64))
    writer.add({"source": "a", "stamp": "1", "frames": 3, "done": True})
    writer.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 9000)  # longer than a block
    ManifestWriter(path, Header("face", 1.5, 64)).close()
    assert path.read_bytes() == whole
    assert Manifest.read(path).sources["a"]["frames"] == 3
