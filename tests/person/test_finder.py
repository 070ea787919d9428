"""Where people are, in photos, in noise, and from one moment to the next."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import ModelError
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.person.finder import FinderOnDemand, PersonFinder
from realtime.person.mask import PersonMask

FRAME = Size(1280, 720)


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    """512×600: from (150, 30) to (360, 420) nothing but an officer's head."""
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def desk(photo: Pixels, *lefts: int) -> Pixels:
    """Somebody, once or several times, before a grey wall."""
    frame = np.full((FRAME.height, FRAME.width, 3), 128, np.uint8)
    finder = PersonFinder.open(Size.of(photo))
    mask = finder.find(moment(photo, 0))
    finder.close()
    for left in lefts:
        mask.lay_people(photo, frame[-photo.shape[0] :, left : left + photo.shape[1]])
    return frame


def moment(pixels: Pixels, index: int) -> Frame:
    return Frame(pixels, 500 + index / 30, index / 30, index)


def find(*pictures: Pixels) -> PersonMask:
    """Return the mask of the last of some pictures."""
    finder = PersonFinder.open(Size.of(pictures[0]))
    masks = [finder.find(moment(pixels, index)) for index, pixels in enumerate(pictures)]
    finder.close()
    return masks[-1]


def test_a_head_is_people_and_a_flag_is_not(photo: Pixels) -> None:
    plane = find(photo).plane()
    assert (plane[150:280, 200:330] == 255).all()
    assert (plane[:150, :60] == 0).all()
    assert (plane[:300, 440:] == 0).all()


def test_nobody_is_found_before_a_wall() -> None:
    assert find(np.full((720, 1280, 3), 128, np.uint8)).is_empty


def test_all_of_a_group_are_found(photo: Pixels) -> None:
    plane = find(desk(photo, 100, 680)).plane()
    for left in (100, 680):
        assert (plane[270:400, left + 200 : left + 330] > 240).all()
    assert (plane[:100] == 0).all()


@pytest.mark.parametrize("size", [Size(1, 1), Size(17, 333), Size(333, 17), Size(1279, 721), Size(1920, 1080)])
def test_any_size_of_frame(photo: Pixels, size: Size) -> None:
    mask = find(np.asarray(cv2.resize(photo, size), np.uint8))
    assert mask.plane().shape == (size.height, size.width)
    assert len(mask.inside) + len(mask.outline) + len(mask.outside) == mask.grid.count


def test_an_outline_follows_the_pictures_edge(photo: Pixels) -> None:
    """The wall's edge lies where it was cut, within two pixels, though the network's own are five wide."""
    frame = desk(photo, 380)
    wall = (frame == 128).all(axis=2)
    plane = find(frame).plane()
    near_wall = cv2.erode(wall.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    near_person = cv2.erode((~wall).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    rows = slice(200, 480)  # the head
    assert (plane[rows][near_wall[rows]] > 128).mean() < 0.002
    assert (plane[rows][near_person[rows]] < 128).mean() < 0.03


def test_noise_moves_an_outline_less_than_the_picture(photo: Pixels) -> None:
    frame = desk(photo, 380)
    random = np.random.default_rng(0)
    noisy = [np.clip(frame + random.normal(0, 3, frame.shape), 0, 255).astype(np.uint8) for _ in range(12)]
    finder = PersonFinder.open(FRAME)
    planes = np.array([finder.find(moment(pixels, index)).plane() for index, pixels in enumerate(noisy)], np.float32)
    finder.close()
    grey = np.array([cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) for pixels in noisy], np.float32)
    outline = ((planes[4:] > 8) & (planes[4:] < 247)).any(axis=0)
    assert outline.any()
    changes = [float(np.abs(np.diff(series[4:, outline], axis=0)).mean()) for series in (planes, grey)]
    assert changes[0] <= 1.3 * changes[1]


def test_whoever_has_gone_leaves_no_trail(photo: Pixels) -> None:
    wall = np.full((720, 1280, 3), 128, np.uint8)
    assert find(desk(photo, 380), desk(photo, 380), wall).is_empty
    left, right = desk(photo, 0), desk(photo, 760)
    plane = find(left, left, right).plane()
    assert (plane[:, :600] == 0).all()
    assert (plane[270:400, 960:1090] > 240).all()


def test_a_clock_that_starts_over_begins_anew(photo: Pixels) -> None:
    finder = PersonFinder.open(FRAME)
    finder.find(moment(desk(photo, 380), 100))
    assert finder.find(moment(np.full((720, 1280, 3), 128, np.uint8), 0)).is_empty
    finder.close()


def test_a_still_picture_is_looked_at_now_and_then(photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = desk(photo, 380)
    finder = PersonFinder.open(FRAME)
    looked: list[int] = []
    find_anew = finder._network.find

    def counted(small: Pixels) -> Floats:
        looked.append(1)
        return find_anew(small)

    monkeypatch.setattr(finder._network, "find", counted)
    planes = [finder.find(moment(frame, index)).plane() for index in range(30)]
    finder.close()
    assert 3 <= len(looked) <= 6
    assert all(np.array_equal(plane, planes[-1]) for plane in planes[20:])


def test_on_demand_it_opens_beside_and_once(photo: Pixels) -> None:
    wanted = FinderOnDemand()
    found = None
    while found is None:
        found = wanted.get(FRAME, waits=False)
    assert wanted.get(FRAME, waits=False) is found
    assert not found.find(moment(desk(photo, 380), 0)).is_empty
    wanted.close()
    FinderOnDemand().close()


def test_what_does_not_open_says_why_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path))
    wanted = FinderOnDemand()
    for _ in range(2):
        with pytest.raises(ModelError, match="is missing"):
            wanted.get(FRAME, waits=True)
    wanted.close()
