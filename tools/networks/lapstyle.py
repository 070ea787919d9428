"""LapStyle (Lin et al., "Drafting and Revision", CVPR 2021): drafted small, then revised from level to level.

The Drafting Network repaints the picture at a fraction of its size: features of an encoder, their statistics exchanged
for the painting's (AdaIN) at three depths, decoded. Each Revision Network doubles the size: it sees the draft enlarged
and the detail of the picture that the smaller size could not hold (the Laplacian), and adds what is missing.

The painting's statistics are part of the weights: the network has one input, the picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.vgg16x import VggFeatures
from tools.networks.weights import Weights

STYLED = ("relu21", "relu31", "relu41")
"""Where the encoder's features take on the painting's statistics."""
_EPSILON = 1e-5
_ENCODER = "encoder.convolutions."


class DraftingNetwork(nn.Module):
    """Decodes styled features, deepest first; `widths` are the encoder's channels at relu11, 21, 31 and 41."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.deep = nn.Sequential(_Residual(fourth), _Convolution(fourth, third))
        self.middle = nn.Sequential(_Residual(third), _Convolution(third, second))
        self.shallow = nn.Sequential(_Convolution(second, second), _Convolution(second, first))
        self.full = nn.Sequential(_Convolution(first, first), nn.ReflectionPad2d(1), nn.Conv2d(first, 3, 3))

    def forward(self, relu21: Tensor, relu31: Tensor, relu41: Tensor) -> Tensor:
        features = _twice(self.deep(relu41)) + relu31
        features = _twice(self.middle(features)) + relu21
        drafted: Tensor = self.full(_twice(self.shallow(features)))
        return drafted


class RevisionNetwork(nn.Module):
    """From the enlarged draft and the picture's detail, [N, 6, H, W], to what must be added, [N, 3, H, W].

    Begins by adding nothing, so that a level that has not learnt yet changes nothing. Sides are even, 4 and more.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.into = _Convolution(6, width)
        self.down = _Convolution(width, width, stride=2)
        self.residual = _Residual(width)
        self.up = _Convolution(width, width)
        self.out = nn.Conv2d(width, 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)

    def forward(self, draft_and_detail: Tensor) -> Tensor:
        features = self.residual(self.down(self.into(draft_and_detail)))
        added: Tensor = self.out(self.up(_twice(features)))
        return added


class LapStyle(nn.Module):
    """RGB float [N, 3, H, W] in 0..1 to the same. H and W multiples of 16 × 2^levels.

    `levels` revisions: the draft is painted at 1/2^levels of the size.
    """

    def __init__(self, encoder: VggFeatures, levels: int, revision_width: int) -> None:
        super().__init__()
        widths = encoder.widths()
        self.encoder = encoder
        self.draft = DraftingNetwork([widths[name] for name in ("relu11", *STYLED)])
        self.revisions = nn.ModuleList(RevisionNetwork(revision_width) for _ in range(levels))
        for name in STYLED:
            self.register_buffer(f"{name}_mean", torch.zeros(1, widths[name], 1, 1))
            self.register_buffer(f"{name}_deviation", torch.ones(1, widths[name], 1, 1))

    def bake(self, paintings: Sequence[Tensor]) -> None:
        """Take on the statistics of `paintings`, RGB [1, 3, H, W] at full size: the mean of all of them."""
        with torch.no_grad():
            each = [self.encoder(smaller(painting, len(self.revisions)), STYLED) for painting in paintings]
            for name in STYLED:
                both = [statistics(features[name]) for features in each]
                self.get_buffer(f"{name}_mean").copy_(torch.stack([mean for mean, _ in both]).mean(0))
                self.get_buffer(f"{name}_deviation").copy_(torch.stack([spread for _, spread in both]).mean(0))

    def forward(self, rgb: Tensor) -> Tensor:
        pictures = pyramid(rgb, len(self.revisions))
        painted: Tensor = self.draft(*self.styled(self.encoder(pictures[0], STYLED)))
        for revision, coarse, fine in zip(self.revisions, pictures, pictures[1:], strict=False):
            painted = revised(revision, painted, coarse, fine)
        return painted

    def styled(self, features: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the features of STYLED with the painting's mean and deviation in every channel (AdaIN)."""
        found = []
        for name in STYLED:
            mean, deviation = statistics(features[name])
            own = (features[name] - mean) / deviation
            found.append(own * self.get_buffer(f"{name}_deviation") + self.get_buffer(f"{name}_mean"))
        return found


def pyramid(rgb: Tensor, levels: int) -> list[Tensor]:
    """Return the picture at 1/2^levels, …, 1/2, 1 of its size."""
    pictures = [rgb]
    for _ in range(levels):
        pictures.insert(0, functional.avg_pool2d(pictures[0], 2))
    return pictures


def smaller(rgb: Tensor, levels: int) -> Tensor:
    return pyramid(rgb, levels)[0]


def revised(revision: nn.Module, painted: Tensor, coarse: Tensor, fine: Tensor) -> Tensor:
    """Return `painted` (of the size of `coarse`) at the size of `fine`, with the strokes `revision` adds."""
    enlarged = _bilinear(painted)
    detail = fine - _bilinear(coarse)
    added: Tensor = revision(torch.cat([enlarged, detail], 1))
    return enlarged + added


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of every channel, [N, C, 1, 1] each."""
    mean = features.mean((2, 3), keepdim=True)
    variance = (features - mean).square().mean((2, 3), keepdim=True)
    return mean, (variance + _EPSILON).sqrt()


class LapStyleLayout(Layout):
    name = "lapstyle"

    def recognises(self, weights: Weights) -> bool:
        telling = ("relu21_mean", "relu41_deviation", "draft.deep.1.convolution.weight", "draft.full.2.weight")
        return sum(name in weights for name in telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        encoder = {name.removeprefix(_ENCODER): weights[name] for name in weights if name.startswith(_ENCODER)}
        blocks = tuple(
            sum(name.startswith(f"conv{b}") and name.endswith("weight") for name in encoder) for b in range(1, 5)
        )
        levels = weights.count("revisions.{}.out.weight")
        width = weights.shape("revisions.0.out.weight")[1] if levels else 1
        network = LapStyle(VggFeatures(encoder, blocks, squeezed=True), levels, width)
        weights.fill(network)
        return [Part(ModelKind.STYLE, network, picture_format(levels))]


def picture_format(levels: int) -> PictureFormat:
    """Return which pictures a network of `levels` wants: the encoder halves a draft three times, mirroring."""
    return PictureFormat(multiple=16 * 2**levels)


class _Convolution(nn.Module):
    def __init__(self, channels: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, out, 3, stride)

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.convolution(functional.pad(features, (1, 1, 1, 1), mode="reflect")))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Convolution(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.second(functional.pad(self.first(features), (1, 1, 1, 1), mode="reflect"))
        return features + changed


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def _bilinear(pictures: Tensor) -> Tensor:
    return functional.interpolate(pictures, scale_factor=2.0, mode="bilinear", align_corners=False)
