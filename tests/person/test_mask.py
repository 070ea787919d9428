"""Blocks of a picture, and what is laid by a mask."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.imaging.frame import Size
from realtime.person.blocks import BlockGrid
from realtime.person.mask import PersonMask

NONE = np.empty(0, np.intp)


@pytest.mark.parametrize("size", [Size(1, 1), Size(17, 333), Size(64, 32), Size(100, 70)])
def test_blocks_cover_a_picture(size: Size) -> None:
    grid = BlockGrid(size, 32)
    picture = np.random.default_rng(0).integers(0, 256, (size.height, size.width, 3), np.uint8)
    copy = np.zeros_like(picture)
    everything = np.arange(grid.count)
    blocks = grid.take(picture, everything)
    assert blocks.shape == (grid.count, grid.block.height * grid.block.width, 3)
    grid.put(blocks, copy, everything)
    assert np.array_equal(copy, picture)
    some = np.flatnonzero(np.random.default_rng(1).random(grid.count) < 0.6)
    put, copied = np.zeros_like(picture), np.zeros_like(picture)
    grid.put(grid.take(picture, some), put, some)
    grid.copy(picture, copied, some)
    assert np.array_equal(copied, put)
    plane = picture[..., 0].copy()
    assert np.array_equal(grid.take(plane, everything), blocks[..., 0])


def test_a_block_lies_where_it_says() -> None:
    grid = BlockGrid(Size(96, 64), 32)
    picture = np.zeros((64, 96), np.uint8)
    grid.put(np.full((1, 1024), 9, np.uint8), picture, np.array([5]))
    assert (picture[32:, 64:] == 9).all()
    assert picture.sum() == 9 * 32 * 32
    assert grid.at_centres(picture).tolist() == [0, 0, 0, 0, 0, 9]


@pytest.fixture
def mask() -> PersonMask:
    """Of 96×32 pixels the first third is somebody, the last nobody, the middle half of each."""
    grid = BlockGrid(Size(96, 32), 32)
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:, :16] = 255
    return PersonMask(grid, np.array([0]), np.array([1]), np.array([2]), alpha.reshape(1, -1), alpha)


def test_people_are_laid_and_nothing_else(mask: PersonMask) -> None:
    onto = np.full((32, 96, 3), 10, np.uint8)
    mask.lay_people(np.full((32, 96, 3), 200, np.uint8), onto)
    assert (onto[:, :48] == 200).all()
    assert (onto[:, 48:] == 10).all()


def test_background_is_laid_and_nothing_else(mask: PersonMask) -> None:
    onto = np.full((32, 96, 3), 10, np.uint8)
    mask.lay_background(np.full((32, 96, 3), 200, np.uint8), onto)
    assert (onto[:, :48] == 10).all()
    assert (onto[:, 48:] == 200).all()
    assert np.array_equal(mask.plane()[0], np.repeat(np.array([255, 0], np.uint8), 48))


def test_both_ways_share_an_outline() -> None:
    grid = BlockGrid(Size(256, 1), 256)
    alpha = np.arange(256, dtype=np.uint8)[np.newaxis]
    mask = PersonMask(grid, NONE, np.array([0]), NONE, alpha, alpha)
    people, background = np.full((1, 256, 3), 250, np.uint8), np.full((1, 256, 3), 50, np.uint8)
    one, other = background.copy(), people.copy()
    mask.lay_people(people, one)
    mask.lay_background(background, other)
    assert np.abs(one.astype(int) - other).max() <= 1
    assert (np.diff(one[0, :, 0].astype(int)) >= 0).all()
    expected = 50 + mask.plane()[0].astype(float) / 255 * 200
    assert np.abs(one[0, :, 0] - expected).max() <= 1


def test_softness_is_how_much_is_a_matter_of_degree() -> None:
    grid = BlockGrid(Size(256, 1), 256)
    alpha = np.arange(256, dtype=np.uint8)[np.newaxis]
    mask = PersonMask(grid, NONE, np.array([0]), NONE, alpha, alpha)
    partly = [int(((plane := mask.plane(softness)) > 0).sum() - (plane == 255).sum()) for softness in (0, 0.5, 1)]
    assert partly[0] < 30
    assert 100 < partly[1] < 150
    assert partly[2] > 230


def test_nobody_is_nobody(mask: PersonMask) -> None:
    assert not mask.is_empty
    empty = PersonMask(mask.grid, NONE, NONE, np.arange(3), np.empty((0, 1024), np.uint8), mask.small)
    assert empty.is_empty
    onto = np.full((32, 96, 3), 10, np.uint8)
    empty.lay_people(np.full_like(onto, 200), onto)
    assert (onto == 10).all()
    empty.lay_background(np.full_like(onto, 200), onto)
    assert (onto == 200).all()
