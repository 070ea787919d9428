from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.core.errors import PortraitError
from realtime.faces.landmarks.motion import Motion
from realtime.portrait.building.column_selection import choose, look, spread

MOTIONS = st.lists(
    st.builds(
        Motion,
        yaw_degrees=st.floats(-30, 30),
        pitch_degrees=st.floats(-15, 15),
        gaze_x_degrees=st.floats(-30, 30),
        closing=st.floats(0, 1),
        mouth_open=st.floats(-0.02, 0.15),
    ),
    min_size=2,
    max_size=80,
)


def lingering_clip() -> list[Motion]:
    """Looks at the camera for long, then from 10 degrees left to 40 right, with blinks and a nod on the way."""
    looks = np.concatenate([np.zeros(200), np.linspace(0, -10, 40), np.linspace(-10, 40, 150)])
    return [
        Motion(
            yaw_degrees=0.5 * x,
            gaze_x_degrees=0.5 * x,
            pitch_degrees=3 * math.sin(number / 9),
            closing=1.0 if number % 30 < 4 else 0.0,
        )
        for number, x in enumerate(looks.tolist())
    ]


def test_spread_is_even_over_a_lopsided_clip_that_lingers() -> None:
    motions = lingering_clip()
    looks = [look(motions[number]) for number in spread(motions, 33)]
    steps = np.diff(looks)
    assert looks[0] < -9
    assert looks[-1] > 39
    assert steps.min() > 0
    assert steps.max() < 1.6 * steps.mean()


def test_spread_takes_no_blinks() -> None:
    motions = lingering_clip()
    assert all(motions[number].closing == 0 for number in spread(motions, 33))


def test_spread_takes_frames_that_are_alike() -> None:
    """Each look comes twice, once with a nod: the nods are left out but where a blink leaves nothing else."""
    looks = np.linspace(-20, 20, 200).tolist()
    calm = [Motion(yaw_degrees=x) for x in looks]
    nodding = [Motion(yaw_degrees=x, pitch_degrees=10 * (number % 2)) for number, x in enumerate(looks)]
    mixed = [motion for pair in zip(nodding, calm, strict=True) for motion in pair]
    pitches = [mixed[number].pitch_degrees for number in spread(mixed, 17)]
    assert np.abs(np.diff(pitches)).sum() <= 10


@given(MOTIONS, st.integers(3, 40))
def test_spread_is_ordered_from_the_leftmost_to_the_rightmost(motions: list[Motion], count: int) -> None:
    chosen = spread(motions, count)
    assert len(chosen) == count
    open_eyed = [motion for motion in motions if motion.closing <= 0.3]
    looks = [look(motion) for motion in (open_eyed if len(open_eyed) >= 2 else motions)]
    seen = [look(motions[number]) for number in chosen]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (min(looks), max(looks))


@pytest.mark.parametrize("columns", [3, 16, 33])
def test_a_pack_goes_evenly_through_rest(columns: int) -> None:
    chosen = choose(lingering_clip(), columns)
    looks = [look(motion) for motion in chosen]
    assert len(chosen) == columns
    assert dataclasses.astuple(chosen[columns // 2]) == pytest.approx([0.0] * 10, abs=1e-9)
    assert np.diff(looks) == pytest.approx([(looks[-1] - looks[0]) / (columns - 1)] * (columns - 1))
    assert looks[-1] - looks[0] == pytest.approx(50, abs=2)
    assert all(motion.closing == 0 for motion in chosen)


def test_a_mouth_in_a_pack_hardly_moves() -> None:
    """Frames are shown by where a visitor stands, not one after the other: nothing in them is said."""
    speaking = [
        dataclasses.replace(motion, mouth_open=0.12 * (number % 40 > 20), mouth_wide=0.04 * math.sin(number / 7))
        for number, motion in enumerate(lingering_clip())
    ]
    chosen = choose(speaking, 33)
    assert 0 < max(motion.mouth_open for motion in chosen) < 0.02
    assert 0 < max(abs(motion.mouth_wide) for motion in chosen) < 0.008


@given(MOTIONS)
def test_neither_head_nor_eyes_of_a_pack_turn_back(motions: list[Motion]) -> None:
    try:
        chosen = choose(motions, 33)
    except PortraitError:
        return
    assert np.diff([motion.yaw_degrees for motion in chosen]).min() > -1e-6
    assert np.diff([motion.gaze_x_degrees for motion in chosen]).min() > -1e-6


def test_a_face_that_does_not_turn_makes_no_pack() -> None:
    motions = [Motion(yaw_degrees=math.sin(number), mouth_open=0.1) for number in range(50)]
    with pytest.raises(PortraitError, match=r"looks only 2\.0 degrees from side to side; film one"):
        choose(motions, 33)
