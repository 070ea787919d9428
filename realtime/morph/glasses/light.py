"""The light on a face, as far as what is worn there must have it."""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats

_GRID = 12
"""Places across and down at which a face's light is looked at."""
_LUMA = np.array([0.114, 0.587, 0.299], np.float32)
"""Of BGR (ITU-R BT.601)."""
_WHITE = 200.0
"""The brightest part of a face in good light, in grey levels."""
_BRIGHT_POINTS = 14
"""So many of them, the brightest, tell the light's colour."""
_TINT = 0.25
"""How much of the colour of the brightest skin is the light's; the rest is the skin's own."""
_SIDES = 1.5
"""How much of the difference between both cheeks is the light's side."""
_SHARPEST, _SOFTEST = 0.45, 2.2
_SHARP, _SOFT_SHARE = 0.55, 0.9
"""An edge of a sharp picture of eyes measures 0.97 px, blurred by 1 px 1.4 to 1.7, by 2 px 1.9 to 2.5."""


@dataclasses.dataclass(frozen=True, slots=True)
class Light:
    """What of a picture something drawn into it must have."""

    colour: NDArray[np.float32]
    """(3,) BGR: what white is shown as, 1 being 255."""
    side: float
    """Where it comes from: -1 the picture's left .. 1 its right."""
    soft_px: float
    """Deviation of the Gaussian that the picture's edges are blurred by."""

    @classmethod
    def of(cls, face: Pixels, eyes: Pixels) -> Light:
        """Measure it: `face`, a rectangle around one, and `eyes`, the band about them; neither is empty."""
        few = cv2.resize(face, (4 * _GRID, 4 * _GRID), interpolation=cv2.INTER_LINEAR)
        small = cv2.resize(few, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32)
        grey = small @ _LUMA
        brightest = small.reshape(-1, 3)[np.argpartition(grey.ravel(), -_BRIGHT_POINTS)[-_BRIGHT_POINTS:]].mean(axis=0)
        tint = 1 + _TINT * (brightest / max(1.0, float(brightest.mean())) - 1)
        level = min(1.1, max(0.25, float(grey.max()) / _WHITE))
        left, right = float(grey[3:9, 1:5].mean()), float(grey[3:9, 7:11].mean())
        side = min(1.0, max(-1.0, _SIDES * (right - left) / max(20.0, left + right)))
        return cls(np.asarray(level * tint, np.float32), side, _softness(eyes))

    def nearing(self, other: Light, share: float) -> Light:
        """Return what lies so far on the way to another."""
        return Light(
            self.colour + np.float32(share) * (other.colour - self.colour),
            self.side + share * (other.side - self.side),
            self.soft_px + share * (other.soft_px - self.soft_px),
        )

    def is_near(self, other: Light) -> bool:
        """Tell whether nobody sees a difference."""
        return (
            float(np.abs(self.colour / other.colour - 1).max()) < 0.06
            and abs(self.side - other.side) < 0.08
            and abs(math.log(self.soft_px / other.soft_px)) < 0.15
        )


def _softness(eyes: Pixels) -> float:
    """Return how soft edges are: for a step blurred by a Gaussian of deviation s, the squares of the slope sum up to
    2 s² times those of its change.
    """
    grey: Floats = cv2.cvtColor(eyes, cv2.COLOR_BGR2GRAY).astype(np.float32)
    slopes = (cv2.Sobel(grey, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    slope = sum(float(cv2.norm(each, cv2.NORM_L2SQR)) for each in slopes)
    change = float(cv2.norm(cv2.Laplacian(cv2.GaussianBlur(grey, (3, 3), 0), cv2.CV_32F), cv2.NORM_L2SQR))
    edge_px = math.sqrt(slope / (2 * change + 1e-6))
    return min(_SOFTEST, max(_SHARPEST, _SOFT_SHARE * (edge_px - _SHARP)))
