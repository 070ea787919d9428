from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.faces.tracking.tracker import FaceTracker
from realtime.imaging.frame import Box, Face

SHAPE = np.array([[-0.2, -0.2], [0.2, -0.2], [0.0, 0.05], [0.0, 0.3], [-0.45, -0.1], [0.45, -0.1]])


def detected(
    x: float,
    y: float,
    width: float,
    rng: np.random.Generator | None = None,
    *,
    noise: float = 0.004,
    score: float = 0.9,
) -> Face:
    """Return a detection at a centre, as noisy as BlazeFace's (in face widths) where a generator is given."""
    points = SHAPE * width + [x, y]
    if rng is not None:
        points = points + rng.normal(0, noise * width, points.shape)
        x, y, width = (value + rng.normal(0, noise * width) for value in (x, y, width))
    return Face(Box(x - width / 2, y - width / 2, width, width), points.astype(np.float32), score)


def play(
    tracker: FaceTracker,
    scene: Callable[[float], Sequence[Face]],
    for_s: float,
    *,
    from_s: float = 0.0,
    fps: float = 30.0,
) -> list[list[Face]]:
    return [tracker.update(scene(from_s + n / fps), from_s + n / fps) for n in range(round(for_s * fps))]


def identities(frames: Sequence[Sequence[Face]]) -> set[int]:
    return {face.track_id for faces in frames for face in faces}


def test_nobody() -> None:
    assert play(FaceTracker(), lambda at_s: [], 1.0) == [[]] * 30


def test_somebody_new_is_unconfirmed_for_one_picture() -> None:
    tracker = FaceTracker()
    tracker.update([detected(300, 200, 100)], 0.0)
    assert tracker.unconfirmed == []
    there = [detected(300, 200, 100), detected(600, 200, 80)]
    known = tracker.update(there, 1 / 30)
    (new,) = tracker.unconfirmed
    assert (len(known), new.confirmed, new.box.centre) == (1, False, (600, 200))
    known = tracker.update(there, 2 / 30)
    assert new.track_id in {face.track_id for face in known if face.confirmed}
    assert tracker.unconfirmed == []


def test_the_first_face_of_a_run_is_there_at_once_and_where_it_was_found() -> None:
    found = detected(300, 200, 100)
    (face,) = FaceTracker().update([found], 0.0)
    assert face.box == pytest.approx(found.box)
    assert np.allclose(face.keypoints, found.keypoints)
    assert face.keypoints.dtype == np.float32
    assert face.keypoints.shape == (6, 2)
    assert (face.score, face.lost_for_s) == (0.9, 0.0)
    assert face.track_id >= 0


def test_a_single_false_detection_is_nobody() -> None:
    def scene(at_s: float) -> list[Face]:
        false = [detected(900, 300, 150)] if round(at_s * 30) % 10 == 5 else []
        return [detected(300, 200, 100), *false]

    assert identities(play(FaceTracker(), scene, 5.0)) == {0}


def test_a_newcomer_counts_from_the_second_detection() -> None:
    tracker = FaceTracker()
    tracker.update([detected(300, 200, 100)], 0.0)
    assert len(tracker.update([detected(300, 200, 100), detected(800, 200, 90)], 0.033)) == 1
    assert len(tracker.update([detected(300, 200, 100)], 0.067)) == 1
    assert len(tracker.update([detected(300, 200, 100), detected(800, 200, 90)], 0.1)) == 2


def test_a_newcomer_counts_at_a_slow_rate_too() -> None:
    tracker = FaceTracker()
    tracker.update([detected(300, 200, 100)], 0.0)
    play(tracker, lambda at_s: [detected(300, 200, 100), detected(800, 200, 90)], 1.0, from_s=0.5, fps=2)
    assert len(tracker.update([detected(300, 200, 100), detected(800, 200, 90)], 1.5)) == 2


def test_a_lost_face_is_held_for_half_a_second() -> None:
    tracker = FaceTracker()
    (last,) = play(tracker, lambda at_s: [detected(300, 200, 100)], 1.0)[-1]
    frames = play(tracker, lambda at_s: [], 1.0, from_s=1.0)
    lost_for_s = [faces[0].lost_for_s for faces in frames if faces]
    assert lost_for_s[:14] == pytest.approx([(n + 1) / 30 for n in range(14)])
    assert all(faces[0].box == last.box and faces[0].track_id == last.track_id for faces in frames[:14])
    assert frames[15:] == [[]] * 15


@pytest.mark.parametrize(("away_s", "same"), [(0.3, True), (1.5, True), (4.0, False)])
def test_who_comes_back_soon_is_the_same_person(away_s: float, same: bool) -> None:
    tracker = FaceTracker()
    play(tracker, lambda at_s: [detected(300, 200, 100)], 1.0)
    play(tracker, lambda at_s: [], away_s, from_s=1.0)
    frames = play(tracker, lambda at_s: [detected(330, 210, 105)], 0.5, from_s=1.0 + away_s)
    assert (identities(frames) == {0}) is same


def test_who_comes_back_after_a_while_does_not_glide() -> None:
    tracker = FaceTracker()
    play(tracker, lambda at_s: [detected(300, 200, 100)], 1.0)
    play(tracker, lambda at_s: [], 1.0, from_s=1.0)
    (face,) = tracker.update([detected(340, 200, 100)], 2.0)
    assert face.box.centre == pytest.approx((340, 200))


def test_somebody_elsewhere_is_somebody_else() -> None:
    tracker = FaceTracker()
    play(tracker, lambda at_s: [detected(300, 200, 100)], 1.0)
    assert identities(play(tracker, lambda at_s: [detected(900, 200, 100)], 1.0, from_s=1.0)) == {0, 1}


@pytest.mark.parametrize("fps", [12.0, 30.0])
@pytest.mark.parametrize("speed", [0.7, 1.5, 3.0])
@pytest.mark.parametrize("hidden", [True, False])
def test_two_people_who_cross_keep_their_identities(speed: float, fps: float, hidden: bool) -> None:
    """`speed` in face widths a second; while they overlap, the one behind is not found."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        meet_s = 300 / (speed * 100)

        def scene(at_s: float, rng: np.random.Generator = rng, meet_s: float = meet_s) -> list[Face]:
            away = (at_s - meet_s) * speed * 100
            front, behind = detected(640 + away, 300, 105, rng), detected(640 - away, 290, 95, rng)
            return [front] if hidden and front.box.overlap(behind.box) > 0.3 else [behind, front]

        frames = play(FaceTracker(), scene, 2 * meet_s, fps=fps)
        assert identities(frames) == {0, 1}
        first = {face.box.centre[0] < 640: face.track_id for face in frames[2]}
        last = {face.box.centre[0] < 640: face.track_id for face in frames[-1]}
        assert first[True] == last[False], "the one who came from the left must leave to the right"
        assert first[False] == last[True]


def test_detector_flicker_changes_nothing() -> None:
    rng = np.random.default_rng(6)
    frames = play(FaceTracker(), lambda at_s: [detected(300, 200, 100, rng)] if rng.random() < 0.5 else [], 20.0)
    started = next(n for n, faces in enumerate(frames) if faces)
    assert identities(frames) == {0}
    assert all(len(faces) == 1 for faces in frames[started:])


def test_ten_faces() -> None:
    rng = np.random.default_rng(7)

    def scene(at_s: float) -> list[Face]:
        faces = [
            detected(120 * n + 20 * np.sin(at_s * 2 + n), 300 + 10 * np.cos(at_s + n), 50 + 3 * n, rng)
            for n in range(10)
        ]
        return [faces[n] for n in rng.permutation(10)]

    frames = play(FaceTracker(), scene, 5.0)
    assert identities(frames) == set(range(10))
    for before, after in itertools.pairwise(frames[1:]):
        places = {face.track_id: face.box.centre for face in before}
        assert all(np.hypot(*np.subtract(face.box.centre, places[face.track_id])) < 15 for face in after)


@settings(max_examples=40)
@given(st.lists(st.floats(0.004, 0.2), min_size=30, max_size=80), st.floats(-2.0, 2.0))
def test_irregular_times_keep_identity_and_place(steps_s: list[float], speed: float) -> None:
    rng = np.random.default_rng(8)
    tracker = FaceTracker()
    at_s = 0.0
    for step_s in steps_s:
        at_s += step_s
        x = 640 + speed * 100 * at_s
        (face,) = tracker.update([detected(x, 300, 100, rng)], at_s)
        assert face.track_id == 0
        assert abs(face.box.centre[0] - x) < 25


@settings(max_examples=25)
@given(st.permutations(range(4)))
def test_the_order_of_detections_does_not_matter(order: list[int]) -> None:
    def scene(at_s: float) -> list[Face]:
        return [detected(200 + 250 * n + 30 * np.sin(at_s * 3 + n), 300, 90 + 10 * n) for n in range(4)]

    straight = play(FaceTracker(), scene, 1.0)
    shuffled = play(FaceTracker(), lambda at_s: [scene(at_s)[n] for n in order] if at_s > 0.1 else scene(at_s), 1.0)
    assert [[face.track_id for face in faces] for faces in straight] == [
        [face.track_id for face in faces] for faces in shuffled
    ]


def test_starting_over_forgets_everybody_and_gives_no_identity_twice() -> None:
    tracker = FaceTracker()
    before = play(tracker, lambda at_s: [detected(300, 200, 100)], 1.0)
    after = play(tracker, lambda at_s: [detected(305, 200, 100)], 1.0)
    assert len(after[0]) == 1
    assert after[0][0].box.centre == pytest.approx((305, 200))
    assert not identities(before) & identities(after)


def test_the_same_moment_twice_is_survived() -> None:
    tracker = FaceTracker()
    tracker.update([detected(300, 200, 100)], 0.0)
    (face,) = tracker.update([detected(310, 200, 100)], 0.0)
    assert face.track_id == 0
    assert np.isfinite(face.keypoints).all()


def test_doubtful_detections_keep_whom_they_fit_and_make_nobody_known() -> None:
    tracker = FaceTracker()
    assert identities(play(tracker, lambda at_s: [detected(900, 300, 90, score=0.4)], 1.0)) == set()
    play(tracker, lambda at_s: [detected(300, 200, 100)], 0.5, from_s=1.0)
    frames = play(tracker, lambda at_s: [detected(300, 200, 100, score=0.4)], 4.0, from_s=1.5)
    assert all(faces[0].lost_for_s == 0.0 for faces in frames[:28])
    assert frames[50:] == [[]] * 70, "a pattern in the chair somebody left is not kept for ever"


def test_jitter_at_rest_is_reduced_alike_for_near_and_far() -> None:
    shares = []
    for width in (60.0, 400.0):
        rng = np.random.default_rng(9)
        found = [detected(640, 360, width, rng, noise=0.01) for _ in range(300)]
        frames = play(FaceTracker(), lambda at_s, found=found: [found[round(at_s * 30)]], 10.0)  # type: ignore[misc]
        raw = np.array([face.eye_midpoint for face in found])[60:]
        calm = np.array([faces[0].eye_midpoint for faces in frames])[60:]
        shares.append(np.diff(calm, axis=0).std() / np.diff(raw, axis=0).std())
    assert max(shares) < 0.3
    assert shares[0] == pytest.approx(shares[1], rel=0.05)


def test_a_walk_is_followed_with_little_lag() -> None:
    frames = play(FaceTracker(), lambda at_s: [detected(300 + 150 * at_s, 300, 100)], 3.0)
    behind_px = 300 + 150 * (89 / 30) - frames[-1][0].eye_midpoint[0]
    assert 0 < behind_px < 3.5, "about 2 % of the face's width"


def moving(at_s: float, x: float, width: float, rng: np.random.Generator) -> Face:
    """Return somebody who talks and sways."""
    return detected(x + 0.15 * width * np.sin(at_s * 2.2), 300 + 0.05 * width * np.sin(at_s * 5), width, rng)


def test_the_viewer_comes_first_and_the_others_by_size() -> None:
    rng = np.random.default_rng(10)
    tracker = FaceTracker()
    play(tracker, lambda at_s: [moving(at_s, 300, 100, rng)], 3.0)
    frames = play(
        tracker,
        lambda at_s: [moving(at_s, 300, 100, rng), detected(600, 300, 60), detected(900, 300, 120)],
        1.0,
        from_s=3,
    )
    assert [round(face.box.centre[0], -2) for face in frames[-1]] == [300, 900, 600]


def test_a_passer_by_in_front_does_not_steal_the_gaze() -> None:
    rng = np.random.default_rng(11)

    def scene(at_s: float) -> list[Face]:
        viewer = moving(at_s, 640, 120, rng)
        passing = detected(-200 + 900 * (at_s - 3), 320, 220, rng)
        if at_s < 3.0 or passing.box.left > 1280:
            return [viewer]
        return [passing] if passing.box.overlap(viewer.box) > 0.15 else [passing, viewer]

    frames = play(FaceTracker(), scene, 8.0)
    assert {faces[0].track_id for faces in frames} == {0}
    assert 1 in identities(frames)


def test_who_stays_in_front_is_followed_after_a_second() -> None:
    rng = np.random.default_rng(12)

    def scene(at_s: float) -> list[Face]:
        return [moving(at_s, 300, 100, rng), *([moving(at_s, 800, 160, rng)] if at_s > 3 else [])]

    followed = [faces[0].track_id for faces in play(FaceTracker(), scene, 8.0)]
    assert 1.0 < followed.index(1) / 30 - 3.0 < 2.2
    assert set(followed[followed.index(1) :]) == {1}


def test_a_poster_never_takes_over_from_a_person_not_even_from_one_who_sits_still() -> None:
    rng = np.random.default_rng(13)

    def scene(at_s: float) -> list[Face]:
        poster = detected(1000, 200, 260, rng)
        person = moving(at_s, 400, 100, rng) if at_s < 4 else detected(400, 300, 100, rng)
        return [person] if at_s < 1 else [poster, person]

    frames = play(FaceTracker(), scene, 120.0, fps=15)
    assert {faces[0].track_id for faces in frames} == {0}


def test_a_poster_alone_is_followed_until_somebody_moves() -> None:
    rng = np.random.default_rng(14)

    def scene(at_s: float) -> list[Face]:
        poster = detected(1000, 200, 260, rng)
        return [poster] if at_s < 10 else [poster, moving(at_s, 400, 90, rng)]

    followed = [faces[0].track_id for faces in play(FaceTracker(), scene, 20.0)]
    assert set(followed[:300]) == {0}
    assert followed.index(1) / 30 - 10.0 < 1.5
    assert set(followed[followed.index(1) :]) == {1}


def test_the_poster_gets_the_gaze_only_when_the_person_has_gone() -> None:
    rng = np.random.default_rng(15)

    def scene(at_s: float) -> list[Face]:
        poster = detected(1000, 200, 260, rng)
        return [poster, moving(at_s, 400, 90, rng)] if at_s < 8 or at_s > 12 else [poster]

    frames = play(FaceTracker(), scene, 16.0)
    person = next(face.track_id for face in frames[200] if face.box.width < 150)
    assert frames[200][0].track_id == person
    assert frames[8 * 30 + 10][0].track_id == person, "held"
    assert frames[8 * 30 + 20][0].track_id != person
    assert frames[-1][0].box.width < 150, "back, and followed again"


def test_people_are_counted_once_and_posters_never() -> None:
    """Somebody beside a poster goes away for two seconds, then for four, and comes back with somebody else."""
    tracker, rng = FaceTracker(), np.random.default_rng(4)
    counts = []

    def scene(at_s: float) -> list[Face]:
        poster, one, other = detected(1000, 200, 100), moving(at_s, 300, 120, rng), moving(at_s, 700, 120, rng)
        if at_s < 5 or 7 < at_s < 12:
            return [poster, one]
        return [poster] if at_s < 16 else [poster, one, other]

    for from_s in range(20):
        play(tracker, scene, 1.0, from_s=from_s)
        counts.append(tracker.people)
    assert (counts[4], counts[11], counts[15], counts[19]) == (1, 1, 1, 3)
