"""What a filmed face does, as numbers that can be compared with the same face at another moment."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.expression import EYES, read_eye, turned_back
from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.faces.landmarks.mesh import compare
from realtime.imaging.numerics import Doubles

_UPPER_LIP, _LOWER_LIP = list(face.LIP_UPPER_INNER[4:7]), list(face.LIP_LOWER_INNER[4:7])
_CHIN = [148, face.CHIN, 377]


class Reading(NamedTuple):
    """One face in one frame; left and right are the picture's. Lengths are heights of the face at rest, in the face's
    own frame: its turn, tilt and distance are taken out first.
    """

    yaw_degrees: float
    pitch_degrees: float
    roll_degrees: float
    eye_x: float
    """The irises from the middle of their eyes, right and down, eye widths; mean of both."""
    eye_y: float
    iris: float
    """Radius of the iris, eye widths."""
    open_left: float
    """Largest distance between an eye's lids, eye widths."""
    open_right: float
    brow_left: float
    """Height of a brow above the corners of its eye."""
    brow_right: float
    left_x: float
    """The corners of the mouth, right and down."""
    left_y: float
    right_x: float
    right_y: float
    upper_y: float
    """The lips' inner edges at their middle, down."""
    lower_y: float
    chin_y: float
    """Down."""
    place_x: float
    """The middle of the face in the picture."""
    place_y: float
    size: float
    """Over the size of the face at rest."""


def read_face(seen: FaceMeasurement, reference: FaceMeasurement) -> Reading:
    """Return what a face is doing; `reference` is another sight of the same face, from about the front."""
    turn = compare(seen.mesh, reference.mesh)
    back, points = turned_back(seen.mesh, reference.mesh)
    height = reference.mesh.box.height
    left, right = (
        read_eye(eye, numbers, seen.mesh, points, back)
        for eye, numbers in zip((seen.eyes.left, seen.eyes.right), EYES, strict=True)
    )
    upright = _upright(points[:, :2], reference.mesh.roll_degrees) / height
    brows = [
        float(upright[list(corners), 1].mean() - upright[list(brow), 1].mean())
        for corners, brow in zip(face.EYE_CORNERS, (face.RIGHT_BROW, face.LEFT_BROW), strict=True)
    ]
    middle = seen.mesh.points[[face.RIGHT_CHEEK, face.LEFT_CHEEK], :2].mean(axis=0) / height
    return Reading(
        turn.yaw_degrees,
        turn.pitch_degrees,
        turn.roll_degrees,
        eye_x=(left[0] + right[0]) / 2,
        eye_y=(left[1] + right[1]) / 2,
        iris=(left[2] + right[2]) / 2,
        open_left=left[3],
        open_right=right[3],
        brow_left=brows[0],
        brow_right=brows[1],
        left_x=float(upright[face.MOUTH_RIGHT, 0]),
        left_y=float(upright[face.MOUTH_RIGHT, 1]),
        right_x=float(upright[face.MOUTH_LEFT, 0]),
        right_y=float(upright[face.MOUTH_LEFT, 1]),
        upper_y=float(upright[_UPPER_LIP, 1].mean()),
        lower_y=float(upright[_LOWER_LIP, 1].mean()),
        chin_y=float(upright[_CHIN, 1].mean()),
        place_x=float(middle[0]),
        place_y=float(middle[1]),
        size=turn.scale,
    )


def _upright(points: Doubles, roll_degrees: float) -> Doubles:
    """Return points (n, 2) of a face that is tilted as they lie when it is not."""
    roll = math.radians(roll_degrees)
    turn = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    return np.asarray(points @ turn, np.float64)
