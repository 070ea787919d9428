"""A convolutional VAE of faces: the 64² one of shagunuppal's, trained on CelebA, and others of its wiring."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Autoencoder, Layout, Part, PictureFormat
from tools.networks.weights import Weights

_SLOPE = 0.2


class Vae(nn.Module):
    """RGB float [N, 3, S, S] in 0..1 to z [N, Z] and back; S is 16 times `coarse`.

    `down` and `up` are the channels after each halving and before each doubling.
    """

    def __init__(
        self,
        down: Sequence[int] = (32, 32, 64, 64),
        up: Sequence[int] = (64, 64, 32, 32),
        latent: int = 32,
        coarse: int = 4,
    ) -> None:
        super().__init__()
        self.coarse = coarse
        for number, (channels, out) in enumerate(zip((3, *down), down, strict=False), start=1):
            self.add_module(f"e{number}", nn.Conv2d(channels, out, 4, stride=2, padding=1))
            self.add_module(f"bn{number}", nn.BatchNorm2d(out))
        self.fc1 = nn.Linear(down[-1] * coarse**2, latent)  # the mean
        self.fc2 = nn.Linear(down[-1] * coarse**2, latent)  # the logarithm of the variance, used in training only
        self.d1 = nn.Linear(latent, up[0] * coarse**2)
        for number, (channels, out) in enumerate(zip(up, (*up[1:], 3), strict=True), start=2):
            self.add_module(f"d{number}", nn.ConvTranspose2d(channels, out, 4, stride=2, padding=1))
        for number, channels in enumerate(up[1:], start=6):
            self.add_module(f"bn{number}", nn.BatchNorm2d(channels))

    def encode(self, rgb: Tensor) -> Tensor:
        """Return the mean of z, which is the z that a face stands for."""
        features = rgb
        for number in (1, 2, 3, 4):
            norm, conv = self.get_submodule(f"bn{number}"), self.get_submodule(f"e{number}")
            features = functional.leaky_relu(norm(conv(features)), _SLOPE)
        mean: Tensor = self.fc1(features.flatten(1))
        return mean

    def decode(self, z: Tensor) -> Tensor:
        """Return the face of z."""
        features = functional.elu(self.d1(z)).reshape(z.shape[0], -1, self.coarse, self.coarse)
        for number in (2, 3, 4):
            norm, conv = self.get_submodule(f"bn{number + 4}"), self.get_submodule(f"d{number}")
            features = functional.leaky_relu(norm(conv(features)), _SLOPE)
        return self.get_submodule("d5")(features).sigmoid()  # type: ignore[no-any-return]


class _Encoder(nn.Module):
    def __init__(self, vae: Vae) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, rgb: Tensor) -> Tensor:
        return self.vae.encode(rgb)


class _Decoder(nn.Module):
    def __init__(self, vae: Vae) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, z: Tensor) -> Tensor:
        return self.vae.decode(z)


class Vae64Layout(Layout):
    name = "vae_64"
    picture = PictureFormat()

    def recognises(self, weights: Weights) -> bool:
        telling = ("e1.weight", "e4.weight", "bn1.running_mean", "fc1.weight", "fc2.weight", "d1.weight", "d5.weight")
        return sum(name in weights for name in telling) >= 5

    def parts(self, weights: Weights) -> Sequence[Part]:
        down = [weights.shape(f"e{number}.weight")[0] for number in (1, 2, 3, 4)]
        up = [weights.shape(f"d{number}.weight")[0] for number in (2, 3, 4, 5)]
        latent, flat = weights.shape("fc1.weight", 2)
        coarse = math.isqrt(flat // down[-1])
        if coarse**2 * down[-1] != flat:
            raise ModelError(f"{weights.where}: 'fc1.weight' takes {flat} numbers, no square of {down[-1]} channels")
        network = Vae(down, up, latent, coarse)
        weights.fill(network)
        side_px = coarse * 16
        both = Autoencoder(_Encoder(network), _Decoder(network)).eval()
        return [Part(ModelKind.MORPH, both, self.picture, side_px=side_px, latent=latent, half_weights=True)]
