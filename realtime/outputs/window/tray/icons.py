"""The signs on buttons, as strokes on a grid of 24: drawn large and averaged, so that they are smooth at any size."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from realtime.imaging.sdl import pygame
from realtime.imaging.text import Colour

_GRID = 24
_STROKE = 2.0
_OVERSIZE = 4

Point = tuple[float, float]


class Line(NamedTuple):
    """Strokes from point to point, with round ends."""

    points: Sequence[Point]


class Circle(NamedTuple):
    """A ring, or a disc."""

    centre: Point
    radius: float
    is_filled: bool = False


class Arc(NamedTuple):
    """A part of a ring; degrees, clockwise from the right."""

    centre: Point
    radius: float
    begin: float
    end: float


class Box(NamedTuple):
    """A rectangle with round corners."""

    left: float
    top: float
    width: float
    height: float
    radius: float = 2.0
    is_filled: bool = False


class Solid(NamedTuple):
    """A filled polygon."""

    points: Sequence[Point]


_Shape = Line | Circle | Arc | Box | Solid

ICONS: dict[str, tuple[_Shape, ...]] = {
    "camera": (Box(2, 6, 14, 12, 3), Solid([(17, 11), (22, 7.5), (22, 16.5), (17, 13)])),
    "demo": (Circle((12, 8), 4), Arc((12, 21), 8, 180, 360)),
    "film": (Box(3, 4, 18, 16, 2.5), Line([(8, 4), (8, 20)]), Line([(16, 4), (16, 20)]), Line([(3, 12), (21, 12)])),
    "refresh": (Arc((12, 12), 8, -60, 215), Solid([(12.5, 1.2), (19.5, 4.2), (13.5, 8.6)])),
    "record": (Circle((12, 12), 9), Circle((12, 12), 5, is_filled=True)),
    "stop": (Circle((12, 12), 9), Box(8, 8, 8, 8, 1.5, is_filled=True)),
    "photo": (
        Line([(3, 8), (7, 8), (9, 5), (15, 5), (17, 8), (21, 8), (21, 19), (3, 19), (3, 8)]),
        Circle((12, 13), 3.6),
    ),
    "pause": (Box(6, 5, 4, 14, 1.2, is_filled=True), Box(14, 5, 4, 14, 1.2, is_filled=True)),
    "play": (Solid([(7, 4.5), (19.5, 12), (7, 19.5)]),),
    "mirror": (
        Line([(12, 3), (12, 21)]),
        Line([(8.5, 7), (3, 17), (8.5, 17), (8.5, 7)]),
        Solid([(15.2, 6), (15.2, 18), (21.8, 18)]),
    ),
    "full": (
        Line([(9, 4), (4, 4), (4, 9)]),
        Line([(15, 4), (20, 4), (20, 9)]),
        Line([(9, 20), (4, 20), (4, 15)]),
        Line([(15, 20), (20, 20), (20, 15)]),
    ),
    "window": (
        Line([(9, 3.5), (9, 9), (3.5, 9)]),
        Line([(15, 3.5), (15, 9), (20.5, 9)]),
        Line([(9, 20.5), (9, 15), (3.5, 15)]),
        Line([(15, 20.5), (15, 15), (20.5, 15)]),
    ),
    "help": (
        Circle((12, 12), 9.5),
        Arc((12, 9.7), 2.8, -180, 70),
        Line([(12.9, 12.2), (12, 13.6)]),
        Circle((12, 17), 1.3, is_filled=True),
    ),
    "folder": (Line([(3, 19), (3, 5.5), (9, 5.5), (11.5, 8), (21, 8), (21, 19), (3, 19)]),),
    "plus": (Line([(12, 5), (12, 19)]), Line([(5, 12), (19, 12)])),
    "plusminus": (Line([(8, 9), (12, 5), (16, 9)]), Line([(8, 15), (12, 19), (16, 15)])),
    "pen": (Line([(4, 20), (5, 15.5), (16, 4.5), (19.5, 8), (8.5, 19), (4, 20)]), Line([(13.5, 7), (17, 10.5)])),
    "down": (Line([(6, 9.5), (12, 15.5), (18, 9.5)]),),
    "left": (Line([(14.5, 6), (8.5, 12), (14.5, 18)]),),
    "right": (Line([(9.5, 6), (15.5, 12), (9.5, 18)]),),
    "more": (Line([(9.5, 6), (15.5, 12), (9.5, 18)]),),
    "tick": (Line([(5, 12.5), (10, 17.5), (19, 7)]),),
    "sparkle": (Solid([(12, 3), (14, 10), (21, 12), (14, 14), (12, 21), (10, 14), (3, 12), (10, 10)]),),
    "hidden": (
        Line([(3, 12), (7, 7.8), (12, 6.3), (17, 7.8), (21, 12), (17, 16.2), (12, 17.7), (7, 16.2), (3, 12)]),
        Line([(4, 20), (20, 4)]),
    ),
}


@functools.lru_cache(maxsize=256)
def icon(name: str, side: int, colour: Colour) -> pygame.Surface:
    """Return a sign on a transparent square. A display must be open."""
    large = pygame.Surface((side * _OVERSIZE, side * _OVERSIZE), pygame.SRCALPHA)
    large.fill((*colour, 0))
    unit = side * _OVERSIZE / _GRID
    stroke = max(_OVERSIZE * 1.4, _STROKE * unit)
    for shape in ICONS[name]:
        _draw(large, shape, colour, unit, stroke)
    return pygame.transform.smoothscale(large, (side, side)).convert_alpha()


def forget_icons() -> None:
    """Let go of all surfaces, before pygame is closed."""
    icon.cache_clear()


def _draw(surface: pygame.Surface, shape: _Shape, colour: Colour, unit: float, stroke: float) -> None:
    match shape:
        case Line(points):
            _polyline(surface, [(x * unit, y * unit) for x, y in points], colour, stroke)
        case Arc((x, y), radius, begin, end):
            steps = max(8, round(abs(end - begin) / 6))
            angles = [math.radians(begin + (end - begin) * step / steps) for step in range(steps + 1)]
            arc = [((x + radius * math.cos(a)) * unit, (y + radius * math.sin(a)) * unit) for a in angles]
            _polyline(surface, arc, colour, stroke)
        case Circle((x, y), radius, is_filled):
            width = 0 if is_filled else round(stroke)
            outer = radius * unit + (0 if is_filled else stroke / 2)
            pygame.draw.circle(surface, colour, (x * unit, y * unit), outer, width)
        case Box(left, top, width, height, radius, is_filled):
            rect = pygame.Rect(round(left * unit), round(top * unit), round(width * unit), round(height * unit))
            pygame.draw.rect(
                surface, colour, rect, 0 if is_filled else round(stroke), border_radius=round(radius * unit)
            )
        case Solid(points):
            pygame.draw.polygon(surface, colour, [(x * unit, y * unit) for x, y in points])


def _polyline(surface: pygame.Surface, points: Sequence[Point], colour: Colour, stroke: float) -> None:
    """Draw strokes as quadrilaterals with discs at their ends: pygame's wide lines have slanting ends."""
    half = stroke / 2
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        if length:
            dx, dy = -(y1 - y0) / length * half, (x1 - x0) / length * half
            corners = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
            pygame.draw.polygon(surface, colour, corners)
    for point in points:
        pygame.draw.circle(surface, colour, point, half)
