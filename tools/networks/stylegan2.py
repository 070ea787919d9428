"""StyleGAN2's generator, of any size and width: rosinality's checkpoints and NVIDIA's stylegan2-ada-pytorch.

Both are one network under two namings; here it has NVIDIA's. A convolution is modulated by scaling what goes into it
and what comes out of it, one factor for each channel, so that its weights stand: for one picture at a time the same
numbers as with weights made anew for each code, and a graph of plain convolutions. The operators that NVIDIA wrote for
its GPUs (upfirdn2d, bias_act) are a transposed convolution and arithmetic.
"""

from __future__ import annotations

import abc
import itertools
import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError, shown
from realtime.models.card import ModelKind
from tools.networks import LayeredDecoder, Layout, Part, PictureFormat
from tools.networks.weights import Weights

_SLOPE, _GAIN = 0.2, math.sqrt(2)
_MAPPING_RATE = 0.01
"""How much slower the mapping was trained than the rest; its weights are kept so many times larger."""
_EPS = 1e-8
_FILTER = (1.0, 3.0, 3.0, 1.0)
"""What pictures are enlarged with, across and down, in eighths."""
_LARGEST_PX = 2048
_MEAN_OF = 10_000
"""Codes whose mean the mean picture is, where the file does not hold it."""


class _Dense(nn.Module):
    """A linear layer whose weights are kept at the size of 1 / rate."""

    def __init__(self, taken: int, given: int, rate: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(given, taken))
        self.bias = nn.Parameter(torch.zeros(given))
        self.rate = rate

    def forward(self, numbers: Tensor) -> Tensor:
        scale = self.rate / math.sqrt(self.weight.shape[1])
        return functional.linear(numbers, self.weight * scale, self.bias * self.rate)


class MappingNetwork(nn.Module):
    """z [N, Z] to w [N, W]."""

    w_avg: Tensor

    def __init__(self, sizes: Sequence[int]) -> None:
        """`sizes`: Z, what each layer gives, W at last."""
        super().__init__()
        self.depth = len(sizes) - 1
        for number, (taken, given) in enumerate(itertools.pairwise(sizes)):
            self.add_module(f"fc{number}", _Dense(taken, given, _MAPPING_RATE))
        self.register_buffer("w_avg", torch.zeros(sizes[-1]))

    def forward(self, z: Tensor) -> Tensor:
        numbers = z * (z.square().mean(dim=1, keepdim=True) + _EPS).rsqrt()
        for number in range(self.depth):
            numbers = _activated(self.get_submodule(f"fc{number}")(numbers))
        return numbers


class _Layer(nn.Module):
    """A modulated convolution, 3×3; `doubles`: to twice the size."""

    noise_const: Tensor

    def __init__(self, taken: int, given: int, w: int, side_px: int, *, doubles: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(given, taken, 3, 3))
        self.bias = nn.Parameter(torch.zeros(given))
        self.noise_strength = nn.Parameter(torch.zeros(()))
        self.register_buffer("noise_const", torch.zeros(side_px, side_px))
        self.affine = _Dense(w, taken)
        self.doubles = doubles

    def forward(self, features: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w)
        norms = (styles.square() @ self.weight.square().sum(dim=(2, 3)).t() + _EPS).rsqrt()
        features = features * styles[:, :, None, None]
        if self.doubles:
            features = functional.conv_transpose2d(features, self.weight.transpose(0, 1), stride=2)
            features = _blurred(features)
        else:
            features = functional.conv2d(features, self.weight, padding=1)
        features = features * norms[:, :, None, None]
        # One after the other: their sum would be a constant of all channels at full size, 134 MB at 1024×1024.
        features = features + self.noise_const * self.noise_strength
        return _activated(features + self.bias[:, None, None])


class _ToRgb(nn.Module):
    def __init__(self, taken: int, w: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, taken, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.affine = _Dense(w, taken)

    def forward(self, features: Tensor, w: Tensor) -> Tensor:
        styles = self.affine(w) / math.sqrt(self.weight.shape[1])
        return functional.conv2d(features * styles[:, :, None, None], self.weight, self.bias)


class _Block(nn.Module):
    """All layers of one size."""

    const: Tensor
    """The picture that all begin with; of the first size alone, which has no `conv0`."""
    conv0: _Layer
    conv1: _Layer
    torgb: _ToRgb

    def __init__(self, taken: int, given: int, w: int, side_px: int) -> None:
        """`taken`: channels of the size before; 0: the first size."""
        super().__init__()
        if taken:
            self.conv0 = _Layer(taken, given, w, side_px, doubles=True)
        else:
            self.const = nn.Parameter(torch.zeros(given, side_px, side_px))
        self.conv1 = _Layer(given, given, w, side_px, doubles=False)
        self.torgb = _ToRgb(given, w)


class Synthesis(nn.Module):
    """w of each layer [N, L, W] to a picture [N, 3, S, S]."""

    def __init__(self, channels: Sequence[int], w: int) -> None:
        """`channels` of each size, from 4×4 on."""
        super().__init__()
        self.sides = [4 << number for number in range(len(channels))]
        for taken, given, side in zip((0, *channels), channels, self.sides, strict=False):
            self.add_module(f"b{side}", _Block(taken, given, w, side))

    def forward(self, ws: Tensor) -> Tensor:
        blocks = [cast(_Block, self.get_submodule(f"b{side}")) for side in self.sides]
        first = blocks[0]
        features = first.conv1(first.const.expand(ws.shape[0], -1, -1, -1), ws[:, 0])
        picture: Tensor = first.torgb(features, ws[:, 1])
        for number, block in enumerate(blocks[1:]):
            features = block.conv0(features, ws[:, 2 * number + 1])
            features = block.conv1(features, ws[:, 2 * number + 2])
            picture = _doubled(picture) + block.torgb(features, ws[:, 2 * number + 3])
        return picture


class StyleGan2(nn.Module):
    """The whole generator. `sizes`: as `MappingNetwork`; `channels`: as `Synthesis`."""

    def __init__(self, sizes: Sequence[int], channels: Sequence[int]) -> None:
        super().__init__()
        self.mapping = MappingNetwork(sizes)
        self.synthesis = Synthesis(channels, sizes[-1])

    @property
    def layers(self) -> int:
        """How many layers take a w of their own."""
        return 2 * len(self.synthesis.sides)


def _activated(numbers: Tensor) -> Tensor:
    return functional.leaky_relu(numbers, _SLOPE) * _GAIN


def _filter_for(channels: int, gain: float) -> Tensor:
    taps = torch.tensor(_FILTER)
    kernel = torch.outer(taps, taps) * (gain / taps.sum() ** 2)
    return kernel.expand(channels, 1, -1, -1)


def _blurred(features: Tensor) -> Tensor:
    """Take away what a transposed convolution leaves between pixels: [N, C, H + 1, W + 1] to [N, C, H, W]."""
    channels = features.shape[1]
    return functional.conv2d(features, _filter_for(channels, 4.0), padding=1, groups=channels)


def _doubled(picture: Tensor) -> Tensor:
    return functional.conv_transpose2d(picture, _filter_for(3, 4.0), stride=2, padding=1, groups=3)


class _StyleGan2Layout(Layout):
    """What both namings have in common."""

    picture = PictureFormat(black=-1.0, white=1.0)
    telling: tuple[str, ...]

    def recognises(self, weights: Weights) -> bool:
        return sum(name in weights for name in self.telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        named = self.renamed(weights)
        network = StyleGan2(*_shape_of(named))
        if "mapping.w_avg" not in named:
            named = named.with_own({"mapping.w_avg": network.mapping.w_avg})
            named.fill(network)
            network.mapping.w_avg.copy_(_mean_code(network.mapping))
        else:
            named.fill(network)
        decoder = LayeredDecoder(network.mapping, network.synthesis, network.mapping.w_avg, network.layers)
        z = named.shape("mapping.fc0.weight", 2)[1]
        side_px = network.synthesis.sides[-1]
        part = Part(
            ModelKind.LATENT_DECODER, decoder.eval(), self.picture, side_px=side_px, latent=z, layers=network.layers
        )
        return [part]

    @abc.abstractmethod
    def renamed(self, weights: Weights) -> Weights:
        """Return them by the names of `StyleGan2`, what plays no part left away. Raises ModelError."""


class StyleGan2AdaLayout(_StyleGan2Layout):
    """NVIDIA's own; that of stylegan3 in its configuration `stylegan2`, too."""

    name = "stylegan2_ada"
    telling = (
        "synthesis.b4.const",
        "synthesis.b4.conv1.weight",
        "synthesis.b8.conv0.affine.weight",
        "synthesis.b4.torgb.affine.weight",
        "mapping.fc0.weight",
    )

    def renamed(self, weights: Weights) -> Weights:
        if "mapping.embed.weight" in weights:
            raise ModelError(
                f"{weights.where} draws pictures of classes, which a decoder cannot be asked for; take one without"
            )
        for name in weights:
            if name.endswith("resample_filter"):
                _check_filter(weights, name)
        return weights.without("resample_filter")


class StyleGan2RosinalityLayout(_StyleGan2Layout):
    """rosinality's names: `style.(K + 1)` is `mapping.fcK`, `convs.2i` and `convs.2i + 1` are those of one size."""

    name = "stylegan2"
    telling = (
        "input.input",
        "conv1.conv.modulation.weight",
        "to_rgb1.conv.weight",
        "convs.0.conv.weight",
        "style.1.weight",
    )

    def renamed(self, weights: Weights) -> Weights:
        for name in weights:
            if name.endswith("kernel"):
                _check_filter(weights, name)
        depth = weights.count("style.{}.weight", first=1)
        sizes = 1 + weights.count("to_rgbs.{}.bias")
        names = {"synthesis.b4.const": "input.input"}
        for number in range(depth):
            for end in ("weight", "bias"):
                names[f"mapping.fc{number}.{end}"] = f"style.{number + 1}.{end}"
        layers = {"b4.conv1": "conv1"}
        heads = {"b4": "to_rgb1"}
        for number in range(sizes - 1):
            side = 8 << number
            layers |= {f"b{side}.conv0": f"convs.{2 * number}", f"b{side}.conv1": f"convs.{2 * number + 1}"}
            heads[f"b{side}"] = f"to_rgbs.{number}"
        for number, (own, theirs) in enumerate(layers.items()):
            names |= _modulated(f"synthesis.{own}", theirs)
            names |= {
                f"synthesis.{own}.bias": f"{theirs}.activate.bias",
                f"synthesis.{own}.noise_strength": f"{theirs}.noise.weight",
                f"synthesis.{own}.noise_const": f"noises.noise_{number}",
            }
        for own, theirs in heads.items():
            names |= _modulated(f"synthesis.{own}.torgb", theirs)
            names[f"synthesis.{own}.torgb.bias"] = f"{theirs}.bias"
        if "latent_avg" in weights:
            names["mapping.w_avg"] = "latent_avg"
        if "noises.noise_0" not in weights:  # older files, whose noise was new for each picture: its mean is none
            sides = [4 << (number + 1) // 2 for number in range(len(layers))]
            none = {f"noises.noise_{number}": torch.zeros(1, 1, side, side) for number, side in enumerate(sides)}
            weights = weights.with_own(none)
        return weights.without("kernel").renamed(names, _as_nvidia_keeps_it)


def _modulated(own: str, theirs: str) -> dict[str, str]:
    return {
        f"{own}.weight": f"{theirs}.conv.weight",
        f"{own}.affine.weight": f"{theirs}.conv.modulation.weight",
        f"{own}.affine.bias": f"{theirs}.conv.modulation.bias",
    }


def _as_nvidia_keeps_it(own: str, tensor: Tensor) -> Tensor:
    """Return one of rosinality's weights in NVIDIA's shape and size."""
    if own.endswith("noise_strength"):
        return tensor.reshape(()) if tensor.numel() == 1 else tensor
    if tensor.ndim == 5 and tensor.shape[0] == 1:  # of a convolution: scaled down before its length is made 1
        kernel = tensor[0]
        return kernel if kernel.shape[-1] == 1 else kernel / math.sqrt(kernel[0].numel())
    if own.endswith(".const") and tensor.ndim == 4:
        return tensor[0] if tensor.shape[0] == 1 else tensor
    if own.endswith("noise_const") and tensor.ndim == 4:
        return tensor[0, 0]
    return tensor.reshape(-1) if own.endswith("torgb.bias") else tensor


def _shape_of(weights: Weights) -> tuple[list[int], list[int]]:
    """Return the sizes of the mapping's layers, and the channels of each size."""
    depth = weights.count("mapping.fc{}.bias")
    if not depth:
        weights["mapping.fc0.bias"]  # says what is missing
    given = [weights.shape(f"mapping.fc{number}.weight", 2)[0] for number in range(depth)]
    channels: list[int] = []
    while not channels or any(name.startswith(f"synthesis.b{4 << len(channels)}.") for name in weights):
        side = 4 << len(channels)
        if side > _LARGEST_PX:
            raise ModelError(f"{weights.where} draws larger pictures than there are; it is damaged")
        channels.append(weights.shape(f"synthesis.b{side}.torgb.weight")[1])
    return [weights.shape("mapping.fc0.weight", 2)[1], *given], channels


def _check_filter(weights: Weights, name: str) -> None:
    """Raise ModelError where pictures are enlarged with something else than is usual."""
    found = weights[name]
    usual = _filter_for(1, 1.0)[0, 0]
    if found.shape != usual.shape or not torch.allclose(found / found.sum(), usual, atol=1e-4):
        raise ModelError(
            f"{weights.where} enlarges with another filter than usual ('{shown(name)}'), which is not known here"
        )


def _mean_code(mapping: MappingNetwork) -> Tensor:
    first = cast(_Dense, mapping.get_submodule("fc0"))
    z = torch.randn(_MEAN_OF, first.weight.shape[1], generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        return torch.as_tensor(mapping(z).mean(dim=0))
