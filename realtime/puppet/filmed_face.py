"""The viewer as engines that are driven by a filmed face see them: now, and at rest."""

from __future__ import annotations

import math

import numpy as np

from realtime.faces.landmarks.canonical import mirrored_points
from realtime.faces.landmarks.iris import Eye, Eyes
from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.faces.landmarks.mesh import RIGID, FaceMesh
from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.imaging.pixels import cut_square
from realtime.portrait.engines import DrivingFace, Source
from realtime.puppet.pose import Pose

_SIDE = 2.7
"""Of the square around a face, heights or widths of its mesh at rest: the crops of motion models (`coverage=3`) are 2.2
high, and begin above the middle."""
_MOST_PX = 512
"""No larger are squares that are handed on: models look at 256 pixels."""
_CHOSEN_IN_S = 1.0
"""So long after a rest is known, the sight that is nearest to it is taken for it."""


class FilmedFace:
    """Cuts a square out of every frame that goes with the viewer's face, as a camera on their head would. Used by one
    thread.
    """

    def __init__(self) -> None:
        self._rest: Source | None = None
        self._away = math.inf
        self._known_at_s = 0.0
        self._side_px, self._scale = 1, 1.0

    def forget(self) -> None:
        """Somebody else is there, or the same person's rest is learnt anew."""
        self._rest, self._away = None, math.inf

    def see(self, pixels: Pixels, seen: FaceMeasurement, pose: Pose, pts_s: float, *, flipped: bool) -> DrivingFace:
        """Return the face in a frame, and at rest. `pose`: how it differs from its rest. `flipped`: as in a looking
        glass.
        """
        if self._rest is None:
            self._known_at_s = pts_s
            box = seen.mesh.box
            side = _SIDE * max(box.width, box.height)
            self._scale = min(1.0, _MOST_PX / side)
            self._side_px = max(16, round(side * self._scale))
        now = self._square(pixels, seen, flipped=flipped)
        away = distance_from_rest(pose)
        if self._rest is None or (away < self._away and pts_s - self._known_at_s < _CHOSEN_IN_S):
            self._rest, self._away = now, away
        return DrivingFace(now, self._rest)

    def _square(self, pixels: Pixels, seen: FaceMeasurement, *, flipped: bool) -> Source:
        scale = -self._scale if flipped else self._scale
        centre = seen.mesh.points[list(RIGID), :2].mean(axis=0)
        middle = (self._side_px - 1) / 2
        to_frame = np.array([[1 / scale, 0, 0], [0, 1 / self._scale, 0]], np.float64)
        to_frame[:, 2] = centre - to_frame[:, :2] @ (middle, middle)
        picture = cut_square(pixels, to_frame, self._side_px)

        def placed(points: Floats) -> Floats:
            return np.asarray((points - centre) * (scale, self._scale) + middle, np.float32)

        def eye(one: Eye) -> Eye:
            upper, lower = placed(one.upper), placed(one.lower)
            if flipped:
                upper, lower = upper[::-1], lower[::-1]
            return Eye(placed(one.centre), one.radius_px * self._scale, upper, lower)

        points = np.hstack([placed(seen.mesh.points[:, :2]), seen.mesh.points[:, 2:] * self._scale])
        eyes = (eye(seen.eyes.left), eye(seen.eyes.right))
        if flipped:
            points, eyes = points[mirrored_points()], eyes[::-1]
        return Source(picture, FaceMesh(points.astype(np.float32), seen.mesh.score), Eyes(*eyes))


def distance_from_rest(pose: Pose) -> float:
    """Return how far a pose is from rest, in clear movements: 0 at rest."""
    turned = max(map(abs, (pose.yaw_degrees, pose.pitch_degrees, pose.roll_degrees))) / 8
    eyes = max(pose.closing_left, pose.closing_right, abs(pose.gaze_x_degrees) / 15) / 0.5
    corners = (pose.corner_left_out, pose.corner_right_out, pose.corner_left_up, pose.corner_right_up)
    return turned + eyes + pose.mouth_open / 0.03 + max(map(abs, corners)) / 0.02
