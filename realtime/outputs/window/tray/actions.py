"""What a press on the tray's widgets means, and what keys without a widget mean: commands, menus, parameters."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Protocol

from realtime.control.channel import ControlChannel
from realtime.control.commands import (
    ChooseSource,
    SaveSnapshot,
    SetInCalls,
    SetMirrored,
    SetPaused,
    SetRecording,
)
from realtime.control.offers import Offer
from realtime.core.language import _
from realtime.core.settings import Kind
from realtime.outputs.window.tray.entry import Entry
from realtime.outputs.window.tray.interaction import Interaction
from realtime.outputs.window.tray.layout import ADD
from realtime.outputs.window.tray.settings import Settings
from realtime.outputs.window.tray.state import SOURCES

FIRST_CATEGORY = "Looks"
_COUNTDOWN_S = 3.0
_OPENING_S = 20.0
"""For how long a tile says that it is being opened; a model may take some seconds."""


class HostWindow(Protocol):
    """The window that the tray lies on."""

    @property
    def is_fullscreen(self) -> bool: ...
    @property
    def is_help_open(self) -> bool: ...
    def toggle_fullscreen(self) -> None: ...
    def toggle_help(self) -> None: ...


class Actions:
    """Main thread. Times are `time.monotonic`'s."""

    def __init__(self, controls: ControlChannel, window: HostWindow, settings: Settings, shared: Interaction) -> None:
        self._controls, self._window, self._settings, self._shared = controls, window, settings, shared
        self._photo_at_s: float | None = None
        self._opening_until_s = 0.0

    # A photo in three seconds -----------------------------------------------------------------------------------

    @property
    def is_counting_down(self) -> bool:
        """Whether a photo is waited for."""
        return self._photo_at_s is not None

    def begin_countdown(self, now_s: float) -> None:
        """Take a photo in three seconds."""
        self._photo_at_s = now_s + _COUNTDOWN_S

    def count_down(self, now_s: float) -> None:
        """Say how long it takes yet to a photo, and take it when it is time."""
        if self._photo_at_s is None:
            return
        left_s = self._photo_at_s - now_s
        self._shared.hold(countdown=max(0, math.ceil(left_s)))
        if left_s <= 0:
            self._photo_at_s = None
            self._controls.send(SaveSnapshot())

    # What is being opened ---------------------------------------------------------------------------------------

    def notice_opened(self, chosen: frozenset[str], now_s: float) -> None:
        """Let a tile say no longer that it is being opened, once it is among those in use or has taken too long."""
        opening = self._shared.hand.opening
        if opening and (opening in chosen or now_s > self._opening_until_s):
            self._shared.hold(opening="")

    # Widgets ----------------------------------------------------------------------------------------------------

    def act(self, key: str, now_s: float) -> None:
        """Do what a widget is for."""
        kind, _, name = key.partition(":")
        actions: dict[str, Callable[[str], None]] = {
            "bar": self._act_on_bar,
            "tab": self._show_category,
            "tile": functools.partial(self._act_on_tile, now_s=now_s),
            "folder": self._open_folder,
            "turn": self._act_on_turn,
            "set": self._act_on_setting,
            "source": self._take_source,
            "choice": self._take_choice,
            "menu": self._act_on_menu,
        }
        actions[kind](name)
        self._shared.is_stale = True

    def _act_on_bar(self, name: str) -> None:
        send, status = self._controls.send, self._controls.status
        match name:
            case "source":
                self._open_menu(SOURCES)
                if self._shared.hand.menu and self._controls.offers is not None:
                    self._controls.offers.look_for_sources()
            case "calls":
                send(SetInCalls(not status.virtual_camera))
            case "record":
                send(SetRecording(not status.recording))
            case "photo":
                self._photo_at_s = None
                self._shared.hold(countdown=0)
                send(SaveSnapshot())
            case "freeze":
                send(SetPaused(not status.paused))
            case "mirror":
                send(SetMirrored(not status.mirrored))
            case "full":
                self._window.toggle_fullscreen()
            case "help":
                self._window.toggle_help()

    def _show_category(self, name: str) -> None:
        self._shared.hold(category=name, first_tile=0, menu="")
        if self._controls.offers is not None:
            self._controls.offers.watch(name)

    def _act_on_tile(self, name: str, now_s: float) -> None:
        category = None if self._shared.state is None else self._shared.state.category
        if category is None:
            return
        if name == ADD and category.keeps is not None:
            self._controls.send(category.keeps)
            return
        if name == ADD:
            if self._controls.offers is None or not self._controls.offers.choose_file(category.name):
                self._controls.say(_("drop {takes} here, from your file manager", takes=category.takes))
            return
        offer = next((offer for offer in category.offers if offer.spec == name), None)
        if offer is not None:
            self._choose(offer, now_s)

    def _choose(self, offer: Offer, now_s: float) -> None:
        if offer.command is None:
            self._controls.say(_("{title} is still being made", title=offer.title))
            return
        self._controls.send(offer.command)
        if self._shared.state is None or offer.spec not in self._shared.state.chosen:
            self._shared.hold(opening=offer.spec)
            self._opening_until_s = now_s + _OPENING_S

    def _open_folder(self, name: str) -> None:
        if self._controls.offers is not None:
            self._controls.offers.open_folder(name)

    def _act_on_turn(self, name: str) -> None:
        what, _, by = name.partition(":")
        if what == "tiles":
            self._shared.turn_tiles(int(by) * max(1, self._shared.layout.tiles_shown - 1))
        else:
            self._shared.hold(page=(self._shared.hand.page + 1) % max(1, self._shared.layout.pages))

    def _act_on_setting(self, path: str) -> None:
        setting = self._settings.find(path)
        if setting is None:
            return
        if setting.about.kind is Kind.CHOICE:
            self._open_menu(path)
        elif setting.about.kind is Kind.FILE:
            if self._controls.offers is None or not self._controls.offers.choose_file_for(path):
                self._controls.say(_("no file dialogue is found on this system"))
        elif setting.about.kind is Kind.TEXT:
            if self._shared.is_typed_into(f"set:{path}"):
                return
            self._shared.hold(entry=Entry.begun(path, str(setting.value or "")), helped="")
        else:
            self._settings.set(path, setting.stepped(1))

    def _take_source(self, spec: str) -> None:
        self._shared.hold(menu="")
        self._controls.send(ChooseSource(spec))

    def _take_choice(self, choice: str) -> None:
        path = self._shared.hand.menu
        self._shared.hold(menu="", focus=f"set:{path}" if self._shared.hand.focus else "")
        self._settings.set(path, choice or None)

    def _act_on_menu(self, name: str) -> None:
        offers = self._controls.offers
        if offers is None:
            return
        if name == "refresh":
            offers.look_for_sources()
            self._controls.say(_("looking for cameras"))
            return
        self._shared.hold(menu="")
        if not offers.choose_file(""):
            self._controls.say(_("drop a film or a picture here, from your file manager"))

    def _open_menu(self, menu: str) -> None:
        self._shared.hold(menu="" if self._shared.hand.menu == menu else menu, first_item=0, helped="")

    # Keys without a widget --------------------------------------------------------------------------------------

    def choose_number(self, number: int, now_s: float, *, is_open: bool) -> bool:
        """Choose what a digit means: on the tab that is seen, where the tray is open, else a scene, else a look. False:
        there is none.
        """
        offers = self._controls.offers
        categories = () if offers is None else offers.categories
        shown = [category for category in categories if category.name == self._shared.hand.category] if is_open else []
        numbered = [category for category in categories if any(offer.number is not None for offer in category.offers)]
        looks = [category for category in categories if category.name == FIRST_CATEGORY]
        for category in (*shown, *numbered, *looks):
            has_own = any(offer.number is not None for offer in category.offers)
            for place, offer in enumerate(category.offers):
                if number == (offer.number if has_own else place) and offer.command is not None:
                    self._choose(offer, now_s)
                    return True
        return False

    def next_source(self) -> None:
        """Take the camera that comes after the one in use; where there is one only, say so."""
        offers, status = self._controls.offers, self._controls.status
        sources = [] if offers is None else [source for source in offers.sources if source.spec != "demo"]
        if offers is not None and not offers.sources:
            offers.look_for_sources()
            self._controls.say(_("looking for cameras; press C again"))
            return
        if not sources:
            self._controls.say(_("no camera is plugged in"))
            return
        at = next((n for n, one in enumerate(sources) if one.is_read(status)), -1)
        following = sources[(at + 1) % len(sources)]
        if len(sources) == 1 and at == 0:
            self._controls.say(_("there is no other camera"))
            return
        self._controls.say(_("camera: {title}", title=following.title))
        self._controls.send(ChooseSource(following.spec))
