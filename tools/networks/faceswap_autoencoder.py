"""The classic face swapper: one encoder that two people share, a decoder of its own for each.

The naming is that of the PyTorch ports of faceswap's "original" model (64², Oldpan/Faceswap-Deepfake-Pytorch and its
kin), at any width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.model_import.hints import ColourOrder
from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights

_SLOPE = 0.1


class _Halve(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv2 = nn.Conv2d(channels, out, 5, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        # Keras' "same" padding for a stride of 2: the odd row goes below, the odd column to the right.
        return functional.leaky_relu(self.conv2(functional.pad(features, (1, 2, 1, 2))), _SLOPE)


class _Double(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv2_ = nn.Conv2d(channels, out * 4, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        wide = functional.leaky_relu(self.conv2_(features), _SLOPE)
        count, channels, height, width = wide.shape
        # Row and column come before colour in these channels, where torch's pixel_shuffle wants them after it.
        places = wide.reshape(count, 2, 2, channels // 4, height, width).permute(0, 3, 4, 1, 5, 2)
        return places.reshape(count, channels // 4, height * 2, width * 2)


class FaceswapAutoencoder(nn.Module):
    """BGR float [N, 3, S, S] in 0..1 to the other person's face, the same. S is 16 times `coarse`.

    `down` are the channels after each halving (128, 256, 512, 1024 in the original), `up` those before and after each
    doubling of the decoders (512, 256, 128, 64).
    """

    def __init__(
        self,
        down: Sequence[int] = (128, 256, 512, 1024),
        up: Sequence[int] = (512, 256, 128, 64),
        narrow: int = 1024,
        coarse: int = 4,
    ) -> None:
        super().__init__()
        flat = down[-1] * coarse**2
        self.encoder = nn.Sequential(
            *(_Halve(channels, out) for channels, out in pairwise((3, *down))),
            nn.Flatten(),
            nn.Linear(flat, narrow),
            nn.Linear(narrow, flat),
            nn.Unflatten(1, (-1, coarse, coarse)),
            _Double(down[-1], up[0]),
        )
        self.decoder_A = _decoder(up)
        self.decoder_B = _decoder(up)

    def forward(self, face: Tensor, side: str) -> Tensor:
        decoder = self.decoder_A if side == "A" else self.decoder_B
        drawn: Tensor = decoder(self.encoder(face))
        return drawn


def _decoder(up: Sequence[int]) -> nn.Sequential:
    return nn.Sequential(
        *(_Double(channels, out) for channels, out in pairwise(up)), nn.Conv2d(up[-1], 3, 5, padding=2), nn.Sigmoid()
    )


class _OneSide(nn.Module):
    """The way to one person's face."""

    def __init__(self, both: FaceswapAutoencoder, side: str) -> None:
        super().__init__()
        self.both, self.side = both, side

    def forward(self, face: Tensor) -> Tensor:
        drawn: Tensor = self.both(face, self.side)
        return drawn


class FaceswapAutoencoderLayout(Layout):
    name = "faceswap_autoencoder"
    picture = PictureFormat(order=ColourOrder.BGR)

    def recognises(self, weights: Weights) -> bool:
        telling = ("encoder.0.conv2.weight", "encoder.5.weight", "decoder_A.0.conv2_.weight", "decoder_B.3.weight")
        return sum(name in weights for name in telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        down = [weights.shape(f"encoder.{number}.conv2.weight")[0] for number in range(4)]
        up = [weights.shape("encoder.8.conv2_.weight")[0] // 4]
        up += [weights.shape(f"decoder_A.{number}.conv2_.weight")[0] // 4 for number in range(3)]
        narrow, flat = weights.shape("encoder.5.weight", 2)
        coarse = math.isqrt(flat // down[-1])
        if coarse**2 * down[-1] != flat:
            raise ModelError(f"{weights.where}: 'encoder.5.weight' takes {flat} numbers, no square of {down[-1]}")
        network = FaceswapAutoencoder(down, up, narrow, coarse)
        weights.fill(network)
        return [
            Part(ModelKind.SWAP, _OneSide(network, side).eval(), self.picture, f"-to-{side.lower()}", coarse * 16)
            for side in ("A", "B")
        ]
