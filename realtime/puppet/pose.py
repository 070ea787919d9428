"""What a puppet is asked to do at one moment, in numbers that mean the same on every face."""

from __future__ import annotations

from typing import NamedTuple


class Pose(NamedTuple):
    """A face compared with its picture: all zero is the picture as it is. Left and right are the picture's; lengths are
    heights of the face, forehead to chin.
    """

    yaw_degrees: float = 0.0
    """The head turned: positive towards the right edge of the picture."""
    pitch_degrees: float = 0.0
    """Positive: up."""
    roll_degrees: float = 0.0
    """Positive: clockwise on the screen."""
    gaze_x_degrees: float = 0.0
    """The eyes turned in the head: positive towards the right edge of the picture."""
    gaze_y_degrees: float = 0.0
    """Positive: up."""
    closing_left: float = 0.0
    """Lids: 0 as in the picture, 1 closed."""
    closing_right: float = 0.0
    brow_left: float = 0.0
    """How far a brow is raised; 0.03 is a clear movement."""
    brow_right: float = 0.0
    corner_left_out: float = 0.0
    """How far a corner of the mouth moves away from its middle; 0.02 is a clear movement."""
    corner_right_out: float = 0.0
    corner_left_up: float = 0.0
    corner_right_up: float = 0.0
    upper_lip_up: float = 0.0
    """How far the middle of the upper lip's inner edge moves up."""
    lower_lip_down: float = 0.0
    """How far the middle of the lower lip's inner edge moves down; 0.1 is wide open."""
    jaw_down: float = 0.0
    """How far the chin goes down, and with it tongue and lower teeth: in a grin the lips part and it stays."""
    shift_right: float = 0.0
    """The whole head moved in the picture."""
    shift_up: float = 0.0
    grow: float = 0.0
    """By which share the head is larger."""

    @property
    def mouth_open(self) -> float:
        """How much farther the lips are apart than in the picture; never less."""
        return max(0.0, self.upper_lip_up + self.lower_lip_down)

    def mirrored(self) -> Pose:
        """Return the pose as a looking glass shows it."""
        return self._replace(
            yaw_degrees=-self.yaw_degrees,
            roll_degrees=-self.roll_degrees,
            gaze_x_degrees=-self.gaze_x_degrees,
            closing_left=self.closing_right,
            closing_right=self.closing_left,
            brow_left=self.brow_right,
            brow_right=self.brow_left,
            corner_left_out=self.corner_right_out,
            corner_right_out=self.corner_left_out,
            corner_left_up=self.corner_right_up,
            corner_right_up=self.corner_left_up,
            shift_right=-self.shift_right,
        )

    def mixed(self, other: Pose, share: float) -> Pose:
        """Return this pose with `share`, 0..1, of the way to another gone."""
        return Pose(*(here + (there - here) * share for here, there in zip(self, other, strict=True)))


AT_REST = Pose()
