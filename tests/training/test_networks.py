"""The networks that only training needs, and LapStyle."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from realtime.core.errors import ModelError, OptionError
from tests.training.conftest import squeezed_vgg
from tools.networks import layout_of
from tools.networks.features import features_from, vgg_of
from tools.networks.lapstyle import STYLED, LapStyle, statistics
from tools.networks.patch_discriminator import PatchDiscriminator, StrokeDiscriminator
from tools.networks.squeezenet import MEAN_BGR, SqueezeNetFeatures
from tools.networks.vgg16x import vgg_from
from tools.networks.weights import Weights


def torchvision_vgg(counts: tuple[int, ...], widths: tuple[int, ...] = (4, 4, 6, 6, 6)) -> nn.Sequential:
    """Return layers in the order and numbering of torchvision's `features`, without normalisation."""
    layers: list[nn.Module] = []
    before = 3
    for width, count in zip(widths, counts, strict=True):
        for _ in range(count):
            layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
            before = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


@pytest.mark.parametrize(("counts", "relu51"), [((2, 2, 4, 4, 4), 30), ((2, 2, 3, 3, 3), 26)])
def test_torchvisions_vggs_are_known_and_computed_as_they_are(counts: tuple[int, ...], relu51: int) -> None:
    torch.manual_seed(0)
    vgg = torchvision_vgg(counts).eval()
    state = {f"features.{key}": tensor for key, tensor in vgg.state_dict().items()} | {
        "classifier.0.weight": torch.ones(1)
    }
    features = features_from(state, "vgg.pth")
    picture = torch.rand(1, 3, 48, 64)

    found = features(picture, {"relu11", "relu31", "relu51"})

    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = (picture - mean[None, :, None, None]) / deviation[None, :, None, None]
    assert torch.allclose(found["relu11"], vgg[:2](normalised), atol=1e-5)
    assert torch.allclose(found["relu31"], vgg[:12](normalised), atol=1e-5)
    assert torch.allclose(found["relu51"], vgg[:relu51](normalised), atol=1e-5)


def test_the_squeezed_vgg_reflects_borders_and_stops_where_nothing_more_is_wanted() -> None:
    state = squeezed_vgg()
    del state["conv44.weight"]
    with pytest.raises(ModelError, match=r"lack 'conv44.weight'"):
        features_from(state, "squeezed.pth")
    features = features_from(squeezed_vgg(), "squeezed.pth")
    flat = torch.full((1, 3, 32, 32), 0.7)
    deep = features(flat, ["relu21"])["relu21"]
    assert torch.allclose(deep, deep[:, :, :1, :1].expand_as(deep), atol=1e-6)  # zeros at the borders would show
    assert list(features(flat, ["relu12"])) == ["relu12"]
    assert features.widths()["relu31"] == 8


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"features.0.weight": torch.ones(1), "features.1.running_mean": torch.ones(1)}, "batch normalisation"),
        ({"layer": torch.ones(1)}, "no features this tool knows"),
    ],
)
def test_other_files_are_refused_with_where_to_get_the_right_one(state: dict[str, torch.Tensor], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        features_from(state, "x.pth")


def torchvision_squeezenet() -> dict[str, torch.Tensor]:
    """Return random weights under the names of torchvision's `squeezenet1_0`, with few channels."""
    draw = torch.Generator().manual_seed(0)
    state: dict[str, torch.Tensor] = {}

    def convolution(name: str, channels: int, out: int, kernel: int) -> None:
        weight = torch.randn((out, channels, kernel, kernel), generator=draw) * (2 / channels / kernel**2) ** 0.5
        state.update({f"{name}.weight": weight, f"{name}.bias": torch.zeros(out)})

    convolution("features.0", 3, 6, 7)
    channels = 6
    for number in (3, 4, 5, 7, 8, 9, 10, 12):
        convolution(f"features.{number}.squeeze", channels, 2, 1)
        convolution(f"features.{number}.expand1x1", 2, 3, 1)
        convolution(f"features.{number}.expand3x3", 2, 4, 3)
        channels = 7
    return state


def test_squeezenet_is_known_by_its_names_and_computed_as_torchvisions() -> None:
    state = torchvision_squeezenet()
    features = features_from(state, "squeezenet.pth")
    assert isinstance(features, SqueezeNetFeatures)
    picture = torch.rand(1, 3, 64, 96)

    found = features(picture, ["conv1", "fire3", "fire5"])

    bgr = picture.flip(1) * 255 - torch.tensor(MEAN_BGR)[None, :, None, None]
    first = nn.functional.conv2d(bgr, state["features.0.weight"], stride=2).relu()
    assert torch.allclose(found["conv1"], first, atol=1e-4)
    assert {name: tuple(layer.shape[1:]) for name, layer in found.items()} == {
        "conv1": (6, 29, 45), "fire3": (7, 14, 22), "fire5": (7, 7, 11)
    }  # fmt: skip
    squeezed = nn.functional.conv2d(
        nn.functional.max_pool2d(first, 3, 2, ceil_mode=True), state["features.3.squeeze.weight"]
    ).relu()
    wide = nn.functional.conv2d(squeezed, state["features.3.expand3x3.weight"], padding=1).relu()
    assert torch.allclose(features(picture, ["fire2"])["fire2"][:, 3:], wide, atol=1e-3)
    assert features.widths()["conv1"] == 6
    assert features.widths()["fire9"] == 7
    with pytest.raises(ValueError, match="fire99"):
        features(picture, ["fire99"])
    with pytest.raises(OptionError, match="lapstyle is built on a VGG's layers"):
        vgg_of(features, "lapstyle")
    del state["features.12.squeeze.bias"]
    with pytest.raises(ModelError, match=r"lack 'features.12.squeeze.bias'"):
        features_from(state, "squeezenet.pth")


def seen_by_one_verdict(judge: nn.Module, side: int) -> tuple[int, int]:
    """Return rows and columns of the picture that change the middle verdict."""
    picture = torch.rand(1, 3, side, side, requires_grad=True)
    verdicts = judge(picture)
    verdicts[0, 0, verdicts.shape[2] // 2, verdicts.shape[3] // 2].backward()
    assert picture.grad is not None
    touched = picture.grad.abs().sum((0, 1)) > 0
    return int(touched.any(1).sum()), int(touched.any(0).sum())


def test_judges_see_patches() -> None:
    torch.manual_seed(0)
    judge = PatchDiscriminator(2)
    for module in judge.modules():  # a norm looks at the whole picture: without it what remains is the patch
        if isinstance(module, nn.InstanceNorm2d):
            module.forward = lambda features: features  # type: ignore[assignment, method-assign]
    assert seen_by_one_verdict(judge, 160) == (70, 70)
    assert seen_by_one_verdict(StrokeDiscriminator(2), 32) == (7, 7)


@pytest.fixture
def lapstyle() -> LapStyle:
    torch.manual_seed(0)
    return LapStyle(vgg_from(squeezed_vgg(), "squeezed.pth").encoder(), levels=2, revision_width=4)


def test_a_revision_that_has_not_learnt_adds_nothing(lapstyle: LapStyle) -> None:
    picture = torch.rand(1, 3, 64, 128)
    flat = torch.full((1, 3, 64, 128), 0.4)
    draft = lapstyle.draft(*lapstyle.styled(lapstyle.encoder(flat[:, :, ::4, ::4], STYLED)))
    assert lapstyle(picture).shape == picture.shape
    assert torch.allclose(lapstyle(flat).mean(), draft.mean(), atol=0.02)


def test_features_take_on_the_paintings_statistics(lapstyle: LapStyle) -> None:
    painting = torch.rand(1, 3, 128, 128) * 0.5
    lapstyle.bake([painting])
    features = lapstyle.encoder(torch.rand(1, 3, 32, 32), STYLED)
    wanted = lapstyle.encoder(torch.nn.functional.avg_pool2d(painting, 4), STYLED)
    for styled, name in zip(lapstyle.styled(features), STYLED, strict=True):
        alive = statistics(features[name])[1] > 0.02  # a channel that is off everywhere has nothing to take it on
        for own, target in zip(statistics(styled), statistics(wanted[name]), strict=True):
            assert torch.allclose(own[alive], target[alive], atol=0.02)


def test_the_layout_builds_the_very_network_from_its_weights(lapstyle: LapStyle) -> None:
    lapstyle.bake([torch.rand(1, 3, 128, 128)])
    nn.init.normal_(lapstyle.revisions[1].out.weight)  # type: ignore[union-attr, arg-type]
    weights = Weights(lapstyle.state_dict(), "lap.pth")
    layout = layout_of(weights)
    assert layout is not None
    (part,) = layout.parts(weights)
    picture = torch.rand(1, 3, 64, 128)
    assert (layout.name, part.picture.multiple) == ("lapstyle", 64)
    assert torch.equal(part.network(picture), lapstyle(picture))
