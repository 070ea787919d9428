from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.cameras import CameraRequest
from realtime.cameras.demo import Demo
from realtime.imaging.frame import Pixels, Size
from realtime.models.card import ModelKind
from realtime.models.library import find_model
from realtime.models.runtime.onnx_model import SessionPolicy
from realtime.style.renderer import SizedModel, StyleRenderer
from realtime.style.temporal_filter import TemporalFilter


@pytest.fixture(scope="module")
def still(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(cv2.resize(pixels, (256, 304), interpolation=cv2.INTER_AREA), np.uint8)


def noisy(still: Pixels, count: int, sigma: float = 4.0) -> list[Pixels]:
    rng = np.random.default_rng(3)
    return [np.clip(still + rng.normal(0, sigma, still.shape) + 0.5, 0, 255).astype(np.uint8) for _ in range(count)]


def change(pictures: Sequence[Pixels]) -> float:
    """Mean |picture(t) − picture(t − 1)|."""
    pairs = zip(pictures[1:], pictures[:-1], strict=True)
    return float(np.mean([np.abs(later.astype(np.int16) - earlier).mean() for later, earlier in pairs]))


def paint(pixels: Pixels) -> Pixels:
    """Stands for a network: sharpens, which makes four times as much of noise."""
    rough = cv2.GaussianBlur(pixels, (0, 0), 1.0)
    return np.asarray(cv2.addWeighted(pixels, 4.0, rough, -3.0, 0), np.uint8)


def run(pictures: Sequence[Pixels], fps: float = 30.0, *, held: bool = True) -> list[Pixels]:
    steady = TemporalFilter(Size.of(pictures[0]))
    made = []
    for index, pixels in enumerate(pictures):
        painted = paint(steady.calm(pixels, index / fps))
        if held:
            steady.hold(painted)
        made.append(painted)
    return made


def test_noise_on_a_still_scene_does_not_become_flicker(still: Pixels) -> None:
    pictures = noisy(still, 45)
    camera = change(pictures[10:])
    assert change([paint(pixels) for pixels in pictures[10:]]) > 2.5 * camera, "this painter would flicker"
    assert change(run(pictures)[10:]) < 0.15 * camera


def test_calm_comes_within_a_second_at_any_rate(still: Pixels) -> None:
    for fps in (10, 60):
        pictures = noisy(still, int(1.5 * fps))
        assert change(run(pictures, fps)[fps:]) < 0.5 * change(pictures[fps:])


def test_what_moves_is_followed_at_once(still: Pixels) -> None:
    """A square that moves over the noisy picture: where it is and where it was, the picture is the one painted of this
    very frame, but for noise.
    """
    pictures = noisy(still, 30, sigma=2)
    for index, pixels in enumerate(pictures):
        pixels[100:140, 5 * index : 5 * index + 40] = (220, 60, 30)
    steady = TemporalFilter(Size.of(still))
    for index, pixels in enumerate(pictures):
        calmed = steady.calm(pixels, index / 30).copy()
        if index > 2:
            around = np.s_[90:150, max(0, 5 * index - 30) : 5 * index + 60]
            clean = still.copy()
            clean[100:140, 5 * index : 5 * index + 40] = (220, 60, 30)
            off = np.abs(calmed[around].astype(np.int16) - clean[around])
            assert np.percentile(off, 99) < 14, "a trail, or an edge that lags"


def test_no_trace_of_the_painting_stays_beside_a_moving_head() -> None:
    """A painted outline has a rim that reaches further than the head moves between two frames."""
    frame, fps = Size(640, 352), 30.0
    camera = Demo("demo", CameraRequest(size=frame, fps=fps))
    path = find_model("fauve", ModelKind.STYLE)
    policy = SessionPolicy(provider="cpu", threads=1)
    steady, plain = (
        StyleRenderer(SizedModel(path, policy, Size(320, 176)), frame, steady=held) for held in (True, False)
    )
    made, wanted = np.empty((2, frame.height, frame.width, 3), np.uint8)
    stale, off = [], []
    for index in range(120):
        shown = camera.read()
        assert shown is not None
        if index < 75:  # she stands, then walks to the left
            continue
        steady.paint(shown.pixels, shown.pts_s, made)
        if index >= 100:
            plain.paint(shown.pixels, shown.pts_s, wanted)
            difference = np.abs(made.astype(np.int16) - wanted).mean(axis=2)
            stale.append(float((difference > 16).mean()))
            off.append(float(np.percentile(difference, 99.5)))
    assert max(stale) < 0.001
    assert max(off) < 6
    for renderer in (steady, plain):
        renderer.close()


def test_a_cut_is_shown_at_once(still: Pixels) -> None:
    steady = TemporalFilter(Size.of(still))
    for index in range(10):
        steady.calm(still, index / 30)
    other = 255 - still
    assert np.abs(steady.calm(other, 10 / 30).astype(np.int16) - other).mean() < 1


def test_slow_light_is_followed(still: Pixels) -> None:
    steady = TemporalFilter(Size.of(still))
    calmed = still
    for index in range(90):
        pixels = np.clip(still.astype(np.int16) + index // 3, 0, 255).astype(np.uint8)
        calmed = steady.calm(pixels, index / 30)
    assert np.abs(calmed.astype(np.int16) - pixels).mean() < 4.5


def test_after_a_pause_it_begins_anew(still: Pixels) -> None:
    steady = TemporalFilter(Size.of(still))
    steady.calm(255 - still, 0.0)
    first = steady.calm(still, 5.0)
    assert first is still
    painted = paint(first)
    before = painted.copy()
    steady.hold(painted)
    assert np.array_equal(painted, before)


def test_a_colour_of_equal_brightness_is_motion() -> None:
    one = np.full((64, 64, 3), (40, 160, 40), np.uint8)
    other = np.full((64, 64, 3), (160, 77, 150), np.uint8)
    steady = TemporalFilter(Size(64, 64))
    for index in range(5):
        steady.calm(one, index / 30)
    assert np.abs(steady.calm(other, 5 / 30).astype(np.int16) - other).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (17, 333), (1283, 721)])
def test_any_size(size: tuple[int, int]) -> None:
    pixels = np.full((size[1], size[0], 3), 99, np.uint8)
    assert (run([pixels] * 3)[-1] == paint(pixels)).all()
