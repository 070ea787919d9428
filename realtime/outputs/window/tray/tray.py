"""The tray: when it comes and goes, when there is something new to draw, and what mouse, finger and keyboard press
there. Main thread.
"""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

from realtime.control.channel import ControlChannel
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place
from realtime.imaging.sdl import pygame
from realtime.outputs.window.tray import focus
from realtime.outputs.window.tray.actions import FIRST_CATEGORY, Actions, HostWindow
from realtime.outputs.window.tray.entry import Entry
from realtime.outputs.window.tray.interaction import Interaction
from realtime.outputs.window.tray.layout import ADD, BAR, CHOICES, COUNT, HELP, MENU, Layout, lay_out
from realtime.outputs.window.tray.painter import PaintedPanel, Painter, track_of
from realtime.outputs.window.tray.settings import Settings
from realtime.outputs.window.tray.state import TrayState, chosen_in
from realtime.outputs.window.tray.theme import Theme
from realtime.outputs.window.tray.widgets import Slider, Tile

STAYS_S = 3.0
"""After the mouse has moved last."""
_STAYS_FOR_KEYS_S = 12.0  # whoever walks through it with keys reads between two of them
_SLIDES_S = 0.16
_LOOK_EVERY_S = 1 / 15
_FRAME_S = 1 / 60
_HELP_AFTER_S = 0.7
_LONG_PRESS_S = 0.6
_ARROWS = {
    pygame.K_LEFT: (-1, 0),
    pygame.K_RIGHT: (1, 0),
    pygame.K_UP: (0, -1),
    pygame.K_DOWN: (0, 1),
}


class Covered(NamedTuple):
    """How much of the canvas is under the tray, pixels from its edges."""

    top: int = 0
    bottom: int = 0


class Tray:
    """One window's tray. pygame's fonts must have been initialised."""

    def __init__(self, controls: ControlChannel, window: HostWindow) -> None:
        self._controls, self._window = controls, window
        self._settings = Settings(controls)
        self._shared = Interaction(FIRST_CATEGORY)
        self._actions = Actions(controls, window, self._settings, self._shared)
        self._painter = Painter(self._thumbnail)
        self._painted: list[PaintedPanel] = []
        self._is_wanted = False
        self._share = 0.0  # of it that has come, 0..1
        self._moved_at_s = self._looked_at_s = self._slid_at_s = -math.inf
        self._stays_s = STAYS_S
        self._hot_since_s = self._pressed_at_s = 0.0
        self._is_touch = False
        self._recording_since_s: float | None = None
        self._point = (-1.0, -1.0)
        self._has_dragged = self._must_show_chosen = False
        self._canvas = Size(1, 1)

    # What is seen -----------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether it is there, or coming."""
        return self._is_wanted

    @property
    def category(self) -> str:
        """The name of the tab that is seen."""
        return self._shared.hand.category

    @property
    def covered(self) -> Covered:
        """What it covers once it is there: whatever else is written keeps away from it."""
        bar, choices = self._shared.layout.panel(BAR), self._shared.layout.panel(CHOICES)
        if not self._is_wanted or bar is None or self._shared.state is None:
            return Covered()
        return Covered(bar.place.bottom, 0 if choices is None else self._shared.state.canvas.height - choices.place.top)

    @property
    def layers(self) -> list[tuple[pygame.Surface, tuple[int, int]]]:
        """Surfaces and their top-left corners on the canvas, bottom first."""
        if self._share == 0.0 and not self._shared.hand.countdown:
            return []
        eased = 1 - (1 - self._share) ** 3
        layers = []
        for panel, surface in self._painted:
            left, top = panel.place.left, panel.place.top
            if panel.name == BAR:
                top -= round((1 - eased) * panel.place.bottom)
            elif panel.name == CHOICES and self._shared.state is not None:
                top += round((1 - eased) * (self._shared.state.canvas.height - top))
            elif panel.name in (MENU, HELP) and self._share < 1.0:
                continue
            if self._share > 0.0 or panel.name == COUNT:
                layers.append((surface, (left, top)))
        return layers

    @property
    def layout(self) -> Layout:
        """Where everything lies, as it was drawn last."""
        return self._shared.layout

    def refresh(self, canvas: Size, now_s: float) -> bool:
        """Look what has changed. Return whether it must be drawn again."""
        if not self._is_wanted and self._share == 0.0 and not self._actions.is_counting_down:
            return False
        self._canvas = canvas
        self._wait(now_s)
        slides = self._slide(now_s)
        if not slides and not self._shared.is_stale and now_s - self._looked_at_s < _LOOK_EVERY_S:
            return False
        return self._look(canvas, now_s) or slides

    def clear(self) -> None:
        """Let go of all surfaces, before pygame is closed."""
        self._painted = []
        self._painter.forget()
        self._watch(None)

    def _look(self, canvas: Size, now_s: float) -> bool:
        self._looked_at_s, self._shared.is_stale = now_s, False
        state = self._gather(canvas, now_s)
        if state == self._shared.state:
            return False
        self._shared.state = state
        self._shared.layout = lay_out(state)
        self._painted = self._painter.paint(self._shared.layout)
        return True

    def _gather(self, canvas: Size, now_s: float) -> TrayState:
        status, offers = self._controls.status, self._controls.offers
        if not status.recording:
            self._recording_since_s = None
        elif self._recording_since_s is None:
            self._recording_since_s = now_s
        categories = offers.categories if offers is not None else ()
        chosen = chosen_in(categories, status)
        self._actions.notice_opened(chosen, now_s)
        self._shared.hold(is_full=self._window.is_fullscreen, is_help_open=self._window.is_help_open)
        if categories and all(category.name != self._shared.hand.category for category in categories):
            self._shared.hold(category=categories[0].name)
        shown = next((category for category in categories if category.name == self._shared.hand.category), None)
        if self._must_show_chosen and shown is not None:
            self._must_show_chosen = False
            self._shared.turn_to(next((at for at, offer in enumerate(shown.offers) if offer.spec in chosen), 0))
        self._settings.is_behind = shown is not None and shown.is_background
        sources = offers.sources if offers is not None else ()
        read = [source for source in sources if source.is_read(status)]
        thumbnails = []
        if offers is not None and shown is not None:
            for offer in shown.offers:
                picture = offers.thumbnail(offer.spec)
                if picture is not None:
                    thumbnails.append((offer.spec, id(picture)))
        return TrayState(
            canvas,
            self._shared.hand,
            source=read[0].title if read else status.source,
            read=frozenset(source.spec for source in read),
            in_calls=bool(status.virtual_camera),
            recorded_s=None if self._recording_since_s is None else int(now_s - self._recording_since_s),
            paused=status.paused,
            mirrored=status.mirrored,
            chosen=chosen,
            effect=" + ".join(status.titles) or status.effect,
            hides_people=status.hides_people,
            categories=categories,
            sources=sources,
            settings=self._settings.now(),
            thumbnails=tuple(thumbnails),
        )

    def _thumbnail(self, spec: str) -> Pixels | None:
        offers = self._controls.offers
        return None if offers is None else offers.thumbnail(spec)

    # Coming and going -------------------------------------------------------------------------------------------

    def wake(self, now_s: float, *, for_s: float | None = None) -> None:
        """Come, or stay: for three seconds from now, where nothing else is said."""
        self._moved_at_s, self._stays_s = now_s, STAYS_S if for_s is None else for_s
        if not self._is_wanted:
            self._is_wanted = self._must_show_chosen = True
            self._slid_at_s = now_s
            self._shared.is_stale = True
            self._watch(self._shared.hand.category)
            if self._controls.offers is not None and not self._controls.offers.sources:
                self._controls.offers.look_for_sources()

    def leave(self) -> None:
        """Go."""
        if self._is_wanted:
            self._is_wanted = False
            self._watch(None)
            self._shared.hold(menu="", hot="", pressed="", focus="", helped="", entry=None)
            self._point = (-1.0, -1.0)

    def toggle(self, now_s: float) -> None:
        """Come for whoever uses the keyboard, or go."""
        if self._is_wanted and self._shared.hand.focus:
            self.leave()
            return
        self.wake(now_s, for_s=_STAYS_FOR_KEYS_S)
        self._shared.hold(focus=self._first_focus())

    def _first_focus(self) -> str:
        tiles = self._tile_keys()
        chosen = set() if self._shared.state is None else {f"tile:{spec}" for spec in self._shared.state.chosen}
        return next((tile for tile in tiles if tile in chosen), tiles[0] if tiles else "bar:source")

    def _tile_keys(self) -> list[str]:
        panel = self._shared.layout.panel(CHOICES)
        return [] if panel is None else [widget.key for widget in panel.widgets if isinstance(widget, Tile)]

    def _watch(self, category: str | None) -> None:
        if self._controls.offers is not None:
            self._controls.offers.watch(category)

    def _wait(self, now_s: float) -> None:
        """Do what time does: go, explain, count down, take a long press."""
        hand = self._shared.hand
        self._actions.count_down(now_s)
        is_busy = hand.pressed or hand.menu or hand.entry is not None
        if self._is_wanted and not is_busy and now_s - self._moved_at_s > self._stays_s:
            self.leave()
            return
        if hand.pressed and now_s - self._pressed_at_s > _LONG_PRESS_S:
            if hand.pressed == "bar:photo":
                self._actions.begin_countdown(now_s)
                self._shared.hold(pressed="")
            elif self._is_touch and hand.pressed.startswith("set:") and not self._has_dragged:
                self._settings.reset(hand.pressed.removeprefix("set:"))
                self._shared.hold(pressed="")
        wants_help = bool(hand.hot) and not is_busy and now_s - self._hot_since_s > _HELP_AFTER_S
        self._shared.hold(helped=hand.hot if wants_help else "")

    def _slide(self, now_s: float) -> bool:
        """Move a bit further in or out. Return whether it has moved."""
        target = 1.0 if self._is_wanted else 0.0
        if self._share == target:
            self._slid_at_s = now_s
            return False
        passed_s = now_s - self._slid_at_s
        if passed_s < _FRAME_S:
            return False
        self._slid_at_s = now_s
        step = min(passed_s, 0.05) / _SLIDES_S
        self._share = min(1.0, self._share + step) if self._is_wanted else max(0.0, self._share - step)
        return True

    # The mouse, a finger ----------------------------------------------------------------------------------------

    def move(self, x: float, y: float, now_s: float) -> bool:
        """The mouse is at this point of the canvas. Return whether it holds something of the tray."""
        self.wake(now_s)
        self._point = (x, y)
        pressed = self._shared.hand.pressed
        if pressed:
            if self._slider(pressed) is not None:
                self._has_dragged = True
                self._drag(pressed, x)
            return True
        widget = self._shared.layout.at(x, y)
        self._heat("" if widget is None else widget.key, now_s)
        self._shared.hold(focus="")
        return widget is not None

    def press(self, x: float, y: float, button: int, now_s: float, *, is_touch: bool = False) -> bool:
        """A button went down. Return whether the tray has it; else the picture was meant."""
        was_there = self._share > 0.5
        self.wake(now_s)
        self._is_touch, self._has_dragged = is_touch, False
        panel = self._shared.layout.panel_at(x, y) if was_there else None
        widget = None if panel is None else panel.at(x, y)
        if widget is None or not self._shared.is_typed_into(widget.key):
            self._end_typing()
        menu_was_open = bool(self._shared.hand.menu)
        if menu_was_open and (panel is None or panel.name != MENU) and (widget is None or button != 1):
            self._shared.hold(menu="", first_item=0)
            return True
        if panel is None:
            return False
        if widget is None:
            return True
        if button == 3 and widget.key.startswith("set:"):
            self._settings.reset(widget.key.removeprefix("set:"))
        elif button == 3 and widget.key == f"tile:{ADD}" and self._controls.offers is not None:
            self._controls.offers.open_folder(self._shared.hand.category)
        elif button == 1:
            self._pressed_at_s = now_s
            self._shared.hold(pressed=widget.key, helped="")
            if isinstance(widget, Slider) and not is_touch:
                self._drag(widget.key, x)
        self._shared.is_stale = True
        return True

    def release(self, x: float, y: float, now_s: float) -> bool:
        """The first button went up. Return whether the tray had it."""
        pressed = self._shared.hand.pressed
        if not pressed:
            return False
        self.wake(now_s)
        self._shared.hold(pressed="")
        self._shared.is_stale = True
        if self._slider(pressed) is not None:
            if not self._has_dragged and self._is_touch:
                self._drag(pressed, x)
            return True
        widget = self._shared.layout.at(x, y)
        if widget is not None and widget.key == pressed:
            self._actions.act(pressed, now_s)
        if self._is_touch:
            self._heat("", now_s)
        return True

    def turn(self, notches: int, now_s: float) -> bool:
        """The wheel was turned, away from its user: 1. Return whether the tray has it."""
        if not self._is_wanted or self._shared.state is None:
            self.wake(now_s)
            return True
        self.wake(now_s)
        self._shared.is_stale = True
        panel = self._shared.layout.panel_at(*self._point)
        widget = self._shared.layout.at(*self._point)
        if panel is not None and panel.name == MENU:
            self._shared.hold(first_item=self._shared.hand.first_item - notches)
            self._shared.limit_items()
        elif isinstance(widget, Tile) or (widget is not None and widget.key.startswith("turn:tiles")):
            if not self._shared.turn_tiles(-notches):
                self._settings.step_first(notches)
        elif widget is not None and widget.key.startswith("set:"):
            self._settings.step(widget.key.removeprefix("set:"), notches)
        else:
            self._settings.step_first(notches)
        return True

    def _heat(self, key: str, now_s: float) -> None:
        if key != self._shared.hand.hot:
            self._hot_since_s = now_s
            self._shared.hold(hot=key)
            self._shared.is_stale = True

    def _slider(self, key: str) -> Slider | None:
        found = self._shared.layout.find(key)
        return found[1] if found is not None and isinstance(found[1], Slider) else None

    def _drag(self, key: str, x: float) -> None:
        found, path = self._shared.layout.find(key), key.removeprefix("set:")
        setting = self._settings.find(path)
        if found is None or setting is None:
            return
        panel, slider = found
        if not isinstance(slider, Slider):
            return
        track = track_of(slider, Theme(panel.scale))
        share = (x - panel.place.left - track.left) / max(1, track.width)
        self._settings.set(path, setting.at_share(share))

    # The keyboard -----------------------------------------------------------------------------------------------

    def key(self, key: int, now_s: float) -> bool:
        """A key was pressed while the tray is open. Return whether the tray has it."""
        if not self._is_wanted:
            return False
        if self._shared.hand.entry is not None:
            self._key_into_text(self._shared.hand.entry, key, now_s)
            return True
        if key == pygame.K_ESCAPE and self._shared.hand.menu:
            self._shared.hold(menu="", first_item=0)
        elif key == pygame.K_ESCAPE:
            self.leave()
        elif not self._shared.hand.focus:
            return False
        elif key in _ARROWS:
            self._walk(*_ARROWS[key])
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE):
            self._actions.act(self._shared.hand.focus, now_s)
            if self._shared.hand.menu:
                self._focus_on_menu()
        else:
            return False
        self._shared.is_stale = True
        if self._is_wanted:
            self.wake(now_s, for_s=_STAYS_FOR_KEYS_S)
        return True

    def _walk(self, right: int, down: int) -> None:
        hand = self._shared.hand
        setting = self._settings.find(hand.focus.removeprefix("set:")) if hand.focus.startswith("set:") else None
        if right and setting is not None and setting.is_slider:
            self._settings.set(setting.path, setting.stepped(right))
            return
        on_tiles = hand.focus.startswith("tile:")
        following = focus.moved(self._shared.layout, hand.focus, right, down)
        if right and on_tiles and (following == hand.focus or not following.startswith("tile:")):
            if not self._shared.turn_tiles(right):
                return
            self._look(self._canvas, self._moved_at_s)
            tiles = self._tile_keys()
            self._shared.hold(focus=tiles[-1] if right > 0 else tiles[0])
            return
        self._shared.hold(focus=following, hot="")

    def _focus_on_menu(self) -> None:
        self._look(self._canvas, self._moved_at_s)
        reachable = focus.reachable(self._shared.layout)
        if reachable:
            self._shared.hold(focus=reachable[0][1].key)

    def choose_number(self, number: int, now_s: float) -> bool:
        """Choose what a digit means: on the tab that is seen, else a scene, else a look. False: there is none."""
        return self._actions.choose_number(number, now_s, is_open=self._is_wanted)

    def next_source(self) -> None:
        """Take the camera that comes after the one in use; where there is one only, say so."""
        self._actions.next_source()

    # A text ----------------------------------------------------------------------------------------------------

    @property
    def typed_at(self) -> Place | None:
        """Where on the canvas somebody types; None: nobody does, and keys are commands."""
        entry = self._shared.hand.entry
        found = None if entry is None else self._shared.layout.find(f"set:{entry.path}")
        if found is None:
            return None
        panel, widget = found
        left, top = panel.place.left + widget.place.left, panel.place.top + widget.place.top
        return widget.place._replace(left=left, top=top)

    def type_text(self, letters: str, now_s: float) -> None:
        """Letters were typed, or an input method has composed them."""
        if self._shared.hand.entry is not None:
            self._shared.hold(entry=self._shared.hand.entry.with_typed(letters))
            self.wake(now_s, for_s=_STAYS_FOR_KEYS_S)

    def compose(self, letters: str) -> None:
        """An input method is composing; empty: no more."""
        if self._shared.hand.entry is not None:
            self._shared.hold(entry=dataclasses.replace(self._shared.hand.entry, composing=letters))

    def _key_into_text(self, entry: Entry, key: int, now_s: float) -> None:
        """A key was pressed while somebody types: it means nothing else."""
        self.wake(now_s, for_s=_STAYS_FOR_KEYS_S)
        if entry.composing:  # the input method has the keys
            return
        if key == pygame.K_ESCAPE:
            self._shared.hold(entry=None)
        elif key in (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_TAB):
            self._end_typing()
        else:
            self._shared.hold(entry=entry.after_key(key))

    def _end_typing(self) -> None:
        """Take what was typed for the parameter's value, where it has become another."""
        entry = self._shared.hand.entry
        if entry is None:
            return
        self._shared.hold(entry=None)
        setting = self._settings.find(entry.path)
        if setting is not None and entry.text != str(setting.value or ""):
            self._settings.set(entry.path, entry.text or None if setting.about.optional else entry.text)
