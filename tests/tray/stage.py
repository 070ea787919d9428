"""A tray over a picture, what it is offered, and a hand that moves, presses and waits."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import ChooseEffect, Command
from realtime.control.offers import Category, Offer, OfferedSource
from realtime.control.parameters import Parameters
from realtime.core.settings import setting
from realtime.imaging.frame import USUAL_SIZE, Pixels, Size
from realtime.outputs.window.tray.tray import Tray
from realtime.outputs.window.tray.widgets import Panel, Widget


@dataclasses.dataclass(frozen=True)
class LookSettings:
    """One of each kind."""

    strength: float = dataclasses.field(
        default=1.0, metadata=setting("how much", least=0, most=1, step=0.1, unit="%", live=True)
    )
    tilt: float = dataclasses.field(default=0.0, metadata=setting("which way", least=-4, most=4, step=0.5, live=True))
    where: Literal["all", "person", "background"] = dataclasses.field(
        default="all", metadata=setting("what is painted", live=True)
    )
    steady: bool = dataclasses.field(default=True, metadata=setting("calm", live=True))
    paper: Path | None = dataclasses.field(default=None, metadata=setting("what it is painted on", live=True))
    seed: int = dataclasses.field(default=3, metadata=setting("which chance", live=True))
    fixed: float = dataclasses.field(default=1.0, metadata=setting("only at the start", least=0, most=1))


def look(spec: str, title: str, **more: object) -> Offer:
    return Offer(spec, title, ChooseEffect(spec, 0.25), **more)  # type: ignore[arg-type]


CATEGORIES = (
    Category(
        "Looks",
        (look("none", "Camera", is_bare=True), *(look(f"style:{n}", n.title()) for n in ("night", "woodblock", "ink"))),
        "a style's .onnx file",
        Path("/looks"),
    ),
    Category("Faces", (look("swap:/f/anna.jpg", "Anna"),), "a photo of a face"),
    Category("Portraits", (look("portrait", "Portrait"), Offer("portrait:/p", "Pearl", None, made=0.4)), "a picture"),
    Category("Background", tuple(look(f"background:{n}", f"Wall {n}") for n in range(30)), "a picture or a film"),
)
SOURCES = (
    OfferedSource("HD Webcam", "HD Webcam", "1920x1080, 1280x720 · up to 30 fps"),
    OfferedSource("Desk Camera", "Desk Camera", "1280x720"),
    OfferedSource("demo", "Demo", "a viewer who walks about, drawn"),
)


class Offering:
    """What can be chosen, and what was asked of whoever knows it."""

    def __init__(self) -> None:
        self.categories: tuple[Category, ...] = CATEGORIES
        self.sources: tuple[OfferedSource, ...] = SOURCES
        self.pictures: dict[str, Pixels] = {}
        self.asked: list[tuple[object, ...]] = []
        self.has_dialogue = True

    def look_for_sources(self) -> None:
        self.asked.append(("look for sources",))

    def thumbnail(self, spec: str) -> Pixels | None:
        return self.pictures.get(spec)

    def watch(self, category: str | None) -> None:
        self.asked.append(("watch", category))

    def take(self, paths: Sequence[Path], category: str) -> None:
        self.asked.append(("take", tuple(paths), category))

    def choose_file(self, category: str) -> bool:
        self.asked.append(("choose file", category))
        return self.has_dialogue

    def choose_file_for(self, path: str) -> bool:
        self.asked.append(("choose file for", path))
        return self.has_dialogue

    def open_folder(self, category: str) -> None:
        self.asked.append(("open folder", category))


class Held:
    """The window that the tray lies on."""

    def __init__(self) -> None:
        self.is_fullscreen = self.is_help_open = False

    def toggle_fullscreen(self) -> None:
        self.is_fullscreen = not self.is_fullscreen

    def toggle_help(self) -> None:
        self.is_help_open = not self.is_help_open


class Hand:
    """Somebody at the tray. Time passes only as they say."""

    def __init__(self, canvas: Size = USUAL_SIZE, *, status: Status | None = None) -> None:
        self.controls = ControlChannel()
        self.offers = self.controls.offers = Offering()
        self.held = Held()
        self.controls.status = status or Status(effect="Night", spec="style:night", source="HD Webcam")
        self.settings = Parameters(LookSettings())
        self.controls.parameters.hold("style", self.settings)
        self.canvas = canvas
        self.now_s = 100.0
        self.tray = Tray(self.controls, self.held)

    def wait(self, seconds: float) -> None:
        """Let time pass, as the window lets it: a look each sixtieth of a second."""
        for _ in range(max(1, round(seconds * 60))):
            self.now_s += 1 / 60
            self.tray.refresh(self.canvas, self.now_s)

    def come(self) -> None:
        """Move the mouse, and wait until the tray is there."""
        self.tray.move(self.canvas.width / 2, self.canvas.height / 2 - 40, self.now_s)
        self.wait(0.5)

    def find(self, key: str) -> tuple[Panel, Widget]:
        found = self.tray.layout.find(key)
        assert found is not None, f"{key} is not there"
        return found

    def middle(self, key: str) -> tuple[float, float]:
        panel, widget = self.find(key)
        place = widget.place
        return panel.place.left + place.left + place.width / 2, panel.place.top + place.top + place.height / 2

    def rest(self, key: str) -> None:
        self.tray.move(*self.middle(key), self.now_s)
        self.wait(0.1)

    def click(self, key: str, button: int = 1, *, is_touch: bool = False, held_s: float = 0.05) -> None:
        point = self.middle(key)
        if not is_touch:
            self.rest(key)
        self.tray.press(*point, button, self.now_s, is_touch=is_touch)
        self.wait(held_s)
        if button == 1:
            self.tray.release(*point, self.now_s)
        self.wait(0.1)

    def key(self, *keys: int) -> bool:
        """Press keys; whether the tray had the last."""
        had = False
        for key in keys:
            had = self.tray.key(key, self.now_s)
            self.wait(0.05)
        return had

    def commands(self) -> list[Command]:
        found = []
        while (command := self.controls.next_command()) is not None:
            found.append(command)
        return found


def picture(grey: int = 128) -> Pixels:
    return np.full((90, 160, 3), grey, np.uint8)
