"""Where everything lies: from a state to panels of widgets. Nothing is drawn here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from realtime.control.offers import Category, Offer
from realtime.core.language import N_, _
from realtime.core.settings import Kind
from realtime.imaging.pixels import Place
from realtime.imaging.text import Font, wrapped
from realtime.outputs.window.tray.entry import Entry
from realtime.outputs.window.tray.state import SOURCES, TrayState
from realtime.outputs.window.tray.theme import Theme
from realtime.outputs.window.tray.values import Setting
from realtime.outputs.window.tray.widgets import (
    Button,
    Field,
    Item,
    Label,
    Panel,
    Slider,
    Switch,
    Tab,
    Tile,
    Widget,
    holds,
)

BAR, CHOICES, MENU, HELP, COUNT = "bar", "choices", "menu", "help", "count"
KEEP_KEYS = N_("Shift and a digit")
ADD = "add"
"""What the last tile is known by."""

_MARGIN = 14
_PAD = 10
_GAP = 10
_BAR_HEIGHT = 40
_TAB_HEIGHT = 34
_LEAST_TILE_WIDTH = 118
_TILE_SHAPE = 9 / 16
_TILE_TEXT = 22
_SETTING_HEIGHT = 44
_SETTING_WIDTH = 164
_ITEM_HEIGHT = 36
_MENU_WIDTH = 320
_MOST_ITEMS = 9
_HELP_WIDTH = 330
_WIDEST = 1500  # a screen that is very wide: nobody reads from one end to the other
_TWO_ROWS_FROM = 620
"""Height of a canvas, at scale 1, that has room for a second row of settings."""


class Layout(NamedTuple):
    """The whole tray, bottom first, and how far it can be turned over."""

    panels: tuple[Panel, ...] = ()
    tiles_shown: int = 0
    pages: int = 1
    items_shown: int = 0

    def at(self, x: float, y: float) -> Widget | None:
        """Return the widget at a point of the canvas; None: none."""
        panel = self.panel_at(x, y)
        return None if panel is None else panel.at(x, y)

    def panel_at(self, x: float, y: float) -> Panel | None:
        """Return the uppermost panel at a point that can be touched; None: the picture is there."""
        panels = [panel for panel in self.panels if panel.name not in (HELP, COUNT) and holds(panel.place, x, y)]
        return panels[-1] if panels else None

    def panel(self, name: str) -> Panel | None:
        """Return a panel by its name."""
        return next((panel for panel in self.panels if panel.name == name), None)

    def find(self, key: str) -> tuple[Panel, Widget] | None:
        """Return a widget by its key, and the panel it lies on."""
        for panel in self.panels:
            for widget in panel.widgets:
                if widget.key == key:
                    return panel, widget
        return None


def lay_out(state: TrayState) -> Layout:
    """Lay out what a state shows. pygame's fonts must have been initialised."""
    theme = Theme.of(state.canvas)
    bar = _Bar(state, theme).panel()
    choices = _ChoicesPanel(state, theme)
    panels = (bar,) if state.hand.is_help_open else (bar, choices.panel())  # the keys need the room
    layout = Layout(panels, choices.tiles_shown, choices.pages)
    if state.hand.menu:
        menu, shown = _menu(state, theme, layout)
        if menu is not None:
            layout = layout._replace(panels=(*layout.panels, menu), items_shown=shown)
    if state.hand.helped:
        note = _help(state, theme, layout)
        layout = layout if note is None else layout._replace(panels=(*layout.panels, note))
    if state.hand.countdown:
        layout = layout._replace(panels=(*layout.panels, _count(state, theme)))
    return layout._replace(panels=tuple(_with_hand(panel, state) for panel in layout.panels))


def _with_hand(panel: Panel, state: TrayState) -> Panel:
    """Mark what is pointed at, pressed, and what Enter means."""
    hand = state.hand
    if not {hand.hot, hand.pressed, hand.focus} & {widget.key for widget in panel.widgets}:
        return panel
    widgets = tuple(
        dataclasses.replace(
            widget,
            is_hot=widget.key == hand.hot,
            is_pressed=widget.key == hand.pressed,
            has_focus=widget.key == hand.focus,
        )
        if widget.key in (hand.hot, hand.pressed, hand.focus)
        else widget
        for widget in panel.widgets
    )
    return dataclasses.replace(panel, widgets=widgets)


def _width_of(state: TrayState, theme: Theme) -> int:
    return min(state.canvas.width - 2 * theme.px(_MARGIN), theme.px(_WIDEST))


class _BarButton(NamedTuple):
    """A button at the bar's right end."""

    key: str
    icon: str
    text: str
    widest: str
    """The longest text it has: the bar must not jump when it changes."""
    is_on: bool
    help: str
    is_alarm: bool = False


class _Bar:
    """The upper edge: where the picture comes from, where it goes, and what is done with it."""

    def __init__(self, state: TrayState, theme: Theme) -> None:
        self._state, self._theme = state, theme
        self._width = _width_of(state, theme)
        self._inner = theme.px(_PAD)
        self._height = theme.px(_BAR_HEIGHT)

    def panel(self) -> Panel:
        theme = self._theme
        margin = theme.px(_MARGIN)
        left = (self._state.canvas.width - self._width) // 2
        place = Place(left, margin, self._width, self._height + 2 * theme.px(6))
        return Panel(BAR, place, tuple(self._widgets()), theme.scale)

    def _widgets(self) -> Iterator[Widget]:
        state, theme = self._state, self._theme
        px, top = theme.px, theme.px(6)
        buttons = self._buttons()
        switch_text = theme.normal.width(_("In my calls"))
        room = self._width - 2 * self._inner
        knob = px(38)
        least_source = px(120)
        for with_words, with_switch_words in ((True, True), (False, True), (False, False)):
            button_widths = [self._button_width(button, with_words) for button in buttons]
            switch = knob + px(20) + (switch_text + px(8) if with_switch_words else 0)
            rest = room - sum(button_widths) - px(4) * (len(buttons) - 1) - switch - px(16)
            if rest >= least_source:
                break
        name = theme.normal.shortened(state.source or _("Camera"), max(px(20), min(px(250), rest - px(66))))
        source = max(px(80), min(rest, theme.normal.width(name) + px(66)))
        left = self._inner
        yield Button(
            "bar:source",
            Place(left, top, source, self._height),
            _("where the picture comes from"),
            icon="camera",
            text=name,
            is_on=state.hand.menu == SOURCES,
            is_menu=True,
        )
        left += source + px(8)
        yield Switch(
            "bar:calls",
            Place(left, top, switch, self._height),
            _("send the picture to a virtual camera, which calls take (V)"),
            text=_("In my calls") if with_switch_words else "",
            is_on=state.in_calls,
        )
        left = self._width - self._inner - sum(button_widths) - px(4) * (len(buttons) - 1)
        for button, width in zip(buttons, button_widths, strict=True):
            yield Button(
                button.key,
                Place(left, top, width, self._height),
                button.help,
                icon=button.icon,
                text=button.text if with_words or button.is_alarm else "",
                is_on=button.is_on,
                is_alarm=button.is_alarm,
            )
            left += width + px(4)

    def _buttons(self) -> list[_BarButton]:
        state = self._state
        recorded_s = state.recorded_s
        is_recording = recorded_s is not None
        record = _("Record") if recorded_s is None else f"{recorded_s // 60}:{recorded_s % 60:02d}"
        return [
            _BarButton(
                "bar:record",
                "stop" if is_recording else "record",
                record,
                _("Record"),
                is_recording,
                _("stop the recording (R)") if is_recording else _("record what is shown (R)"),
                is_recording,
            ),
            _BarButton(
                "bar:photo", "photo", _("Photo"), _("Photo"), False, _("keep this picture (S); hold: in 3 seconds")
            ),
            _BarButton(
                "bar:freeze",
                "play" if state.paused else "pause",
                _("Frozen") if state.paused else _("Freeze"),
                _("Freeze"),
                state.paused,
                _("go on (Space)") if state.paused else _("hold the picture (Space)"),
            ),
            _BarButton(
                "bar:mirror", "mirror", _("Mirror"), _("Mirror"), state.mirrored, _("exchange left and right (M)")
            ),
            _BarButton(
                "bar:full",
                "window" if state.hand.is_full else "full",
                _("Window") if state.hand.is_full else _("Full"),
                _("Window"),
                state.hand.is_full,
                _("the whole screen, or a window again (F)"),
            ),
            _BarButton("bar:help", "help", "", "", state.hand.is_help_open, _("all keys (H)")),
        ]

    def _button_width(self, button: _BarButton, with_words: bool) -> int:
        px = self._theme.px
        if button.is_alarm or (with_words and button.text):
            words = max(self._theme.normal.width(text) for text in (button.text, button.widest))
            return words + px(46)
        return px(40)


class _ChoicesPanel:
    """The lower edge: tabs, tiles, and what can be set."""

    def __init__(self, state: TrayState, theme: Theme) -> None:
        self._state, self._theme = state, theme
        px = theme.px
        self._width = _width_of(state, theme)
        self._pad = px(_PAD)
        self._room = self._width - 2 * self._pad
        rows = 2 if state.canvas.height / theme.scale >= _TWO_ROWS_FROM else 1
        self._columns = max(1, (self._room - px(70) + px(_GAP)) // (px(_SETTING_WIDTH) + px(_GAP)))
        self._rows = min(rows, max(1, -(-len(state.settings) // self._columns)))
        at_once = self._columns * self._rows
        self.pages = max(1, -(-len(state.settings) // at_once))
        self._at_once = at_once
        gap = px(_GAP)
        self.tiles_shown = max(1, (self._room + gap) // (px(_LEAST_TILE_WIDTH) + gap))
        width = (self._room + gap) // self.tiles_shown - gap  # they fill the row where there are enough of them
        self._tile = width, round(width * _TILE_SHAPE)

    def panel(self) -> Panel:
        px = self._theme.px
        tab_top = px(6)
        tile_top = tab_top + px(_TAB_HEIGHT) + px(8)
        setting_top = tile_top + self._tile[1] + px(_TILE_TEXT) + px(10)
        height = setting_top + self._rows * px(_SETTING_HEIGHT) + (self._rows - 1) * px(8) + px(_PAD)
        canvas = self._state.canvas
        place = Place((canvas.width - self._width) // 2, canvas.height - height - px(_MARGIN), self._width, height)
        widgets = (*self._tabs(tab_top), *self._tiles(tile_top), *self._settings(setting_top))
        return Panel(CHOICES, place, widgets, self._theme.scale)

    def _tabs(self, top: int) -> Iterator[Widget]:
        px, state = self._theme.px, self._state
        font = self._theme.normal
        categories = state.categories
        shown = state.category
        folder = px(36) if shown is not None and shown.folder is not None else 0
        words = sum(font.width(_(category.name)) for category in categories)
        room = self._room - folder
        pad = max(px(5), min(px(13), (room - words) // max(1, 2 * len(categories))))
        left = self._pad
        for category in categories:
            width = font.width(_(category.name)) + 2 * pad
            yield Tab(
                f"tab:{category.name}",
                Place(left, top, width, px(_TAB_HEIGHT)),
                text=_(category.name),
                is_chosen=category is shown,
            )
            left += width
        now = _("Now: {effect}", effect=state.effect)
        begins = self._width - self._pad - folder - font.width(now) - px(8)
        is_seen = shown is None or any(offer.spec in state.chosen for offer in shown.offers)
        if not is_seen and state.effect and begins > left + px(12):  # whose the settings below are
            yield Label("label:now", Place(begins, top, font.width(now), px(_TAB_HEIGHT)), text=now)
        if not categories:
            place = Place(left, top, self._room, px(_TAB_HEIGHT))
            yield Label("label:looking", place, text=_("Looking what there is …"))
        if folder and shown is not None:
            place = Place(self._width - self._pad - px(34), top, px(34), px(_TAB_HEIGHT))
            yield Button(
                f"folder:{shown.name}", place, _("open the folder of {name}", name=_(shown.name).lower()), icon="folder"
            )

    def _tiles(self, top: int) -> Iterator[Widget]:
        px, state, category = self._theme.px, self._state, self._state.category
        if category is None:
            return
        tiles = [*self._offers(category), *self._adding(category)]
        if not tiles:
            place = Place(self._pad, top, self._room, self._tile[1])
            yield Label("label:empty", place, text=_("Nothing under {name} yet.", name=_(category.name)))
            return
        first = max(0, min(state.hand.first_tile, len(tiles) - self.tiles_shown))
        width, height = self._tile
        step = width + px(_GAP)
        for place_on_category, tile in enumerate(tiles[first : first + self.tiles_shown]):
            place = Place(self._pad + place_on_category * step, top, width, height + px(_TILE_TEXT))
            yield dataclasses.replace(tile, place=place)
        side = px(30)
        middle = top + (height - side) // 2
        if first > 0:
            place = Place(self._pad + px(4), middle, side, side)
            yield Button("turn:tiles:-1", place, icon="left")
        if first + self.tiles_shown < len(tiles):
            right = self._pad + (self.tiles_shown - 1) * step + width - side - px(4)
            yield Button("turn:tiles:1", Place(right, middle, side, side), icon="right")

    def _offers(self, category: Category) -> Iterator[Tile]:
        state = self._state
        pictures = dict(state.thumbnails)
        nowhere = Place(0, 0, 0, 0)
        for at, offer in enumerate(category.offers):
            number = state.number_of(category, at)
            hidden = offer.is_bare and state.hides_people
            yield Tile(
                f"tile:{offer.spec}",
                nowhere,
                text=self._theme.small.shortened(
                    _("opening …") if offer.spec == state.hand.opening else offer.title,
                    self._tile[0] - self._theme.px(4),
                ),
                help=_about(offer),
                number="" if number is None or offer.made is not None else str(number),
                icon="hidden" if hidden else ("sparkle" if offer.made is None else ""),
                picture=0 if hidden else pictures.get(offer.spec, 0),
                is_chosen=offer.spec in state.chosen,
                made=offer.made,
            )

    def _adding(self, category: Category) -> Iterator[Tile]:
        if category.keeps is not None:
            words = _("keep what you see now ({keep_keys})", keep_keys=_(KEEP_KEYS))
            yield Tile(
                f"tile:{ADD}", Place(0, 0, 0, 0), words, text=_("Keep"), icon="plus", says=_("keep what you see")
            )
        elif category.takes:
            words = _("drop {takes} here, or click", takes=category.takes)
            yield Tile(
                f"tile:{ADD}",
                Place(0, 0, 0, 0),
                words,
                text=_("Add"),
                icon="plus",
                says=_("or drop {takes}", takes=category.takes),
            )

    def _settings(self, top: int) -> Iterator[Widget]:
        px, state = self._theme.px, self._state
        if not state.settings:
            place = Place(self._pad + px(4), top, self._room, px(_SETTING_HEIGHT))
            words = _("{effect}: nothing to set.", effect=state.effect) if state.effect else ""
            yield Label("label:nothing", place, text=words)
            return
        page = min(state.hand.page, self.pages - 1)
        pager = px(60) if self.pages > 1 else 0
        columns = self._columns
        width = min(px(300), (self._room - pager + px(_GAP)) // columns - px(_GAP))
        shown = state.settings[page * self._at_once : (page + 1) * self._at_once]
        for at, setting in enumerate(shown):
            row, column = divmod(at, columns)
            left = self._pad + column * (width + px(_GAP))
            place = Place(left, top + row * (px(_SETTING_HEIGHT) + px(8)), width - px(4), px(_SETTING_HEIGHT))
            yield _setting(setting, place, self._theme.small, px(8), self._state.hand.entry)
        if pager:
            left = self._width - self._pad - px(54)
            place = Place(left, top + px(4), px(54), px(34))
            yield Button("turn:page:1", place, _("more settings"), icon="more", text=f"{page + 1}/{self.pages}")


def _setting(setting: Setting, place: Place, font: Font, space: int, entry: Entry | None) -> Widget:
    key, about = f"set:{setting.path}", setting.about
    if entry is not None and entry.path == setting.path:
        return Field(key, place, text=setting.title, value=entry.text, caret=entry.caret, composing=entry.composing)
    value = setting.text
    title = font.shortened(setting.title, place.width - min(place.width // 2, font.width(value)) - space)
    if about.kind is Kind.SWITCH:
        title = font.shortened(setting.title, place.width - 6 * space)
        return Switch(key, place, about.help, text=title, is_on=bool(setting.value), is_at_end=True)
    if setting.is_slider:
        return Slider(key, place, about.help, text=title, value=value, share=setting.share, origin=setting.origin)
    value = font.shortened(value, place.width - 5 * space)
    icons = {Kind.CHOICE: "down", Kind.FILE: "folder", Kind.TEXT: "pen"}
    return Field(key, place, about.help, text=setting.title, value=value, icon=icons.get(about.kind, "plusminus"))


def _about(offer: Offer) -> str:
    return _("being made …") if offer.made is not None else offer.spec.rpartition("/")[2].rpartition("\\")[2]


def _menu(state: TrayState, theme: Theme, layout: Layout) -> tuple[Panel | None, int]:
    """Lay out the list that is open, beside what opened it."""
    opener = layout.find("bar:source" if state.hand.menu == SOURCES else f"set:{state.hand.menu}")
    items = _source_items(state) if state.hand.menu == SOURCES else _choice_items(state)
    if opener is None or not items:
        return None, 0
    px = theme.px
    panel, widget = opener
    left = panel.place.left + widget.place.left
    top = panel.place.top + widget.place.top
    heights = [px(_ITEM_HEIGHT + (16 if item.detail else 0)) for item in items]
    most = state.canvas.height - 2 * px(_MARGIN) - px(_BAR_HEIGHT)
    shown = min(len(items), _MOST_ITEMS)
    while shown > 1 and sum(heights[:shown]) > most:
        shown -= 1
    first = max(0, min(state.hand.first_item, len(items) - shown))
    visible = items[first : first + shown]
    texts = max(max(theme.normal.width(item.text), theme.small.width(item.detail)) for item in items)
    width = min(state.canvas.width - 2 * px(_MARGIN), max(widget.place.width, min(px(_MENU_WIDTH), texts + px(76))))
    pad = px(6)
    placed, down = [], pad
    for item, height in zip(visible, heights[first:], strict=False):
        text = theme.normal.shortened(item.text, width - px(70))
        detail = theme.small.shortened(item.detail, width - px(70)) if item.detail else ""
        placed.append(
            dataclasses.replace(item, place=Place(pad, down, width - 2 * pad, height), text=text, detail=detail)
        )
        down += height
    height = down + pad
    below = top + widget.place.height + px(6)
    where = below if below + height <= state.canvas.height - px(_MARGIN) else max(px(4), top - height - px(6))
    left = max(px(_MARGIN), min(left, state.canvas.width - width - px(_MARGIN)))
    return Panel(MENU, Place(left, where, width, height), tuple(placed), theme.scale, is_solid=True), shown


def _source_items(state: TrayState) -> Sequence[Item]:
    nowhere = Place(0, 0, 0, 0)
    sources = [
        Item(
            f"source:{source.spec}",
            nowhere,
            text=source.title,
            detail=source.detail,
            icon="demo" if source.spec == "demo" else "camera",
            is_chosen=source.spec in state.read,
        )
        for source in state.sources
    ]
    return [
        *sources,
        Item("menu:file", nowhere, text=_("A film or a picture …"), icon="film"),
        Item("menu:refresh", nowhere, text=_("Look for cameras again"), icon="refresh"),
    ]


def _choice_items(state: TrayState) -> Sequence[Item]:
    setting = state.setting(state.hand.menu)
    if setting is None:
        return []
    choices = [*setting.about.choices, *([""] if setting.about.optional else [])]
    value = "" if setting.value is None else str(setting.value)
    nowhere = Place(0, 0, 0, 0)
    return [
        Item(f"choice:{choice}", nowhere, text=_(choice or "automatic"), is_chosen=choice == value)
        for choice in choices
    ]


def _help(state: TrayState, theme: Theme, layout: Layout) -> Panel | None:
    """Lay out what explains the widget that the mouse rests on."""
    found = layout.find(state.hand.helped)
    if found is None or not found[1].help:
        return None
    panel, widget = found
    px = theme.px
    words = widget.help[:1].upper() + widget.help[1:]
    lines = wrapped(words, theme.small, min(px(_HELP_WIDTH), state.canvas.width - 4 * px(_MARGIN)))
    width = max(theme.small.width(line) for line in lines) + px(24)
    line_height = theme.small.line_height + px(2)
    height = len(lines) * line_height + px(14)
    left = panel.place.left + widget.place.left + (widget.place.width - width) // 2
    left = max(px(_MARGIN), min(left, state.canvas.width - width - px(_MARGIN)))
    top = panel.place.top + widget.place.top - height - px(6)
    if panel.name == BAR or top < px(4):
        top = panel.place.top + panel.place.height + px(6)
    if panel.name == CHOICES:
        top = panel.place.top - height - px(6)
    labels = tuple(
        Label(
            f"label:help:{number}",
            Place(px(12), px(7) + number * line_height, width - px(24), line_height),
            text=line,
            is_quiet=False,
        )
        for number, line in enumerate(lines)
    )
    return Panel(HELP, Place(left, top, width, height), labels, theme.scale, is_solid=True)


def _count(state: TrayState, theme: Theme) -> Panel:
    """Lay out the seconds that are left, in the middle."""
    side = theme.px(220)
    place = Place((state.canvas.width - side) // 2, (state.canvas.height - side) // 2, side, side)
    label = Label("label:count", Place(0, 0, side, side), text=str(state.hand.countdown), is_quiet=False)
    return Panel(COUNT, place, (label,), theme.scale)
