"""A screen as whoever looks at it sees it: one that hangs on its side, upright."""

from __future__ import annotations

from typing import NamedTuple

from realtime.imaging.frame import Size
from realtime.imaging.pixels import Place, rotated_size
from realtime.imaging.sdl import pygame


class Canvas(NamedTuple):
    """What all that is drawn over the picture lies on, pixels from its upper left corner."""

    screen: Size
    """As the system knows it."""
    rotate_degrees: int
    """0, 90, 180 or 270: how far the picture is turned on it, clockwise."""

    @property
    def size(self) -> Size:
        """The viewer's width and height."""
        return rotated_size(self.screen, self.rotate_degrees)

    def on_screen(self, place: Place) -> Place:
        """Return where a part of the canvas lies on the screen."""
        size, (left, top, width, height) = self.size, place
        right, bottom = size.width - place.right, size.height - place.bottom
        places = {
            0: place,
            90: Place(bottom, left, height, width),
            180: Place(right, bottom, width, height),
            270: Place(top, right, height, width),
        }
        return places[self.rotate_degrees]

    def from_screen(self, point: tuple[int, int]) -> tuple[int, int]:
        """Return where on the canvas a point (x, y) of the screen is."""
        size, (x, y) = self.size, point
        points = {
            0: (x, y),
            90: (y, size.height - 1 - x),
            180: (size.width - 1 - x, size.height - 1 - y),
            270: (size.width - 1 - y, x),
        }
        return points[self.rotate_degrees]

    def layer_on_screen(
        self, layer: pygame.Surface, position: tuple[int, int]
    ) -> tuple[pygame.Surface, tuple[int, int]]:
        """Return a layer as it is laid on the screen, and where: `position` is that of its upper left corner."""
        if not self.rotate_degrees:
            return layer, position
        place = self.on_screen(Place(*position, *layer.get_size()))
        return pygame.transform.rotate(layer, -self.rotate_degrees), (place.left, place.top)
