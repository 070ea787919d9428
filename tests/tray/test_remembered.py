"""What was chosen by hand is there the next time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseBackground, ChooseEffect, ChooseSource, Command, Quit, SetParameter
from realtime.core.registry import RegistryEntry
from realtime.core.stats import RunStats
from realtime.effects import EFFECTS
from realtime.imaging.frame import Size
from realtime.session import remembered
from realtime.session.assembly import Run
from realtime.session.options import Options

FRESH = Options(source="demo", size=Size(160, 90), output=("window",), effect=("grey:one",))


@pytest.fixture(autouse=True)
def effects(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Grey", "Mask"):
        monkeypatch.setitem(EFFECTS, name.lower(), RegistryEntry("tests.scenes.grey", name, "one grey level"))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(remembered, "folder", lambda: tmp_path / "kept")
    return tmp_path / "kept"


def play(options: Options, *commands: Command, until: Callable[[Run], bool] = lambda run: True) -> Run:
    """Run until something is so that the commands bring about, and end it as a person does."""
    run = remembered.opened(options, lambda what, share: None, RunStats())
    asked: list[int] = []

    def look(processed: int) -> None:
        if processed > 2 and not asked:
            asked.append(processed)
            run.supervisor.controls.touched_at_s = 1.0
            for command in commands:
                run.supervisor.controls.send(command)
        elif asked and until(run):
            run.supervisor.controls.send(Quit())

    run.supervisor.on_processed = look
    run.go()
    return run


def spec(run: Run) -> str:
    return run.supervisor.controls.status.spec


def wanted(chosen: str, level: int | None = None) -> Callable[[Run], bool]:
    def is_so(run: Run) -> bool:
        tree = run.supervisor.controls.parameters
        if run.loop.chain.look_spec != chosen:
            return False
        if level is not None and tree.get("grey.level") != level:
            run.supervisor.controls.send(SetParameter("grey.level", level))
            return False
        return True

    return is_so


def test_a_look_with_its_values_comes_back(place: Path) -> None:
    play(FRESH, ChooseEffect("grey:two"), until=wanted("grey:two", 65))
    text = remembered.look_file(place).read_text("utf-8")
    assert "level = 65" in text
    bare = Options(source="demo", size=Size(160, 90))
    run = play(bare)
    assert spec(run) == "grey:two"
    assert run.loop.stats.effect_reports["grey:two"]["parameters"]["level"] == 65
    assert remembered.look_file(place).read_text("utf-8") == text, "nothing was chosen: nothing is written"


def test_what_is_said_on_the_command_line_holds_for_that_run_only(place: Path) -> None:
    play(FRESH, ChooseEffect("grey:two"), until=wanted("grey:two"))
    text = remembered.look_file(place).read_text("utf-8")
    assert spec(play(FRESH)) == "grey:one"
    assert remembered.look_file(place).read_text("utf-8") == text


def test_a_source_from_the_command_line_is_not_kept_with_a_look(place: Path) -> None:
    play(FRESH, ChooseEffect("grey:two"), until=wanted("grey:two"))
    scene = remembered.recalled(place).scene
    assert scene is not None
    assert scene.source is None


def test_a_look_from_the_command_line_is_not_kept_with_a_source(place: Path, navy_photo: Path) -> None:
    photo = str(navy_photo)
    play(FRESH, ChooseEffect("grey:two"), until=wanted("grey:two"))
    play(FRESH, ChooseSource(photo), until=lambda run: run.supervisor.source == photo)
    scene = remembered.recalled(place).scene
    assert scene is not None
    assert ([one.spec for one in scene.effects], scene.source) == (["grey:two"], photo)


def test_fresh_forgets(place: Path) -> None:
    play(FRESH, ChooseEffect("grey:two"), until=wanted("grey:two"))
    play(Options(source="demo", size=Size(160, 90), fresh=True, effect=("grey:one",)))
    assert not remembered.look_file(place).exists()


def test_a_source_comes_back_and_a_film_goes_round(place: Path, tmp_path: Path, navy_photo: Path) -> None:
    photo = str(navy_photo)
    play(FRESH, ChooseSource(photo), until=lambda run: run.supervisor.source == photo)
    left = remembered.recalled(place)
    options = remembered.with_left(Options(), left, place)
    assert (options.source, options.loop) == (photo, True)
    assert remembered.with_left(Options(source="demo"), left, place).source == "demo"


def test_a_camera_that_is_not_there_is_said_and_the_look_stays(
    place: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.cameras.listing.list_cameras", lambda **_: [])
    place.mkdir()
    remembered.look_file(place).write_text('source = "HD Webcam"\neffect = ["grey:two"]\n', "utf-8")
    with caplog.at_level(logging.WARNING, "realtime"):
        options = remembered.with_left(Options(), remembered.recalled(place), place)
    assert (options.source, options.scene) == ("demo", str(remembered.look_file(place)))
    assert "HD Webcam is not there now" in caplog.text


@pytest.mark.parametrize("text", ["effect = [", 'effect = ["nothing:of:the:sort"]', "no = 'effect'", "\x00"])
def test_a_bad_file_is_said_and_laid_aside(place: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    place.mkdir()
    remembered.look_file(place).write_text(text, "utf-8")
    with caplog.at_level(logging.WARNING, "realtime"):
        left = remembered.recalled(place)
    assert left.scene is None
    assert "laid aside" in caplog.text
    assert (place / "look.toml.aside").read_text("utf-8") == text


def test_a_look_that_does_not_open_any_more_does_not_keep_the_window_shut(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place.mkdir()
    remembered.look_file(place).write_text('effect = ["swap:/nowhere/anna.jpg"]\n', "utf-8")
    with caplog.at_level(logging.WARNING, "realtime"):
        run = play(Options(source="demo", size=Size(160, 90)), until=lambda run: True)
    assert "begins afresh" in caplog.text
    assert spec(run) != "swap:/nowhere/anna.jpg"
    assert not remembered.look_file(place).exists()


def test_a_window_keeps_its_size(place: Path) -> None:
    remembered.keep(place, remembered.Left(window=Size(700, 500)))
    run = play(Options(source="demo", effect=("grey:one",)))
    window = run.loop.outputs[0]
    assert window.chosen_size == Size(700, 500)


@pytest.mark.parametrize(
    ("options", "by_hand"),
    [
        (Options(), True),
        (Options(output=("window",)), True),
        (Options(output=("fullscreen",)), False),
        (Options(output=("window", "camera")), False),
        (Options(seconds=5.0), False),
        (Options(every_frame=True), False),
    ],
)
def test_only_a_window_that_somebody_sits_before_remembers(options: Options, by_hand: bool) -> None:
    assert remembered.is_by_hand(options) is by_hand


def test_an_address_with_a_password_is_not_written_down() -> None:
    assert not remembered._may_be_kept("rtsp://me:secret@10.0.0.1/x")
    assert remembered._may_be_kept("HD Webcam")


def test_a_background_comes_back_beside_its_look(place: Path) -> None:
    def has_both(run: Run) -> bool:
        return (run.loop.chain.look_spec, run.loop.chain.background_spec) == ("grey:two", "background:grey")

    play(FRESH, ChooseEffect("grey:two"), ChooseBackground("grey"), until=has_both)
    run = play(Options(source="demo", size=Size(160, 90)))
    status = run.supervisor.controls.status
    assert (status.spec, status.background) == ("grey:two", "background:grey")


def test_a_disk_that_does_not_answer_does_not_hold_up_the_end(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    begun, answers, written = threading.Event(), threading.Event(), []

    def keep(_place: Path, left: remembered.Left) -> None:
        begun.set()
        answers.wait()
        written.append(left.window)

    monkeypatch.setattr(remembered, "keep", keep)
    monkeypatch.setattr(remembered, "_ENDS_WITHIN_S", 0.05)
    memory = remembered.Memory(ControlChannel(), place)
    memory._seen = remembered.Left(window=Size(640, 480))
    memory._write()
    begun.wait()
    memory._seen = remembered.Left(window=Size(700, 500))
    with caplog.at_level(logging.WARNING, "realtime"):
        memory.close()
    assert "the disk does not answer" in caplog.text
    assert not written
    answers.set()
    assert memory._writer is not None
    memory._writer.join()
    assert written == [Size(640, 480)], "no second write beside one that hangs"
