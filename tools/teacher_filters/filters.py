"""The filters themselves: see the package."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from tools.teacher_filters.flow import flow_of
from tools.teacher_filters.kuwahara import kuwahara
from tools.teacher_filters.lines import lines

_PAPER, _INK = np.array([0.965, 0.945, 0.895], np.float32), np.array([0.09, 0.10, 0.16], np.float32)


def ink(picture: Pixels) -> Pixels:
    """Brush lines and three washes of thinned ink on warm paper."""
    given = _smoothed(picture)
    flow = flow_of(given, 2.5)
    flat = kuwahara(given, flow, 3.0)
    lightness = _lightness(flat)
    # Whatever the light was, darks are dark and the paper shows: the middle half of tones spans the washes.
    low, high = np.quantile(lightness, (0.04, 0.9))
    tone = np.clip((lightness - low) / max(0.15, high - low), 0, 1)
    washes = _steps(tone, ((0.16, 0.10, 0.45), (0.42, 0.45, 0.78), (0.68, 0.78, 1.0)), 0.035)
    pooled = np.clip(cv2.GaussianBlur(washes, (0, 0), 2.0) - washes, -0.2, 0.2)  # ink dries darker at a wash's rim
    washes = np.clip(washes - 0.55 * np.abs(pooled), 0, 1)
    drawn = lines(_lightness(given), flow, 1.1, 5.0)
    value = (washes * (0.12 + 0.88 * drawn))[..., None]
    return _bytes(np.asarray(_PAPER * value + _INK * (1 - value), np.float32))


def poster(picture: Pixels) -> Pixels:
    """Flat, clear colours in a few tones, and dark outlines."""
    given = _smoothed(picture)
    flow = flow_of(given, 3.0)
    flat = kuwahara(kuwahara(given, flow, 3.5), flow, 3.5)
    lab = _lab(flat)
    tone = lab[..., 0] / 100
    low, high = np.quantile(tone, (0.02, 0.98))
    tone = np.clip((tone - low) / max(0.2, high - low), 0, 1)
    steps = ((0.18, 0.13, 0.34), (0.38, 0.34, 0.56), (0.58, 0.56, 0.76), (0.79, 0.76, 0.95))
    lab[..., 0] = 100 * _steps(tone, steps, 0.03)
    lab[..., 1:] *= 1.2
    bright = _rgb(lab)
    drawn = lines(_lightness(given), flow, 1.3, 6.0, 0.985)[..., None]
    outline = np.array([0.13, 0.09, 0.14], np.float32)
    return _bytes(np.asarray(bright * drawn + outline * (1 - drawn), np.float32))


def _smoothed(picture: Pixels) -> Floats:
    """Return the picture as RGB 0..1 without a camera's grain."""
    return np.asarray(cv2.bilateralFilter(picture, 5, 18, 3) / 255, np.float32)


def _lightness(picture: Floats) -> Floats:
    return np.asarray(_lab(picture)[..., 0] / 100, np.float32)


def _lab(picture: Floats) -> Floats:
    """Return RGB 0..1 as CIELAB: lightness 0..100, the two others around 0."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2Lab), np.float32)


def _rgb(lab: Floats) -> Floats:
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), 0, 1).astype(np.float32)


def _steps(tone: Floats, steps: tuple[tuple[float, float, float], ...], soft: float) -> Floats:
    """Return tones in flat steps: `(at, below, above)` each, the change `soft` wide."""
    flat = np.full_like(tone, steps[0][1])
    for at, below, above in steps:
        flat += (above - below) / (1 + np.exp((at - tone) / (soft / 3)))
    return np.asarray(flat, np.float32)


def _bytes(picture: Floats) -> Pixels:
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), np.uint8)
