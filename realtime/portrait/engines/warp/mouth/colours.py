"""What is seen behind parted lips, in the picture's own colours: a dark warm depth, shades of teeth and tongue."""

from __future__ import annotations

import cv2
import numpy as np

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats, smoothstep
from realtime.portrait.engines.warp.mouth.lip_line import Lips

_OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)

_DEPTH_OF_LIPS, _TONGUE_OF_LIPS, _WET_OF_LIPS = 0.22, 0.5, 0.7
"""Brightness over that of the lips: of the depth of the mouth, of the tongue, of the lower lip's wet inside."""
_WARMTH = np.array([0.66, 0.74, 1.14], np.float32)
"""Flesh that light shines through is redder than lips; blue, green, red."""
_TEETH_WARMTH = np.array([0.9, 0.97, 1.02], np.float32)
"""What light reaches teeth comes from lips and tongue, too."""
_TEETH = 0.027
"""How far upper teeth show below where the lips met, heights of the face."""
_TEETH_EDGE = 0.012
"""Over this height they fade out."""
_TEETH_ACROSS = 0.85
"""Their row ends in shadow at this share of the way to the corners."""
_TEETH_OF_SKIN = 0.8
"""Their brightness over that of the lit skin around the mouth."""
_TEETH_PALENESS = 0.2
"""How much of the skin's colour they have lost."""
_INSIDE_OF_LIP = 0.014
"""How much of the lower lip's wet inside shows, heights of the face."""
_GRAIN_PX = 1.2
"""Detail finer than this is the picture's grain: threads of canvas, film, cracks."""


class MouthColours:
    """The inside of one mouth. Depths are in heights of the face, colours blue, green, red."""

    deep: Floats
    """(3,) the depth of the mouth."""
    tongue: Floats
    wet: Floats
    """Of the lower lip's inside."""
    light: Floats
    """Of teeth in full light."""

    def __init__(self, picture: Pixels, mesh: FaceMesh, lips: Lips) -> None:
        self._half = lips.half
        self._teeth = max(0.0, _TEETH - lips.apart)
        points = mesh.points[:, :2]
        lip = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(lip, [np.rint(points[list(_OUTER_LIPS)]).astype(np.int32)], 255)
        around = cv2.dilate(lip, np.ones((3, 3), np.uint8), iterations=max(2, round(0.07 * lips.unit_px)))
        around[cv2.dilate(lip, np.ones((3, 3), np.uint8), iterations=2) > 0] = 0
        inner = face.LIP_UPPER_INNER + face.LIP_LOWER_INNER[-2:0:-1]
        cv2.fillPoly(lip, [np.rint(points[list(inner)]).astype(np.int32)], 0)
        lips_colour = _middle(picture[lip > 0])
        skin = picture[around > 0]
        brightness = skin.mean(axis=1)
        bright_skin = _middle(skin[brightness >= np.percentile(brightness, 70)])
        self.light = (
            (bright_skin + (bright_skin.mean() - bright_skin) * _TEETH_PALENESS)
            * np.float32(_TEETH_OF_SKIN)
            * _TEETH_WARMTH
        )
        self.deep, self.tongue, self.wet = (
            lips_colour * np.float32(share) * _WARMTH for share in (_DEPTH_OF_LIPS, _TONGUE_OF_LIPS, _WET_OF_LIPS)
        )

    def paint(self, along: Floats, below_cut: Floats, below_upper: Floats, above_lower: Floats) -> Floats:
        """Return colours (h, w, 3) of places so far below where the lips met, and between the lips' edges as they are.

        Teeth hang from the skull: the upper lip slides over them.
        """
        outwards = np.abs(along) / self._half
        open_here = np.maximum(below_upper + above_lower, 1e-4)
        # Towards the corners and the depth it gets darker; the tongue catches light, rising to half of the opening.
        tongue_width = np.sqrt(np.clip(1 - (outwards / 0.85) ** 2, 0, 1)) * smoothstep(open_here / 0.07)
        tongue = smoothstep(1 - above_lower / (0.62 * open_here)) * tongue_width
        colour = self.deep + (self.tongue - self.deep) * tongue[..., None]
        wetness = smoothstep(1 - above_lower / _INSIDE_OF_LIP) * np.float32(0.6)
        colour += (self.wet - colour) * wetness[..., None]
        if self._teeth:
            row_height = np.sqrt(np.clip(1 - (outwards / _TEETH_ACROSS) ** 2, 0, 1))
            shown = smoothstep((self._teeth * (0.4 + 0.6 * row_height) - below_cut) / _TEETH_EDGE) * smoothstep(
                row_height / 0.6
            )
            # Shaded by the upper lip, where the row curves back, and by lips that hardly part.
            shade = (0.6 + 0.4 * smoothstep(below_upper / 0.024)) * (0.4 + 0.6 * row_height)
            shade *= 0.25 + 0.75 * smoothstep(open_here / 0.045)
            teeth = self.deep + (self.light - self.deep) * shade[..., None]  # warm in the shade, never grey
            colour += (teeth - colour) * shown[..., None]
        return np.asarray(colour, np.float32)

    def grain(self, frame: Floats, inside: Floats) -> Floats:
        """Return the picture's grain as it would lie on the inside of the mouth, weaker where that is darker: all three
        (h, w, 3), 0..255.
        """
        fine = frame - cv2.GaussianBlur(frame, (0, 0), _GRAIN_PX)
        share = inside.mean(axis=2) / np.maximum(frame.mean(axis=2), 24)
        return np.asarray(np.clip(fine, -16, 16) * np.minimum(share, 1)[..., None], np.float32)


def _middle(colours: Pixels) -> Floats:
    return np.asarray(np.median(colours, axis=0), np.float32)
