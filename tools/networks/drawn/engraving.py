"""An engraving: lines that swell in the shade and bend over what is round, crossed where it is darker."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from tools.networks.drawn import DrawnStyle
from tools.networks.drawn.textures import Tiled, lines
from tools.networks.drawn.tones import Blur, Outlines, Seen, Tone, colour, in_colours, large

_TILE_PX = 256
_PX = 5.5
"""From line to line, about."""
_EDGE = _PX / 2
_BEND = 2.2
"""Lines by which a line is moved from black to white: more, and they run together at outlines."""


class Engraving(DrawnStyle):
    def __init__(self) -> None:
        super().__init__()
        self.ink, self.paper = colour(0.10, 0.11, 0.17), colour(0.955, 0.93, 0.86)
        self.seen, self.tone = Seen(), Tone(middle=0.5, contrast=0.22, kept=0.55)
        self.form = Blur(1.8, 1)
        self.outlines = Outlines(1.0, 0.985, 70)
        # Rows that fall by 14 degrees, a second set across them, and a third for the darkest.
        self.first, self.second, self.third = (
            Tiled(lines(_TILE_PX, turns)).on_cells() for turns in ((11, 45), (-37, 28), (45, 11))
        )

    def paint(self, rgb: Tensor) -> Tensor:
        lightness, _, half = self.seen(rgb)
        dark = 1 - self.tone(half)
        bent = _BEND * large(self.form(functional.avg_pool2d(half, 2)), half)
        paper = (
            _left((dark - 0.08) * 1.05, self.first(dark) + bent)
            * _left((dark - 0.45) * 1.3, self.second(dark) - bent)
            * _left((dark - 0.72) * 2.0, self.third(dark))
        )
        return in_colours(paper * self.outlines(lightness), self.ink, self.paper)


def _left(wanted: Tensor, phase: Tensor) -> Tensor:
    """Return paper, 0..1, beside lines that cover the share `wanted`."""
    from_middle = (phase - phase.round()).abs() * (2 * _EDGE)
    return (from_middle + (0.5 - _EDGE * wanted)).clamp(0, 1)
