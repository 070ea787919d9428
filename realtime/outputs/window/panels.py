"""What panels over the picture are made of: colours, fonts of one scale, rows below each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from realtime.core.language import letters_scale
from realtime.imaging.frame import Size
from realtime.imaging.sdl import pygame
from realtime.imaging.text import Colour, Font, font, rounded

INK: Colour = (240, 236, 228)
QUIET: Colour = (172, 167, 159)
"""Over pure white the panel is (53, 52, 54), from which this stands out by 5.2 to 1."""
GILT: Colour = (222, 184, 110)
ALARM: Colour = (235, 92, 76)
PANEL = (14, 13, 16, 214)
LINE = (255, 255, 255, 30)
TROUGH = (255, 255, 255, 36)

_USUAL_SCREEN = 1080  # lines
_LEAST_OF_MANY_STROKES = 1.1
"""Chinese letters are 11 pixels high then, and in fewer their strokes run together."""


def scale_of(canvas: Size, screen: Size) -> float:
    """Return how large texts are: 1 at 1280×720. A narrow window counts by its width, so that figures leave half of it
    free; below 0.75 nobody could read them, and on a screen of twice as many lines below twice that.
    """
    least = 0.75 * max(1.0, min(screen) / _USUAL_SCREEN)
    return max(least, min(canvas.height / 720, canvas.width / 680))


class Fonts(NamedTuple):
    """The sizes used together at one scale."""

    small: Font
    normal: Font
    title: Font
    large: Font

    @classmethod
    def at(cls, scale: float) -> Fonts:
        letters = letters_scale()
        sixteenths = round(16 * (scale if letters == 1 else max(_LEAST_OF_MANY_STROKES, letters * scale)))
        return cls(*(font(round(height * sixteenths / 16)) for height in (13, 15, 21, 32)))


def stacked(rows: Sequence[tuple[pygame.Surface, int]], pad: int) -> pygame.Surface:
    """Return the rows below each other on a panel; with each comes the gap below it."""
    width = max(row.get_width() for row, _ in rows)
    height = sum(row.get_height() + gap for row, gap in rows) - rows[-1][1]
    panel = rounded((width + 2 * pad, height + 2 * pad), pad * 2 // 3, PANEL)
    top = pad
    for row, gap in rows:
        panel.blit(row, (pad, top))
        top += row.get_height() + gap
    return panel


def rule(width: int) -> pygame.Surface:
    """Return a line of one pixel between rows, `width` pixels long."""
    rule = pygame.Surface((width, 1), pygame.SRCALPHA)
    rule.fill(LINE)
    return rule
