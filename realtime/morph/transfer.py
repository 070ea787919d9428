"""What a decoder changed about a face, carried onto the face's own pixels: pores, hair and light stay the viewer's.

Two pictures come from the decoder: the face as its code has it, and with the code moved. Between them lie a motion (the
corners of a mouth go up) and, once that is taken out, a change of colour (a shadow, teeth, the frame of glasses). Both
are smooth at the size of the decoder's picture, and so are carried onto ten times as many pixels: these move, and are
darkened or lightened in proportion, because a pore in shade is still a pore and a pupil under a lighter brow still dark
(Liu, Shan and Zhang, "Expressive expression mapping with ratio images", 2001). What is brighter than the decoder has it
is lightened by no more grey levels than that: a highlight must not burn out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import ONE_MAP

_MOST_MOTION = 1 / 16
"""Of the crop's side. A mouth's corner moves by 1/30 in the widest smile; what moves farther is no motion."""
_SMOOTH = 1 / 48
"""Deviation of the Gaussian that the motion is smoothed by, in sides of the crop."""
_FLOOR = 10.0
"""Grey levels added to both before one is divided by the other: in black, noise would become proportions."""
_LEAST_GAIN = 0.05
"""No pixel is darkened to a smaller share of what it is."""
_MOST_RAISED = 3.0
"""None is brightened by more, shares of what it is."""
_COARSE = 4
"""Motion is known at every so many pixels across and down."""
_EDGE = 1 / 10
"""Of the crop's side: over so much at each edge the change fades in."""


class ChangeTransfer:
    """The change between two pictures of a decoder, for one face. Used by one thread; buffers are its own."""

    def __init__(self, side_px: int) -> None:
        """`side_px`: of the decoder's pictures."""
        self.motion: Floats = np.zeros((side_px, side_px, 2), np.float32)
        """(S, S, 2): where each pixel comes from, as x and y to be added to its place, in the crop's pixels."""
        self.gain: Pixels = np.full((side_px, side_px, 3), 255, np.uint8)
        """(S, S, 3) BGR: what each pixel is multiplied by, in 255ths."""
        self.raised: Pixels = np.zeros((side_px, side_px, 3), np.uint8)
        """(S, S, 3) BGR: what of each pixel is added to it after that, in 85ths …"""
        self.added: Pixels = np.zeros((side_px, side_px, 3), np.uint8)
        """(S, S, 3) BGR: … but no more grey levels than these."""
        self._side = side_px
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._places = self._grid = _grid(side_px, side_px)
        edge = np.zeros((side_px, side_px), np.float32)
        margin = max(1, round(side_px * _EDGE))
        edge[margin:-margin, margin:-margin] = 1
        self._edge = cv2.blur(edge, (2 * margin - 1,) * 2)[..., None]

    def measure(self, before: Floats, after: Floats) -> None:
        """Find what lies between two pictures, (S, S, 3) float32 BGR, 0..255 or a little beyond."""
        # None: a flow that is given is where the search begins. The stub does not know it.
        flow: Floats = self._flow.calc(_grey(after), _grey(before), None)  # type: ignore[call-overload]
        most = self._side * _MOST_MOTION
        cv2.GaussianBlur(flow, (0, 0), self._side * _SMOOTH, dst=flow)
        np.clip(flow, -most, most, out=flow)
        np.multiply(flow, self._edge, out=self.motion)
        places = self._places + self.motion
        before_moved = cv2.remap(before, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        gain = (np.maximum(after, 0) + _FLOOR) / (np.maximum(before_moved, 0) + _FLOOR)
        raised = np.clip(gain - 1, 0, _MOST_RAISED)
        np.rint((255 / _MOST_RAISED) * self._edge * raised, out=self.raised, casting="unsafe")
        np.clip(gain, _LEAST_GAIN, 1, out=gain)
        np.rint(255 * (1 - (1 - gain) * self._edge), out=self.gain, casting="unsafe")
        np.rint(np.clip(after - before_moved, 0, 255) * self._edge, out=self.added, casting="unsafe")

    def apply(self, face: Pixels, to_face: NDArray[np.floating], out: Pixels) -> None:
        """Change a face, (height, width, 3) uint8 BGR; `out` is another array of its shape.

        `to_face`: (2, 3) from the crop's pixels to the face's, pixel 0 having its middle at 0.
        """
        height, width = face.shape[:2]
        size = (width, height)
        matrix = np.asarray(to_face, np.float64)
        # Motion is a direction: it turns and grows with the crop. It is smooth, so every fourth pixel has it.
        motion = np.asarray(cv2.transform(self.motion, matrix[:, :2]), np.float32)
        coarse_size = (-(-width // _COARSE), -(-height // _COARSE))
        coarse = cv2.warpAffine(
            motion, _to_few(matrix), coarse_size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        whole = cv2.resize(coarse, (coarse_size[0] * _COARSE, coarse_size[1] * _COARSE), interpolation=cv2.INTER_LINEAR)
        places = np.asarray(whole, np.float32)[:height, :width]
        cv2.add(places, self._grid_of(width, height), dst=places)
        # OpenCV moves pixels of four channels in 0.34 ms where it takes 0.87 for three (320×368, 5.1).
        moved = cv2.remap(
            cv2.cvtColor(face, cv2.COLOR_BGR2BGRA), places, ONE_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        cv2.cvtColor(moved, cv2.COLOR_BGRA2BGR, dst=out)
        change = cv2.warpAffine(
            self.gain, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,) * 3
        )
        cv2.multiply(out, change, dst=out, scale=1 / 255)
        cv2.warpAffine(self.raised, matrix, size, dst=change, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        cv2.multiply(out, change, dst=change, scale=_MOST_RAISED / 255)
        most_added = cv2.warpAffine(self.added, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        cv2.min(change, most_added, dst=change)
        cv2.add(out, change, dst=out)

    def _grid_of(self, width: int, height: int) -> Floats:
        """Return (height, width, 2) each pixel's own place; of a large grid, because to make one takes 0.3 ms."""
        known_height, known_width = self._grid.shape[:2]
        if known_width < width or known_height < height:
            self._grid = _grid(max(width, known_width), max(height, known_height))
        return self._grid[:height, :width]


def _grid(width: int, height: int) -> Floats:
    return np.stack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)), axis=2)


def _grey(picture: Floats) -> Pixels:
    return np.asarray(cv2.cvtColor(np.clip(picture, 0, 255).astype(np.uint8), cv2.COLOR_BGR2GRAY), np.uint8)


def _to_few(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix to a picture of every `_COARSE`th pixel, in the middle of those it stands for."""
    small = matrix / _COARSE
    small[:, 2] += 0.5 / _COARSE - 0.5
    return small
