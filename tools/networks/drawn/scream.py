"""A sky as Munch's: long wavering bands of orange and yellow, and what stands before it in dark green and blue."""

from __future__ import annotations

from tools.networks.drawn.coloured_strokes import ColouredStrokes
from tools.networks.drawn.strokes import Strokes, flowing
from tools.networks.drawn.tones import Tone

_COOL = (
    (0.05, 0.07, 0.10), (0.09, 0.16, 0.22), (0.15, 0.30, 0.34),
    (0.36, 0.47, 0.42), (0.72, 0.62, 0.42), (0.93, 0.80, 0.52),
)  # fmt: skip
_WARM = (
    (0.10, 0.06, 0.06), (0.36, 0.11, 0.06), (0.70, 0.24, 0.08),
    (0.89, 0.46, 0.14), (0.96, 0.69, 0.30), (0.98, 0.87, 0.58),
)  # fmt: skip


class Scream(ColouredStrokes):
    def __init__(self) -> None:
        strokes = Strokes(16.0, 1.7, 3.5, flowing(0.012, wavering=0.8), seed=80)
        super().__init__(_COOL, _WARM, strokes, Tone(middle=0.48, contrast=0.26, kept=0.4))
