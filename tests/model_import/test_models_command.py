"""`realtime models add`, `list`, `path` and `remove`, as typed."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import platformdirs
import pytest

from realtime.commands import models
from realtime.core.errors import RealtimeError
from realtime.imaging.frame import Pixels
from realtime.model_import.hints import ValueRange
from realtime.models import library
from tests.model_import.networks import Manner, tinted, write_tint


@pytest.fixture
def models_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder of its own, and none that is shipped."""
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: tmp_path / "data" / name)
    monkeypatch.setattr(library, "shipped_folder", lambda: tmp_path / "shipped")
    # In this process, which is quicker; in one of its own: the last test here.
    monkeypatch.setattr("realtime.core.isolated_process.call", lambda _, work, *words: work(*words))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "realtime" / "models"


def typed(*words: str) -> int:
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    return models.run(parser.parse_args(words))


def refused(*words: str) -> str:
    """The one line that a user reads."""
    with pytest.raises(RealtimeError) as caught:
        typed(*words)
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_add_shows_what_was_taken_from_where_and_keeps_the_file(
    models_folder: Path, tmp_path: Path, photo: Pixels, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_tint(tmp_path / "My Tint v2.onnx", Manner(range_in=ValueRange.SIGNED, range_out=ValueRange.SIGNED))
    cv2.imwrite(str(tmp_path / "me.png"), photo)
    words = ["--licence", "MIT", "--preview", "look.png", "--picture", "me.png"]
    assert typed("add", file.name, "--range", "-1..1", *words) == 0
    told = capsys.readouterr().out
    for text in ("range in", "-1..1", "your --range", "ms a frame at 512x512", "licence MIT", "style:my-tint-v2"):
        assert text in told
    assert [path.name for path in models_folder.iterdir()] == ["my-tint-v2.onnx"]
    card = library.read_card(models_folder / "my-tint-v2.onnx")
    assert (card.title, card.licence) == ("My Tint v2", "MIT")
    both = cv2.imread(str(tmp_path / "look.png"))
    assert both is not None
    before, after = np.hsplit(both, 2)
    assert np.array_equal(before, photo)
    assert np.abs(after - tinted(photo)).max() <= 1

    assert typed() == 0
    told = capsys.readouterr().out
    (row,) = [line for line in told.splitlines() if line.startswith("my-tint-v2")]
    for text in ("style", "My Tint v2", "kB", "MIT", "yours"):
        assert text in row
    assert typed("path", "my-tint-v2") == 0
    assert capsys.readouterr().out.strip() == str(models_folder / "my-tint-v2.onnx")
    assert "did you mean 'my-tint-v2'" in refused("remove", "my-tint")
    assert typed("remove", "my-tint-v2") == 0
    assert list(models_folder.iterdir()) == []


def test_a_name_is_taken_once_and_replaced_only_when_asked(models_folder: Path, tmp_path: Path) -> None:
    file = write_tint(tmp_path / "tint.onnx", Manner())
    add = ["add", file.name, "--range", "0..1"]
    assert typed(*add) == 0
    kept = (models_folder / "tint.onnx").read_bytes()
    assert "--overwrite" in refused(*add)
    assert (models_folder / "tint.onnx").read_bytes() == kept
    assert typed(*add, "--overwrite", "--title", "Another") == 0
    assert library.read_card(models_folder / "tint.onnx").title == "Another"
    (tmp_path / "shipped").mkdir()
    (models_folder / "tint.onnx").rename(tmp_path / "shipped" / "woodblock.onnx")
    assert "shipped" in refused(*add, "--name", "woodblock")
    assert "comes with the program" in refused("remove", "woodblock")
    assert (tmp_path / "shipped" / "woodblock.onnx").exists()


def test_names_out_of_a_file_are_shown_without_their_escapes(
    models_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("x\x1b]0;PWNED\x07\x1b[31m\nsecond", "y\u202e\x1b[2J")
    file = write_tint(tmp_path / "tint\x1b[31m.onnx", Manner(names=names))
    words = ["--range", "0..1", "--title", "a\x1b[5mb", "--licence", "\x1b[7mMIT", "--name", "tint"]
    assert typed("add", file.name, *words) == 0
    assert typed() == 0
    told = capsys.readouterr().out
    assert all(line.isprintable() for line in told.splitlines()), told
    assert "PWNED" in told
    assert [path.name for path in models_folder.iterdir()] == ["tint.onnx"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--range", "0..256"], "did you mean '0..255'"),
        (["--range=-1..1", "--output-range", "imagenet"], "--output-range imagenet is not known"),
        (["--layout", "NHCW"], "--layout NHCW is not known"),
        (["--order", "grb"], "--order GRB is not known"),
        (["--multiple", "0"], "from 1 to 256"),
        (["--size", "big"], "'big' is no size"),
        (["--name", "../up"], "is no name for a model"),
        (["--name", "a:b"], "is no name for a model"),
        (["--preview", "look.gif"], "end it in .jpg or .png"),
        (["--picture", "none.jpg"], "cannot read none.jpg"),
        ([], "say --range"),
    ],
)
def test_misspelt_hints_are_one_line_and_keep_nothing(
    models_folder: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    write_tint(tmp_path / "tint.onnx", Manner())
    assert message in refused("add", "tint.onnx", *words)
    assert not models_folder.exists() or list(models_folder.iterdir()) == []


def test_a_preview_that_cannot_be_written_keeps_no_model(models_folder: Path, tmp_path: Path) -> None:
    write_tint(tmp_path / "tint.onnx", Manner())
    assert "look.jpg" in refused("add", "tint.onnx", "--range", "0..1", "--preview", "missing/look.jpg")
    assert list(models_folder.iterdir()) == []


def test_verify_notices_a_damaged_model_of_the_users_own(
    models_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models_folder.mkdir(parents=True)
    (models_folder / "broken.onnx").write_bytes(b"no model")
    assert typed("verify") == 1
    assert "damaged" in capsys.readouterr().out


def test_add_in_a_process_of_its_own_says_nothing_but_its_words(tmp_path: Path) -> None:
    write_tint(tmp_path / "tint.onnx", Manner(height=96, width=96))
    done = subprocess.run(
        [sys.executable, "-m", "realtime", "models", "add", "tint.onnx", "--range", "0..1"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path / "data"), "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "made free" in done.stdout
