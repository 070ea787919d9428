"""Features for perceptual losses: a VGG's layers up to relu5_1, of any width, whichever file they come from.

Two layouts are known by their keys. The 16× squeezed VGG-19 (Wang et al., "Collaborative Distillation for
Ultra-Resolution Universal Style Transfer", CVPR 2020) has a quarter of the channels and was taught to answer as the
original does; `conv0` does the normalising, and borders are reflected. In torchvision's `vgg16` and `vgg19` borders are
zeros, and the input is normalised with ImageNet's mean and deviation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SQUEEZED_BLOCKS = (2, 2, 4, 4, 1)
_TORCHVISION_BLOCKS = {32: (2, 2, 4, 4, 4), 26: (2, 2, 3, 3, 3)}
"""Convolutions in each block, by the tensors under `features.`: VGG-19 and VGG-16."""


class VggFeatures(nn.Module):
    """Layers `relu11` (first block, first convolution) to `relu51`; frozen.

    Takes RGB float [N, 3, H, W] in 0..1, sides of 16 and more; each block halves them.
    """

    CONTENT_LAYERS = "relu31,relu41"
    STYLE_LAYERS = "relu12,relu22,relu33,relu42"

    def __init__(self, state: Mapping[str, Tensor], blocks: tuple[int, ...], *, squeezed: bool) -> None:
        super().__init__()
        self._padding_mode = "reflect" if squeezed else "constant"
        last = len(blocks) - 1
        self._names = [[f"{b + 1}{n + 1}" for n in range(1 if b == last else count)] for b, count in enumerate(blocks)]
        wanted = [f"conv{name}" for block in self._names for name in block]
        first = _convolution(state, "conv0") if squeezed else _imagenet_normalising()
        self.convolutions = nn.ModuleDict({"conv0": first, **{name: _convolution(state, name) for name in wanted}})
        self._widths = {f"relu{name}": state[f"conv{name}.weight"].shape[0] for block in self._names for name in block}
        self.requires_grad_(False)
        self.eval()

    def forward(self, rgb: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Return the layers asked for, by name, computing none behind the last of them."""
        missing = set(layers)
        found: dict[str, Tensor] = {}
        features = self.convolutions["conv0"](rgb)
        for number, block in enumerate(self._names):
            if number:
                features = functional.max_pool2d(features, 2)
            for name in block:
                padded = functional.pad(features, (1, 1, 1, 1), mode=self._padding_mode)
                features = functional.relu(self.convolutions[f"conv{name}"](padded))
                if f"relu{name}" in missing:
                    found[f"relu{name}"] = features
                    missing.remove(f"relu{name}")
                    if not missing:
                        return found
        if missing:
            raise ValueError(f"these features have no layer {sorted(missing)}")
        return found

    def encoder(self) -> VggFeatures:
        """Return a copy up to relu41, borders reflected: what networks that paint from features are made with."""
        state: dict[str, Tensor] = {}
        for name, convolution in self.convolutions.items():
            state |= {f"{name}.{part}": tensor for part, tensor in convolution.state_dict().items()}
        counts = [len(block) for block in self._names]
        return VggFeatures(state, (*counts[:3], 1), squeezed=True)

    def widths(self) -> dict[str, int]:
        """Return the channels of every layer."""
        return dict(self._widths)


def vgg_from(state: Mapping[str, Tensor], where: str) -> VggFeatures:
    """Return the features a state dict holds; `where` names its file. Raises ModelError for any other layout."""
    if "conv0.weight" in state and "conv51.weight" in state:
        return VggFeatures(state, _SQUEEZED_BLOCKS, squeezed=True)
    tensors = [key for key in state if key.startswith("features.")]
    if len(tensors) in _TORCHVISION_BLOCKS:
        blocks = _TORCHVISION_BLOCKS[len(tensors)]
        return VggFeatures(_renamed(state, blocks), blocks, squeezed=False)
    if "features.1.running_mean" in state:
        raise ModelError(f"{where} is a VGG with batch normalisation; take torchvision's vgg19 or vgg16 without it")
    raise ModelError(f"{where} holds no features this tool knows; {WHERE_FROM}")


WHERE_FROM = (
    "take a VGG-19 squeezed to a sixteenth (vgg19_16x_encoder.pth of Collaborative-Distillation), or torchvision's: "
    "torch.save(torchvision.models.vgg19(weights='DEFAULT').state_dict(), 'vgg19.pth')"
)
"""What to tell somebody who has no features yet."""


def _renamed(state: Mapping[str, Tensor], blocks: tuple[int, ...]) -> dict[str, Tensor]:
    """Give torchvision's `features.N` (convolution, ReLU, …, pooling) the names of the layers."""
    renamed: dict[str, Tensor] = {}
    index = 0
    for block, count in enumerate(blocks):
        for number in range(count):
            for part in ("weight", "bias"):
                if f"features.{index}.{part}" in state:
                    renamed[f"conv{block + 1}{number + 1}.{part}"] = state[f"features.{index}.{part}"]
            index += 2
        index += 1
    return renamed


def _convolution(state: Mapping[str, Tensor], name: str) -> nn.Conv2d:
    try:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
    except KeyError as error:
        raise ModelError(f"the features lack {error}; fetch the file again") from None
    convolution = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    with torch.no_grad():
        convolution.weight.copy_(weight)
        assert convolution.bias is not None
        convolution.bias.copy_(bias)
    return convolution


def _imagenet_normalising() -> nn.Conv2d:
    """(rgb − mean) ÷ deviation, as a 1×1 convolution like the squeezed network's own."""
    convolution = nn.Conv2d(3, 3, 1)
    deviation = torch.tensor(_DEVIATION)
    with torch.no_grad():
        convolution.weight.copy_(torch.diag(1 / deviation)[:, :, None, None])
        assert convolution.bias is not None
        convolution.bias.copy_(-torch.tensor(_MEAN) / deviation)
    return convolution
