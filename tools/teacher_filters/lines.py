"""Lines where two tones meet, drawn in one go along them: the flow-based difference of Gaussians (Kang et al.,
"Coherent line drawing", NPAR 2007), with the soft threshold of Winnemöller, Kyprianidis and Olsen ("XDoG", 2012).
"""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.numerics import Floats
from tools.teacher_filters.flow import Flow, along, sampled

_WIDER = 1.6
"""The outer Gaussian's deviation over the inner one's: what comes next to a Laplacian."""


def lines(lightness: Floats, flow: Flow, width_px: float, length_px: float, darkness: float = 0.98) -> Floats:
    """Return the tone of lines (h, w), 1 without and 0 in the darkest, of a picture's lightness (h, w) in 0..1.

    `darkness`: share of the surroundings that is taken off; the nearer to 1, the fainter the edge that gets a line.
    """
    height, width = lightness.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    inner, outer = lightness.copy(), lightness.copy()
    inner_weight = outer_weight = 1.0
    for step in range(1, round(2.5 * _WIDER * width_px) + 1):
        both = sum(sampled(lightness, x - sign * step * flow.y, y + sign * step * flow.x) for sign in (1, -1))
        near, far = (float(np.exp(-0.5 * (step / deviation) ** 2)) for deviation in (width_px, _WIDER * width_px))
        inner, outer = inner + near * both, outer + far * both
        inner_weight, outer_weight = inner_weight + 2 * near, outer_weight + 2 * far
    difference = along(inner / inner_weight - darkness * outer / outer_weight, flow, length_px)
    tone = np.where(difference > 0, 1.0, 1.0 + np.tanh(difference * 60))
    return np.asarray(cv2.GaussianBlur(tone.astype(np.float32), (0, 0), 0.5), np.float32)
