"""Scenes are kept and come back while the picture goes on."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect, ChooseScene, KeepScene, Quit, SetParameter, StepScene
from realtime.core.errors import OptionError
from realtime.core.registry import RegistryEntry
from realtime.core.stats import RunStats
from realtime.effects import EFFECTS
from realtime.imaging.frame import Size
from realtime.pipeline.effect_menu import _Hidden
from realtime.session.assembly import Run, build
from realtime.session.options import Options
from tests.test_live_control import until

SAID: list[str] = []
"""What the run under test says to its window."""


@pytest.fixture(autouse=True)
def effects(monkeypatch: pytest.MonkeyPatch) -> None:
    SAID.clear()
    monkeypatch.setattr(ControlChannel, "say", lambda self, message, for_s=4.0: SAID.append(message))
    for name in ("Grey", "Mask"):
        monkeypatch.setitem(EFFECTS, name.lower(), RegistryEntry("tests.scenes.grey", name, "one grey level"))


class Session:
    """A run without a window, and what it says."""

    def __init__(self, scenes: Path, *effects: str, scene: str | None = None) -> None:
        options = Options(
            source="demo", size=Size(320, 180), output=("none",), effect=effects, scenes=scenes, scene=scene, seconds=30
        )
        self.run: Run = build(options, lambda what, share: None, RunStats())
        self.controls: ControlChannel = self.run.supervisor.controls
        self.said = SAID

    def grey(self) -> int:
        newest = self.run.loop.newest
        return -1 if newest is None else int(newest.pixels[20, 20, 0])

    def play(self, play: Callable[[], None]) -> None:
        """Run; `play` is called on the main thread, and the run ends with it."""
        done: list[bool] = []

        def once(processed: int) -> None:
            if processed > 3 and not done:
                done.append(True)
                try:
                    play()
                finally:
                    self.controls.send(Quit())

        self.run.supervisor.on_processed = once
        self.run.go()

    def until(self, condition: Callable[[], object]) -> None:
        until(condition, _Obeying(self.run))  # type: ignore[arg-type]


class _Obeying:
    """Obeys what is asked for, from within the run's own housekeeping."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def tick(self) -> None:
        self._run.supervisor.obey_waiting()


def test_what_is_shown_is_kept_and_comes_back_whole(tmp_path: Path) -> None:
    session = Session(tmp_path, "grey:a", "grey:b")

    def play() -> None:
        session.controls.send(SetParameter("grey.level", 40))
        session.controls.send(SetParameter("grey2.level", 80))
        session.until(lambda: session.grey() == 80)
        session.controls.send(KeepScene("3 Evening"))
        session.until(lambda: (tmp_path / "3-Evening.toml").is_file())
        session.until(lambda: session.said[-1:] == ["kept as scene 3: Evening"])
        session.controls.send(ChooseEffect("none"))
        session.until(lambda: session.grey() != 80)
        session.controls.send(ChooseScene("3", fade_s=0.0))
        session.until(lambda: session.grey() == 80)
        assert session.controls.parameters.get("grey.level") == 40
        session.until(lambda: session.run.supervisor.menu.scene == "Evening")
        session.run.supervisor.look_after()
        assert session.controls.status.scene == "Evening"
        assert [one.name for one in session.controls.scenes()] == ["Evening"]

    session.play(play)
    kept = tomllib.loads((tmp_path / "3-Evening.toml").read_text("utf-8"))
    assert kept["effect"] == ["grey:a", "grey:b"]
    assert (kept["grey"], kept["grey2"]) == ({"level": 40, "kind": "plain"}, {"level": 80, "kind": "plain"})
    picture = cv2.imread(str(tmp_path / "3-Evening.png"))
    assert picture is not None
    assert (picture.shape, int(picture[0, 0, 0])) == ((180, 320, 3), 80)
    assert "Evening" in session.said


def test_it_comes_softly_and_every_picture_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('effect = ["grey", "grey"]\n[grey]\nlevel = 200\n', "utf-8")
    session = Session(tmp_path, "grey")
    seen: list[tuple[int, int]] = []

    def play() -> None:
        session.until(lambda: session.grey() == 10)
        session.controls.send(ChooseScene("a", fade_s=0.6))

        def look() -> bool:
            newest = session.run.loop.newest
            assert newest is not None
            seen.append((newest.index, session.grey()))
            return session.grey() == 200

        session.until(look)

    session.play(play)
    greys = [grey for _, grey in seen]
    assert greys == sorted(greys)
    assert len({grey for grey in greys if 10 < grey < 200}) >= 3, "it passes through what lies between"


def test_it_begins_with_a_scene_and_goes_on_to_the_next(tmp_path: Path) -> None:
    for name, level in (("a", 30), ("b", 60)):
        (tmp_path / f"{name}.toml").write_text(f'effect = "grey"\n[grey]\nlevel = {level}\n', "utf-8")
    session = Session(tmp_path, scene="2")

    def play() -> None:
        session.until(lambda: session.grey() == 60)
        session.controls.send(ChooseScene(str(tmp_path / "b.toml")))
        session.controls.send(StepScene(1))
        session.until(lambda: session.grey() == 30)
        session.controls.send(ChooseScene("c"))
        session.until(lambda: session.said[-1:] == ["no scene 'c'; there are: 1 a, 2 b"])

    session.play(play)
    with pytest.raises(OptionError, match="brings its own effects"):
        Session(tmp_path, "grey", scene="2")


def test_a_scene_does_not_bare_a_face_at_once(tmp_path: Path) -> None:
    (tmp_path / "1.toml").write_text('effect = ["grey", "none"]\n', "utf-8")
    (tmp_path / "2.toml").write_text('effect = ["mask", "none"]\n[mask]\nlevel = 90\n', "utf-8")
    session = Session(tmp_path, "mask")

    def play() -> None:
        session.controls.send(ChooseScene("2"))
        session.until(lambda: session.grey() == 90)  # where the face stays hidden, nothing is asked
        session.controls.send(ChooseScene("1", 0.0))
        session.until(lambda: session.said[-1:] == [_Hidden.FACE.value])
        assert session.run.supervisor.menu.scene == "2"
        session.controls.send(ChooseScene("1", 0.0))
        session.until(lambda: session.run.supervisor.menu.scene == "1")

    session.play(play)


def test_one_that_does_not_open_leaves_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "1.toml").write_text('effect = ["grey", "style:nothere"]\n', "utf-8")
    session = Session(tmp_path, "grey")

    def play() -> None:
        session.controls.send(ChooseScene("1"))
        session.until(lambda: any("nothere" in line for line in session.said))
        session.until(lambda: not session.run.supervisor.menu._is_opening)
        assert session.grey() == 10
        session.controls.send(ChooseEffect("mask"))
        session.until(lambda: session.run.loop.chain.look_spec == "mask")
        assert len(session.run.loop.chain.slots) == 1

    session.play(play)
