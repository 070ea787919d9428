"""Losses on pictures and features whose answer is known."""

from __future__ import annotations

import math

import pytest
import torch

from tools.training.losses import (
    StyleTarget,
    content_distance,
    earth_movers_distance,
    edge_change,
    gram,
    light_change,
    overshoot,
    palette_distance,
    rasterizer,
    relative_distance,
    roughness,
    self_similarity_distance,
    skin_cooling,
    style_distance,
)


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=draw(seed))


def test_a_gram_matrix_holds_mean_products_of_channels() -> None:
    features = torch.tensor([[[[1.0, 3.0]], [[2.0, -2.0]]]])  # two channels, two places
    assert torch.equal(gram(features), torch.tensor([[[5.0, -2.0], [-2.0, 4.0]]]))


def test_nothing_matched_is_one_and_the_same_is_nothing() -> None:
    target = noise(2, 3, 4, 4) * 300
    assert float(relative_distance(target, target)) == 0
    assert float(relative_distance(torch.zeros_like(target), target)) == pytest.approx(1)
    found, wanted = {"a": target, "b": torch.zeros_like(target)}, {"a": target, "b": target}
    assert float(content_distance(found, wanted, {"a": 1.0, "b": 3.0})) == pytest.approx(0.75)


def test_style_may_be_asked_of_a_batch_as_a_whole() -> None:
    """Two pictures, each with one half of what the painting has: wrong each alone, right together."""
    left, right = torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 4, 4)
    left[:, 0], right[:, 1] = math.sqrt(2), math.sqrt(2)
    found = {"layer": torch.cat([left, right])}
    # The painting: half of its places hold the one, half the other; standardised, ±1.
    moments = torch.tensor([[1.0, 0.0, 0.5**0.5], [0.0, 1.0, 0.5**0.5], [0.5**0.5, 0.5**0.5, 1.0]])
    targets = {"layer": StyleTarget.of(moments)}
    standardised = torch.tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert torch.allclose(targets["layer"].gram, standardised, atol=1e-5)
    assert float(style_distance(found, targets, {"layer": 1.0}, together=1.0)) == pytest.approx(0, abs=1e-6)
    # Each alone has means of 1 and −1 where the painting has none: four of nine entries are 1 off, of a square of 5.
    assert float(style_distance(found, targets, {"layer": 1.0}, together=0.0)) == pytest.approx(4 / 5)


def test_a_colour_that_is_off_counts_though_means_are_large() -> None:
    """Gram matrices of features as they are would call 5 of 100 a distance of a hundredth."""
    torch.manual_seed(0)
    painting = 100 + torch.randn(1, 2, 64, 64)
    moments = gram(torch.cat([painting, torch.ones(1, 1, 64, 64)], 1))[0]
    targets = {"layer": StyleTarget.of(moments)}
    assert float(style_distance({"layer": painting}, targets, {"layer": 1.0})) == pytest.approx(0, abs=1e-3)
    assert float(style_distance({"layer": painting + 5}, targets, {"layer": 1.0})) > 100
    assert float(relative_distance(gram(painting + 5), gram(painting))) < 0.02


def test_roughness_is_the_mean_step() -> None:
    stairs = torch.arange(4.0).expand(1, 1, 4, 4) * 0.1
    assert float(roughness(stairs)) == pytest.approx(0.1)


def test_overshoot_counts_what_is_clipped() -> None:
    assert float(overshoot(torch.tensor([-0.5, 0.2, 1.0, 1.5]))) == pytest.approx(0.25)


def test_a_grid_of_two_by_two_pixels_is_found_and_real_detail_is_not() -> None:
    grid = torch.zeros(1, 3, 64, 64)
    grid[:, :, ::2, ::2] = 0.4
    assert float(rasterizer(grid)) == pytest.approx(0.15)
    bars = ((torch.arange(64) // 8) % 2).float().expand(1, 3, 64, 64)
    assert float(rasterizer(bars)) < 1e-6


def test_light_may_become_darker_and_flatter_but_must_stay_where_it_is() -> None:
    picture = torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    assert float(light_change(picture * 0.3 + 0.1, picture)) < 0.01
    assert float(light_change(picture.flip(3), picture)) > 1


def test_lost_edges_cost_and_added_ones_do_not() -> None:
    picture = torch.zeros(1, 3, 32, 32)
    picture[:, :, :, 16:] = 1
    added = picture.clone()
    added[:, :, :12, 8:10] = 0.5
    assert float(edge_change(picture, picture)) == pytest.approx(0, abs=1e-5)
    assert float(edge_change(added, picture)) < 0.05
    assert float(edge_change(torch.full_like(picture, 0.5), picture)) == pytest.approx(1, abs=0.01)


def test_a_palette_is_compared_by_amount_and_not_by_place() -> None:
    painting = noise(1, 3, 64, 64)
    smooth = torch.nn.functional.interpolate(painting, scale_factor=2, mode="nearest")  # halved, it is the painting
    elsewhere = smooth.flip(2).flip(3)
    assert float(palette_distance(elsewhere, [painting], draw())) < 0.02
    assert float(palette_distance(smooth * 0.5, [painting], draw())) > 0.1


def test_moving_places_about_costs_no_earth() -> None:
    features = noise(2, 5, 6, 6) - 0.5
    moved = features.flatten(2)[:, :, torch.randperm(36, generator=draw())].view_as(features)
    assert float(earth_movers_distance(moved[:1], features[:1], draw())) == pytest.approx(0, abs=1e-5)
    positive = features[:1].abs()
    assert float(earth_movers_distance(-positive, positive, draw())) > 1  # more than a right angle from all of them
    # The worse way counts: all places alike are near one of the painting's, and most of the painting's have no like.
    one = features[:1, :, :1, :1].expand(1, 5, 6, 6)
    assert float(earth_movers_distance(one, features[:1], draw())) > 0.2


def test_self_similarity_holds_when_all_features_turn_together() -> None:
    features = noise(1, 4, 8, 8) - 0.5
    turn = torch.linalg.qr(torch.randn(4, 4, generator=draw()))[0]
    turned = torch.einsum("ij,njhw->nihw", turn, features)
    assert float(self_similarity_distance(turned, features, draw())) < 1e-4
    assert float(self_similarity_distance(features.flip(2), features, draw())) > 0.1


def test_skin_may_lose_half_of_its_warmth_and_no_more() -> None:
    skin = torch.tensor([0.82, 0.60, 0.48])[None, :, None, None].expand(1, 3, 32, 32).contiguous()
    dark_skin = torch.tensor([0.36, 0.22, 0.16])[None, :, None, None].expand(1, 3, 32, 32).contiguous()
    for each in (skin, dark_skin):
        assert float(skin_cooling(each, each)) == 0
        grey = each.mean(1, keepdim=True).expand_as(each)
        assert float(skin_cooling(grey, each)) == pytest.approx(float(each[0, 0, 0, 0] - each[0, 2, 0, 0]) / 2, rel=0.1)
        assert float(skin_cooling(each.flip(1), each)) > 2 * float(skin_cooling(grey, each))
    sky = torch.tensor([0.35, 0.55, 0.85])[None, :, None, None].expand(1, 3, 32, 32).contiguous()
    assert float(skin_cooling(torch.zeros_like(sky), sky)) == 0, "no skin"
