"""The fast-neural-style network of pytorch/examples (Johnson et al. 2016 with instance norm), at any width."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights


class _PaddedConv(nn.Module):
    """A convolution that sees the picture mirrored at its edges, after enlarging it where asked."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int = 1, enlarge: int = 1) -> None:
        super().__init__()
        self.enlarge = enlarge
        self.pad = nn.ReflectionPad2d(kernel // 2)
        self.conv2d = nn.Conv2d(channels, out, kernel, stride)

    def forward(self, features: Tensor) -> Tensor:
        if self.enlarge > 1:
            features = functional.interpolate(features, scale_factor=float(self.enlarge), mode="nearest")
        convolved: Tensor = self.conv2d(self.pad(features))
        return convolved


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _PaddedConv(channels, channels, 3)
        self.in1 = nn.InstanceNorm2d(channels, affine=True)
        self.conv2 = _PaddedConv(channels, channels, 3)
        self.in2 = nn.InstanceNorm2d(channels, affine=True)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.in2(self.conv2(functional.relu(self.in1(self.conv1(features)))))
        return changed + features


class FastNeuralStyle(nn.Module):
    """RGB float [N, 3, H, W] in 0..255 to the same, beyond the range here and there. H and W multiples of 4.

    `widths` are the channels at full, half and quarter size; 32, 64, 128 in the original, 1.7 M parameters.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 128), blocks: int = 5) -> None:
        super().__init__()
        full, half, quarter = widths
        self.conv1 = _PaddedConv(3, full, 9)
        self.in1 = nn.InstanceNorm2d(full, affine=True)
        self.conv2 = _PaddedConv(full, half, 3, stride=2)
        self.in2 = nn.InstanceNorm2d(half, affine=True)
        self.conv3 = _PaddedConv(half, quarter, 3, stride=2)
        self.in3 = nn.InstanceNorm2d(quarter, affine=True)
        self.block_names = [f"res{number}" for number in range(1, blocks + 1)]
        for name in self.block_names:
            self.add_module(name, _Residual(quarter))
        self.deconv1 = _PaddedConv(quarter, half, 3, enlarge=2)
        self.in4 = nn.InstanceNorm2d(half, affine=True)
        self.deconv2 = _PaddedConv(half, full, 3, enlarge=2)
        self.in5 = nn.InstanceNorm2d(full, affine=True)
        self.deconv3 = _PaddedConv(full, 3, 9)

    def forward(self, rgb: Tensor) -> Tensor:
        features = functional.relu(self.in1(self.conv1(rgb)))
        features = functional.relu(self.in2(self.conv2(features)))
        features = functional.relu(self.in3(self.conv3(features)))
        for name in self.block_names:
            features = self.get_submodule(name)(features)
        features = functional.relu(self.in4(self.deconv1(features)))
        features = functional.relu(self.in5(self.deconv2(features)))
        painted: Tensor = self.deconv3(features)
        return painted


class FastNeuralStyleLayout(Layout):
    name = "fast_neural_style"
    # 8, not the 4 its two strides ask for: mirroring four pixels at full size and one at a quarter needs sides of 8.
    picture = PictureFormat(black=0.0, white=255.0, multiple=8)

    def recognises(self, weights: Weights) -> bool:
        telling = ("conv1.conv2d.weight", "deconv1.conv2d.weight", "deconv3.conv2d.weight", "res1.conv1.conv2d.weight")
        return sum(name in weights for name in telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        # Files of PyTorch 0.3 hold running statistics that instance norm has never used.
        weights = weights.without("running_mean", "running_var")
        widths = tuple(weights.shape(f"conv{number}.conv2d.weight")[0] for number in (1, 2, 3))
        blocks = 0
        while f"res{blocks + 1}.conv1.conv2d.weight" in weights:
            blocks += 1
        network = FastNeuralStyle((widths[0], widths[1], widths[2]), blocks)
        weights.fill(network)
        return [Part(ModelKind.STYLE, network, self.picture)]
