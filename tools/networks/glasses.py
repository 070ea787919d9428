"""The network that sees glasses (`realtime.face_compositing.occlusion.glasses`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from realtime.face_compositing.occlusion.glasses import CHANNELS


class SeesGlasses(nn.Module):
    """A U-Net of 0.08 million weights: (N, CHANNELS, 56, 160) to (N, 1, 56, 160), the logit of "glasses".

    Most of its work is done at half the size, and its coarse part sees the whole band: a rim is told from a crease by
    the other rim.
    """

    def __init__(self, widths: tuple[int, int, int] = (16, 24, 40)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.first = nn.Sequential(_conv(CHANNELS, fine, kernel=4, stride=2), _conv(fine, fine))
        self.second = nn.Sequential(_conv(fine, middle, stride=2), _conv(middle, middle))
        self.third = nn.Sequential(
            _conv(middle, coarse, stride=2), _conv(coarse, coarse, dilation=2), _conv(coarse, coarse, dilation=4)
        )
        self.lift = nn.ModuleList(
            [nn.ConvTranspose2d(coarse, middle, 2, stride=2), nn.ConvTranspose2d(middle, fine, 2, stride=2)]
        )
        self.join = nn.ModuleList([_conv(2 * middle, middle), _conv(2 * fine, fine)])
        self.last = nn.ConvTranspose2d(fine, 1, 4, stride=2, padding=1)

    def forward(self, told: Tensor) -> Tensor:
        fine = self.first(told)
        middle = self.second(fine)
        coarse = self.third(middle)
        middle = self.join[0](torch.cat([self.lift[0](coarse), middle], dim=1))
        fine = self.join[1](torch.cat([self.lift[1](middle), fine], dim=1))
        logits: Tensor = self.last(fine)
        return logits


def _conv(channels: int, out: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding=dilation, dilation=dilation, bias=False),
        nn.BatchNorm2d(out),
        nn.ReLU(inplace=True),
    )
