"""The first minute: a window at once, a hint, and in the demo looks that change until somebody touches something."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import ChooseEffect, Quit, SetMirrored
from realtime.core.errors import EffectError
from realtime.core.stats import RunStats
from realtime.effects import Effect, EffectContext
from realtime.effects.plain import Plain
from realtime.imaging.frame import Frame, Size
from realtime.imaging.sdl import pygame
from realtime.outputs import Output
from realtime.outputs.window.overlay import Overlay
from realtime.session import first_minute
from realtime.session.assembly import build
from realtime.session.first_minute import LOOKS, DemoTour, Hint
from realtime.session.opening import OpeningWindow, still_of
from realtime.session.options import Options


class Screen(Output):
    """A window that keeps what it was shown."""

    name = "window"
    on_main_thread = True

    def __init__(self) -> None:
        self.shown: list[Frame] = []
        self.polls = 0

    def show(self, frame: Frame) -> None:
        self.shown.append(frame)

    def poll(self) -> None:
        self.polls += 1

    def close(self) -> None:
        """It holds nothing."""


def told(controls: ControlChannel) -> tuple[str, float] | None:
    return controls.progress


def test_the_window_is_there_before_anything_is_opened_and_tells_how_far_it_is() -> None:
    controls, screen = ControlChannel(), Screen()
    picture, words = still_of(("style:night", "background:blur"))
    opening = OpeningWindow(screen, controls, picture, words)
    assert told(controls) == ("opening Night, Background: blur", 0.0)
    assert screen.shown[0].pixels is picture
    controls.send(SetMirrored())
    opening.progress("reading", 0.5)
    assert told(controls) == ("reading", 0.5)
    assert screen.polls == 2
    opening.end()
    assert told(controls) is None
    assert controls.next_command() == SetMirrored(), "a key that was pressed meanwhile is not lost"


def test_whoever_closes_it_meanwhile_ends_the_program() -> None:
    controls = ControlChannel()
    opening = OpeningWindow(Screen(), controls, *still_of(("none",)))
    controls.send(Quit())
    with pytest.raises(KeyboardInterrupt):
        opening.progress("reading", 0.5)


def test_of_a_portrait_the_painting_is_shown() -> None:
    picture, words = still_of(())
    assert Size.of(picture) == Size(512, 600)
    assert words == ""
    assert still_of(("portrait:nothere.jpg",))[1] == "opening Portrait: nothere"


@pytest.fixture
def display() -> Iterator[None]:
    yield
    pygame.display.quit()


def test_a_run_opens_its_window_before_its_effects(
    display: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def opened(spec: str, options: Options, context: EffectContext) -> Effect:
        seen.append(pygame.display.get_surface() is not None)
        context.progress("halfway", 0.5)
        raise EffectError("it cannot be")

    monkeypatch.setattr("realtime.session.effect_opening.open_effect", opened)
    options = Options(source="demo", size=Size(320, 180), effect=("none",), output=("window",), scenes=tmp_path)
    with pytest.raises(EffectError):
        build(options, lambda what, share: None, RunStats())
    assert seen == [True]
    assert pygame.display.get_surface() is None, "it is closed again"


def test_the_hint_is_shown_in_the_first_three_runs(tmp_path: Path) -> None:
    file = tmp_path / "state" / "runs"
    shown = []
    for _ in range(5):
        controls = ControlChannel()
        hint = Hint(controls, "press H", file)
        hint.start()
        hint.look_after()
        assert controls.message == "", "not before there is a picture"
        controls.status = Status(frames=1)
        hint.look_after()
        shown.append(controls.message)
    assert shown == ["press H"] * 3 + ["", ""]
    assert file.read_text() == "3\n"
    file.write_text("what is this\n")
    Hint(ControlChannel(), "press H", file).start()
    assert file.read_text() == "1\n"
    Hint(ControlChannel(), "press H", file / "below").start()  # where it cannot be kept, nothing fails


class Demo:
    """A tour, its clock, and a run that shows what it asks for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 100.0
        monkeypatch.setattr(first_minute.time, "monotonic", lambda: self.now_s)  # type: ignore[attr-defined]
        self.controls = ControlChannel()
        self.controls.status = Status(spec="portrait", frames=1)
        self.tour = DemoTour(self.controls)
        self.tour.start()

    def shown_after(self, seconds: float) -> list[str]:
        """Let time pass, and return what the tour asked for."""
        asked = []
        for _ in range(int(seconds)):
            self.now_s += 1
            self.tour.look_after()
            while (command := self.controls.next_command()) is not None:
                assert isinstance(command, ChooseEffect)
                assert command.fade_s > 0
                asked.append(command.spec)
                self.controls.status = dataclasses.replace(self.controls.status, spec=command.spec)
        return asked


def test_the_demo_walks_through_its_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = Demo(monkeypatch)
    assert demo.shown_after(9) == []
    assert demo.shown_after(31) == [LOOKS[1], LOOKS[2], LOOKS[0], LOOKS[1]]


def test_until_somebody_touches_something(monkeypatch: pytest.MonkeyPatch) -> None:
    demo = Demo(monkeypatch)
    assert demo.shown_after(11) == [LOOKS[1]]
    demo.controls.touched_at_s = time.monotonic()
    assert demo.shown_after(60) == []


@pytest.mark.parametrize("change", [{"spec": "swap:her.jpg"}, {"paused": True}, {"recording": "out.mp4"}])
def test_or_something_else_changes_the_picture(monkeypatch: pytest.MonkeyPatch, change: dict[str, object]) -> None:
    demo = Demo(monkeypatch)
    demo.controls.status = dataclasses.replace(demo.controls.status, **change)  # type: ignore[arg-type]
    assert demo.shown_after(60) == []


def test_the_demo_shows_its_viewer_in_a_corner(display: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_minute, "user_state_folder", lambda: tmp_path)
    asked: list[float] = []

    def opened(spec: str, options: Options, context: EffectContext) -> Effect:
        asked.append(context.viewer_inset)
        return Plain()

    monkeypatch.setattr("realtime.session.effect_opening.open_effect", opened)
    run = build(Options(source="demo", size=Size(320, 180), scenes=tmp_path), lambda what, share: None, RunStats())
    run.loop.run_end.end()
    run.go()
    run.supervisor.menu._open_effect("portrait")
    monkeypatch.setattr(run.loop.capture, "info", dataclasses.replace(run.loop.capture.info, live=True))
    run.supervisor.menu._open_effect("portrait")
    assert asked == [0.3, 0.3, 0.0], "who has chosen a camera since is not shown in a corner"
    kinds = {type(front_end).__name__ for front_end in run.supervisor._front_ends}
    assert {"Hint", "DemoTour"} <= kinds


@pytest.mark.parametrize("canvas", [Size(480, 384), Size(640, 480), Size(1280, 720), Size(3840, 2160)])
def test_the_hint_does_not_cover_the_viewer_in_the_corner(canvas: Size, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    pygame.font.init()
    pygame.display.set_mode((64, 48))
    controls = ControlChannel()
    overlay = Overlay(controls, (), hud=False)
    overlay.screen = canvas
    controls.say(first_minute.DEMO_HINT)
    edges = {}
    for inset in (0.0, 0.3):
        controls.inset = inset
        assert overlay.refresh(canvas, 0.0)
        ((pill, (left, _)),) = overlay.shown.layers
        edges[inset] = left, left + pill.get_width()
    overlay.clear()
    pygame.display.quit()
    assert sum(edges[0.0]) == pytest.approx(canvas.width, abs=2), "in the middle where nobody stands in the corner"
    assert edges[0.3][0] > 0
    assert edges[0.3][1] < canvas.width - 0.3 * canvas.width - 0.03 * canvas.height
