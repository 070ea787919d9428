"""What is drawn over the picture on a window: figures, keys, short messages. Never on what others see.

Texts are rendered when they change, at most four times a second, and kept as layers; drawing a frame only copies
the layers. Everything scales with the window's height, so that it reads the same at 720 lines and on a 4K screen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from realtime.control.channel import ControlChannel, Status
from realtime.imaging.frame import Size
from realtime.imaging.sdl import pygame
from realtime.imaging.text import Colour, Font, centred, fit, font, forget_fonts, rounded, without_middle

_INK: Colour = (240, 236, 228)
_QUIET: Colour = (160, 155, 147)
_GILT: Colour = (222, 184, 110)
_ALARM: Colour = (235, 92, 76)
_PANEL = (14, 13, 16, 214)
_LINE = (255, 255, 255, 30)
_TROUGH = (255, 255, 255, 36)

_RENDER_EVERY_S = 0.25
_HUD_WIDTH = 300  # of the figures, at scale 1
_ARROWS = {"right": 0, "up": 90, "left": 180, "down": 270}  # degrees, counterclockwise


class KeyHelp(NamedTuple):
    """One line of the help overlay."""

    keys: tuple[str, ...]
    does: str


class Fact(NamedTuple):
    """One line of the HUD's lower half, as it is drawn: a value that is too long has lost its middle."""

    label: str
    value: str
    colour: Colour = _INK


class Layer(NamedTuple):
    """A finished piece of overlay and its top-left corner on the canvas, pixels."""

    surface: pygame.Surface
    position: tuple[int, int]


class Shown(NamedTuple):
    """What lies over the picture, bottom first."""

    layers: tuple[Layer, ...] = ()
    facts: tuple[Fact, ...] = ()
    """The lines of the HUD's lower half; none where it is hidden."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Contents:
    """Everything that is shown depends on: when it is the same, so is that."""

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
        self.shown = Shown()
        self._controls = controls
        self._keys = keys
        self._contents: _Contents | None = None
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
        contents = _Contents(
            canvas,
            self._hud_status if self.hud else Status(paused=status.paused, recording=status.recording),
            self._controls.message,
            self.hud,
            self.help,
            0 if self._recording_since_s is None else int(now_s - self._recording_since_s),
        )
        if contents == self._contents:
            return False
        self._contents = contents
        self.shown = self._render(contents)
        return True

    def clear(self) -> None:
        """Show nothing, and let go of all surfaces and fonts: before pygame is closed."""
        self.shown = Shown()
        forget_fonts()

    def _render(self, contents: _Contents) -> Shown:
        canvas, status = contents.canvas, contents.status
        # 1 at 1280×720. A narrow window counts by its width, so that the figures leave half of it free; below 0.75
        # nobody could read them.
        scale = max(0.75, min(canvas.height / 720, canvas.width / 680))
        edge = round(18 * scale)
        layers: list[Layer] = []
        facts: tuple[Fact, ...] = ()
        hud_right = 0
        if contents.hud and not contents.help:
            facts = _facts(status, scale)
            panel = fit(_figures(status, facts, scale), canvas, edge)
            layers.append(Layer(panel, (edge, edge)))
            hud_right = edge + panel.get_width()
        if status.recording:
            mark = fit(_recording_mark(contents.recorded_s, scale), canvas, edge)
            left = canvas.width - mark.get_width() - edge
            top = edge if left > hud_right else canvas.height - mark.get_height() - edge
            layers.append(Layer(mark, (left, top)))
        if status.paused and not contents.help:
            mark = _paused_mark(scale)
            layers.append(Layer(mark, centred(mark, canvas)))
        if contents.help:
            panel = fit(_help_panel(self._keys, scale), canvas, edge)
            layers.append(Layer(panel, centred(panel, canvas)))
        if contents.message:
            pill = fit(_pill(contents.message, scale), canvas, edge)
            left = (canvas.width - pill.get_width()) // 2
            layers.append(Layer(pill, (left, canvas.height - pill.get_height() - 2 * edge)))
        return Shown(tuple(layers), facts)


def _facts(status: Status, scale: float) -> tuple[Fact, ...]:
    """Return who and what, as the HUD has room for it."""
    normal = _Fonts.at(scale).normal
    facts = (
        Fact("effect", status.effect),
        *(Fact(label, words) for label, words in status.facts),
        Fact("source", status.source),
        Fact("runs on", status.provider),
        Fact("faces", str(status.faces)),
        Fact("mirrored", "yes" if status.mirrored else "no"),
        Fact("dropped", "none"),
    )
    room = round(_HUD_WIDTH * scale) - _label_width(facts, scale)
    dropped = [(output_name, count) for output_name, count in status.dropped if count]
    if dropped:
        facts = (*facts[:-1], Fact("dropped", _drops(dropped, normal, room), _GILT))
    return tuple(fact._replace(value=normal.shortened(fact.value or "–", room)) for fact in facts)


def _label_width(facts: Sequence[Fact], scale: float) -> int:
    normal = _Fonts.at(scale).normal
    return max(normal.width(fact.label) for fact in facts) + round(16 * scale)


def _figures(status: Status, facts: Sequence[Fact], scale: float) -> pygame.Surface:
    """The HUD: rate and age large, the stages as bars against the frame time, then who and what."""
    fonts = _Fonts.at(scale)
    pad, gap, small_gap = round(18 * scale), round(10 * scale), round(5 * scale)
    width = round(_HUD_WIDTH * scale)
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

    label_width = _label_width(facts, scale)
    for fact in facts:
        row = pygame.Surface((width, fonts.normal.line_height), pygame.SRCALPHA)
        row.blit(fonts.normal.text(fact.label, _QUIET), (0, 0))
        row.blit(fonts.normal.text(fact.value, fact.colour), (label_width, 0))
        rows.append((row, small_gap))

    return _stacked(rows, pad)


def _stage(name: str, ms: float, frame_ms: float, width: int, scale: float) -> pygame.Surface:
    """One stage: its name, a bar that is full at a whole frame time, milliseconds."""
    fonts = _Fonts.at(scale)
    row = pygame.Surface((width, fonts.normal.line_height), pygame.SRCALPHA)
    left, right = round(0.38 * width), round(0.76 * width)
    label = fonts.normal.shortened(name, left - round(8 * scale))
    row.blit(fonts.normal.text(label, _QUIET), (0, 0))
    value = fonts.normal.text(f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms", _INK)
    row.blit(value, (width - value.get_width(), 0))
    thickness = max(3, round(5 * scale))
    top = (row.get_height() - thickness) // 2
    row.blit(rounded((right - left, thickness), thickness // 2, _TROUGH), (left, top))
    filled = max(thickness, round(min(1.0, ms / frame_ms) * (right - left)))
    colour = _GILT if ms < frame_ms else _ALARM
    row.blit(rounded((filled, thickness), thickness // 2, (*colour, 255)), (left, top))
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
    cap = rounded((width, height), round(6 * scale), (255, 255, 255, 34))
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
    pill = rounded((text.get_width() + height, height), height // 2, _PANEL)
    pill.blit(text, (height // 2, (height - text.get_height()) // 2))
    return pill


def _recording_mark(recorded_s: int, scale: float) -> pygame.Surface:
    text = _Fonts.at(scale).normal.text(f"{recorded_s // 60}:{recorded_s % 60:02d}", _INK)
    height = round(34 * scale)
    dot = round(12 * scale)
    mark = rounded((text.get_width() + dot + round(36 * scale), height), height // 2, _PANEL)
    mark.blit(rounded((dot, dot), dot // 2, (*_ALARM, 255)), (round(14 * scale), (height - dot) // 2))
    mark.blit(text, (dot + round(22 * scale), (height - text.get_height()) // 2))
    return mark


def _paused_mark(scale: float) -> pygame.Surface:
    """Two upright bars on a dark disc."""
    side = round(96 * scale)
    mark = rounded((side, side), side // 2, _PANEL)
    bar = rounded((round(0.11 * side), round(0.38 * side)), round(0.03 * side), (*_INK, 255))
    top = (side - bar.get_height()) // 2
    mark.blit(bar, (round(0.34 * side), top))
    mark.blit(bar, (side - round(0.34 * side) - bar.get_width(), top))
    return mark


def _stacked(rows: Sequence[tuple[pygame.Surface, int]], pad: int) -> pygame.Surface:
    """Return the rows below each other on a panel; with each comes the gap below it."""
    width = max(row.get_width() for row, _ in rows)
    height = sum(row.get_height() + gap for row, gap in rows) - rows[-1][1]
    panel = rounded((width + 2 * pad, height + 2 * pad), pad * 2 // 3, _PANEL)
    top = pad
    for row, gap in rows:
        panel.blit(row, (pad, top))
        top += row.get_height() + gap
    return panel


def _rule(width: int) -> pygame.Surface:
    rule = pygame.Surface((width, 1), pygame.SRCALPHA)
    rule.fill(_LINE)
    return rule


def _drops(dropped: Sequence[tuple[str, int]], font: Font, width: int) -> str:
    """Return how many were dropped by whom. Too wide: the longest names lose their middles, the counts nothing."""
    for kept in range(max(len(output_name) for output_name, _ in dropped), 1, -1):
        line = ", ".join(f"{count} {without_middle(output_name, kept)}" for output_name, count in dropped)
        if font.width(line) <= width:
            return line
    return f"{sum(count for _, count in dropped)} in all"


class _Fonts(NamedTuple):
    """The sizes used together at one scale."""

    small: Font
    normal: Font
    title: Font
    large: Font

    @classmethod
    def at(cls, scale: float) -> _Fonts:
        sixteenths = round(scale * 16)
        return cls(*(font(round(height * sixteenths / 16)) for height in (13, 15, 21, 32)))
