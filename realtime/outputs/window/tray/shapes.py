"""Rounded plates and frames of any size, put together from smooth corners: a panel on a 4K screen costs no more memory
than it has pixels.
"""

from __future__ import annotations

import functools

from realtime.imaging.sdl import pygame

_OVERSIZE = 4

Rgba = tuple[int, int, int, int]


def plate(size: tuple[int, int], radius: int, colour: Rgba) -> pygame.Surface:
    """Return a filled rectangle with round corners. `colour` is RGB and opacity."""
    return _stretched(size, _corners(_within(size, radius), 0, colour), colour)


def frame(size: tuple[int, int], radius: int, colour: Rgba, line: int) -> pygame.Surface:
    """Return the edge of such a rectangle, `line` pixels wide."""
    radius = _within(size, radius)
    surface = _stretched(size, _corners(max(radius, line), line, colour), (*colour[:3], 0))
    width, height = size
    inner = max(radius, line)
    for rect in (
        (inner, 0, width - 2 * inner, line),
        (inner, height - line, width - 2 * inner, line),
        (0, inner, line, height - 2 * inner),
        (width - line, inner, line, height - 2 * inner),
    ):
        if rect[2] > 0 and rect[3] > 0:
            surface.fill(colour, rect)
    return surface


def forget_shapes() -> None:
    """Let go of all surfaces, before pygame is closed."""
    _corners.cache_clear()


def _within(size: tuple[int, int], radius: int) -> int:
    return max(1, min(radius, (min(size) + 1) // 2))


@functools.lru_cache(maxsize=128)
def _corners(radius: int, line: int, colour: Rgba) -> pygame.Surface:
    """Return the four corners, side by side as one small rounded square of twice the radius."""
    side = 2 * radius
    large = pygame.Surface((side * _OVERSIZE, side * _OVERSIZE), pygame.SRCALPHA)
    large.fill((*colour[:3], 0))
    pygame.draw.rect(large, colour, large.get_rect(), line * _OVERSIZE, border_radius=radius * _OVERSIZE)
    return pygame.transform.smoothscale(large, (side, side))


def _stretched(size: tuple[int, int], corners: pygame.Surface, inside: Rgba) -> pygame.Surface:
    width, height = size
    surface = pygame.Surface(size, pygame.SRCALPHA)
    surface.fill(inside)
    side = corners.get_width()
    left, top = min(side // 2, (width + 1) // 2), min(side // 2, (height + 1) // 2)
    right, bottom = width - left, height - top
    for x, y, from_x, from_y in (
        (0, 0, 0, 0),
        (right, 0, side - left, 0),
        (0, bottom, 0, side - top),
        (right, bottom, side - left, side - top),
    ):
        area = pygame.Rect(from_x, from_y, left, top)
        surface.fill((0, 0, 0, 0), (x, y, left, top))
        surface.blit(corners, (x, y), area, special_flags=pygame.BLEND_RGBA_ADD)
    return surface
