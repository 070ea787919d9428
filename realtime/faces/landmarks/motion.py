"""What a face does, in a few numbers: what a driving clip is measured in, and portrait engines are asked for."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Motion:
    """Where a face stands, compared with the source picture: all zero is the picture as it is."""

    yaw_degrees: float = 0.0
    """The head turned about its vertical axis: positive towards the right edge of the picture."""
    pitch_degrees: float = 0.0
    """Positive: up."""
    roll_degrees: float = 0.0
    """Positive: clockwise on the screen."""
    gaze_x_degrees: float = 0.0
    """The eyes turned in the head, besides the head's own turn: positive towards the right edge of the picture."""
    gaze_y_degrees: float = 0.0
    """Positive: up. The lids follow by themselves."""
    closing: float = 0.0
    """Lids: 0 as in the picture, 1 closed."""
    brows: float = 0.0
    """How far the brows are raised, in heights of the face (forehead to chin); 0.03 is a clear movement."""
    mouth_open: float = 0.0
    """How much farther the lips' inner edges are apart, in heights of the face; 0.1 is wide open."""
    mouth_wide: float = 0.0
    """How far each corner of the mouth moves away from its middle, in heights of the face: half of what the mouth's
    width grows by. Negative: narrower; 0.02 is a clear movement."""
    rise: float = 0.0
    """The whole head moved up, in heights of the face: breathing is about 0.004."""
