from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.faces.tracking.viewer_selection import Candidate, Liveness, LivenessWatch, ViewerSelection, occludes
from realtime.imaging.frame import Box, Face

FPS = 30.0


def candidate(
    track_id: int, width: float, life: Liveness = Liveness.ALIVE, *, lost_for_s: float = 0.0, speed: float = 0.0
) -> Candidate:
    face = Face(Box(100.0 * track_id, 50, width, width), np.zeros((6, 2), np.float32), 0.9, track_id, lost_for_s)
    return Candidate(face, life, speed)


def hold(choice: ViewerSelection, candidates: list[Candidate], from_s: float, for_s: float) -> list[int]:
    return [choice.choose(candidates, from_s + n / FPS) for n in range(1 + round(for_s * FPS))]


def test_nobody_then_the_only_one_then_nobody() -> None:
    choice = ViewerSelection()
    assert choice.choose([], 0.0) == -1
    assert choice.choose([candidate(3, 80, Liveness.STILL)], 0.1) == 3
    assert choice.choose([], 0.2) == -1


def test_at_first_the_nearest_living_one() -> None:
    candidates = [
        candidate(1, 300, Liveness.STILL),
        candidate(2, 90),
        candidate(3, 120),
        candidate(4, 200, Liveness.UNKNOWN),
    ]
    assert ViewerSelection().choose(candidates, 0.0) == 3


def test_a_little_nearer_is_not_enough() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    assert set(hold(choice, [candidate(1, 100), candidate(2, 125)], 0.1, 20)) == {1}


def test_clearly_nearer_takes_a_second() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    chosen = hold(choice, [candidate(1, 100), candidate(2, 140)], 0.1, 2)
    assert 1.0 <= chosen.index(2) / FPS <= 1.1
    assert set(chosen[chosen.index(2) :]) == {2}


def test_who_comes_near_again_and_again_still_needs_a_whole_second() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    for start_s in range(10):
        assert set(hold(choice, [candidate(1, 100), candidate(2, 140)], start_s, 0.6)) == {1}
        assert set(hold(choice, [candidate(1, 100), candidate(2, 110)], start_s + 0.7, 0.2)) == {1}


def test_who_walks_by_takes_nothing() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    assert set(hold(choice, [candidate(1, 100), candidate(2, 250, speed=2.5)], 0.1, 4)) == {1}
    assert hold(choice, [candidate(1, 100), candidate(2, 250, speed=0.3)], 4.2, 1.2)[-1] == 2


def test_a_second_challenger_counts_their_own_second() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    hold(choice, [candidate(1, 100), candidate(2, 140)], 0.0, 0.8)
    assert set(hold(choice, [candidate(1, 100), candidate(2, 100), candidate(3, 140)], 0.9, 0.8)) == {1}


@pytest.mark.parametrize("life", [Liveness.STILL, Liveness.UNKNOWN])
def test_what_never_moved_takes_nothing_from_a_person(life: Liveness) -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 60)], 0.0)
    assert set(hold(choice, [candidate(1, 60), candidate(2, 400, life)], 0.1, 60)) == {1}


def test_a_picture_yields_at_once_to_whoever_moves() -> None:
    choice = ViewerSelection()
    hold(choice, [candidate(1, 400, Liveness.STILL)], 0.0, 5)
    both = [candidate(1, 400, Liveness.STILL), candidate(2, 50, Liveness.UNKNOWN)]
    assert set(hold(choice, both, 5.1, 0.5)) == {1}
    assert choice.choose([both[0], candidate(2, 50, Liveness.ALIVE)], 6.0) == 2


def test_two_who_have_just_come_do_not_swap_because_one_moves_first() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100, Liveness.UNKNOWN), candidate(2, 95, Liveness.UNKNOWN)], 0.0)
    assert choice.choose([candidate(1, 100, Liveness.UNKNOWN), candidate(2, 95, Liveness.ALIVE)], 0.5) == 1
    assert choice.choose([candidate(1, 100, Liveness.ALIVE), candidate(2, 95, Liveness.ALIVE)], 0.6) == 1


def test_a_lost_holder_keeps_the_gaze_and_a_lost_challenger_gets_none() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    assert choice.choose([candidate(1, 100, lost_for_s=0.4), candidate(2, 90)], 0.4) == 1
    assert choice.choose([candidate(2, 90)], 0.6) == 2
    assert set(hold(choice, [candidate(2, 90), candidate(1, 200, lost_for_s=0.3)], 0.7, 3)) == {2}


def test_reset_forgets_the_holder() -> None:
    choice = ViewerSelection()
    choice.choose([candidate(1, 100)], 0.0)
    choice.reset()
    assert choice.choose([candidate(1, 100), candidate(2, 110)], 1.0) == 2


def watch(
    positions: NDArray[np.float64], width: float = 100.0, *, noise: float = 0.0, shadowed: bool = False
) -> Liveness:
    """Show a rigid face at these positions (n, 2), in pixels, with noise in face widths; calmed by a running mean."""
    life_watch = LivenessWatch()
    points = np.array([[-0.2, -0.2], [0.2, -0.2], [0.0, 0.05], [0.0, 0.3]]) * width
    rng = np.random.default_rng(5)
    raw = (positions[:, None, :] + points + rng.normal(0, noise * width, (len(positions), 4, 2))).reshape(-1, 8)
    calm = raw[0]
    for number, place in enumerate(raw):
        calm = calm + 0.17 * (place - calm)
        life_watch.watch(place, calm, width, number / FPS, shadowed=shadowed)
    return life_watch.life


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.012, 0.03])
def test_noise_is_no_life_in_ten_minutes(noise: float) -> None:
    """0.003 is BlazeFace's jitter on a face of 10 % of the picture's width, 0.012 on one of 5 %."""
    assert watch(np.zeros((18_000, 2)), noise=noise) is Liveness.STILL


def test_daylight_drifting_over_a_poster_is_no_life() -> None:
    assert watch(np.linspace(0, 20, 9000)[:, None] * [1.0, 0.5], noise=0.003) is Liveness.STILL


@pytest.mark.parametrize("noise", [0.001, 0.003, 0.008])
def test_a_shifted_head_is_life(noise: float) -> None:
    x = np.concatenate([np.zeros(60), np.linspace(0, 15, 20), np.full(60, 15.0)])
    assert watch(np.stack([x, x], axis=1), noise=noise) is Liveness.ALIVE


def test_nodding_is_life() -> None:
    y = 12 * np.sin(np.arange(90) / FPS * 2 * np.pi)
    assert watch(np.stack([0 * y, y], axis=1), noise=0.003) is Liveness.ALIVE


def test_too_early_is_unknown() -> None:
    assert watch(np.zeros((60, 2)), noise=0.003) is Liveness.UNKNOWN


def test_what_somebody_in_front_may_do_to_a_poster_is_no_life() -> None:
    x = np.concatenate([np.zeros(60), np.full(60, 30.0)])
    assert watch(np.stack([x, x], axis=1), shadowed=True) is Liveness.UNKNOWN


def test_a_poster_found_again_elsewhere_begins_anew() -> None:
    life_watch = LivenessWatch()
    for number in range(300):
        place = np.full(8, 0.0 if number % 30 < 15 else 20.0)
        life_watch.watch(place, place, 100.0, number / FPS + (number // 15) * 0.6, shadowed=False)
    assert life_watch.life is Liveness.UNKNOWN


def test_a_nearer_persons_shadow() -> None:
    nearer = Box(100, 100, 100, 100)
    assert occludes(nearer, Box(220, 130, 50, 50)), "beside the head, before the shoulder's width"
    assert occludes(nearer, Box(120, 300, 50, 50)), "in front of the chest"
    assert not occludes(nearer, Box(310, 130, 50, 50)), "further to the side"
    assert not occludes(nearer, Box(120, 10, 50, 50)), "above"
    assert not occludes(Box(100, 100, 40, 40), Box(110, 110, 50, 50)), "a farther one covers nothing"
