from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from realtime.core.errors import ModelError
from tests.tiny_models import brighter_style, negative_style
from tools import make_style_images
from tools.judge_styles import _square, judge
from tools.networks.efficientnet_lite import EfficientNetLiteFeatures
from tools.networks.features import features_from

BLOCKS = ((3, 1), (3, 2), (3, 1), (5, 2), (5, 1), (3, 2), (3, 1), (3, 1), (5, 1), (5, 1), (5, 1))


def random_lite() -> dict[str, torch.Tensor]:
    """Return random weights under lukemelas' names, with few channels."""
    draw = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def convolution(name: str, norm: str, out: int, channels: int, kernel: int) -> None:
        state[f"{name}.weight"] = torch.randn((out, channels, kernel, kernel), generator=draw) / channels**0.5 / kernel
        state[f"{norm}.weight"] = torch.rand(out, generator=draw) + 0.5
        for what, value in (("bias", 0.5), ("running_mean", 0.1), ("running_var", 2.0)):
            state[f"{norm}.{what}"] = torch.full((out,), value)

    convolution("_conv_stem", "_bn0", 4, 3, 3)
    for number, (kernel, _) in enumerate(BLOCKS):
        name, wide = f"_blocks.{number}", 4 if number == 0 else 8
        if number:
            convolution(f"{name}._expand_conv", f"{name}._bn0", wide, 4, 1)
        convolution(f"{name}._depthwise_conv", f"{name}._bn1", wide, 1, kernel)
        convolution(f"{name}._project_conv", f"{name}._bn2", 4, wide, 1)
    return state


def test_lite0_is_known_by_its_names_and_computed_with_its_norms() -> None:
    state = random_lite()
    features = features_from(state, "lite0.pth")
    assert isinstance(features, EfficientNetLiteFeatures)
    picture = torch.rand(1, 3, 65, 96)
    found = features(picture, ["stem", "block4", "block9"])
    assert {name: tuple(layer.shape[1:]) for name, layer in found.items()} == {
        "stem": (4, 33, 48), "block4": (8, 9, 12), "block9": (8, 5, 6)
    }  # fmt: skip
    # TensorFlow pads an odd side by one before and one behind, an even one only behind.
    norm = nn.BatchNorm2d(4, eps=1e-3).eval()
    norm.load_state_dict(
        {name.removeprefix("_bn0."): value for name, value in state.items() if name[:5] == "_bn0."}, strict=False
    )
    padded = nn.functional.pad((picture * 255 - 127) / 128, (0, 1, 1, 1))
    expected = nn.functional.relu6(norm(nn.functional.conv2d(padded, state["_conv_stem.weight"], stride=2)))
    assert torch.allclose(found["stem"], expected, atol=1e-4)
    with pytest.raises(ValueError, match="block99"):
        features(picture, ["block99"])
    del state["_blocks.3._bn1.bias"]
    with pytest.raises(ModelError, match=r"lacks '_blocks.3._bn1.bias': it is no EfficientNet-Lite0"):
        features_from(state, "lite0.pth")


def test_what_is_painted_as_the_painting_is_near_it_and_what_shows_the_picture_keeps_it(
    navy_photo: Path, tmp_path: Path
) -> None:
    """The painting is the photo's negative: a negative is its style, and a photo a little brighter its content."""
    photo = cv2.imread(str(navy_photo))
    assert photo is not None
    photo = _square(np.asarray(photo, np.uint8))
    cv2.imwrite(str(tmp_path / "painting.png"), 255 - photo)
    features = features_from(random_lite(), "lite0.pth")
    negative, brighter = (
        judge(path, tmp_path / "painting.png", 512, [photo], features)
        for path in (negative_style(tmp_path / "negative.onnx"), brighter_style(tmp_path / "brighter.onnx", step=6))
    )
    assert max(negative.style) < 0.001
    assert min(brighter.style) > 0.01
    assert brighter.content < negative.content / 4
    assert brighter.found == 1
    assert brighter.in_place == 1
    assert max(negative.strokes) < 0.3, "a plain wall's negative is plain"


@pytest.mark.parametrize("name", ["engraving", "pointillism"])
def test_a_drawn_picture_holds_light_and_dark_and_is_the_same_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_style_images, "SIDE_PX", 512)  # a quarter of what there is to draw
    picture = make_style_images.draw(name)
    assert picture.shape == (make_style_images.SIDE_PX, make_style_images.SIDE_PX, 3)
    dark, light = np.percentile(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), [5, 95])
    assert light - dark > 120
    assert np.array_equal(picture[:64], make_style_images.draw(name)[:64])
    assert not np.array_equal(picture, make_style_images.draw(name, seed=2))
