"""Everything on the tray, by mouse, finger and wheel."""

from __future__ import annotations

import dataclasses

import pytest

from realtime.control.commands import (
    ChooseEffect,
    ChooseSource,
    Command,
    SaveSnapshot,
    SetInCalls,
    SetMirrored,
    SetPaused,
    SetRecording,
)
from realtime.control.offers import Category
from realtime.imaging.frame import Size
from realtime.outputs.window.tray.layout import CHOICES, MENU
from realtime.outputs.window.tray.painter import track_of
from realtime.outputs.window.tray.theme import Theme
from realtime.outputs.window.tray.tray import STAYS_S
from realtime.outputs.window.tray.widgets import Item, Slider, Tile
from tests.tray.stage import CATEGORIES, Hand, look, picture

pytestmark = pytest.mark.usefixtures("a_screen")


def test_it_comes_with_the_mouse_and_goes_by_itself() -> None:
    hand = Hand()
    hand.wait(1.0)
    assert hand.tray.layers == []
    hand.come()
    assert len(hand.tray.layers) == 2
    hand.wait(STAYS_S - 1)
    assert hand.tray.is_open
    hand.wait(1.5)
    assert hand.tray.layers == []
    assert [what for what in hand.offers.asked if what[0] == "watch"] == [("watch", "Looks"), ("watch", None)]


def test_a_list_that_is_open_keeps_it_there() -> None:
    hand = Hand()
    hand.come()
    hand.click("bar:source")
    hand.wait(2 * STAYS_S)
    assert hand.tray.is_open


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("bar:calls", SetInCalls(True)),
        ("bar:record", SetRecording(True)),
        ("bar:photo", SaveSnapshot()),
        ("bar:freeze", SetPaused(True)),
        ("bar:mirror", SetMirrored(True)),
        ("tile:style:woodblock", ChooseEffect("style:woodblock", 0.25)),
    ],
)
def test_a_press_asks_for_what_is_written_there(key: str, command: Command) -> None:
    hand = Hand()
    hand.come()
    hand.click(key)
    assert hand.commands() == [command]


def test_what_is_on_is_turned_off() -> None:
    hand = Hand()
    hand.controls.status = dataclasses.replace(
        hand.controls.status, paused=True, mirrored=True, recording="a.mp4", virtual_camera="OBS"
    )
    hand.come()
    for key in ("bar:calls", "bar:record", "bar:freeze", "bar:mirror"):
        hand.click(key)
    assert hand.commands() == [SetInCalls(False), SetRecording(False), SetPaused(False), SetMirrored(False)]


def test_the_window_is_asked_for_what_is_its_own() -> None:
    hand = Hand()
    hand.come()
    hand.click("bar:full")
    assert hand.held.is_fullscreen
    hand.click("bar:help")
    assert hand.held.is_help_open
    hand.wait(0.2)
    assert hand.tray.layout.panel(CHOICES) is None, "the keys have the room"


def test_a_press_that_slips_off_does_nothing() -> None:
    hand = Hand()
    hand.come()
    x, y = hand.middle("bar:record")
    hand.tray.press(x, y, 1, hand.now_s)
    hand.tray.move(640, 300, hand.now_s)
    hand.tray.release(640, 300, hand.now_s)
    assert hand.commands() == []


def test_the_picture_is_not_the_trays() -> None:
    hand = Hand()
    assert not hand.tray.press(640, 690, 1, hand.now_s), "nothing is pressed that is not there yet"
    hand.come()
    assert not hand.tray.press(640, 300, 1, hand.now_s)
    assert hand.tray.press(640, 690, 1, hand.now_s), "between its widgets it is the tray"


def test_cameras_are_listed_looked_for_and_chosen() -> None:
    hand = Hand()
    hand.come()
    hand.click("bar:source")
    menu = hand.tray.layout.panel(MENU)
    assert menu is not None
    items = [widget for widget in menu.widgets if isinstance(widget, Item)]
    assert [item.text for item in items] == [
        "HD Webcam", "Desk Camera", "Demo", "A film or a picture …", "Look for cameras again",
    ]  # fmt: skip
    assert items[0].detail == "1920x1080, 1280x720 · up to 30 fps"
    assert [item.is_chosen for item in items] == [True, False, False, False, False]
    hand.click("menu:refresh")
    assert hand.offers.asked.count(("look for sources",)) == 2
    hand.click("source:Desk Camera")
    assert hand.commands() == [ChooseSource("Desk Camera")]
    assert hand.tray.layout.panel(MENU) is None


def test_a_click_elsewhere_closes_a_list_and_no_more() -> None:
    hand = Hand()
    hand.come()
    hand.click("bar:source")
    assert hand.tray.press(640, 450, 1, hand.now_s)
    hand.wait(0.1)
    assert hand.tray.layout.panel(MENU) is None
    assert hand.commands() == []


def test_a_file_may_be_the_source() -> None:
    hand = Hand()
    hand.come()
    hand.click("bar:source")
    hand.click("menu:file")
    assert hand.offers.asked[-1] == ("choose file", "")


def test_tabs_show_their_tiles_and_the_one_in_use() -> None:
    hand = Hand()
    hand.come()
    tile = hand.find("tile:style:night")[1]
    assert isinstance(tile, Tile)
    assert (tile.is_chosen, tile.number) == (True, "1")
    hand.click("tab:Portraits")
    made = hand.find("tile:portrait:/p")[1]
    assert isinstance(made, Tile)
    assert (made.made, made.number) == (0.4, "")
    hand.click("tile:portrait:/p")
    assert hand.commands() == []
    assert hand.controls.message == "Pearl is still being made"


@pytest.mark.parametrize(
    ("has_dialogue", "says"), [(True, ""), (False, "drop a photo of a face here, from your file manager")]
)
def test_the_last_tile_brings_something_in(has_dialogue: bool, says: str) -> None:
    hand = Hand()
    hand.offers.has_dialogue = has_dialogue
    hand.come()
    hand.click("tab:Faces")
    hand.click("tile:add")
    assert hand.offers.asked[-1] == ("choose file", "Faces")
    assert hand.controls.message == says


def test_what_runs_is_named_where_its_tile_is_not_seen() -> None:
    hand = Hand()
    hand.controls.status = dataclasses.replace(hand.controls.status, titles=("Night", "Background: blur"))
    hand.come()
    assert hand.tray.layout.find("label:now") is None
    hand.click("tab:Faces")
    assert getattr(hand.find("label:now")[1], "text", "") == "Now: Night + Background: blur"


def test_folders_open() -> None:
    hand = Hand()
    hand.come()
    hand.click("folder:Looks")
    hand.click("tile:add", button=3)
    assert hand.offers.asked[-2:] == [("open folder", "Looks")] * 2


def test_a_slider_follows_the_mouse_and_stands_on_whole_steps() -> None:
    hand = Hand()
    hand.come()
    panel, slider = hand.find("set:style.strength")
    assert isinstance(slider, Slider)
    track = track_of(slider, Theme(panel.scale))
    y = panel.place.top + track.top

    def at(share: float) -> float:
        return panel.place.left + track.left + share * track.width

    hand.rest("set:style.strength")
    hand.tray.press(at(0.32), y, 1, hand.now_s)
    assert hand.settings.values.strength == 0.3
    hand.tray.move(at(0.74), y + 200, hand.now_s)
    assert hand.settings.values.strength == 0.7
    hand.tray.move(at(-2), y, hand.now_s)
    assert hand.settings.values.strength == 0.0
    hand.tray.release(at(-2), y, hand.now_s)
    hand.tray.move(at(0.9), y, hand.now_s)
    assert hand.settings.values.strength == 0.0, "nobody holds it any more"


def test_controls_are_made_from_what_can_be_set() -> None:
    hand = Hand()
    hand.come()
    assert hand.tray.layout.find("set:style.fixed") is None
    hand.click("set:style.steady")
    assert not hand.settings.values.steady
    hand.click("set:style.where")
    hand.click("choice:background")
    assert hand.settings.values.where == "background"
    hand.click("set:style.paper")
    assert hand.offers.asked[-1] == ("choose file for", "style.paper")
    hand.click("set:style.seed")
    assert hand.settings.values.seed == 4


def test_a_right_click_goes_back_to_the_default() -> None:
    hand = Hand()
    hand.settings.set("strength", 0.2)
    hand.settings.set("where", "person")
    hand.come()
    for key in ("set:style.strength", "set:style.where"):
        hand.click(key, button=3)
    assert (hand.settings.values.strength, hand.settings.values.where) == (1.0, "all")


def test_the_wheel_is_the_first_slider_or_the_one_below_it() -> None:
    hand = Hand()
    hand.come()
    hand.tray.turn(-2, hand.now_s)
    assert hand.settings.values.strength == 0.8
    hand.rest("set:style.tilt")
    hand.tray.turn(3, hand.now_s)
    assert (hand.settings.values.strength, hand.settings.values.tilt) == (0.8, 1.5)
    hand.rest("set:style.where")
    hand.tray.turn(1, hand.now_s)
    assert hand.settings.values.where == "person"


def test_the_wheel_over_tiles_moves_the_row_where_it_is_longer() -> None:
    hand = Hand()
    hand.come()
    hand.click("tab:Background")
    hand.rest("tile:background:3")
    hand.tray.turn(-4, hand.now_s)
    hand.wait(0.1)
    shown = [widget.text for widget in hand.find("tile:background:4")[0].widgets if isinstance(widget, Tile)]
    assert shown[0] == "Wall 4"
    hand.click("turn:tiles:1")
    assert hand.tray.layout.find("tile:background:4") is None
    assert hand.settings.values.strength == 1.0


def test_a_long_press_on_photo_counts_down() -> None:
    hand = Hand()
    hand.come()
    hand.click("bar:photo", held_s=0.8)
    assert hand.commands() == []
    hand.wait(1.0)
    assert hand.tray.layout.panel("count") is not None
    hand.wait(2.5)
    assert hand.commands() == [SaveSnapshot()]
    assert hand.tray.layout.panel("count") is None


def test_a_finger_does_what_the_mouse_does() -> None:
    hand = Hand()
    assert not hand.tray.press(640, 690, 1, hand.now_s, is_touch=True), "the first tap only brings it"
    hand.wait(0.5)
    hand.click("bar:record", is_touch=True)
    assert hand.commands() == [SetRecording(True)]
    hand.settings.set("strength", 0.1)
    hand.click("set:style.strength", is_touch=True)
    assert hand.settings.values.strength == 0.5
    hand.click("set:style.strength", is_touch=True, held_s=0.8)
    assert hand.settings.values.strength == 1.0, "a long press is the right button"


def test_what_is_hidden_stays_hidden_in_the_small_pictures() -> None:
    hand = Hand()
    hand.controls.status = dataclasses.replace(hand.controls.status, hides_people=True)
    hand.offers.pictures["none"] = hand.offers.pictures["style:woodblock"] = picture()
    hand.come()
    camera, wave = hand.find("tile:none")[1], hand.find("tile:style:woodblock")[1]
    assert isinstance(camera, Tile)
    assert isinstance(wave, Tile)
    assert (camera.picture, camera.icon) == (0, "hidden")
    assert wave.picture != 0


def test_a_tile_says_that_it_is_being_opened_until_it_is() -> None:
    hand = Hand()
    hand.come()
    hand.click("tile:style:woodblock")
    hand.rest("tab:Looks")
    tile = hand.find("tile:style:woodblock")[1]
    assert isinstance(tile, Tile)
    assert tile.text == "opening …"
    hand.controls.status = dataclasses.replace(hand.controls.status, spec="style:woodblock")
    hand.wait(0.2)
    tile = hand.find("tile:style:woodblock")[1]
    assert isinstance(tile, Tile)
    assert (tile.text, tile.is_chosen) == ("Woodblock", True)


def test_what_a_widget_is_for_is_said_where_the_mouse_rests() -> None:
    hand = Hand()
    hand.come()
    hand.rest("bar:calls")
    assert hand.tray.layout.panel("help") is None
    hand.wait(1.0)
    assert hand.tray.layout.panel("help") is not None


@pytest.mark.parametrize(
    "canvas", [Size(640, 480), Size(480, 864), Size(1280, 720), Size(1920, 1080), Size(3840, 2160)]
)
def test_everything_lies_on_the_canvas_and_nothing_on_another(canvas: Size) -> None:
    hand = Hand(canvas)
    hand.offers.categories = (*CATEGORIES, Category("Morphs", (look("morph", "Smile"),)), Category("Scenes"))
    hand.come()
    bar, choices = hand.tray.layout.panels
    for panel in (bar, choices):
        assert panel.place.left >= 0
        assert panel.place.top >= 0
        assert panel.place.right <= canvas.width
        assert panel.place.bottom <= canvas.height
        for widget in panel.widgets:
            assert widget.place.left >= 0, widget.key
            assert widget.place.right <= panel.place.width, widget.key
            assert widget.place.bottom <= panel.place.height, widget.key
        solid = [widget for widget in panel.widgets if not widget.key.startswith("turn:")]
        for number, widget in enumerate(solid):
            for other in solid[number + 1 :]:
                assert 0 in widget.place.shared_with(other.place)[2:], (widget.key, other.key)
    assert bar.place.bottom < choices.place.top
    assert Theme.of(canvas).normal.line_height >= 12
