"""Where somebody stands before a wall, from how a camera sees them that is turned, tilted or rolled.

A pinhole camera; places in centimetres from its lens, as somebody sees them who stands before the wall: right, down,
and away from it. How far away somebody is, the distance of their eyes tells: those of adults are 6.3 cm apart.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

ADULTS_EYES_CM = 6.3
"""Between the pupils: 5.5 to 7.0 in nineteen of twenty. It tells how far away somebody is."""
USUAL_LENS_DEGREES = 70.0
"""Across the picture, as most webcams have."""
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

    @property
    def focal_length(self) -> float:
        """In widths of the picture."""
        return 0.5 / math.tan(math.radians(self.lens_degrees / 2))


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
    x, y = (seen.across - 0.5) / focal, (seen.down - 0.5) / aspect / focal
    to_wall = _rotation(pose)
    towards = _applied(to_wall, (x, y, 1.0))
    eyes: Vector = (1.0, 0.0, 0.0)
    at = towards
    for _ in range(_ROUNDS):
        along, across, away = _applied(_transposed(to_wall), eyes)
        depth_cm = focal * ADULTS_EYES_CM * math.hypot(along - x * away, across - y * away) / max(1e-6, seen.apart)
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
    apart = focal * ADULTS_EYES_CM / depth * math.hypot(eye_along - x * eye_away, eye_across - y * eye_away)
    return Seen(0.5 + focal * x, 0.5 + focal * y * aspect, apart)


def seen_from(at: Vector, aspect: float, pose: CameraPose, right_cm: float, down_cm: float) -> tuple[float, float]:
    """Return where a camera with this lens would see a place if it hung straight and level where the portrait hangs:
    shares of its mirrored picture across and down.
    """
    before = max(1.0, at[2])
    focal = pose.focal_length
    return 0.5 + focal * (at[0] - right_cm) / before, 0.5 + focal * (at[1] - down_cm) / before * aspect


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
