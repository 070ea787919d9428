"""The lids: how far they move for a gaze, and their skin where they have moved to.

A lid that follows a gaze draws the skin above it along, and a few pixels more of it are seen. A closed one shows skin
the picture does not have: stretched, the little there is between brow and lashes is a dark patch, for that is where
painters put the shadow of an open eye. So the closed lid is painted anew once for each picture: the colour of the
skin above and below the eye, lit as the ball beneath it is, a crease where the open lid's edge was, lashes where the
lids meet in the colour of the picture's own, and its grain.
"""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.imaging.numerics import Floats, smoothstep_between
from realtime.portrait.engines.warp.eyes.eye_shape import SOFT_EDGE
from realtime.portrait.engines.warp.eyes.patch import EyePatch

_UPPER_FOLLOWS_DOWN, _UPPER_FOLLOWS_UP, _LOWER_FOLLOWS = 0.75, 0.55, 0.25
"""Shares of the iris' way up or down that the lids go along."""
_UPPER_CLOSES, _LOWER_CLOSES = 0.90, 0.10
"""Shares of the opening that each lid closes: in a blink the lower one hardly moves."""
_LOWER_SKIN = 0.30
"""How far below its edge the lower lid's skin moves along, units."""
_LASHES = 0.10
"""How far above the upper lid's edge lashes and shadow of an open eye reach, units."""
_GRAIN_FROM, _GRAIN_RUN = 0.14, 0.28
"""The lid's grain is that of the skin from so far below the eye, for so far, units."""
_LID_REACH, _LID_PLACES = 0.66, 97
"""The closed lid's colours are kept at so many places, this far from the eye's middle to both sides, units."""
_LEAST_SLOPE = 1e-3
"""A lid that is raised by two thirds of the way to its brow squeezes some of the skin to nothing."""
_NEWTON_STEPS = 6
"""They double the right digits, from a good guess on: a few are enough for 32 bits."""
_MOST_FOLLOWED = 0.55
"""Of the opening: no lid follows an iris farther, or the eye would look shut."""
_WIDE_OPEN = 0.12
"""From this opening on, units, lids that close overlap ..."""
_UPPER_OVERLAPS, _LOWER_OVERLAPS = 0.8, 0.5
"""... by such shares of their soft edge: where they only met, the eye would shine through."""
_LEAST_LID = 0.14
"""So much skin above its edge a lid always has, units."""
_LID_FROM, _LID_WITHIN = 0.04, 0.28
"""Its brightest place lies this far above the edge, past the lashes, and nearer than a brow; units."""
_BROW_DARKNESS = 0.7
"""What is darker than this share of the lid's brightness is a brow, or the rim of glasses."""
_BELOW_EYE = (0.10, 0.26)
"""From here to here below the lower lid's edge, units, the skin has the colour that the lid's lower end gets."""
_TOP_COUNTS, _BELOW_COUNTS = 0.5, 0.7
"""The share of the places, the brightest first, that tells a colour above the eye, where the socket's shadow lies, and
below it."""
_ALONG_CALMED = 0.07
"""Colours are calmed along the eye by this, units: a freckle makes no stripe."""
_LASH_LINE = (-0.06, 0.01)
"""About the open upper lid's edge lashes, or their shadow, are looked for from here to here, units; its darkest quarter
counts."""
_DARKEST_PERCENT = 25
MEETING_EDGE = 0.015
"""Half of the width over which the skin of one lid becomes that of the other, units."""
_LASHES_ABOVE, _LASHES_BELOW = 0.02, 0.042
"""The line of a closed eye's lashes fades within this above the edge and below it, where they hang; units."""
_LASHES_COME = 0.12
"""They are all there when the lid has come down by this, units."""
_LASHES_END = (0.34, 0.48)
"""And thin out from here to the corners, units from the middle."""
_LASHES_STRENGTH = 0.7
_BALL_LIGHT, _BALL_MIDDLE, _BALL_REACH = 0.07, 0.55, 0.25
"""On the ball beneath the lid is lighter by this share, most so far down, fading within so much of its length."""
_SHADE, _SHADE_FROM = 0.12, 0.75
"""The lid's lower end turns away from the light: it is darker by this share, from so far down."""
_CREASE, _CREASE_ABOVE = 0.14, 0.03
"""The crease is darker by this share, and lies so far above where the open lid's edge was, units."""
_CREASE_FADES_UP, _CREASE_FADES_DOWN = 0.03, 0.06
"""It fades within so much: skin folds over it from above."""
_EDGE_COLOUR = 0.6
"""At its lower end the lid has this share of the colour of the skin below the eye."""
_PAINTED_FROM = 0.4
"""The painted lid is whole from this share of the way between edge and brow, nearer to the edge."""
_PAINTED_ENDS = (0.48, 0.62)
"""Beside the eye it ends from here to here, units from the middle: the corners are at 0.5."""
_PAINTED_COMES = 2.5
"""It comes so many times as quickly as the lid closes: drawn down, a lid soon shows skin that the picture has not."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lids:
    """The lids at some places along an eye, arrays of one shape; lengths in units (`eye_shape.EyeShape`), down."""

    upper: Floats
    """The upper lid's edge before it moves."""
    lower: Floats
    upper_by: Floats
    """How far the upper lid's edge moves down."""
    lower_by: Floats
    closing: float
    """0: open as in the picture, to 1: closed."""

    @property
    def moved_upper(self) -> Floats:
        """The upper lid's edge where it has moved to."""
        return self.upper + self.upper_by

    @property
    def moved_lower(self) -> Floats:
        """The lower lid's."""
        return self.lower + self.lower_by


def move_lids(upper: Floats, lower: Floats, along: Floats, iris_down: float, closing: float) -> Lids:
    """Return the lids' edges `upper` and `lower` moved for an iris that goes down by `iris_down` and a closing 0..1."""
    gap = np.maximum(lower - upper, 0)
    parabola = np.clip(1 - (2 * along) ** 2, 0, 1)
    share = _UPPER_FOLLOWS_DOWN if iris_down > 0 else _UPPER_FOLLOWS_UP
    follow = np.minimum(iris_down * share * parabola, _MOST_FOLLOWED * gap)
    overlap = SOFT_EDGE * smoothstep_between(0, _WIDE_OPEN, gap)
    upper_by = follow + (_UPPER_CLOSES * gap + _UPPER_OVERLAPS * overlap - follow) * closing
    lower_by = (
        _LOWER_FOLLOWS * iris_down * parabola * (1 - closing)
        - (_LOWER_CLOSES * gap + _LOWER_OVERLAPS * overlap) * closing
    )
    return Lids(upper, lower, upper_by, lower_by, closing)


class LidSkin:
    """The skin around one eye. Places `along` and `across` are units (`eye_shape.EyeShape`), (h, w) each; pictures of
    them (h, w, 3), 0..255.
    """

    def __init__(self, patch: EyePatch, brow: float, uncover: Floats, grain: Floats) -> None:
        """`brow`: how far above the eye the still skin begins, units. `uncover`: the layer that, added to the picture,
        takes away what is seen of the iris. `grain`: the layer of what is finer than skin's shading.
        """
        self._patch = patch
        self._uncover = uncover
        self._grain = grain
        self.brow = min(brow, self._still_above())
        along = np.linspace(-_LID_REACH, _LID_REACH, _LID_PLACES, dtype=np.float32)[None]
        upper, lower = patch.shape.lids(along)
        # Where the lid is not in the shadow of its socket it tells its colour.
        self._lid_top = self._colours(along, upper, -min(_LASHES, 0.5 * self.brow), -self.brow, brightest=_TOP_COUNTS)
        self._lid_edge = self._colours(along, lower, *_BELOW_EYE, brightest=_BELOW_COUNTS)
        self.lashes = self._lash_colour()

    def _still_above(self) -> float:
        """Return how far above the lid's edge something dark begins that must not be drawn down with it, units.

        A brow, or the rim of glasses.
        """
        along = np.linspace(-0.25, 0.25, 21, dtype=np.float32)[None]
        above_edge = np.linspace(_LID_FROM, 0.8, 77, dtype=np.float32)[:, None]
        upper, _ = self._patch.shape.lids(along)
        places = np.broadcast_to(along, (77, 21)).astype(np.float32)
        seen = self._patch.sample(self._patch.pixels, places, upper - above_edge)
        profile = np.median(seen.mean(axis=2), axis=1)
        brightest = int(np.argmax(profile[: np.searchsorted(above_edge[:, 0], _LID_WITHIN)]))
        dark = np.flatnonzero(profile[brightest:] < _BROW_DARKNESS * profile[brightest])
        return max(_LEAST_LID, float(above_edge[brightest + dark[0], 0]) - _LID_FROM) if len(dark) else 1.0

    # ---- once for each picture ----

    def _colours(self, along: Floats, edge: Floats, start: float, end: float, *, brightest: float) -> Floats:
        """Return the skin's mean colour (1, places, 3) between two distances from a lid's edge, calmed along the eye.

        `brightest`: the share of the places that counts, beginning with the brightest.
        """
        from_edge = np.linspace(start, end, 17, dtype=np.float32)[:, None]
        places = np.broadcast_to(along, (len(from_edge), along.shape[1])).astype(np.float32)
        seen = self._patch.sample(self._patch.pixels, places, edge + from_edge)
        order = np.argsort(-seen.mean(axis=2), axis=0)[: max(1, round(brightest * len(from_edge)))]
        colours = np.take_along_axis(seen, order[..., None], axis=0).mean(axis=0, keepdims=True)
        spread = _ALONG_CALMED * (_LID_PLACES - 1) / (2 * _LID_REACH)
        return np.asarray(cv2.GaussianBlur(colours, (0, 0), sigmaX=spread, sigmaY=0.1), np.float32)

    def _lash_colour(self) -> Floats:
        """Return the colour (3,) of the line along the open eye's upper lid: lashes, or the shadow painted there."""
        along = np.linspace(-0.4, 0.4, 41, dtype=np.float32)[None]
        from_edge = np.linspace(*_LASH_LINE, 8, dtype=np.float32)[:, None]
        upper, _ = self._patch.shape.lids(along)
        places = np.broadcast_to(along, (8, 41)).astype(np.float32)
        seen = self._patch.sample(self._patch.pixels, places, upper + from_edge).reshape(-1, 3)
        brightness = seen.mean(axis=1)
        return np.asarray(seen[brightness <= np.percentile(brightness, _DARKEST_PERCENT)].mean(axis=0), np.float32)

    # ---- for each gaze ----

    def uncovered(self, frame: Floats, along: Floats, across: Floats) -> Floats:
        """Return a frame, sampled at places in units, without what is seen of the iris."""
        return frame + self._patch.sample(self._uncover, along, across)

    def moved(self, along: Floats, across: Floats, lids: Lids) -> Floats:
        """Return the skin of both lids where they have moved to; between them, that of the nearer one."""
        upper_edge, lower_edge = lids.moved_upper, lids.moved_lower
        meeting = np.asarray((upper_edge + lower_edge) / 2, np.float32)
        below = self._skin(along, lower_source(across, lids.lower, lids.lower_by))
        source = upper_source(across, lids.upper, lids.upper_by, self.brow)
        above = self._skin(along, source)
        if lids.closing:
            above = self._closed(above, source, along, across, lids)
        side = smoothstep_between(-MEETING_EDGE, MEETING_EDGE, across - meeting)[..., None]
        skin = above + (below - above) * side
        if not lids.closing:
            return np.asarray(skin, np.float32)
        lashes = lash_line(along, across, lids)[..., None]
        return np.asarray(skin + (np.minimum(self.lashes, skin) - skin) * lashes, np.float32)

    def bare(self, along: Floats, across: Floats) -> Floats:
        """Return the picture at places in units without what is seen of the iris beyond the opening: (h, w, 3)."""
        return self._skin(along, across)

    def closed_lid(self, along: Floats, across: Floats) -> Floats:
        """Return the lid that an open eye hides, as it lies when the eye is shut, in the skin around it: (h, w, 3)."""
        upper, lower = self._patch.shape.lids(along)
        lids = move_lids(upper, lower, along, 0.0, 1.0)
        source = np.broadcast_to(upper, across.shape)
        return self._closed(self._skin(along, across), source, along, across, lids)

    def painted_share(self, source: Floats, upper: Floats, closing: float) -> Floats:
        """Return how much of `closed_lid` is seen where the skin comes from `source`, while the lids close."""
        share = smoothstep_between(-self.brow, -_PAINTED_FROM * self.brow, source - upper)
        return np.asarray(share * min(1.0, _PAINTED_COMES * closing), np.float32)

    def _closed(self, above: Floats, source: Floats, along: Floats, across: Floats, lids: Lids) -> Floats:
        """Return the upper lid's skin with the lid that an open eye hides; `source`: where `above` comes from."""
        place = ((np.clip(along, -_LID_REACH, _LID_REACH) + _LID_REACH) / (2 * _LID_REACH) * (_LID_PLACES - 1)).astype(
            np.float32
        )
        first_row = np.zeros_like(place)
        top = cv2.remap(self._lid_top, place, first_row, cv2.INTER_LINEAR)
        edge = cv2.remap(self._lid_edge, place, first_row, cv2.INTER_LINEAR)
        length = np.maximum(lids.lower - lids.upper, 0.05) + _LASHES
        down = np.clip((across - lids.upper + _LASHES) / length, 0, 1).astype(np.float32)
        bow = np.clip(1 - (2 * along) ** 2, 0, 1)
        # The ball beneath is lit in its middle; the lid turns away from the light above it and below.
        ball_light = _BALL_LIGHT * np.exp(-np.square((down - _BALL_MIDDLE) / _BALL_REACH))
        light = 1 + bow * (ball_light - _SHADE * smoothstep_between(_SHADE_FROM, 1.0, down))
        crease = across - (lids.upper - _CREASE_ABOVE)
        fades = np.where(crease < 0, _CREASE_FADES_UP, _CREASE_FADES_DOWN)
        light -= _CREASE * bow * np.exp(-np.square(crease / fades))
        lid = (top + (edge - top) * (_EDGE_COLOUR * smoothstep_between(0, 1, down))[..., None]) * light[..., None]
        # The grain of the skin below the eye, there and back again, so that it does not end in stripes.
        grain_row = np.mod(lids.lower - across, 2 * _GRAIN_RUN)
        grain_row = np.minimum(grain_row, 2 * _GRAIN_RUN - grain_row)
        lid += self._patch.sample(self._grain, along, lids.lower + _GRAIN_FROM + grain_row)
        share = self.painted_share(source, lids.upper, lids.closing)
        share = share * (1 - smoothstep_between(*_PAINTED_ENDS, np.abs(along)))
        return np.asarray(above + (lid - above) * share[..., None], np.float32)

    def _skin(self, along: Floats, across: Floats) -> Floats:
        return self.uncovered(self._patch.sample_picture(along, across), along, across)


def lash_line(along: Floats, across: Floats, lids: Lids) -> Floats:
    """Return how much of the lashes' colour lies along the edge of an upper lid that closes.

    Sharp above the edge and thinning out below; in the corners there are none.
    """
    meeting = (lids.moved_upper + lids.moved_lower) / 2
    off = across - np.minimum(lids.moved_upper, meeting)
    line = np.exp(-np.square(off / np.where(off < 0, _LASHES_ABOVE, _LASHES_BELOW)))
    ends = smoothstep_between(0.0, _LASHES_COME, lids.upper_by)
    ends = ends * (1 - smoothstep_between(*_LASHES_END, np.abs(along)))
    return np.asarray(_LASHES_STRENGTH * line * ends, np.float32)


def upper_source(across: Floats, upper: Floats, by: Floats, brow: float) -> Floats:
    """Return where above the eye the skin comes from when the lid's edge has moved down by `by`.

    From the brow (still) to the edge the skin is stretched evenly, eased in at the brow: the share s of the way
    moves by s²(3 − 2s)·by, solved for s by a few steps of Newton's method.
    """
    top = upper - brow
    goal = (across - top) / brow
    ratio = by / brow
    share = np.clip(goal / (1 + ratio), 0, 1)
    for _ in range(_NEWTON_STEPS):
        value = share + ratio * share * share * (3 - 2 * share) - goal
        slope = np.maximum(1 + ratio * 6 * share * (1 - share), _LEAST_SLOPE)
        share = np.clip(share - value / slope, -0.5, 1.0)
    source = top + share * brow
    beyond = np.minimum(across - by, upper)
    return np.where(goal < 0, across, np.where(share >= 1.0, beyond, source)).astype(np.float32)


def lower_source(across: Floats, lower: Floats, by: Floats) -> Floats:
    """Return where below the eye the skin comes from when the lower lid's edge has moved down by `by`; likewise."""
    goal = (across - lower) / _LOWER_SKIN
    ratio = by / _LOWER_SKIN
    share = np.clip(goal - ratio, 0, 1)
    for _ in range(_NEWTON_STEPS):
        rest = 1 - share
        value = share + ratio * rest * rest * (3 - 2 * rest) - goal
        slope = np.maximum(1 - ratio * 6 * share * rest, _LEAST_SLOPE)
        share = np.clip(share - value / slope, 0, 1)
    return np.where(goal > 1, across, lower + share * _LOWER_SKIN).astype(np.float32)
