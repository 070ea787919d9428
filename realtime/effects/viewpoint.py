"""Where somebody stands before a wall, from how a camera sees them that is turned, tilted or rolled.

A pinhole camera behind a lens that may bend straight lines; places in centimetres from it, as somebody sees them who
stands before the wall: right, down, and away from it. How far away somebody is, the distance of their eyes tells: those
of adults are 6.3 cm apart.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

ADULTS_EYES_CM = 6.3
"""Between the pupils: 5.5 to 7.0 in nineteen of twenty. It tells how far away somebody is."""
USUAL_LENS_DEGREES = 70.0
"""Across the picture, as most webcams have."""
_MOST_BENDING = -0.3
_UNBENDING_ROUNDS = 12
"""The place in the middle of these is right to a thousandth up to k1 r² = -0.2, after four."""
_ROUNDS = 3
"""The distance depends on where they look, and that on the distance: within a thousandth after three."""

Vector = tuple[float, float, float]


class CameraPose(NamedTuple):
    """How a camera hangs. All 0: it looks straight away from the wall, and level."""

    turned_degrees: float = 0.0
    """To the right, as seen from before the wall."""
    tilted_degrees: float = 0.0
    """Downwards."""
    rolled_degrees: float = 0.0
    """Clockwise, as seen from before the wall: what hangs straight leans to the left in its mirrored picture."""
    lens_degrees: float = USUAL_LENS_DEGREES
    """From the picture's left edge to its right one."""
    distortion: float = 0.0
    """By how much the lens bends: the radial coefficient k1 of Brown's model, as OpenCV has it: what a straight lens
    would show at a distance r from the middle, in focal lengths, is at r (1 + k1 r²). Wide lenses: -0.05 to -0.2."""

    @property
    def focal_length(self) -> float:
        """In widths of the picture."""
        edge = math.tan(math.radians(self.lens_degrees / 2))
        return 0.5 / (edge * _bending(self.distortion, edge * edge))


class Seen(NamedTuple):
    """Somebody's eyes in a mirrored picture."""

    across: float
    """Their middle, as a share of the picture's width."""
    down: float
    """And of its height."""
    apart: float
    """Their distance as it is in the picture, as a share of its width."""


def standing_at(seen: Seen, aspect: float, pose: CameraPose, right_cm: float) -> Vector:
    """Return where the middle between somebody's eyes is, who looks at a portrait that hangs `right_cm` from the lens.
    `aspect`: the picture's width over its height.
    """
    focal = pose.focal_length
    x, y = _unbent((seen.across - 0.5) / focal, (seen.down - 0.5) / aspect / focal, pose.distortion)
    to_wall = _rotation(pose)
    towards = _applied(to_wall, (x, y, 1.0))
    eyes: Vector = (1.0, 0.0, 0.0)
    at = towards
    for _ in range(_ROUNDS):
        along, across, away = _applied(_transposed(to_wall), eyes)
        apart = _bent_length(along - x * away, across - y * away, x, y, pose.distortion)
        depth_cm = focal * ADULTS_EYES_CM * apart / max(1e-6, seen.apart)
        at = (towards[0] * depth_cm, towards[1] * depth_cm, towards[2] * depth_cm)
        eyes = _level_eyes(at, right_cm)
    return at


def _level_eyes(at: Vector, right_cm: float) -> Vector:
    """Return the direction from one eye to the other of somebody who looks at a portrait: level, and at right angles
    to where they look.
    """
    aside, before = at[0] - right_cm, max(1.0, at[2])
    length = math.hypot(aside, before)
    return before / length, 0.0, -aside / length


def picture_of(at: Vector, aspect: float, pose: CameraPose, right_cm: float) -> Seen:
    """Return how the camera sees somebody at a place who looks at a portrait `right_cm` from the lens: the other way
    round than `standing_at`.
    """
    to_camera = _transposed(_rotation(pose))
    along, across, away = _applied(to_camera, at)
    depth = max(1.0, away)
    x, y, focal = along / depth, across / depth, pose.focal_length
    eye_along, eye_across, eye_away = _applied(to_camera, _level_eyes(at, right_cm))
    length = _bent_length(eye_along - x * eye_away, eye_across - y * eye_away, x, y, pose.distortion)
    bending = _bending(pose.distortion, x * x + y * y)
    apart = focal * ADULTS_EYES_CM / depth * length
    return Seen(0.5 + focal * x * bending, 0.5 + focal * y * bending * aspect, apart)


def seen_from(at: Vector, aspect: float, pose: CameraPose, right_cm: float, down_cm: float) -> tuple[float, float]:
    """Return where a camera with this lens would see a place if it hung straight and level where the portrait hangs:
    shares of its mirrored picture across and down.
    """
    before = max(1.0, at[2])
    focal = pose.focal_length
    return 0.5 + focal * (at[0] - right_cm) / before, 0.5 + focal * (at[1] - down_cm) / before * aspect


def _bending(distortion: float, squared: float) -> float:
    """Return by how much a place moves away from the middle of the picture; never so far that the picture would fold,
    which no lens does: beyond that the polynomial says nothing.
    """
    return 1.0 + max(distortion * squared, _MOST_BENDING)


def _unbent(x: float, y: float, distortion: float) -> tuple[float, float]:
    """Return where a straight lens would show what is seen at a place, in focal lengths from the middle."""
    scale = 1.0
    for _ in range(_UNBENDING_ROUNDS if distortion else 0):
        scale = 1.0 / _bending(distortion, (x * x + y * y) * scale * scale)
    return x * scale, y * scale


def _bent_length(along: float, across: float, x: float, y: float, distortion: float) -> float:
    """Return how long a short line is seen; its direction, length and place are as a straight lens shows them."""
    bending = _bending(distortion, x * x + y * y)
    outwards = 2 * distortion * (x * along + y * across) if bending > 1.0 + _MOST_BENDING else 0.0
    return math.hypot(bending * along + outwards * x, bending * across + outwards * y)


@functools.lru_cache(maxsize=64)
def _rotation(pose: CameraPose) -> tuple[Vector, Vector, Vector]:
    """From the camera's directions to the wall's: rolled first, then tilted, then turned."""
    turned, tilted, rolled = (math.radians(angle) for angle in pose[:3])
    ct, st, cp, sp, cr, sr = (f(a) for a in (turned, tilted, rolled) for f in (math.cos, math.sin))
    # Away from the wall after the tilt: what lies `down` of a camera that looks down lies nearer to its axis.
    return (
        (ct * cr - st * sp * sr, -ct * sr - st * sp * cr, st * cp),
        (cp * sr, cp * cr, sp),
        (-st * cr - ct * sp * sr, st * sr - ct * sp * cr, ct * cp),
    )


def _transposed(matrix: tuple[Vector, Vector, Vector]) -> tuple[Vector, Vector, Vector]:
    first, second, third = zip(*matrix, strict=True)
    return first, second, third


def _applied(matrix: tuple[Vector, Vector, Vector], vector: Vector) -> Vector:
    x, y, z = (sum(part * value for part, value in zip(row, vector, strict=True)) for row in matrix)
    return x, y, z
