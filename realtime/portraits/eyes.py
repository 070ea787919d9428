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
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.frame import Pixels
from realtime.portraits.eye_shape import EyeShape

Floats = NDArray[np.float32]

_BALL = 2.05
"""Radius of the eyeball over that of the iris: 12 mm over 5.9 mm."""
_FEATHER = 0.05
"""Width of the soft edge between lid and eye, eye widths: about one pixel of a small face, as in the pictures."""
_WORK_WIDTH_PX = 110
"""Small eyes are taken apart on an enlarged copy of about this width, so that discs and edges are smooth."""
_HIGHLIGHT_SHARE = 0.25
"""How far a highlight moves with the iris: the cornea bulges, so a lamp's image wanders a little."""
_NARROWING = 0.2
"""Share of the narrowing that a flat disc on a ball would show: at 30 degrees 13 per cent, on an iris of ten pixels,
reads as an iris that shrinks, not as one that turns."""
_FARTHEST = 0.28
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


_STILL = Gaze(0.0, 0.0, 0.0)


@dataclasses.dataclass(frozen=True, slots=True)
class _Lids:
    """The lids at some places along an eye; lengths in units."""

    upper: Floats
    lower: Floats
    upper_by: Floats
    """How far the upper lid's edge moves down."""
    lower_by: Floats
    bow: Floats
    """1 in the middle of the eye, 0 at its corners."""
    shift: float
    """How far the iris moves down."""
    closing: float

    @property
    def moved(self) -> bool:
        return self.closing > 0 or abs(self.shift) >= 1e-5


class EyeLayers:
    """One eye, taken apart. `left, top, right, bottom` is all it can change, in pixels of the picture."""

    def __init__(self, picture: Pixels, shape: EyeShape, brow_px: float) -> None:
        """`brow_px`: how far above the eye the brow begins; skin above it never moves."""
        self._picture = picture
        self._shape = shape
        self._brow = float(np.clip(brow_px / shape.width_px, 0.3, 0.8))
        self._iris = shape.iris
        self._radius = shape.radius
        height, width = picture.shape[:2]
        reach_px = 0.85 * shape.width_px
        x, y = float(shape.middle_px[0]), float(shape.middle_px[1])
        self.left, self.right = max(0, math.floor(x - reach_px)), min(width, math.ceil(x + reach_px))
        self.top = max(0, math.floor(y - max(reach_px, (self._brow + 0.1) * shape.width_px)))
        self.bottom = min(height, math.ceil(y + reach_px))
        self._enlarged = int(np.clip(round(_WORK_WIDTH_PX / shape.width_px), 1, 6))
        patch = picture[self.top : self.bottom, self.left : self.right].astype(np.float32)
        self._patch = _enlarge(patch, self._enlarged)
        self._brow = min(self._brow, self._still_above())
        spread = 0.035 * shape.width_px * self._enlarged
        self._calm = np.asarray(cv2.GaussianBlur(self._patch, (0, 0), sigmaX=spread, sigmaY=0.3 * spread), np.float32)
        self._take_apart()

    def _still_above(self) -> float:
        """Return how far above the lid's edge something dark begins that must not be drawn down with it, units.

        A brow, or the rim of glasses. Not above 0.14: so much lid there always is.
        """
        along = np.linspace(-0.25, 0.25, 21, dtype=np.float32)[None]
        away = np.linspace(0.04, 0.8, 77, dtype=np.float32)[:, None]
        upper, _ = self._shape.lids(along)
        places = np.broadcast_to(along, (77, 21)).astype(np.float32)
        profile = np.median(self._sample(self._patch, places, upper - away).mean(axis=2), axis=1)
        lid = int(np.argmax(profile[: np.searchsorted(away[:, 0], 0.28)]))
        dark = np.flatnonzero(profile[lid:] < 0.7 * profile[lid])
        return max(0.14, float(away[lid + dark[0], 0]) - 0.04) if len(dark) else 1.0

    def _sample(self, layer: Floats, along: Floats, across: Floats) -> Floats:
        """Return a layer (stored like the enlarged patch) at places given in units."""
        x, y = self._shape.picture_of(along, across)
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
        along, across = self._shape.units_of(*_grid(x, y))
        upper, lower = self._shape.lids(along)
        seen_lower = lower + self._shape.overhang_at(along)
        opening = _between(across, upper, seen_lower)
        away = np.hypot(along - self._iris[0], across - self._iris[1])
        # The rim is soft, by the model's error and by about a pixel of the picture: all of it travels with the iris.
        self._rim = self._radius * 1.05 + 0.01 + 1.2 / self._shape.width_px
        self._edge = 0.07
        highlight = self._find_highlight(away)
        clean = self._patch - highlight
        self._grain = clean - cv2.GaussianBlur(clean, (0, 0), 1.3 * self._enlarged)
        self._highlight = highlight * opening
        weight = self._highlight.sum(axis=2)
        total = float(weight.sum()) + 1e-6
        self._highlight_away = (
            float((weight * (along - self._iris[0])).sum()) / total,
            float((weight * (across - self._iris[1])).sum()) / total,
        )
        disc = 1 - _smooth(self._rim, self._rim + 0.03, away)
        self._white = self._continue_white(clean, along, across, upper, lower, disc)
        self._iris_layer = self._complete_iris(clean, away, opening)

    def _find_highlight(self, away: Floats) -> Floats:
        """Return the light that small bright spots add within the iris: what an opening with a disc takes away."""
        size = max(3, round(0.15 * self._shape.width_px * self._enlarged)) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        softened = cv2.GaussianBlur(self._patch, (0, 0), 0.012 * self._shape.width_px * self._enlarged)
        base = cv2.GaussianBlur(cv2.morphologyEx(softened, cv2.MORPH_OPEN, kernel), (0, 0), size / 5)
        added = np.clip(self._patch - base, 0, None)
        bright = _smooth(25.0, 60.0, added.mean(axis=2)) * (1 - _smooth(0.9, 1.1, away / self._radius))
        weight = cv2.GaussianBlur(bright, (0, 0), 0.01 * self._shape.width_px * self._enlarged)
        return np.asarray(added * weight[..., None], np.float32)

    def _continue_white(
        self,
        clean: Floats,
        along: Floats,
        across: Floats,
        upper: Floats,
        lower: Floats,
        disc: Floats,
    ) -> Floats:
        """Return the opening as it would look without the iris."""
        lines, places = 40, 160
        grid_u = np.linspace(-0.5, 0.5, places, dtype=np.float32)
        grid_v = np.linspace(0.0, 1.0, lines, dtype=np.float32)
        line_up, line_low = self._shape.lids(grid_u)
        unrolled_across = line_up[None, :] + grid_v[:, None] * (line_low - line_up)[None, :]
        unrolled_along = np.broadcast_to(grid_u, unrolled_across.shape).astype(np.float32)
        unrolled = self._sample(clean, unrolled_along, unrolled_across)
        covered = np.hypot(unrolled_along - self._iris[0], unrolled_across - self._iris[1]) < self._rim
        filled = unrolled.copy()
        for line in range(lines):
            inside = np.flatnonzero(covered[line])
            if len(inside):
                first, last = int(inside[0]), int(inside[-1])
                filled[line, first : last + 1] = _bridge(unrolled[line], first, last)
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
        # Canvas, cracks and grain go on across the white: those of the lower lid's skin, mirrored up at its edge.
        below = np.minimum(2 * lower - across + 0.08, lower + 0.45)
        fill = fill + 0.8 * self._sample(self._grain, along, below.astype(np.float32))
        white = clean * (1 - disc[..., None]) + fill * disc[..., None]
        # What hangs over the lower lid gives way to that lid's skin, from below and from both sides.
        over = ((disc > 0) & (across > lower - 0.01) & (across < lower + 0.17)).astype(np.uint8)
        if not over.any():
            return np.asarray(white, np.float32)
        skin = cv2.inpaint(np.clip(np.rint(white), 0, 255).astype(np.uint8), over, 3.0, cv2.INPAINT_TELEA)
        return np.where(over[..., None] > 0, skin, white).astype(np.float32)

    def _complete_iris(self, clean: Floats, away: Floats, opening: Floats) -> Floats:
        """Return the iris as a whole disc: what the lids hide has the mean colour of its ring where it is seen."""
        rings = 48
        reach = self._rim + self._edge
        number = np.clip(away / reach * (rings - 1), 0, rings - 1)
        seen = opening[..., 0] > 0.9
        index = np.rint(number).astype(np.int32)
        weight = np.bincount(index[seen], minlength=rings).astype(np.float32)
        profile = np.stack(
            [np.bincount(index[seen], weights=clean[..., channel][seen], minlength=rings) for channel in range(3)],
            axis=1,
        ).astype(np.float32)
        blur = cv2.GaussianBlur(np.hstack([profile, weight[:, None]]).reshape(rings, 1, 4), (1, 9), 2.0)
        profile = np.asarray(blur[:, 0, :3] / np.maximum(blur[:, 0, 3:], 1e-3), np.float32)
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
        return np.asarray(clean * opening + fill * (1 - opening), np.float32)

    # ---- for each gaze ----

    def _ball(self, along: Floats, across: Floats, gaze: Gaze) -> Floats:
        """Return the turned eyeball, without lids, at places given in units."""
        layer = self._sample(self._white, along, across)
        from_u, from_v, shift_u, shift_v = self._turned(along, across, gaze)
        away = np.hypot(from_u - self._iris[0], from_v - self._iris[1])
        disc = 1 - _smooth(self._rim, self._rim + self._edge, away)
        cornea = 1 - _smooth(0.75 * self._radius, 1.02 * self._radius, away)
        iris = self._sample(self._iris_layer, from_u, from_v)
        layer += (iris - layer) * disc[..., None]
        light_u, light_v = self._highlight_shift(shift_u, shift_v)
        light = self._sample(self._highlight, along - light_u, across - light_v)
        # Only the cornea mirrors the lamp: the highlight ends where the iris does.
        light = np.clip(light, 0, None) * cornea[..., None]
        return np.asarray(layer + light * np.clip(255 - layer, 0, None) / 255, np.float32)

    def _highlight_shift(self, shift_u: float, shift_v: float) -> tuple[float, float]:
        """Return how far the highlights move when the iris moves by this much: little, but never off the cornea."""
        moved = []
        for shift, away in zip((shift_u, shift_v), self._highlight_away, strict=True):
            limit = max(0.5 * self._radius, abs(away))
            moved.append(float(np.clip(shift * _HIGHLIGHT_SHARE, shift - limit - away, shift + limit - away)))
        return moved[0], moved[1]

    def _turned(self, along: Floats, across: Floats, gaze: Gaze) -> tuple[Floats, Floats, float, float]:
        """Return where on the source's eye each place comes from, and how far the iris' centre moved (units)."""
        radius = self._radius * _BALL
        out: list[Floats] = []
        shifts: list[float] = []
        # The ball's middle lies behind that of the corners; up and down, the iris' own place is taken as straight on.
        rest_u = float(np.clip(self._iris[0], -0.35 * radius, 0.35 * radius))
        farthest = math.asin(min(0.95, _FARTHEST / radius))
        for place, iris, rest, most, degrees in (
            (along, self._iris[0], rest_u, farthest, gaze.right_degrees),
            (across, self._iris[1], 0.0, math.radians(28), -gaze.up_degrees),
        ):
            start = math.asin(rest / radius)
            angle = float(np.clip(start + math.radians(degrees), min(-most, start), max(most, start)))
            shift = radius * (math.sin(angle) - math.sin(start))
            narrowed = 1 - _NARROWING * (1 - math.cos(angle) / math.cos(start))
            out.append(np.asarray(iris + (place - iris - shift) / narrowed, np.float32))
            shifts.append(shift)
        return out[0], out[1], shifts[0], shifts[1]

    def paint(self, frame: Floats, x: Floats, y: Floats, gaze: Gaze) -> Floats:
        """Return a patch of a frame with this eye turned.

        `frame` (h, w, 3) is the picture sampled at `x`, `y` (h, w): the places in the picture that the patch's pixels
        come from.
        """
        along, across = self._shape.units_of(x, y)
        lids = self._lids_of(along, gaze)
        painted = self._ball(along, across, gaze)
        unmoved = _between(across, lids.upper, lids.lower)
        unexplained = frame - self._ball(along, across, _STILL)
        if not lids.moved:
            return np.asarray(painted * unmoved + frame * (1 - unmoved) + unexplained * unmoved, np.float32)
        upper_edge, lower_edge = lids.upper + lids.upper_by, lids.lower + lids.lower_by
        above, below = self._lid_skin(along, across, lids)
        opening = _between(across, upper_edge, lower_edge)
        # Closed lids meet between the two edges; in an open eye the line between their skins is behind the eye.
        meeting = np.asarray((upper_edge + lower_edge) / 2, np.float32)
        side = _smooth(-0.015, 0.015, across - meeting)[..., None]
        moved = (above * (1 - side) + below * side) * (1 - opening) + painted * opening
        # What the layers did not explain (single lashes, brush marks on the lid's edge) fades as the lids move off.
        kept = max(0.0, 1 - abs(lids.shift) / 0.05) * max(0.0, 1 - lids.closing / 0.15)
        return np.asarray(moved + kept * unmoved * unexplained * opening, np.float32)

    def _lids_of(self, along: Floats, gaze: Gaze) -> _Lids:
        """Return where the lids are in the picture, and how far they move for a gaze."""
        closing = float(np.clip(gaze.closing, 0, 1))
        upper, lower = self._shape.lids(along)
        lower = lower + self._shape.overhang_at(along) * (1 - closing)
        gap = np.maximum(lower - upper, 0)
        _, _, _, shift = self._turned(along, along, gaze)
        bow = np.clip(1 - (2 * along) ** 2, 0, 1)
        # Looking down, the upper lid comes along for most of the way; looking up it rises less.
        follow = np.minimum(shift * (0.75 if shift > 0 else 0.55) * bow, 0.55 * gap)
        overlap = _FEATHER * _smooth(0, 0.12, gap)
        upper_by = follow + (0.90 * gap + 0.8 * overlap - follow) * closing
        lower_by = 0.25 * shift * bow * (1 - closing) - (0.10 * gap + 0.5 * overlap) * closing
        return _Lids(upper, lower, upper_by, lower_by, bow, shift, closing)

    def _lid_skin(self, along: Floats, across: Floats, lids: _Lids) -> tuple[Floats, Floats]:
        """Return the skin of the upper and of the lower lid where they have moved to."""
        below = self._skin(along, self._lower_source(across, lids.lower, lids.lower_by))
        # A closing lid shows skin from above its lashes: along its edge, the picture also has iris.
        held = 0.08 * lids.closing
        source = self._upper_source(across, lids.upper - held, lids.upper_by + held)
        above = self._skin(along, source)
        if not lids.closing:
            return above, below
        # Calmed, for a stretched grain looks like stripes; with the grain of the skin below the eye instead.
        calm = self._sample(self._calm, along, source)
        grain = self._sample(self._grain, along, np.minimum(2 * lids.lower - across + 0.08, lids.lower + 0.45))
        away = ((across - (lids.upper - self._brow)) / self._brow).astype(np.float32)
        stretched = _smooth(0.0, 0.5, away) * min(1.0, 1.3 * lids.closing)
        above += (calm + grain - above) * (0.85 * stretched)[..., None]
        # The lashes are a line of shadow where the lids meet.
        upper_edge, lower_edge = lids.upper + lids.upper_by, lids.lower + lids.lower_by
        meeting = np.minimum(upper_edge, (upper_edge + lower_edge) / 2)
        shadow = 1 - 0.45 * (np.exp(-(((across - meeting) / 0.03) ** 2)) * lids.bow * lids.closing)[..., None]
        return np.asarray(above * shadow, np.float32), np.asarray(below * shadow, np.float32)

    def _skin(self, along: Floats, source_across: Floats) -> Floats:
        x, y = self._shape.picture_of(along, source_across)
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
        top = upper - self._brow
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


def _bridge(line: Floats, first: int, last: int) -> Floats:
    """Return colours for the places `first` to `last` of a line along an eye, from what lies on both sides of them."""
    places = len(line)
    taken = max(2, round(0.05 * places))
    left, right = line[max(0, first - taken) : first], line[last + 1 : last + 1 + taken]
    # Towards the corners there is no white: the less of it lies on a side, the less that side is believed.
    trust_left = float(np.clip((first / (places - 1) - 0.10) / 0.12, 0, 1)) if len(left) else 0.0
    trust_right = float(np.clip((1 - last / (places - 1) - 0.10) / 0.12, 0, 1)) if len(right) else 0.0
    colour_left = left.mean(axis=0) if len(left) else right.mean(axis=0)
    colour_right = right.mean(axis=0) if len(right) else colour_left
    share = _smooth(0.0, 1.0, np.linspace(0, 1, last - first + 3)[1:-1].astype(np.float32))
    # The brighter side is the white; the darker one lies in the shadow of a corner, and stays a shadow's width.
    weight_left = (trust_left + 0.2) * (1.15 - share) * (float(colour_left.mean()) + 4) ** 1.3
    weight_right = (trust_right + 0.2) * (share + 0.15) * (float(colour_right.mean()) + 4) ** 1.3
    mixed = weight_left[:, None] * colour_left + weight_right[:, None] * colour_right
    return np.asarray(mixed / (weight_left + weight_right)[:, None], np.float32)


def _between(across: Floats, upper: Floats, lower: Floats) -> Floats:
    """Return how much of the eye shows between two edges: (h, w, 1), 0..1."""
    return (_smooth(0.0, _FEATHER, across - upper) * _smooth(0.0, _FEATHER, lower - across))[..., None]


def _grid(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]) -> tuple[Floats, Floats]:
    across, down = np.meshgrid(x, y)
    return across.astype(np.float32), down.astype(np.float32)


def _smooth(start: float, end: float, value: Floats) -> Floats:
    """0 up to `start`, 1 from `end`, a smooth step between."""
    share = np.clip((value - start) / (end - start), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _enlarge(patch: Floats, times: int) -> Floats:
    if times == 1:
        return patch
    height, width = patch.shape[:2]
    return np.asarray(cv2.resize(patch, (width * times, height * times), interpolation=cv2.INTER_CUBIC), np.float32)
