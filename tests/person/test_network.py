"""The networks that come with the program, as our graph of them computes them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels, Size
from realtime.models.weights import weights_file
from realtime.person.selfie import SQUARE, WIDE, SelfieNetwork, network_for


@pytest.fixture(scope="module")
def photo(navy_photo: Path) -> Pixels:
    pixels = cv2.imread(str(navy_photo))
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


@pytest.mark.parametrize("frame", [Size(1280, 720), Size(640, 480)])
def test_opencv_finds_the_same(photo: Pixels, frame: Size) -> None:
    network = SelfieNetwork(frame)
    small = network.look_at(np.asarray(cv2.resize(photo, frame), np.uint8))
    found = network.find(small)
    reference = cv2.dnn.readNetFromTFLite(str(weights_file(network_for(frame))))
    reference.setInput(cv2.dnn.blobFromImage(small, 1 / 255, Size.of(small), swapRB=True))
    assert found.max() > 0.99
    assert np.abs(found - reference.forward().reshape(found.shape)).max() < 0.002
    network.close()


def test_wide_pictures_have_a_network_of_their_own() -> None:
    assert [network_for(Size(*size)) for size in ((1280, 720), (720, 480), (640, 480), (512, 512), (720, 1280))] == [
        WIDE,
        WIDE,
        SQUARE,
        SQUARE,
        SQUARE,
    ]


def test_the_shape_may_change_on_the_way(photo: Pixels) -> None:
    network = SelfieNetwork(Size(1280, 720))
    for frame, size in ((Size(1280, 720), Size(256, 144)), (Size(480, 640), Size(256, 256))):
        small = network.look_at(np.asarray(cv2.resize(photo, frame), np.uint8))
        assert Size.of(small) == size
        assert network.find(small).shape == (size.height, size.width)
    network.close()


def test_a_damaged_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / WIDE).write_bytes(b"TFL3")
    monkeypatch.setenv("REALTIME_MODELS", str(tmp_path))
    with pytest.raises(ModelError, match="damaged") as caught:
        SelfieNetwork(Size(1280, 720))
    assert "\n" not in str(caught.value)
