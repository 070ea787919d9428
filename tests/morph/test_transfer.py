"""What a decoder changed, carried onto a face's own pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.imaging.numerics import Floats
from realtime.morph.transfer import ChangeTransfer

SIDE = 128
TIMES = 3
LARGER = np.array([[TIMES, 0, (TIMES - 1) / 2], [0, TIMES, (TIMES - 1) / 2]])
"""The crop lies over a face of three times its side."""
INSIDE = slice(SIDE * TIMES // 4, SIDE * TIMES * 3 // 4)


def smooth(seed: int, deviation: float, grey: float = 128) -> Floats:
    noise = np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), deviation)
    return np.asarray(grey + 40 * blurred / blurred.std(), np.float32)


@pytest.fixture
def face() -> Pixels:
    """Skin with pores."""
    noise = np.random.default_rng(1).normal(0, 1, (SIDE * TIMES, SIDE * TIMES, 3)).astype(np.float32)
    return np.clip(150 + 60 * cv2.GaussianBlur(noise, (0, 0), 1.2), 0, 255).astype(np.uint8)


def changed(before: Floats, after: Floats, face: Pixels, to_face: NDArray[np.floating] = LARGER) -> Pixels:
    transfer = ChangeTransfer(SIDE)
    transfer.measure(before, after)
    out = np.empty_like(face)
    transfer.apply(face, to_face, out)
    return out


def test_where_the_decoder_changes_nothing_no_bit_is_changed(face: Pixels) -> None:
    drawn = smooth(0, 6)
    assert np.array_equal(changed(drawn, drawn.copy(), face), face)


def test_what_moves_in_the_crop_moves_as_far_on_the_face(face: Pixels) -> None:
    before = smooth(0, 6)
    after = np.asarray(np.roll(before, (0, 2), (0, 1)), np.float32)
    out = changed(before, after, face)
    moved = np.roll(face, (0, 2 * TIMES), (0, 1))
    apart = np.abs(out[INSIDE, INSIDE].astype(float) - moved[INSIDE, INSIDE]).mean()
    unmoved = np.abs(out[INSIDE, INSIDE].astype(float) - face[INSIDE, INSIDE]).mean()
    assert apart < unmoved / 3


def test_motion_turns_with_the_crop(face: Pixels) -> None:
    """A head that lies on its side: to the right in the crop is down in the picture."""
    before = smooth(0, 6)
    after = np.asarray(np.roll(before, (0, 2), (0, 1)), np.float32)
    quarter = np.array([[0, -TIMES, SIDE * TIMES - 1 - (TIMES - 1) / 2], [TIMES, 0, (TIMES - 1) / 2]])
    out = changed(before, after, face, quarter)
    moved = np.roll(face, (2 * TIMES, 0), (0, 1))
    apart = np.abs(out[INSIDE, INSIDE].astype(float) - moved[INSIDE, INSIDE]).mean()
    assert apart < np.abs(out[INSIDE, INSIDE].astype(float) - face[INSIDE, INSIDE]).mean() / 3


def test_shade_and_light_are_in_proportion_and_light_has_a_bound(face: Pixels) -> None:
    grey = np.full((SIDE, SIDE, 3), 150, np.float32)
    own = face[INSIDE, INSIDE].astype(float)
    shaded = changed(grey, grey - 80, face)[INSIDE, INSIDE].astype(float)  # 80 of 160 with the floor of 10: a half
    assert shaded.mean() / own.mean() == pytest.approx(0.5, abs=0.01)
    assert shaded.std() / own.std() == pytest.approx(0.5, abs=0.02)  # a pore in shade is a pore still
    lit = changed(grey, grey + 32, face)[INSIDE, INSIDE].astype(float)  # a fifth of 160
    assert np.abs(lit - own - np.minimum(own / 5, 32)).max() < 1.6  # dark pores stay dark, bright ones do not burn out


def test_the_change_fades_out_before_the_crop_ends(face: Pixels) -> None:
    grey = np.full((SIDE, SIDE, 3), 150, np.float32)
    beside = np.array([[2.0, 0, 64], [0, 2.0, 64]])  # the crop lies in the middle of a larger picture
    out = changed(grey, grey - 100, face, beside)
    assert np.array_equal(out[:60], face[:60])
    steps = np.abs(np.diff(out.mean((1, 2)) - face.mean((1, 2)) * 60 / 160, axis=0))
    assert out[192, 192].mean() < 0.6 * face[192, 192].mean()
    assert np.abs(np.diff(cv2.blur(out, (25, 25)).astype(float), axis=0)).max() < 12, steps.max()


def test_nothing_moves_farther_than_a_face_does(face: Pixels) -> None:
    transfer = ChangeTransfer(SIDE)
    transfer.measure(smooth(0, 3), smooth(1, 3))
    assert np.abs(transfer.motion).max() <= SIDE / 16
    assert transfer.gain.min() >= round(0.05 * 255)
