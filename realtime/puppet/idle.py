"""What a puppet does when nobody is there: it looks about, breathes and blinks, as portraits do."""

from __future__ import annotations

import math

from realtime.portrait.gaze_controller import GazeController, GazeOptions
from realtime.puppet.pose import Pose

_COLUMNS, _ROWS = 61, 31
"""Directions it can look in: so fine that no step between two of them is seen."""
_YAW_DEGREES, _PITCH_DEGREES = 11.0, 6.0
"""The head's share of the way to the edge of what it looks at ..."""
_GAZE_X_DEGREES, _GAZE_Y_DEGREES = 16.0, 8.0
"""... and that of the eyes."""
_BREATH_S, _BREATH = 4.4, 0.004
"""One breath, and by how many heights of the face it lifts the head."""


class Idler:
    """Used by one thread."""

    def __init__(self, seed: int = 0) -> None:
        options = GazeOptions(columns=_COLUMNS, rows=_ROWS, wander_after_s=0.0, seed=seed)
        self._gaze = GazeController(options)

    def pose(self, pts_s: float) -> Pose:
        """Return the pose of a moment; moments come in order."""
        look = self._gaze.update(pts_s, None)
        across, down = look.column / (_COLUMNS - 1) * 2 - 1, look.row / (_ROWS - 1) * 2 - 1
        breath = 0.5 - 0.5 * math.cos(2 * math.pi * pts_s / _BREATH_S)
        return Pose(
            yaw_degrees=across * _YAW_DEGREES,
            pitch_degrees=-down * _PITCH_DEGREES,
            gaze_x_degrees=across * _GAZE_X_DEGREES,
            gaze_y_degrees=-down * _GAZE_Y_DEGREES,
            closing_left=look.lids,
            closing_right=look.lids,
            shift_up=breath * _BREATH,
        )
