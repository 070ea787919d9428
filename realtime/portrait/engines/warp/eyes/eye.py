"""How an eye turns: iris, white, lids and highlights taken apart once, and put together for each gaze.

A warp alone cannot turn an eye: at the lid's edge the iris slides behind the skin. So the opening is separated into
three layers, each complete also where another one covers it in the picture:

- the iris with its rim, a disc on a ball that turns; what the lids hide is filled from its own rings;
- the white, continued under the iris along lines that run parallel to the lids, so that the shadow of the upper lid
  and the wet edge of the lower one stay where they belong;
- the highlights, which belong to the lamp and hardly move when the eye does.

The lids' edges are lines of their own (`lids.py`): they follow a vertical gaze and close in a blink.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import cv2
import numpy as np

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep_between
from realtime.portrait.engines.warp.eyes.colours import RINGS, at_rings, bridge, rim_ends, ring_colours
from realtime.portrait.engines.warp.eyes.eye_shape import SOFT_EDGE, EyeShape
from realtime.portrait.engines.warp.eyes.lids import LidSkin, move_lids
from realtime.portrait.engines.warp.eyes.patch import EyePatch, between, unstretched

_BALL = 2.05
"""Radius of the eyeball over that of the iris: 12 mm over 5.9 mm."""
_RIM_EDGE = 0.07
"""Width of the soft edge of a turned iris, eye widths."""
_LID_BLUR = 0.08
"""Nearer to the lower lid's soft edge than this, the picture's iris may have the lid's colour in it."""
_STAYS_NEAR = 0.05
"""What belongs to iris and lid where they touch is gone when they have moved this far, eye widths."""
_GRAIN_SHARE = 0.8
"""How much of the skin's grain the white has where it is continued."""
_MOST_GRAIN = 2.0
"""Grain is cut off at so many times its median."""
_LEAST_SEEN = 0.16
"""What is seen of an iris and its white is believed where it is as wide as this, eye widths ..."""
_SEEN_EDGE = 0.02
"""... and ends as softly. With less than half of both, the shaded white beside the astronaut's iris made it 7 per cent
larger."""
_FADES_BELOW = 0.03
"""So far below the place where an iris is dark enough to be seen, its last darkness ends, eye widths: left there, it is
an arc on the skin when the iris has gone."""
_LEAST_ROOM = 32.0
"""A highlight on what is so many grey levels from white adds a share of them; of fewer, in one colour alone, the share
would be large, and a coloured dot where it has moved onto the dark iris."""
_HIGHLIGHT_SHARE = 0.25
"""How far a highlight moves with the iris: the cornea bulges, so a lamp's image wanders a little."""
_FARTHEST = 0.30
"""No iris goes farther from the middle of its eye, eye widths: beyond, it hides in the corner."""
_MOST_APART_DEGREES = 12.0
"""One eye turns no farther than the other by more than this: beyond, a face squints."""
_MOST_UP_DEGREES = 28.0
"""Nor farther up or down than this: beyond, it would hide behind a lid."""
_LEAST_BROW, _MOST_BROW = 0.3, 0.8
"""Skin moves at least so far above an eye, and no farther, wherever its brow is said to be, eye widths: a lid needs
some to draw down, and no lid draws the forehead."""
_RIM_SHARE, _RIM_ROOM, _RIM_PX = 1.05, 0.01, 1.2
"""What travels with the iris is larger than its circle: by a share, which the fitted radius may be off by; by eye
widths, which its middle may be; and by the pixel of the picture over which its edge is soft."""
_GRAIN_PX = 1.3
"""Standard deviation of the blur that grain is what is lost by, pixels of the picture."""
_LAMP_WIDTH, _LAMP_DETAIL, _LAMP_EDGE = 0.15, 0.012, 0.01
"""A bright spot narrower than the first is the image of a lamp, and not the white or the lit part of an iris; it is
looked for with detail as fine as the second calmed, and cut out with an edge as soft as the third. Eye widths."""
_FAINT_LAMP, _SURE_LAMP = 25.0, 60.0
"""It adds so many grey levels: fewer are the iris' own pattern."""
_LAMP_ENDS = (0.9, 1.1)
"""And it lies on the cornea: it counts up to here, in radii of the iris."""
_LINES, _PLACES = 40, 160
"""The white is continued along so many lines from lid to lid, with so many places from corner to corner: finer than the
patch, on which an eye is some 110 pixels wide."""
_LINES_CALMED = 2.0
"""Each line is filled by itself: blurred by so many of them, they do not show."""
_COVER_EDGE = 0.03
"""The continued white takes the iris' place with an edge as soft as this, eye widths."""
_GRAIN_BELOW, _GRAIN_ENDS = 0.08, 0.45
"""Its grain is that of the skin from so far below the lower lid's edge, past the lashes, down to here; eye widths."""
_OVERHANG_ROOM = 0.01
"""So much of the white above the lower lid's line is repainted with what hangs over it, eye widths."""
_CORE, _BEYOND, _RING_STEP = 0.8, 1.25, 0.25
"""Where the brightness of the iris and that of the white beside it are read, in radii, and the steps between, rings."""
_LEAST_END, _MOST_END = 0.96, 1.06
"""An iris ends about where its circle was fitted, in radii, whatever its brightness says."""
_STEP_SHARE = 0.7
"""From a quarter to three quarters a smooth step takes 0.35 of its way, which is twice as long as its half."""
_LEAST_SOFT, _MOST_SOFT = 0.08, 0.3
"""Half the width of its soft edge, in radii: what is softer is a shadow beside it."""
_SHADOW_BEGINS, _SHADOW_SURE = 8.0, 25.0
"""What is darker than its ring by so many grey levels is a corner's shadow ..."""
_SHADOW_FROM = (1.0, 1.15)
"""... beyond the iris, in radii: inside, dark spots are its pattern."""
_LID_BEGINS, _LID_SURE = 3.0, 10.0
"""What is brighter by so many, near the lower lid, has that lid's colour."""
_MOST_SEEN = 0.9
"""Rings take their colours from places that are open to this share at least."""
_GLOW_ENDS = (1.05, 1.15)
"""Where a moved highlight ends, in radii of the moved iris."""
_GLOW_ROOM = 0.5
"""It stays within this part of the radius from the iris' middle, or as far off as it is in the picture."""
_MOST_TURNED, _MOST_SINE = 0.35, 0.95
"""Sines: no eye is taken to be turned by more than 20 degrees in the picture, nor turned so far that a small change of
place is a large one of angle."""
_MARGIN_SHUTS = 0.15
"""At this closing, what the layers do not explain is gone: it lies about where the lids are in the picture."""


@dataclasses.dataclass(frozen=True, slots=True)
class EyeGaze:
    """How far an eye is turned and closed; degrees as in `Motion`."""

    right_degrees: float
    up_degrees: float
    closing: float

    @property
    def is_still(self) -> bool:
        return abs(self.right_degrees) < 1e-4 and abs(self.up_degrees) < 1e-4 and abs(self.closing) < 1e-4


class EyeLayers:
    """One eye, taken apart. `left, top, right, bottom` is all it can change, in pixels of the picture."""

    shape: EyeShape
    patch: EyePatch
    white: Floats
    """The opening without the iris, and all around it; a layer of `patch`, as the next three."""
    iris_layer: Floats
    """The iris as a whole disc, and `disc`: how much it covers, 0..1."""
    disc: Floats
    glow: Floats
    """The highlights: the share of the way to white, 0..1."""
    skin: LidSkin

    def __init__(self, picture: Pixels, shape: EyeShape, brow_px: float) -> None:
        """`brow_px`: how far above the eye the brow begins; skin above it never moves."""
        brow = float(np.clip(brow_px / shape.width_px, _LEAST_BROW, _MOST_BROW))
        self.shape = shape
        self._iris = shape.iris
        self._radius = shape.radius
        self._rim = shape.radius * _RIM_SHARE + _RIM_ROOM + _RIM_PX / shape.width_px
        self.patch = EyePatch(picture, shape, brow + 0.1)
        self.left, self.right = self.patch.left, self.patch.right
        self.top, self.bottom = self.patch.top, self.patch.bottom
        along, across = self.patch.places()
        upper, lower = shape.lids(along)
        lower = lower + shape.overhang_at(along)
        from_centre = np.hypot(along - self._iris[0], across - self._iris[1])
        highlight = self._find_highlight(from_centre)
        clean = self.patch.pixels - highlight
        grain = clean - cv2.GaussianBlur(clean, (0, 0), _GRAIN_PX * self.patch.enlarged)
        # No grain but lashes and edges stand out by more than this.
        most = _MOST_GRAIN * float(np.median(np.abs(grain)))
        grain = np.clip(grain, -most, most).astype(np.float32)
        self.glow = np.asarray(highlight / np.maximum(255 - clean, _LEAST_ROOM), np.float32)
        self._glow_away = self._middle_of(self.glow, along, across)
        self.white = self._continue_white(clean, grain, along, across, from_centre)
        opening = between(across, upper, lower)
        near_lid = smoothstep_between(-_LID_BLUR - SOFT_EDGE, -0.5 * _LID_BLUR - SOFT_EDGE, across - lower)
        self.iris_layer, self.disc = self._complete_iris(clean, from_centre, opening[..., 0], near_lid)
        self._margin = (clean - self._ball(along, across, along, across)) * opening
        uncover = (self.white - clean) * between(across, upper, np.asarray(lower + _FADES_BELOW, np.float32))
        uncover -= highlight * _lit(across, upper, lower)
        self.skin = LidSkin(self.patch, brow, uncover, grain)

    # ---- once for each picture ----

    def _find_highlight(self, from_centre: Floats) -> Floats:
        """Return the light that small bright spots add within the iris: what an opening with a disc takes away."""
        size = max(3, round(self.patch.spread_px(_LAMP_WIDTH))) | 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        softened = cv2.GaussianBlur(self.patch.pixels, (0, 0), self.patch.spread_px(_LAMP_DETAIL))
        base = cv2.GaussianBlur(cv2.morphologyEx(softened, cv2.MORPH_OPEN, kernel), (0, 0), size / 5)
        added = np.clip(self.patch.pixels - base, 0, None)
        on_cornea = 1 - smoothstep_between(*_LAMP_ENDS, from_centre / self._radius)
        bright = smoothstep_between(_FAINT_LAMP, _SURE_LAMP, added.mean(axis=2)) * on_cornea
        weight = cv2.GaussianBlur(bright, (0, 0), self.patch.spread_px(_LAMP_EDGE))
        return np.asarray(added * weight[..., None], np.float32)

    def _middle_of(self, glow: Floats, along: Floats, across: Floats) -> tuple[float, float]:
        """Return where the highlights are in the mean, from the iris' centre, units."""
        weight = glow.sum(axis=2)
        total = float(weight.sum()) + 1e-6
        return (
            float((weight * (along - self._iris[0])).sum()) / total,
            float((weight * (across - self._iris[1])).sum()) / total,
        )

    def _continue_white(
        self, clean: Floats, grain: Floats, along: Floats, across: Floats, from_centre: Floats
    ) -> Floats:
        """Return the opening as it would look without the iris, and the skin below it without the iris' rim."""
        upper, lower = self.shape.lids(along)
        places_along = np.linspace(-0.5, 0.5, _PLACES, dtype=np.float32)
        shares_down = np.linspace(0.0, 1.0, _LINES, dtype=np.float32)
        lines_upper, lines_lower = self.shape.lids(places_along)
        unrolled_across = lines_upper[None, :] + shares_down[:, None] * (lines_lower - lines_upper)[None, :]
        unrolled_along = np.broadcast_to(places_along, unrolled_across.shape).astype(np.float32)
        unrolled = self.patch.sample(clean, unrolled_along, unrolled_across)
        covered = np.hypot(unrolled_along - self._iris[0], unrolled_across - self._iris[1]) < self._rim
        spread = np.zeros_like(unrolled_across)
        filled = unrolled.copy()
        for line in range(_LINES):
            inside = np.flatnonzero(covered[line])
            if len(inside):
                first, last = int(inside[0]), int(inside[-1])
                filled[line, first : last + 1] = bridge(unrolled[line], first, last)
                left, right = rim_ends(unrolled[line], first, last)
                spread[line, left:first], spread[line, last + 1 : right + 1] = 1, 1
                filled[line, left:first] = np.maximum(filled[line, left:first], filled[line, first])
                filled[line, last + 1 : right + 1] = np.maximum(filled[line, last + 1 : right + 1], filled[line, last])
        calmed = cv2.GaussianBlur(filled, (0, 0), _LINES_CALMED)
        filled = np.where(covered[..., None], calmed, filled)
        gap = np.maximum(lower - upper, 1e-3)
        map_x = (np.clip(along, -0.5, 0.5) + 0.5) * (_PLACES - 1)
        map_y = np.clip((across - upper) / gap, 0, 1) * (_LINES - 1)
        fill = cv2.remap(
            filled,
            map_x.astype(np.float32),
            map_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        # Canvas, cracks and grain go on across the white: those of the lower lid's skin, mirrored up at its edge.
        lower_end = lower + self.shape.overhang_at(along)
        below = np.minimum(2 * lower_end - across + _GRAIN_BELOW, lower + _GRAIN_ENDS)
        fill = fill + _GRAIN_SHARE * self.patch.sample(grain, along, below.astype(np.float32))
        cover: Floats = 1 - smoothstep_between(self._rim, self._rim + _COVER_EDGE, from_centre)
        soft_spread = cv2.GaussianBlur(spread, (0, 0), 1.0)
        beside = cv2.remap(soft_spread, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR)
        open_here = between(
            across, np.asarray(upper - SOFT_EDGE, np.float32), np.asarray(lower_end + SOFT_EDGE, np.float32)
        )
        cover = np.maximum(cover, np.asarray(beside, np.float32) * open_here[..., 0])
        white = np.asarray(clean * (1 - cover[..., None]) + fill * cover[..., None], np.float32)
        # What hangs over the lower lid gives way to that lid's skin, from below and from both sides.
        overhanging = ((cover > 0) & (across > lower - _OVERHANG_ROOM) & (across < lower_end)).astype(np.uint8)
        if not overhanging.any():
            return white
        skin = cv2.inpaint(np.clip(np.rint(white), 0, 255).astype(np.uint8), overhanging, 3.0, cv2.INPAINT_TELEA)
        return np.where(overhanging[..., None] > 0, skin, white).astype(np.float32)

    def _complete_iris(
        self, clean: Floats, from_centre: Floats, opening: Floats, near_lid: Floats
    ) -> tuple[Floats, Floats]:
        """Return the iris as a whole disc, and how much it covers of what is behind it.

        `opening`, `near_lid` (h, w): where the eye is open, and where it is so near the lower lid that the picture is
        believed only as far as it looks like iris. Where it is, the disc is the picture's own, with all of its soft
        rim. What lids hide has the mean colour of its ring where that is seen, and ends where the rim's brightness is
        half way to the white's: a rim copied there would be a ring in the colour of other places.
        """
        reach = self._rim + _RIM_EDGE
        ring_number = np.clip(from_centre / reach * (RINGS - 1), 0, RINGS - 1).astype(np.float32)
        profile = ring_colours(clean, ring_number, opening * (1 - near_lid) > _MOST_SEEN)
        inner, edge, outer = (share * self._radius / reach * (RINGS - 1) for share in (_CORE, 1.0, _BEYOND))
        brightness = profile.mean(axis=1)
        core, beyond = (float(np.interp(ring, np.arange(RINGS), brightness)) for ring in (inner, outer))
        rings = np.arange(inner, outer, _RING_STEP)
        whiteness = np.maximum.accumulate(
            (np.interp(rings, np.arange(RINGS), brightness) - core) / max(beyond - core, 1.0)
        )
        quarter, half, three_quarters = (
            float(rings[min(int(np.sum(whiteness < share)), len(rings) - 1)]) for share in (0.25, 0.5, 0.75)
        )
        half = float(np.clip(half, _LEAST_END * edge, _MOST_END * edge))
        soft = float(np.clip((three_quarters - quarter) / _STEP_SHARE, _LEAST_SOFT * edge, _MOST_SOFT * edge))
        filled = 1 - smoothstep_between(half - soft, half + soft, ring_number)
        # The rim's own rings are partly white already, and the disc lets the white through: not twice.
        fill = at_rings(profile, np.minimum(ring_number, half - soft))
        # Nor is a corner's shadow beside the iris part of its rim, or a lid's colour part of the iris.
        brighter_by = (clean - at_rings(profile, ring_number)).mean(axis=2)
        shadow = smoothstep_between(_SHADOW_BEGINS, _SHADOW_SURE, -brighter_by)
        shadow = shadow * smoothstep_between(*_SHADOW_FROM, from_centre / self._radius)
        lid = smoothstep_between(_LID_BEGINS, _LID_SURE, brighter_by) * near_lid
        believed = opening * (1 - shadow) * (1 - lid)
        # Between such shadow and such a lid a thin strip is neither: alone, it would be a bright line beside the iris.
        size = max(3, round(self.patch.spread_px(_LEAST_SEEN))) | 1
        believed = cv2.morphologyEx(
            believed, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        )
        believed = np.asarray(cv2.GaussianBlur(believed, (0, 0), self.patch.spread_px(_SEEN_EDGE)), np.float32)
        own = 1 - smoothstep_between(self._rim, self._rim + _RIM_EDGE, from_centre)
        disc = filled * (1 - believed) + own * believed
        # Each of the two colours counts by what it covers: beyond the rim that is the picture's alone, or the fill's
        # darkness would fringe it.
        colour = fill + (clean - fill) * (own * believed / np.maximum(disc, 1e-3))[..., None]
        return np.asarray(colour, np.float32), np.asarray(disc, np.float32)

    # ---- for each gaze ----

    def _ball(self, along: Floats, across: Floats, from_along: Floats, from_across: Floats) -> Floats:
        """Return the turned eyeball, without lids and highlights, at places in units.

        `from_along`, `from_across`: where the iris comes from.
        """
        layer = self.patch.sample(self.white, along, across)
        disc = np.clip(self.patch.sample(self.disc, from_along, from_across), 0, 1)
        iris = self.patch.sample(self.iris_layer, from_along, from_across)
        return np.asarray(layer + (iris - layer) * disc[..., None], np.float32)

    def _iris_from(self, along: Floats, across: Floats) -> tuple[Floats, Floats, float]:
        """Return where the iris at each place of a frame comes from, were it not moved, and by how much that differs
        from the place itself at the iris' rim; units.
        """
        u, v, change = unstretched(along - self._iris[0], across - self._iris[1], self._radius, self.shape.width_px)
        return u + self._iris[0], v + self._iris[1], change * self._radius

    def _glow_of(
        self,
        along: Floats,
        across: Floats,
        shift_along: float,
        shift_across: float,
        from_along: Floats,
        from_across: Floats,
    ) -> Floats:
        """Return the highlights where they are when the iris has moved: the share of the way to white."""
        glow_along, glow_across = self.highlight_shift(shift_along, shift_across)
        glow = self.patch.sample(self.glow, along - glow_along, across - glow_across)
        # Only the cornea mirrors the lamp: the highlight ends where the iris does.
        from_centre = np.hypot(from_along - self._iris[0], from_across - self._iris[1])
        start, end = (share * self._radius for share in _GLOW_ENDS)
        return np.clip(glow, 0, 1) * (1 - smoothstep_between(start, end, from_centre))[..., None]

    def highlight_shift(self, shift_u: float, shift_v: float) -> tuple[float, float]:
        """Return how far the highlights move when the iris moves by this much: little, but never off the cornea."""
        moved = []
        for shift, away in zip((shift_u, shift_v), self._glow_away, strict=True):
            limit = max(_GLOW_ROOM * self._radius, abs(away))
            moved.append(float(np.clip(shift * _HIGHLIGHT_SHARE, shift - limit - away, shift + limit - away)))
        return moved[0], moved[1]

    def shift(self, gaze: EyeGaze) -> tuple[float, float]:
        """Return how far the iris' centre moves along the eye and across, units.

        The disc of an iris that turns gets narrower, too: at 30 degrees by 13 per cent. On one of ten pixels this
        reads as an iris that shrinks, and is left out.
        """
        radius = self._radius * _BALL
        # Up and down, the iris' own place is taken as straight on.
        start, angle = self._turned(gaze.right_degrees)
        up = math.radians(min(_MOST_UP_DEGREES, max(-_MOST_UP_DEGREES, gaze.up_degrees)))
        return radius * (math.sin(angle) - math.sin(start)), -radius * math.sin(up)

    def most_of(self, right_degrees: float) -> float:
        """Return how far of a turn to the right (negative: left) the iris can go in its opening, degrees."""
        start, angle = self._turned(right_degrees)
        return math.degrees(angle - start)

    def _turned(self, right_degrees: float) -> tuple[float, float]:
        """Return how far to the right of the eye's middle the ball is turned in the picture, and when it is turned by
        as much of `right_degrees` as it can be, radians.
        """
        radius = self._radius * _BALL
        start = math.asin(float(np.clip(self._iris[0] / radius, -_MOST_TURNED, _MOST_TURNED)))
        most = math.asin(min(_MOST_SINE, _FARTHEST / radius))
        angle = float(np.clip(start + math.radians(right_degrees), min(-most, start), max(most, start)))
        return start, angle

    def paint(self, frame: Floats, x: Floats, y: Floats, gaze: EyeGaze) -> Floats:
        """Return a patch of a frame with this eye turned.

        `frame` (h, w, 3) is the picture sampled at `x`, `y` (h, w): the places in the picture that the patch's pixels
        come from.
        """
        along, across = self.shape.units_of(x, y)
        shift_along, shift_across = self.shift(gaze)
        from_along, from_across, stretched = self._iris_from(along - shift_along, across - shift_across)
        closing = float(np.clip(gaze.closing, 0, 1))
        upper, lower = self.shape.lids(along)
        # Where the iris is seen beyond the lid's line, the lid gives way to it wherever it goes.
        overhang = self.shape.overhang_at(np.asarray(along - shift_along, np.float32)) * (1 - closing)
        lids = move_lids(upper, np.asarray(lower + overhang, np.float32), along, shift_across, closing)
        bare = self.skin.uncovered(frame, along, across)
        lids_move = closing > 0 or abs(shift_across) >= 1e-5
        skin = self.skin.moved(along, across, lids) if lids_move else bare
        opening = between(across, lids.moved_upper, lids.moved_lower)
        painted = skin + (self._ball(along, across, from_along, from_across) - skin) * opening
        # What the layers do not explain fades as the iris moves off (it has the lid's colour along the lid) ...
        fades = 1 - (math.hypot(shift_along, shift_across) + stretched) / _STAYS_NEAR
        if fades > 0:
            painted += fades * max(0.0, 1 - closing / _MARGIN_SHUTS) * self.patch.sample(self._margin, along, across)
        # ... and as the lids do (single lashes, brush marks on their edges).
        fades = max(0.0, 1 - abs(shift_across) / _STAYS_NEAR) * max(0.0, 1 - closing / _MARGIN_SHUTS)
        if fades > 0:
            own_opening = between(across, upper, np.asarray(lower + self.shape.overhang_at(along), np.float32))
            unexplained = bare - self.patch.sample(self.white, along, across)
            painted += fades * unexplained * np.minimum(opening, own_opening)
        glow = self._glow_of(along, across, shift_along, shift_across, from_along, from_across) * _lit(
            across, lids.moved_upper, lids.moved_lower
        )
        return np.asarray(painted + glow * np.clip(255 - painted, 0, None), np.float32)


def together(alone: Sequence[float]) -> list[float]:
    """Return how far eyes turn of which each could turn so far alone, degrees: where one has come to its corner, the
    other one does not go on.
    """
    most = min(abs(degrees) for degrees in alone) + _MOST_APART_DEGREES
    return [max(-most, min(most, degrees)) for degrees in alone]


def _lit(across: Floats, upper: Floats, lower: Floats) -> Floats:
    """Return where highlights show between two edges: they outshine the lashes, too."""
    return between(across, np.asarray(upper - SOFT_EDGE, np.float32), lower)
