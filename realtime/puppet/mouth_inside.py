"""What is seen between parted lips: teeth that hang from the skull, teeth and a tongue in the jaw, and the dark behind.

Both are drawn once for each picture, in its own colours, and only moved from then on: the upper ones stay where they
are, the lower ones go down with the chin. So a grin shows two rows that meet, and a shout the dark between them.
"""

from __future__ import annotations

import numpy as np

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep
from realtime.portrait.engines.warp.mouth.colours import MouthColours
from realtime.portrait.engines.warp.mouth.lip_line import Lips
from realtime.puppet.sampling import blended, sampled, sampled_shares

_SIDE = 1.35
"""The drawings reach so far to both sides, halves of the mouth."""
_TOP, _BOTTOM = -0.08, 0.10
"""And from here to here down from where the lips met, heights of the face."""
_PER_HEIGHT = 640
"""Pixels of a drawing for a height of the face."""
_TEETH_HALF, _SHADOW_FROM = 1.2, 0.55
"""The rows of teeth end in shadow at the first, halves of the mouth: a grin is wider than the mouth in the picture. The
shadow begins at the second."""
_UPPER_END, _LOWER_END = 0.030, 0.026
"""The upper front teeth end so far below where the lips met, and the lower ones begin there; heights of the face."""
_TEETH_EDGE = 0.004
"""Width of the soft edge at their tips, heights of the face."""
_TOOTH = 0.034, 0.024
"""Width of a front tooth, above and below, heights of the face."""
_GAP_DARK = 0.16
"""How much darker it is between two of them."""
_GUM = 0.030
"""So far below their tips the lower teeth end in gums."""
_ARCH = 0.6
"""Light on the teeth falls off along their arch: the last ones lose so much."""
_PALE = 0.6
"""Teeth that fill an opening have lost so much of the skin's colour ..."""
_LIGHT = np.array([1.18, 1.24, 1.32], np.float32)
"""... and catch more light than the few that show in a pack's: blue, green, red."""
_LOWER_LIGHT = 0.88
"""Of the light on the upper ones, what the lower ones have."""
_TONGUE_TOP, _TONGUE_ROUND = 0.062, 0.045
"""The tongue's back is seen so far above the lower teeth's tips, and is in full light so far below its rim."""
_WET = 0.009
"""Of the lower lip's wet inside so much is seen."""
_SHADOW_OF_LIP, _UNDER_LIP = 0.018, 0.64
"""The upper lip shades what lies below it over this distance, down to this share of its light."""
_NARROW, _IN_NARROW = 0.03, 0.6
"""Less light comes into an opening narrower than this, heights of the face: down to this share."""


class MouthInside:
    """The inside of one mouth. Used by one thread."""

    def __init__(self, picture: Pixels, mesh: FaceMesh, lips: Lips) -> None:
        colours = MouthColours(picture, mesh, lips)
        self._reach = reach = _SIDE * lips.half
        self._wet, self._deep = _as_pixels(colours.wet), _as_pixels(colours.deep)
        columns, rows = round(2 * reach * _PER_HEIGHT), round((_BOTTOM - _TOP) * _PER_HEIGHT)
        along = np.linspace(-reach, reach, columns, dtype=np.float32)[None]
        down = np.linspace(_TOP, _BOTTOM, rows, dtype=np.float32)[:, None]
        arch = np.sqrt(np.clip(1 - (along / (_TEETH_HALF * lips.half)) ** 2, 0, 1))
        out = np.abs(along) / lips.half
        shadow = smoothstep((out - _SHADOW_FROM) / (_TEETH_HALF - _SHADOW_FROM))
        self._upper, self._upper_share = _upper_teeth(colours, along, down, arch, shadow, lips.apart)
        self._lower, self._lower_share = _lower_jaw(colours, along, down, arch, shadow)

    def paint(
        self, along: Floats, below_cut: Floats, below_upper: Floats, above_lower: Floats, jaw_down: float
    ) -> Pixels:
        """Return colours (h, w, 3) of places so far below where the lips met, and between the lips' edges as they are;
        (h, w) each, heights of the face, as `jaw_down`.
        """
        columns = np.asarray((along + self._reach) * np.float32(_PER_HEIGHT), np.float32)
        rows = np.asarray((below_cut - _TOP) * np.float32(_PER_HEIGHT), np.float32)
        jaw_rows = rows - np.float32(jaw_down * _PER_HEIGHT)
        colour = np.ascontiguousarray(np.broadcast_to(self._deep, (*along.shape, 3)))
        share = sampled_shares(self._lower_share, columns, jaw_rows)
        colour = blended(colour, sampled(self._lower, columns, jaw_rows), share)
        share = sampled_shares(self._upper_share, columns, rows)
        colour = blended(colour, sampled(self._upper, columns, rows), share)
        opening = np.maximum(below_upper + above_lower, 1e-4)
        light = (_UNDER_LIP + (1 - _UNDER_LIP) * smoothstep(below_upper / _SHADOW_OF_LIP)) * (
            _IN_NARROW + (1 - _IN_NARROW) * smoothstep(opening / _NARROW)
        )
        colour = blended(np.zeros_like(colour), colour, np.asarray(light, np.float32))
        wet = (1 - smoothstep(above_lower / _WET)) * np.float32(0.55) * smoothstep(opening / _NARROW)
        return blended(colour, np.ascontiguousarray(np.broadcast_to(self._wet, colour.shape)), wet)


def _upper_teeth(
    colours: MouthColours, along: Floats, down: Floats, arch: Floats, shadow: Floats, apart: float
) -> tuple[Pixels, Floats]:
    """Return the upper row, and where it is. `apart`: the lips are so far apart in the picture, whose own teeth lie
    above the line that opens.
    """
    within = _from_gap(along, _TOOTH[0])
    # The two in the middle are the longest; their edges are rounded.
    end = max(0.0, _UPPER_END - apart) * (0.5 + 0.5 * arch) - 0.004 * (1 - smoothstep(within / 0.25))
    share = (1 - smoothstep((down - end) / _TEETH_EDGE + 0.5)) * (1 - shadow)
    light = (1 - _ARCH * shadow) * (1 - _GAP_DARK * (1 - smoothstep(within / 0.12)))
    light = light * (0.86 + 0.14 * smoothstep((down + 0.025) / 0.05))
    return _as_pixels(_lit(colours, light)), np.asarray(share, np.float32)


def _lower_jaw(
    colours: MouthColours, along: Floats, down: Floats, arch: Floats, shadow: Floats
) -> tuple[Pixels, Floats]:
    """Return the lower row, the tongue behind it and the gums below, with the chin up; and where they are."""
    within = _from_gap(along, _TOOTH[1])
    tips = _LOWER_END - 0.006 * (1 - arch) + 0.002 * (1 - smoothstep(within / 0.25))
    teeth_share = smoothstep((down - tips) / _TEETH_EDGE + 0.5) * (1 - shadow)
    light = _LOWER_LIGHT * (1 - _ARCH * shadow) * (1 - _GAP_DARK * (1 - smoothstep(within / 0.12)))
    teeth = _lit(colours, light + 0 * down)
    gums = smoothstep((down - tips - _GUM) / 0.006)
    teeth = teeth + (colours.tongue - teeth) * gums[..., None]
    back = _LOWER_END - _TONGUE_TOP * arch
    tongue_share = smoothstep((down - back) / 0.03) * smoothstep((arch - 0.25) / 0.4)
    furrow = 1 - 0.15 * np.exp(-np.square(along / 0.014))
    tongue = colours.tongue * ((0.6 + 0.5 * smoothstep((down - back) / _TONGUE_ROUND)) * furrow)[..., None]
    colour = tongue + (teeth - tongue) * teeth_share[..., None]
    return _as_pixels(colour), np.asarray(np.maximum(teeth_share, tongue_share), np.float32)


def _from_gap(along: Floats, width: float) -> Floats:
    """Return how far places are from a gap between two teeth, teeth; farther back these are seen from the side."""
    number = np.arcsin(np.clip(along / 0.2, -1, 1)) * 0.2 / width
    return np.asarray(np.abs(number - np.round(number)), np.float32)


def _lit(colours: MouthColours, light: Floats) -> Floats:
    """Return the colour of teeth in so much light, 0..1 (h, w): (h, w, 3); warm in the shade, never grey."""
    pale = colours.light + (colours.light.mean() - colours.light) * _PALE
    return np.asarray(colours.deep + (pale * _LIGHT - colours.deep) * light[..., None], np.float32)


def _as_pixels(colours: Floats) -> Pixels:
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)
