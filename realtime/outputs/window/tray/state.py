"""All that the tray's looks depend on: one immutable value, made anew whenever somebody looks."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from realtime.control.channel import ControlChannel, Status
from realtime.control.offers import Category, OfferedSource, scene_spec
from realtime.core.settings import Kind
from realtime.imaging.frame import Size
from realtime.outputs.window.tray.entry import Entry
from realtime.outputs.window.tray.values import Setting

_BACKGROUND, _NONE = "background", "none"
SOURCES = "sources"
"""The list of cameras, as a menu."""


@dataclasses.dataclass(frozen=True, slots=True)
class Hand:
    """Where somebody is in the tray: what is open, pointed at, pressed."""

    category: str = "Looks"
    first_tile: int = 0
    page: int = 0
    """Of the settings, where they do not all have room."""
    menu: str = ""
    """What list is open: `SOURCES`, the path of a choice; empty: none."""
    first_item: int = 0
    hot: str = ""
    """The key of what the mouse is over."""
    pressed: str = ""
    focus: str = ""
    """The key of what Enter means; empty: nobody uses the keyboard."""
    helped: str = ""
    """The key of what is explained, because the mouse rests there."""
    opening: str = ""
    """The spec of an offer that was chosen and is not there yet."""
    entry: Entry | None = None
    """What is being typed; None: nothing is."""
    countdown: int = 0
    """Seconds until a photo is taken; 0: none is waited for."""
    is_full: bool = False
    is_help_open: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class TrayState:
    """What is seen."""

    canvas: Size
    hand: Hand
    source: str
    """What is read, as people call it."""
    read: frozenset[str]
    """The specs of the sources that are read now: one, or none of those there are."""
    in_calls: bool
    recorded_s: int | None
    """For how long a recording goes on; None: there is none."""
    paused: bool
    mirrored: bool
    chosen: frozenset[str]
    """The specs of the offers that are in use: an effect, a scene."""
    effect: str
    """The same as people read it."""
    hides_people: bool
    categories: tuple[Category, ...]
    sources: tuple[OfferedSource, ...]
    settings: tuple[Setting, ...]
    thumbnails: tuple[tuple[str, int], ...]
    """Of the category that is seen: by spec, a number that changes with the picture."""

    @property
    def category(self) -> Category | None:
        """The category that is seen."""
        found = [category for category in self.categories if category.name == self.hand.category]
        return found[0] if found else (self.categories[0] if self.categories else None)

    def setting(self, path: str) -> Setting | None:
        """Return one of the settings."""
        return next((one for one in self.settings if one.path == path), None)

    def number_of(self, category: Category, place: int) -> int | None:
        """Return the digit that chooses the offer at a place of a category."""
        number = category.offers[place].number
        if number is None and all(offer.number is None for offer in category.offers):
            number = place
        return number if number is not None and 0 <= number <= 9 else None


def chosen_of(categories: Sequence[Category], spec: str) -> str:
    """Return the spec of the offer that an effect in use is: `style:night:0.7` is `style:night`, and `style` alone the
    first of its kind.
    """
    specs = [offer.spec for category in categories for offer in category.offers]
    if spec in specs or not spec:
        return spec
    longer = [one for one in specs if ":" in one and spec.startswith(f"{one}:")]
    if longer:
        return max(longer, key=len)
    return next((one for one in specs if ":" not in spec and one.startswith(f"{spec}:")), "")


def chosen_in(categories: Sequence[Category], status: Status) -> frozenset[str]:
    """Return the specs of the offers that are in use: a look, a background, a scene. What takes off the one or the
    other is in use where there is none.
    """
    specs = {offer.spec for category in categories for offer in category.offers}
    look = "" if status.spec == status.background else status.spec
    without = {f"{_BACKGROUND}:{_NONE}"} if not status.background else set()
    if not look and _NONE in specs:
        without.add(_NONE)
    in_use = {chosen_of(categories, look), chosen_of(categories, status.background), scene_spec(status.scene)}
    return frozenset((in_use | (without & specs)) - {""})


def settings_of(controls: ControlChannel, status: Status, *, is_behind: bool = False) -> tuple[Setting, ...]:
    """Return what can be set now, of the look first, then of the other effects, then of the label. `is_behind`: of the
    background first.
    """
    live = [
        Setting(path, one, value)
        for path, one, value in controls.parameters.list()
        if one.live and (status.synthetic or not path.startswith("label."))
    ]
    owners = list(dict.fromkeys(setting.path.partition(".")[0] for setting in live))
    last = (status.background if is_behind else status.spec).partition(":")[0]

    def rank(owner: str) -> int:
        return 0 if owner == last else 2 if owner == "label" else 1

    ranked = sorted(owners, key=lambda owner: (rank(owner), -owners.index(owner)))
    return tuple(
        setting
        for owner in ranked
        for setting in _sliders_first([one for one in live if one.path.partition(".")[0] == owner])
    )


def _sliders_first(settings: Sequence[Setting]) -> Sequence[Setting]:
    """Put what people reach for before what they set once: numbers, then choices and switches, then files."""
    order = {Kind.NUMBER: 0, Kind.WHOLE_NUMBER: 0, Kind.CHOICE: 1, Kind.SWITCH: 1, Kind.FILE: 2, Kind.TEXT: 3}
    return sorted(settings, key=lambda one: (one.about.step is None and one.is_slider, order[one.about.kind]))
