"""What a file that is dropped is taken for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.session.offers import dialogue
from realtime.session.offers.files import FileKind, Use, Way, look_at, way_of


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.onnx", b"x", FileKind.MODEL),
        ("evening.toml", b"x", FileKind.SCENE),
        ("mona.portrait", b"x", FileKind.PACK),
        ("anna.face", b"x", FileKind.FACE),
        ("a.mp4", b"x", FileKind.FILM),
        ("notes.txt", b"x", FileKind.NOTHING),
        ("net.pth", b"x", FileKind.NOTHING),
    ],
)
def test_files_are_told_apart(tmp_path: Path, name: str, content: bytes, kind: FileKind) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found = look_at(path)
    assert found.kind is kind
    assert (name in found.why_not) is (kind is FileKind.NOTHING)


def test_a_picture_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    png = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    (tmp_path / "photo").write_bytes(png)
    assert look_at(tmp_path / "photo").kind is FileKind.PICTURE


def test_folders_are_packs_rows_of_pictures_or_nothing(tmp_path: Path) -> None:
    for name in ("pack", "row", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "pack" / "portrait.toml").write_text("format = 1")
    (tmp_path / "row" / "1.png").write_bytes(b"x")
    kinds = [look_at(tmp_path / name).kind for name in ("pack", "row", "empty")]
    assert kinds == [FileKind.PACK, FileKind.FOLDER, FileKind.NOTHING]
    assert look_at(tmp_path / "gone.png").why_not == "gone.png is not there any more"


@pytest.mark.parametrize(
    ("kind", "category", "way"),
    [
        (FileKind.PICTURE, "Looks", Way(Use.EFFECT, "swap")),
        (FileKind.FACE, "", Way(Use.EFFECT, "swap")),
        (FileKind.PICTURE, "Faces", Way(Use.EFFECT, "swap")),
        (FileKind.PICTURE, "Portraits", Way(Use.BUILD_PORTRAIT)),
        (FileKind.PICTURE, "Morphs", Way(Use.EFFECT, "morph")),
        (FileKind.PICTURE, "Background", Way(Use.EFFECT, "background")),
        (FileKind.PICTURE, "", Way(Use.SOURCE)),
        (FileKind.FILM, "Looks", Way(Use.SOURCE)),
        (FileKind.FILM, "Background", Way(Use.EFFECT, "background")),
        (FileKind.FOLDER, "Portraits", Way(Use.EFFECT, "portrait")),
        (FileKind.FOLDER, "Looks", Way(Use.SOURCE)),
        (FileKind.PACK, "Faces", Way(Use.EFFECT, "portrait")),
        (FileKind.MODEL, "Faces", Way(Use.ADD_MODEL)),
        (FileKind.SCENE, "Looks", Way(Use.SCENE)),
    ],
)
def test_what_becomes_of_a_file_is_said_by_the_tab_it_falls_on(kind: FileKind, category: str, way: Way) -> None:
    assert way_of(kind, category) == way


@pytest.mark.skipif(os.name == "nt", reason="programs are found by their name alone")
@pytest.mark.parametrize(
    ("platform", "programs", "environment", "first"),
    [
        ("linux", ("zenity", "kdialog"), {"DISPLAY": ":1"}, "zenity"),
        ("linux", ("zenity", "kdialog"), {"DISPLAY": ":1", "XDG_CURRENT_DESKTOP": "KDE"}, "kdialog"),
        ("linux", ("kdialog",), {"WAYLAND_DISPLAY": "w"}, "kdialog"),
        ("linux", ("zenity",), {}, None),
        ("win32", (), {}, "powershell"),
        ("darwin", (), {}, "osascript"),
    ],
)
def test_each_system_has_its_own_dialogue(
    tmp_path: Path, platform: str, programs: tuple[str, ...], environment: dict[str, str], first: str | None
) -> None:
    for program in programs:
        shutil.copy("/bin/sh", tmp_path / program)
    command = dialogue.dialogue_command("a title", platform, environment | {"PATH": str(tmp_path)})
    assert (None if command is None else Path(command[0]).name) == first


@pytest.mark.skipif(os.name == "nt", reason="printf and false are programs of Unix")
def test_what_a_dialogue_prints_are_the_files() -> None:
    names = ["/x/a b.jpg", "/x/ü.png"]
    command = ["printf", r"%s\n", *names]
    assert dialogue.chosen_files(command, "a title") == [Path(name) for name in names]
    assert dialogue.chosen_files(["false"], "cancelled") == []
