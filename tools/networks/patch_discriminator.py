"""Judges that look at patches: a map of verdicts, each from its own small part of the picture.

What is judged is texture, whatever the picture shows; and a picture of any size can be judged (Isola et al., 2017).
"""

from __future__ import annotations

from torch import Tensor, nn

LEAST_SIDE_PX = 24
"""Of what a `PatchDiscriminator` is shown."""


class PatchDiscriminator(nn.Module):
    """RGB float [N, 3, H, W] in -1..1 to verdicts [N, 1, H/8 − 2, W/8 − 2], each from 70×70 pixels.

    The discriminator of pix2pix and CycleGAN: `width` is 64 in the original. Sides of `LEAST_SIDE_PX` and more.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(3, width, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            *_strided(width, 2 * width, 2),
            *_strided(2 * width, 4 * width, 2),
            *_strided(4 * width, 8 * width, 1),
            nn.Conv2d(8 * width, 1, 4, padding=1),
        )

    def forward(self, rgb: Tensor) -> Tensor:
        verdicts: Tensor = self.model(rgb)
        return verdicts


class StrokeDiscriminator(nn.Module):
    """RGB float [N, 3, H, W] in 0..1 to verdicts [N, 1, H, W], each from 7×7 pixels: a brush's touch.

    The judge of LapStyle's revisions, which are about local texture and nothing else. No norm: batches are small.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(3, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 1, 3, padding=1),
        )

    def forward(self, rgb: Tensor) -> Tensor:
        verdicts: Tensor = self.model(rgb)
        return verdicts


def _strided(channels: int, out: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, 4, stride=stride, padding=1), nn.InstanceNorm2d(out), nn.LeakyReLU(0.2)]
