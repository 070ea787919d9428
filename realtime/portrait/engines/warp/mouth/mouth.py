"""How a mouth opens: the lower lip goes down with the jaw, and what comes to sight is painted as the picture would.

A warp alone can only stretch closed lips. So the picture is cut along the line between them. What lies below goes down
with the jaw, the corners follow by a part, and the upper lip gives way a little. Behind the lips it is dark and warm;
under the upper lip lies the shade of teeth, over the lower one that of its wet inside and of the tongue, in colours
taken from the lips and the lit skin around them, with the grain of the picture.

Places are along and across the line between the corners of the mouth, from its middle, right and down, in heights of
the face. All curves are known where things arrive, so that a pixel's start is found without a search.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep
from realtime.portrait.engines.warp.head import HeadMotion
from realtime.portrait.engines.warp.mouth.colours import MouthColours
from realtime.portrait.engines.warp.mouth.lip_line import find_lips

MOST_OPEN = 0.13
"""Lips open by no more than this, heights of the face: the skin beside the corners would be stretched to more than
twice its height."""
_MOST_APART = 0.17
"""Nor farther apart than this, with what they are apart in the picture."""
_CORNERS_FOLLOW = 0.3
"""The corners go down by this share of the way of the lower lip's middle."""
_UPPER_RISES = 0.08
"""The upper lip's middle goes up by this share."""
_ROUNDNESS = 0.7
"""Of the lower lip's bow: 1 is a parabola, 0.5 half an ellipse."""
_UPPER_ARCH = 0.25
"""Over this share of its way to the corners, from the middle, the upper lip does not follow them yet."""
_UPPER_REACH = 0.16
"""So far above the lips they still move the skin: to the wings of the nose."""
_EASE = 0.16
"""Beside the bow the skin below the lips comes up to the jaw's movement over this depth."""
_NEAR_SIDE, _FAR_SIDE = 0.07, 0.32
"""From the middle to the sides the jaw moves wholly up to the first, and no more from the second on."""
_FEATHER, _LEAST_FEATHER_PX = 0.006, 0.75
"""Half the width of the lips' soft inner edges."""
_UNMOVED_PX = 1 / 64
"""What moves by less is left alone: half of what OpenCV's remap can resolve."""


class MouthLayer:
    """The mouth of one face. `left, top, right, bottom` is all it can change, in pixels of the picture."""

    most_open: float
    """As far as it opens, in heights of the face."""

    def __init__(self, picture: Pixels, mesh: FaceMesh, field: HeadMotion) -> None:
        self._picture = picture
        self._field = field
        self._lips = lips = find_lips(picture, mesh)
        self._colours = MouthColours(picture, mesh, lips)
        self.most_open = max(0.0, min(MOST_OPEN, _MOST_APART - lips.apart))
        self._feather = max(_FEATHER, _LEAST_FEATHER_PX / lips.unit_px)
        self._corner_share = _CORNERS_FOLLOW / float(_jaw(np.float32(lips.half)))
        region = field.region
        corners = [(side, end) for side in (-_FAR_SIDE, _FAR_SIDE) for end in (-_UPPER_REACH, 1.0)]
        x, y = lips.picture_of(*np.array(corners, np.float32).T)
        self.left = max(int(region.left), math.floor(float(x.min())))
        self.top = max(int(region.top), math.floor(float(y.min())))
        self.right = min(int(region.left + region.width), math.ceil(float(x.max())))
        self.bottom = min(int(region.top + region.height), math.ceil(float(y.max())))

    def paint(self, frame: Floats, x: Floats, y: Floats, mouth_open: float) -> Floats:
        """Return a patch of a frame with this mouth open.

        `frame` (h, w, 3) is the picture sampled at `x`, `y` (h, w): the places in the picture that the patch's pixels
        come from with the mouth as it is there. `mouth_open`: as in `Motion`, 0 to `most_open`.
        """
        along, across = self._lips.units_of(x, y)
        upper, lower = self._edges(along, mouth_open)
        start = self._start(along, across, mouth_open, self._field.share_at(x, y))
        skin = frame
        moved = np.abs(start - across) * self._lips.unit_px > _UNMOVED_PX
        if moved.any():
            at_x, at_y = self._lips.picture_of(along, start)
            sampled = cv2.remap(self._picture, at_x, at_y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
            skin = np.where(moved[..., None], sampled, frame).astype(np.float32)
        feather = self._feather
        opened = smoothstep((across - upper) / feather * 0.5 + 0.5) * smoothstep((lower - across) / feather * 0.5 + 0.5)
        opened *= smoothstep((lower - upper) / (2 * feather))
        inside = self._colours.paint(along, across - self._lips.cut(along), across - upper, lower - across)
        inside += self._colours.grain(frame, inside)
        return np.asarray(skin + (inside - skin) * opened[..., None], np.float32)

    def least_area(self, mouth_open: float) -> float:
        """Return the least part of its height that any spot beside the opening is squeezed to."""
        steps = np.linspace(-_FAR_SIDE, _FAR_SIDE, 81, dtype=np.float32), np.linspace(-0.2, 0.8, 401, dtype=np.float32)
        along, across = np.meshgrid(*steps)
        share = self._field.share_at(*self._lips.picture_of(along, across))
        start = self._start(along, across, mouth_open, share)
        upper, lower = self._edges(along, mouth_open)
        inside = (across > upper) & (across < lower)
        stretched = np.diff(start, axis=0) / np.diff(steps[1])[0]
        stretched[inside[1:] | inside[:-1]] = 1
        return 1 / float(stretched.max())

    def _edges(self, along: Floats, mouth_open: float) -> tuple[Floats, Floats]:
        """Return where the upper and the lower lip's inner edges arrive."""
        cut = self._lips.cut(along)
        upper, lower = self._shares(along)
        return cut + mouth_open * upper, cut + mouth_open * lower

    def _shares(self, along: Floats) -> tuple[Floats, Floats]:
        """Return by which share of the opening the upper and the lower lip's edges go down; the same from the corners
        on.
        """
        outwards = np.abs(along) / self._lips.half
        roundness = np.clip(1 - outwards * outwards, 0, 1) ** _ROUNDNESS
        jaw, corners = _jaw(along), self._corner_share
        arch = smoothstep((outwards - _UPPER_ARCH) / (1 - _UPPER_ARCH))
        return (
            np.asarray(jaw * corners * arch - _UPPER_RISES * (1 - arch), np.float32),
            np.asarray(jaw * (corners + (1 - corners) * roundness), np.float32),
        )

    def _start(self, along: Floats, across: Floats, mouth_open: float, share: Floats) -> Floats:
        """Return where across the mouth places come from. `share`: how far the head's movement reaches there, 0 to 1.

        Of what lies between the lips, the upper half comes from the upper lip's edge and the lower from the lower's.
        """
        cut = self._lips.cut(along)
        by_upper, by_lower = self._shares(along)
        upper, lower = cut + mouth_open * by_upper, cut + mouth_open * by_lower
        above = by_upper * (1 - smoothstep((upper - across) / _UPPER_REACH))
        below = by_lower + (_jaw(along) - by_lower) * smoothstep((across - lower) / _EASE)
        from_above = np.minimum(across - mouth_open * above * share, cut)
        from_below = np.maximum(across - mouth_open * below * share, cut)
        return np.asarray(np.where(across < (upper + lower) / 2, from_above, from_below), np.float32)


def _jaw(along: Floats | np.float32) -> Floats:
    """Return how much of the jaw's way is left at a distance from its middle."""
    return 1 - smoothstep((np.abs(along) - _NEAR_SIDE) / (_FAR_SIDE - _NEAR_SIDE))
