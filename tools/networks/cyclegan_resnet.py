"""The ResNet generator of CycleGAN and pix2pix (junyanz' naming), with instance or batch norm, any width and depth."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor, nn

from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights


class _ResnetBlock(nn.Module):
    """Two mirrored 3×3 convolutions beside an identity. Dropout stands for its place in the numbering only."""

    def __init__(self, channels: int, batch_norm: bool, dropout: bool) -> None:
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=not batch_norm),
            _norm(channels, batch_norm),
            nn.ReLU(),
            *([nn.Dropout(0.5)] if dropout else []),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=not batch_norm),
            _norm(channels, batch_norm),
        )

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.conv_block(features)
        return features + changed


class CycleganResnet(nn.Module):
    """RGB float [N, 3, H, W] in -1..1 to the same. H and W multiples of 4.

    `width` is the channels at full size (64 in the original, 11.4 M parameters with 9 blocks). `resized`: enlarge by
    resizing before a convolution (Odena et al., "Deconvolution and checkerboard artifacts", 2016) in place of the
    original's transposed convolutions, whose raster is seen on skin and walls for some thousands of steps.
    """

    def __init__(
        self,
        width: int = 64,
        blocks: int = 9,
        *,
        batch_norm: bool = False,
        dropout: bool = False,
        resized: bool = False,
    ) -> None:
        super().__init__()
        half, quarter = 2 * width, 4 * width
        bias = not batch_norm
        self.model = nn.Sequential(
            nn.ReflectionPad2d(3),
            nn.Conv2d(3, width, 7, bias=bias),
            _norm(width, batch_norm),
            nn.ReLU(),
            nn.Conv2d(width, half, 3, stride=2, padding=1, bias=bias),
            _norm(half, batch_norm),
            nn.ReLU(),
            nn.Conv2d(half, quarter, 3, stride=2, padding=1, bias=bias),
            _norm(quarter, batch_norm),
            nn.ReLU(),
            *(_ResnetBlock(quarter, batch_norm, dropout) for _ in range(blocks)),
            *_doubling(quarter, half, bias, resized),
            _norm(half, batch_norm),
            nn.ReLU(),
            *_doubling(half, width, bias, resized),
            _norm(width, batch_norm),
            nn.ReLU(),
            nn.ReflectionPad2d(3),
            nn.Conv2d(width, 3, 7),
            nn.Tanh(),
        )

    def forward(self, rgb: Tensor) -> Tensor:
        painted: Tensor = self.model(rgb)
        return painted


class CycleganResnetLayout(Layout):
    name = "cyclegan_resnet"
    # 8, not 4: mirroring needs two rows at a quarter of the size and four at full size.
    picture = PictureFormat(black=-1.0, white=1.0, multiple=8)

    def recognises(self, weights: Weights) -> bool:
        blocks = sum(bool(re.fullmatch(r"model\.\d+\.conv_block\.\d+\.weight", name)) for name in weights)
        return blocks >= 2

    def parts(self, weights: Weights) -> Sequence[Part]:
        batch_norm = "model.2.weight" in weights
        if not batch_norm:  # kept by files of PyTorch 0.3, never used by instance norm
            weights = weights.without("running_mean", "running_var")
        numbers = {int(match[1]) for name in weights if (match := re.match(r"model\.(\d+)\.conv_block\.", name))}
        first = min(numbers)
        dropout = (
            f"model.{first}.conv_block.6.weight" in weights and f"model.{first}.conv_block.5.weight" not in weights
        )
        # A transposed convolution stands right behind the blocks; resizing, which has no weights, and padding do else.
        resized = f"model.{max(numbers) + 1}.weight" not in weights
        network = CycleganResnet(
            weights.shape("model.1.weight")[0], len(numbers), batch_norm=batch_norm, dropout=dropout, resized=resized
        )
        weights.fill(network)
        return [Part(ModelKind.STYLE, network, self.picture)]


def _doubling(channels: int, out: int, bias: bool, resized: bool) -> list[nn.Module]:
    if not resized:
        return [nn.ConvTranspose2d(channels, out, 3, stride=2, padding=1, output_padding=1, bias=bias)]
    return [nn.Upsample(scale_factor=2.0), nn.ReflectionPad2d(1), nn.Conv2d(channels, out, 3, bias=bias)]


def _norm(channels: int, batch_norm: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if batch_norm else nn.InstanceNorm2d(channels)
