"""Names and places as people have them: one line that says what to do, whatever they write."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from realtime.__main__ import main
from realtime.cameras import kind_of
from realtime.core.errors import OptionError, PortraitError, RealtimeError
from realtime.core.frame_rates import parse_rate
from realtime.core.paths import user_path
from realtime.core.specs import model_and_rest, names_in
from realtime.outputs import split_spec
from realtime.portrait.pack import Portrait
from realtime.swap.names import is_photo

LONG = "a" * 300


@pytest.mark.parametrize("text", ["~no-such-user-here/film.mp4", "a\0b.mp4", f"{LONG}.mp4", f"{LONG}/b.mp4"])
def test_what_can_be_no_path_is_one_line(text: str) -> None:
    for read in (user_path, kind_of, split_spec):
        with pytest.raises(RealtimeError) as caught:
            read(text)
        assert "\n" not in str(caught.value)
        assert "\0" not in str(caught.value)
        assert len(str(caught.value)) < 160


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--source", "~no-such-user-here/a.mp4"],
        ["run", "--source", "9" * 400],
        ["run", "--source", "demo", "--fps", "9" * 400],
        ["run", "--source", "demo", "--fps", "1e999999999"],
        ["run", "--source", "demo", "--frames", "9" * 5000],
        ["run", "--source", "demo", "--seconds", "9" * 5000],
        ["run", "--source", "demo", "--size", "9" * 5000 + "x16"],
        ["run", "--source", "demo", "--output", f"{LONG}.mp4"],
        ["run", "--source", "demo", "--effect", f"portrait:{LONG}"],
        ["run", "--source", "demo", "--effect", f"style:{LONG}.onnx"],
        ["run", "--source", "demo", "--set", "portrait.view_left=" + "9" * 400],
        ["run", "--preset", f"{LONG}.toml"],
        ["render", "~no-such-user-here/a.mp4", "b.mp4"],
        ["render", "a.mp4", "~no-such-user-here/b.mp4"],
        ["portrait", "build", "~no-such-user-here/a.jpg"],
        ["portrait", "show", f"{LONG}.portrait"],
    ],
)
def test_words_nobody_meant_are_one_line(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "fault in realtime" not in error
    assert len(error) < 300


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "fps = " + "9" * 5000,
        "fps = " + "9" * 4000,
        "[portrait]\nview_left = " + "9" * 4000,
        "fps = nan",
    ],
)
def test_presets_nobody_meant_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    assert main(["run", "--source", "demo", "--output", "none", "--preset", str(tmp_path / "p.toml")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "fault in realtime" not in error


def test_archives_nobody_can_read_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.portrait"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("000.png", b"no picture")
    data = path.read_bytes()
    central = data.index(b"PK\1\2")
    later = data[: central + 6] + (99).to_bytes(2, "little") + data[central + 8 :]  # needs version 9.9
    deep = tmp_path / "deep"
    deep.mkdir()
    (deep / "portrait.toml").write_text("a = " + "[" * 5000)
    path.write_bytes(later)
    for pack in (path, deep):
        with pytest.raises(PortraitError) as caught:
            Portrait.open(pack)
        assert "\n" not in str(caught.value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("x"), b"")
    path.write_bytes(path.read_bytes().replace(b"x", b"\0"))
    with pytest.raises(PortraitError, match="is no portrait"):
        Portrait.open(path)


@pytest.mark.parametrize(("text", "rate"), [("30000/1001", 30000 / 1001), ("25", 25.0), (" 29.97 ", 30000 / 1001)])
def test_rates_are_read_as_before(text: str, rate: float) -> None:
    assert parse_rate(text) == pytest.approx(rate, rel=1e-12)


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot be there")
def test_commas_and_colons_may_be_in_a_photos_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a,b.jpg", "10:30.jpg", "c.jfif", "no suffix", "model.onnx", "m:n.onnx"):
        (tmp_path / name).touch()
    assert names_in("a,b.jpg") == ["a,b.jpg"]
    assert names_in("c.jfif, a,b.jpg,10:30.jpg") == ["c.jfif", "a,b.jpg", "10:30.jpg"]
    assert names_in("x.jpg,y.jpg") == ["x.jpg", "y.jpg"]
    assert names_in("model.onnx:a,b.jpg,c.jfif") == ["model.onnx:a,b.jpg", "c.jfif"]
    assert names_in("model.onnx:c.jfif,model.onnx:a,b.jpg") == ["model.onnx:c.jfif", "model.onnx:a,b.jpg"]
    assert names_in("c.jfif,model.onnx:c.jfif") == ["c.jfif", "model.onnx:c.jfif"]
    assert [name for name in ("10:30.jpg", "c.jfif", "no suffix", "missing.heic") if is_photo(name)] == [
        "10:30.jpg", "c.jfif", "no suffix", "missing.heic",
    ]  # fmt: skip
    assert not any(map(is_photo, ("model.onnx", "inswapper", "model.onnx:a,b.jpg", "inswapper:me.jpg")))
    assert model_and_rest("model.onnx:10:30.jpg") == ("model.onnx", "10:30.jpg")
    assert model_and_rest("m:n.onnx:c.jfif") == ("m:n.onnx", "c.jfif")
    assert model_and_rest("m:n.onnx") == ("m:n.onnx", "")
    assert model_and_rest("inswapper:me.jpg") == ("inswapper", "me.jpg")
    assert model_and_rest(r"C:\m.onnx:D:\me.jpg") == (r"C:\m.onnx", r"D:\me.jpg")


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="no such users there")
def test_a_user_without_a_home_folder_is_told_what_to_set() -> None:
    """As in containers: a number without a name, and no HOME."""
    words = (
        "import os, pwd, sys\n"
        "for name in ('HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME'): os.environ.pop(name, None)\n"
        "def nobody(number): raise KeyError(number)\n"
        "pwd.getpwuid = nobody\n"
        "from realtime.models.library import model_names\n"
        "from realtime.models.card import ModelKind\n"
        "from realtime.core.paths import user_cache_folder\n"
        "print(len(model_names(ModelKind.STYLE)))\n"
        "from realtime.core.errors import OptionError\n"
        "try: user_cache_folder()\n"
        "except OptionError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    count, told = done.stdout.splitlines()
    assert int(count) >= 7
    if sys.platform == "linux":
        assert told == "no home folder is known for the cache; set HOME or XDG_CACHE_HOME to a folder"


def test_what_the_system_refuses_is_a_line_with_the_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system", "/media/card/film.mp4")

    monkeypatch.setattr("realtime.commands.effects.run", refuse)
    assert main(["effects"]) == 2
    assert capsys.readouterr().err == (
        "realtime: /media/card/film.mp4: Read-only file system; check the path, its permissions and the disk\n"
    )


def test_a_path_that_is_meant_is_left_alone(tmp_path: Path) -> None:
    assert user_path(str(tmp_path / "ä b:c,d.mp4")) == tmp_path / "ä b:c,d.mp4"
    assert user_path("~/x") == Path.home() / "x"
    with pytest.raises(OptionError):
        user_path("\0")
