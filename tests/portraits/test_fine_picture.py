"""A picture read between its pixels keeps its detail."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.imaging.frame import Pixels
from realtime.portrait.engines.warp.supersampling import SupersampledPicture
from realtime.portrait.pack import Place
from realtime.portrait.quality.sharpness import sharpness

_SIDE = 96


def canvas() -> Pixels:
    """Return grain as fine as a painting's: noise, a little blurred."""
    noise = np.random.default_rng(7).normal(0, 40, (_SIDE, _SIDE, 3))
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 0.6) + 128, 0, 255).astype(np.uint8)


def places(shift: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    x, y = np.meshgrid(np.arange(20, 76, dtype=np.float32), np.arange(16, 72, dtype=np.float32))
    return x + np.float32(shift), y + np.float32(shift)


def test_pixels_are_read_as_they_are() -> None:
    picture = canvas()
    fine = SupersampledPicture(picture, Place(20, 16, 56, 56))
    np.testing.assert_array_equal(fine.at(*places(0)), picture[16:72, 20:76])


def test_half_way_between_pixels_detail_is_kept() -> None:
    picture = canvas()
    own = sharpness(picture[16:72, 20:76])
    x, y = places(0.5)
    kept = sharpness(SupersampledPicture(picture, Place(20, 16, 56, 56)).at(x, y)) / own
    plain = sharpness(np.asarray(cv2.remap(picture, x, y, cv2.INTER_LANCZOS4), np.uint8)) / own
    assert kept < 1.02
    assert kept > plain + 0.05


def test_a_place_at_the_rim_of_the_picture() -> None:
    picture = np.full((_SIDE, _SIDE, 3), 90, np.uint8)
    fine = SupersampledPicture(picture, Place(0, 0, _SIDE, _SIDE))
    x, y = np.meshgrid(np.arange(_SIDE, dtype=np.float32) - 0.4, np.arange(_SIDE, dtype=np.float32) + 0.3)
    np.testing.assert_allclose(fine.at(x, y), 90, atol=1)
