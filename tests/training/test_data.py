"""Pictures made ready once, and crops that are a function of the seed and the step."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from realtime.core.errors import OptionError
from realtime.model_import.hints import ColourOrder
from tests.training.conftest import drawn
from tools.networks import PictureFormat
from tools.training.data import (
    Crops,
    CropSettings,
    RandomCrops,
    Share,
    UnpairedCrops,
    batches,
    painted_by,
    relit,
    to_pixels,
    to_tensor,
)
from tools.training.degrade import salt_pepper_blur
from tools.training.pictures import PictureStore, prepare

PLAIN = CropSettings(crop_px=32, least_scale=0.5, most_scale=1.0, flip=True, light=0.25)


def silent(what: str, share: float) -> None:
    assert what
    assert 0 <= share <= 1


@pytest.fixture
def store(photos: Path, tmp_path: Path) -> PictureStore:
    return prepare([photos], 48, tmp_path / "cache", silent)


def test_pictures_are_scaled_once_and_kept(photos: Path, tmp_path: Path) -> None:
    told: list[str] = []
    cache = tmp_path / "cache"
    first = prepare([photos], 48, cache, lambda what, _: told.append(what))
    assert len(first) == len(told) == 20
    assert all(first.picture(number).shape == (48, 64, 3) for number in range(20))
    again = prepare([photos], 48, cache, lambda what, _: told.append(what))
    assert len(told) == 20  # nothing was decoded a second time
    assert np.array_equal(again.pixels, first.pixels)
    original = cv2.cvtColor(drawn(7), cv2.COLOR_BGR2RGB)
    small = cv2.resize(original, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.array_equal(first.picture(7), small)


def test_a_folder_that_has_changed_is_prepared_anew(photos: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(photos, mine)
    assert len(prepare([mine], 48, tmp_path / "cache", silent)) == 20
    (mine / "inner").mkdir()
    cv2.imwrite(str(mine / "inner" / "one_more.png"), drawn(50))
    assert len(prepare([mine], 48, tmp_path / "cache", silent)) == 21


def test_damaged_and_tiny_pictures_are_left_out_and_named(photos: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(photos, mine)
    (mine / "cut.png").write_bytes((mine / "00.png").read_bytes()[:60])
    (mine / "empty.jpg").touch()
    cv2.imwrite(str(mine / "tiny.png"), drawn(1, 8, 8))
    (mine / "notes.txt").write_text("no picture")
    store = prepare([mine], 48, tmp_path / "cache", silent)
    assert len(store) == 20
    assert len(store.skipped) == 3
    assert [line.split()[0] for line in sorted(store.skipped)] == ["cut.png", "empty.jpg", "tiny.png"]


def test_too_few_pictures_and_no_folder_are_said(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    cv2.imwrite(str(tmp_path / "few" / "a.png"), drawn(1))
    with pytest.raises(OptionError, match="holds 1 pictures that can be used; training needs 16"):
        prepare([tmp_path / "few"], 48, tmp_path / "cache", silent)
    with pytest.raises(OptionError, match="is no folder"):
        prepare([tmp_path / "none"], 48, tmp_path / "cache", silent)


def test_a_crop_is_a_function_of_its_number(store: PictureStore) -> None:
    indices = np.arange(2, 20)
    one, other = (RandomCrops(store, indices, PLAIN, seed=5) for _ in range(2))
    ahead = [one.crop(number) for number in range(40)]
    for number in reversed(range(40)):  # in whatever order they are asked for, by whichever thread
        assert np.array_equal(other.crop(number), ahead[number])
    assert not np.array_equal(RandomCrops(store, indices, PLAIN, seed=6).crop(0), ahead[0])


def test_every_picture_is_seen_once_before_any_is_seen_again(store: PictureStore) -> None:
    crops = RandomCrops(store, np.arange(5, 20), PLAIN, seed=1)
    for first in (0, 15, 30):
        assert sorted(crops.picture_of(number) for number in range(first, first + 15)) == list(range(5, 20))


def test_devices_share_what_one_would_draw_alone(store: PictureStore) -> None:
    crops = RandomCrops(store, np.arange(20), PLAIN, seed=1)
    alone = Crops(crops, Share(4)).draw(3)[0]
    halves = [Crops(crops, Share(2, rank, 2)).draw(3)[0] for rank in (0, 1)]
    assert np.array_equal(np.concatenate(halves), alone)


def test_two_kinds_of_pictures_are_drawn_in_orders_of_their_own(store: PictureStore) -> None:
    plain = CropSettings(crop_px=32, least_scale=1.0, most_scale=1.0, flip=False, light=0.0)
    kinds = [RandomCrops(store, np.arange(20), plain, seed) for seed in (1, 2)]
    pictures, others = UnpairedCrops(kinds[0], kinds[1], Share(20)).draw(0)
    assert sum(np.array_equal(*pair) for pair in zip(pictures, others, strict=True)) < 5


def test_batches_begin_anywhere_and_carry_their_own_chance(store: PictureStore) -> None:
    source = Crops(RandomCrops(store, np.arange(20), PLAIN, seed=1), Share(2))

    def drawn_from(first: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        found = batches(source, first, 6, torch.device("cpu"), torch.contiguous_format, seed=1)
        return [(batch.pictures, torch.rand(3, generator=batch.noise)) for batch in found]

    whole, later = drawn_from(0), drawn_from(4)
    assert len(whole) == 6
    for (pictures, chance), (pictures_later, chance_later) in zip(whole[4:], later, strict=True):
        assert torch.equal(pictures, pictures_later)
        assert torch.equal(chance, chance_later)
    assert not torch.equal(whole[0][1], whole[1][1])


def test_pixels_become_numbers_and_numbers_pixels() -> None:
    rgb = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    tensor = to_tensor(rgb, torch.device("cpu"))
    assert tensor.shape == (2, 3, 4, 6)
    assert float(tensor[1, 2, 3, 5]) == pytest.approx(rgb[1, 3, 5, 2] / 255)
    assert np.array_equal(to_pixels(tensor), rgb[:, :, :, ::-1])
    assert to_pixels(torch.tensor([-0.5, 0.5, 1.7]).view(1, 3, 1, 1)).tolist() == [[[[255, 128, 0]]]]


def test_a_network_is_given_its_own_black_white_and_order_of_colours() -> None:
    seen = []

    def network(given: torch.Tensor) -> torch.Tensor:
        seen.append(given)
        return given * 0.5

    rgb = torch.tensor([0.0, 0.5, 1.0]).view(1, 3, 1, 1)
    painted = painted_by(network, PictureFormat(black=-1, white=1, order=ColourOrder.BGR), rgb)
    assert seen[0].flatten().tolist() == [1.0, 0.0, -1.0]
    assert painted.flatten().tolist() == [0.25, 0.5, 0.75]


def test_another_light_keeps_what_is_lighter_lighter() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    lit = relit(ramp, 0.3, np.random.default_rng(1))
    assert (np.diff(lit.astype(int), axis=1) >= 0).all()
    assert not np.array_equal(lit, ramp)
    assert np.array_equal(relit(ramp, 0.0, np.random.default_rng(1)), ramp)


def test_salt_pepper_and_blur_spoil_what_they_say() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    spoilt = salt_pepper_blur(grey, np.random.default_rng(3))
    off = (spoilt != 128).any(2).mean()
    assert 0.1 < off < 1
    assert abs(float(spoilt.mean()) - 128) < 3
    assert spoilt.min() > 0  # blurred: no pixel is left black alone
    assert np.array_equal(spoilt, salt_pepper_blur(grey, np.random.default_rng(3)))
