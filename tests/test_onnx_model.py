"""Models are opened, run where their arrays lie, and refused in one line where they cannot be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.onnx_model import OnnxModel
from tests import tiny_models


@pytest.fixture()
def scene() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (1, 48, 80, 3), np.uint8)


def test_a_style_repaints_into_the_callers_own_array(tmp_path: Path, scene: np.ndarray) -> None:
    model = OnnxModel.open(tiny_models.negative_style(tmp_path / "negative.onnx"))
    canvas = np.zeros((3, 48, 80, 3), np.uint8)  # the middle of three: nothing beside it may be touched
    model.run({"frame": scene}, {"frame_out": canvas[1:2]})
    assert (canvas[1:2] == 255 - scene).all()
    assert not canvas[0].any()
    assert not canvas[2].any()
