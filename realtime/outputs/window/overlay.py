"""What is drawn over the picture on a window: figures, keys, short messages. Never on what others see.

Texts are rendered when they change, at most four times a second, and kept as layers; drawing a frame only copies
the layers. Everything scales with the window's height, so that it reads the same at 720 lines and on a 4K screen.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

from realtime.control.channel import ControlChannel, Status
from realtime.core.language import _
from realtime.imaging.fonts import font_search
from realtime.imaging.frame import Size
from realtime.imaging.sdl import pygame
from realtime.imaging.text import centred, fit, forget_fonts, rounded, wrapped
from realtime.outputs.window.hud import Fact, Hud, facts_of, figures_panel, words_panel
from realtime.outputs.window.panels import ALARM, GILT, INK, PANEL, TROUGH, Fonts, rule, scale_of, stacked

_RENDER_EVERY_S = 0.25
_INSET_MARGIN = 0.03  # of the height: so far the viewer in the corner is from the edge
_ARROWS = {"right": 0, "up": 90, "left": 180, "down": 270}  # degrees, counterclockwise


class KeyHelp(NamedTuple):
    """One line of the help overlay."""

    keys: tuple[str, ...]
    does: str


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
    hud: Hud
    help: bool
    recorded_s: int
    fonts_found: int
    progress: tuple[str, float] | None
    covered: tuple[int, int]
    inset: float


class Overlay:
    """The layers over one window. Main thread; pygame's fonts must have been initialised."""

    def __init__(self, controls: ControlChannel, keys: Sequence[KeyHelp], *, hud: bool) -> None:
        """`hud`: whether the figures are shown to begin with."""
        self.hud = Hud.FIGURES if hud else Hud.NOTHING
        self.help = False
        """Whether the keys are shown."""
        self.screen = Size(1920, 1080)
        """Of the screen that the window is on: texts are no smaller than can be read there."""
        self.shown = Shown()
        self.covered = (0, 0)
        """Pixels at the upper and the lower edge that something else covers: figures and messages keep away from it."""
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
            self._hud_status
            if self.hud is not Hud.NOTHING
            else Status(paused=status.paused, recording=status.recording),
            self._controls.message,
            self.hud,
            self.help,
            0 if self._recording_since_s is None else int(now_s - self._recording_since_s),
            font_search().count,
            self._controls.progress,
            self.covered,
            self._controls.inset,
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
        scale = scale_of(canvas, self.screen)
        edge = round(18 * scale)
        layers: list[Layer] = []
        facts: tuple[Fact, ...] = ()
        hud_right = 0
        above, below = contents.covered
        if contents.hud is not Hud.NOTHING and not contents.help:
            facts = facts_of(status, scale) if contents.hud is Hud.FIGURES else ()
            panel = figures_panel(status, facts, scale) if facts else words_panel(status, scale)
            panel = fit(panel, canvas, edge)
            # In an upright picture faces are in the upper part.
            is_low = bool(facts) and canvas.height > canvas.width
            top = canvas.height - edge - below - panel.get_height() if is_low else edge + above
            layers.append(Layer(panel, (edge, max(0, top))))
            hud_right = 0 if is_low else edge + panel.get_width()
        if status.recording and not above:  # what covers the upper edge tells it
            mark = fit(_recording_mark(contents.recorded_s, scale), canvas, edge)
            left = canvas.width - mark.get_width() - edge
            top = edge if left > hud_right else canvas.height - mark.get_height() - edge
            layers.append(Layer(mark, (left, top)))
        if status.paused and not contents.help:
            mark = _paused_mark(scale)
            layers.append(Layer(mark, centred(mark, canvas)))
        if contents.help:
            free = Size(canvas.width, canvas.height - above)
            panel = _help_panel(self._keys, scale)
            if panel.get_height() > free.height - 2 * edge and free.width > free.height:
                panel = _help_panel(self._keys, scale, columns=2)  # larger than one column, made to fit
            panel = fit(panel, free, edge)
            left, top = centred(panel, free)
            layers.append(Layer(panel, (left, top + above)))
        bottom = below + edge if below else 2 * edge
        if contents.progress is not None:
            panel = fit(_progress(*contents.progress, scale), canvas, edge)
            left = (canvas.width - panel.get_width()) // 2
            layers.append(Layer(panel, (left, canvas.height - panel.get_height() - bottom)))
        elif contents.message:
            taken = contents.inset * canvas.width + (_INSET_MARGIN * canvas.height if contents.inset else 0)
            free = Size(round(canvas.width - taken), canvas.height)
            pill = fit(_pill(contents.message, scale, free.width - 2 * edge), free, edge)
            left = (free.width - pill.get_width()) // 2
            layers.append(Layer(pill, (left, canvas.height - pill.get_height() - bottom)))
        return Shown(tuple(layers), facts)


def _help_panel(keys: Sequence[KeyHelp], scale: float, columns: int = 1) -> pygame.Surface:
    """The keys, each drawn as a cap, and what they do."""
    each = -(-len(keys) // columns)
    parts = [_key_column(keys[begin : begin + each], scale) for begin in range(0, len(keys), each)]
    between = round(34 * scale)
    width = sum(part.get_width() for part in parts) + between * (len(parts) - 1)
    body = pygame.Surface((width, max(part.get_height() for part in parts)), pygame.SRCALPHA)
    left = 0
    for part in parts:
        body.blit(part, (left, 0))
        left += part.get_width() + between
    title = Fonts.at(scale).title.text(_("Keys"), GILT)
    return stacked([(title, round(9 * scale)), (rule(width), round(14 * scale)), (body, 0)], round(30 * scale))


def _key_column(keys: Sequence[KeyHelp], scale: float) -> pygame.Surface:
    """Lines of keys below each other, all texts beginning at one place."""
    fonts = Fonts.at(scale)
    gap, space = round(9 * scale), round(6 * scale)
    caps = [[_cap(key, scale) for key in line.keys] for line in keys]
    texts = [fonts.normal.text(_(line.does), INK) for line in keys]
    begins = max(sum(cap.get_width() + space for cap in line) for line in caps) + round(18 * scale)
    height = caps[0][0].get_height()
    width = begins + max(text.get_width() for text in texts)
    column = pygame.Surface((width, len(keys) * (height + gap) - gap), pygame.SRCALPHA)
    for number, (line, text) in enumerate(zip(caps, texts, strict=True)):
        left, top = 0, number * (height + gap)
        for cap in line:
            column.blit(cap, (left, top))
            left += cap.get_width() + space
        column.blit(text, (begins, top + (height - text.get_height()) // 2))
    return column


def _cap(key: str, scale: float) -> pygame.Surface:
    """A key as it looks on a keyboard."""
    height = round(28 * scale)
    text = _arrow(key, height // 2) if key in _ARROWS else Fonts.at(scale).small.text(_(key), INK)
    width = max(height, text.get_width() + round(16 * scale))
    cap = rounded((width, height), round(6 * scale), (255, 255, 255, 34))
    cap.blit(text, ((width - text.get_width()) // 2, (height - text.get_height()) // 2))
    return cap


def _arrow(direction: str, side: int) -> pygame.Surface:
    """An arrow's head: pygame's font has no arrows."""
    large = pygame.Surface((4 * side, 4 * side), pygame.SRCALPHA)
    large.fill((*INK, 0))
    corners = [(0.25, 0.15), (0.25, 0.85), (0.85, 0.5)]
    pygame.draw.polygon(large, INK, [(4 * side * x, 4 * side * y) for x, y in corners])
    return pygame.transform.smoothscale(pygame.transform.rotate(large, _ARROWS[direction]), (side, side))


def _pill(message: str, scale: float, room: int) -> pygame.Surface:
    """A message, in as many lines as it needs: what a command to type must stay readable in."""
    height = round(40 * scale)
    normal = Fonts.at(scale).normal
    texts = [normal.text(line, INK) for line in wrapped(message, normal, min(room - height, round(640 * scale)))]
    above = (height - normal.line_height) // 2
    line = normal.line_height + round(5 * scale)
    size = max(text.get_width() for text in texts) + height, (len(texts) - 1) * line + height
    pill = rounded(size, height // 2, PANEL)
    for number, text in enumerate(texts):
        pill.blit(text, ((size[0] - text.get_width()) // 2, above + number * line))
    return pill


def _progress(what: str, share: float, scale: float) -> pygame.Surface:
    """What is being waited for, and how far it is."""
    normal = Fonts.at(scale).normal
    width, thickness = round(320 * scale), max(4, round(6 * scale))
    bar = rounded((width, thickness), thickness // 2, TROUGH)
    filled = max(thickness, round(max(0.0, min(1.0, share)) * width))
    bar.blit(rounded((filled, thickness), thickness // 2, (*GILT, 255)), (0, 0))
    rows = [(normal.text(line, INK), round(8 * scale)) for line in wrapped(what, normal, width)]
    return stacked([*rows, (bar, 0)], round(18 * scale))


def _recording_mark(recorded_s: int, scale: float) -> pygame.Surface:
    text = Fonts.at(scale).normal.text(f"{recorded_s // 60}:{recorded_s % 60:02d}", INK)
    height = round(34 * scale)
    dot = round(12 * scale)
    mark = rounded((text.get_width() + dot + round(36 * scale), height), height // 2, PANEL)
    mark.blit(rounded((dot, dot), dot // 2, (*ALARM, 255)), (round(14 * scale), (height - dot) // 2))
    mark.blit(text, (dot + round(22 * scale), (height - text.get_height()) // 2))
    return mark


def _paused_mark(scale: float) -> pygame.Surface:
    """Two upright bars on a dark disc."""
    side = round(96 * scale)
    mark = rounded((side, side), side // 2, PANEL)
    bar = rounded((round(0.11 * side), round(0.38 * side)), round(0.03 * side), (*INK, 255))
    top = (side - bar.get_height()) // 2
    mark.blit(bar, (round(0.34 * side), top))
    mark.blit(bar, (side - round(0.34 * side) - bar.get_width(), top))
    return mark
