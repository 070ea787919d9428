"""An eye at camera rate: the layers of `realtime.portrait.engines.warp.eyes`, put together on a drawing of its own.

The drawing lies along the eye, so that both lids' edges are curves over its columns and the skin they draw along comes
from the same column: what costs 10 ms in the picture's own pixels takes 1 here. It is read from there wherever the
moved head shows the eye.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep, smoothstep_between
from realtime.portrait.engines.warp.eyes.eye import EyeGaze, EyeLayers
from realtime.portrait.engines.warp.eyes.lids import (
    MEETING_EDGE,
    Lids,
    lash_line,
    lower_source,
    move_lids,
    upper_source,
)
from realtime.portrait.engines.warp.eyes.patch import between
from realtime.puppet.sampling import blended, sampled, sampled_shares

_SIDE = 0.66
"""The drawing reaches so far to both sides of the eye's middle, eye widths ..."""
_ABOVE, _BELOW = 0.06, 0.42
"""... so far above the skin that a lid draws down, and so far below the eye's middle."""
_LEAST_PER_UNIT, _MOST_PER_UNIT = 110, 300
"""Pixels of the drawing for an eye's width: twice the picture's, within these."""
_RIM = 0.07
"""Over this it fades into the picture at its rim, eye widths."""
_STAYS_NEAR = 0.05
"""What the layers do not explain of the picture is gone when the iris has moved this far, eye widths ..."""
_STAYS_OPEN = 0.15
"""... or the lids have closed by this share."""
_LID_OF_SKIN, _MOST_LIT = 0.9, 1.6
"""A closed lid is at least as bright as this share of the skin below the eye, and is made brighter by no more."""
_SKIN_BELOW = (0.12, 0.26)
"""That skin, eye widths below the lower lid."""
_LID_SEEN, _LIT_FROM = 0.36, 0.16
"""To both sides of the middle a lid is seen so far; it is made brighter from so far above the open lid's edge on."""


class LiveEye:
    """One eye of a picture. Used by one thread."""

    def __init__(self, layers: EyeLayers) -> None:
        self._layers = layers
        shape, patch, skin = layers.shape, layers.patch, layers.skin
        per_unit = float(np.clip(2 * shape.width_px, _LEAST_PER_UNIT, _MOST_PER_UNIT))
        along = np.arange(round(2 * _SIDE * per_unit), dtype=np.float32)[None] / per_unit - _SIDE
        upper, lower = shape.lids(along)
        top = float(upper.min()) - skin.brow - _ABOVE
        across = np.arange(round((_BELOW - top) * per_unit), dtype=np.float32)[:, None] / per_unit + top
        self._per_unit, self._top = np.float32(per_unit), np.float32(top)
        self._along, self._across = np.asarray(along, np.float32), np.asarray(across, np.float32)
        self._upper, self._lower = upper, lower
        u, v = (np.ascontiguousarray(part) for part in np.broadcast_arrays(self._along, self._across))
        self._columns = np.ascontiguousarray(np.broadcast_to(np.arange(u.shape[1], dtype=np.float32), u.shape))
        self._white, self._iris = (_as_pixels(patch.sample(layer, u, v)) for layer in (layers.white, layers.iris_layer))
        self._disc = np.clip(patch.sample(layers.disc, u, v), 0, 1)
        glow = np.clip(patch.sample(layers.glow, u, v), 0, 1)
        self._glow = _as_pixels(glow * 255) if float(glow.max()) > 0.02 else None
        self._skin = _as_pixels(skin.bare(u, v))
        self._lid = self._lit_lid(skin.closed_lid(u, v), u, v)
        self._lashes = np.ascontiguousarray(np.broadcast_to(_as_pixels(skin.lashes), (*u.shape, 3)))
        self._rim = self._weights(u, v)
        self._unexplained: Floats | None = None
        own = patch.sample_picture(u, v)
        self._unexplained = own - self._drawing(0.0, 0.0, 0.0).astype(np.float32)
        corners = np.array([(a, c) for a in (-_SIDE, _SIDE) for c in (top, _BELOW)], np.float32)
        x, y = shape.picture_of(corners[:, 0], corners[:, 1])
        self.left, self.top = float(x.min()), float(y.min())
        self.right, self.bottom = float(x.max()), float(y.max())
        """All that it can change, pixels of the picture."""

    def to_drawing(self) -> Floats:
        """Return the (2, 3) matrix from pixels of the picture to those of the drawing."""
        shape = self._layers.shape
        axes = np.stack([shape.axis, shape.down]).astype(np.float64) / shape.width_px
        begin = -axes @ np.asarray(shape.middle_px, np.float64) + (_SIDE, -float(self._top))
        return np.asarray(np.hstack([axes, begin[:, None]]) * float(self._per_unit), np.float32)

    def most_of(self, right_degrees: float) -> float:
        """Return how far of a turn to the right the iris can go in its opening, degrees."""
        return self._layers.most_of(right_degrees)

    def paint(self, out: Pixels, places: Floats, gaze: EyeGaze) -> None:
        """Draw the eye into a patch of a frame. `places` (h, w, 2): where in the drawing its pixels lie."""
        shift_u, shift_v = self._layers.shift(gaze)
        drawing = self._drawing(shift_u, shift_v, min(1.0, max(0.0, gaze.closing)))
        blended(np.ascontiguousarray(out), sampled(drawing, places), sampled_shares(self._rim, places), out)

    def _drawing(self, shift_u: float, shift_v: float, closing: float) -> Pixels:
        along, across = self._along, self._across
        overhang = self._layers.shape.overhang_at(along - shift_u) * (1 - closing)
        lids = move_lids(self._upper, np.asarray(self._lower + overhang, np.float32), along, shift_v, closing)
        picture = self._lid_skin(lids, closing)
        if closing < 1:
            opening = between(across, lids.moved_upper, lids.moved_lower)[..., 0]
            picture = blended(picture, self._ball(shift_u, shift_v), opening)
        stays = max(0.0, 1 - math.hypot(shift_u, shift_v) / _STAYS_NEAR) * max(0.0, 1 - closing / _STAYS_OPEN)
        if stays > 0 and self._unexplained is not None:
            picture = _as_pixels(picture + np.float32(stays) * self._unexplained)
        return picture

    def _ball(self, shift_u: float, shift_v: float) -> Pixels:
        """Return the turned eyeball with its highlights."""
        size = (self._white.shape[1], self._white.shape[0])
        move = np.array([[1, 0, shift_u * self._per_unit], [0, 1, shift_v * self._per_unit]], np.float64)
        iris = np.asarray(cv2.warpAffine(self._iris, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        disc = np.asarray(cv2.warpAffine(self._disc, move, size, borderMode=cv2.BORDER_CONSTANT), np.float32)
        ball = blended(self._white, iris, disc)
        if self._glow is not None:
            glow_u, glow_v = self._layers.highlight_shift(shift_u, shift_v)
            move[:, 2] = glow_u * self._per_unit, glow_v * self._per_unit
            glow = cv2.warpAffine(self._glow, move, size, borderMode=cv2.BORDER_CONSTANT)
            ball = np.asarray(cv2.add(ball, cv2.multiply(cv2.bitwise_not(ball), glow, scale=1 / 255)), np.uint8)
        return ball

    def _lid_skin(self, lids: Lids, closing: float) -> Pixels:
        """Return the skin of both lids where they have moved to."""
        across = self._across
        source = upper_source(across, lids.upper, lids.upper_by, self._layers.skin.brow)
        below = lower_source(across, lids.lower, lids.lower_by)
        above = self._from_rows(source)
        if closing:
            share = self._layers.skin.painted_share(source, lids.upper, closing)
            above = blended(above, self._lid, share)
        meeting = (lids.moved_upper + lids.moved_lower) / 2
        side = smoothstep_between(-MEETING_EDGE, MEETING_EDGE, np.asarray(across - meeting, np.float32))
        skin = blended(above, self._from_rows(below), side)
        if not closing:
            return skin
        line = lash_line(self._along, across, lids)
        return blended(skin, np.minimum(skin, self._lashes), line)

    def _from_rows(self, across: Floats) -> Pixels:
        """Return the skin that comes from these places across the eye, in its own column."""
        rows = np.asarray((across - self._top) * self._per_unit, np.float32)
        return sampled(self._skin, self._columns, rows)

    def _lit_lid(self, lid: Floats, u: Floats, v: Floats) -> Pixels:
        """Return a closed lid's colours, brighter where its socket lies in deep shadow: in a pack's blink of 0.2 s it
        may be as dark as that, but a lid that is seen for longer looks painted.
        """
        inside = (np.abs(u) < _LID_SEEN) & (v > self._upper) & (v < self._lower)
        below = (np.abs(u) < _LID_SEEN) & (v > self._lower + _SKIN_BELOW[0]) & (v < self._lower + _SKIN_BELOW[1])
        if not inside.any() or not below.any():
            return _as_pixels(lid)
        skin = self._skin[below].mean(axis=0)
        goal = _LID_OF_SKIN * skin / np.maximum(lid[inside].mean(axis=0), 8.0)
        gain = np.clip(goal, 1.0, _MOST_LIT).astype(np.float32)
        ends = 1 - smoothstep((np.abs(u) - _LID_SEEN) / (0.5 - _LID_SEEN))
        begins = smoothstep((v - self._upper) / _LIT_FROM + 1)
        share = (ends * begins * (1 - smoothstep((v - self._lower) / 0.05)))[..., None]
        return _as_pixels(lid * (1 + (gain - 1) * share))

    def _weights(self, u: Floats, v: Floats) -> Floats:
        """Return how much of the drawing counts: nothing at its rim."""
        aside = np.minimum(u - u.min(), u.max() - u)
        down = np.minimum(v - v.min(), v.max() - v)
        return smoothstep(np.minimum(aside, down) / _RIM)


def _as_pixels(colours: Floats) -> Pixels:
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)
