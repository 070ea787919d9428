"""How a painting lies on the canvas that outputs want, and how parts of it are drawn there without a seam."""

from __future__ import annotations

import math
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place, place_inside

Fit = Literal["contain", "cover"]

_LANCZOS_REACH_PX = 4
_SURROUNDINGS_LIGHT = 0.42
"""How bright the continuation of the painting around it is: seen as a wall in the dusk, not as another picture."""


def painting_area(painting: Size, head: Place, canvas: Size, fit: Fit) -> Place:
    """Return where the whole painting lies on the canvas; with `cover` it reaches beyond, around the head."""
    if fit == "contain":
        return place_inside(painting, canvas)
    scale = max(canvas.width / painting.width, canvas.height / painting.height)
    width = max(canvas.width, round(painting.width * scale))
    height = max(canvas.height, round(painting.height * scale))
    # The head in the middle across, and a little above it down, as painters place it.
    left = canvas.width / 2 - (head.left + head.width / 2) * scale
    top = canvas.height * 0.47 - (head.top + head.height / 2) * scale
    return Place(
        round(min(max(left, canvas.width - width), 0)),
        round(min(max(top, canvas.height - height), 0)),
        width,
        height,
    )


class RegionResampler:
    """Draws any part of a painting at its place on the canvas.

    Every pixel is computed from its own neighbourhood and from its own position on the canvas only, so that a part
    drawn alone has the very pixels it has when everything is drawn: a head that is put in later leaves no seam.
    Shrinking averages whole blocks first, then softens by what is left to shrink, then samples (Lanczos, 8×8).
    """

    def __init__(self, painting: Size, area: Place, canvas: Size) -> None:
        self.painting = Place(0, 0, *painting)
        self.area = area
        self.visible = area.shared_with(Place(0, 0, *canvas))
        """The part of the canvas that the painting takes."""
        self._ratio_x = painting.width / area.width  # painting pixels per canvas pixel
        self._ratio_y = painting.height / area.height
        self._block = max(1, int(min(self._ratio_x, self._ratio_y) + 1e-6))
        left_to_shrink = max(self._ratio_x, self._ratio_y) / self._block
        # What makes a box of one block as wide as one of the whole ratio would be; 0 where nothing is left.
        self._softening_px = 0.4 * math.sqrt(max(0.0, left_to_shrink**2 - 1))
        self.is_exact = area.size == painting
        reach = _LANCZOS_REACH_PX + math.ceil(4 * self._softening_px) + 1
        self._reach_px = 0 if self.is_exact else reach * self._block

    def reached_by(self, place: Place) -> Place:
        """Return the part of the canvas that shows anything of a place in the painting."""
        left = math.floor((place.left - self._reach_px) / self._ratio_x) + self.area.left
        top = math.floor((place.top - self._reach_px) / self._ratio_y) + self.area.top
        right = math.ceil((place.right + self._reach_px) / self._ratio_x) + self.area.left
        bottom = math.ceil((place.bottom + self._reach_px) / self._ratio_y) + self.area.top
        return Place(left, top, right - left, bottom - top).shared_with(self.visible)

    def source_of(self, part: Place) -> Place:
        """Return the place in the painting that decides a part of the canvas."""
        block = self._block
        left = math.floor((part.left - self.area.left) * self._ratio_x) - self._reach_px
        top = math.floor((part.top - self.area.top) * self._ratio_y) - self._reach_px
        right = math.ceil((part.right - self.area.left) * self._ratio_x) + self._reach_px
        bottom = math.ceil((part.bottom - self.area.top) * self._ratio_y) + self._reach_px
        left, top = max(0, left) // block * block, max(0, top) // block * block  # the same blocks for every part
        right, bottom = -(-right // block) * block, -(-bottom // block) * block
        return Place(left, top, right - left, bottom - top).shared_with(self.painting)

    def draw(self, pixels: Pixels, source: Place, part: Place) -> Pixels:
        """Draw `part` of the canvas. `pixels`: the painting at `source`, which holds `source_of(part)`."""
        if self.is_exact:
            return part.seen_from(self.area).seen_from(source).of(pixels)
        block = self._block
        if block > 1:
            pixels = _averaged(pixels, block)
        if self._softening_px > 0.05:
            pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), self._softening_px), np.uint8)
        across = _positions(part.left, part.right, self.area.left, self._ratio_x, block, source.left)
        down = _positions(part.top, part.bottom, self.area.top, self._ratio_y, block, source.top)
        map_x, map_y = np.meshgrid(across, down)
        drawn = cv2.remap(pixels, map_x, map_y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(drawn, np.uint8)


def draw_painting(painting: Pixels, scaler: RegionResampler, canvas: Size) -> Pixels:
    """Draw a whole canvas: the painting and, where it leaves room, a soft and dim continuation of it."""
    visible = scaler.visible
    source = scaler.source_of(visible)
    picture = scaler.draw(source.of(painting), source, visible)
    if visible.size == canvas:
        return np.ascontiguousarray(picture)
    drawn = _surroundings(painting, visible, canvas)
    visible.of(drawn)[:] = picture
    return drawn


def _surroundings(painting: Pixels, visible: Place, canvas: Size) -> Pixels:
    # All of it is soft, so an eighth of the size is enough.
    small = Size(max(8, canvas.width // 8), max(8, canvas.height // 8))
    cover = painting_area(Size.of(painting), Place(0, 0, *Size.of(painting)), small, "cover")
    scaled = cv2.resize(painting, cover.size, interpolation=cv2.INTER_AREA)
    part = Place(-cover.left, -cover.top, *small).of(np.asarray(scaled, np.uint8))
    soft = cv2.GaussianBlur(part, (0, 0), max(small) / 18).astype(np.float32) * _SURROUNDINGS_LIGHT
    # The shadow of a picture that hangs a little before the wall.
    shade = np.zeros((small.height, small.width), np.float32)
    scale_x, scale_y = small.width / canvas.width, small.height / canvas.height
    left, right = round(visible.left * scale_x), round(visible.right * scale_x)
    top, bottom = round(visible.top * scale_y), round(visible.bottom * scale_y)
    shade[top:bottom, left:right] = 1
    shade = np.asarray(cv2.GaussianBlur(shade, (0, 0), max(small) / 40), np.float32)
    soft *= 1 - 0.6 * shade[:, :, None]
    large = cv2.resize(soft, canvas, interpolation=cv2.INTER_CUBIC)
    # A gradient this dark and slow shows its 8-bit steps as bands on a wall-sized screen: ordered dither hides them.
    dither = _dither_tile()
    repeats = (-(-canvas.height // len(dither)), -(-canvas.width // len(dither)), 1)
    grain = np.tile(dither[:, :, None].repeat(3, axis=2), repeats)[: canvas.height, : canvas.width]
    return np.asarray(cv2.add(large, grain, dtype=cv2.CV_8U), np.uint8)  # rounds and saturates


def _dither_tile() -> NDArray[np.float32]:
    """Return Bayer's matrix, 16×16, from −0.5 to 0.5."""
    order = np.zeros((1, 1))
    while len(order) < 16:
        order = np.block([[4 * order, 4 * order + 2], [4 * order + 3, 4 * order + 1]])
    return np.asarray((order + 0.5) / order.size - 0.5, np.float32)


def _averaged(pixels: Pixels, block: int) -> Pixels:
    size = Size.of(pixels)
    right, bottom = -size.width % block, -size.height % block
    if right or bottom:  # only at the painting's own right and bottom edges
        pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    small = Size((size.width + right) // block, (size.height + bottom) // block)
    return np.asarray(cv2.resize(pixels, small, interpolation=cv2.INTER_AREA), np.uint8)


def _positions(
    begin: int, end: int, area_begin: int, ratio: float, block: int, source_begin: int
) -> NDArray[np.float32]:
    """Return where the centres of canvas pixels lie in a part of the block-averaged painting."""
    centres = (np.arange(begin, end) - area_begin + 0.5) * ratio / block - 0.5
    # OpenCV samples at 1/32 pixel. Rounded before the part's own beginning is taken off, positions are the same
    # whatever part is drawn.
    return (np.round(centres * 32) / 32 - source_begin // block).astype(np.float32)
