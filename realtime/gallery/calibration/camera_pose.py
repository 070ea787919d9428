"""How a gallery's camera hangs, from where an installer was seen: turned, tilted, rolled, and how wide its lens is.

The installer's eyes stay at one height at all four places, middle and near lie straight before the portrait, and left
and right about as far from the wall as the middle: what of that is not so in the picture is the camera's. Each of these
is known with its own doubt, and the pose is the one that asks for the least of all of them together (Levenberg and
Marquardt's least squares). What four places cannot tell, as the lens of a camera that hangs straight, stays what is
usual.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from realtime.effects.viewpoint import ADULTS_EYES_CM, CameraPose, picture_of
from realtime.gallery.calibration.standing import Sighting, Spot, as_seen
from realtime.gallery.calibration.views import Place
from realtime.imaging.numerics import Doubles

_ACROSS, _DOWN, _APART = 0.003, 0.004, 0.02
"""By how much the picture's places may be off, and the distance of the eyes, as a share of it: a detector's errors, and
somebody who sways.
"""
_PAN, _TILT, _ROLL = 15.0, 15.0, 5.0
"""Degrees. Cameras are turned in and tilted on purpose; rolled by mistake."""
_LENS, _LENS_DOUBT, _KNOWN_LENS_DOUBT = 72.0, 8.0, 0.5
_EYES_DOUBT = 0.05
"""The installer's may be nearer together than other people's."""
_DISTANCE_DOUBT = 0.12
_ASIDE_CM = 5.0
"""Nobody stands straighter before a portrait than that."""
_SIDES_CM = 30.0
"""Left is as far from the middle as right but for so much."""
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
    usual = CameraPose(lens_degrees=lens[0])
    away = usual.focal_length * ADULTS_EYES_CM / seen[:, 2]
    aside = (seen[:, 0] - 0.5) / usual.focal_length * away
    down = float(((seen[:, 1] - 0.5) / aspect / usual.focal_length * away).mean())
    begin = np.array([0, 0, 0, lens[0], 0, down, *aside, *np.log(away)])
    found = _least_squares(lambda values: _doubts(values, seen, aspect, place, lens), begin)
    angles = np.clip(found[:3], -_MOST_DEGREES, _MOST_DEGREES)
    return CameraPose(*(round(float(value), 2) for value in (*angles, np.clip(found[3], 30, 140))))


def _doubts(
    values: Doubles, seen: Doubles, aspect: float, place: Place | None, known_lens: tuple[float, float]
) -> Doubles:
    """Return by how much each thing that is known is off, each in units of its own doubt."""
    turned, tilted, rolled, lens, eyes, down_cm = values[:6]
    aside, away_log = values[6:10], values[10:14]
    away = np.exp(np.clip(away_log, 0, 9))
    pose = CameraPose(turned, tilted, rolled, min(max(lens, 20.0), 150.0))
    right_cm = aside[1] if place is None else place.right_cm
    below_cm = down_cm if place is None else place.below_cm
    off = []
    for (x, y, apart), at_x, at_z in zip(seen, aside, away, strict=True):
        there = picture_of((at_x, down_cm, at_z), aspect, pose, right_cm)
        off += [(there.across - x) / _ACROSS, (there.down - y) / _DOWN]
        off.append((math.log(max(1e-9, there.apart) / apart) + eyes) / _APART)
    left, middle, right, near = aside
    off += [turned / _PAN, tilted / _TILT, rolled / _ROLL, (lens - known_lens[0]) / known_lens[1], eyes / _EYES_DOUBT]
    off += [(away_log[0] - away_log[1]) / _DISTANCE_DOUBT, (away_log[2] - away_log[1]) / _DISTANCE_DOUBT]
    off += [(middle - right_cm) / _ASIDE_CM, (near - right_cm) / _ASIDE_CM, (left + right - 2 * middle) / _SIDES_CM]
    if place is None:
        off += [middle / _FAR_CM, (near - middle) / _ASIDE_CM, down_cm / _FAR_CM]
    else:
        off += [(down_cm - below_cm) / _HEIGHT_CM]
    return np.array(off, np.float64)


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
