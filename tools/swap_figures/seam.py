"""The seam: how much more of an edge there is along a face's outline than the viewer's own face has there."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from tools.swap_figures.wearing import outline

_ANGLES = 180
_INNERMOST, _OUTERMOST = 0.8, 1.12
_STEPS = 64
"""Samples from the inside of the band to its outside, shares of the way from the middle to the outline."""
_STEP = round(0.08 / (_OUTERMOST - _INNERMOST) * _STEPS)
"""A step is measured over so many samples: 0.08 of the way, 4 % of a face's width."""
_WINDOW = _ANGLES // 12
"""An edge is a seam where it runs along the outline for a twelfth of it."""
PLACES = ("top", "top left", "left", "jaw left", "chin left", "chin", "chin right", "jaw right", "right", "top right")


class Seam(NamedTuple):
    """The worst place of one finished frame."""

    step: float
    """Grey levels of 255 by which brightness steps across the outline more than in the viewer's own picture."""
    place: str
    """Where, sides as on the screen."""


def seam(made: Pixels, own: Pixels, mesh: FaceMesh) -> Seam:
    """Compare steps across the outline in the finished frame with those in the frame as it came."""
    steps, own_steps = _steps(made, mesh), _steps(own, mesh)
    # The wearer's own edges (a collar, hair) may lie a little further in or out than before, and are no seam: what
    # counts is how far a step is beyond all those that the wearer's picture has close by.
    near = np.ones((_STEP + 1, _STEP + 1), np.uint8)
    beyond = np.maximum(steps - cv2.dilate(own_steps, near), cv2.erode(own_steps, near) - steps)
    more = np.maximum(beyond, 0).max(axis=(0, 2))
    worst = int(np.argmax(more))
    # Angle 0 is the top of the forehead; the outline runs to the person's left, which is the screen's right.
    turned = (1 - worst / _ANGLES) * len(PLACES)
    return Seam(float(more[worst]), PLACES[round(turned) % len(PLACES)])


def _steps(pixels: Pixels, mesh: FaceMesh) -> NDArray[np.float64]:
    """(places across the band, angles, 3) the step outwards that runs along the outline there, by colour."""
    band = unrolled(pixels, mesh).astype(np.float64)
    across = band[_STEP:] - band[:-_STEP]
    around = np.concatenate([across[:, -_WINDOW:], across, across[:, :_WINDOW]], axis=1)
    return np.asarray(cv2.blur(around, (_WINDOW, 1))[:, _WINDOW:-_WINDOW], np.float64)


def unrolled(pixels: Pixels, mesh: FaceMesh) -> NDArray[np.float32]:
    """(steps, angles, 3) the band around a face's outline laid flat: inside on top, from the forehead clockwise."""
    points = outline(mesh).astype(np.float64)
    closed = np.concatenate([points, points[:1]])
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    wanted = np.arange(_ANGLES) / _ANGLES * lengths[-1]
    around = np.stack([np.interp(wanted, lengths, closed[:, axis]) for axis in (0, 1)], axis=1)
    middle = points.mean(axis=0)
    shares = np.linspace(_INNERMOST, _OUTERMOST, _STEPS)[:, None, None]
    places = middle + shares * (around - middle)
    x, y = (np.ascontiguousarray(places[..., axis], np.float32) for axis in (0, 1))
    soft = max(0.8, float(np.linalg.norm(np.ptp(points, axis=0))) / 300)
    softened = cv2.GaussianBlur(pixels, (0, 0), soft)
    band = cv2.remap(softened, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(band, np.float32)
