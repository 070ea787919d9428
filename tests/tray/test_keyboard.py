"""The tray without a mouse, and the window's keys on any keyboard."""

from __future__ import annotations

import dataclasses

import pytest

from realtime.control.channel import Status
from realtime.control.commands import ChooseEffect, ChooseSource, Command, SetRecording
from realtime.control.offers import Category, Offer, OfferedSource
from realtime.imaging.sdl import pygame
from realtime.outputs.window.keys import digit_of, latin_key
from realtime.outputs.window.tray.layout import MENU
from tests.tray.stage import CATEGORIES, Hand

pytestmark = pytest.mark.usefixtures("a_screen")

LEFT, RIGHT, UP, DOWN, ENTER = pygame.K_LEFT, pygame.K_RIGHT, pygame.K_UP, pygame.K_DOWN, pygame.K_RETURN


def focus(hand: Hand) -> str:
    found = [widget.key for panel in hand.tray.layout.panels for widget in panel.widgets if widget.has_focus]
    assert len(found) == 1
    return found[0]


def test_tab_opens_it_at_what_is_in_use_and_closes_it() -> None:
    hand = Hand()
    hand.come()
    hand.wait(5)
    hand.tray.toggle(hand.now_s)
    hand.wait(0.3)
    assert focus(hand) == "tile:style:night"
    hand.tray.toggle(hand.now_s)
    assert not hand.tray.is_open


def test_arrows_walk_and_enter_presses() -> None:
    hand = Hand()
    hand.come()
    hand.tray.toggle(hand.now_s)
    hand.wait(0.2)
    hand.key(RIGHT)
    assert focus(hand) == "tile:style:woodblock"
    hand.key(ENTER)
    assert hand.commands() == [ChooseEffect("style:woodblock", 0.25)]
    hand.key(UP)
    assert focus(hand).startswith("tab:")
    hand.key(UP)
    assert focus(hand).startswith("bar:")
    hand.key(*[RIGHT] * 8)
    assert focus(hand) == "bar:help"
    hand.key(*[LEFT] * 5)
    assert focus(hand) == "bar:record"
    hand.key(ENTER)
    assert hand.commands() == [SetRecording(True)]


def test_arrows_change_a_slider_that_has_the_focus() -> None:
    hand = Hand()
    hand.come()
    hand.tray.toggle(hand.now_s)
    hand.wait(0.2)
    hand.key(*[LEFT] * 3, DOWN)
    assert focus(hand) == "set:style.strength"
    hand.key(LEFT, LEFT)
    assert hand.settings.values.strength == 0.8


def test_a_list_takes_the_keys_until_something_is_chosen() -> None:
    hand = Hand()
    hand.come()
    hand.tray.toggle(hand.now_s)
    hand.wait(0.2)
    hand.key(UP, UP, *[LEFT] * 8)
    assert focus(hand) == "bar:source"
    hand.key(ENTER, DOWN, ENTER)
    assert hand.commands() == [ChooseSource("Desk Camera")]
    hand.key(ENTER)
    assert hand.tray.layout.panel(MENU) is None or hand.commands() == []


def test_the_row_of_tiles_moves_on_under_the_arrows() -> None:
    hand = Hand()
    hand.come()
    hand.click("tab:Background")
    hand.tray.toggle(hand.now_s)
    hand.wait(0.2)
    first = focus(hand)
    hand.key(*[RIGHT] * 20)
    assert first == "tile:background:0"
    assert focus(hand) == "tile:background:20"
    hand.key(*[LEFT] * 20)
    assert focus(hand) == "tile:background:0"


def test_keys_are_the_windows_own_where_nobody_walks_the_tray() -> None:
    hand = Hand()
    hand.come()
    assert not hand.key(RIGHT)
    assert not hand.key(pygame.K_SPACE)
    assert hand.key(pygame.K_ESCAPE), "it takes back the last thing opened: the tray"
    assert not hand.tray.is_open
    assert not hand.key(pygame.K_ESCAPE)


def test_digits_choose_by_the_tab_that_is_seen_else_a_scene_else_a_look() -> None:
    hand = Hand()
    evening = Offer("scene:Evening", "Evening", ChooseEffect("evening"), number=2)
    assert hand.tray.choose_number(2, hand.now_s)
    hand.offers.categories = (*CATEGORIES, Category("Scenes", (evening,)))
    assert hand.tray.choose_number(2, hand.now_s)
    assert hand.tray.choose_number(1, hand.now_s)
    hand.come()
    assert hand.tray.choose_number(2, hand.now_s)
    assert not hand.tray.choose_number(9, hand.now_s)
    wave, night = ChooseEffect("style:woodblock", 0.25), ChooseEffect("style:night", 0.25)
    assert hand.commands() == [wave, ChooseEffect("evening"), night, wave]


@pytest.mark.parametrize(
    ("sources", "now", "command", "says"),
    [
        (("HD Webcam", "Desk Camera"), "HD Webcam", ChooseSource("Desk Camera"), "camera: Desk Camera"),
        (("HD Webcam", "Desk Camera"), "Desk Camera", ChooseSource("HD Webcam"), "camera: HD Webcam"),
        (("HD Webcam",), "HD Webcam", None, "there is no other camera"),
        (("HD Webcam",), "film.mp4", ChooseSource("HD Webcam"), "camera: HD Webcam"),
        (("HD Webcam", "Desk Camera"), "HD Webcam (/dev/video0)", ChooseSource("Desk Camera"), "camera: Desk Camera"),
        ((), "demo", None, "no camera is plugged in"),
    ],
)
def test_c_is_the_next_camera(sources: tuple[str, ...], now: str, command: Command | None, says: str) -> None:
    hand = Hand(status=Status(source=now, source_spec="" if "(" in now else now))
    cameras = (OfferedSource(name, name, "", f"{name} (/dev/video{at})") for at, name in enumerate(sources))
    hand.offers.sources = (*cameras, OfferedSource("demo", "Demo"))
    hand.tray.next_source()
    assert hand.commands() == ([] if command is None else [command])
    assert hand.controls.message == says


@pytest.mark.parametrize(
    ("key", "scancode", "meant"),
    [
        (pygame.K_m, pygame.KSCAN_SEMICOLON, pygame.K_m),  # French: by what is written on it
        (ord("ь"), pygame.KSCAN_M, pygame.K_m),  # Russian: by its place
        (ord("μ"), pygame.KSCAN_M, pygame.K_m),  # Greek
        (ord("é"), pygame.KSCAN_2, ord("é")),
        (pygame.K_UP, pygame.KSCAN_UP, pygame.K_UP),
        (pygame.K_F1, pygame.KSCAN_F1, pygame.K_F1),
    ],
)
def test_a_letter_is_a_letter_on_any_keyboard(key: int, scancode: int, meant: int) -> None:
    assert latin_key(key, scancode) == meant


@pytest.mark.parametrize(
    ("key", "scancode", "digit"),
    [
        (pygame.K_7, pygame.KSCAN_7, 7),
        (ord("&"), pygame.KSCAN_1, 1),  # French, without Shift
        (pygame.K_0, pygame.KSCAN_0, 0),
        (pygame.K_KP_4, 0, 4),
        (pygame.K_a, pygame.KSCAN_Q, None),
    ],
)
def test_a_digit_is_a_digit(key: int, scancode: int, digit: int | None) -> None:
    assert digit_of(key, scancode) == digit


def test_the_focus_is_seen_and_the_mouse_takes_it_away() -> None:
    hand = Hand()
    hand.come()
    hand.tray.toggle(hand.now_s)
    hand.wait(0.2)
    assert focus(hand)
    hand.come()
    assert not any(widget.has_focus for panel in hand.tray.layout.panels for widget in panel.widgets)


def test_a_scene_in_use_has_its_tick() -> None:
    hand = Hand()
    evening = Offer("scene:Evening", "Evening", ChooseEffect("evening"), number=2)
    hand.offers.categories = (*CATEGORIES, Category("Scenes", (evening,), keeps=SetRecording(True)))
    hand.controls.status = dataclasses.replace(hand.controls.status, scene="Evening")
    hand.come()
    hand.click("tab:Scenes")
    assert getattr(hand.find("tile:scene:Evening")[1], "is_chosen", False)
    hand.click("tile:add")
    assert hand.commands() == [SetRecording(True)]
