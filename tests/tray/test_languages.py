"""The tray in another language: its words are there, and have room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from realtime.control.channel import Status
from realtime.core import language
from realtime.imaging.fonts import find_font
from realtime.imaging.frame import Size
from realtime.imaging.text import speak_what_can_be_drawn
from realtime.outputs.window.hud import rate_in_words
from realtime.outputs.window.tray.theme import Theme
from realtime.outputs.window.tray.widgets import Button, Switch, Tab
from tests.tray.stage import Hand


@pytest.fixture
def chinese(a_screen: None) -> Iterator[None]:
    if find_font("按键") is None:
        pytest.skip("no font here has Chinese letters")
    language.use("zh")
    speak_what_can_be_drawn()
    yield
    language.forget()


@pytest.mark.parametrize("canvas", [Size(640, 480), Size(1280, 720), Size(3840, 2160)])
def test_the_trays_words_are_translated_and_have_room(canvas: Size, chinese: None) -> None:
    hand = Hand(canvas)
    hand.come()
    font = Theme.of(canvas).normal
    words = {}
    for panel in hand.tray.layout.panels:
        for widget in panel.widgets:
            if isinstance(widget, Button | Switch | Tab) and widget.text:
                words[widget.key] = widget.text
                assert font.width(widget.text) <= widget.place.width, widget.key
    assert words["tab:Looks"] == "风格"
    assert words["tab:Background"] == "背景"
    assert words["bar:calls"] == "用于通话"
    assert canvas.width < 1280 or words["bar:record"] == "录制"
    assert hand.tray.category == "Looks", "a tab's name is the same in every language"


def test_how_it_goes_is_told_in_it(chinese: None) -> None:
    assert rate_in_words(Status(fps=30.2, age_ms=21)) == "每秒 30 帧，比你慢 0.02 秒"
    assert rate_in_words(Status(paused=True)) == "画面已冻结"
