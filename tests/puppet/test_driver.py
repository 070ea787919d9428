"""Whoever is before the camera, as poses. The viewer is a picture that another puppet moves, so that it is known what
they do.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.imaging.frame import Face, Pixels
from realtime.puppet.driver import Strengths, ViewerDriver
from realtime.puppet.figure import Figure
from realtime.puppet.idle import Idler
from realtime.puppet.lids import LidReader
from realtime.puppet.pose import AT_REST, Pose
from realtime.puppet.reading import Reading, read_face
from realtime.puppet.rest import RestLearner
from tests.puppet.conftest import posed

STEP_S = 0.1
AS_FAR = Strengths()


class Viewer:
    """A face that is moved before a driver."""

    def __init__(self, figure: Figure, picture: Pixels, face: Face) -> None:
        self.driver = ViewerDriver()
        self._figure, self._picture = figure, picture
        self._face = dataclasses.replace(face, track_id=1)
        self.now_s = 0.0

    def does(self, pose: Pose, times: int = 1, *, flipped: bool = False, strengths: Strengths = AS_FAR) -> Pose:
        pixels = posed(self._figure, self._picture, pose)
        return self._after(pixels, self._face, times, flipped=flipped, strengths=strengths)

    def is_away(self, times: int) -> Pose:
        return self._after(np.full_like(self._picture, 90), None, times, flipped=False, strengths=AS_FAR)

    def _after(self, pixels: Pixels, face: Face | None, times: int, *, flipped: bool, strengths: Strengths) -> Pose:
        got = AT_REST
        for _ in range(times):
            got = self.driver.pose(pixels, face, self.now_s, strengths, flipped=flipped)
            self.now_s += STEP_S
        return got


@pytest.fixture
def viewer(figure: Figure, picture: Pixels, face: Face) -> Viewer:
    """Whose rest is known."""
    viewer = Viewer(figure, picture, face)
    viewer.does(AT_REST, 12)
    assert viewer.driver.is_followed
    viewer.does(AT_REST, 8)
    return viewer


def test_a_viewer_at_rest_leaves_the_picture_as_it_is(viewer: Viewer) -> None:
    pose = viewer.does(AT_REST, 3)
    assert abs(pose.yaw_degrees) < 0.5
    assert abs(pose.gaze_x_degrees) < 3
    assert pose.closing_left == pose.closing_right < 0.05
    assert max(map(abs, pose[7:])) < 0.02


def test_it_turns_smiles_and_opens_its_mouth_with_the_viewer(viewer: Viewer) -> None:
    turned = viewer.does(Pose(yaw_degrees=10), 3)
    assert 5 < turned.yaw_degrees < 15
    opened = viewer.does(Pose(lower_lip_down=0.08, jaw_down=0.07), 3)
    assert 0.04 < opened.mouth_open < 0.11
    assert opened.jaw_down > 0.02
    smiling = viewer.does(
        Pose(corner_left_out=0.03, corner_right_out=0.03, corner_left_up=0.03, corner_right_up=0.03), 3
    )
    assert smiling.corner_left_out > 0.01 < smiling.corner_right_out
    assert smiling.corner_left_up > 0.005 < smiling.corner_right_up


def test_a_blink_shuts_both_eyes_and_a_wink_one(viewer: Viewer) -> None:
    shut = viewer.does(Pose(closing_left=1, closing_right=1), 2)
    assert shut.closing_left == shut.closing_right > 0.8
    viewer.does(AT_REST, 3)
    wink = viewer.does(Pose(closing_left=1), 2)
    assert wink.closing_left > 0.5
    assert wink.closing_right < 0.2


def test_as_a_mirror_left_is_left(viewer: Viewer) -> None:
    asked = Pose(yaw_degrees=10, closing_left=1)
    as_it_is, as_a_mirror = viewer.does(asked, 3), viewer.does(asked, 1, flipped=True)
    assert as_it_is.yaw_degrees > 5
    assert as_a_mirror.yaw_degrees < -5
    assert as_it_is.closing_left > as_it_is.closing_right
    assert as_a_mirror.closing_left < as_a_mirror.closing_right


def test_mirrored_twice_is_as_before() -> None:
    pose = Pose(*(0.01 * number for number in range(1, len(Pose._fields) + 1)))
    assert pose.mirrored().mirrored() == pose
    assert pose.mirrored() != pose


def test_strengths_are_each_its_own(viewer: Viewer) -> None:
    asked = Pose(yaw_degrees=8, lower_lip_down=0.06, jaw_down=0.05)
    viewer.does(asked, 4)
    still = viewer.does(asked, 1, strengths=Strengths(head=0, eyes=1, mouth=1))
    assert still.yaw_degrees == still.shift_right == 0
    assert still.mouth_open > 0.02
    twice, once = (viewer.does(asked, 1, strengths=Strengths(mouth=much)) for much in (2, 1))
    assert twice.lower_lip_down == pytest.approx(2 * once.lower_lip_down, rel=0.1)


def test_no_turn_is_more_than_a_picture_can_show(viewer: Viewer) -> None:
    far = viewer.does(Pose(yaw_degrees=25), 4, strengths=Strengths(head=2))
    assert 15 < far.yaw_degrees <= 26


def test_rest_is_learnt_again_when_asked(viewer: Viewer) -> None:
    asked = Pose(yaw_degrees=10)
    assert viewer.does(asked, 4).yaw_degrees > 5
    viewer.driver.learn_rest()
    viewer.does(asked, 1)
    assert viewer.driver.is_learning
    assert abs(viewer.does(asked, 20).yaw_degrees) < 1


def test_who_is_hidden_for_a_moment_is_waited_for_and_who_has_gone_is_not(viewer: Viewer) -> None:
    asked = Pose(yaw_degrees=10)
    seen = viewer.does(asked, 4)
    assert viewer.is_away(3).yaw_degrees == pytest.approx(seen.yaw_degrees, abs=0.1)
    viewer.is_away(20)
    assert not viewer.driver.is_followed
    idler = Idler()
    alone = [idler.pose(number * STEP_S) for number in range(round(viewer.now_s / STEP_S) + 1)][-1]
    assert viewer.is_away(1) == pytest.approx(alone)


def test_nobody_there_it_looks_about_breathes_and_blinks() -> None:
    idler = Idler()
    poses = [idler.pose(index / 30) for index in range(30 * 40)]
    yaws = np.array([pose.yaw_degrees for pose in poses])
    assert np.ptp(yaws) > 5
    assert np.abs(np.diff(yaws)).max() < 2  # at leisure
    assert np.abs(yaws).max() <= 11
    assert max(pose.closing_left for pose in poses) > 0.95
    assert np.ptp([pose.shift_up for pose in poses]) == pytest.approx(0.004, abs=2e-4)


def reading(**values: float) -> Reading:
    usual = dict.fromkeys(Reading._fields, 0.0) | {"open_left": 0.3, "open_right": 0.3, "iris": 0.2, "size": 1.0}
    return Reading(**{**usual, **values})


def test_rest_is_learnt_in_a_second_whoever_blinks_or_speaks_in_it() -> None:
    learner = RestLearner()
    for index in range(30):
        speaks, blinks = index % 3 == 0, index in (10, 11, 12)
        learner.add(reading(lower_y=0.3 + 0.05 * speaks, open_left=0.08 if blinks else 0.3), index / 30)
        assert learner.rest is None
    learner.add(reading(lower_y=0.3), 1.0)
    rest = learner.rest
    assert rest is not None
    assert rest.lower_y == pytest.approx(0.3)
    assert rest.open_left == pytest.approx(0.3)


def test_rest_follows_slowly_and_a_wide_mouth_no_faster() -> None:
    learner = RestLearner()
    for index in range(31):
        learner.add(reading(), index / 30)
    for index in range(31, 31 + 30 * 60):
        learner.add(reading(yaw_degrees=5.0, lower_y=0.1), index / 30)
    rest = learner.rest
    assert rest is not None
    assert 2.5 < rest.yaw_degrees < 4
    assert rest.lower_y < 0.007


def test_who_talks_through_the_first_second_has_closed_lips_at_rest_once_they_are_seen() -> None:
    learner = RestLearner()
    speaking = reading(upper_y=0.20, lower_y=0.26, chin_y=0.52)
    for index in range(60):
        learner.add(speaking, index / 30)
    closed = reading(upper_y=0.21, lower_y=0.215, chin_y=0.48)
    for index in range(60, 90):
        learner.add(closed, index / 30)
    rest = learner.rest
    assert rest is not None
    assert 0.005 <= rest.lower_y - rest.upper_y < 0.016
    assert rest.chin_y == pytest.approx(0.48, abs=0.008)
    for index in range(90, 120):  # lips that are pressed together are nearer still, and no other rest
        learner.add(reading(upper_y=0.212, lower_y=0.213, chin_y=0.478), index / 30)
    pressed = learner.rest
    assert pressed is not None
    assert pressed.lower_y - pressed.upper_y > 0.004


def test_lids_that_do_not_fall_far_are_closed_once_they_have_blinked() -> None:
    reader = LidReader()

    def blink(begin_s: float) -> float:
        course = [0.3, 0.22, 0.15, 0.14, 0.15, 0.22, 0.3, 0.3]
        return max(reader.closing(value, 0.3, begin_s + index / 30) for index, value in enumerate(course))

    first, second = blink(0.0), blink(3.0)
    assert first > 0.85
    assert second == 1.0
    assert reader.closing(0.285, 0.3, 6.0) == 0.0
    assert 0.3 < reader.closing(0.22, 0.3, 6.1) < 0.75


def test_a_long_squint_is_not_taken_for_a_blink() -> None:
    reader = LidReader()
    for index in range(60):
        reader.closing(0.14, 0.3, index / 30)
    for index in range(60, 70):
        reader.closing(0.3, 0.3, index / 30)
    fresh = LidReader()
    assert reader.closing(0.2, 0.3, 3.0) == fresh.closing(0.2, 0.3, 3.0)


def test_a_face_compared_with_itself_does_nothing(seen: FaceMeasurement) -> None:
    now = read_face(seen, seen)
    assert now.yaw_degrees == pytest.approx(0, abs=1e-4)
    assert now.size == pytest.approx(1)
    assert now.left_x < now.right_x
    assert now.upper_y <= now.lower_y < now.chin_y


def test_eyes_that_look_aside_through_narrowed_lids_are_followed(viewer: Viewer) -> None:
    """Lids that hide a part of the irises hide how high they stand, and not how far to the side."""
    narrowed = viewer.does(Pose(gaze_x_degrees=12, gaze_y_degrees=4, closing_left=0.45, closing_right=0.45), 6)
    assert min(narrowed.closing_left, narrowed.closing_right) > 0.4
    assert narrowed.gaze_x_degrees > 4
