"""SqueezeNet 1.0 (Iandola et al., 2016) as features for perceptual losses, with torchvision's names.

It has a fiftieth of a VGG's weights and still tells colours and strokes apart, since it was taught to know pictures
itself: the VGG-19 squeezed to a sixteenth, which was taught to answer as another network does, is content with green
grain where the painting is blue and yellow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError

MEAN_BGR = (104.0, 117.0, 123.0)
"""What its training took from pictures of 0..255."""
_FIRES = {"fire2": 3, "fire3": 4, "fire4": 5, "fire5": 7, "fire6": 8, "fire7": 9, "fire8": 10, "fire9": 12}
"""The number of each module under `features.` of the file."""
_POOLED = frozenset({"fire2", "fire5", "fire9"})
"""Modules before which the size is halved."""


class SqueezeNetFeatures(nn.Module):
    """Layers `conv1` (half the size) and `fire2` to `fire9`; frozen.

    Takes RGB float [N, 3, H, W] in 0..1, sides of 32 and more.
    """

    CONTENT_LAYERS = "fire2,fire3,fire5"
    STYLE_LAYERS = "conv1,fire3,fire5"

    mean: Tensor

    def __init__(self, state: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.stem = _convolution(state, "features.0", stride=2)
        self.fires = nn.ModuleDict({name: _Fire(state, f"features.{number}") for name, number in _FIRES.items()})
        self.register_buffer("mean", torch.tensor(MEAN_BGR).view(1, 3, 1, 1))
        self.requires_grad_(False)
        self.eval()

    def forward(self, rgb: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the layers asked for, by name, computing none behind the last. Raises ValueError for others."""
        missing = set(layers)
        found: dict[str, Tensor] = {}
        features = functional.relu(self.stem(rgb.flip(1) * 255 - self.mean))
        for name, fire in (("conv1", nn.Identity()), *self.fires.items()):
            if not missing:
                return found
            if name in _POOLED:
                features = functional.max_pool2d(features, 3, 2, ceil_mode=True)
            features = fire(features)
            if name in missing:
                found[name] = features
                missing.remove(name)
        if missing:
            raise ValueError(f"these features have no layer {sorted(missing)}")
        return found

    def widths(self) -> dict[str, int]:
        """Return the channels of every layer."""
        widths = {"conv1": self.stem.out_channels}
        for name, fire in self.fires.items():
            assert isinstance(fire, _Fire)
            widths[name] = fire.expand1x1.out_channels + fire.expand3x3.out_channels
        return widths


class _Fire(nn.Module):
    def __init__(self, state: Mapping[str, Tensor], name: str) -> None:
        super().__init__()
        self.squeeze = _convolution(state, f"{name}.squeeze")
        self.expand1x1 = _convolution(state, f"{name}.expand1x1")
        self.expand3x3 = _convolution(state, f"{name}.expand3x3", padding=1)

    def forward(self, features: Tensor) -> Tensor:
        squeezed = functional.relu(self.squeeze(features))
        return functional.relu(torch.cat([self.expand1x1(squeezed), self.expand3x3(squeezed)], 1))


def _convolution(state: Mapping[str, Tensor], name: str, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    try:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    except KeyError as error:
        raise ModelError(f"the features lack {error}; fetch the file again") from None
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], stride, padding)
    with torch.no_grad():
        convolution.weight.copy_(weight)
        assert convolution.bias is not None
        convolution.bias.copy_(bias)
    return convolution
