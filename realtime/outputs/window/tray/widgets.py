"""What the tray consists of, as values: equal ones look the same."""

from __future__ import annotations

import dataclasses

from realtime.imaging.frame import Size
from realtime.imaging.pixels import Place


@dataclasses.dataclass(frozen=True, slots=True)
class Widget:
    """Something that can be pointed at. A subclass says how it looks, its key what it does."""

    key: str
    """What it is known by, `KIND:NAME`: `bar:record`, `tile:style:night`, `set:style.strength`."""
    place: Place
    """Pixels of its panel."""
    help: str = ""
    """What is said of it when the mouse rests there."""
    is_hot: bool = False
    """Whether the mouse is over it."""
    is_pressed: bool = False
    has_focus: bool = False
    """Whether the Enter key means it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Label(Widget):
    """Words alone."""

    text: str = ""
    is_quiet: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class Button(Widget):
    """A sign, words, or both; `is_on`: what it does is the case now."""

    icon: str = ""
    text: str = ""
    is_on: bool = False
    is_menu: bool = False
    """Whether it opens a list."""
    is_alarm: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Switch(Widget):
    """On or off, at once."""

    text: str = ""
    is_on: bool = False
    is_at_end: bool = False
    """Whether the knob stands behind the words, as in a list of settings; else before them."""


@dataclasses.dataclass(frozen=True, slots=True)
class Slider(Widget):
    """A number within a range: its name and value above a line."""

    text: str = ""
    value: str = ""
    share: float = 0.0
    """Where the knob is, 0..1."""
    origin: float = 0.0
    """Where nothing is, 0..1: the line is filled from there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Field(Widget):
    """A value that a press changes or opens: its name above it."""

    text: str = ""
    value: str = ""
    icon: str = ""
    caret: int | None = None
    """Before which letter of the value somebody types; None: nobody does."""
    composing: str = ""
    """What an input method composes there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tab(Widget):
    """The name of a category."""

    text: str = ""
    is_chosen: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Tile(Widget):
    """A small picture and its name."""

    text: str = ""
    number: str = ""
    icon: str = ""
    """What stands there instead of a picture."""
    picture: int = 0
    """Which picture: the number changes with it; 0: none."""
    is_chosen: bool = False
    made: float | None = None
    """How far it has been made, 0..1."""
    says: str = ""
    """Words in place of a picture."""


@dataclasses.dataclass(frozen=True, slots=True)
class Item(Widget):
    """A line of a list."""

    text: str = ""
    detail: str = ""
    icon: str = ""
    is_chosen: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Panel:
    """A rounded piece of the tray, and what lies on it."""

    name: str
    place: Place
    """Pixels of the canvas."""
    widgets: tuple[Widget, ...]
    scale: float
    is_solid: bool = False
    """Whether it lies on another panel."""

    def at(self, x: float, y: float) -> Widget | None:
        """Return what a point of the canvas means; None: nothing, or the panel alone."""
        x, y = x - self.place.left, y - self.place.top
        found = [widget for widget in self.widgets if holds(widget.place, x, y) and not isinstance(widget, Label)]
        return found[-1] if found else None

    @property
    def size(self) -> Size:
        """Its size."""
        return Size(self.place.width, self.place.height)


def holds(place: Place, x: float, y: float) -> bool:
    """Whether a point lies in a place."""
    return place.left <= x < place.right and place.top <= y < place.bottom
