"""The anisotropic Kuwahara filter: what is alike around a pixel is averaged, in an ellipse along the picture's own
directions, so that flat strokes come of it and edges stay.

Kyprianidis, Kang and Döllner ("Image and video abstraction by anisotropic Kuwahara filtering", 2009), with the
polynomial sectors of Kyprianidis, Semmo, Kang and Döllner ("Anisotropic Kuwahara filtering with polynomial weighting
functions", 2010).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.imaging.numerics import Floats
from tools.teacher_filters.flow import Flow

_SECTORS = 8
_ZERO_CROSSING = 0.58
"""Radians from a sector's middle to where its weight ends: the paper's."""
_STRETCH = 1.0
"""How much longer ellipses get where the direction is plain; 1: four times as long as wide at most."""
_SHARPNESS = 8.0
"""How much the calmest sector counts more than the others: the paper's q."""


def kuwahara(picture: Floats, flow: Flow, radius_px: float) -> Floats:
    """Return a picture (h, w, 3) of 0..1 painted in strokes some `radius_px` pixels wide."""
    longer = np.clip((_STRETCH + flow.anisotropy) / _STRETCH, 1, 2).astype(np.float32)
    long_px, short_px = radius_px * longer, radius_px / longer
    zeta = 2.0 / radius_px
    eta = (zeta + math.cos(_ZERO_CROSSING)) / math.sin(_ZERO_CROSSING) ** 2
    reach = int(np.ceil(2 * radius_px))
    height, width = picture.shape[:2]
    lightness = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    around = [*cv2.split(picture), lightness, lightness * lightness]
    framed = [cv2.copyMakeBorder(part, reach, reach, reach, reach, cv2.BORDER_REFLECT_101) for part in around]
    sums = np.zeros(
        (_SECTORS, 1 + len(framed), height, width), np.float32
    )  # of weights, R, G, B, lightness, its square
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            u = (flow.x * right + flow.y * down) / long_px
            v = (flow.x * down - flow.y * right) / short_px
            distance = u * u + v * v
            if not (distance < 1).any():
                continue
            near = np.where(distance < 1, np.exp(-3.125 * distance), 0).astype(np.float32)
            weights = _sector_weights(u, v, zeta, eta)
            scale = near / (sum(weights) + 1e-9)
            place = np.s_[reach + down : reach + down + height, reach + right : reach + right + width]
            for weight, kept in zip(weights, sums, strict=True):
                own = weight * scale
                cv2.accumulate(own, kept[0])
                for part, total in zip(framed, kept[1:], strict=True):
                    cv2.accumulateProduct(part[place], own, total)
    made, counted = np.zeros_like(picture), np.zeros((height, width), np.float32)
    for weight, red, green, blue, first, second in sums:
        filled = np.maximum(weight, 1e-9)
        deviation = np.sqrt(np.maximum(second / filled - (first / filled) ** 2, 0))
        trust = np.where(weight > 1e-6, 1 / (1 + (255 * deviation) ** (0.5 * _SHARPNESS)), 0)
        made += (trust / filled)[..., None] * np.dstack([red, green, blue])
        counted += trust
    return np.asarray(made / np.maximum(counted, 1e-9)[..., None], np.float32)


def _sector_weights(u: Floats, v: Floats, zeta: float, eta: float) -> list[Floats]:
    """Return the weight of each of the eight sectors at one offset, in the ellipse's own directions."""
    weights: list[Floats] = []
    for x, y in ((u, v), ((u - v) * np.float32(np.sqrt(0.5)), (u + v) * np.float32(np.sqrt(0.5)))):
        wide, tall = zeta - eta * x * x, zeta - eta * y * y
        weights += [np.maximum(edge, 0) ** 2 for edge in (y + wide, -x + tall, -y + wide, x + tall)]
    return weights
