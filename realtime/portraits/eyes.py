"""How an eye turns: iris, white, lids and highlights taken apart once, and put together for each gaze.

A warp alone cannot turn an eye: at the lid's edge the iris slides behind the skin. So the opening is separated into
three layers, each complete also where another one covers it in the picture:

- the iris with its rim, a disc on a ball that turns; what the lids hide is filled from its own rings;
- the white, continued under the iris along lines that run parallel to the lids, so that the shadow of the upper lid
  and the wet edge of the lower one stay where they belong;
- the highlights, which belong to the lamp and hardly move when the eye does.

The lids' edges are lines of their own: they follow a vertical gaze and close in a blink, drawing the skin after them.
"""

from __future__ import annotations

import dataclasses
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.faces.iris import Eye
from realtime.frame import Pixels

Floats = NDArray[np.float32]

_BALL = 2.05
"""Radius of the eyeball over that of the iris: 12 mm over 5.9 mm."""
_FEATHER = 0.05
"""Width of the soft edge between lid and eye, eye widths: about one pixel of a small face, as in the pictures."""
_WORK_WIDTH_PX = 110
"""Small eyes are taken apart on an enlarged copy of about this width, so that discs and edges are smooth."""
_HIGHLIGHT_SHARE = 0.25
"""How far a highlight moves with the iris: the cornea bulges, so a lamp's image wanders a little."""
_FARTHEST = 0.30
"""No iris goes farther from the middle of its eye, eye widths: beyond, it would hide in the corner."""


@dataclasses.dataclass(frozen=True, slots=True)
class Gaze:
    """How far an eye is turned and closed; degrees as in `Motion`."""

    right_degrees: float
    up_degrees: float
    closing: float

    @property
    def is_still(self) -> bool:
        return abs(self.right_degrees) < 1e-4 and abs(self.up_degrees) < 1e-4 and abs(self.closing) < 1e-4


class EyeLayers:
    """One eye, taken apart. `left, top, right, bottom` is all it can change, in pixels of the picture."""

    def __init__(self, picture: Pixels, eye: Eye, brow_y_px: float) -> None:
        """`brow_y_px`: how far above the middle of the eye the brow begins; skin above it never moves."""
        self._picture = picture
        self._width = eye.width_px
        self._middle = ((eye.upper[0] + eye.upper[-1]) / 2).astype(np.float32)
        self._axis = eye.axis
        self._down = np.array([-eye.axis[1], eye.axis[0]], np.float32)
        self._brow = float(np.clip(brow_y_px / self._width, 0.3, 0.8))
        self._lids = _lid_curves(self._units(eye.upper), self._units(eye.lower))
        self._iris = self._units(eye.centre[None])[0]
        self._radius = eye.radius_px / self._width
        height, width = picture.shape[:2]
        reach_px = 0.85 * self._width
        self.left = max(0, math.floor(self._middle[0] - reach_px))
        self.top = max(0, math.floor(self._middle[1] - max(reach_px, (self._brow + 0.1) * self._width)))
        self.right = min(width, math.ceil(self._middle[0] + reach_px))
        self.bottom = min(height, math.ceil(self._middle[1] + reach_px))
        self._enlarged = int(np.clip(round(_WORK_WIDTH_PX / self._width), 1, 6))
        patch = picture[self.top : self.bottom, self.left : self.right].astype(np.float32)
        self._patch = _enlarge(patch, self._enlarged)
        self._take_apart()

    # ---- geometry: "units" are eye widths along and across the line between the corners, from its middle ----

    def _units(self, points: Floats) -> Floats:
        away = points - self._middle
        return np.stack([away @ self._axis, away @ self._down], axis=-1).astype(np.float32) / self._width

    def _units_of(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        away_x, away_y = x - self._middle[0], y - self._middle[1]
        along = (away_x * self._axis[0] + away_y * self._axis[1]) / self._width
        across = (away_x * self._down[0] + away_y * self._down[1]) / self._width
        return along, across

    def _picture_of(self, along: Floats, across: Floats) -> tuple[Floats, Floats]:
        x = self._middle[0] + (along * self._axis[0] + across * self._down[0]) * self._width
        y = self._middle[1] + (along * self._axis[1] + across * self._down[1]) * self._width
        return x, y

    def _lid_lines(self, along: Floats) -> tuple[Floats, Floats]:
        """Return the upper and lower lid's place for each place along the eye."""
        grid, upper, lower = self._lids
        return (
            np.interp(along, grid, upper).astype(np.float32),
            np.interp(along, grid, lower).astype(np.float32),
        )

    def _sample(self, layer: Floats, along: Floats, across: Floats) -> Floats:
        """Return a layer (stored like the enlarged patch) at places given in units."""
        x, y = self._picture_of(along, across)
        k = self._enlarged
        return np.asarray(
            cv2.remap(
                layer,
                ((x - self.left + 0.5) * k - 0.5).astype(np.float32),
                ((y - self.top + 0.5) * k - 0.5).astype(np.float32),
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )

    # ---- once for each picture ----

    def _take_apart(self) -> None:
        rows, columns = self._patch.shape[:2]
        k = self._enlarged
        x = (np.arange(columns, dtype=np.float32) + 0.5) / k - 0.5 + self.left
        y = (np.arange(rows, dtype=np.float32) + 0.5) / k - 0.5 + self.top
        along, across = self._units_of(*np.meshgrid(x, y))
        upper, lower = self._lid_lines(along)
        opening = _smooth(0.0, _FEATHER, across - upper) * _smooth(0.0, _FEATHER, lower - across)
        away = np.hypot(along - self._iris[0], across - self._iris[1])
        self._rim = self._radius * 1.10 + 0.02
        self._edge = 0.07
        highlight = self._find_highlight(away)
        clean = self._patch - highlight
        self._highlight = highlight * opening[..., None]
        disc = 1 - _smooth(self._rim, self._rim + 0.03, away)
        self._white = self._continue_white(clean, along, across, upper, lower, away, disc)
        self._iris_layer = self._complete_iris(clean, away, opening)

    def _find_highlight(self, away: Floats) -> Floats:
        """Return the light that small bright spots add within the iris: what an opening with a disc takes away."""
        size = max(3, round(0.15 * self._width * self._enlarged)) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        softened = cv2.GaussianBlur(self._patch, (0, 0), 0.012 * self._width * self._enlarged)
        base = cv2.GaussianBlur(cv2.morphologyEx(softened, cv2.MORPH_OPEN, kernel), (0, 0), size / 5)
        added = np.clip(self._patch - base, 0, None)
        bright = _smooth(25.0, 60.0, added.mean(axis=2)) * (1 - _smooth(0.85, 1.05, away / self._radius))
        bright = cv2.GaussianBlur(bright, (0, 0), 0.01 * self._width * self._enlarged)
        return np.asarray(added * bright[..., None], np.float32)

    def _continue_white(
        self,
        clean: Floats,
        along: Floats,
        across: Floats,
        upper: Floats,
        lower: Floats,
        away: Floats,
        disc: Floats,
    ) -> Floats:
        """Return the opening as it would look without the iris."""
        lines, places = 40, 160
        grid_u = np.linspace(-0.5, 0.5, places, dtype=np.float32)
        grid_v = np.linspace(0.0, 1.0, lines, dtype=np.float32)
        line_up, line_low = self._lid_lines(grid_u)
        unrolled_across = line_up[None, :] + grid_v[:, None] * (line_low - line_up)[None, :]
        unrolled_along = np.broadcast_to(grid_u, unrolled_across.shape).astype(np.float32)
        unrolled = self._sample(clean, unrolled_along, unrolled_across)
        covered = np.hypot(unrolled_along - self._iris[0], unrolled_across - self._iris[1]) < self._rim
        filled = unrolled.copy()
        taken = max(2, round(0.05 * places))
        for line in range(lines):
            inside = np.flatnonzero(covered[line])
            if not len(inside):
                continue
            first, last = inside[0], inside[-1]
            left = unrolled[line, max(0, first - taken) : first]
            right = unrolled[line, last + 1 : last + 1 + taken]
            # Towards the corners there is no white: the less of it lies on a side, the less that side is believed.
            trust_left = float(np.clip((grid_u[first] + 0.5 - 0.10) / 0.12, 0, 1)) if len(left) else 0.0
            trust_right = float(np.clip((0.5 - grid_u[last] - 0.10) / 0.12, 0, 1)) if len(right) else 0.0
            share = np.linspace(0, 1, last - first + 3, dtype=np.float32)[1:-1]
            share = share * share * (3 - 2 * share)
            weight_left, weight_right = (trust_left + 1e-3) * (1 - share), (trust_right + 1e-3) * share
            weight_left += 0.15 * trust_left
            weight_right += 0.15 * trust_right
            colour_left = left.mean(axis=0) if len(left) else right.mean(axis=0)
            colour_right = right.mean(axis=0) if len(right) else colour_left
            total = (weight_left + weight_right)[:, None]
            mixed = (weight_left[:, None] * colour_left + weight_right[:, None] * colour_right) / total
            filled[line, first : last + 1] = mixed
        calmed = cv2.GaussianBlur(filled, (0, 0), 2.0)
        filled = np.where(covered[..., None], calmed, filled)
        gap = np.maximum(lower - upper, 1e-3)
        map_u = (np.clip(along, -0.5, 0.5) + 0.5) * (places - 1)
        map_v = np.clip((across - upper) / gap, 0, 1) * (lines - 1)
        fill = cv2.remap(
            filled,
            map_u.astype(np.float32),
            map_v.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(clean * (1 - disc[..., None]) + fill * disc[..., None], np.float32)

    def _complete_iris(self, clean: Floats, away: Floats, opening: Floats) -> Floats:
        """Return the iris as a whole disc: what the lids hide has the mean colour of its ring where it is seen."""
        rings = 48
        reach = self._rim + self._edge
        number = np.clip(away / reach * (rings - 1), 0, rings - 1)
        seen = opening > 0.9
        index = np.rint(number).astype(np.int32)
        weight = np.bincount(index[seen], minlength=rings).astype(np.float32)
        profile = np.stack(
            [np.bincount(index[seen], weights=clean[..., channel][seen], minlength=rings) for channel in range(3)],
            axis=1,
        ).astype(np.float32)
        blur = cv2.GaussianBlur(np.hstack([profile, weight[:, None]]).reshape(rings, 1, 4), (1, 9), 2.0)
        profile = blur[:, 0, :3] / np.maximum(blur[:, 0, 3:], 1e-3)
        for ring in range(rings - 1):  # rings nobody sees take the colour of the next one in
            if blur[ring + 1, 0, 3] < 0.05:
                profile[ring + 1] = profile[ring]
        fill = cv2.remap(
            np.ascontiguousarray(profile.reshape(1, rings, 3)),
            number.astype(np.float32),
            np.zeros_like(number, np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(clean * opening[..., None] + fill * (1 - opening[..., None]), np.float32)

    # ---- for each gaze ----

    def _ball(self, along: Floats, across: Floats, gaze: Gaze) -> Floats:
        """Return the turned eyeball, without lids, at places given in units."""
        radius = self._radius * _BALL
        layer = self._sample(self._white, along, across)
        from_u, from_v, shift_u, shift_v = self._turned(along, across, gaze, radius)
        disc = 1 - _smooth(self._rim, self._rim + self._edge, np.hypot(from_u - self._iris[0], from_v - self._iris[1]))
        iris = self._sample(self._iris_layer, from_u, from_v)
        layer += (iris - layer) * disc[..., None]
        light = self._sample(self._highlight, along - shift_u * _HIGHLIGHT_SHARE, across - shift_v * _HIGHLIGHT_SHARE)
        return np.asarray(layer + np.clip(light, 0, None) * np.clip(255 - layer, 0, None) / 255, np.float32)

    def _turned(self, along: Floats, across: Floats, gaze: Gaze, radius: float) -> tuple[Floats, Floats, float, float]:
        """Return where on the source's eye each place comes from, and how far the iris' centre moved (units)."""
        out: list[Floats] = []
        shifts: list[float] = []
        places = ((along, self._iris[0], gaze.right_degrees), (across, self._iris[1], -gaze.up_degrees))
        for number, (place, iris, degrees) in enumerate(places):
            # The ball's middle: that of the corners across the eye; up and down the iris' own place is "straight on".
            rest = float(np.clip(iris, -0.25 * radius, 0.25 * radius)) if number == 0 else 0.0
            middle = iris - rest
            start = math.asin(rest / radius)
            most = math.asin(min(0.95, _FARTHEST / radius)) if number == 0 else math.radians(28)
            angle = float(np.clip(start + math.radians(degrees), min(-most, start), max(most, start)))
            turn = angle - start
            on_ball = np.arcsin(np.clip((place - middle) / radius, -0.985, 0.985))
            out.append((middle + radius * np.sin(on_ball - turn)).astype(np.float32))
            shifts.append(radius * (math.sin(angle) - math.sin(start)))
        return out[0], out[1], shifts[0], shifts[1]

    def paint(self, frame: Floats, x: Floats, y: Floats, gaze: Gaze) -> Floats:
        """Return a patch of a frame with this eye turned.

        `frame` (h, w, 3) is the picture sampled at `x`, `y` (h, w): the places in the picture that the patch's pixels
        come from.
        """
        along, across = self._units_of(x, y)
        upper, lower = self._lid_lines(along)
        gap = np.maximum(lower - upper, 0)
        still = Gaze(0.0, 0.0, 0.0)
        radius = self._radius * _BALL
        _, _, _, shift_v = self._turned(along, across, gaze, radius)
        bow = np.clip(1 - (2 * along) ** 2, 0, 1)
        closing = float(np.clip(gaze.closing, 0, 1))
        # Looking down, the upper lid comes along for most of the way; looking up it rises less.
        follow = shift_v * (0.75 if shift_v > 0 else 0.55) * bow
        follow = np.minimum(follow, 0.55 * gap)
        upper_by = follow + (0.90 * gap + _FEATHER * 1.1 * _smooth(0, 0.12, gap) - follow) * closing
        lower_by = (
            shift_v * 0.25 * bow * (1 - closing) - (0.10 * gap + _FEATHER * 0.5 * _smooth(0, 0.12, gap)) * closing
        )
        painted = self._ball(along, across, gaze)
        lids_still = closing == 0 and abs(shift_v) < 1e-5
        if lids_still:
            opening = _smooth(0.0, _FEATHER, across - upper) * _smooth(0.0, _FEATHER, lower - across)
            return frame + opening[..., None] * (painted - self._ball(along, across, still))
        above = self._skin(along, across, self._upper_source(across, upper, upper_by))
        below = self._skin(along, across, self._lower_source(across, lower, lower_by))
        open_up = _smooth(0.0, _FEATHER, across - (upper + upper_by))
        open_low = _smooth(0.0, _FEATHER, (lower + lower_by) - across)
        middle = upper + (lower - upper) * 0.9
        skin_low = _smooth(-0.02, 0.02, across - np.minimum(middle + lower_by, upper + upper_by + 0.5))[..., None]
        opening = (open_up * open_low)[..., None]
        edge = _smooth(-0.01, 0.02, across - (upper + upper_by))[..., None]
        skin = above * (1 - edge) + below * edge
        del skin_low
        moved = skin * (1 - opening) + painted * opening
        # What the layers did not explain (single lashes, brush marks on the lid's edge) fades as the lids move off.
        kept = max(0.0, 1 - abs(shift_v) / 0.05) * max(0.0, 1 - closing / 0.15)
        if kept:
            unmoved = _smooth(0.0, _FEATHER, across - upper) * _smooth(0.0, _FEATHER, lower - across)
            whole = self._ball(along, across, still)
            moved += (kept * unmoved)[..., None] * (frame - whole) * opening
        return np.asarray(moved, np.float32)

    def _skin(self, along: Floats, across: Floats, source_across: Floats) -> Floats:
        x, y = self._picture_of(along, source_across)
        return np.asarray(
            cv2.remap(
                self._picture,
                x.astype(np.float32),
                y.astype(np.float32),
                cv2.INTER_LANCZOS4,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )

    def _upper_source(self, across: Floats, upper: Floats, by: Floats) -> Floats:
        """Return where above the eye the skin comes from when the lid's edge has moved down by `by`.

        From the brow (still) to the edge the skin is stretched evenly, eased in at the brow: the share s of the way
        moves by s²(3 − 2s)·by, solved for s by a few steps of Newton's method.
        """
        top = np.minimum(-self._brow, upper - 0.18)
        length = upper - top
        goal = (across - top) / length
        ratio = by / length
        share = np.clip(goal / (1 + ratio), 0, 1)
        for _ in range(6):
            value = share + ratio * share * share * (3 - 2 * share) - goal
            slope = 1 + ratio * 6 * share * (1 - share)
            share = np.clip(share - value / slope, -0.5, 1.0)
        source = top + share * length
        return np.where(goal < 0, across, np.where(share >= 1.0, np.minimum(across - by, upper), source)).astype(
            np.float32
        )

    def _lower_source(self, across: Floats, lower: Floats, by: Floats) -> Floats:
        """Return where below the eye the skin comes from when the lower lid's edge has moved down by `by`."""
        length = 0.30
        goal = (across - lower) / length
        ratio = by / length
        share = np.clip(goal - ratio, 0, 1)
        for _ in range(6):
            rest = 1 - share
            value = share + ratio * rest * rest * (3 - 2 * rest) - goal
            slope = 1 - ratio * 6 * share * rest
            share = np.clip(share - value / slope, 0, 1)
        return np.where(goal > 1, across, np.maximum(lower + share * length, lower)).astype(np.float32)


def _smooth(start: float, end: float, value: Floats) -> Floats:
    """0 up to `start`, 1 from `end`, a smooth step between."""
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _enlarge(patch: Floats, times: int) -> Floats:
    if times == 1:
        return patch
    height, width = patch.shape[:2]
    return np.asarray(cv2.resize(patch, (width * times, height * times), interpolation=cv2.INTER_CUBIC), np.float32)


def _lid_curves(upper: Floats, lower: Floats) -> tuple[Floats, Floats, Floats]:
    """Return places along the eye and both lids' places there, smooth, meeting at the corners and not beyond."""
    grid = np.linspace(-0.7, 0.7, 281, dtype=np.float32)
    curves: list[Floats] = []
    for points in (upper, lower):
        order = np.argsort(points[:, 0])
        line = np.interp(grid, points[order, 0], points[order, 1]).astype(np.float32)
        padded = np.pad(line, 20, mode="edge")
        curves.append(np.convolve(padded, np.hanning(17) / np.hanning(17).sum(), mode="same")[20:-20])
    top = np.minimum(curves[0], curves[1] + 0.0)
    bottom = np.maximum(curves[0], curves[1])
    outside = np.clip(np.abs(grid) - 0.5, 0, None)
    middle = (top + bottom) / 2
    half = (bottom - top) / 2
    return grid, (middle - half - 0 * outside).astype(np.float32), (middle + half).astype(np.float32)
