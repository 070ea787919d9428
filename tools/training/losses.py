"""Terms of perceptual losses, each relative, so that a weight means the same with every set of features.

A distance between features is divided by what it would be against nothing (the mean square of the target), so that 1
says "nothing matched" and 0 "the same", whether a layer's values lie around 0.1 or around 300.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from tools.networks.features import PictureFeatures

_TINY = 1e-8
_LUMA = (0.299, 0.587, 0.114)

_KEPT_WARMTH = 0.5


def gram(features: Tensor) -> Tensor:
    """Return [N, C, C], how strongly channels answer together, by place: F·Fᵀ ÷ (H·W).

    In float32 whatever the features are: sums over 65,536 places do not fit into half precision.
    """
    flat = features.float().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def reduced(pictures: Tensor, level: int) -> Tensor:
    """Return pictures [N, C, H, W] at 1/2^level of their size, each pixel the mean of those it stands for."""
    return functional.avg_pool2d(pictures, 2**level) if level else pictures


def relative_distance(features: Tensor, target: Tensor) -> Tensor:
    """Return mean (features − target)² ÷ mean target²."""
    target = target.detach().float()
    return functional.mse_loss(features.float(), target) / (target.square().mean() + _TINY)


@dataclasses.dataclass(frozen=True, slots=True)
class StyleTarget:
    """A layer's statistics of a painting."""

    standardise: Tensor
    """[C + 1, C + 1]: takes features and a 1 to features with the painting's mean taken out, in its deviations."""
    gram: Tensor
    """[C + 1, C + 1]: the Gram matrix of the painting's features standardised so, and a 1."""

    @classmethod
    def of(cls, moments: Tensor) -> StyleTarget:
        """Return the target of the Gram matrix [C + 1, C + 1] of a painting's features and a 1."""
        mean = moments[:-1, -1]
        deviation = (moments[:-1, :-1].diagonal() - mean.square()).clamp(min=0).sqrt()
        # A channel that hardly ever answers counts as a weak one, not as the loudest of all.
        deviation = deviation.clamp(min=_LEAST_DEVIATION * float(deviation.mean()) + _TINY)
        standardise = torch.diag(torch.cat([1 / deviation, torch.ones_like(deviation[:1])]))
        standardise[:-1, -1] = -mean / deviation
        return cls(standardise, standardise @ moments @ standardise.T)


_LEAST_DEVIATION = 0.1


def style_targets(
    features: PictureFeatures, paintings: Sequence[Tensor], layers: Collection[str]
) -> dict[str, StyleTarget]:
    """Return what `style_distance` compares with in each of `layers`: the mean over `paintings`, each [1, 3, H, W].

    Several sizes or several works of a painter become one target: the sum of squared distances to many targets has
    the same gradient as the distance to their mean.
    """
    with torch.no_grad():
        each = [{name: _moments(found) for name, found in features(one, layers).items()} for one in paintings]
    return {layer: StyleTarget.of(torch.stack([found[layer][0] for found in each]).mean(0)) for layer in layers}


def _moments(features: Tensor) -> Tensor:
    """Return [N, C + 1, C + 1]: the Gram matrix of features and a 1, which so holds their means too."""
    return gram(torch.cat([features, torch.ones_like(features[:, :1])], 1))


def content_distance(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], shares: Mapping[str, float]) -> Tensor:
    """Return the mean over the layers in `shares` of the relative distance between features."""
    each = [share * relative_distance(found[layer], wanted[layer]) for layer, share in shares.items()]
    return torch.stack(each).sum() / sum(shares.values())


def style_distance(
    found: Mapping[str, Tensor],
    targets: Mapping[str, StyleTarget],
    shares: Mapping[str, float],
    *,
    together: float = 0.0,
) -> Tensor:
    """Return the mean over the layers in `shares` of the relative distance between Gram matrices, of features
    standardised by the painting's mean and deviation.

    As they are, features have means several times their deviations: a Gram matrix is mostly the product of means, and
    1 % off is a picture in green where the painting is blue. Standardised, each channel and each pair counts alike.

    `together` (0..1) is the share asked of the batch's mean Gram matrix; the rest is asked of each picture by itself.
    Asked of each alone, a plain wall has to hold all the strokes of a sky full of stars.
    """
    each = [share * _gram_distance(found[layer], targets[layer], together) for layer, share in shares.items()]
    return torch.stack(each).sum() / sum(shares.values())


def _gram_distance(features: Tensor, target: StyleTarget, together: float) -> Tensor:
    own = target.standardise @ _moments(features) @ target.standardise.T
    alone = relative_distance(own, target.gram.expand_as(own))
    return alone if together == 0 else alone.lerp(relative_distance(own.mean(0), target.gram), together)


_PALETTE_PIXELS = 4096
_PALETTE_DIRECTIONS = 8


def palette_distance(painted: Tensor, paintings: Sequence[Tensor], draw: torch.Generator) -> Tensor:
    """Return how far the colours of a batch are from the paintings', in parts of white: sliced Wasserstein distance
    (Bonneel et al., "Sliced and Radon Wasserstein Barycenters of Measures", 2015) between 4,096 pixels of each, looked
    at along 8 random directions. Gram matrices alone leave the hue open: a night in pink and violet satisfied them.

    At half size, so that a stroke's colour counts and not its noise.
    """
    device = painted.device
    directions = functional.normalize(torch.randn(_PALETTE_DIRECTIONS, 3, generator=draw, device=device), dim=1)
    own = _drawn_colours([functional.avg_pool2d(painted.float(), 2)], draw)
    wanted = _drawn_colours(paintings, draw)
    difference = (directions @ own).sort(1).values - (directions @ wanted).sort(1).values
    return difference.abs().mean()


def _drawn_colours(pictures: Sequence[Tensor], draw: torch.Generator) -> Tensor:
    """Return [3, 4096], as many pixels from each of `pictures` [N, 3, H, W], drawn with repetition."""
    share, rest = divmod(_PALETTE_PIXELS, len(pictures))
    drawn = []
    for number, each in enumerate(pictures):
        pixels = each.transpose(0, 1).flatten(1)
        count = share + (number < rest)
        places = torch.randint(pixels.shape[1], (count,), generator=draw, device=pixels.device)
        drawn.append(pixels[:, places])
    return torch.cat(drawn, 1)


_PATCH_PX = 7
_PATCHES = 1024
_PATCH_DIRECTIONS = 48


def patch_distance(
    painted: Tensor, paintings: Sequence[Tensor], levels: int, draw: torch.Generator, *, together: float = 0.0
) -> Tensor:
    """Return how far patches of 7×7 pixels, as a whole, are from the paintings', in parts of white: sliced Wasserstein
    distance between 1,024 patches of each picture and as many of the paintings along 48 random directions, at full
    size, half, a quarter … (`levels` of them); the mean over the levels.

    Matching patches so, without a network's features, follows Elnekave and Weiss, "Generating Natural Images with
    Direct Patch Distributions Matching" (2022). What is asked for at an eighth cannot be given by grain, with which
    Gram matrices of small features are content: they hold a photo with grain for Starry Night.

    `together` (0..1) is the share asked of the batch as a whole, as in `style_distance`.
    """
    sides = [side for picture in (painted, *paintings) for side in picture.shape[2:]]
    levels = max(1, min(levels, int(math.log2(min(sides) / _PATCH_PX)) + 1))  # small pictures end earlier
    total = painted.new_zeros((), dtype=torch.float32)
    painted, smaller = painted.float(), list(paintings)
    for level in range(levels):
        if level:
            painted = functional.avg_pool2d(painted, 2)
            smaller = [functional.avg_pool2d(painting, 2) for painting in smaller]
        directions = torch.randn(3 * _PATCH_PX**2, _PATCH_DIRECTIONS, generator=draw, device=painted.device)
        directions = functional.normalize(directions, dim=0)
        count = -(-len(painted) * _PATCHES // len(smaller))
        own = (_drawn_patches(painted, _PATCHES, draw) - 0.5) @ directions
        wanted = torch.cat([_drawn_patches(one, count, draw)[0] for one in smaller])[: len(painted) * _PATCHES] - 0.5
        wanted = (wanted @ directions).sort(0).values
        step, alone = len(painted), painted.new_zeros(())
        if together < 1:
            # Every so-manieth of the sorted ones stands for all of them.
            alone = (own.sort(1).values - wanted[step // 2 :: step]).abs().mean()
        if together > 0:
            alone = alone.lerp((own.flatten(0, 1).sort(0).values - wanted).abs().mean(), together)
        total = total + alone
    return total / levels


def _drawn_patches(pictures: Tensor, count: int, draw: torch.Generator) -> Tensor:
    """Return [N, count, 147]: patches at random places of each of `pictures` [N, 3, H, W]."""
    number, _, height, width = pictures.shape
    device = pictures.device
    top = torch.randint(height - _PATCH_PX + 1, (number, count, 1, 1), generator=draw, device=device)
    left = torch.randint(width - _PATCH_PX + 1, (number, count, 1, 1), generator=draw, device=device)
    along = torch.arange(_PATCH_PX, device=device)
    picture = torch.arange(number, device=device)[:, None, None, None]
    return pictures.permute(0, 2, 3, 1)[picture, top + along[:, None], left + along].flatten(2)


def roughness(pictures: Tensor) -> Tensor:
    """Return total variation: the mean step between neighbouring pixels, in parts of white."""
    down = (pictures[:, :, 1:] - pictures[:, :, :-1]).abs().mean()
    across = (pictures[:, :, :, 1:] - pictures[:, :, :, :-1]).abs().mean()
    return down + across


def overshoot(pictures: Tensor) -> Tensor:
    """Return how far, on average, values lie outside 0..1, where the exported model clips them."""
    return (functional.relu(pictures - 1) + functional.relu(-pictures)).mean()


def rasterizer(pictures: Tensor) -> Tensor:
    """Return how much the four pixels of a 2×2 cell differ on average over cells: the grid that networks paint which
    give four pixels at once, or enlarge by transposed convolutions. 0 for a picture whose detail favours none of them.
    """
    each = [functional.avg_pool2d(pictures[:, :, row::2, column::2], 4) for row in (0, 1) for column in (0, 1)]
    broad = torch.stack(each)
    return (broad - broad.mean(0)).abs().mean()


def luminance(pictures: Tensor) -> Tensor:
    """Return [N, 1, H, W] by the weights of Rec. 601."""
    weights = torch.tensor(_LUMA, device=pictures.device, dtype=pictures.dtype)
    return torch.einsum("nchw,c->nhw", pictures, weights)[:, None]


def light_change(painted: Tensor, pictures: Tensor) -> Tensor:
    """Return how much light and shade have changed places: luminance compared at an eighth of the size, each picture's
    own brightness and contrast taken out, so that a dark painting may make a picture dark.
    """
    before, after = (functional.avg_pool2d(luminance(p.float()), 8) for p in (pictures, painted))
    return functional.mse_loss(_standardised(after), _standardised(before))


def _standardised(grey: Tensor) -> Tensor:
    deviation = (grey.var((2, 3), keepdim=True) + 1e-4).sqrt()
    return (grey - grey.mean((2, 3), keepdim=True)) / deviation


def skin_cooling(painted: Tensor, pictures: Tensor) -> Tensor:
    """Return how far skin has lost its warmth, what red has more than blue: 0 while it keeps half. RGB 0..1, at an
    eighth of the size, so that strokes may be of any colour. 0 where no skin is seen.
    """
    small, after = (functional.avg_pool2d(p.float(), 8) for p in (pictures, painted))
    skin = _skin(small)
    wanted, found = (each[:, 0] - each[:, 2] for each in (small, after))
    return (functional.relu(_KEPT_WARMTH * wanted - found) * skin).sum() / (skin.sum() + 1)


def _skin(pictures: Tensor) -> Tensor:
    """Return 1 where colours are those of skin, of anybody's (Chai and Ngan, "Face segmentation using skin-color map",
    1999: Cb from 77 to 127, Cr from 133 to 173), else 0: [N, H, W].
    """
    red, green, blue = pictures.unbind(1)
    cb = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    cr = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    return ((cb >= 77) & (cb <= 127) & (cr >= 133) & (cr <= 173)).to(pictures.dtype)


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


_MOST_PLACES = 1024
"""Places compared with one another: all 32×32 of a deep layer; of larger ones as many drawn by chance."""


def self_similarity_distance(features: Tensor, target: Tensor, draw: torch.Generator) -> Tensor:
    """Return how much the likeness between places has changed (Kolkin et al., STROTSS, 2019): cosine distances between
    all pairs of places of a picture, each row summing to 1, compared with those of `target`, in parts of a mean one.
    """
    places = _drawn_places(features, draw)
    own, wanted = (_cosine_distances(_at(f, places), _at(f, places)) for f in (features, target.detach()))
    own, wanted = (distances / (distances.sum(1, keepdim=True) + _TINY) for distances in (own, wanted))
    return (own - wanted).abs().mean() * own.shape[1]


def earth_movers_distance(features: Tensor, target: Tensor, draw: torch.Generator) -> Tensor:
    """Return the relaxed earth mover's distance (STROTSS) between the features of all places, 0..2: every one has its
    nearest in `target` [1, C, H, W], every one there its nearest here, and the worse of both means counts.
    """
    own = _at(features, _drawn_places(features, draw))
    painting = target.detach()
    theirs = _at(painting, _drawn_places(painting, draw)).expand(len(own), -1, -1)
    distances = _cosine_distances(own, theirs)
    return torch.maximum(distances.amin(2).mean(1), distances.amin(1).mean(1)).mean()


def _drawn_places(features: Tensor, draw: torch.Generator) -> Tensor:
    count = features.shape[2] * features.shape[3]
    if count <= _MOST_PLACES:
        return torch.arange(count, device=features.device)
    return torch.randperm(count, generator=draw, device=features.device)[:_MOST_PLACES]


def _at(features: Tensor, places: Tensor) -> Tensor:
    """Return [N, C, places], float32, each of length 1."""
    return functional.normalize(features.float().flatten(2)[:, :, places], dim=1, eps=1e-6)


def _cosine_distances(one: Tensor, other: Tensor) -> Tensor:
    """Return [N, places of one, places of other], 0..2."""
    return 1 - one.transpose(1, 2) @ other
