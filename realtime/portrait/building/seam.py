"""Blending a moved head into the painting around it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HALF_SIDE_PX = 256
STEEPNESS = 0.06
EDGE_PX = 180
"""The constants of the portrait page this program's idea comes from, for a square of side 512."""


def seam_weights(width: int, height: int) -> NDArray[np.float32]:
    """Return how much of the moved head shows at each pixel of its region: (height, width), 0..1.

    α(x, y) = 1 / (1 + exp(j·(max(|x − m|, |y − m|) − k))) with j = 0.06, k = 180 for a square of half side m = 256:
    1 in the middle, 0.01 at the edges. Other sizes and shapes are scaled to that square, each side for itself.
    """
    x = np.abs((np.arange(width) + 0.5) / width * 2 - 1) * HALF_SIDE_PX
    y = np.abs((np.arange(height) + 0.5) / height * 2 - 1) * HALF_SIDE_PX
    farther = np.maximum(y[:, None], x[None, :])
    return np.asarray(1 / (1 + np.exp(STEEPNESS * (farther - EDGE_PX))), np.float32)
