"""How a gallery's camera hangs, from where an installer was seen: turned, tilted, rolled, and how wide its lens is.

The installer's eyes stay at one height at all four places, middle and near lie straight before the portrait, and left
and right about as far from the wall as the middle: what of that is not so in the picture is the camera's. Each of these
is known with its own doubt, and the pose is the one that asks for the least of all of them together (Levenberg and
Marquardt's least squares). One of them may be far off, as where somebody stands 20 cm beside the middle, and again when
near: then the others count. What four places cannot tell, as the lens of a camera that hangs straight, stays what is
usual.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from realtime.effects.viewpoint import ADULTS_EYES_CM, CameraPose, picture_of
from realtime.gallery.calibration.standing import Sighting, Spot, as_seen, hangs_aside_cm
from realtime.gallery.calibration.views import Place
from realtime.imaging.numerics import Doubles

_ACROSS, _DOWN, _APART = 0.003, 0.004, 0.02
"""By how much the picture's places may be off, and the distance of the eyes, as a share of it: a detector's errors, and
somebody who sways.
"""
_PAN, _PAN_ABOVE, _TILT, _ROLL = 15.0, 3.0, 15.0, 5.0
"""Degrees. Cameras beside a portrait are turned in and all are tilted on purpose; rolled, and those above or below a
portrait turned, by mistake.
"""
_BESIDE_CM = 20.0
_LENS, _LENS_DOUBT, _KNOWN_LENS_DOUBT = 72.0, 8.0, 0.5
_BENT, _BENT_DOUBT, _WITHIN_BENT = -0.03, 0.08, (-0.25, 0.1)
"""Most webcams bend by less than 0.05, wide ones by up to 0.15."""
_EYES_DOUBT = 0.05
"""The installer's may be nearer together than other people's."""
_DISTANCE_DOUBT = 0.12
_ASIDE_CM = 10.0
"""Nobody stands straighter before a portrait than that; some stand twice as far aside, and then at both places: middle
and near are forgiven together. Each by itself, an installer 20 cm to one side at both was taken for a camera that is
turned, and the eyes were 0.09 off (0.19 with a camera beside the portrait); together, 0.03 (0.06).
"""
_SIDES_CM = 15.0
"""Left is as far from the middle as right but for so much. With 30 it was the sides that were not believed."""
_HEIGHT_CM = 30.0
"""Installers' eyes are as high as the portrait's but for so much."""
_FAR_CM = 100.0
_MOST_DEGREES = 60.0
_ROUNDS = 60


def camera_pose(
    taken: Mapping[Spot, Sighting], aspect: float, place: Place | None = None, lens_degrees: float | None = None
) -> CameraPose:
    """Return how the camera hangs. `taken`: what it saw at all four places. `aspect`: its picture's width over its
    height. `place`: where the portrait hangs; None: that was not measured. `lens_degrees`: what the lens sees across;
    None: that is not known.
    """
    seen = np.array([as_seen(taken[spot]) for spot in (Spot.LEFT, Spot.MIDDLE, Spot.RIGHT, Spot.NEAR)])
    lens = (_LENS, _LENS_DOUBT) if lens_degrees is None else (lens_degrees, _KNOWN_LENS_DOUBT)
    right_cm = hangs_aside_cm(taken[Spot.MIDDLE], taken[Spot.NEAR]) if place is None else place.right_cm
    usual = CameraPose(lens_degrees=lens[0])
    away = usual.focal_length * ADULTS_EYES_CM / seen[:, 2]
    aside = (seen[:, 0] - 0.5) / usual.focal_length * away
    down = float(((seen[:, 1] - 0.5) / aspect / usual.focal_length * away).mean())
    begin = np.array([0, 0, 0, lens[0], _BENT, 0, down, *aside, *np.log(away)])
    found = _least_squares(lambda values: _doubts(values, seen, aspect, place, right_cm, lens), begin)
    turned, tilted, rolled = (round(float(angle), 2) for angle in np.clip(found[:3], -_MOST_DEGREES, _MOST_DEGREES))
    seen_across = round(float(np.clip(found[3], 30, 140)), 2)
    return CameraPose(turned, tilted, rolled, seen_across, round(float(np.clip(found[4], *_WITHIN_BENT)), 3))


def _doubts(
    values: Doubles, seen: Doubles, aspect: float, place: Place | None, right_cm: float, known_lens: tuple[float, float]
) -> Doubles:
    """Return by how much each thing that is known is off, each in units of its own doubt."""
    turned, tilted, rolled, lens, bent, eyes, down_cm = values[:7]
    aside, away_log = values[7:11], values[11:15]
    away = np.exp(np.clip(away_log, 0, 9))
    bent_within = min(max(bent, _WITHIN_BENT[0]), _WITHIN_BENT[1])
    pose = CameraPose(turned, tilted, rolled, min(max(lens, 20.0), 150.0), bent_within)
    below_cm = down_cm if place is None else place.below_cm
    off = []
    for (x, y, apart), at_x, at_z in zip(seen, aside, away, strict=True):
        there = picture_of((at_x, down_cm, at_z), aspect, pose, right_cm)
        off += [(there.across - x) / _ACROSS, (there.down - y) / _DOWN]
        off.append((math.log(max(1e-9, there.apart) / apart) + eyes) / _APART)
    left, middle, right, near = aside
    pan_off = turned / _PAN if abs(right_cm) > _BESIDE_CM else _forgiven(turned / _PAN_ABOVE)
    off += [
        pan_off,
        tilted / _TILT,
        rolled / _ROLL,
        (lens - known_lens[0]) / known_lens[1],
        eyes / _EYES_DOUBT,
    ]
    off += [(bent - _BENT) / _BENT_DOUBT]
    off += [(away_log[0] - away_log[1]) / _DISTANCE_DOUBT, (away_log[2] - away_log[1]) / _DISTANCE_DOUBT]
    aside_off = math.hypot(middle - right_cm, near - right_cm) / _ASIDE_CM
    counts = _forgiven(aside_off) / max(aside_off, 1e-9)
    off += [counts * (one - right_cm) / _ASIDE_CM for one in (middle, near)]
    off += [_forgiven((left + right - 2 * right_cm) / _SIDES_CM)]
    off += [down_cm / _FAR_CM if place is None else (down_cm - below_cm) / _HEIGHT_CM]
    return np.array(off, np.float64)


def _forgiven(off: float) -> float:
    """Return how much it counts that something is off of which one among several may be far off (Cauchy's loss): an
    installer who stood aside once, or else a camera that is turned.
    """
    return math.copysign(math.sqrt(math.log1p(off * off)), off)


def _least_squares(off: Callable[[Doubles], Doubles], begin: Doubles) -> Doubles:
    values, damping = begin.astype(np.float64), 1e-2
    now = off(values)
    for _ in range(_ROUNDS):
        step = 1e-4 * np.maximum(1.0, np.abs(values))
        slopes = np.stack([(off(values + one) - now) / one.sum() for one in np.diag(step)], 1)
        normal, slope = slopes.T @ slopes, slopes.T @ now
        change = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -slope)
        tried = off(values + change)
        if tried @ tried < now @ now:
            is_there = now @ now - tried @ tried < 1e-6
            values, now, damping = values + change, tried, max(1e-9, damping / 5)
            if is_there:
                break
        else:
            damping *= 5
    return values
