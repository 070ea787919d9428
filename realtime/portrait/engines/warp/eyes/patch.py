"""The part of a picture that holds one eye, enlarged so that discs and edges are smooth, and sampled in eye widths."""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep_between
from realtime.portrait.engines.warp.eyes.eye_shape import SOFT_EDGE, EyeShape
from realtime.portrait.engines.warp.supersampling import SupersampledPicture
from realtime.portrait.pack import Place

_WORK_WIDTH_PX = 110
"""Small eyes are taken apart on an enlarged copy of about this width."""
_REACH = 0.85
"""How far from the eye's middle its motions can change anything, eye widths."""
_LEAST_SPOT = 9
"""Pixels within a spot that tell how it is stretched."""


class EyePatch:
    """One eye of a picture. `left, top, right, bottom` is its part of the picture, pixels; a layer is an array like
    `pixels`: that part, `enlarged` times as large.
    """

    def __init__(self, picture: Pixels, shape: EyeShape, above: float) -> None:
        """`above`: how far above the eye's middle the part has to reach at least, eye widths."""
        self.shape = shape
        height, width = picture.shape[:2]
        reach_px = _REACH * shape.width_px
        x, y = float(shape.middle_px[0]), float(shape.middle_px[1])
        self.left, self.right = max(0, math.floor(x - reach_px)), min(width, math.ceil(x + reach_px))
        self.top = max(0, math.floor(y - max(reach_px, above * shape.width_px)))
        self.bottom = min(height, math.ceil(y + reach_px))
        self.enlarged = int(np.clip(round(_WORK_WIDTH_PX / shape.width_px), 1, 6))
        place = Place(self.left, self.top, self.right - self.left, self.bottom - self.top)
        self._fine = SupersampledPicture(picture, place)
        columns, rows = np.meshgrid(
            np.arange(place.width * self.enlarged, dtype=np.float32),
            np.arange(place.height * self.enlarged, dtype=np.float32),
        )
        self.pixels = self._fine.at(*self._picture_places(columns, rows)).astype(np.float32)
        """(h, w, 3) 0..255; a layer."""

    def places(self) -> tuple[Floats, Floats]:
        """Return where a layer's pixels are, along and across the eye, units: (h, w) each."""
        rows, columns = self.pixels.shape[:2]
        x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        return self.shape.units_of(*self._picture_places(x, y))

    def _picture_places(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Return where pixels of a layer are in the picture, pixels."""
        half, scale = np.float32(0.5), np.float32(self.enlarged)
        return (x + half) / scale - half + np.float32(self.left), (y + half) / scale - half + np.float32(self.top)

    def spread_px(self, units: float) -> float:
        """Return a length in units as pixels of a layer."""
        return units * self.shape.width_px * self.enlarged

    def sample(self, layer: Floats, along: Floats, across: Floats) -> Floats:
        """Return a layer's values (h, w[, channels]) at places (h, w) in units; beyond its edge, those of the edge."""
        x, y = self.shape.picture_of(along, across)
        scale = self.enlarged
        to_x, to_y = (x - self.left + 0.5) * scale - 0.5, (y - self.top + 0.5) * scale - 0.5
        return np.asarray(
            cv2.remap(
                layer,
                to_x.astype(np.float32),
                to_y.astype(np.float32),
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )

    def sample_picture(self, along: Floats, across: Floats) -> Floats:
        """Return the picture itself at places (h, w) in units, as sharp as it is: (h, w, 3) 0..255."""
        x, y = self.shape.picture_of(along, across)
        return self._fine.at(x, y).astype(np.float32)


def between(across: Floats, upper: Floats, lower: Floats) -> Floats:
    """Return how much of the eye shows between two edges: (h, w, 1), 0..1."""
    shown = smoothstep_between(0.0, SOFT_EDGE, across - upper) * smoothstep_between(0.0, SOFT_EDGE, lower - across)
    return np.asarray(shown[..., None], np.float32)


def unstretched(u: Floats, v: Floats, radius: float, unit_px: float) -> tuple[Floats, Floats, float]:
    """Return where the pixels of a frame would come from if it did not stretch what lies at 0, 0: `u`, `v`; and the
    largest share by which that changes a length.

    `u`, `v` (h, w): where they do come from, units of `unit_px` pixels; what they do within `radius` counts.

    A head that turns makes the openings of its eyes narrower and wider, but a ball shows the same iris from all sides:
    one stretched with its eye by a sixth, the far one of a face turned by 30 degrees, is an oval, and not as large as
    its fellow. Of the frame's change there (a matrix, J, from frame to picture) only the rotation is kept: what is
    taken back is the symmetric part of its polar decomposition, (J Jᵀ)^½.
    """
    near = np.hypot(u, v) < radius
    if np.count_nonzero(near) < _LEAST_SPOT or min(u.shape) < 2:
        return u, v, 0.0
    slopes = [[float(slope[near].mean()) * unit_px for slope in np.gradient(part)[::-1]] for part in (u, v)]
    jacobian = np.array(slopes, np.float64)
    squares, axes = np.linalg.eigh(jacobian @ jacobian.T)
    back = ((axes / np.sqrt(squares)) @ axes.T).astype(np.float32)
    change = float(np.abs(1 / np.sqrt(squares) - 1).max())
    return back[0, 0] * u + back[0, 1] * v, back[1, 0] * u + back[1, 1] * v, change
