"""Takes the models' tremble out of poses, and leaves movements as quick as they are.

What has moved by far more than the models tremble is taken as it is, what has hardly moved is drawn near slowly: the
step towards what is measured grows with its distance. The One Euro filter, which looks at speed, takes a tremble of 0.3
degrees a frame for 9 degrees a second: it left twice as much of it, and came later.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from realtime.imaging.numerics import Doubles, eased
from realtime.puppet.pose import Pose

_RATE_HZ = 30.0
"""`_Group.sure` is what has moved for certain from one frame to the next at this rate."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Group:
    """Numbers of a pose that move together: where one has moved, all have."""

    names: tuple[str, ...]
    sure: tuple[float, ...]
    """Farther from the calmed value than this, a measured one is a movement."""
    least_hz: float
    """How quickly what has hardly moved is drawn near."""


_GROUPS = (
    _Group(("yaw_degrees", "pitch_degrees", "roll_degrees"), (2.2, 2.2, 1.6), 0.5),
    _Group(("shift_right", "shift_up", "grow"), (0.006, 0.006, 0.008), 0.5),
    _Group(("gaze_x_degrees", "gaze_y_degrees"), (5.0, 5.0), 0.5),
    _Group(("closing_left", "closing_right"), (0.25, 0.25), 2.0),
    _Group(("brow_left", "brow_right"), (0.012, 0.012), 0.4),
    _Group(("corner_left_out", "corner_right_out", "corner_left_up", "corner_right_up"), (0.010,) * 4, 0.8),
    _Group(("upper_lip_up", "lower_lip_down", "jaw_down"), (0.010, 0.014, 0.018), 1.0),
)


class CalmPose:
    """Of one viewer. Used by one thread."""

    def __init__(self) -> None:
        self._calm: list[Doubles] | None = None
        self._at_s = 0.0

    def calmed(self, pose: Pose, pts_s: float) -> Pose:
        """Return the calmed pose of a moment; moments come in order."""
        raw = [np.array([getattr(pose, name) for name in group.names]) for group in _GROUPS]
        if self._calm is None:
            self._calm = raw
        else:
            step_s = max(0.0, pts_s - self._at_s)
            self._calm = [
                calm + _step(group, now - calm, step_s) * (now - calm)
                for group, calm, now in zip(_GROUPS, self._calm, raw, strict=True)
            ]
        self._at_s = pts_s
        values = pose._asdict()
        for group, calm in zip(_GROUPS, self._calm, strict=True):
            values.update(zip(group.names, calm.tolist(), strict=True))
        return Pose(**values)

    def reset(self) -> None:
        """Forget everything: the next pose is taken as it is."""
        self._calm = None


def _step(group: _Group, away: Doubles, step_s: float) -> float:
    """Return how much of the way to what is measured is gone in a time."""
    sure = eased(float((np.abs(away) / group.sure).max()))
    stays: float = math.exp(-2 * math.pi * group.least_hz * step_s) * (1 - sure) ** (step_s * _RATE_HZ)
    return 1 - stays
