"""What a family of networks that animate a picture by a film has to do here, and parts that such families share.

A motion is one row of numbers, which only its own network understands: keypoints of a face and what goes with them.
"""

from __future__ import annotations

import abc

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST_DETERMINANT = 1e-6
"""Of a matrix that must be inverted: what is nearer to 0 is taken for this, so that no picture becomes NaN."""


class MotionNetwork(nn.Module, abc.ABC):
    """Looks at faces and draws one as another moves. Pictures are RGB float [1, 3, S, S] in 0..1."""

    side_px: int
    """S of the faces it looks at."""
    drawn_px: int
    """Side of those it draws."""
    motion_count: int
    """How many numbers a motion has."""
    feature_count: int
    """How many a source picture's features have."""

    @abc.abstractmethod
    def features(self, face: Tensor) -> Tensor:
        """Return all that drawing needs of the source picture, [1, feature_count]: found once."""

    @abc.abstractmethod
    def motion(self, face: Tensor) -> Tensor:
        """Return how the face in a picture is held, [1, motion_count]."""

    @abc.abstractmethod
    def draw(self, features: Tensor, source: Tensor, rest: Tensor, driving: Tensor) -> tuple[Tensor, Tensor]:
        """Return the source moved as `driving` differs from `rest`, and the share of each pixel that is new, [1, 1, T,
        T] in 0..1: moved, or not seen in the source.

        `source`, `rest` and `driving` are motions: that of the source picture, of the driving face when it is held as
        the source's is, and of the driving face now.
        """

    def forward(
        self, face: Tensor, features: Tensor, source: Tensor, rest: Tensor, driving: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Do all three."""
        return self.motion(face), self.features(face), *self.draw(features, source, rest, driving)


class DownBlock(nn.Module):
    """A convolution and half the size."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        return functional.avg_pool2d(functional.relu(self.norm(self.conv(features))), 2)


class UpBlock(nn.Module):
    """Twice the size and a convolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, 3, padding=1)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        large = functional.interpolate(features, scale_factor=2.0)
        return functional.relu(self.norm(self.conv(large)))


class SameBlock(nn.Module):
    """A convolution, the size kept."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2)
        self.norm = nn.BatchNorm2d(out)

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(features)))


class ResBlock(nn.Module):
    """Two convolutions, normalised before each, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm1 = nn.BatchNorm2d(channels)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        out = self.conv1(functional.relu(self.norm1(features)))
        added: Tensor = self.conv2(functional.relu(self.norm2(out))) + features
        return added


def places(height: int, width: int) -> Tensor:
    """Return x and y of each pixel's middle as these networks count them, [height, width, 2]: -1 the first, 1 the last
    (which `grid_sample` reads as if they were the picture's edges: so they were trained).
    """
    x, y = torch.linspace(-1, 1, width), torch.linspace(-1, 1, height)
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=2)


def inverse_2x2(matrices: Tensor) -> Tensor:
    """Return the inverses of [..., 2, 2], written out: ONNX has no inverse."""
    a, b, c, d = matrices[..., 0, 0], matrices[..., 0, 1], matrices[..., 1, 0], matrices[..., 1, 1]
    determinant = a * d - b * c
    away = torch.where(determinant < 0, -LEAST_DETERMINANT, LEAST_DETERMINANT)
    determinant = torch.where(determinant.abs() < LEAST_DETERMINANT, away, determinant)
    rows = torch.stack([d, -b, -c, a], dim=-1) / determinant[..., None]
    return rows.reshape(matrices.shape)


def hull_area(points: Tensor) -> Tensor:
    """Return the area of the convex hull of points [K, 2], a scalar.

    By all pairs, K³ small steps without a loop, so that a graph can hold it: from i to j runs an edge, once around
    against the clock, where no point lies to its right, and of those on its line none beyond its ends.
    """
    to = points[None, :] - points[:, None]  # [i, j, 2]
    edge, other = to[:, :, None, :], to[:, None, :, :]  # from i to j; from i to k
    side = edge[..., 0] * other[..., 1] - edge[..., 1] * other[..., 0]
    between = (other * (points[None, None, :] - points[None, :, None])).sum(-1) <= 0
    is_edge = ((side > 0) | ((side == 0) & between)).all(dim=2)
    across = points[:, None, 0] * points[None, :, 1] - points[:, None, 1] * points[None, :, 0]
    return torch.where(is_edge, across, 0.0).sum() / 2
