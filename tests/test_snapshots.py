"""What is saved with a key is never lost to what is saved with the next."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OutputError
from realtime.core.paths import in_words
from realtime.core.stats import RunStats
from realtime.imaging.frame import Frame
from realtime.outputs import OutputRequest
from realtime.outputs.recorder import Recorder
from realtime.outputs.splitting import Split
from realtime.session.assembly import build
from realtime.session.options import Options
from realtime.session.snapshots import Snapshots


@pytest.fixture(autouse=True)
def _one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names carry the time to a second, and all of this happens within one."""
    monkeypatch.setattr("realtime.session.snapshots.time.strftime", lambda form: "20261129-200000")


def grey(value: int) -> Frame:
    return Frame(np.full((240, 320, 3), value, np.uint8), 0.0, value / 25, value)


def test_pictures_saved_within_a_second_are_all_there(tmp_path: Path) -> None:
    said: list[str] = []
    kept = Snapshots(tmp_path, lambda path: pytest.fail("nobody records"), said.append)
    for value in range(8):
        kept.save_picture(grey(value))
    kept.close()
    pictures = [cv2.imread(str(path)) for path in tmp_path.iterdir()]
    assert sorted(int(picture[0, 0, 0]) for picture in pictures if picture is not None) == list(range(8))
    assert sorted(said) == sorted(f"saved {path.name} in {in_words(tmp_path)}" for path in tmp_path.iterdir())


def test_pictures_and_films_have_folders_of_their_own_that_are_made_when_something_is_saved(tmp_path: Path) -> None:
    said: list[str] = []
    pictures, films = tmp_path / "Pictures", tmp_path / "Videos"
    kept = Snapshots(
        pictures, lambda path: Recorder(str(path), OutputRequest(ControlChannel())), said.append, films=films
    )
    assert not pictures.exists()
    kept.save_picture(grey(1))
    recorder = kept.start_recording()
    recorder.show(grey(2))
    recorder.close()
    kept.recording_stopped()
    kept.close()
    assert [path.name for path in pictures.iterdir()] == ["realtime-20261129-200000.png"]
    assert [path.name for path in films.iterdir()] == ["realtime-20261129-200000.mp4"]
    assert f"saved realtime-20261129-200000.mp4 in {in_words(films)}" in said


def test_a_folder_at_home_is_named_as_people_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert in_words(tmp_path / "Pictures") == f"~{os.sep}Pictures"
    assert in_words(tmp_path.parent) == str(tmp_path.parent)


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    options = Options(source="demo", effect=("none",), output=("none",), keep_in=tmp_path / "none")
    with pytest.raises(OutputError, match="there is no folder"):
        build(options, lambda what, share: None, RunStats())


def test_recordings_begun_within_a_second_have_names_of_their_own(tmp_path: Path) -> None:
    kept = Snapshots(tmp_path, lambda path: Recorder(str(path), OutputRequest(ControlChannel())), lambda text: None)
    for value in range(2):
        recorder = kept.start_recording()
        recorder.show(grey(value))
        recorder.close()
        kept.recording_stopped()
    assert {path.name for path in tmp_path.iterdir()} == {
        "realtime-20261129-200000.mp4",
        "realtime-20261129-200000-2.mp4",
    }


def test_whoever_quits_while_recording_is_told_where_it_lies(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    request = OutputRequest(ControlChannel(), split=Split(seconds=1.0))
    kept = Snapshots(tmp_path, lambda path: Recorder(str(path), request), lambda text: None)
    recorder = kept.start_recording()
    for value in range(60):
        recorder.show(grey(value))
    recorder.close()
    with caplog.at_level(logging.INFO, "realtime"):
        kept.close()
    assert f"saved {tmp_path / 'realtime-20261129-200000.mp4'} and 2 more parts" in caplog.messages
