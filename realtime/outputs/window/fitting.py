"""How a picture goes to the screen: turned, scaled, in the middle; and how large a window is that shows it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from realtime.imaging.frame import Pixels, Size
from realtime.imaging.pixels import Place, place_inside, rotate_into, rotated_size, scale_into
from realtime.imaging.sdl import pygame

_LEAST_WIDTH_PX = 640
_LEAST_SHARE_OF_SCREEN = 1 / 3  # of its height
_SHARE_OF_SCREEN = 0.8


class Prepared(NamedTuple):
    """The picture as it goes to the screen: turned, scaled, and where to."""

    surface: pygame.Surface
    place: Place


class Fitting:
    """Buffers in which pictures are turned and scaled for a screen."""

    def __init__(self) -> None:
        self._turned: Pixels | None = None
        self._scaled: Pixels | None = None

    def fit(self, pixels: Pixels, screen: Size, degrees: int) -> Prepared:
        """Return a picture as it goes to the screen; it may be the very memory that was given."""
        picture = np.ascontiguousarray(pixels)
        if degrees:
            self._turned = _buffer(self._turned, rotated_size(Size.of(picture), degrees))
            rotate_into(picture, degrees, self._turned)
            picture = self._turned
        place = place_inside(Size.of(picture), screen)
        if place.size != Size.of(picture):
            self._scaled = _buffer(self._scaled, place.size)
            scale_into(picture, self._scaled)
            picture = self._scaled
        # pygame looks at the array itself; nothing is copied until the screen.
        return Prepared(pygame.image.frombuffer(picture.reshape(-1).data, place.size, "BGR"), place)


def first_size(picture: Size, desktop: Size) -> Size:
    """Return a window in the picture's shape: its own size where the screen has room, and not too small."""
    most = min(_SHARE_OF_SCREEN * desktop.width / picture.width, _SHARE_OF_SCREEN * desktop.height / picture.height)
    least = max(_LEAST_WIDTH_PX / picture.width, _LEAST_SHARE_OF_SCREEN * desktop.height / picture.height)
    scale = min(most, max(1.0, least))
    return Size(max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def reshaped(size: Size, picture: Size, desktop: Size) -> Size:
    """Return a window of another picture's shape and the same area, where the screen has room for it."""
    scale = math.sqrt(size.width * size.height / (picture.width * picture.height))
    most = min(_SHARE_OF_SCREEN * desktop.width / picture.width, _SHARE_OF_SCREEN * desktop.height / picture.height)
    scale = min(scale, most)
    return Size(max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))


def _buffer(old: Pixels | None, size: Size) -> Pixels:
    """Return the old buffer where it has the size, else a new one."""
    if old is not None and Size.of(old) == size:
        return old
    return np.empty((size.height, size.width, 3), np.uint8)


def bars_around(place: Place, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Return what the picture leaves free of the window, as left, top, width, height."""
    width, height = size
    right, bottom = place.left + place.width, place.top + place.height
    bars = [
        (0, 0, place.left, height),
        (right, 0, width - right, height),
        (place.left, 0, place.width, place.top),
        (place.left, bottom, place.width, height - bottom),
    ]
    return [bar for bar in bars if bar[2] > 0 and bar[3] > 0]
