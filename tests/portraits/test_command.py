"""`realtime portrait` as people use it: what it writes, and the one line they get when it cannot."""

from __future__ import annotations

import contextlib
import errno
import io
import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.frame import Pixels
from realtime.portrait.building.moving_faces import usable_faces
from realtime.portrait.pack import Portrait


@pytest.fixture(scope="module")
def built(navy_photo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("quick") / "quick.portrait"
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(out):
        patched.setattr("realtime.__main__.silence_native_libraries", lambda: sys.stderr)
        made = ["build", str(navy_photo), "-o", str(path), "--frames", "3", "--no-blink", "--no-mouth", "--no-idle"]
        assert main(["portrait", *made]) == 0
    told = out.getvalue()
    assert "Good. Nothing to mend." in told or "look at this first" in told
    return path


@pytest.fixture
def quick(built: Path, tmp_path: Path) -> Path:
    """A pack of one's own."""
    return Path(shutil.copy(built, tmp_path))


def test_build_then_show(quick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = tmp_path / "frames"
    assert main(["portrait", "show", str(quick), "--frames", str(frames)]) == 0
    told = capsys.readouterr().out
    assert all(words in told for words in ("grace hopper", "gaze left", "sharpness"))
    written = sorted(frames.iterdir())
    assert [path.name for path in written] == ["000.png", "001.png", "002.png"]
    with Portrait.open(quick) as portrait:
        middle = np.asarray(cv2.imread(str(written[1])), np.uint8)
        assert np.array_equal(middle, portrait.painting)
        first = np.asarray(cv2.imread(str(written[0])), np.uint8)
        assert np.array_equal(portrait.place.of(first), portrait.frame(0))
        outside = first.copy()
        portrait.place.of(outside)[:] = portrait.place.of(portrait.painting)
        assert np.array_equal(outside, portrait.painting), "nothing changes outside the frames' place"
    assert main(["portrait", "show", str(quick), "--frames", str(frames)]) == 2, "the folder is not empty"
    assert main(["portrait", "show", str(quick), "--frames", str(frames), "--force"]) == 0  # the word of before


def test_what_exists_asks_for_overwrite(quick: Path, navy_photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = quick.read_bytes()
    assert main(["portrait", "build", str(navy_photo), "-o", str(quick)]) == 2
    assert "quick.portrait exists" in (said := capsys.readouterr().err)
    assert "--overwrite" in said
    assert quick.read_bytes() == before


def test_overwrite_never_costs_the_picture_or_the_clip(
    navy_photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, clip, other = tmp_path / "own.jpg", tmp_path / "me.mp4", tmp_path / "other.txt"
    shutil.copyfile(navy_photo, picture)
    clip.write_bytes(b"a clip")
    other.write_bytes(b"not a pack")
    made = ["portrait", "build", str(picture), "--overwrite", "--frames", "3", "--no-idle", "--no-blink", "--no-mouth"]
    pack, page = str(tmp_path / "own.portrait"), str(tmp_path / "own.html")
    for more, message in (
        (["-o", str(picture)], "made from"),
        (["-o", pack, "--preview", str(picture)], "made from"),
        (["-o", str(clip), "--driving", str(clip), "--all-frames"], "made from"),
        (["-o", page, "--preview", page], "both name"),
        (["-o", str(other)], "a file"),
    ):
        assert main([*made, *more]) == 2
        assert message in capsys.readouterr().err
    assert picture.read_bytes() == navy_photo.read_bytes()
    assert (clip.read_bytes(), other.read_bytes()) == (b"a clip", b"not a pack")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["me.mp4", "other.txt", "own.jpg"]


@pytest.mark.parametrize(
    "more",
    [
        ["-o", "there.portrait"],
        ["-o", "there"],
        ["--preview", "there.html"],
        ["--preview", "there.html", "--overwrite"],
        ["--driving", "clip.mp4", "--all-frames", "-o", "there.mp4"],
        ["--driving", "clip.mp4", "--all-frames", "-o", "film.avi"],
        ["--driving", "clip.mp4", "--all-frames", "-o", "nowhere/film.mp4"],
        ["--face", "1,2,3"],
        ["--preview", "nowhere/p.html"],
    ],
)
def test_what_can_be_refused_is_refused_before_any_work(
    more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The picture and the clip are none: whoever read them first would say so."""
    monkeypatch.chdir(tmp_path)
    for name in ("picture.jpg", "clip.mp4", "there.portrait", "there.mp4"):
        Path(name).write_text("no picture at all")
    Path("there").mkdir()
    Path("there", "mine.txt").touch()
    if "--overwrite" in more:
        Path("there.html").mkdir()
    else:
        Path("there.html").touch()
    assert main(["portrait", "build", "picture.jpg", *([] if "-o" in more else ["-o", "new.portrait"]), *more]) == 2
    error = capsys.readouterr().err.strip()
    assert len(error.splitlines()) == 1
    assert "picture.jpg" not in error
    assert not Path("new.portrait").exists()


def test_show_refuses_before_it_writes(quick: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = tmp_path / "frames"
    for more, message in (
        (["--frames", str(frames), "--preview", str(tmp_path / "p.gif")], "let its name end in"),
        (["--frames", str(frames), "--preview", str(tmp_path / "no" / "p.html")], "there is no folder"),
        (["--frames", str(tmp_path / "no" / "frames")], "there is no folder"),
        (["--frames", str(quick)], "is a file; name a folder"),
    ):
        assert main(["portrait", "show", str(quick), *more]) == 2
        assert message in capsys.readouterr().err
        assert not frames.exists()


def test_pictures_are_written_all_or_none(
    quick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = tmp_path / "frames"
    write, count = Path.write_bytes, 0

    def full(self: Path, data: bytes) -> int:
        nonlocal count
        count += 1
        if count == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["portrait", "show", str(quick), "--frames", str(frames)]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]  # without a terminal its stages are lines before it
    assert error == f"realtime: cannot write to {frames}: No space left on device; choose another folder"
    assert [path.name for path in tmp_path.iterdir()] == ["quick.portrait"]

    frames.mkdir()
    older = {"000.png": "old", "077.png": "of a larger pack", "notes.txt": "mine"}
    for name, text in older.items():
        (frames / name).write_text(text)
    count = 0
    assert main(["portrait", "show", str(quick), "--frames", str(frames), "--overwrite"]) == 2
    assert {path.name: path.read_text() for path in frames.iterdir()} == older
    assert main(["portrait", "show", str(quick), "--frames", str(frames), "--overwrite"]) == 0
    assert sorted(path.name for path in frames.iterdir()) == ["000.png", "001.png", "002.png", "notes.txt"]


def test_every_face_moves_and_is_told_of(
    navy_picture: Pixels, meter: FaceMeasurer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    two, pack = tmp_path / "two.png", tmp_path / "two.portrait"
    picture = np.ascontiguousarray(np.hstack([navy_picture, navy_picture[:, ::-1]]))
    cv2.imwrite(str(two), picture)
    page, sheet = tmp_path / "two.html", tmp_path / "two.png"
    made = [
        "build",
        str(two),
        "-o",
        str(pack),
        "--frames",
        "3",
        "--no-blink",
        "--no-mouth",
        "--no-idle",
        "--preview",
        str(page),
    ]
    assert main(["portrait", *made]) == 0
    out = capsys.readouterr().out
    assert out.count("the face at") == out.count("Good. Nothing to mend.") == 2
    places = re.findall(r"^the face at (\d+),\d+, \d+ pixels wide:$", out, re.MULTILINE)
    assert min(map(int, places)) < navy_picture.shape[1] < max(map(int, places))
    assert page.read_text(encoding="utf-8").count("gaze left") == 2
    assert main(["portrait", "show", str(pack), "--preview", str(sheet), "--overwrite"]) == 0
    assert capsys.readouterr().out.count("gaze left") == 2
    with Portrait.open(pack) as portrait:
        left, right = sorted(portrait.face_reports, key=lambda report: report["box"][0])
        assert left["gaze"] != right["gaze"]
        assert left["box"][0] + left["box"][2] < right["box"][0]
        faces = usable_faces(picture, meter)
        assert len(faces) == len(portrait.face_reports) == 2
        still = [meter.find(picture, face) for face in faces]
        for index, sign in ((0, -1), (2, 1)):
            whole = picture.copy()
            portrait.place.of(whole)[:] = portrait.frame(index)
            for one in still:
                assert (meter.measure(whole, one.mesh).gaze[0] - one.gaze[0]) * sign > 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "nothing.jpg"], "no such picture: nothing.jpg"),
        (["build", "PHOTO", "--frames", "2"], "--frames 2 is out of range"),
        (["build", "PHOTO", "--rows", "0"], "--rows 0 is out of range"),
        (["build", "PHOTO", "--head", "1.5"], "--head 1.5 is out of range"),
        (["build", "PHOTO", "--engine", "mash"], "did you mean 'mesh'"),
        (["build", "PHOTO", "--all-frames"], "--all-frames needs --driving CLIP"),
        (["build", "PHOTO", "--face", "10,10"], "write X,Y,WIDTH,HEIGHT"),
        (["build", "PHOTO", "--face", "9000,10,50,50"], "outside the picture"),
        (["build", "PHOTO", "--preview", "p.gif"], "let its name end in .html"),
        (["build", "PHOTO", "-o", "no/such/folder/p.portrait"], "there is no folder"),
        (["build", "PHOTO", "--preview", "no/such/folder/p.html"], "there is no folder"),
        (["build", "PHOTO", "--preview", "photo.jpg/p.html"], "there is no folder"),
        (["build", "PHOTO", "--frames", "999", "--rows", "33"], "is more than 9999"),
        (["build", "PHOTO", "--driving", "me.mp4"], "no such clip: me.mp4"),
        (["build", "PHOTO", "--driving", "PHOTO", "-o", "photo.jpg", "--overwrite"], "made from"),
        (["build", "PHOTO", "--driving", "PHOTO", "--all-frames"], "needs -o NAME.mp4"),
        (["build", "PHOTO", "--driving", "PHOTO", "--all-frames", "-o", "f.avi"], "the name must end in"),
        (["build", "PHOTO", "--driving", "PHOTO", "--all-frames", "-o", "no/f.mp4"], "there is no folder no"),
        (
            ["build", "PHOTO", "--driving", "PHOTO", "--all-frames", "-o", "f.mp4", "--preview", "p.html"],
            "no --preview",
        ),
        (["show", "nothing.portrait"], "nothing.portrait"),
        (["build", "PHOTO", "--framse", "3"], "no such option: --framse"),
    ],
)
def test_what_cannot_be_is_one_line(
    navy_photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    photo = shutil.copy(navy_photo, tmp_path / "photo.jpg")
    words = ["portrait", *(str(photo) if word == "PHOTO" else word for word in arguments)]
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "Traceback" not in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]
