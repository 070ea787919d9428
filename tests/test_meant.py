"""What people type before they have read anything does what they mean, or says what they could write."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.__main__ import COMMANDS, main
from realtime.commands.meant import meant
from realtime.core.errors import OptionError
from realtime.effects.style import _split
from realtime.imaging.frame import Size
from realtime.session.options import Options
from tests.test_options import parse
from tests.videos import write_video


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("help", "--help"),
        ("help render", "render --help"),
        ("run help", "run --help"),
        ("version", "--version"),
        ("-v", "--version"),
        ("run -v", "run --debug"),
        ("--fullscreen --effect style:night", "--output fullscreen --effect style:night"),
        ("run --camera 1", "run --source 1"),
        ("--camera=1", "--source=1"),
        ("render --camera 1", "render --camera 1"),
        ("run --source film.mp4", "run --source film.mp4"),
        ("gallery help", "gallery --help"),
        ("devices", "devices"),
        ("", ""),
    ],
)
def test_words_of_other_programs(typed: str, means: str) -> None:
    assert meant(typed.split(), COMMANDS) == means.split()


@pytest.fixture
def things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert cv2.imwrite("her.jpg", np.zeros((32, 32, 3), np.uint8))
    write_video(tmp_path / "film.mp4", 2)
    Path("pictures").mkdir()
    Path("gallery.toml").write_text('[[item]]\nportrait = "x"\n', "utf-8")
    Path("evening.toml").write_text('effect = "none"\n[scene]\nname = "Evening"\n', "utf-8")
    Path("preset.toml").write_text('effect = "none"\n', "utf-8")
    Path("broken.toml").write_text("effect = [", "utf-8")
    Path("mona.portrait").touch()
    Path("ink.onnx").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("her.jpg", "run --effect swap:her.jpg"),
        ("her.jpg --output none", "run --effect swap:her.jpg --output none"),
        ("film.mp4 --effect style:night", "run --source film.mp4 --effect style:night"),
        ("pictures", "run --source pictures"),
        ("gallery.toml --check", "gallery gallery.toml --check"),
        ("evening.toml", "run --scene evening.toml"),
        ("preset.toml", "run --preset preset.toml"),
        ("broken.toml", "run --preset broken.toml"),
        ("mona.portrait", "run --effect portrait:mona.portrait"),
        ("ink.onnx --name ink", "models add ink.onnx --name ink"),
        ("film.mp4 --fullscreen", "run --source film.mp4 --output fullscreen"),
    ],
)
def test_a_file_alone_is_what_it_is_good_for(things: Path, typed: str, means: str) -> None:
    assert meant(typed.split(), COMMANDS) == means.split()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("nothere.mp4", "no such file: nothere.mp4; check the path"),
        ("render in.mp4 out.mp4 --output x", "the result stands without a flag"),
        ("run --list", "cameras: realtime devices"),
        ("run --seconds abc", "'abc' is no number: give one from 0.01"),
        ("run --frames abc", "'abc' is no number: give a whole number from 1"),
        ("run --kamera 1", "no such option: --kamera;"),
        ("portrait build x.jpg --overwrit", "did you mean '--overwrite'?"),
    ],
)
def test_what_cannot_be_says_what_could_be_written(
    typed: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(typed.split()) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "size"),
    [("720p", Size(1280, 720)), ("1080P", Size(1920, 1080)), ("4K", Size(3840, 2160)), ("1280*720", Size(1280, 720)),
     ("640 x 360", Size(640, 360))],
)  # fmt: skip
def test_sizes_as_people_write_them(text: str, size: Size) -> None:
    assert Size.parse(text) == size


def test_effects_and_strengths_as_people_write_them() -> None:
    assert parse("--effect", "STYLE:night") == Options(effect=("style:night",))
    assert _split("night:60") == ("night", 0.6)
    assert _split("night:60%") == ("night", 0.6)
    assert _split("night:0.6") == ("night", 0.6)
    assert _split("night:1") == ("night", 1.0)
    with pytest.raises(OptionError, match="goes from 0 to 1"):
        _split("night:160%")
    with pytest.raises(OptionError, match="goes from 0 to 1"):
        _split("night:x")
