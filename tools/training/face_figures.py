"""What a VAE makes of people it never saw, in figures."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.face_vae import LIGHT, FaceVae
from tools.networks.vgg16x import VggFeatures
from tools.training.losses import content_distance, luminance
from tools.training.morphing import FEATURES, divergence

_ALIVE = 0.01
"""Variance over people of a number's mean: below, it says nothing about them (Burda et al., "Importance weighted
autoencoders", 2016)."""
_AT_ONCE = 32
_COMPARED_PX = 64


@dataclasses.dataclass(frozen=True)
class Figures:
    mse_64: float
    """Mean squared error at 64², colours 0..1."""
    sharpness: float
    """Variance of the Laplacian, over the faces' own."""
    alive: int
    """Of the face's numbers, those that differ between people."""
    nats: float
    """What a code says, by its divergence from the normal cloud."""
    features: float | None
    """Relative distance between a VGG's features; None without one."""

    def terms(self) -> dict[str, Tensor]:
        known = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        return {name: torch.tensor(float(value)) for name, value in known.items()}

    def line(self, latent: int) -> str:
        features = "" if self.features is None else f", features {self.features:.3f} off"
        return (
            f"people held out: MSE {self.mse_64:.4f} at 64 px{features}, sharpness {self.sharpness:.2f}; "
            f"{self.alive} of {latent - LIGHT} numbers alive, {self.nats:.0f} nats"
        )


@torch.no_grad()
def measure(vae: FaceVae, faces: Tensor, features: VggFeatures | None) -> Figures:
    """Measure on RGB float [N, 3, S, S] in 0..1, the network in evaluation mode, in full precision."""
    error, distance = 0.0, 0.0
    edges = torch.zeros(2, dtype=torch.float64)
    means, nats = [], []
    for part in torch.split(faces, _AT_ONCE):
        mean, log_variance, light = vae.encoder.measured(part)
        drawn = vae.decoder(torch.cat([mean, light], 1)).clamp(0, 1)
        share = len(part) / len(faces)
        error += share * float(functional.mse_loss(_small(drawn), _small(part)))
        edges += torch.tensor([float(_edges(drawn)), float(_edges(part))], dtype=torch.float64) * share
        if features is not None:
            distance += share * float(content_distance(features(drawn, FEATURES), features(part, FEATURES), FEATURES))
        means.append(mean)
        nats.append(divergence(mean, log_variance).sum(1))
    alive = int((torch.cat(means).var(0) > _ALIVE).sum())
    sharpness = float(edges[0] / edges[1].clamp(min=1e-9))
    return Figures(error, sharpness, alive, float(torch.cat(nats).mean()), None if features is None else distance)


@torch.no_grad()
def drawn_again(drawn: Tensor, faces: Tensor, features: VggFeatures | None) -> tuple[float, float, float | None]:
    """Return the mean squared error at 64², the sharpness, and the distance of features of faces [N, 3, S, S] in 0..1,
    as any autoencoder drew them.
    """
    error = float(functional.mse_loss(_small(drawn), _small(faces)))
    sharpness = float(_edges(drawn) / _edges(faces).clamp(min=1e-9))
    if features is None:
        return error, sharpness, None
    each = [
        float(content_distance(features(ours, FEATURES), features(own, FEATURES), FEATURES)) * len(own)
        for ours, own in zip(torch.split(drawn, _AT_ONCE), torch.split(faces, _AT_ONCE), strict=True)
    ]
    return error, sharpness, sum(each) / len(faces)


def _small(faces: Tensor) -> Tensor:
    times = faces.shape[3] // _COMPARED_PX
    return functional.avg_pool2d(faces, times) if times > 1 else faces


def _edges(faces: Tensor) -> Tensor:
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], device=faces.device)
    return functional.conv2d(luminance(faces), kernel[None, None]).var((1, 2, 3)).mean()
