"""Sizes and colours, in one place."""

from __future__ import annotations

import dataclasses

from realtime.core.language import letters_scale
from realtime.imaging.frame import Size
from realtime.imaging.text import Colour, Font, font

INK: Colour = (244, 241, 235)
QUIET: Colour = (184, 180, 173)
"""5 to 1 and more on a panel, whatever the picture behind it."""
ACCENT: Colour = (242, 196, 108)
ON_ACCENT: Colour = (26, 22, 14)
ALARM: Colour = (255, 112, 98)

PANEL = (19, 19, 23, 226)
MENU = (29, 29, 34, 250)
EDGE = (255, 255, 255, 26)
HOVER = (255, 255, 255, 26)
PRESSED = (255, 255, 255, 46)
LIT = (*ACCENT, 38)
FIELD = (255, 255, 255, 22)
TROUGH = (255, 255, 255, 56)
BADGE = (12, 12, 14, 205)
FOCUS = (*ACCENT, 255)

_LEAST_SCALE = 0.94  # texts are 12 pixels high then
_GROWTH = 0.8
"""A window of twice the height has widgets 1.7 times as large: the same at 720 lines and on a 4K screen would leave the
screen no advantage, and as many pixels could not be read."""
_USUAL_HEIGHT = 720
_USUAL_WIDTH = 700  # what the bar needs with signs alone, and some air


@dataclasses.dataclass(frozen=True, slots=True)
class Theme:
    """What fits one size of window."""

    scale: float

    @classmethod
    def of(cls, canvas: Size) -> Theme:
        """Return what fits a canvas."""
        height = (canvas.height / _USUAL_HEIGHT) ** _GROWTH
        width = (canvas.width / _USUAL_WIDTH) ** _GROWTH
        return cls(max(_LEAST_SCALE, round(16 * min(height, width)) / 16))

    def px(self, units: float) -> int:
        """Return a length of the drawing at scale 1 in pixels."""
        return max(1, round(units * self.scale))

    @property
    def normal(self) -> Font:
        """For what is read."""
        return font(self.px(17 * letters_scale()))

    @property
    def small(self) -> Font:
        """For what stands beside it."""
        return font(self.px(15.5 * letters_scale()))

    @property
    def huge(self) -> Font:
        """For what is seen from across the room."""
        return font(self.px(150))
