"""Styles that nothing is learnt for: what they draw, and their way into a model."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate, pixel_shuffle, pixel_unshuffle

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels, Size
from realtime.models.card import ModelCard, ModelKind
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel
from realtime.picture_files.reader import read_picture
from realtime.picture_files.samples import sample_photo
from tools.exporting.check import WrittenModel, compare, sample_inputs
from tools.exporting.checkpoint import read_checkpoint
from tools.exporting.model import build_model
from tools.networks import layout_of
from tools.networks.drawn import DRAWN, DrawnStyle
from tools.networks.drawn.layout import weights_of
from tools.networks.drawn.textures import Tiled, bristles, grain, hatching, lines, screen
from tools.networks.drawn.tones import Blur, Enlarged, OnCells, Outlines, Seen, gaussian
from tools.networks.weights import Weights

SIZE = (96, 128)
INNER = (slice(None), slice(None), slice(8, -8), slice(8, -8))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    torch.set_num_threads(1)
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def officer() -> Tensor:
    """RGB [1, 3, 160, 128] of a face."""
    photo = cv2.resize(read_picture(sample_photo()), (128, 160), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(np.ascontiguousarray(photo[..., ::-1])).permute(2, 0, 1)[None] / 255


@functools.cache  # a sheet of hatching takes a second
def drawn(name: str) -> DrawnStyle:
    style = DRAWN[name].load()().eval()
    assert isinstance(style, DrawnStyle)
    return style


def mean(picture: Tensor) -> float:
    return float(picture.mean())


@pytest.mark.parametrize("name", DRAWN)
def test_black_white_and_noise_are_drawn_within_range(name: str) -> None:
    style = drawn(name)
    draw = torch.Generator().manual_seed(0)
    given = [torch.zeros(1, 3, *SIZE), torch.ones(1, 3, *SIZE), torch.rand(1, 3, *SIZE, generator=draw)]
    made = [style(picture) for picture in given]
    for picture in made:
        assert picture.shape == (1, 3, *SIZE)
        assert bool(torch.isfinite(picture).all())
        # What lies beyond, the model's end cuts off; far beyond would be a mistake.
        assert float(picture.min()) > -0.5
        assert float(picture.max()) < 1.5
    assert mean(made[1]) > mean(made[0]) + 0.25


@pytest.mark.parametrize("name", DRAWN)
def test_a_face_stays_what_it_is(name: str, officer: Tensor) -> None:
    """Light and shade lie where they lay, and edges are where they were: compared at an eighth of the size."""
    made = drawn(name)(officer)
    before, after = (avg_pool2d(each.mean(1, keepdim=True), 8).flatten() for each in (officer, made))
    assert float(torch.corrcoef(torch.stack([before, after]))[0, 1]) > 0.7
    assert float((made - officer).abs().mean()) > 0.03  # and it is drawn, not shown


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_picture_is_drawn_the_same_and_a_darker_one_darker(name: str, officer: Tensor) -> None:
    style = drawn(name)
    first = style(officer)
    assert torch.equal(first, style(officer))
    assert mean(style(officer * 0.6)) < mean(first)


def test_a_checkpoint_of_its_colours_becomes_a_model(tmp_path: Path) -> None:
    torch.save({"network": "drawn", "generator": weights_of("engraving")}, tmp_path / "colours.pth")
    weights = read_checkpoint(tmp_path / "colours.pth")
    layout = layout_of(weights)
    assert layout is not None
    assert layout.name == "drawn"
    (part,) = layout.parts(weights)
    (tmp_path / "x.onnx").write_bytes(build_model(part, ModelCard(part.kind, network="drawn")).SerializeToString())
    with WrittenModel(tmp_path / "x.onnx") as model:
        rows = list(compare(part, model, sample_inputs(part, sizes=(Size(96, 64), Size(75, 53))), most_runs=1))
    assert max(row.largest for row in rows) <= 1


def test_other_colours_in_the_checkpoint_are_taken() -> None:
    tensors = weights_of("engraving") | {"drawn.engraving.paper": torch.tensor([1.0, 0.0, 0.0])[None, :, None, None]}
    layout = layout_of(Weights(tensors, "mine.pth"))
    assert layout is not None
    (part,) = layout.parts(Weights(tensors, "mine.pth"))
    made = part.network(torch.ones(1, 3, *SIZE))
    assert made[0, :, 32, 32:].amax(1).tolist() == pytest.approx([1.0, 0.11, 0.17], abs=0.12)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"drawn.etching.paper": torch.ones(1, 3, 1, 1), "drawn.etching.ink": torch.ones(1, 3, 1, 1)}, "'etching'"),
        ({"drawn.engraving.paper": torch.ones(1, 3, 1, 1)}, "lacks the weight 'drawn.engraving.ink'"),
        (
            weights_of("engraving") | {"drawn.engraving.gold": torch.ones(1)},
            "'drawn.engraving.gold', which the network",
        ),
        (weights_of("engraving") | {"drawn.engraving.ink": torch.ones(3)}, "'drawn.engraving.ink' is of shape (3,)"),
    ],
)
def test_colours_that_cannot_be_are_a_line(tensors: dict[str, Tensor], said: str) -> None:
    weights = Weights(tensors, "bad.pth")
    layout = layout_of(weights)
    assert layout is not None
    with pytest.raises(ModelError) as caught:
        layout.parts(weights)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_convolution_of_cells_is_one_of_pixels() -> None:
    picture = torch.rand(1, 1, 32, 48, generator=torch.Generator().manual_seed(1))
    line = gaussian(1.4)
    by_cells = pixel_shuffle(OnCells(line[:, None] * line)(pixel_unshuffle(picture, 2)), 2)
    assert torch.allclose(by_cells[INNER], Blur(1.4, 1)(picture)[INNER], atol=1e-5)


def test_what_is_seen_is_lightness_in_cells_and_half_the_picture() -> None:
    rgb = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(2))
    lightness, half, light = Seen()(rgb)
    luma = 0.299 * rgb[:, :1] + 0.587 * rgb[:, 1:2] + 0.114 * rgb[:, 2:]
    assert torch.allclose(pixel_shuffle(lightness, 2), luma, atol=1e-6)
    assert torch.allclose(half, avg_pool2d(rgb, 2), atol=1e-6)
    assert torch.allclose(light, avg_pool2d(luma, 2), atol=1e-6)


def test_planes_are_enlarged_as_pictures_are() -> None:
    planes = torch.rand(1, 2, 16, 24, generator=torch.Generator().manual_seed(3))
    expected = interpolate(planes, scale_factor=2.0, mode="bilinear")
    assert torch.allclose(pixel_shuffle(Enlarged(2)(planes), 2), expected, atol=1e-6)
    steps = pixel_shuffle(Enlarged(2, difference=True)(planes), 2)
    assert torch.allclose(steps[..., 2:, 2:], (expected[..., 1:, 1:] - expected[..., :-1, :-1])[..., 1:, 1:], atol=1e-6)


def test_outlines_are_dark_beside_an_edge_and_nowhere_else() -> None:
    step = torch.full((1, 1, 32, 64), 0.8)
    step[..., 32:] = 0.3
    tone = pixel_shuffle(Outlines(1.2, 0.985, 70)(pixel_unshuffle(step, 2)), 2)[0, 0, 16]
    assert float(tone[30:36].min()) < 0.2
    assert bool((tone[:24] == 1).all())
    assert bool((tone[42:] == 1).all())


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_a_screen_prints_as_much_as_is_wanted(share: float) -> None:
    printed = float((screen(256, (41, 11)) < share).mean())
    assert printed == pytest.approx(share, abs=0.01)  # at a half, dots that touch do so all at once


def test_hatching_is_as_dark_as_asked_and_what_is_drawn_stays() -> None:
    tones = (0.85, 0.6, 0.4)
    sheets = hatching(96, tones, seed=3)
    assert [float(sheet.mean()) for sheet in sheets] == pytest.approx(tones, abs=0.02)
    assert all(bool((darker <= lighter + 1e-6).all()) for lighter, darker in itertools.pairwise(sheets))


@pytest.mark.parametrize("tile", [grain(64, 3, 3, 1), bristles(64, 6, 1, 4, 1)[1], hatching(64, (0.7,), 2)[0]])
def test_tiles_meet_without_a_seam(tile: np.ndarray) -> None:
    """From the last row to the first is no farther than from one row to the next."""
    for axis in (0, 1):
        steps = np.abs(np.diff(tile, axis=axis, append=tile.take([0], axis))).mean(1 - axis)
        assert steps[-1] < 3 * np.median(steps)


def test_lines_go_over_the_edge_of_a_tile() -> None:
    phase = lines(64, (3, 5)).astype(np.float64)
    for axis, turns in ((0, 5), (1, 3)):
        step = (np.diff(phase, axis=axis, append=phase.take([0], axis)) + 0.5) % 1 - 0.5
        assert step == pytest.approx(np.full((64, 64), turns / 64), abs=1e-5)


def test_a_texture_is_laid_out_over_any_size_from_the_upper_left() -> None:
    tile = Tiled(grain(16, 1, 1, 1))
    laid = tile(torch.zeros(1, 1, 20, 40))[0, 0]
    assert laid.shape == (20, 40)
    assert torch.equal(laid[:16, 16:32], tile.tile[0, 0])


@pytest.mark.parametrize("name", DRAWN)
def test_what_ships_is_what_is_drawn_here(name: str) -> None:
    photo = cv2.resize(read_picture(sample_photo()), (128, 160), interpolation=cv2.INTER_AREA)
    frame: Pixels = np.ascontiguousarray(photo, np.uint8)
    rgb = torch.from_numpy(np.ascontiguousarray(frame[..., ::-1])).permute(2, 0, 1)[None] / 255
    expected = (drawn(name)(rgb)[0].permute(1, 2, 0).clamp(0, 1) * 255).numpy()[..., ::-1]

    made = np.empty_like(frame[np.newaxis])
    model = OnnxModel.open(find_model(name, ModelKind.STYLE), ON_CPU)
    model.run({"frame": frame[np.newaxis]}, {"frame_out": made})
    model.close()

    # Textures are of half precision in the file.
    assert float(np.abs(made[0].astype(np.float32) - expected).mean()) < 0.6
