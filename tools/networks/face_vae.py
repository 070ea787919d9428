"""The VAE behind the morph: a face to a code of numbers and back, light enough to run twice a frame on two cores.

A code is the face's own numbers and, behind them, the six of its light: mean and spread of each colour in the middle of
the crop. The light is measured and taken out before the encoder looks, and put back behind the decoder, so that no
webcam's exposure or white balance can land in the face's numbers, and a step along one of them changes a dim face as
dimly as it is lit.

Both halves begin as eigenfaces (Turk and Pentland, "Eigenfaces for recognition", 1991): what is linear about faces is
computed once from those learnt from and stays, so that each number of a code means something before the first step,
and the convolutions learn only what a sum of pictures cannot say. With 194 numbers that sum alone is nearer to people
never seen (mean squared error 0.0041 at 64²) than the convolutions alone came in 10,000 steps (0.0073).

Time goes into the large sizes and weights into the small ones: below 64² all is narrow, and the last doubling is a
rearrangement of colours. One pass of the encoder and two of the decoder cost what one of `swap_light` does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.core.errors import ModelError
from realtime.models.card import ModelKind
from tools.networks import Autoencoder, Layout, Part, PictureFormat
from tools.networks.weights import Weights

LIGHT = 6
"""Numbers of the light in a code: a mean for red, green and blue, then a spread for each."""
COARSE = 4
EIGENFACE_PX = 32
"""Side of an eigenface: of 194 numbers each holds some 16 pixels, and none is finer than that."""
_SLOPE = 0.1
_WIDE = 0.25
"""The light's window: deviation of a Gaussian, in sides of the crop. Its middle is between eyes and mouth."""
_USUAL_MEAN, _MEAN_STEP = 0.48, 0.15
_USUAL_SPREAD, _SPREAD_STEP = 0.2, 0.27
"""CelebA's, and how far they stray there: numbers of the light are of size 1 as the face's are. Spread by its
logarithm."""
_LEAST_SPREAD = 0.02
_FAINT = 0.05
_BEGIN_SPREAD = -2.0
_LEAST_VARIANCE = 1e-3
"""Of an eigenface, summed over its pixels: a direction in which nobody differs must not be divided by nothing."""
_MOST_SPREADS = 3.5
"""The logarithm of a code's own variance stays within ± twice this."""


class _Halve(nn.Module):
    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.conv(features)), _SLOPE)


class _Refine(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = features + functional.leaky_relu(self.norm(self.conv(features)), _SLOPE)
        return added


class _Double(nn.Module):
    """Refined and narrowed before it is doubled, where that costs a quarter."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.refine = _Refine(channels)
        self.narrow = nn.Conv2d(channels, out, 1, bias=False)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        narrow = functional.leaky_relu(self.norm(self.narrow(self.refine(features))), _SLOPE)
        # Not the nearest pixel: what is added to it later left its squares standing. 4 % more time for a decoder.
        return functional.interpolate(narrow, scale_factor=2.0, mode="bilinear", align_corners=False)


class FaceEncoder(nn.Module):
    """RGB float [N, 3, S, S] in 0..1 to the code [N, Z]; S is 4 doubled for each of `down`."""

    def __init__(self, down: Sequence[int], latent: int) -> None:
        super().__init__()
        self.look = nn.Sequential(*(_Halve(channels, out) for channels, out in pairwise((3, *down))))
        flat = down[-1] * COARSE**2
        self.eigenfaces = _linear(_eigenface_size(COARSE << len(down)), latent - LIGHT)
        self.mean = nn.Linear(flat, latent - LIGHT)
        self.spread = nn.Linear(flat, latent - LIGHT)  # the logarithm of the variance, used in training only
        with torch.no_grad():
            self.mean.weight.mul_(_FAINT)
            self.spread.bias.fill_(_BEGIN_SPREAD)
        side = COARSE << len(down)
        self.register_buffer("window", _window(side), persistent=False)
        self.window: Tensor

    def forward(self, rgb: Tensor) -> Tensor:
        face, _, light = self.measured(rgb)
        return torch.cat([face, light], 1)

    def measured(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return mean and log variance of the face's numbers, and the light's."""
        unlit, light = self.without_light(rgb)
        features = self.look(unlit).flatten(1)
        mean = self.eigenfaces(shrunk(unlit)) + self.mean(features)
        bound = 2 * _MOST_SPREADS
        return mean.float(), self.spread(features).float().clamp(-bound, bound), light

    def without_light(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Return the faces in light of mean 0 and spread 1, and the six numbers of the light they had."""
        mean = (rgb * self.window).sum((2, 3))
        away = rgb - mean[:, :, None, None]
        variance = (away.square() * self.window).sum((2, 3))
        spread = (variance + _LEAST_SPREAD**2).sqrt()
        light = torch.cat([(mean - _USUAL_MEAN) / _MEAN_STEP, (spread / _USUAL_SPREAD).log() / _SPREAD_STEP], 1)
        return away / spread[:, :, None, None], light


class FaceDecoder(nn.Module):
    """A code [N, Z] to RGB float [N, 3, S, S], about 0..1: what lies beyond is for the screen to clip.

    `up` are the channels at 4², 8² … up to half of S.
    """

    def __init__(self, up: Sequence[int], latent: int) -> None:
        super().__init__()
        self.side = COARSE << len(up)
        self.eigenfaces = _linear(latent - LIGHT, _eigenface_size(self.side))
        self.out = nn.Linear(latent - LIGHT, up[0] * COARSE**2)
        self.grow = nn.Sequential(*(_Double(channels, out) for channels, out in pairwise(up)))
        self.last = _Refine(up[-1])
        self.draw = nn.Conv2d(up[-1], 3, 3, padding=1)
        with torch.no_grad():  # the eigenfaces are a good beginning: what is added to them begins as hardly anything
            self.draw.weight.mul_(_FAINT)
        small = min(EIGENFACE_PX, self.side)
        self.register_buffer("to_half", _enlarging(small, self.side // 2), persistent=False)
        self.register_buffer("to_whole", _enlarging(self.side // 2, self.side), persistent=False)
        self.to_half: Tensor
        self.to_whole: Tensor

    def forward(self, code: Tensor) -> Tensor:
        mean, spread = lit_by(code)
        return self.unlit(code[:, :-LIGHT]) * spread + mean

    def unlit(self, face: Tensor) -> Tensor:
        """Return what the face's own numbers [N, Z − 6] look like in light of mean 0 and spread 1."""
        coarse = functional.leaky_relu(self.out(face), _SLOPE).reshape(face.shape[0], -1, COARSE, COARSE)
        fine = self.draw(self.last(self.grow(coarse))).float()
        small = self.to_half.shape[1]
        plain = self.eigenfaces(face).float().reshape(-1, 3, small, small)
        # Half of the side is all that is drawn: a VGG takes a grid of dots or lines for detail, and what changes from
        # each pixel to the next drew one across all faces.
        drawn = fine + _enlarged(plain, self.to_half)
        return _enlarged(drawn, self.to_whole)


class FaceVae(nn.Module):
    """Encoder and decoder. `forward` is what is trained: it draws each code by chance from around its mean."""

    def __init__(self, down: Sequence[int], up: Sequence[int], latent: int = 200) -> None:
        super().__init__()
        self.encoder = FaceEncoder(down, latent)
        self.decoder = FaceDecoder(up, latent)

    @torch.no_grad()
    def begin_with_eigenfaces(self, faces: Iterable[Tensor]) -> None:
        """Compute both halves' eigenfaces from RGB float [n, 3, S, S] in 0..1, batch by batch."""
        samples = torch.cat([shrunk(self.encoder.without_light(part)[0]) for part in faces]).double()
        mean = samples.mean(0)
        away = samples - mean
        variances, directions = _principal(away)
        count = min(len(samples) - 1, len(self.encoder.mean.bias), len(mean))
        # From few faces come few directions; the other numbers are the convolutions'.
        scale = variances[:count].clamp(min=_LEAST_VARIANCE).sqrt()
        directions = directions[:, :count]
        encoding, decoding = self.encoder.eigenfaces, self.decoder.eigenfaces
        encoding.weight[:count] = (directions / scale).T.float()
        encoding.bias[:count] = -(mean @ (directions / scale)).float()
        decoding.weight[:, :count] = (directions * scale).float()
        decoding.bias[:] = mean.float()

    def forward(self, rgb: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Take faces and normal noise [N, Z − 6]; return them as drawn, mean and log variance of their numbers."""
        mean, log_variance, light = self.encoder.measured(rgb)
        code = torch.cat([mean + noise * (log_variance / 2).exp(), light], 1)
        return self.decoder(code), mean, log_variance


def _principal(away: Tensor) -> tuple[Tensor, Tensor]:
    """Return the variances of samples [N, D] about their mean, largest first, and their directions [D, ...]."""
    if len(away) < away.shape[1]:  # all directions lie among the samples: 10 ms for a hundred, in place of 5 s
        _, strengths, rows = torch.linalg.svd(away, full_matrices=False)
        return strengths.square() / len(away), rows.T
    variances, directions = torch.linalg.eigh(away.T @ away / len(away))
    return variances.flip(0), directions.flip(1)


def lit_by(code: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and spread, [N, 3, 1, 1] each, that the last six numbers of a code stand for."""
    light = code[:, -LIGHT:, None, None]
    return light[:, :3] * _MEAN_STEP + _USUAL_MEAN, (light[:, 3:] * _SPREAD_STEP).exp() * _USUAL_SPREAD


def widths(side_px: int, width: float = 1.0) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the usual `down` and `up` for faces of 32, 64, 128 or 256 px."""
    count = int(math.log2(side_px // COARSE))
    down, up = (16, 24, 48, 96, 160, 192)[-count:], (192, 160, 96, 48, 32, 24)[:count]
    return _times(down, width), _times(up, width)


def _times(channels: tuple[int, ...], width: float) -> tuple[int, ...]:
    return tuple(max(4, round(each * width)) for each in channels)


def shrunk(unlit: Tensor) -> Tensor:
    """Return faces [N, 3, S, S] at the size of eigenfaces, flat."""
    times = unlit.shape[3] // EIGENFACE_PX
    return (functional.avg_pool2d(unlit, times) if times > 1 else unlit).flatten(1)


def _enlarging(small: int, side: int) -> Tensor:
    """Return what enlarges one axis of a picture bicubically, [side, small]."""
    rows = torch.eye(small)[None, None]
    return functional.interpolate(rows, size=(side, small), mode="bicubic", align_corners=False)[0, 0]


def _enlarged(pictures: Tensor, enlarging: Tensor) -> Tensor:
    """Return them larger, by products: ONNX Runtime's own bicubic resize took 13 ms for two faces of 128 px, where all
    else took 7.
    """
    if enlarging.shape[0] == enlarging.shape[1]:
        return pictures
    large: Tensor = enlarging @ pictures @ enlarging.T
    return large


def _eigenface_size(side: int) -> int:
    return 3 * min(side, EIGENFACE_PX) ** 2


def _linear(count: int, out: int) -> nn.Linear:
    """Return a layer that is computed, not learnt; nothing, until it is."""
    layer = nn.Linear(count, out)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
        parameter.requires_grad_(False)
    return layer


def _window(side: int) -> Tensor:
    """Return [side, side], of sum 1."""
    across = torch.exp(-0.5 * ((torch.arange(side) + 0.5) / side - 0.5).div(_WIDE).square())
    window = across[:, None] * across
    return window / window.sum()


class FaceVaeLayout(Layout):
    name = "face_vae"
    picture = PictureFormat()

    def recognises(self, weights: Weights) -> bool:
        telling = ("encoder.look.0.conv.weight", "encoder.mean.weight", "decoder.out.weight", "decoder.draw.weight")
        return sum(name in weights for name in telling) >= 3

    def parts(self, weights: Weights) -> Sequence[Part]:
        count = weights.count("encoder.look.{}.conv.weight")
        down = [weights.shape(f"encoder.look.{number}.conv.weight")[0] for number in range(count)]
        grown = weights.count("decoder.grow.{}.narrow.weight")
        narrowed = [weights.shape(f"decoder.grow.{number}.narrow.weight") for number in range(grown)]
        up = [*(shape[1] for shape in narrowed), weights.shape("decoder.draw.weight")[1]]
        latent = weights.shape("encoder.mean.weight", 2)[0] + LIGHT
        if len(down) != len(up):
            raise ModelError(f"{weights.where}: its encoder halves {len(down)} times, its decoder doubles {len(up)}")
        vae = FaceVae(down, up, latent)
        weights.fill(vae)
        side_px = COARSE << len(down)
        both = Autoencoder(vae.encoder, vae.decoder).eval()
        return [
            Part(ModelKind.MORPH, both, self.picture, side_px=side_px, latent=latent, light=LIGHT, half_weights=True)
        ]
