"""What a pair of glasses looks like, in units of a face: 1 is the distance between the eyes, some 62 mm."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal, NamedTuple

import numpy as np

from realtime.imaging.numerics import Doubles

FrameShape = Literal["panto", "round", "square"]
DIRECTION = "glasses"
"""The direction that is drawn above 0, whether a model has it or not: below 0 it is the model's."""
MOST = 4.0
"""The boldest pair."""
POINTS = 72
"""Of a lens's outline."""


class Outline(NamedTuple):
    """The edge of a lens, as who stands before the face sees it: x to the right, y down, 0 between the eyes."""

    centre: tuple[float, float]
    """Of the right-hand lens; the other is its mirror image."""
    radii: tuple[float, float]
    power: float
    """Of a superellipse: 2 is round, 4 a box with round corners."""
    droop: float = 0.0
    """How far the outer side hangs lower (aviators) or stands higher (below 0: a cat's eye)."""
    narrows: float = 0.0
    """How much narrower it is below."""

    def loop(self, side: int) -> Doubles:
        """Return (72, 2), once around; `side`: -1 the lens at the left, 1 the one at the right."""
        angles = np.linspace(0, 2 * math.pi, POINTS + 1)[:-1]
        cosine, sine = np.cos(angles), np.sin(angles)
        x = np.sign(cosine) * np.abs(cosine) ** (2 / self.power)
        y = np.sign(sine) * np.abs(sine) ** (2 / self.power)
        x = x * (1 - self.narrows * (y + 1) / 2)
        y = y + self.droop * x
        return np.stack([side * (self.centre[0] + self.radii[0] * x), self.centre[1] + self.radii[1] * y], axis=1)


_OUTLINES: dict[FrameShape, Outline] = {
    "panto": Outline((0.545, 0.075), (0.395, 0.345), 2.7, -0.04, 0.14),
    "round": Outline((0.535, 0.075), (0.365, 0.352), 2.0),
    "square": Outline((0.55, 0.055), (0.42, 0.285), 4.6, -0.03, 0.09),
}
"""A lens of 50 by 42 mm, a bridge of 19: what opticians have most of."""


@dataclasses.dataclass(frozen=True, slots=True)
class Pair:
    """One pair of glasses."""

    outline: Outline
    opacity: float
    """0..1."""
    rim: float
    """How wide it is, as seen from before."""
    depth: float
    """How far it reaches back."""
    arm: float
    """How high a temple is at its hinge."""
    colour: tuple[float, float, float]
    """BGR, in white light."""
    metal: float
    """0 plastic .. 1 metal."""


_SERIES = (0.0, 0.5, 1.0, 2.0, 3.0, MOST)
_OPACITY = (0.0, 1.0, 1.0, 1.0, 1.0, 1.0)
_RIM = (0.012, 0.014, 0.02, 0.04, 0.062, 0.088)
_DEPTH = (0.015, 0.02, 0.03, 0.05, 0.06, 0.075)
_ARM = (0.016, 0.018, 0.024, 0.06, 0.09, 0.12)
_BLUE = (88.0, 84.0, 76.0, 30.0, 22.0, 17.0)
_GREEN = (98.0, 96.0, 90.0, 40.0, 22.0, 16.0)
_RED = (110.0, 108.0, 105.0, 62.0, 25.0, 18.0)
_METAL = (1.0, 1.0, 1.0, 0.15, 0.0, 0.0)


def pair(steps: float, shape: FrameShape) -> Pair:
    """Return the pair that stands at so many steps, 0..4: fading in up to 0.5, thin steel at 1, brown acetate at 2,
    black at 3, bold at 4.
    """

    def at(values: tuple[float, ...]) -> float:
        return float(np.interp(steps, _SERIES, values))

    colour = (at(_BLUE), at(_GREEN), at(_RED))
    return Pair(_OUTLINES[shape], at(_OPACITY), at(_RIM), at(_DEPTH), at(_ARM), colour, at(_METAL))
