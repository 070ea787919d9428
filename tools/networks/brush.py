"""Brush: the fast style network that ships. Frames in, painted frames out, at camera rate on two CPU cores."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _Block(nn.Module):
    """Inverted residual: widen, look around in each channel, narrow. Costs a sixth of a full 3×3 convolution."""

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.widen = nn.Conv2d(channels, wide, 1)
        self.look = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.narrow = nn.Conv2d(wide, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        wide = F.relu(self.look(F.relu(self.widen(features))))
        return features + self.narrow(wide)


class Brush(nn.Module):
    """A U of three levels (1/2, 1/4, 1/8 of the frame's side) without any normalisation, so that what it paints at
    one place never depends on the rest of the frame: no pumping when somebody walks in, no flicker.

    Takes RGB float [N, 3, H, W] in 0..1, H and W multiples of 8, and returns the same shape, 0..1 but for small
    overshoots that the exported graph clips.
    """

    MULTIPLE = 8

    def __init__(self, fine: int = 16, middle: int = 32, coarse: int = 64, blocks: int = 6, expansion: int = 2) -> None:
        super().__init__()
        # 4×4 with stride 2: every pixel is seen by four positions, so that no pixel of the raster is favoured. As one
        # convolution over interleaved BGR rows it also does the layout's work (see `interleaved`).
        self.stem = nn.Conv2d(3, fine, 4, stride=2, padding=1)
        self.down_middle = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.down_coarse = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(_Block(coarse, expansion) for _ in range(blocks)))
        self.up_coarse = nn.Conv2d(coarse, middle, 1)
        self.mix_middle = nn.Conv2d(middle, middle, 3, padding=1)
        self.up_middle = nn.Conv2d(middle, fine, 1)
        self.mix_fine = nn.Conv2d(fine, fine, 3, padding=1)
        self.head = nn.Conv2d(fine, 12, 3, padding=1)

    def forward(self, rgb: Tensor) -> Tensor:
        return F.pixel_shuffle(self.paint(F.relu(self.stem(rgb - 0.5))), 2)

    def paint(self, fine: Tensor) -> Tensor:
        """From the stem's features [N, fine, H/2, W/2] to the four pixels of each place [N, 12, H/2, W/2]."""
        middle = F.relu(self.down_middle(fine))
        coarse = self.blocks(F.relu(self.down_coarse(middle)))
        middle = F.relu(self.mix_middle(_twice(self.up_coarse(coarse)) + middle))
        fine = F.relu(self.mix_fine(_twice(self.up_middle(middle)) + fine))
        return self.head(fine)


def _twice(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="nearest")
