"""What is drawn over the picture on a window: figures, keys, short messages. Never on what others see.

Texts are rendered when they change, at most four times a second, and kept as layers; drawing a frame only copies
the layers. Everything scales with the window's height, so that it reads the same at 720 lines and on a 4K screen.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import NamedTuple

from realtime.control.channel import ControlChannel, Status
from realtime.imaging.frame import Size
from realtime.imaging.sdl import pygame

Colour = tuple[int, int, int]

_INK: Colour = (240, 236, 228)
_QUIET: Colour = (160, 155, 147)
_GILT: Colour = (222, 184, 110)
_ALARM: Colour = (235, 92, 76)
_PANEL = (14, 13, 16, 214)
_LINE = (255, 255, 255, 30)
_TROUGH = (255, 255, 255, 36)

_RENDER_EVERY_S = 0.25
_ARROWS = {"right": 0, "up": 90, "left": 180, "down": 270}  # degrees, counterclockwise


class KeyHelp(NamedTuple):
    """One line of the help overlay."""

    keys: tuple[str, ...]
    does: str


class _Fact(NamedTuple):
    """One line of the HUD's lower half."""

    label: str
    value: str
    colour: Colour = _INK


class Layer(NamedTuple):
    """A finished piece of overlay and its top-left corner on the canvas, pixels."""

    surface: pygame.Surface
    position: tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class _Shown:
    """Everything the layers depend on: when it is the same, so are they."""

    canvas: Size
    status: Status
    message: str
    hud: bool
    help: bool
    recorded_s: int


class Overlay:
    """The layers over one window. Main thread; pygame's fonts must have been initialised."""

    def __init__(self, controls: ControlChannel, keys: Sequence[KeyHelp], *, hud: bool) -> None:
        self.hud = hud
        """Whether the figures are shown."""
        self.help = False
        """Whether the keys are shown."""
        self.layers: list[Layer] = []
        self._controls = controls
        self._keys = keys
        self._shown: _Shown | None = None
        self._hud_status = Status()
        self._next_hud_s = 0.0
        self._recording_since_s: float | None = None

    def refresh(self, canvas: Size, now_s: float) -> bool:
        """Bring the layers up to date. True: they changed, and the picture must be drawn again."""
        status = self._controls.status
        if not status.recording:
            self._recording_since_s = None
        elif self._recording_since_s is None:
            self._recording_since_s = now_s
        if now_s >= self._next_hud_s:
            self._next_hud_s = now_s + _RENDER_EVERY_S
            self._hud_status = status
        shown = _Shown(
            canvas,
            self._hud_status if self.hud else Status(paused=status.paused, recording=status.recording),
            self._controls.message,
            self.hud,
            self.help,
            0 if self._recording_since_s is None else int(now_s - self._recording_since_s),
        )
        if shown == self._shown:
            return False
        self._shown = shown
        self.layers = self._render(shown)
        return True

    def _render(self, shown: _Shown) -> list[Layer]:
        canvas, status = shown.canvas, shown.status
        # 1 at 1280×720. A narrow window counts by its width, so that the figures leave half of it free; below 0.75
        # nobody could read them.
        scale = max(0.75, min(canvas.height / 720, canvas.width / 680))
        edge = round(18 * scale)
        layers = []
        hud_right = 0
        if shown.hud and not shown.help:
            panel = _fit(_figures(status, scale), canvas, edge)
            layers.append(Layer(panel, (edge, edge)))
            hud_right = edge + panel.get_width()
        if status.recording:
            mark = _fit(_recording_mark(shown.recorded_s, scale), canvas, edge)
            left = canvas.width - mark.get_width() - edge
            top = edge if left > hud_right else canvas.height - mark.get_height() - edge
            layers.append(Layer(mark, (left, top)))
        if status.paused and not shown.help:
            mark = _paused_mark(scale)
            layers.append(Layer(mark, _centred(mark, canvas)))
        if shown.help:
            panel = _fit(_help_panel(self._keys, scale), canvas, edge)
            layers.append(Layer(panel, _centred(panel, canvas)))
        if shown.message:
            pill = _fit(_pill(shown.message, scale), canvas, edge)
            left = (canvas.width - pill.get_width()) // 2
            layers.append(Layer(pill, (left, canvas.height - pill.get_height() - 2 * edge)))
        return layers


def _figures(status: Status, scale: float) -> pygame.Surface:
    """The HUD: rate and age large, the stages as bars against the frame time, then who and what."""
    fonts = _Fonts.at(scale)
    pad, gap, small_gap = round(18 * scale), round(10 * scale), round(5 * scale)
    width = round(300 * scale)
    rows: list[tuple[pygame.Surface, int]] = []

    headline = pygame.Surface((width, fonts.large.line_height), pygame.SRCALPHA)
    half = width // 2
    for left, figure, unit in ((0, f"{status.fps:.1f}", "fps"), (half, f"{status.age_ms:.0f}", "ms old")):
        number = fonts.large.text(figure, _INK)
        label = fonts.small.text(unit, _QUIET)
        headline.blit(number, (left, 0))
        headline.blit(label, (left + number.get_width() + round(5 * scale), fonts.large.ascent - fonts.small.ascent))
    rows.append((headline, gap))

    frame_ms = 1000.0 / status.fps if status.fps > 0 else 1000.0 / 30.0
    rows += [(_stage(name, ms, frame_ms, width, scale), small_gap) for name, ms in status.stage_ms]

    rows[-1] = (rows[-1][0], gap)
    rows.append((_rule(width), gap))

    dropped = [(who, count) for who, count in status.dropped if count]
    facts = (
        _Fact("effect", status.effect),
        *(_Fact(label, words) for label, words in status.facts),
        _Fact("source", status.source),
        _Fact("runs on", status.provider),
        _Fact("faces", str(status.faces)),
        _Fact("mirrored", "yes" if status.mirrored else "no"),
        _Fact("dropped", "none"),
    )
    label_width = max(fonts.normal.width(fact.label) for fact in facts) + round(16 * scale)
    if dropped:
        facts = (*facts[:-1], _Fact("dropped", _drops(dropped, fonts.normal, width - label_width), _GILT))
    for fact in facts:
        row = pygame.Surface((width, fonts.normal.line_height), pygame.SRCALPHA)
        row.blit(fonts.normal.text(fact.label, _QUIET), (0, 0))
        value = _shortened(fact.value or "–", fonts.normal, width - label_width)
        row.blit(fonts.normal.text(value, fact.colour), (label_width, 0))
        rows.append((row, small_gap))

    return _stacked(rows, pad)


def _stage(name: str, ms: float, frame_ms: float, width: int, scale: float) -> pygame.Surface:
    """One stage: its name, a bar that is full at a whole frame time, milliseconds."""
    fonts = _Fonts.at(scale)
    row = pygame.Surface((width, fonts.normal.line_height), pygame.SRCALPHA)
    left, right = round(0.38 * width), round(0.76 * width)
    label = _shortened(name, fonts.normal, left - round(8 * scale))
    row.blit(fonts.normal.text(label, _QUIET), (0, 0))
    value = fonts.normal.text(f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms", _INK)
    row.blit(value, (width - value.get_width(), 0))
    thickness = max(3, round(5 * scale))
    top = (row.get_height() - thickness) // 2
    row.blit(_rounded((right - left, thickness), thickness // 2, _TROUGH), (left, top))
    filled = max(thickness, round(min(1.0, ms / frame_ms) * (right - left)))
    colour = _GILT if ms < frame_ms else _ALARM
    row.blit(_rounded((filled, thickness), thickness // 2, (*colour, 255)), (left, top))
    return row


def _help_panel(keys: Sequence[KeyHelp], scale: float) -> pygame.Surface:
    """The keys, each drawn as a cap, and what they do."""
    fonts = _Fonts.at(scale)
    pad, gap = round(30 * scale), round(9 * scale)
    space = round(6 * scale)
    caps = [[_cap(key, scale) for key in line.keys] for line in keys]
    caps_width = max(sum(cap.get_width() + space for cap in line) for line in caps)
    texts = [fonts.normal.text(line.does, _INK) for line in keys]
    width = caps_width + round(18 * scale) + max(text.get_width() for text in texts)
    rows: list[tuple[pygame.Surface, int]] = [
        (fonts.title.text("Keys", _GILT), gap),
        (_rule(width), round(14 * scale)),
    ]
    for line, text in zip(caps, texts, strict=True):
        row = pygame.Surface((width, line[0].get_height()), pygame.SRCALPHA)
        left = 0
        for cap in line:
            row.blit(cap, (left, 0))
            left += cap.get_width() + space
        row.blit(text, (caps_width + round(18 * scale), (row.get_height() - text.get_height()) // 2))
        rows.append((row, gap))
    return _stacked(rows, pad)


def _cap(key: str, scale: float) -> pygame.Surface:
    """A key as it looks on a keyboard."""
    height = round(28 * scale)
    text = _arrow(key, height // 2) if key in _ARROWS else _Fonts.at(scale).small.text(key, _INK)
    width = max(height, text.get_width() + round(16 * scale))
    cap = _rounded((width, height), round(6 * scale), (255, 255, 255, 34))
    cap.blit(text, ((width - text.get_width()) // 2, (height - text.get_height()) // 2))
    return cap


def _arrow(direction: str, side: int) -> pygame.Surface:
    """An arrow's head: pygame's font has no arrows."""
    large = pygame.Surface((4 * side, 4 * side), pygame.SRCALPHA)
    large.fill((*_INK, 0))
    corners = [(0.25, 0.15), (0.25, 0.85), (0.85, 0.5)]
    pygame.draw.polygon(large, _INK, [(4 * side * x, 4 * side * y) for x, y in corners])
    return pygame.transform.smoothscale(pygame.transform.rotate(large, _ARROWS[direction]), (side, side))


def _pill(message: str, scale: float) -> pygame.Surface:
    text = _Fonts.at(scale).normal.text(message, _INK)
    height = round(40 * scale)
    pill = _rounded((text.get_width() + height, height), height // 2, _PANEL)
    pill.blit(text, (height // 2, (height - text.get_height()) // 2))
    return pill


def _recording_mark(recorded_s: int, scale: float) -> pygame.Surface:
    text = _Fonts.at(scale).normal.text(f"{recorded_s // 60}:{recorded_s % 60:02d}", _INK)
    height = round(34 * scale)
    dot = round(12 * scale)
    mark = _rounded((text.get_width() + dot + round(36 * scale), height), height // 2, _PANEL)
    mark.blit(_rounded((dot, dot), dot // 2, (*_ALARM, 255)), (round(14 * scale), (height - dot) // 2))
    mark.blit(text, (dot + round(22 * scale), (height - text.get_height()) // 2))
    return mark


def _paused_mark(scale: float) -> pygame.Surface:
    """Two upright bars on a dark disc."""
    side = round(96 * scale)
    mark = _rounded((side, side), side // 2, _PANEL)
    bar = _rounded((round(0.11 * side), round(0.38 * side)), round(0.03 * side), (*_INK, 255))
    top = (side - bar.get_height()) // 2
    mark.blit(bar, (round(0.34 * side), top))
    mark.blit(bar, (side - round(0.34 * side) - bar.get_width(), top))
    return mark


def _stacked(rows: Sequence[tuple[pygame.Surface, int]], pad: int) -> pygame.Surface:
    """Return the rows below each other on a panel; with each comes the gap below it."""
    width = max(row.get_width() for row, _ in rows)
    height = sum(row.get_height() + gap for row, gap in rows) - rows[-1][1]
    panel = _rounded((width + 2 * pad, height + 2 * pad), pad * 2 // 3, _PANEL)
    top = pad
    for row, gap in rows:
        panel.blit(row, (pad, top))
        top += row.get_height() + gap
    return panel


def _rule(width: int) -> pygame.Surface:
    rule = pygame.Surface((width, 1), pygame.SRCALPHA)
    rule.fill(_LINE)
    return rule


def _rounded(size: tuple[int, int], radius: int, colour: tuple[int, int, int, int]) -> pygame.Surface:
    """Return a rectangle with round corners: pygame draws them jagged, so draw four times as large and average."""
    return _rounded_template(size, radius, colour).copy()


@functools.lru_cache(maxsize=64)
def _rounded_template(size: tuple[int, int], radius: int, colour: tuple[int, int, int, int]) -> pygame.Surface:
    large = pygame.Surface((size[0] * 4, size[1] * 4), pygame.SRCALPHA)
    large.fill((*colour[:3], 0))
    pygame.draw.rect(large, colour, large.get_rect(), border_radius=radius * 4)
    return pygame.transform.smoothscale(large, size)


def _shortened(text: str, font: _Font, width: int) -> str:
    """Return the text, its middle left out where it is wider than `width`: names differ at both ends."""
    if font.width(text) <= width:
        return text
    for kept in range(len(text) - 1, 1, -1):
        short = _without_middle(text, kept)
        if font.width(short) <= width:
            return short
    return "…"


def _without_middle(text: str, kept: int) -> str:
    """Return the text where it has at most `kept` characters, else so many of them around what was left out."""
    if len(text) <= kept:
        return text
    head = (kept + 1) // 2
    return f"{text[:head].rstrip()}…{text[len(text) - (kept - head) :].lstrip()}"


def _drops(dropped: Sequence[tuple[str, int]], font: _Font, width: int) -> str:
    """Return how many were dropped by whom. Too wide: the longest names lose their middles, the counts nothing."""
    for kept in range(max(len(who) for who, _ in dropped), 1, -1):
        line = ", ".join(f"{count} {_without_middle(who, kept)}" for who, count in dropped)
        if font.width(line) <= width:
            return line
    return f"{sum(count for _, count in dropped)} in all"


def _fit(panel: pygame.Surface, canvas: Size, edge: int) -> pygame.Surface:
    """Return the panel, made smaller where the window is smaller than it."""
    share = min(
        1.0,
        (canvas.width - 2 * edge) / panel.get_width(),
        (canvas.height - 2 * edge) / panel.get_height(),
    )
    if share >= 1.0:
        return panel
    size = (max(1, round(panel.get_width() * share)), max(1, round(panel.get_height() * share)))
    return pygame.transform.smoothscale(panel, size)


def _centred(panel: pygame.Surface, canvas: Size) -> tuple[int, int]:
    return (canvas.width - panel.get_width()) // 2, (canvas.height - panel.get_height()) // 2


class _Font:
    """pygame's own font, which is there on every system, in one size.

    Drawn four times as large and averaged: at 14 pixels, letters set on whole pixels stand unevenly.
    """

    _OVERSIZE = 4

    def __init__(self, height_px: int) -> None:
        self._large = pygame.font.Font(None, max(8, height_px) * self._OVERSIZE)
        self.line_height = round(self._large.get_linesize() / self._OVERSIZE)
        self.ascent = round(self._large.get_ascent() / self._OVERSIZE)

    def width(self, text: str) -> int:
        return -(-self._large.size(text)[0] // self._OVERSIZE)

    def text(self, text: str, colour: Colour) -> pygame.Surface:
        large = self._large.render(text, True, colour).convert_alpha()
        size = (max(1, -(-large.get_width() // self._OVERSIZE)), max(1, -(-large.get_height() // self._OVERSIZE)))
        return pygame.transform.smoothscale(large, size)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fonts:
    """The sizes used together at one scale."""

    small: _Font
    normal: _Font
    title: _Font
    large: _Font

    @classmethod
    def at(cls, scale: float) -> _Fonts:
        return _fonts(round(scale * 16))


@functools.lru_cache(maxsize=8)
def _fonts(sixteenths: int) -> _Fonts:
    sizes = (round(height * sixteenths / 16) for height in (13, 15, 21, 32))
    return _Fonts(*(_Font(size) for size in sizes))


def forget_fonts() -> None:
    """Let go of fonts and surfaces before pygame's font module is closed."""
    _fonts.cache_clear()
    _rounded_template.cache_clear()
