"""A night as Van Gogh's: swirling strokes of blue and yellow."""

from __future__ import annotations

from tools.networks.drawn.coloured_strokes import ColouredStrokes
from tools.networks.drawn.strokes import Strokes, swirling
from tools.networks.drawn.tones import Tone

_COOL = (
    (0.04, 0.06, 0.17), (0.08, 0.17, 0.42), (0.20, 0.38, 0.68),
    (0.46, 0.66, 0.80), (0.80, 0.86, 0.62), (0.97, 0.90, 0.50),
)  # fmt: skip
_WARM = (
    (0.06, 0.06, 0.12), (0.25, 0.19, 0.20), (0.58, 0.42, 0.16),
    (0.85, 0.66, 0.22), (0.96, 0.84, 0.42), (0.99, 0.95, 0.72),
)  # fmt: skip


class Night(ColouredStrokes):
    def __init__(self) -> None:
        strokes = Strokes(11.0, 1.5, 3.0, swirling(0.012), seed=60)
        super().__init__(_COOL, _WARM, strokes, Tone(middle=0.47, contrast=0.24, kept=0.4))
