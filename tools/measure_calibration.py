"""How well a portrait's eyes meet people before and after a gallery's calibration, by geometry.

    python -m tools.measure_calibration

A pinhole camera of some field of view hangs above or beside portraits, not quite level. An installer stands left,
middle, right and near, sways, and is measured with a detector's errors; also somewhat beside where the signs ask, while
others look on, walk by and come along, and behind a lens that bends straight lines. Then people of three heights, whose
eyes are nearer together or farther apart than usual, stand at five places. What the portrait's gaze controller chooses
for them is held against the direction from its own eyes to theirs. The error is a share of the way from the first frame
to the last; the goal is a twelfth.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    distortion: float = 0.0
    """Of its lens: k1."""


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
IN_SITUATIONS = (HANGINGS[0], HANGINGS[1], HANGINGS[2], HANGINGS[4], HANGINGS[5], HANGINGS[11])
"""Those that are tried in each situation."""
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

Others = Callable[[float, Spot], Mapping[int, Standing]]
"""Who else is in view at a moment, while the installer stands somewhere, by their tracks' numbers. Where 0 is among
them, the installer is hidden behind one.
"""


def nobody_else(at_s: float, spot: Spot) -> dict[int, Standing]:  # noqa: ARG001 - as Others are asked
    return {}


def looks_on(at_s: float, spot: Spot) -> dict[int, Standing]:  # noqa: ARG001
    """Two people behind, one of whom sways from foot to foot."""
    return {1: Standing(-70, 0, 380), 2: Standing(95 + 8 * math.sin(at_s), 12, 420)}


def walks_by(at_s: float, spot: Spot) -> dict[int, Standing]:
    """Somebody crosses before the installer every eight seconds at a metre a second, and hides them in passing."""
    right_cm = 100 * (at_s % 8.0) - 300
    if abs(right_cm) > 160:
        return {}
    passer = Standing(right_cm, 10, 100 if spot is not Spot.NEAR else 90)
    at = INSTALLER[spot]
    hides = abs(right_cm / passer.before_cm - at.right_cm / at.before_cm) < 0.2
    return {3 + int(at_s // 8.0): passer, **({0: passer} if hides else {})}


def comes_along(at_s: float, spot: Spot) -> dict[int, Standing]:  # noqa: ARG001
    """Somebody stands beside, as near as the installer, from the second place on."""
    return {} if spot is Spot.LEFT else {9: Standing(45, -10, 215)}


@dataclasses.dataclass(frozen=True)
class Situation:
    """How an installer goes through it, otherwise than as asked."""

    name: str
    stands: Mapping[Spot, Standing] = dataclasses.field(default_factory=dict)
    others: Others = nobody_else
    distortion: float = 0.0


_MIDDLE, _NEAR = INSTALLER[Spot.MIDDLE], INSTALLER[Spot.NEAR]
SITUATIONS = (
    Situation("as asked"),
    Situation("20 cm right of the middle", {Spot.MIDDLE: _MIDDLE._replace(right_cm=20)}),
    Situation("near, 20 cm too far left", {Spot.NEAR: _NEAR._replace(right_cm=-20)}),
    Situation(
        "15 cm right, then 15 cm left",
        {Spot.MIDDLE: _MIDDLE._replace(right_cm=15), Spot.NEAR: _NEAR._replace(right_cm=-15)},
    ),
    Situation(
        "both 20 cm too far right",
        {Spot.MIDDLE: _MIDDLE._replace(right_cm=20), Spot.NEAR: _NEAR._replace(right_cm=20)},
    ),
    Situation(
        "both 20 cm too far left",
        {Spot.MIDDLE: _MIDDLE._replace(right_cm=-20), Spot.NEAR: _NEAR._replace(right_cm=-20)},
    ),
    Situation("left is 40 cm farther out than right", {Spot.LEFT: Standing(-150, 5, 230)}),
    Situation("left is nearer, 1.8 m", {Spot.LEFT: Standing(-70, 5, 180)}),
    Situation("two people look on behind", others=looks_on),
    Situation("somebody walks by, again and again", others=walks_by),
    Situation("somebody comes along from the middle on", others=comes_along),
    Situation("a lens that bends, k1 -0.05", distortion=-0.05),
    Situation("k1 -0.1", distortion=-0.1),
    Situation("k1 -0.15", distortion=-0.15),
)
AS_ASKED = SITUATIONS[0]


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
    edge = math.tan(math.radians(hanging.fov_degrees / 2))
    focal_px = SIZE.width / 2 / (edge * (1 + hanging.distortion * edge**2))
    bent = focal_px * (1 + hanging.distortion * (along**2 + down**2) / depth**2)
    return SIZE.width / 2 + bent * along / depth, SIZE.height / 2 + bent * down / depth


def calibrated(hanging: Hanging, random: np.random.Generator, situation: Situation = AS_ASKED) -> Calibration:
    """Go through a calibration before a portrait, moment by moment."""
    if hanging.before is not None:
        hanging = dataclasses.replace(hanging, place=hanging.before, before=None)
    watch = CalibrationWatch()
    now_s, spot = 0.0, Spot.LEFT
    while True:
        at = situation.stands.get(spot, INSTALLER[spot])
        people: dict[int, Standing] = {0: at, **situation.others(now_s, spot)}
        if people[0] is not at:
            del people[0]
        seen = [_sighted(hanging, one, random) for one in people.values()]
        sign = watch.update(now_s, seen, list(people))
        if sign.hint is Hint.DONE:
            break
        if sign.hint is Hint.GIVEN_UP:
            raise RuntimeError(f"{hanging.name}: the calibration gives up at {sign.spot.value}")
        spot = sign.spot
        now_s += 1 / FPS
    place = hanging.place if hanging.measured else None
    lens_degrees = hanging.fov_degrees if hanging.lens_is_known else None
    return solve(watch.taken, ASPECT, place, camera_pose(watch.taken, ASPECT, place, lens_degrees))


def _sighted(hanging: Hanging, at: Standing, random: np.random.Generator) -> Sighting:
    sway = random.normal(0, _SWAY_CM / 3, 3)
    seen = seen_by(hanging, Standing(*(float(value + move) for value, move in zip(at, sway, strict=True))))
    return seen._replace(eyes=seen.eyes * float(random.normal(1, _EYES_ERROR)))


def looked_at(view: dict[str, float], seen: Sighting) -> tuple[float, float]:
    """Return where the portrait looks, as shares of the way from the first frame to the last across and down."""
    bounds = (view["view_left"], view["view_right"], view["view_top"], view["view_bottom"])
    controller = GazeController(GazeOptions(COLUMNS, ROWS, *bounds))
    pose = CameraPose(
        view["turned_degrees"], view["tilted_degrees"], view["rolled_degrees"], view["lens_degrees"],
        view["lens_distortion"],
    )  # fmt: skip
    at = standing_at(as_seen(seen), ASPECT, pose, view["right_cm"])
    viewer = seen_from(at, ASPECT, pose, view["right_cm"], view["below_cm"])
    for moment in range(3 * FPS):
        target = controller.update(moment / FPS, viewer)
    return target.column / (COLUMNS - 1), target.row / (ROWS - 1)


def truth(standing: Standing, stood: Mapping[Spot, Standing] = INSTALLER) -> tuple[float, float]:
    """Return the direction from the portrait's eyes as such shares: its ends are where the installer `stood`."""
    widest = max(abs(stood[spot].right_cm) / stood[spot].before_cm for spot in (Spot.LEFT, Spot.RIGHT))
    across = standing.right_cm / standing.before_cm / widest
    down = -standing.above_cm / standing.before_cm / (0.6 * widest)
    return tuple(min(max(0.5 + share / 2, 0.0), 1.0) for share in (across, down))  # type: ignore[return-value]


def errors(
    hanging: Hanging, view: dict[str, float], stood: Mapping[Spot, Standing] = INSTALLER
) -> Iterator[tuple[float, float]]:
    """Yield the errors across and down of each person at each place."""
    for (right, before), above, eyes_cm in itertools.product(PLACES.values(), HEIGHTS_CM.values(), EYES_CM):
        standing = Standing(right, above, before)
        shown = looked_at(view, seen_by(hanging, standing, eyes_cm))
        right_share, down_share = truth(standing, stood)
        yield abs(shown[0] - right_share), abs(shown[1] - down_share)


def view_after(hanging: Hanging, seed: int, situation: Situation = AS_ASKED) -> dict[str, float]:
    """Return how the portrait looks after a calibration."""
    calibration = calibrated(hanging, np.random.default_rng(seed), situation)
    return view_for(hanging.place if hanging.before else None, calibration)


def by_default(hanging: Hanging) -> tuple[float, float]:
    """Return the largest error across and down without a calibration."""
    across, down = np.max(list(errors(hanging, view_for(Place(), Calibration()))), axis=0)
    return float(across), float(down)


def measure(hanging: Hanging, seeds: Sequence[int], situation: Situation = AS_ASKED) -> tuple[float, float]:
    """Return the largest error across and down after calibrations."""
    hanging = dataclasses.replace(hanging, distortion=situation.distortion)
    stood = {**INSTALLER, **situation.stands}
    views = [view_after(hanging, seed, situation) for seed in seeds]
    across, down = np.max([np.max(list(errors(hanging, view, stood)), axis=0) for view in views], axis=0)
    return float(across), float(down)


def main() -> None:
    """Print a row for each way to hang camera and portrait."""
    print(f"largest error as a share of the way; the goal is {GOAL:.3f}")
    print(f"{'':38}{'default':>16}{'calibrated':>18}")
    print(f"{'':38}{'across   down':>16}{'across   down':>18}")
    for hanging in HANGINGS:
        before, after = by_default(hanging), measure(hanging, range(5))
        print(f"{hanging.name:38}{before[0]:9.3f}{before[1]:7.3f}{after[0]:11.3f}{after[1]:7.3f}")
    print("\nacross, down where it is done otherwise:")
    for number, hanging in enumerate(IN_SITUATIONS, 1):
        print(f"{number}: {hanging.name}")
    for situation in SITUATIONS:
        found = [measure(hanging, range(3), situation) for hanging in IN_SITUATIONS]
        print(f"{situation.name:40}" + "  ".join(f"{across:.3f} {down:.3f}" for across, down in found), flush=True)


if __name__ == "__main__":
    main()
