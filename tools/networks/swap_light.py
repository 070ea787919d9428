"""The lighter face swapper, for 128 px and 30 frames a second on two cores: one encoder, a decoder for each face.

The idea is the classic one (`faceswap_autoencoder`): what both people share (pose, expression, light) goes through one
encoder and a narrow middle, what is one person's own lies in that person's decoder. Other than there

- the face is 128 px instead of 64, at an eighth of the parameters and a sixth of the time;
- it comes with a mask, so that the live loop need not guess where the drawn face ends;
- channels are few where the picture is large, and a block at each size mixes places by a depthwise convolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights

_SLOPE = 0.1
_WIDEN = 2


class _Mix(nn.Module):
    """An inverted residual: widened, mixed within each channel, narrowed, added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wide = channels * _WIDEN
        self.widen = nn.Conv2d(channels, wide, 1)
        self.within = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.narrow = nn.Conv2d(wide, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        wide = functional.leaky_relu(self.widen(features), _SLOPE)
        wide = functional.leaky_relu(self.within(wide), _SLOPE)
        added: Tensor = features + self.narrow(wide)
        return added


class _Halve(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.halve = nn.Conv2d(channels, out, 3, stride=2, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return functional.leaky_relu(self.halve(features), _SLOPE)


class _Double(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.enlarge = nn.Conv2d(channels, out * 4, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        return functional.pixel_shuffle(functional.leaky_relu(self.enlarge(features), _SLOPE), 2)


class _Decoder(nn.Module):
    """The middle, [N, C, 8, 8], to a face [N, 3, S, S] and its mask [N, 1, S, S], both 0..1."""

    def __init__(self, up: Sequence[int]) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for channels, out in pairwise(up[:-1]):
            steps += [_Double(channels, out), _Mix(out)]
        self.grow = nn.Sequential(*steps)
        # The last doubling has no block: at the full size even a depthwise one would cost as much as all the others.
        self.last = _Double(up[-2], up[-1])
        self.draw = nn.Conv2d(up[-1], 4, 3, padding=1)

    def forward(self, middle: Tensor) -> tuple[Tensor, Tensor]:
        drawn = torch.sigmoid(self.draw(self.last(self.grow(middle))))
        return drawn[:, :3], drawn[:, 3:]


class SwapLight(nn.Module):
    """RGB float [N, 3, S, S] in 0..1 to the other person's face and its mask. S is 32 times `coarse`.

    `down` are the channels after each of five halvings, `narrow` the numbers in the middle, `up` the channels before
    the first doubling of a decoder and after each of its four.
    """

    def __init__(
        self,
        down: Sequence[int] = (24, 48, 96, 160, 256),
        up: Sequence[int] = (160, 96, 64, 32, 16),
        narrow: int = 512,
        coarse: int = 4,
    ) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for number, (channels, out) in enumerate(pairwise((3, *down))):
            steps.append(_Halve(channels, out))
            if number:  # at half the size a block would cost as much as all the others
                steps.append(_Mix(out))
        self.look = nn.Sequential(*steps)
        self.into = nn.Linear(down[-1] * coarse**2, narrow)
        self.out = nn.Linear(narrow, up[0] * (2 * coarse) ** 2)
        self.square = nn.Unflatten(1, (-1, 2 * coarse, 2 * coarse))
        self.decoder_a = _Decoder(up)
        self.decoder_b = _Decoder(up)
        begin(self)
        for module in self.modules():
            if isinstance(module, _Mix):  # without normalisation, blocks that add noise at first slow it all down
                nn.init.zeros_(module.narrow.weight)

    def middle(self, face: Tensor) -> Tensor:
        """Return what both people share of a face, [N, C, 2·coarse, 2·coarse]."""
        shared: Tensor = self.square(functional.leaky_relu(self.out(self.into(self.look(face).flatten(1))), _SLOPE))
        return shared

    def forward(self, face: Tensor, side: str) -> tuple[Tensor, Tensor]:
        decoder = self.decoder_a if side == "a" else self.decoder_b
        face_and_mask: tuple[Tensor, Tensor] = decoder(self.middle(face))
        return face_and_mask


def begin(network: nn.Module) -> None:
    """Give weights a size that keeps differences between faces alive from layer to layer (He et al., "Delving deep into
    rectifiers", 2015). By PyTorch's own, a third of their variance is left after each layer, a millionth at the end:
    after 350 steps of eight faces every face was drawn as the mean one.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, _SLOPE, nonlinearity="leaky_relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class _OneSide(nn.Module):
    """The way to one person's face."""

    def __init__(self, both: SwapLight, side: str) -> None:
        super().__init__()
        self.both, self.side = both, side

    def forward(self, face: Tensor) -> tuple[Tensor, Tensor]:
        face_and_mask: tuple[Tensor, Tensor] = self.both(face, self.side)
        return face_and_mask


class SwapLightLayout(Layout):
    name = "swap_light"
    picture = PictureFormat()

    def recognises(self, weights: Weights) -> bool:
        telling = ("look.0.halve.weight", "into.weight", "decoder_a.last.enlarge.weight", "decoder_b.draw.weight")
        return sum(name in weights for name in telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        # Halvings and blocks take turns, but for the first halving, which has no block.
        places = (0, *range(1, 2 * 4, 2))
        down = [weights.shape(f"look.{place}.halve.weight")[0] for place in places]
        grown = [weights.shape(f"decoder_a.grow.{number}.enlarge.weight") for number in (0, 2, 4)]
        up = [grown[0][1], *(shape[0] // 4 for shape in grown), weights.shape("decoder_a.last.enlarge.weight")[0] // 4]
        narrow, flat = weights.shape("into.weight", 2)
        coarse = math.isqrt(flat // down[-1])
        if coarse**2 * down[-1] != flat:
            raise ModelError(f"{weights.where}: 'into.weight' takes {flat} numbers, no square of {down[-1]}")
        network = SwapLight(down, up, narrow, coarse)
        weights.fill(network)
        return [
            Part(ModelKind.SWAP, _OneSide(network, side).eval(), self.picture, f"-to-{side}", coarse * 32)
            for side in ("a", "b")
        ]
