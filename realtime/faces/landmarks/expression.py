"""What a measured face is doing, in numbers that can be compared from one face to another.

Everything is read in the face's own frame: the mesh is turned back to where it was at rest first, so that a nod does
not pass for raised brows, nor a turned head for a narrower mouth.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from realtime.faces.landmarks import mesh as face
from realtime.faces.landmarks.iris import Eye
from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.faces.landmarks.mesh import FaceMesh, compare
from realtime.faces.landmarks.motion import Motion
from realtime.imaging.numerics import Doubles, Similarity, best_similarity

_UPPER_LIP, _LOWER_LIP = face.LIP_UPPER_INNER[4:7], face.LIP_LOWER_INNER[4:7]


class EyePoints(NamedTuple):
    """Numbers of the mesh's points of one eye; its corners as in `EYE_CORNERS`."""

    left: int
    right: int
    upper: tuple[int, int, int]
    """The middle of the upper lid's edge."""
    lower: tuple[int, int, int]


EYES = (
    EyePoints(*face.EYE_CORNERS[0], (160, 159, 158), (144, 145, 153)),
    EyePoints(*face.EYE_CORNERS[1], (385, 386, 387), (380, 374, 373)),
)

# When is an eye closed? Three decisions hang on it, and each has a number of its own. The first is of `Expression`, the
# others of what the iris model alone sees (`Eyes.openness`). Seen on 789 photos of faces some 90 px wide, half of them
# of people with narrow eyes: below 0.13 the eyes of 14 of 15 are shut or cast down, from there to 0.17 those of 6 of 13
# and the others screwed up, from there to 0.2 those of 3 of 33. Open ones have 0.25 to 0.4.
CLOSED = 0.085
"""`Expression.openness` of lids that have fallen all the way, from which closing is counted: what the two models report
at the least, eye widths. How far they follow lids down differs from face to face: on six filmed people they ended at
0.07 to 0.20."""
SHUT_IN_PHOTO = 0.13
"""`Eyes.openness` below which somebody is told that the eyes in a photo are shut: only where that is nearly sure."""
TOO_NARROW_TO_ANIMATE = 0.17
"""`Eyes.openness` below which a portrait's eyes are left without a blink: there is too little of them to close or to be
seen turning, shut or screwed up. People who laugh have 0.2."""

_BALL = 2.05
"""Radius of the eyeball over that of the iris: 12 mm over 5.9 mm."""
_LIDS_FOLLOW_DOWN, _LIDS_FOLLOW_UP = 0.5, 0.3
"""How much the opening narrows when the iris goes down by one, and widens when it goes up by one."""
_LIDS_REST = 0.1
"""Lids that are lower by no more than this part are at rest: they wander so far, and with the brows."""


class Expression(NamedTuple):
    """One face in one picture. Head angles compare it with the face at rest; the rest are its own measures."""

    yaw_degrees: float
    pitch_degrees: float
    roll_degrees: float
    eye_x: float
    """The irises from the middle of their eyes, right, eye widths; mean of both, as everything of the eyes."""
    eye_y: float
    """Down."""
    iris: float
    """Radius of the iris, eye widths."""
    openness: float
    """Largest distance between the lids, eye widths."""
    brows: float
    """Height of the brows above the corners of the eyes, in heights of the face."""
    lips: float
    """Distance between the lips' inner edges, in heights of the face."""
    mouth: float
    """Distance between the corners of the mouth, in heights of the face."""


def turned_back(seen: FaceMesh, reference: FaceMesh) -> tuple[Similarity, Doubles]:
    """Return what lays a face's mesh over the reference by the points that expressions hardly move, and its points
    (n, 3) laid there.
    """
    rigid = list(face.RIGID)
    back = best_similarity(seen.points[rigid].astype(np.float64), reference.points[rigid].astype(np.float64))
    return back, back.place(seen.points)


def read_expression(seen: FaceMeasurement, rest: FaceMeasurement) -> Expression:
    """Return what a face is doing; `rest` is another sight of the same face, from about the front."""
    turn = compare(seen.mesh, rest.mesh)
    back, points = turned_back(seen.mesh, rest.mesh)
    height = rest.mesh.box.height
    eyes = np.mean(
        [
            read_eye(eye, numbers, seen.mesh, points, back)
            for eye, numbers in zip((seen.eyes.left, seen.eyes.right), EYES, strict=True)
        ],
        axis=0,
    )
    brows = points[np.ravel(face.EYE_CORNERS), 1].mean() - points[list(face.RIGHT_BROW + face.LEFT_BROW), 1].mean()
    lips = points[list(_LOWER_LIP), 1].mean() - points[list(_UPPER_LIP), 1].mean()
    mouth = np.linalg.norm((points[face.MOUTH_LEFT] - points[face.MOUTH_RIGHT])[:2])
    return Expression(
        turn.yaw_degrees,
        turn.pitch_degrees,
        turn.roll_degrees,
        *eyes.tolist(),
        *(float(measure) / height for measure in (brows, lips, mouth)),
    )


def motion_between(now: Expression, rest: Expression, closed: float = CLOSED) -> Motion:
    """Return the motion that leads from one expression to another, in the units that engines understand.

    `closed`: the openness that this face's closed eyes are read as.
    """
    ball = _BALL * rest.iris
    eye_y = now.eye_y - rest.eye_y
    follow = _LIDS_FOLLOW_DOWN if eye_y > 0 else _LIDS_FOLLOW_UP
    opened = max(closed + 0.05, rest.openness - follow * eye_y)
    lowered = (opened - now.openness) / (opened - closed)
    return Motion(
        yaw_degrees=now.yaw_degrees - rest.yaw_degrees,
        pitch_degrees=now.pitch_degrees - rest.pitch_degrees,
        roll_degrees=now.roll_degrees - rest.roll_degrees,
        gaze_x_degrees=_degrees(now.eye_x / ball) - _degrees(rest.eye_x / ball),
        gaze_y_degrees=_degrees(rest.eye_y / ball) - _degrees(now.eye_y / ball),
        closing=min(1.0, max(0.0, (lowered - _LIDS_REST) / (1 - _LIDS_REST))),
        brows=now.brows - rest.brows,
        mouth_open=now.lips - rest.lips,
        mouth_wide=(now.mouth - rest.mouth) / 2,
    )


def _degrees(sine: float) -> float:
    return math.degrees(math.asin(max(-0.95, min(0.95, sine))))


def read_eye(
    eye: Eye, numbers: EyePoints, mesh: FaceMesh, points: Doubles, back: Similarity
) -> tuple[float, float, float, float]:
    """Return where the iris stands (right, down), its radius, and how open the eye is; eye widths.

    `points` (468, 3): the mesh laid back onto the face at rest by `back`.
    """
    start, end = points[numbers.left, :2], points[numbers.right, :2]
    width = float(np.linalg.norm(end - start))
    along = (end - start) / width
    down = np.array([-along[1], along[0]])
    # The iris lies as near to the viewer as the lids' middles do: a turned head moves it against the corners.
    depth = float(mesh.points[list(numbers.upper + numbers.lower), 2].mean())
    iris = back.place(np.array([[*eye.centre, depth]]))[0, :2] - (start + end) / 2
    gaps = (points[list(numbers.lower), :2] - points[list(numbers.upper), :2]) @ down
    # The mesh stays half open through a blink and the iris model falls shut at once: the truth lies between them.
    openness = (eye.openness + float(gaps.max()) / width) / 2
    return float(iris @ along) / width, float(iris @ down) / width, eye.radius_px / eye.width_px, openness
