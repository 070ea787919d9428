"""Terms of perceptual losses, each relative, so that a weight means the same with every set of features.

A distance between features is divided by what it would be against nothing (the mean square of the target), so that 1
says "nothing matched" and 0 "the same", whether a layer's values lie around 0.1 or around 300.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.vgg16x import STYLE_LAYERS, VggFeatures

_TINY = 1e-8
_LUMA = (0.299, 0.587, 0.114)


def gram(features: Tensor) -> Tensor:
    """Return [N, C, C], how strongly channels answer together, by place: F·Fᵀ ÷ (H·W).

    In float32 whatever the features are: sums over 65,536 places do not fit into half precision.
    """
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def relative_distance(features: Tensor, target: Tensor) -> Tensor:
    """Return mean (features − target)² ÷ mean target²."""
    target = target.detach().float()
    return functional.mse_loss(features.float(), target) / (target.square().mean() + _TINY)


def style_grams(features: VggFeatures, paintings: Sequence[Tensor]) -> dict[str, Tensor]:
    """Return the Gram matrix [1, C, C] of each style layer, the mean over `paintings`, each [1, 3, H, W].

    Several sizes or several works of a painter become one target: the sum of squared distances to many targets has
    the same gradient as the distance to their mean.
    """
    with torch.no_grad():
        each = [features(painting, STYLE_LAYERS) for painting in paintings]
        return {layer: torch.stack([gram(found[layer]) for found in each]).mean(0) for layer in STYLE_LAYERS}


def style_distance(
    painted: Mapping[str, Tensor], grams: Mapping[str, Tensor], layer_weights: Sequence[float]
) -> Tensor:
    """Return the weighted mean over the style layers of the relative distance between Gram matrices.

    Each picture is compared by itself: it must look painted, not only all of a batch taken together.
    """
    distance = torch.zeros((), device=next(iter(grams.values())).device)
    for layer, weight in zip(STYLE_LAYERS, layer_weights, strict=True):
        if weight:
            found = gram(painted[layer])
            distance = distance + weight * relative_distance(found, grams[layer].expand_as(found))
    return distance / sum(layer_weights)


def roughness(pictures: Tensor) -> Tensor:
    """Return total variation: the mean square step between neighbouring pixels, in parts of 0..1."""
    down = (pictures[:, :, 1:] - pictures[:, :, :-1]).square().mean()
    across = (pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).square().mean()
    return down + across


def luminance(pictures: Tensor) -> Tensor:
    """Return [N, 1, H, W] by the weights of Rec. 601."""
    weights = torch.tensor(_LUMA, device=pictures.device, dtype=pictures.dtype)
    return torch.einsum("nchw,c->nhw", pictures, weights)[:, None]


def light_change(painted: Tensor, pictures: Tensor) -> Tensor:
    """Return how much broad light and shade have moved: luminance compared at an eighth of the size, relative to the
    contrast of the picture.
    """
    before, after = (functional.avg_pool2d(luminance(p), 8) for p in (pictures, painted))
    return functional.mse_loss(after, before) / (before.var() + 1e-3)


def edge_change(painted: Tensor, pictures: Tensor) -> Tensor:
    """Return how much of the picture's own edges is lost: where the picture has a gradient (at half size), the painted
    one should have one along it. Edges that the style adds elsewhere cost nothing.
    """
    before, after = (_gradients(functional.avg_pool2d(luminance(p), 2)) for p in (pictures, painted))
    energy = before.square().sum(1)
    along = (before * after).sum(1)
    missing = functional.relu(energy - along)  # the same direction, at least as steep: nothing is missing
    return missing.mean() / (energy.mean() + 1e-4)


def _gradients(grey: Tensor) -> Tensor:
    sobel = (
        torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]], device=grey.device, dtype=grey.dtype) / 8
    )
    return functional.conv2d(grey, torch.stack([sobel, sobel.T])[:, None])
