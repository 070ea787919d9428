"""The tray, the keys and what is dropped, in a window: events in, pixels and wishes out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import ChooseEffect, KeepScene, SetInCalls, SetMirrored, SetRecording
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.pixels import Place
from realtime.imaging.sdl import pygame
from realtime.outputs import OutputRequest
from realtime.outputs.window.tray.layout import BAR
from realtime.outputs.window.window import Fullscreen, Window
from tests.tray.stage import Offering

pytestmark = pytest.mark.skipif(
    os.environ.get("SDL_VIDEODRIVER") != "dummy", reason="these tests press keys: they need SDL_VIDEODRIVER=dummy"
)

SIZE = Size(640, 360)


class Desk:
    """A window, and a hand before it."""

    def __init__(self, kind: type[Window] = Window, **asked: object) -> None:
        self.controls = ControlChannel()
        self.offers = self.controls.offers = Offering()
        self.controls.status = Status(effect="Night", spec="style:night")
        self.window = kind("", OutputRequest(self.controls, size=SIZE, **asked))  # type: ignore[arg-type]
        self.show(180)

    def show(self, grey: int) -> None:
        self.window.show(Frame(np.full((SIZE.height, SIZE.width, 3), grey, np.uint8), 0.0, 0.0, 0))

    def post(self, kind: int, **content: Any) -> None:
        pygame.event.post(pygame.event.Event(kind, **content))
        self.window.poll()

    def key(self, key: int, mod: int = 0, scancode: int = 0) -> None:
        self.post(pygame.KEYDOWN, key=key, mod=mod, scancode=scancode, unicode="")

    def move(self, x: int, y: int, *, held: bool = False) -> None:
        self.post(pygame.MOUSEMOTION, pos=(x, y), rel=(1, 0), buttons=(int(held), 0, 0), touch=False)

    def press(self, x: int, y: int) -> None:
        for kind in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
            self.post(kind, pos=(x, y), button=1, touch=False)

    def come(self) -> None:
        """Bring the tray, without waiting for it to slide."""
        self.move(320, 120)
        tray = self.window.tray
        assert tray is not None
        tray._share = 1.0
        self.window.poll()

    def screen(self) -> Pixels:
        surface = pygame.display.get_surface()
        assert surface is not None
        return np.ascontiguousarray(pygame.surfarray.array3d(surface).transpose(1, 0, 2)[..., ::-1])

    def commands(self) -> list[object]:
        found: list[object] = []
        while (command := self.controls.next_command()) is not None:
            found.append(command)
        return found


@pytest.fixture
def desk() -> Iterator[Desk]:
    one = Desk()
    yield one
    one.window.close()


def test_it_lies_over_the_picture_and_never_in_the_frame(desk: Desk) -> None:
    pixels = np.full((SIZE.height, SIZE.width, 3), 180, np.uint8)
    desk.window.show(Frame(pixels, 0.0, 0.0, 0))
    desk.come()
    desk.show(180)
    assert (desk.screen() != 180).any(axis=-1).mean() > 0.3
    assert (pixels == 180).all()


def test_a_press_on_it_does_what_is_written_there(desk: Desk) -> None:
    desk.come()
    tray = desk.window.tray
    assert tray is not None
    found = tray.layout.find("bar:record")
    assert found is not None
    panel, widget = found
    desk.press(panel.place.left + widget.place.left + 9, panel.place.top + widget.place.top + 9)
    assert desk.commands() == [SetRecording(True)]
    assert not desk.window.is_fullscreen


def test_a_double_click_on_the_picture_is_still_the_whole_screen(desk: Desk) -> None:
    desk.come()
    desk.press(320, 120)
    desk.press(320, 120)
    assert desk.window.is_fullscreen


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_screen_is_touched_where_it_is_seen(degrees: int) -> None:
    desk = Desk(rotate_degrees=degrees)
    try:
        for x, y in ((10, 20), (300, 200)):
            spot = desk.window._canvas().on_screen(Place(x, y, 1, 1))
            assert desk.window._canvas().from_screen((spot.left, spot.top)) == (x, y)
        desk.come()
        desk.show(181)
        tray = desk.window.tray
        assert tray is not None
        bar = tray.layout.panel(BAR)
        assert bar is not None
        place = desk.window._canvas().on_screen(bar.place)
        assert (desk.screen()[place.top + place.height // 2, place.left + place.width // 2] != 181).any()
    finally:
        desk.window.close()


def test_gallery_screens_have_none() -> None:
    desk = Desk(Fullscreen)
    try:
        desk.move(320, 120)
        desk.key(pygame.K_TAB)
        desk.key(pygame.K_v)
        desk.key(pygame.K_3)
        desk.post(pygame.DROPFILE, file="/x/a.jpg")
        desk.post(pygame.DROPCOMPLETE)
        assert desk.window.tray is None
        assert desk.commands() == []
        assert desk.offers.asked == []
        assert (desk.screen() == 180).all(axis=-1).any()
    finally:
        desk.window.close()


def test_keys_beside_the_tray(desk: Desk) -> None:
    desk.key(pygame.K_v)
    desk.key(pygame.K_2)
    desk.key(pygame.K_2, mod=pygame.KMOD_LSHIFT)
    desk.key(ord("ь"), scancode=pygame.KSCAN_M)
    assert desk.commands() == [SetInCalls(), ChooseEffect("style:woodblock", 0.25), KeepScene("2"), SetMirrored()]
    desk.key(pygame.K_9)
    assert desk.controls.message == "nothing has the number 9 yet; Shift+9 keeps what you see there"


def test_files_that_are_dropped_together_are_used_together(desk: Desk) -> None:
    def drop(*names: str) -> None:
        desk.post(pygame.DROPBEGIN)
        for name in names:
            desk.post(pygame.DROPFILE, file=name)
        desk.post(pygame.DROPCOMPLETE)

    drop("/x/a.jpg", "/x/b.jpg")
    desk.come()
    tray = desk.window.tray
    assert tray is not None
    tray._actions.act("tab:Portraits", 0.0)
    drop("/x/mona.png")
    assert [what for what in desk.offers.asked if what[0] == "take"] == [
        ("take", (Path("/x/a.jpg"), Path("/x/b.jpg")), "Looks"),
        ("take", (Path("/x/mona.png"),), "Portraits"),
    ]


def test_holding_b_shows_what_the_camera_sees_and_a_line_parts_both(desk: Desk) -> None:
    untouched = Frame(np.full((SIZE.height, SIZE.width, 3), 20, np.uint8), 0.0, 0.0, 0)
    desk.controls.untouched_picture = lambda: untouched
    desk.key(pygame.K_b)
    desk.show(181)
    assert (desk.screen() == 20).all()
    desk.post(pygame.MOUSEBUTTONDOWN, pos=(100, 180), button=1, touch=False)
    desk.move(320, 180, held=True)
    desk.show(180)
    seen = desk.screen()
    assert (seen[:, :310] == 20).all()
    assert (seen[:, 330:] == 180).all()
    desk.post(pygame.KEYUP, key=pygame.K_b, mod=0, scancode=0)
    desk.show(181)
    assert (desk.screen()[:, 300:] == 181).all()
    assert desk.commands() == []


@pytest.mark.parametrize("hidden", ["hides_people", "hides_surroundings"])
def test_what_is_hidden_is_not_bared_by_one_key(desk: Desk, hidden: str) -> None:
    desk.controls.untouched_picture = lambda: Frame(np.zeros((SIZE.height, SIZE.width, 3), np.uint8), 0.0, 0.0, 0)
    desk.controls.status = Status(**{hidden: True})  # type: ignore[arg-type]
    desk.key(pygame.K_b)
    assert not desk.window.untouched.is_held
    assert desk.controls.message.startswith("press again: ")
    desk.post(pygame.KEYUP, key=pygame.K_b, mod=0, scancode=0)
    desk.key(pygame.K_b)
    assert desk.window.untouched.is_held


def test_messages_and_figures_keep_clear_of_it(desk: Desk) -> None:
    desk.controls.say("saved a.png")
    desk.window.poll()
    before = desk.window.overlay.shown.layers[-1].position[1]
    desk.come()
    desk.window.poll()
    assert desk.window.overlay.shown.layers[-1].position[1] < before
