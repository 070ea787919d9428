"""Where a portrait looks that hangs beside its camera, or far from it: one calibration for all portraits of a wall.

A camera sees the direction of a viewer from its own lens; a portrait must look in the direction from its own eyes. The
two differ by where the portrait hangs, and the less the farther away the viewer is. How far that is, the distance of
the viewer's eyes in the picture tells: those of adults are 6.3 cm apart. So a portrait is told its place in
centimetres, as a tape measure has it, and needs no calibration of its own (`effects/portrait.py`).
"""

from __future__ import annotations

import dataclasses
from dataclasses import field

from realtime.core.language import N_
from realtime.core.settings import setting
from realtime.effects.viewpoint import USUAL_LENS_DEGREES, CameraPose


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where the eyes of a portrait hang, from the camera's lens, as somebody sees it who stands before the wall."""

    right_cm: float = field(
        default=0.0,
        metadata=setting(
            N_("how far right of the camera its eyes hang, seen from before the wall"),
            least=-2000,
            most=2000,
            unit="cm",
        ),
    )
    below_cm: float = field(
        default=0.0,
        metadata=setting(N_("how far below the camera its eyes hang"), least=-2000, most=2000, unit="cm"),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Calibration:
    """What portraits of a wall have in common: the directions from left to right and from top to bottom that their
    viewers are in, as shares of the mirrored picture of a camera that hangs straight. Those of a viewer so far away
    that no place on the wall makes a difference. And how the camera hangs.
    """

    view_left: float = field(default=0.0, metadata=setting(N_("the first column looks here"), least=-3, most=4))
    view_right: float = field(default=1.0, metadata=setting(N_("the last column looks here"), least=-3, most=4))
    view_top: float = field(default=0.0, metadata=setting(N_("the first row looks here"), least=-3, most=4))
    view_bottom: float = field(default=1.0, metadata=setting(N_("the last row looks here"), least=-3, most=4))
    right_cm: float = field(
        default=0.0,
        metadata=setting(N_("the place of a screen that tells none of its own"), least=-2000, most=2000, unit="cm"),
    )
    below_cm: float = field(default=0.0, metadata=setting(N_("the same, downwards"), least=-2000, most=2000, unit="cm"))
    turned_degrees: float = field(default=0.0, metadata=setting(N_("how the camera hangs: turned to the right")))
    tilted_degrees: float = field(default=0.0, metadata=setting(N_("tilted downwards")))
    rolled_degrees: float = field(default=0.0, metadata=setting(N_("crooked, clockwise seen from before the wall")))
    lens_degrees: float = field(default=USUAL_LENS_DEGREES, metadata=setting(N_("how much it sees from left to right")))
    lens_distortion: float = field(default=0.0, metadata=setting(N_("how its lens bends straight lines: k1")))

    @property
    def pose(self) -> CameraPose:
        """How the camera hangs."""
        return CameraPose(
            self.turned_degrees, self.tilted_degrees, self.rolled_degrees, self.lens_degrees, self.lens_distortion
        )


def view_for(place: Place | None, calibration: Calibration) -> dict[str, float]:
    """Return the portrait's settings, by name, that make it look at people from where it hangs. None: from where the
    portrait hangs that was calibrated.
    """
    return {**dataclasses.asdict(calibration), **({} if place is None else dataclasses.asdict(place))}
