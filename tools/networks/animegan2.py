"""The generator of AnimeGANv2 as bryandlee/animegan2-pytorch names it, any width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights


class _ConvNorm(nn.Sequential):
    """Mirrored edges, convolution, norm over all channels, leaky ReLU."""

    def __init__(
        self, channels: int, out: int, kernel: int = 3, *, stride: int = 1, groups: int = 1, bias: bool = False
    ) -> None:
        # Strided ones see one more row below and one more column right, as TensorFlow's "same" padding has it.
        around = kernel // 2
        super().__init__(
            nn.ReflectionPad2d(around if stride == 1 else (0, 1, 0, 1)),
            nn.Conv2d(channels, out, kernel, stride, groups=groups, bias=bias),
            nn.GroupNorm(1, out),
            nn.LeakyReLU(0.2),
        )


class _InvertedResidual(nn.Module):
    def __init__(self, channels: int, out: int, wide: int) -> None:
        super().__init__()
        self.is_residual = channels == out
        self.layers = nn.Sequential(
            _ConvNorm(channels, wide, 1),
            _ConvNorm(wide, wide, groups=wide, bias=True),
            nn.Conv2d(wide, out, 1, bias=False),
            nn.GroupNorm(1, out),
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.layers(features)
        return features + changed if self.is_residual else changed


class AnimeGan2(nn.Module):
    """RGB float [N, 3, H, W] in -1..1 to the same. H and W multiples of 4.

    `widths` are the channels of the three sizes and of the residual blocks: 32, 64, 128, 256 in the original, whose
    blocks widen by 2.
    """

    def __init__(self, widths: Sequence[int] = (32, 64, 128, 256), blocks: int = 4, expansion: int = 2) -> None:
        super().__init__()
        full, half, quarter, wide = widths
        self.block_a = nn.Sequential(_ConvNorm(3, full, 7), _ConvNorm(full, half, stride=2), _ConvNorm(half, half))
        self.block_b = nn.Sequential(_ConvNorm(half, quarter, stride=2), _ConvNorm(quarter, quarter))
        self.block_c = nn.Sequential(
            _ConvNorm(quarter, quarter),
            _InvertedResidual(quarter, wide, quarter * expansion),
            *(_InvertedResidual(wide, wide, wide * expansion) for _ in range(blocks - 1)),
            _ConvNorm(wide, quarter),
        )
        self.block_d = nn.Sequential(_ConvNorm(quarter, quarter), _ConvNorm(quarter, quarter))
        self.block_e = nn.Sequential(_ConvNorm(quarter, half), _ConvNorm(half, half), _ConvNorm(half, full, 7))
        self.out_layer = nn.Sequential(nn.Conv2d(full, 3, 1, bias=False), nn.Tanh())

    def forward(self, rgb: Tensor) -> Tensor:
        at_half = self.block_a(rgb)
        features = self.block_c(self.block_b(at_half))
        features = self.block_d(_resized_as(features, at_half))
        features = self.block_e(_resized_as(features, rgb))
        drawn: Tensor = self.out_layer(features)
        return drawn


class AnimeGan2Layout(Layout):
    name = "animegan2"
    picture = PictureFormat(black=-1.0, white=1.0, multiple=32)

    def recognises(self, weights: Weights) -> bool:
        telling = ("block_a.0.1.weight", "block_b.0.1.weight", "block_c.0.1.weight", "block_e.2.1.weight")
        return sum(name in weights for name in (*telling, "out_layer.0.weight")) >= 4

    def parts(self, weights: Weights) -> Sequence[Part]:
        quarter = weights.shape("block_b.0.1.weight")[0]
        widths = (
            weights.shape("block_a.0.1.weight")[0],
            weights.shape("block_a.1.1.weight")[0],
            quarter,
            weights.shape("block_c.1.layers.2.weight")[0],
        )
        blocks = 0
        while f"block_c.{blocks + 1}.layers.2.weight" in weights:
            blocks += 1
        expansion = weights.shape("block_c.1.layers.0.1.weight")[0] // quarter
        network = AnimeGan2(widths, blocks, expansion)
        weights.fill(network)
        return [Part(ModelKind.STYLE, network, self.picture)]


def _resized_as(features: Tensor, other: Tensor) -> Tensor:
    return functional.interpolate(features, other.shape[-2:], mode="bilinear", align_corners=True)
