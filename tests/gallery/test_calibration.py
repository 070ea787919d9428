"""An installer stands at four places, once, and from then on the portraits look at people."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence

import numpy as np
import pytest

from realtime.core.errors import OptionError
from realtime.effects.viewpoint import CameraPose, picture_of, seen_from, standing_at
from realtime.gallery.calibration import standing as calibration
from realtime.gallery.calibration.camera_pose import camera_pose
from realtime.gallery.calibration.standing import CalibrationWatch, Hint, Sighting, Sign, Spot, solve
from realtime.gallery.calibration.table_lines import with_values
from realtime.gallery.calibration.views import Calibration, Place, view_for
from tools import measure_calibration as measured

LEFT, MIDDLE, RIGHT = Sighting(0.2, 0.4, 0.02), Sighting(0.5, 0.4, 0.02), Sighting(0.8, 0.4, 0.02)
NEAR = Sighting(0.5, 0.45, 0.04)


class Visit:
    """What happens before the camera, thirty times a second."""

    def __init__(self) -> None:
        self.watch = CalibrationWatch()
        self.now_s = 100.0

    def see(self, *seen: Sighting, for_s: float) -> list[Sign]:
        """Return the signs meanwhile, each once."""
        signs: list[Sign] = []
        for _ in range(round(30 * for_s)):
            sign = self.watch.update(self.now_s, seen)
            if not signs or sign[:2] != signs[-1][:2]:
                signs.append(sign)
            self.now_s += 1 / 30
        return signs

    def take(self, *places: Sighting) -> list[Sign]:
        """Stand at places, each as long as it takes."""
        return [self.see(place, for_s=12.0 if not self.watch.taken else 5.5)[-1] for place in places]


def hints(signs: Sequence[Sign]) -> list[Hint]:
    return [sign.hint for sign in signs]


def test_four_places_are_taken_in_turn_with_nothing_but_standing_still() -> None:
    visit = Visit()
    signs = visit.see(LEFT, for_s=11.0)
    assert [sign[:2] for sign in signs] == [
        (Spot.LEFT, Hint.WALK),
        (Spot.LEFT, Hint.HOLD_STILL),
        (Spot.LEFT, Hint.TAKEN),
    ]
    for spot, place in ((Spot.MIDDLE, MIDDLE), (Spot.RIGHT, RIGHT), (Spot.NEAR, NEAR)):
        signs = visit.see(place, for_s=7.0)
        assert (spot, Hint.TAKEN) in [sign[:2] for sign in signs], spot
    assert visit.see(NEAR, for_s=2.0)[-1].hint is Hint.DONE
    assert visit.watch.is_over
    assert visit.watch.taken == {Spot.LEFT: LEFT, Spot.MIDDLE: MIDDLE, Spot.RIGHT: RIGHT, Spot.NEAR: NEAR}


def test_nobody_two_people_and_who_walks_are_told_apart() -> None:
    visit = Visit()
    visit.see(LEFT, for_s=9.0)
    assert visit.see(for_s=2.0)[-1].hint is Hint.NOBODY
    assert visit.see(LEFT, RIGHT, for_s=1.0)[-1].hint is Hint.SEVERAL
    for step in range(60):
        (sign,) = visit.see(Sighting(0.2 + 0.01 * step, 0.4, 0.02), for_s=1 / 30)
        assert sign.hint is Hint.HOLD_STILL
        assert sign.still < 0.2, "somebody who walks does not stand"
    assert visit.watch.taken == {}


def test_a_face_that_is_missed_for_a_moment_does_not_begin_it_anew() -> None:
    visit = Visit()
    visit.see(LEFT, for_s=9.5)
    assert visit.see(for_s=0.3)[-1].hint is Hint.HOLD_STILL
    assert Hint.TAKEN in hints(visit.see(LEFT, for_s=0.5))


def test_the_same_place_is_not_taken_twice_and_the_sign_says_where_to_go() -> None:
    visit = Visit()
    visit.see(LEFT, for_s=11.0)
    assert visit.see(LEFT, for_s=6.0)[-1] == Sign(Spot.MIDDLE, Hint.FARTHER_RIGHT)
    visit.see(MIDDLE, for_s=4.0)
    assert visit.see(MIDDLE, for_s=6.0)[-1] == Sign(Spot.RIGHT, Hint.FARTHER_RIGHT)
    visit.see(RIGHT, for_s=4.0)
    assert visit.see(MIDDLE, for_s=6.0)[-1] == Sign(Spot.NEAR, Hint.NEARER)


def test_who_read_the_sign_too_long_may_still_go_left() -> None:
    visit = Visit()
    visit.see(MIDDLE, for_s=11.0)
    assert visit.watch.taken == {Spot.LEFT: MIDDLE}
    visit.see(LEFT, for_s=7.0)
    assert visit.watch.taken == {Spot.LEFT: LEFT}
    visit.see(MIDDLE, for_s=7.0)
    assert visit.watch.taken == {Spot.LEFT: LEFT, Spot.MIDDLE: MIDDLE}


def test_it_gives_up_when_nobody_comes() -> None:
    visit = Visit()
    assert visit.see(for_s=calibration.PATIENCE_S - 1)[-1].hint is Hint.NOBODY
    assert visit.see(for_s=2.0)[-1].hint is Hint.GIVEN_UP


def test_the_ends_of_the_view_are_where_the_installer_stood() -> None:
    found = solve({Spot.LEFT: LEFT, Spot.MIDDLE: MIDDLE, Spot.RIGHT: RIGHT, Spot.NEAR: NEAR}, 16 / 9, Place(0, 0))
    assert (found.view_left, found.view_right) == (0.2, 0.8)
    assert found.view_bottom - found.view_top == pytest.approx(0.6 * 0.6 * 16 / 9, abs=1e-3)


def test_straight_ahead_stays_straight_where_one_side_is_nearer() -> None:
    left = LEFT._replace(across=0.35)
    found = solve({Spot.LEFT: left, Spot.MIDDLE: MIDDLE, Spot.RIGHT: RIGHT, Spot.NEAR: NEAR}, 16 / 9, Place(0, 0))
    assert (found.view_left + found.view_right) / 2 == pytest.approx(0.5)
    assert found.view_right == pytest.approx(0.8)


def test_a_camera_that_hangs_higher_is_found_out() -> None:
    """40 cm above the eyes: at twice the distance they are seen half as far below the lens."""
    focal, aspect = 0.71, 16 / 9
    taken = {
        spot: Sighting(0.5 + focal * x / z, 0.3 + aspect * focal * 40 / z, focal * 6.3 / z)
        for spot, x, z in ((Spot.LEFT, -90, 240), (Spot.MIDDLE, 0, 240), (Spot.RIGHT, 90, 240), (Spot.NEAR, 0, 120))
    }
    found = solve(taken, aspect)
    assert found.right_cm == 0
    assert found.below_cm == pytest.approx(40, abs=0.1)
    assert (found.view_top + found.view_bottom) / 2 == pytest.approx(0.3, abs=1e-3), "where the camera is level"


def test_places_that_tell_nothing_are_refused() -> None:
    same = dict.fromkeys(Spot, MIDDLE) | {Spot.NEAR: NEAR}
    with pytest.raises(OptionError, match="too near to each other"):
        solve(same, 16 / 9)


def test_portraits_side_by_side_each_look_from_their_own_place() -> None:
    """Somebody 2 m before the wall, straight before a portrait 70 cm right of the camera: it looks straight ahead, and
    one under the camera looks to the right by the angle between.
    """
    common = Calibration(0.1, 0.9, 0.2, 0.8, 0.0, 30.0)
    assert view_for(None, common)["below_cm"] == 30
    focal = 0.71
    hanging = measured.Hanging("beside", Place(70, 0), math.degrees(2 * math.atan(0.5 / focal)))
    seen = measured.seen_by(hanging, measured.Standing(0, 0, 200))
    beside, below = view_for(Place(70, 0), common), view_for(Place(0, 0), common)
    assert measured.looked_at(beside, seen)[0] == pytest.approx(0.5, abs=0.02)
    expected = 0.5 + focal * math.tan(math.atan2(70, 200)) / 0.8
    assert measured.looked_at(below, seen)[0] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("turned", "tilted", "rolled"), [(0, 0, 0), (10, 0, 0), (-8, 15, 0), (10, 5, -6), (0, -8, 4)])
def test_how_a_camera_hangs_is_found_out(turned: float, tilted: float, rolled: float) -> None:
    place = Place(-40, 60)
    hanging = measured.Hanging("", place, 74, turned, tilted, rolled)
    taken = {spot: measured.seen_by(hanging, at) for spot, at in measured.INSTALLER.items()}
    found = camera_pose(taken, measured.ASPECT, place, lens_degrees=74)
    assert found[:4] == pytest.approx((turned, tilted, rolled, 74), abs=0.6)
    free = camera_pose(taken, measured.ASPECT, place)
    assert free[:3] == pytest.approx((turned, tilted, rolled), abs=2)


@pytest.mark.parametrize("distortion", [0.0, -0.12, 0.05])
def test_where_somebody_stands_is_found_again(distortion: float) -> None:
    pose, right_cm, at = CameraPose(12.0, -7.0, 5.0, 90.0, distortion), -60.0, (35.0, -20.0, 180.0)
    seen = picture_of(at, measured.ASPECT, pose, right_cm)
    assert standing_at(seen, measured.ASPECT, pose, right_cm) == pytest.approx(at, rel=0.01)
    across, down = seen_from(at, measured.ASPECT, pose, right_cm, 10.0)
    focal = 0.5 / (1 + distortion)  # of a lens of 90 degrees
    assert across == pytest.approx(0.5 + focal * (35 + 60) / 180, abs=0.002)
    assert down == pytest.approx(0.5 + focal * measured.ASPECT * (-20 - 10) / 180, abs=0.002)
    assert picture_of((100.0, 0.0, 100.0), 1.0, CameraPose(lens_degrees=90.0, distortion=distortion), 0.0).across == 1


def test_a_lens_that_bends_is_found_out_and_shows_people_at_a_place_it_never_folds() -> None:
    hanging = measured.Hanging("", Place(0, 90), 95, tilt_degrees=20, distortion=-0.12)
    taken = {spot: measured.seen_by(hanging, at) for spot, at in measured.INSTALLER.items()}
    found = camera_pose(taken, measured.ASPECT, hanging.place, lens_degrees=95)
    assert found.distortion == pytest.approx(-0.12, abs=0.04)
    seen = [picture_of((x, 0.0, 100.0), 1.0, found._replace(distortion=-0.25), 0.0).across for x in range(0, 400, 5)]
    assert seen == sorted(seen)


@pytest.mark.parametrize("situation", measured.SITUATIONS[1:], ids=lambda one: one.name)
def test_the_eyes_meet_people_though_it_is_done_otherwise_than_asked(situation: measured.Situation) -> None:
    assert max(measured.measure(measured.HANGINGS[0], [1], situation)) <= measured.GOAL


def test_beside_a_camera_that_is_turned_in_who_stood_aside_twice_is_found_out() -> None:
    twice = next(one for one in measured.SITUATIONS if one.name == "both 20 cm too far right")
    beside = next(one for one in measured.HANGINGS if one.name == "camera beside the frame, turned in")
    assert max(measured.measure(beside, [1], twice)) <= measured.GOAL


def test_who_stood_there_is_followed_and_who_is_far_off_only_looks_on() -> None:
    watch, now_s = CalibrationWatch(), 100.0
    far, beside = Sighting(0.6, 0.4, 0.01), Sighting(0.62, 0.4, 0.022)

    def see(seen: list[Sighting], people: list[int], for_s: float) -> Sign:
        nonlocal now_s
        for _ in range(round(30 * for_s)):
            sign = watch.update(now_s, seen, people)
            now_s += 1 / 30
        return sign

    see([far, LEFT], [4, 7], 11.0)
    assert watch.taken == {Spot.LEFT: LEFT}
    see([beside, MIDDLE], [5, 7], 7.0)
    assert watch.taken[Spot.MIDDLE] == MIDDLE
    assert see([beside, RIGHT], [5, 8], 7.0).hint is Hint.SEVERAL, "lost from view meanwhile: who is it?"
    see([RIGHT], [8], 7.0)
    assert watch.taken[Spot.RIGHT] == RIGHT


CORRECTED = [one for one in measured.HANGINGS if one.pan_degrees or one.roll_degrees]


@pytest.mark.parametrize("hanging", [*measured.HANGINGS[:3], *CORRECTED], ids=lambda hanging: hanging.name)
def test_after_it_the_eyes_meet_people_across_the_room(hanging: measured.Hanging) -> None:
    across, _ = np.max(list(measured.errors(hanging, measured.view_after(hanging, 1))), axis=0)
    assert across <= measured.GOAL
    before, _ = np.max(list(measured.errors(hanging, view_for(Place(), Calibration()))), axis=0)
    assert before > measured.GOAL


# The file -----------------------------------------------------------------------------------------------------

FILE = """\
# Our gallery
[gallery]
name = "Foyer"   # as on the door

[view]  # where people stand
view_left = 0.0   # the stairs
# view_top = 1

[[item]]
effect = "portrait"
"""


def test_values_are_written_and_comments_stay() -> None:
    assert with_values(FILE, "view", {"view_left": 0.25, "view_right": 1.5}) == FILE.replace(
        "view_left = 0.0   # the stairs\n", "view_left = 0.25   # the stairs\nview_right = 1.5\n"
    )


def test_a_table_that_is_missing_is_put_at_the_end() -> None:
    text = 'name = "x"'
    assert with_values(text, "view", {"view_left": 1}) == 'name = "x"\n\n[view]\nview_left = 1.0\n'
    assert with_values("", "view", {"view_left": 1}) == "[view]\nview_left = 1.0\n"


def test_lines_of_windows_stay_so() -> None:
    changed = with_values(FILE.replace("\n", "\r\n"), "view", {"view_left": 0.5})
    assert changed.count("\r\n") == changed.count("\n") == FILE.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "view = {view_left = 1}\n",
        'about = """\n[view]\n"""\n',
        "[view]\nview_left = '''a\nb'''\n",
        "[view]\nview_left = [\n1]\n",
        "[view\n",
        "view = 3\n",
        "[[view]]\nview_left = 1\n",
    ],
)
def test_what_cannot_be_written_surely_is_not_written(text: str) -> None:
    with pytest.raises(OptionError, match=r"write under \[view\]: view_left = 0.5"):
        with_values(text, "view", {"view_left": 0.5})


@pytest.mark.parametrize("text", [FILE, "[view]", "[ view ]\n\n[a]\nb = 1\n", "[a]\nview_left = 2\n[view]\nx = 1\n"])
def test_everything_else_stays_as_it_is(text: str) -> None:
    before = tomllib.loads(text)
    after = tomllib.loads(with_values(text, "view", {"view_left": 0.5}))
    assert after.pop("view") == {**before.pop("view"), "view_left": 0.5}
    assert after == before
