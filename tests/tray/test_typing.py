"""Words are typed into a field of the tray; while that lasts, letters are letters and no wishes."""

from __future__ import annotations

import dataclasses

import pytest

from realtime.control.parameters import Parameters
from realtime.core.settings import setting
from realtime.imaging.sdl import pygame
from realtime.outputs.window import window as window_module
from realtime.outputs.window.tray.entry import Entry
from realtime.outputs.window.tray.widgets import Field
from tests.tray import test_in_window
from tests.tray.stage import Hand
from tests.tray.test_in_window import Desk

pytestmark = test_in_window.pytestmark

FIELD = "set:style.words"


@dataclasses.dataclass(frozen=True)
class Worded:
    words: str = dataclasses.field(default="hello", metadata=setting("what is written", live=True))
    title: str | None = dataclasses.field(default=None, metadata=setting("above it", live=True))


@pytest.fixture
def hand(a_screen: None) -> Hand:
    one = Hand()
    one.controls.parameters.hold("style", Parameters(Worded()))
    one.come()
    return one


def words(hand: Hand) -> object:
    return hand.controls.parameters.get("style.words")


def field(hand: Hand) -> Field:
    widget = hand.find(FIELD)[1]
    assert isinstance(widget, Field)
    return widget


def test_what_is_typed_is_taken_with_enter(hand: Hand) -> None:
    assert (field(hand).value, field(hand).icon, hand.tray.typed_at) == ("hello", "pen", None)
    hand.click(FIELD)
    assert hand.tray.typed_at is not None
    assert field(hand).caret == 5
    hand.tray.type_text(", AI合成", hand.now_s)
    hand.wait(0.1)
    assert field(hand).value == "hello, AI合成"
    assert words(hand) == "hello", "not before Enter"
    assert hand.key(pygame.K_RETURN)
    assert words(hand) == "hello, AI合成"
    assert hand.tray.typed_at is None


def test_escape_leaves_it_as_it_was_and_the_tray_open(hand: Hand) -> None:
    hand.click(FIELD)
    hand.tray.type_text("!", hand.now_s)
    assert hand.key(pygame.K_ESCAPE)
    assert (words(hand), hand.tray.typed_at, hand.tray.is_open) == ("hello", None, True)


def test_a_click_elsewhere_takes_it_and_one_into_the_field_does_not(hand: Hand) -> None:
    hand.click(FIELD)
    hand.tray.type_text("!", hand.now_s)
    hand.wait(0.1)
    hand.tray.press(*hand.middle(FIELD), 1, hand.now_s)
    assert hand.tray.typed_at is not None
    hand.tray.release(*hand.middle(FIELD), hand.now_s)
    hand.click("tab:Faces")
    assert words(hand) == "hello!"


def test_the_tray_stays_while_somebody_types(hand: Hand) -> None:
    hand.click(FIELD)
    hand.wait(60)
    assert hand.tray.is_open


def test_letters_and_digits_are_no_wishes(hand: Hand) -> None:
    hand.click(FIELD)
    assert hand.key(pygame.K_q, pygame.K_m, pygame.K_1, pygame.K_SPACE)
    assert hand.commands() == []


def test_what_an_input_method_composes_is_seen_and_not_taken_yet(hand: Hand) -> None:
    hand.click(FIELD)
    hand.tray.compose("hecheng")
    hand.wait(0.1)
    assert (field(hand).value, field(hand).composing) == ("hello", "hecheng")
    assert hand.key(pygame.K_RETURN), "the input method has it"
    hand.tray.type_text("合成", hand.now_s)
    hand.key(pygame.K_RETURN)
    assert words(hand) == "hello合成"


def test_an_empty_one_is_none_where_there_may_be_none(hand: Hand) -> None:
    hand.controls.parameters.set("style.title", "x")
    hand.click("set:style.title")
    hand.key(pygame.K_BACKSPACE, pygame.K_RETURN)
    assert hand.controls.parameters.get("style.title") is None


def test_the_caret_moves_and_erases() -> None:
    entry = Entry.begun("a", "abc")
    for key in (pygame.K_LEFT, pygame.K_BACKSPACE, pygame.K_HOME, pygame.K_DELETE, pygame.K_DELETE, pygame.K_BACKSPACE):
        entry = entry.after_key(key)
    assert (entry.text, entry.caret) == ("", 0)
    entry = entry.with_typed("x\ny" + 300 * "z")
    assert entry.text.startswith("xyzz")
    assert len(entry.text) == 200
    assert entry.after_key(pygame.K_END).after_key(pygame.K_RIGHT).caret == 200
    assert entry.after_key(pygame.K_F5) is entry


def test_in_a_window_the_system_s_input_has_the_keys_only_while_somebody_types(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    for name in ("start_text_input", "stop_text_input"):
        monkeypatch.setattr(pygame.key, name, lambda name=name: taken.append(name))
    monkeypatch.setattr(window_module, "clipboard_text", lambda: " pasted")
    desk = Desk()
    assert taken == ["stop_text_input"], "from the beginning"
    settings = Parameters(Worded())
    desk.controls.parameters.hold("style", settings)
    desk.come()
    tray = desk.window.tray
    assert tray is not None
    found = tray.layout.find(FIELD)
    assert found is not None
    panel, widget = found
    desk.press(panel.place.left + widget.place.left + 9, panel.place.top + widget.place.bottom - 6)
    desk.window.poll()
    assert taken[1:] == ["start_text_input"]
    desk.post(pygame.TEXTINPUT, text="q")
    desk.key(pygame.K_q)
    desk.key(pygame.K_v, mod=pygame.KMOD_CTRL)
    desk.key(pygame.K_RETURN)
    desk.window.poll()
    assert settings.get("words") == "helloq pasted"
    assert taken[2:] == ["stop_text_input"]
    assert desk.controls.next_command() is None
    desk.window.close()
