"""Draws the program's icon, an eye whose iris is a lens, in a gilt frame: python -m tools.make_icon

Everything is a shape with a soft edge, painted over the last: distances in units of half the icon, from −1 to 1.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256
OVERSIZE = 4
TARGET = Path(__file__).parents[1] / "realtime" / "outputs" / "window" / "icon.png"

Field = NDArray[np.float64]
Shade = NDArray[np.float64]

GILT_DARK, GILT, GILT_LIGHT = (92, 58, 22), (201, 152, 74), (255, 231, 168)
WALL_TOP, WALL_BOTTOM = (35, 46, 52), (14, 18, 24)
WHITE_TOP, WHITE_BOTTOM = (206, 190, 166), (252, 244, 228)


class Canvas:
    """A picture painted from back to front, RGB 0..1 with alpha."""

    def __init__(self, side: int) -> None:
        axis = (np.arange(side, dtype=np.float64) + 0.5) / side * 2 - 1
        self.x, self.y = (np.ascontiguousarray(grid) for grid in np.meshgrid(axis, axis))
        self.radius = np.hypot(self.x, self.y)
        self.angle = np.arctan2(self.y, self.x)
        self.soft = 3.0 / side
        self.colour = np.zeros((side, side, 3), np.float64)
        self.alpha = np.zeros((side, side), np.float64)

    def inside(self, distance: Field, softness: float = 0.0) -> Field:
        """Return how much of each point lies inside a shape, 0..1; distance is negative inside."""
        width = max(self.soft, softness)
        return np.clip(0.5 - distance / width, 0, 1)

    def paint(self, cover: Field, shade: Shade | tuple[int, int, int]) -> None:
        """Lay a colour (RGB 0..255) or a picture of colours over what is there."""
        cover = np.clip(cover, 0, 1)
        tone = np.asarray(shade, np.float64) / 255 if isinstance(shade, tuple) else shade
        self.colour += (tone - self.colour) * cover[..., None]
        self.alpha += (1 - self.alpha) * cover

    def rounded_square(self, half_side: float, corner: float) -> Field:
        dx, dy = np.abs(self.x) - half_side + corner, np.abs(self.y) - half_side + corner
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0))
        return np.asarray(outside + np.minimum(np.maximum(dx, dy), 0) - corner, np.float64)

    def ramp(self, share: Field, *stops: tuple[int, int, int]) -> Shade:
        """Return colours between the stops, 0 the first, 1 the last."""
        at = np.linspace(0, 1, len(stops))
        channels = [np.interp(share, at, [stop[channel] for stop in stops]) for channel in range(3)]
        return np.stack(channels, axis=-1) / 255


def draw(side: int) -> Canvas:
    """Return the icon, `side` pixels wide."""
    canvas = Canvas(side)
    _draw_frame(canvas)
    _draw_eye(canvas)
    return canvas


def _draw_frame(canvas: Canvas) -> None:
    """A moulding lit from the upper left: two ridges with a groove between, and the wall inside in its shadow."""
    outer = canvas.rounded_square(0.965, 0.20)
    across = np.clip(-outer / 0.180, 0, 1)  # 0 at the frame's outer edge, 1 at its inner one
    down, right = np.gradient(outer)
    length = np.hypot(down, right) + 1e-6
    facing = (right * 0.55 + down * 0.83) / length  # 1 where the outer slope looks away from the light
    slope = np.sin(across * np.pi * 2) * 0.75 + np.cos(across * np.pi) * 0.55
    light = np.clip(0.53 - 0.36 * facing * slope + 0.10 * np.cos(across * np.pi * 6), 0, 1)
    canvas.paint(canvas.inside(outer), canvas.ramp(light, GILT_DARK, GILT, GILT_LIGHT))
    for where in (0.02, 0.53, 0.98):
        groove = np.exp(-(((across - where) / 0.035) ** 2))
        canvas.paint(canvas.inside(outer) * groove * 0.55, (58, 34, 10))

    inner = canvas.rounded_square(0.785, 0.06)
    wall = canvas.ramp((canvas.y + 0.785) / 1.57, WALL_TOP, WALL_BOTTOM)
    glow = np.exp(-((canvas.radius / 0.62) ** 2))
    canvas.paint(canvas.inside(inner), wall)
    canvas.paint(canvas.inside(inner) * glow * 0.5, (74, 92, 96))
    shadow = np.exp(inner / 0.07) * np.clip(0.55 - 0.45 * canvas.y - 0.2 * canvas.x, 0, 1)
    canvas.paint(canvas.inside(inner) * shadow, (3, 4, 6))


def _draw_eye(canvas: Canvas) -> None:
    """The almond is where two discs overlap; its upper lid throws a shadow on the white and on the lens."""
    reach, sink = 0.85, 0.47
    upper = np.hypot(canvas.x, canvas.y - sink + 0.03) - reach
    lower = np.hypot(canvas.x, canvas.y + sink + 0.05) - (reach + 0.02)
    eye = np.maximum(upper, lower)
    halo = np.exp(-np.maximum(eye, 0) / 0.06)
    canvas.paint(halo * 0.55 * canvas.inside(canvas.rounded_square(0.785, 0.06)), (4, 5, 8))
    canvas.paint(canvas.inside(eye - 0.030), canvas.ramp((canvas.y + 0.4) / 0.75, GILT_LIGHT, GILT, GILT_DARK))
    canvas.paint(canvas.inside(eye), canvas.ramp((canvas.y + 0.35) / 0.5, WHITE_TOP, WHITE_BOTTOM))

    white = canvas.inside(eye)
    _draw_lens(canvas, white)
    lid = np.exp(np.minimum(upper, 0) / 0.075)
    canvas.paint(white * lid * 0.62, (28, 16, 10))
    corner = np.clip((np.abs(canvas.x) - 0.36) / 0.34, 0, 1) ** 1.5
    canvas.paint(white * corner * 0.42, (96, 58, 42))


def _draw_lens(canvas: Canvas, visible: Field) -> None:
    """From the outside in: barrel, engraved ring, glass with its blades, pupil, reflections."""

    def disc(radius: float, softness: float = 0.0) -> Field:
        return canvas.inside(canvas.radius - radius, softness) * visible

    turned = 0.5 + 0.5 * np.cos(2 * (canvas.angle + 0.9))  # brushed metal shines on two opposite sides
    canvas.paint(disc(0.405, 0.03) * 0.6, (10, 8, 8))
    canvas.paint(disc(0.372), canvas.ramp(turned, (30, 32, 36), (92, 97, 104), (196, 200, 204)))
    canvas.paint(disc(0.340), (12, 13, 16))
    ring = canvas.inside(np.abs(canvas.radius - 0.315) - 0.009) * visible
    canvas.paint(ring, canvas.ramp(turned, GILT_DARK, GILT, GILT_LIGHT))

    depth = np.clip(canvas.radius / 0.285, 0, 1)
    glass = canvas.ramp(depth, (190, 246, 232), (64, 196, 188), (24, 118, 142), (15, 52, 92), (9, 18, 40))
    canvas.paint(disc(0.285), glass)
    # Seven blades, each a straight edge that runs past the opening: the lines of an iris and of a shutter at once.
    blades = 7
    for number in range(blades):
        turn = 2 * np.pi * number / blades + 0.3
        along = canvas.x * np.cos(turn) + canvas.y * np.sin(turn)
        across = -canvas.x * np.sin(turn) + canvas.y * np.cos(turn)
        edge = np.exp(-(((across - 0.112) / 0.006) ** 2)) * canvas.inside(-along - 0.055, 0.03)
        canvas.paint(disc(0.282) * edge * 0.75, (6, 26, 44))
        shade = np.exp(-np.maximum(across - 0.112, 0) / 0.03) * (across > 0.112) * canvas.inside(-along - 0.055, 0.03)
        canvas.paint(disc(0.282) * shade * 0.28, (6, 26, 44))
    canvas.paint(disc(0.120), canvas.ramp(np.clip(canvas.radius / 0.12, 0, 1), (2, 3, 8), (8, 12, 24), (20, 30, 52)))

    def spot(left: float, top: float, width: float, height: float) -> Field:
        distance = np.hypot((canvas.x - left) / width, (canvas.y - top) / height)
        return np.asarray(np.clip(1 - distance, 0, 1), np.float64)

    canvas.paint(disc(0.285) * np.clip(spot(-0.085, -0.105, 0.085, 0.062) * 4, 0, 1) * 0.95, (250, 254, 255))
    canvas.paint(disc(0.285) * spot(0.10, 0.12, 0.055, 0.04) * 0.8, (255, 226, 170))
    sheen = canvas.inside(np.hypot(canvas.x + 0.10, canvas.y + 0.20) - 0.30, 0.25)
    canvas.paint(disc(0.285) * sheen * 0.16, (210, 240, 255))


def main() -> int:
    """Write the icon where the program looks for it."""
    large = draw(SIDE * OVERSIZE)
    # Averaging must weigh colour with alpha, or the transparent outside would darken the edge.
    weighted = np.dstack([large.colour[..., ::-1] * large.alpha[..., None], large.alpha])
    small = cv2.resize(weighted, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    alpha = small[..., 3:]
    straight = np.dstack([small[..., :3] / np.maximum(alpha, 1e-6), alpha])
    picture = np.clip(np.round(straight * 255), 0, 255).astype(np.uint8)
    cv2.imwrite(str(TARGET), picture, (cv2.IMWRITE_PNG_COMPRESSION, 9))
    sys.stdout.write(f"{TARGET} {TARGET.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
