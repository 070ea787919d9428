"""Panels of widgets, drawn: each panel is a layer that is made anew when something on it has changed.

Main thread; a display must be open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place
from realtime.imaging.sdl import pygame
from realtime.imaging.text import Colour, Font, wrapped
from realtime.outputs.window.tray import theme as colours
from realtime.outputs.window.tray.icons import forget_icons, icon
from realtime.outputs.window.tray.layout import COUNT, Layout
from realtime.outputs.window.tray.shapes import Rgba, forget_shapes, frame, plate
from realtime.outputs.window.tray.theme import Theme
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
)

_TEXTS_KEPT = 256
_PICTURES_KEPT = 64


class PaintedPanel(NamedTuple):
    """A panel and its picture."""

    panel: Panel
    surface: pygame.Surface


class Painter:
    """Draws layouts, and keeps what it has drawn."""

    def __init__(self, picture: Callable[[str], Pixels | None]) -> None:
        """`picture` returns a thumbnail by its spec."""
        self._picture = picture
        self._painted: dict[str, PaintedPanel] = {}
        self._texts: dict[tuple[str, int, Colour], pygame.Surface] = {}
        self._pictures: dict[tuple[str, Size], tuple[Pixels, pygame.Surface]] = {}  # and what they were made of
        self._theme = Theme(1.0)

    def paint(self, layout: Layout) -> list[PaintedPanel]:
        """Return the panels, bottom first; those that have not changed are the very same."""
        painted: dict[str, PaintedPanel] = {}
        for panel in layout.panels:
            before = self._painted.get(panel.name)
            still = before is not None and before.panel.widgets == panel.widgets and before.panel.size == panel.size
            surface = before.surface if still and before is not None else self._draw(panel)
            painted[panel.name] = PaintedPanel(panel, surface)
        self._painted = painted
        return list(painted.values())

    def forget(self) -> None:
        """Let go of all surfaces, before pygame is closed."""
        self._painted, self._texts, self._pictures = {}, {}, {}
        forget_icons()
        forget_shapes()

    # Panels -----------------------------------------------------------------------------------------------------

    def _draw(self, panel: Panel) -> pygame.Surface:
        self._theme = theme = Theme(panel.scale)
        if len(self._texts) > _TEXTS_KEPT:
            self._texts.clear()
        if len(self._pictures) > _PICTURES_KEPT:
            self._pictures.clear()
        if panel.name == COUNT:
            return self._count(panel)
        fill = colours.MENU if panel.is_solid else colours.PANEL
        surface = _framed(panel.size, theme.px(10 if panel.is_solid else 15), fill, theme.px(1))
        for widget in panel.widgets:
            self._widget(surface, widget)
        return surface.convert_alpha()

    def _count(self, panel: Panel) -> pygame.Surface:
        side = panel.place.width
        surface = plate((side, side), side // 2, colours.PANEL)
        label = panel.widgets[0]
        assert isinstance(label, Label)  # noqa: S101 - the layout's
        _centre(surface, self._text(self._theme.huge, label.text, colours.INK), label.place)
        return surface.convert_alpha()

    def _widget(self, surface: pygame.Surface, widget: Widget) -> None:
        match widget:
            case Label():
                self._label(surface, widget)
            case Button():
                self._button(surface, widget)
            case Switch():
                self._switch(surface, widget)
            case Slider():
                self._slider(surface, widget)
            case Field():
                self._field(surface, widget)
            case Tab():
                self._tab(surface, widget)
            case Tile():
                self._tile(surface, widget)
            case Item():
                self._item(surface, widget)
        if widget.has_focus:
            line = max(2, self._theme.px(2))
            place = _grown(widget.place, line if not isinstance(widget, Tile) else 2 * line)
            _outline(surface, place, self._theme.px(10), colours.FOCUS, line)

    # Widgets ----------------------------------------------------------------------------------------------------

    def _label(self, surface: pygame.Surface, label: Label) -> None:
        colour = colours.QUIET if label.is_quiet else colours.INK
        text = self._text(self._theme.small if not label.is_quiet else self._theme.normal, label.text, colour)
        surface.blit(text, (label.place.left, _middle(label.place, text)))

    def _button(self, surface: pygame.Surface, button: Button) -> None:
        px, place = self._theme.px, button.place
        radius = px(9)
        is_lit = button.is_on and not button.is_menu and not button.is_alarm
        if is_lit:
            _fill(surface, place, radius, colours.LIT)
            line = Place(place.left + (place.width - px(16)) // 2, place.bottom - px(5), px(16), px(3))
            _fill(surface, line, line.height, (*colours.ACCENT, 255))
        elif button.is_menu:
            _fill(surface, place, radius, colours.FIELD)
        elif button.key.startswith("turn:tiles"):
            _fill(surface, place, place.width // 2, colours.BADGE)
        self._touch(surface, button, place, radius)
        colour = colours.INK
        if button.is_alarm:
            colour = colours.ALARM
        elif is_lit:
            colour = colours.ACCENT
        side = px(18)
        if not button.text:
            sign = icon(button.icon, side, colour)
            _centre(surface, sign, place)
            return
        text = self._text(self._theme.normal, button.text, colours.INK)
        sign = icon(button.icon, side, colour)
        if button.icon == "more":  # behind its words
            surface.blit(text, (place.left + px(8), _middle(place, text)))
            surface.blit(sign, (place.right - side - px(4), _middle(place, sign)))
            return
        left = place.left + px(11)
        surface.blit(sign, (left, _middle(place, sign)))
        surface.blit(text, (left + side + px(8), _middle(place, text)))
        if button.is_menu:
            down = icon("down", px(14), colours.QUIET)
            surface.blit(down, (place.right - px(21), _middle(place, down)))

    def _switch(self, surface: pygame.Surface, switch: Switch) -> None:
        px, place = self._theme.px, switch.place
        self._touch(surface, switch, place, px(9))
        width, height = px(36), px(20)
        left = place.right - width - px(2) if switch.is_at_end else place.left + px(9)
        top = place.top + (place.height - height) // 2
        track = Place(left, top, width, height)
        _fill(surface, track, height // 2, (*colours.ACCENT, 255) if switch.is_on else colours.TROUGH)
        edge = max(2, px(3))
        knob = height - 2 * edge
        knob_left = track.right - knob - edge if switch.is_on else track.left + edge
        colour = colours.ON_ACCENT if switch.is_on else colours.INK
        _fill(surface, Place(knob_left, top + edge, knob, knob), knob // 2, (*colour, 255))
        if switch.text:
            text = self._text(self._theme.small if switch.is_at_end else self._theme.normal, switch.text, colours.INK)
            text_left = place.left if switch.is_at_end else track.right + px(9)
            surface.blit(text, (text_left, _middle(place, text)))

    def _slider(self, surface: pygame.Surface, slider: Slider) -> None:
        px, place = self._theme.px, slider.place
        lively = slider.is_hot or slider.is_pressed
        title = self._text(self._theme.small, slider.text, colours.INK)
        value = self._text(self._theme.small, slider.value, colours.ACCENT if lively else colours.QUIET)
        surface.blit(title, (place.left, place.top))
        surface.blit(value, (place.right - value.get_width(), place.top))
        track = track_of(slider, self._theme)
        _fill(surface, track, track.height // 2, colours.TROUGH)
        filled = round(slider.share * track.width)
        begin, end = sorted((round(slider.origin * track.width), filled))
        if end > begin:
            bar = Place(track.left + begin, track.top, max(track.height, end - begin), track.height)
            _fill(surface, bar, track.height // 2, (*colours.ACCENT, 255))
        knob = px(16 if lively else 14)
        left = track.left + filled - knob // 2
        top = track.top + track.height // 2 - knob // 2
        _fill(surface, Place(left, top, knob, knob), knob // 2, (*colours.INK, 255))

    def _field(self, surface: pygame.Surface, field: Field) -> None:
        px, place = self._theme.px, field.place
        title = self._text(self._theme.small, field.text, colours.INK)
        surface.blit(title, (place.left, place.top))
        top = place.top + title.get_height() + px(2)
        box = Place(place.left, top, place.width, place.bottom - top)
        _fill(surface, box, px(7), colours.FIELD)
        self._touch(surface, field, box, px(7))
        if field.caret is not None:
            self._typed(surface, field, field.caret, box)
            return
        value = self._text(self._theme.small, field.value, colours.INK)
        surface.blit(value, (box.left + px(8), _middle(box, value)))
        if field.icon:
            sign = icon(field.icon, px(14), colours.QUIET)
            surface.blit(sign, (box.right - px(20), _middle(box, sign)))

    def _typed(self, surface: pygame.Surface, field: Field, caret: int, box: Place) -> None:
        """Draw what is being typed, as much of it as has room around the caret."""
        px, font = self._theme.px, self._theme.small
        _outline(surface, box, px(7), (*colours.ACCENT, 255), max(1, px(2)))
        before, composing = field.value[:caret], field.composing
        room = box.width - px(18)
        begins = min(0, room - font.width(before + composing))
        surface.set_clip((box.left + px(8), box.top, room + px(2), box.height))
        left = box.left + px(8) + begins
        for text, is_composed in ((before, False), (composing, True), (field.value[caret:], False)):
            if not text:
                continue
            drawn = font.text(text, colours.ACCENT if is_composed else colours.INK)
            surface.blit(drawn, (left, _middle(box, drawn)))
            if is_composed:
                surface.fill(colours.ACCENT, (left, box.bottom - px(5), font.width(text), max(1, px(1))))
            left += font.width(text)
        place = box.left + px(8) + begins + font.width(before + composing)
        surface.fill(colours.INK, (place, box.top + px(4), max(1, px(1)), box.height - px(8)))
        surface.set_clip(None)

    def _tab(self, surface: pygame.Surface, tab: Tab) -> None:
        px, place = self._theme.px, tab.place
        self._touch(surface, tab, place, px(8))
        colour = colours.INK if tab.is_chosen or tab.is_hot else colours.QUIET
        text = self._text(self._theme.normal, tab.text, colour)
        _centre(surface, text, place)
        if tab.is_chosen:
            line = Place(
                place.left + (place.width - text.get_width()) // 2, place.bottom - px(3), text.get_width(), px(3)
            )
            _fill(surface, line, line.height // 2, (*colours.ACCENT, 255))

    def _tile(self, surface: pygame.Surface, tile: Tile) -> None:
        px, place = self._theme.px, tile.place
        box = Place(place.left, place.top, place.width, place.height - px(22))
        radius = px(9)
        picture = self._thumbnail(tile, box.size, radius)
        if picture is not None:
            surface.blit(picture, (box.left, box.top))
        else:
            self._blank(surface, tile, box, radius)
        if tile.is_hot or tile.is_pressed:
            _fill(surface, box, radius, colours.PRESSED if tile.is_pressed else colours.HOVER)
        if tile.made is not None:
            self._progress(surface, box, tile.made)
        if tile.number:
            self._badge(surface, tile.number, box.left + px(5), box.top + px(5))
        if tile.is_chosen:
            line = max(2, px(3))
            _outline(surface, _grown(box, line), radius + line, (*colours.ACCENT, 255), line)
            side = px(20)
            tick = Place(box.right - side - px(5), box.bottom - side - px(5), side, side)
            _fill(surface, tick, side // 2, (*colours.ACCENT, 255))
            _centre(surface, icon("tick", px(14), colours.ON_ACCENT), tick)
        colour = colours.INK if tile.is_chosen or tile.is_hot else colours.QUIET
        text = self._text(self._theme.small, tile.text, colour)
        surface.blit(text, (place.left + (place.width - text.get_width()) // 2, box.bottom + px(5)))

    def _blank(self, surface: pygame.Surface, tile: Tile, box: Place, radius: int) -> None:
        px = self._theme.px
        _fill(surface, box, radius, colours.FIELD)
        if tile.icon == "plus":
            _outline(surface, box, radius, colours.TROUGH, max(1, px(1)))
        if not tile.icon:
            return
        sign = icon(tile.icon, px(24 if tile.says else 22), colours.QUIET)
        if not tile.says:
            _centre(surface, sign, box)
            return
        lines = self._lines(tile.says, self._theme.small, box.width - px(14))
        height = sign.get_height() + px(4) + sum(line.get_height() for line in lines)
        top = box.top + (box.height - height) // 2
        surface.blit(sign, (box.left + (box.width - sign.get_width()) // 2, top))
        top += sign.get_height() + px(4)
        for line in lines:
            surface.blit(line, (box.left + (box.width - line.get_width()) // 2, top))
            top += line.get_height()

    def _item(self, surface: pygame.Surface, item: Item) -> None:
        px, place = self._theme.px, item.place
        self._touch(surface, item, place, px(7))
        left = place.left + px(10)
        if item.icon:
            sign = icon(item.icon, px(18), colours.QUIET)
            surface.blit(sign, (left, _middle(place, sign)))
            left += px(28)
        text = self._text(self._theme.normal, item.text, colours.INK)
        if item.detail:
            detail = self._text(self._theme.small, item.detail, colours.QUIET)
            top = place.top + (place.height - text.get_height() - detail.get_height() - px(2)) // 2
            surface.blit(text, (left, top))
            surface.blit(detail, (left, top + text.get_height() + px(2)))
        else:
            surface.blit(text, (left, _middle(place, text)))
        if item.is_chosen:
            tick = icon("tick", px(16), colours.ACCENT)
            surface.blit(tick, (place.right - px(26), _middle(place, tick)))

    # Pieces -----------------------------------------------------------------------------------------------------

    def _touch(self, surface: pygame.Surface, widget: Widget, place: Place, radius: int) -> None:
        if widget.is_pressed:
            _fill(surface, place, radius, colours.PRESSED)
        elif widget.is_hot:
            _fill(surface, place, radius, colours.HOVER)

    def _badge(self, surface: pygame.Surface, text: str, left: int, top: int) -> None:
        side = self._theme.px(19)
        badge = Place(left, top, side, side)
        _fill(surface, badge, self._theme.px(6), colours.BADGE)
        _centre(surface, self._text(self._theme.small, text, colours.INK), badge)

    def _progress(self, surface: pygame.Surface, box: Place, share: float) -> None:
        px = self._theme.px
        track = Place(box.left + px(14), box.bottom - px(18), box.width - px(28), px(6))
        _fill(surface, track, track.height // 2, colours.TROUGH)
        filled = max(track.height, round(min(1.0, share) * track.width))
        _fill(surface, track._replace(width=filled), track.height // 2, (*colours.ACCENT, 255))
        text = self._text(self._theme.normal, f"{min(share, 1.0):.0%}", colours.INK)
        _centre(surface, text, box._replace(height=box.height - px(18)))

    def _thumbnail(self, tile: Tile, size: Size, radius: int) -> pygame.Surface | None:
        if not tile.picture:
            return None
        spec = tile.key.partition(":")[2]
        pixels, made = self._picture(spec), self._pictures.get((spec, size))
        if pixels is None:
            return None
        if made is None or made[0] is not pixels:
            made = self._pictures[spec, size] = pixels, _rounded_picture(pixels, size, radius)
        return made[1]

    def _text(self, font: Font, text: str, colour: Colour) -> pygame.Surface:
        key = (text, font.line_height, colour)
        if key not in self._texts:
            self._texts[key] = font.text(text, colour) if text else pygame.Surface((1, 1), pygame.SRCALPHA)
        return self._texts[key]

    def _lines(self, words: str, font: Font, width: int) -> list[pygame.Surface]:
        return [self._text(font, line, colours.QUIET) for line in wrapped(words, font, width)]


def track_of(slider: Slider, theme: Theme) -> Place:
    """Return the line that a slider's knob runs along, in pixels of its panel."""
    px, place = theme.px, slider.place
    knob = px(14)
    return Place(place.left + knob // 2, place.bottom - px(12), place.width - knob, px(4))


def _rounded_picture(pixels: Pixels, size: Size, radius: int) -> pygame.Surface:
    """Return a picture cut to fill a tile, its corners round."""
    height, width = pixels.shape[:2]
    scale = max(size.width / width, size.height / height)
    scaled = cv2.resize(
        pixels,
        (max(size.width, round(width * scale)), max(size.height, round(height * scale))),
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
    )
    left, top = (scaled.shape[1] - size.width) // 2, (scaled.shape[0] - size.height) // 3
    cut = np.ascontiguousarray(scaled[top : top + size.height, left : left + size.width])
    surface = pygame.image.frombuffer(cut.reshape(-1).data, size, "BGR").convert_alpha()
    mask = plate(size, radius, (255, 255, 255, 255))
    surface.blit(mask, (0, 0), special_flags=pygame.BLEND_RGBA_MIN)
    return surface


def _framed(size: Size, radius: int, fill: Rgba, line: int) -> pygame.Surface:
    """Return a panel with a fine light edge, which parts it from a dark picture."""
    surface = plate(size, radius, fill)
    surface.blit(frame(size, radius, colours.EDGE, line), (0, 0))
    return surface


def _fill(surface: pygame.Surface, place: Place, radius: int, colour: Rgba) -> None:
    if place.width > 0 and place.height > 0:
        surface.blit(plate(place.size, radius, colour), place[:2])


def _outline(surface: pygame.Surface, place: Place, radius: int, colour: Rgba, line: int) -> None:
    """Draw a rounded frame, its outer edge along the place's."""
    if place.width > 0 and place.height > 0:
        surface.blit(frame(place.size, radius, colour, line), place[:2])


def _grown(place: Place, by: int) -> Place:
    return Place(place.left - by, place.top - by, place.width + 2 * by, place.height + 2 * by)


def _centre(surface: pygame.Surface, piece: pygame.Surface, place: Place) -> None:
    left = place.left + (place.width - piece.get_width()) // 2
    surface.blit(piece, (left, place.top + (place.height - piece.get_height()) // 2))


def _middle(place: Place, piece: pygame.Surface) -> int:
    return place.top + (place.height - piece.get_height()) // 2
