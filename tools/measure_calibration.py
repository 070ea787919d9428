"""How well a portrait's eyes meet people before and after a gallery's calibration, by geometry.

    python -m tools.measure_calibration

A pinhole camera of some field of view hangs above or beside portraits, not quite level. An installer stands left,
middle, right and near, sways, and is measured with a detector's errors. Then people of three heights, whose eyes are
nearer together or farther apart than usual, stand at five places. What the portrait's gaze controller chooses for them
is held against the direction from its own eyes to theirs. The error is a share of the way from the first frame to the
last; the goal is a twelfth.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from realtime.effects.viewpoint import ADULTS_EYES_CM, CameraPose, seen_from, standing_at
from realtime.gallery.calibration.camera_pose import camera_pose
from realtime.gallery.calibration.standing import CalibrationWatch, Hint, Sighting, Spot, as_seen, sighting_of, solve
from realtime.gallery.calibration.views import Calibration, Place, view_for
from realtime.imaging.frame import Box, Face, Size
from realtime.portrait.gaze_controller import GazeController, GazeOptions

SIZE = Size(1280, 720)
ASPECT = SIZE.width / SIZE.height
COLUMNS, ROWS = 33, 33
FPS = 30
GOAL = 1 / 12
_SWAY_CM = 1.0
_EYES_ERROR = 0.015  # of their distance, as a share: a pixel of 60


class Standing(NamedTuple):
    """Where somebody's eyes are: right of the portrait, above it, before it; cm."""

    right_cm: float
    above_cm: float
    before_cm: float


@dataclasses.dataclass(frozen=True)
class Hanging:
    """A camera and a portrait on a wall."""

    name: str
    place: Place
    """Of the portrait, from the camera."""
    fov_degrees: float
    pan_degrees: float = 0.0
    """To the right, as seen from before the wall."""
    tilt_degrees: float = 0.0
    """Downwards."""
    roll_degrees: float = 0.0
    """Clockwise, as seen from before the wall."""
    lens_is_known: bool = False
    """Whether the calibration is told the field of view."""
    measured: bool = False
    """Whether the place is told to the calibration; else it is found."""
    before: Place | None = None
    """The place of another portrait, where the calibration was done before that one."""


HANGINGS = (
    Hanging("webcam on a small screen", Place(0, 25), 70, measured=True),
    Hanging("the same, not measured with a tape", Place(0, 25), 70),
    Hanging("webcam on a large portrait screen", Place(0, 50), 78, tilt_degrees=8, measured=True),
    Hanging("wide camera on the ceiling", Place(0, 90), 95, tilt_degrees=20, measured=True),
    Hanging("the same, its lens told", Place(0, 90), 95, tilt_degrees=20, lens_is_known=True, measured=True),
    Hanging("camera beside the frame, turned in", Place(60, 0), 70, pan_degrees=10, measured=True),
    Hanging("the same, and hung crooked", Place(60, 0), 70, pan_degrees=10, roll_degrees=-5, measured=True),
    Hanging("crooked by 4 degrees above a screen", Place(0, 50), 78, tilt_degrees=8, roll_degrees=4, measured=True),
    Hanging("camera under the screen", Place(0, -45), 62, tilt_degrees=-8, measured=True),
    Hanging("a wall of eyes, 80 cm left", Place(-80, 60), 90, tilt_degrees=5, measured=True, before=Place(0, 40)),
    Hanging("a wall of eyes, 100 cm right", Place(100, 20), 90, tilt_degrees=5, measured=True, before=Place(0, 40)),
    Hanging(
        "80 cm left, its lens told",
        Place(-80, 60),
        90,
        tilt_degrees=5,
        lens_is_known=True,
        measured=True,
        before=Place(0, 40),
    ),
)
INSTALLER = {
    Spot.LEFT: Standing(-110, 5, 230),
    Spot.MIDDLE: Standing(0, 5, 230),
    Spot.RIGHT: Standing(110, 5, 230),
    Spot.NEAR: Standing(0, 5, 120),
}
PLACES = {
    "left": (-110, 230),
    "half left": (-55, 200),
    "middle": (0, 230),
    "right": (110, 230),
    "near": (0, 120),
}
HEIGHTS_CM = {"child of 1.35 m": -35, "as the installer": 5, "1.95 m": 30}
"""Of their eyes over the portrait's."""
EYES_CM = (6.0, 6.6)
"""Between the pupils; two in three adults lie within."""


def seen_by(hanging: Hanging, standing: Standing, eyes_cm: float = ADULTS_EYES_CM) -> Sighting:
    """Return where a camera sees somebody who looks at the portrait."""
    distance_cm = math.hypot(standing.right_cm, standing.before_cm)
    to_eye = (standing.before_cm / distance_cm * eyes_cm / 2, 0.0, -standing.right_cm / distance_cm * eyes_cm / 2)
    keypoints = np.zeros((6, 2), np.float32)
    for number, side in enumerate((-1, 1)):
        eye = Standing(*(at + side * offset for at, offset in zip(standing, to_eye, strict=True)))
        keypoints[number] = _projected(hanging, eye)
    return sighting_of(Face(Box(0, 0, 1, 1), keypoints, 1.0), SIZE, mirrored=True)


def _projected(hanging: Hanging, point: Standing) -> tuple[float, float]:
    x, y, z = point.right_cm + hanging.place.right_cm, hanging.place.below_cm - point.above_cm, point.before_cm
    pan, tilt = math.radians(hanging.pan_degrees), math.radians(hanging.tilt_degrees)
    along = math.cos(pan) * x - math.sin(pan) * z
    depth = math.sin(pan) * x + math.cos(pan) * z
    down, depth = math.cos(tilt) * y - math.sin(tilt) * depth, math.sin(tilt) * y + math.cos(tilt) * depth
    roll = math.radians(hanging.roll_degrees)
    along, down = math.cos(roll) * along + math.sin(roll) * down, math.cos(roll) * down - math.sin(roll) * along
    focal_px = SIZE.width / 2 / math.tan(math.radians(hanging.fov_degrees / 2))
    return SIZE.width / 2 + focal_px * along / depth, SIZE.height / 2 + focal_px * down / depth


def calibrated(hanging: Hanging, random: np.random.Generator) -> Calibration:
    """Go through a calibration before a portrait, moment by moment."""
    if hanging.before is not None:
        hanging = dataclasses.replace(hanging, place=hanging.before, before=None)
    watch = CalibrationWatch()
    now_s, spot = 0.0, Spot.LEFT
    while True:
        at = INSTALLER[spot]
        sway = random.normal(0, _SWAY_CM / 3, 3)
        seen = seen_by(hanging, Standing(*(float(value + move) for value, move in zip(at, sway, strict=True))))
        seen = seen._replace(eyes=seen.eyes * float(random.normal(1, _EYES_ERROR)))
        sign = watch.update(now_s, [seen])
        if sign.hint is Hint.DONE:
            break
        if sign.hint is Hint.GIVEN_UP:
            raise RuntimeError(f"{hanging.name}: the calibration gives up at {sign.spot.value}")
        spot = sign.spot
        now_s += 1 / FPS
    place = hanging.place if hanging.measured else None
    lens_degrees = hanging.fov_degrees if hanging.lens_is_known else None
    return solve(watch.taken, ASPECT, place, camera_pose(watch.taken, ASPECT, place, lens_degrees))


def looked_at(view: dict[str, float], seen: Sighting) -> tuple[float, float]:
    """Return where the portrait looks, as shares of the way from the first frame to the last across and down."""
    bounds = (view["view_left"], view["view_right"], view["view_top"], view["view_bottom"])
    controller = GazeController(GazeOptions(COLUMNS, ROWS, *bounds))
    pose = CameraPose(view["turned_degrees"], view["tilted_degrees"], view["rolled_degrees"], view["lens_degrees"])
    at = standing_at(as_seen(seen), ASPECT, pose, view["right_cm"])
    viewer = seen_from(at, ASPECT, pose, view["right_cm"], view["below_cm"])
    for moment in range(3 * FPS):
        target = controller.update(moment / FPS, viewer)
    return target.column / (COLUMNS - 1), target.row / (ROWS - 1)


def truth(standing: Standing) -> tuple[float, float]:
    """Return the direction from the portrait's eyes as such shares: its ends are where the installer stood."""
    widest = max(abs(one.right_cm) / one.before_cm for one in INSTALLER.values())
    across = standing.right_cm / standing.before_cm / widest
    down = -standing.above_cm / standing.before_cm / (0.6 * widest)
    return tuple(min(max(0.5 + share / 2, 0.0), 1.0) for share in (across, down))  # type: ignore[return-value]


def errors(hanging: Hanging, view: dict[str, float]) -> Iterator[tuple[float, float]]:
    """Yield the errors across and down of each person at each place."""
    for (right, before), above, eyes_cm in itertools.product(PLACES.values(), HEIGHTS_CM.values(), EYES_CM):
        standing = Standing(right, above, before)
        shown = looked_at(view, seen_by(hanging, standing, eyes_cm))
        right_share, down_share = truth(standing)
        yield abs(shown[0] - right_share), abs(shown[1] - down_share)


def view_after(hanging: Hanging, seed: int) -> dict[str, float]:
    """Return how the portrait looks after a calibration."""
    calibration = calibrated(hanging, np.random.default_rng(seed))
    return view_for(hanging.place if hanging.before else None, calibration)


def measure(hanging: Hanging, seeds: Sequence[int]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the largest error across and down by default, and after calibrations."""
    before = np.max(list(errors(hanging, view_for(Place(), Calibration()))), axis=0)
    after = np.max(
        [np.max(list(errors(hanging, view_after(hanging, seed))), axis=0) for seed in seeds],
        axis=0,
    )
    return (float(before[0]), float(before[1])), (float(after[0]), float(after[1]))


def main() -> None:
    """Print a row for each way to hang camera and portrait."""
    print(f"largest error as a share of the way; the goal is {GOAL:.3f}")
    print(f"{'':38}{'default':>16}{'calibrated':>18}")
    print(f"{'':38}{'across   down':>16}{'across   down':>18}")
    for hanging in HANGINGS:
        before, after = measure(hanging, range(5))
        print(f"{hanging.name:38}{before[0]:9.3f}{before[1]:7.3f}{after[0]:11.3f}{after[1]:7.3f}")


if __name__ == "__main__":
    main()
