"""The network that sees what stands before a face (`realtime.face_compositing.occlusion.network`)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from realtime.face_compositing.occlusion.network import CHANNELS


class InFront(nn.Module):
    """A U-Net of 0.11 million weights: (N, CHANNELS, 64, 64) to (N, 1, 64, 64), the logit of "something is in front".

    Half of its work would be done at 64×64 by a usual one; here all of it is at 32×32 and below.
    """

    def __init__(self, widths: tuple[int, int, int] = (24, 32, 48)) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.down = nn.ModuleList(
            [
                nn.Sequential(_conv(CHANNELS, fine, kernel=4, stride=2), _conv(fine, fine)),
                nn.Sequential(_conv(fine, middle, stride=2), _conv(middle, middle)),
                nn.Sequential(_conv(middle, coarse, stride=2), _conv(coarse, coarse), _conv(coarse, coarse)),
            ]
        )
        self.lift = nn.ModuleList(
            [nn.ConvTranspose2d(coarse, middle, 2, stride=2), nn.ConvTranspose2d(middle, fine, 2, stride=2)]
        )
        self.join = nn.ModuleList([_conv(2 * middle, middle), _conv(2 * fine, fine)])
        self.last = nn.ConvTranspose2d(fine, 1, 4, stride=2, padding=1)

    def forward(self, told: Tensor) -> Tensor:
        fine = self.down[0](told)
        middle = self.down[1](fine)
        coarse = self.down[2](middle)
        middle = self.join[0](torch.cat([self.lift[0](coarse), middle], dim=1))
        fine = self.join[1](torch.cat([self.lift[1](middle), fine], dim=1))
        logits: Tensor = self.last(fine)
        return logits


def _conv(channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, stride, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True)
    )
