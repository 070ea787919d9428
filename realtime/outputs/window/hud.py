"""How the run goes, over the picture: in words, and one key further in figures."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import NamedTuple

from realtime.control.channel import Status
from realtime.core.language import N_, _
from realtime.core.titles import effect_title
from realtime.imaging.sdl import pygame
from realtime.imaging.text import Colour, Font, rounded, without_middle, wrapped
from realtime.outputs.window.panels import ALARM, GILT, INK, QUIET, TROUGH, Fonts, rule, stacked

_WIDTH = 300  # at scale 1
_DROPPED = {"before": N_("before"), "window": N_("window"), "fullscreen": N_("fullscreen"), "camera": N_("camera")}
_STAGES = {"read": N_("read"), "detect": N_("detect"), "track": N_("track")}


class Hud(enum.Enum):
    """How much is shown."""

    NOTHING = 0
    WORDS = 1
    FIGURES = 2

    @property
    def next(self) -> Hud:
        """What the key brings."""
        return Hud((self.value + 1) % len(Hud))


class Fact(NamedTuple):
    """One line of the HUD's lower half, as it is drawn: a value that is too long has lost its middle."""

    label: str
    value: str
    colour: Colour = INK


def words_panel(status: Status, scale: float) -> pygame.Surface:
    """What a person asks: how quick it is, what is shown, and what they could do about the rest."""
    fonts = Fonts.at(scale)
    width, small_gap = round(_WIDTH * scale), round(4 * scale)
    lines = [(rate_in_words(status), INK)]
    lines += [(title, GILT) for title in (" + ".join(status.titles),) if title]
    lines += [(notice, INK) for notice in status.notices]
    rows = [
        (fonts.normal.text(line, colour), small_gap)
        for text, colour in lines
        for line in wrapped(text, fonts.normal, width)
    ]
    return stacked(rows, round(12 * scale))


def rate_in_words(status: Status) -> str:
    """Return how quick it is, as a sentence's worth."""
    if status.blank:
        return _("black is shown, and the camera is closed")
    if status.paused:
        return _("the picture is held")
    if not status.fps:
        return _("no picture yet")
    return _("{fps:.0f} pictures a second, {age_s:.2f} s behind you", fps=status.fps, age_s=status.age_ms / 1e3)


def facts_of(status: Status, scale: float) -> tuple[Fact, ...]:
    """Return who and what, as the HUD has room for it."""
    normal = Fonts.at(scale).normal
    facts = (
        Fact(_("effect"), " + ".join(status.titles) or status.effect),
        *(Fact(label, words) for label, words in status.facts),
        Fact(_("source"), status.source),
        Fact(_("runs on"), _devices(status.provider)),
        Fact(_("faces"), str(status.faces) if status.looks_for_faces else _("not looked for")),
        Fact(_("mirrored"), _("yes") if status.mirrored else _("no")),
        Fact(_("dropped"), _("none")),
    )
    room = round(_WIDTH * scale) - _label_width(facts, scale)
    dropped = [(output_name, count) for output_name, count in status.dropped if count]
    if dropped:
        facts = (*facts[:-1], Fact(_("dropped"), _drops(dropped, normal, room), GILT))
    return tuple(fact._replace(value=normal.shortened(fact.value or "–", room)) for fact in facts)


def _label_width(facts: Sequence[Fact], scale: float) -> int:
    normal = Fonts.at(scale).normal
    return max(normal.width(fact.label) for fact in facts) + round(16 * scale)


def figures_panel(status: Status, facts: Sequence[Fact], scale: float) -> pygame.Surface:
    """The HUD: rate and age large, the stages as bars against the frame time, then who and what."""
    fonts = Fonts.at(scale)
    pad, gap, small_gap = round(18 * scale), round(10 * scale), round(5 * scale)
    width = round(_WIDTH * scale)
    rows: list[tuple[pygame.Surface, int]] = []

    headline = pygame.Surface((width, fonts.large.line_height), pygame.SRCALPHA)
    half = width // 2
    for left, figure, unit in ((0, f"{status.fps:.1f}", _("fps")), (half, f"{status.age_ms:.0f}", _("ms old"))):
        number = fonts.large.text(figure, INK)
        label = fonts.small.text(unit, QUIET)
        headline.blit(number, (left, 0))
        headline.blit(label, (left + number.get_width() + round(5 * scale), fonts.large.ascent - fonts.small.ascent))
    rows.append((headline, gap))

    frame_ms = 1000.0 / status.fps if status.fps > 0 else 1000.0 / 30.0
    rows += [(_stage(name, ms, frame_ms, width, scale), small_gap) for name, ms in status.stage_ms]

    rows[-1] = (rows[-1][0], gap)
    rows.append((rule(width), gap))

    label_width = _label_width(facts, scale)
    for fact in facts:
        row = pygame.Surface((width, fonts.normal.line_height), pygame.SRCALPHA)
        row.blit(fonts.normal.text(fact.label, QUIET), (0, 0))
        row.blit(fonts.normal.text(fact.value, fact.colour), (label_width, 0))
        rows.append((row, small_gap))

    return stacked(rows, pad)


def _stage(name: str, ms: float, frame_ms: float, width: int, scale: float) -> pygame.Surface:
    """One stage: its name, a bar that is full at a whole frame time, milliseconds."""
    fonts = Fonts.at(scale)
    row = pygame.Surface((width, fonts.normal.line_height), pygame.SRCALPHA)
    left, right = round(0.38 * width), round(0.76 * width)
    label = fonts.normal.shortened(_stage_title(name), left - round(8 * scale))
    row.blit(fonts.normal.text(label, QUIET), (0, 0))
    value = fonts.normal.text(f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms", INK)
    row.blit(value, (width - value.get_width(), 0))
    thickness = max(3, round(5 * scale))
    top = (row.get_height() - thickness) // 2
    row.blit(rounded((right - left, thickness), thickness // 2, TROUGH), (left, top))
    filled = max(thickness, round(min(1.0, ms / frame_ms) * (right - left)))
    colour = GILT if ms < frame_ms else ALARM
    row.blit(rounded((filled, thickness), thickness // 2, (*colour, 255)), (left, top))
    return row


def _drops(dropped: Sequence[tuple[str, int]], font: Font, width: int) -> str:
    """Return how many were dropped by whom. Too wide: the longest names lose their middles, the counts nothing."""
    named = [(_(_DROPPED.get(output_name, output_name)), count) for output_name, count in dropped]
    for kept in range(max(len(output_name) for output_name, _count in named), 1, -1):
        line = ", ".join(f"{count} {without_middle(output_name, kept)}" for output_name, count in named)
        if font.width(line) <= width:
            return line
    return _("{count} in all", count=sum((count for _unused, count in dropped)))


def _devices(provider: str) -> str:
    """Return what computes, each once and without the libraries' names."""
    names = re.sub(r"\s*\([^)]*\)", "", provider).split(", ")
    return ", ".join(dict.fromkeys(name for name in names if name))


def _stage_title(name: str) -> str:
    return effect_title(name.removeprefix("effect ")) if name.startswith("effect ") else _(_STAGES.get(name, name))
