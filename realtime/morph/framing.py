"""A square face on a screen: as high as the screen, melting into its own soft, dark continuation; or over all of it."""

from __future__ import annotations

import abc
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Size
from realtime.imaging.numerics import Floats

_SMOOTHER_PX, _COARSER = 1.2, 2.3
_SHARPER = 0.8
"""Where a face is enlarged: a fine blur takes away the grid of the network's own enlarging, and some of what one so
many times coarser would take is added. The less it is enlarged, the less of either."""
_ENLARGED = 5.0
"""So many times as large, all of it."""
_SOFT_PX = 16
"""Side of the face that its surroundings are made of: no feature outlives it."""
_GRID_PX = 160
"""Longest side of the surroundings before they are enlarged."""
_BLUR = 1 / 30
"""Deviation, of its longest side."""
_MELTS = 0.16
"""Of the face's side: over so much at a seam it passes into the surroundings."""
_DARKEST = 0.3
"""Of the surroundings' light, what is left at the screen's edge."""
_STRIP_ROWS = 60
_ABOVE = 0.4
"""Of what is cut off a face that covers a wide screen, so much is above: eyes lie higher than the middle."""

STEPS = 256
"""Of a grey level: what is blended from two pictures changes by less than one from frame to frame."""
FinePixels: TypeAlias = NDArray[np.uint16]
"""(height, width, 3) BGR in steps of a grey level."""


class Framing(abc.ABC):
    """Faces of one size for screens of one size. Used by one thread."""

    rows: slice
    columns: slice
    """Where on the screen the face is."""
    edge: Floats | None
    """How much of it is seen there, 0..1; None: all."""

    @abc.abstractmethod
    def draw(self, face: Floats, out: FinePixels) -> None:
        """Fill `out`, (height, width, 3) of the screen's size, with a face, float32 [S, S, 3] BGR about 0..255."""


class CoveringFace(Framing):
    """A face over all of the screen, cut off at two sides."""

    edge = None

    def __init__(self, side_px: int, canvas: Size) -> None:
        self.rows, self.columns = slice(0, canvas.height), slice(0, canvas.width)
        self._canvas = canvas
        scale = side_px / max(canvas)
        height, width = max(1, round(canvas.height * scale)), max(1, round(canvas.width * scale))
        top, left = round((side_px - height) * _ABOVE), (side_px - width) // 2
        self._part = slice(top, top + height), slice(left, left + width)
        self._resampling = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
        self._large = np.empty((canvas.height, canvas.width, 3), np.float32)

    def draw(self, face: Floats, out: FinePixels) -> None:
        cv2.resize(face[self._part], self._canvas, dst=self._large, interpolation=self._resampling)
        np.multiply(self._large.clip(0, 255, out=self._large), STEPS, out=out, casting="unsafe")


class FramedFace(Framing):
    """A face as high or as wide as the screen, in its middle, which melts into what lies beside it."""

    def __init__(self, side_px: int, canvas: Size) -> None:
        side = min(canvas)
        left, top = (canvas.width - side) // 2, (canvas.height - side) // 2
        self.columns = self._columns = slice(left, left + side)
        self.rows = self._rows = slice(top, top + side)
        much = float(np.clip((side / side_px - 1) / (_ENLARGED - 1), 0, 1))
        self._fine_px, self._sharper = max(0.1, much * _SMOOTHER_PX), much * _SHARPER
        self._resampling = cv2.INTER_AREA if side < side_px else cv2.INTER_CUBIC
        self._fine = np.empty((side_px, side_px, 3), np.float32)
        self._coarse = np.empty_like(self._fine)
        self._face = np.empty((side, side, 3), np.float32)

        coarse = max(1.0, max(canvas) / _GRID_PX)
        self._grid = Size(max(1, round(canvas.width / coarse)), max(1, round(canvas.height / coarse)))
        to_grid = (self._grid.width / canvas.width, self._grid.height / canvas.height)
        self._soft_to_grid = _onto(_scaled(side / _SOFT_PX, left, top), to_grid)
        self._grid_to_canvas = _onto(np.eye(2, 3), (1 / to_grid[0], 1 / to_grid[1]))
        self._shade = _shade(self._grid, canvas)

        # What lies beside the face fades in over its edge; where nothing does, the edge is the screen's.
        self._across = _ramp(side, left > 0)[:, np.newaxis]
        self._down = _ramp(side, top > 0)[:, np.newaxis, np.newaxis]
        self.edge = np.asarray(self._down[..., 0] * self._across[:, 0], np.float32)
        strip = min(_STRIP_ROWS, canvas.height)
        self._surroundings = np.empty((strip, canvas.width, 3), np.float32)
        # Less than a grey level of noise, or the dark shows steps. It stands still: what moves would be seen.
        self._grain = np.random.default_rng(0).uniform(-0.5, 0.5, self._surroundings.shape).astype(np.float32)

    def draw(self, face: Floats, out: FinePixels) -> None:
        self._enlarge(face)
        grid = self._surroundings_of(face)
        height, strip = len(out), len(self._surroundings)
        for first in range(0, height, strip):
            self._draw_strip(grid, first, min(strip, height - first), out)

    def _enlarge(self, face: Floats) -> None:
        size = (self._face.shape[1], self._face.shape[0])
        if not self._sharper:
            cv2.resize(face, size, dst=self._face, interpolation=self._resampling)
            return
        for blurred, deviation in ((self._fine, self._fine_px), (self._coarse, self._fine_px * _COARSER)):
            cv2.GaussianBlur(face, (0, 0), deviation, dst=blurred, borderType=cv2.BORDER_REPLICATE)
        sharp = cv2.addWeighted(self._fine, 1 + self._sharper, self._coarse, -self._sharper, 0, dst=self._fine)
        # Lanczos' longer kernel rings around eyes that are this soft, and takes twice as long.
        cv2.resize(sharp, size, dst=self._face, interpolation=self._resampling)

    def _surroundings_of(self, face: Floats) -> Floats:
        soft = cv2.resize(face, (_SOFT_PX, _SOFT_PX), interpolation=cv2.INTER_AREA)
        grid = cv2.warpAffine(
            soft, self._soft_to_grid, self._grid, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        grid = cv2.GaussianBlur(grid, (0, 0), max(self._grid) * _BLUR, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(cv2.multiply(grid.clip(0, 255), self._shade), np.float32)

    def _draw_strip(self, grid: Floats, first: int, rows: int, out: FinePixels) -> None:
        whole = self._surroundings[:rows]
        _warp(grid, self._grid_to_canvas, first, whole)
        begin, end = max(first, self._rows.start), min(first + rows, self._rows.stop)
        if begin < end:
            inside = slice(begin - self._rows.start, end - self._rows.start)
            face, under = self._face[inside], whole[begin - first : end - first, self._columns]
            face -= under
            face *= self._across
            face *= self._down[inside]
            under += face
        into = out[first : first + rows]
        cv2.addWeighted(whole, STEPS, self._grain[:rows], STEPS, 0, dst=into, dtype=cv2.CV_16U)


def _scaled(scale: float, left: float, top: float) -> NDArray[np.float64]:
    """Return the (2, 3) matrix that enlarges a picture to a place; pixels are where their middles are."""
    half = scale / 2 - 0.5
    return np.array([[scale, 0, left + half], [0, scale, top + half]], np.float64)


def _onto(matrix: NDArray[np.float64], scale: tuple[float, float]) -> NDArray[np.float64]:
    """Return a matrix followed by a scaling, across and down."""
    factors = np.array(scale)
    scaled = matrix * factors[:, np.newaxis]
    scaled[:, 2] += factors / 2 - 0.5
    return np.asarray(scaled, np.float64)


def _warp(source: Floats, matrix: NDArray[np.float64], first_row: int, out: Floats) -> None:
    """Draw what lies in some rows of the canvas."""
    moved = matrix.copy()
    moved[1, 2] -= first_row
    size = (out.shape[1], out.shape[0])
    cv2.warpAffine(source, moved, size, dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _ramp(length: int, melts: bool) -> Floats:
    """Return weights from 0 at both ends to 1, without a corner; 1 all along where nothing melts."""
    if not melts:
        return np.ones(length, np.float32)
    place = np.arange(length) + 0.5
    share = np.clip(np.minimum(place, length - place) / max(1.0, _MELTS * length), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def _shade(grid: Size, canvas: Size) -> Floats:
    """Return how light the surroundings are, (height, width, 3): 1 in the middle, dark at the far edges."""
    across = np.abs(np.linspace(-1, 1, grid.width + 2)[1:-1]) * canvas.width
    down = np.abs(np.linspace(-1, 1, grid.height + 2)[1:-1]) * canvas.height
    side, longest = min(canvas), max(canvas)
    beyond = np.maximum(across[np.newaxis, :], down[:, np.newaxis]) - side * (1 - 2 * _MELTS)
    share = np.clip(beyond / max(1.0, longest - side * (1 - 2 * _MELTS)), 0, 1)
    light = 1 - (1 - _DARKEST) * np.sin(share * np.pi / 2)
    return np.repeat(light[:, :, np.newaxis], 3, axis=2).astype(np.float32)
