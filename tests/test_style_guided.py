from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.imaging.frame import Pixels, Size
from realtime.style.guided_upsampling import GuidedUpsampler

FULL, SMALL = Size(512, 600), Size(256, 304)


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(cv2.resize(pixels, FULL, interpolation=cv2.INTER_AREA), np.uint8)


def shrink(pixels: Pixels) -> Pixels:
    return np.asarray(cv2.resize(pixels, SMALL, interpolation=cv2.INTER_AREA), np.uint8)


def enlarge(frame: Pixels, seen: Pixels, painted: Pixels) -> Pixels:
    out = np.empty_like(frame)
    GuidedUpsampler(Size.of(seen), Size.of(frame)).enlarge(frame, seen, painted, out)
    return out


def error(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean())


def test_what_the_small_copy_lost_comes_back(photo: Pixels) -> None:
    """A painting that is the frame with less contrast: enlarged, it must come near the one made at full size."""
    paint = np.clip(np.arange(256) * 0.6 + 70, 0, 255).astype(np.uint8)
    seen = shrink(photo)
    at_full_size, painted = paint[photo], paint[seen]
    plain = np.asarray(cv2.resize(painted, FULL, interpolation=cv2.INTER_CUBIC), np.uint8)
    assert error(enlarge(photo, seen, painted), at_full_size) < 0.72 * error(plain, at_full_size)


def test_a_painting_that_has_nothing_of_the_frame_is_only_enlarged(photo: Pixels) -> None:
    painted = np.full((SMALL.height, SMALL.width, 3), (40, 120, 200), np.uint8)
    assert error(enlarge(photo, shrink(photo), painted), np.full_like(photo, (40, 120, 200))) < 0.05


def test_grain_is_not_brought_back() -> None:
    rng = np.random.default_rng(2)
    frame = np.clip(rng.normal(128, 5, (FULL.height, FULL.width, 3)), 0, 255).astype(np.uint8)
    seen = shrink(frame)
    plain = np.asarray(cv2.resize(seen, FULL, interpolation=cv2.INTER_CUBIC), np.uint8)
    assert error(enlarge(frame, seen, seen), plain) < 0.15


def test_edges_are_steep_and_have_no_haloes() -> None:
    frame = np.full((FULL.height, FULL.width, 3), 60, np.uint8)
    cv2.circle(frame, (256, 300), 150, (190, 190, 190), -1, cv2.LINE_AA)
    seen = shrink(frame)
    made = enlarge(frame, seen, 255 - (255 - seen) // 2)
    row = made[300, :, 0].astype(int)
    low, high = 255 - (255 - 60) // 2, 255 - (255 - 190) // 2
    assert row.min() >= low - 8
    assert row.max() <= high + 8
    rising = np.flatnonzero(row[:256] > (low + high) / 2)[0]
    assert row[rising + 2] - row[rising - 2] > 0.8 * (high - low)


@pytest.mark.parametrize(("small", "full"), [((16, 16), (1, 1)), ((48, 27), (1281, 721)), ((320, 176), (1280, 720))])
def test_any_sizes(small: tuple[int, int], full: tuple[int, int]) -> None:
    frame = np.full((full[1], full[0], 3), 77, np.uint8)
    seen = np.full((small[1], small[0], 3), 77, np.uint8)
    assert (enlarge(frame, seen, seen) == 77).all()


def test_nothing_given_is_written_into(photo: Pixels) -> None:
    seen = shrink(photo)
    painted = 255 - seen
    before = [given.copy() for given in (photo, seen, painted)]
    enlarge(photo, seen, painted)
    for given, copy in zip((photo, seen, painted), before, strict=True):
        assert np.array_equal(given, copy)
