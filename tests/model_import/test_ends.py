"""Whatever manner a network has, its answer comes back as the known function of the picture."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.imaging.frame import Pixels
from realtime.model_import.hints import ColourOrder, ImportHints, Layout, ValueRange
from tests.model_import.conftest import Import, Paint
from tests.model_import.networks import Manner, tinted, write_tint

B, U, S = ValueRange.BYTES, ValueRange.UNIT, ValueRange.SIGNED
RGB, BGR = ColourOrder.RGB, ColourOrder.BGR

MANNERS = [
    *(Manner(range_in=first, range_out=second) for first, second in itertools.product((B, U, S), (B, U, S))),
    Manner(Layout.NHWC, Layout.NHWC, S, S),
    Manner(Layout.NCHW, Layout.NHWC, U, B),
    Manner(Layout.NCHW, Layout.HWC, U, B),
    Manner(Layout.HWC, Layout.NCHW, B, U),
    Manner(Layout.CHW, Layout.CHW, U, U, BGR),
    Manner(Layout.NHWC, Layout.NHWC, B, B, BGR),
    Manner(range_in=ValueRange.IMAGENET, range_out=U),
    Manner(range_in=ValueRange.IMAGENET, range_out=S, order=BGR),
    Manner(element="float16"),
    Manner(Layout.NHWC, Layout.NHWC, S, S, element="float16"),
    Manner(height=96, width=128),
    Manner(Layout.NHWC, Layout.NHWC, S, S, height=128, width=96),
    Manner(Layout.NCHW, Layout.HWC, U, B, height=90, width=160),
    Manner(names=("frame", "frame_out")),
    Manner(names=("numbers", "realtime/transpose_1")),
    Manner(opset=13),
    Manner(opset=21),
]


def hints_for(manner: Manner) -> ImportHints:
    return ImportHints(range_in=manner.range_in, range_out=manner.range_out, order=manner.order)


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: f"{manner}".removeprefix("Manner"))
def test_the_answer_is_the_known_function_of_the_picture(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, manner: Manner
) -> None:
    made = bring_in(write_tint(tmp_path / "theirs.onnx", manner), hints_for(manner))
    largest = 1.01 if manner.element == "float16" else 0.51  # half a grey level is rounding
    assert np.abs(paint(made, photo) - tinted(photo)).max() <= largest
    assert np.abs(made.validation.after - tinted(made.validation.before)).max() <= largest


def test_bytes_in_and_out_need_nothing_said(tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint) -> None:
    manner = Manner(Layout.NHWC, Layout.NHWC, B, B, element="uint8")
    made = bring_in(write_tint(tmp_path / "theirs.onnx", manner), ImportHints())
    assert np.abs(paint(made, photo) - tinted(photo)).max() <= 1  # its own cast cuts off
    assert ("range in", "0..255", "its type, uint8") in made.findings


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(height=st.integers(16, 90), width=st.integers(16, 90), seed=st.integers(0, 9))
@pytest.mark.parametrize("multiple", [1, 8])
def test_any_size_comes_back_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory,
    bring_in: Import,
    paint: Paint,
    multiple: int,
    height: int,
    width: int,
    seed: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"multiple-{multiple}.onnx"
    if path not in _MADE:
        write_tint(path, Manner())
        _MADE[path] = bring_in(path, ImportHints(range_in=U, range_out=U, multiple=multiple))
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    assert np.abs(paint(_MADE[path], picture) - tinted(picture)).max() <= 0.51


_MADE = {}  # type: ignore[var-annotated]  # one import for all examples


def test_a_wrong_colour_order_shows_in_the_answer(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint
) -> None:
    """The proof that the tests above would notice: the same file, the colours exchanged."""
    path = write_tint(tmp_path / "theirs.onnx", Manner())
    made = bring_in(path, ImportHints(range_in=U, range_out=U, order=BGR))
    assert np.abs(paint(made, photo) - tinted(photo)).max() > 60


def test_one_size_wished_scales_to_it_and_back(tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint) -> None:
    from realtime.imaging.frame import Size

    path = write_tint(tmp_path / "theirs.onnx", Manner())
    made = bring_in(path, ImportHints(range_in=U, range_out=U, size=Size(96, 96)))
    flat = np.full((131, 207, 3), (40, 90, 200), np.uint8)
    assert np.abs(paint(made, flat) - tinted(flat)).max() <= 1
    assert paint(made, photo).shape == photo.shape
    assert np.abs(paint(made, photo) - tinted(photo)).mean() < 12, "softer, but the same picture"
