"""A screen on a wall: nobody can do anything to it, and it stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import Command, Quit
from realtime.core.errors import OutputError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.sdl import pygame
from realtime.outputs import OutputRequest
from realtime.outputs.window import kiosk, screens
from realtime.outputs.window.kiosk import Kiosk
from realtime.outputs.window.screens import ListedScreen

on_a_dummy = pytest.mark.skipif(
    os.environ.get("SDL_VIDEODRIVER") != "dummy", reason="these tests press keys: they need SDL_VIDEODRIVER=dummy"
)


class Wall:
    """A kiosk, and a visitor before it."""

    def __init__(self, argument: str = "", request: OutputRequest | None = None) -> None:
        self.controls = ControlChannel()
        self.kiosk = Kiosk(argument, request or OutputRequest(self.controls, hud=True))

    def show(self, value: int) -> None:
        self.kiosk.show(Frame(np.full((180, 320, 3), value, np.uint8), 0.0, 0.0, 0))

    def happens(self, kind: int, **about: Any) -> None:
        pygame.event.post(pygame.event.Event(kind, **about))
        self.kiosk.poll()

    def press(self, key: int, mod: int = 0, scancode: int = 0) -> None:
        self.happens(pygame.KEYDOWN, key=key, mod=mod, unicode="", scancode=scancode)

    def screen(self) -> Pixels:
        surface = pygame.display.get_surface()
        assert surface is not None
        return np.ascontiguousarray(pygame.surfarray.array3d(surface).transpose(1, 0, 2)[..., ::-1])

    def commands(self) -> list[Command]:
        found = []
        while (command := self.controls.next_command()) is not None:
            found.append(command)
        return found


Hang = Callable[..., Wall]


@pytest.fixture
def hang() -> Iterator[Hang]:
    walls: list[Wall] = []

    def hang_one(argument: str = "", request: OutputRequest | None = None) -> Wall:
        walls.append(Wall(argument, request))
        return walls[-1]

    yield hang_one
    for wall in walls:
        wall.kiosk.close()


@on_a_dummy
def test_it_is_black_and_without_a_cursor_before_the_first_picture(hang: Hang) -> None:
    wall = hang()
    assert not wall.screen().any()
    assert Size.of(wall.screen()) == pygame.display.get_desktop_sizes()[0]
    assert not pygame.mouse.get_visible()
    assert not pygame.display.get_allow_screensaver()


@on_a_dummy
def test_around_a_picture_of_another_shape_it_is_black(hang: Hang) -> None:
    wall = hang()
    wall.show(180)
    screen = wall.screen()
    assert (screen[screen.shape[0] // 2] == 180).all()
    assert not screen[0].any()


@on_a_dummy
def test_no_key_no_click_and_no_touch_does_anything(hang: Hang) -> None:
    wall = hang()
    wall.show(180)
    before = wall.screen()
    for key in range(pygame.K_SPACE, pygame.K_z + 1):
        for mod in (0, pygame.KMOD_LCTRL, pygame.KMOD_LMETA, pygame.KMOD_LSHIFT):
            wall.press(key, mod)
    for key in (pygame.K_ESCAPE, pygame.K_F1, pygame.K_F4, pygame.K_TAB, pygame.K_LEFT, pygame.K_UP, pygame.K_RETURN):
        wall.press(key)
        wall.press(key, pygame.KMOD_LALT)
    for _ in range(3):
        wall.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=(5, 5), touch=True)
        wall.happens(pygame.MOUSEBUTTONUP, button=1, pos=(5, 5), touch=True)
        wall.happens(pygame.MOUSEMOTION, pos=(5, 5), rel=(1, 1), buttons=(1, 0, 0))
        wall.happens(pygame.FINGERDOWN, touch_id=1, finger_id=1, x=0.5, y=0.5)
    wall.happens(pygame.WINDOWCLOSE)
    wall.happens(pygame.QUIT)
    assert wall.commands() == []
    assert not pygame.mouse.get_visible()
    np.testing.assert_array_equal(wall.screen(), before)


@on_a_dummy
@pytest.mark.parametrize("key", [pygame.K_q, 0x439])
def test_one_chord_ends_it_on_any_keyboard(hang: Hang, key: int) -> None:
    wall = hang()
    wall.press(key, pygame.KMOD_LCTRL | pygame.KMOD_RALT, pygame.KSCAN_Q)
    assert wall.commands() == [Quit()]


@on_a_dummy
def test_no_word_is_ever_written_on_it(hang: Hang) -> None:
    wall = hang()
    wall.show(180)
    before = wall.screen()
    wall.controls.say("the camera is back")
    wall.controls.status = Status(effect="Mona Lisa", paused=True, recording="out.mp4")
    wall.press(pygame.K_h)
    wall.kiosk.poll()
    wall.show(180)
    np.testing.assert_array_equal(wall.screen(), before)


@on_a_dummy
def test_a_cursor_that_somebody_shows_is_hidden_again(hang: Hang) -> None:
    wall = hang()
    pygame.mouse.set_visible(True)
    wall.kiosk.poll()
    assert not pygame.mouse.get_visible()


@on_a_dummy
def test_a_screen_that_was_unplugged_is_found_by_its_name(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    there = screens.list_screens()[0]
    plugged = [there]
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    monkeypatch.setattr(kiosk, "list_screens", lambda: list(plugged))
    monkeypatch.setattr(pygame.display, "get_desktop_sizes", lambda: [screen.size for screen in plugged])
    wall = hang()
    wall.show(90)
    set_mode, opened = pygame.display.set_mode, []

    def count(size: Size, flags: int, display: int) -> pygame.Surface:
        opened.append((size, flags, display))
        return set_mode(size, flags)

    monkeypatch.setattr(pygame.display, "set_mode", count)
    plugged = []
    now_s += 1.1
    wall.kiosk.poll()
    wall.show(120)
    assert opened == [], "there is nothing to open it on"
    plugged = [_screen(0, there.name, Size(800, 600))]
    now_s += 1.1
    wall.kiosk.poll()
    assert opened == [(Size(800, 600), pygame.FULLSCREEN, 0)]
    assert (wall.screen()[300] == 120).all(), "drawn again at once"
    now_s += 1.1
    wall.kiosk.poll()
    assert len(opened) == 1, "it stays"


@pytest.mark.parametrize(
    ("names", "number"),
    [(("left", "right"), 1), (("right", "left"), 0), (("left",), None), (("right", "right"), 1), (("a", "b"), 1)],
)
def test_a_screen_is_its_name_and_where_that_tells_nothing_its_number(
    names: tuple[str, ...], number: int | None
) -> None:
    listed = [_screen(index, name, Size(640, 480)) for index, name in enumerate(names)]
    assert kiosk.number_of("right", listed, 1) == number


def _screen(number: int, name: str, size: Size) -> ListedScreen:
    return ListedScreen(number, name, size, (0, 0), 1.0)


@on_a_dummy
def test_a_screen_can_be_named(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [_screen(0, "DELL P2419", Size(64, 48)), _screen(1, "Samsung left", Size(64, 48))]
    monkeypatch.setattr(kiosk, "list_screens", lambda: listed)
    with pytest.raises(OutputError, match="'eizo' is no screen; there are: 0 DELL P2419, 1 Samsung left; give"):
        hang("eizo")
    with pytest.raises(OutputError, match="'l' fits several screens"):
        hang("l")
    assert hang("dell").kiosk.name == "kiosk"


@on_a_dummy
def test_focus_is_taken_back_later_each_time(hang: Hang, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or two screens of a wall would take it from each other for ever."""
    now_s = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    wall = hang()
    back: list[float] = []
    monkeypatch.setattr(Kiosk, "_come_back", lambda self: back.append(now_s))
    waited_s = []
    for _ in range(8):
        wall.happens(pygame.WINDOWFOCUSLOST)
        lost_at_s, times = now_s, len(back)
        while len(back) == times:
            now_s += 0.5
            wall.kiosk.poll()
        waited_s.append(now_s - lost_at_s)
        wall.happens(pygame.WINDOWFOCUSGAINED)
    assert waited_s == [1.5, 2.5, 4.5, 8.5, 16.5, 32.5, 60.5, 60.5]


# Before a real X server ---------------------------------------------------------------------------------------

SHOWING = """
import sys, time
import numpy as np
from realtime.control.channel import ControlChannel
from realtime.control.commands import Quit
from realtime.imaging.frame import Frame
from realtime.outputs import OutputRequest, open_output
controls = ControlChannel()
kiosk = open_output("kiosk", OutputRequest(controls))
kiosk.show(Frame(np.full((48, 64, 3), 200, np.uint8), 0.0, 0.0, 0))
give_up_at_s = time.monotonic() + 60
while time.monotonic() < give_up_at_s:
    kiosk.poll()
    if (command := controls.next_command()) is not None:
        print(command, flush=True)
        break
    time.sleep(0.01)
kiosk.close()
"""


@pytest.fixture
def display() -> Iterator[str]:
    """An X server of our own."""
    # Without -noreset it begins anew when its last client leaves, which each xdotool may be, and refuses who connects
    # meanwhile: 22 of 150 connections beside another client that came and went, none of 150 with it.
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "320x240x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        yield f":{process.stdout.readline().strip()}"
        process.kill()


@pytest.mark.skipif(not (shutil.which("Xvfb") and shutil.which("xdotool")), reason="needs Xvfb and xdotool")
def test_what_is_hidden_or_made_small_comes_back(display: str) -> None:
    environment = os.environ | {"DISPLAY": display, "PYTHONPATH": str(Path(__file__).parents[2])}
    environment.pop("SDL_VIDEODRIVER", None)

    def xdotool(*words: str) -> str:
        done = subprocess.run(["xdotool", *words], env=environment, capture_output=True, text=True, check=False)
        return done.stdout

    def until(found: Callable[[], bool]) -> None:
        give_up_at_s = time.monotonic() + 30
        while not found():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < give_up_at_s
            time.sleep(0.05)

    def windows() -> list[str]:
        return xdotool("search", "--onlyvisible", "--class", "realtime").split()

    def window() -> str:
        found: list[str] = []

        def is_there() -> bool:  # a busy X server leaves it out of its list for a moment
            found[:] = windows()
            return bool(found)

        until(is_there)
        return found[0]

    def is_whole() -> bool:
        found = windows()
        return bool(found) and "Geometry: 320x240" in xdotool("getwindowgeometry", found[0])

    with subprocess.Popen(
        [sys.executable, "-c", SHOWING],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(is_whole)
        xdotool("windowsize", window(), "100", "80")
        until(is_whole)
        xdotool("windowunmap", window())
        until(is_whole)
        xdotool("mousemove", "50", "50", "click", "--repeat", "2", "1")
        xdotool("key", "q", "Escape", "f", "alt+F4", "ctrl+q")
        xdotool("key", "ctrl+alt+q")
        out, err = process.communicate(timeout=30)
    assert out == "Quit()\n", err
    assert process.returncode == 0
