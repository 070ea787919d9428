"""A picture's face in poses: it does what it is asked, where it is asked, and nothing else."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.imaging.frame import Pixels
from realtime.portrait.quality.sharpness import sharpness
from realtime.puppet.figure import Figure
from realtime.puppet.pose import AT_REST, Pose
from realtime.puppet.reading import Reading, read_face
from tests.puppet.conftest import posed
from tools.mouth_pixels import MouthGauge

EXTREMES = [
    Pose(yaw_degrees=26, pitch_degrees=-20, roll_degrees=22, shift_right=0.03, grow=0.03),
    Pose(yaw_degrees=-26, pitch_degrees=20, roll_degrees=-22, shift_up=0.03, grow=-0.03),
    Pose(corner_left_out=1, corner_right_out=1, corner_left_up=1, corner_right_up=1, upper_lip_up=1, lower_lip_down=1),
    Pose(corner_left_out=-1, corner_right_out=-1, corner_left_up=-1, corner_right_up=-1, upper_lip_up=-1, jaw_down=1),
    Pose(corner_left_out=1, corner_right_out=-1, corner_left_up=-1, corner_right_up=1, lower_lip_down=1, jaw_down=1),
    Pose(brow_left=1, brow_right=-1, yaw_degrees=26),
]


def test_at_rest_it_is_the_picture_to_the_bit(figure: Figure, picture: Pixels) -> None:
    assert np.array_equal(posed(figure, picture, AT_REST), picture)


@pytest.mark.parametrize("pose", EXTREMES)
def test_the_rim_of_its_region_hardly_moves(figure: Figure, picture: Pixels, pose: Pose) -> None:
    """What lies beyond is not drawn at all: a step there would be a seam."""
    drawn, own = figure.place.of(posed(figure, picture, pose)), figure.place.of(picture)
    rim = np.ones(own.shape[:2], bool)
    rim[1:-1, 1:-1] = False
    assert np.abs(drawn[rim].astype(int) - own[rim]).max() <= 8


@pytest.mark.parametrize("pose", EXTREMES)
def test_nothing_folds(figure: Figure, pose: Pose) -> None:
    assert figure.least_area(pose) > 0.1


def test_a_picture_given_is_never_written_into(figure: Figure, picture: Pixels) -> None:
    before = picture.copy()
    posed(figure, picture, EXTREMES[0])
    assert np.array_equal(picture, before)


def test_the_same_pose_is_the_same_picture_again(figure: Figure, picture: Pixels) -> None:
    pose = Pose(8, -4, 3, 10, 3, 0.3, 0.3, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.03, 0.02)
    for _ in range(4):  # the turn is turned round from where the last frame ended
        first = posed(figure, picture, pose)
    again = posed(figure, picture, pose)
    assert np.abs(again.astype(int) - first).max() <= 3


def test_it_stays_as_sharp_as_it_is(figure: Figure, picture: Pixels) -> None:
    moved = posed(figure, picture, Pose(yaw_degrees=7, pitch_degrees=-5, roll_degrees=4))
    assert sharpness(figure.place.of(moved)) > 0.85 * sharpness(figure.place.of(picture))


def read(figure: Figure, picture: Pixels, seen: FaceMeasurement, meter: FaceMeasurer, pose: Pose) -> Reading:
    return read_face(meter.again(posed(figure, picture, pose), seen), seen)


@pytest.mark.parametrize(
    ("asked", "read_as", "units"),
    [
        ("yaw_degrees", "yaw_degrees", 10.0),
        ("pitch_degrees", "pitch_degrees", 8.0),
        ("roll_degrees", "roll_degrees", 10.0),
    ],
)
def test_the_head_turns_as_far_as_it_is_asked(
    figure: Figure, picture: Pixels, seen: FaceMeasurement, meter: FaceMeasurer, asked: str, read_as: str, units: float
) -> None:
    there, back = (
        getattr(read(figure, picture, seen, meter, Pose(**{asked: units * way})), read_as) for way in (1, -1)
    )
    assert 0.6 * 2 * units < there - back < 1.3 * 2 * units


def test_the_eyes_look_where_they_are_asked(
    figure: Figure, picture: Pixels, seen: FaceMeasurement, meter: FaceMeasurer
) -> None:
    right, left = (read(figure, picture, seen, meter, Pose(gaze_x_degrees=way)) for way in (15, -15))
    up, down = (read(figure, picture, seen, meter, Pose(gaze_y_degrees=way)) for way in (12, -12))
    assert right.eye_x - left.eye_x > 0.08
    assert down.eye_y - up.eye_y > 0.03


def openness(seen: FaceMeasurement) -> tuple[float, float]:
    """What the iris model sees of each eye."""
    return seen.eyes.left.openness, seen.eyes.right.openness


def test_lids_close_both_and_one_alone(
    figure: Figure, picture: Pixels, seen: FaceMeasurement, meter: FaceMeasurer
) -> None:
    rest = openness(seen)
    both = openness(meter.again(posed(figure, picture, Pose(closing_left=1, closing_right=1)), seen))
    wink = openness(meter.again(posed(figure, picture, Pose(closing_left=1)), seen))
    squint = openness(meter.again(posed(figure, picture, Pose(closing_left=0.5, closing_right=0.5)), seen))
    assert max(both) < 0.16
    assert wink[0] < 0.16
    assert wink[1] > 0.8 * rest[1]
    assert all(shut < half < full for shut, half, full in zip(both, squint, rest, strict=True))


def test_the_mouth_opens_widens_purses_smiles_and_sulks(
    figure: Figure, picture: Pixels, seen: FaceMeasurement, meter: FaceMeasurer
) -> None:
    rest = read(figure, picture, seen, meter, AT_REST)
    opened = read(figure, picture, seen, meter, Pose(lower_lip_down=0.08, jaw_down=0.07))
    wide = read(figure, picture, seen, meter, Pose(corner_left_out=0.03, corner_right_out=0.03))
    pursed = read(figure, picture, seen, meter, Pose(corner_left_out=-0.03, corner_right_out=-0.03))
    smile = read(figure, picture, seen, meter, Pose(corner_left_up=0.03, corner_right_up=0.03))
    sulk = read(figure, picture, seen, meter, Pose(corner_left_up=-0.03, corner_right_up=-0.03))

    def width(reading: Reading) -> float:
        return reading.right_x - reading.left_x

    def corners(reading: Reading) -> float:
        return (reading.left_y + reading.right_y) / 2 - (reading.upper_y + reading.lower_y) / 2

    assert 0.04 < (opened.lower_y - opened.upper_y) - (rest.lower_y - rest.upper_y) < 0.11
    assert width(wide) - width(rest) > 0.02
    assert width(rest) - width(pursed) > 0.02
    assert corners(smile) < corners(rest) - 0.008
    assert corners(sulk) > corners(rest) + 0.008


def test_behind_parted_lips_it_is_dark_with_teeth_above(figure: Figure, picture: Pixels, seen: FaceMeasurement) -> None:
    rest, opened = (
        posed(figure, picture, pose).astype(int).mean(axis=2)
        for pose in (AT_REST, Pose(lower_lip_down=0.12, jaw_down=0.1))
    )
    x, y = (int(value) for value in seen.mesh.points[14, :2])  # the lower lip's inner edge, at rest
    height = seen.mesh.box.height
    column = opened[y : y + int(0.12 * height), x]
    assert column[: int(0.03 * height)].max() > 1.5 * column.min()
    assert column.min() < 0.6 * rest[y - int(0.1 * height) : y + int(0.15 * height), x].mean()


def test_brows_go_up_and_each_alone(figure: Figure, picture: Pixels, seen: FaceMeasurement) -> None:
    import cv2

    x, y = (int(value) for value in seen.mesh.points[[105, 52], :2].mean(axis=0))
    brow = np.ascontiguousarray(picture[y - 12 : y + 8, x - 14 : x + 14])
    raised = posed(figure, picture, Pose(brow_left=0.035, brow_right=0.035))
    found = cv2.matchTemplate(raised[y - 32 : y + 28, x - 14 : x + 14], brow, cv2.TM_CCOEFF_NORMED)
    up_px = 20 - int(np.argmax(found[:, 0]))
    assert 0.5 * 0.035 < up_px / seen.mesh.box.height < 1.2 * 0.035
    changed = posed(figure, picture, Pose(brow_left=0.035)) != picture
    assert changed[:, : int(seen.mesh.points[8, 0]) - 10].any()
    assert not changed[:, int(seen.mesh.points[8, 0]) + 35 :].any()


def test_eyes_without_irises_only_close(picture: Pixels, seen: FaceMeasurement, meter: FaceMeasurer) -> None:
    import cv2

    statue = picture.copy()
    for eye in (seen.eyes.left, seen.eyes.right):
        ring = np.concatenate([eye.upper, eye.lower[::-1]])
        cv2.fillPoly(statue, [np.rint(ring).astype(np.int32)], (150, 165, 180))
    blind = Figure(np.asarray(cv2.GaussianBlur(statue, (0, 0), 1.5), np.uint8), seen)
    assert not blind.has_irises
    left, right = (posed(blind, statue, Pose(gaze_x_degrees=way)) for way in (-20, 20))
    assert np.array_equal(left, right)
    assert not np.array_equal(posed(blind, statue, Pose(closing_left=1, closing_right=1)), left)


@pytest.mark.parametrize(
    ("name", "beside"),
    [("yaw_degrees", {"roll_degrees": 6.0}), ("pitch_degrees", {"yaw_degrees": 12.0}), ("roll_degrees", {})],
)
def test_a_turn_that_is_larger_always_is_drawn_larger(figure: Figure, name: str, beside: dict[str, float]) -> None:
    """However far beyond what the picture bears, and whatever else the head does."""

    def moved_px(degrees: float) -> float:
        pose = AT_REST._replace(**beside, **{name: degrees})
        for _ in range(3):  # turned round by repetition
            back = figure._warp.turn(pose)
        turned = np.array(back)
        for _ in range(3):
            still = figure._warp.turn(AT_REST._replace(**beside))
        return float(np.abs(turned - still).mean())

    moved = [moved_px(degrees) for degrees in (4, 8, 14, 22, 35)]
    assert all(more > less for less, more in itertools.pairwise(moved))
    assert moved[1] == pytest.approx(2 * moved[0], rel=0.1), "what it bears it does as far as it is asked"


def test_a_mouths_pixels_tell_what_was_drawn(figure: Figure, picture: Pixels, seen: FaceMeasurement) -> None:
    gauge = MouthGauge(picture, seen.mesh)
    assert max(map(abs, gauge.measure(picture, seen.mesh))) < 1e-3
    for parted in (0.03, 0.06):
        pose = Pose(lower_lip_down=0.8 * parted, upper_lip_up=0.2 * parted, jaw_down=0.6 * parted)
        assert gauge.measure(posed(figure, picture, pose), seen.mesh).parted == pytest.approx(0.88 * parted, rel=0.12)
    for out in (-0.02, 0.02):
        pose = Pose(corner_left_out=out, corner_right_out=out)
        assert gauge.measure(posed(figure, picture, pose), seen.mesh).out == pytest.approx(0.87 * out, rel=0.2)
    hidden = picture.copy()
    hidden[:] = 128
    assert np.isnan(gauge.measure(hidden, seen.mesh)).all()
