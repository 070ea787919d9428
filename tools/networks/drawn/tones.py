"""What the drawn styles know of a picture: its light and shade, its outlines, its flat parts, its directions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_LUMA = (0.299, 0.587, 0.114)
"""Rec. 601."""
_REACH = 2.5
"""Deviations of a Gaussian that are summed."""
_FAINT = 1e-6
"""Square of a direction's strength at which it is none: with less, where directions cancel each other, the last bits of
a processor decided which way a stroke lay.
"""


def colour(red: float, green: float, blue: float) -> nn.Parameter:
    """Return a colour [1, 3, 1, 1] that a checkpoint holds; RGB 0..1."""
    return nn.Parameter(torch.tensor([red, green, blue])[None, :, None, None], requires_grad=False)


class Seen(nn.Module):
    """RGB [1, 3, H, W] to the cells of its lightness [1, 4, H/2, W/2], to the picture at half size [1, 3, H/2, W/2] and
    to that one's lightness [1, 1, H/2, W/2]: one convolution where there were a dozen products, sums and slices.
    """

    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        weight = torch.zeros(8, 3, 2, 2)
        for place in range(4):
            weight[place, :, place // 2, place % 2] = torch.tensor(_LUMA)
        for channel in range(3):
            weight[4 + channel, channel] = 0.25
        weight[7] = weight[:4].mean(0)
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = functional.conv2d(rgb, self.weight, stride=2)
        lightness, half, grey = torch.split(seen, [4, 3, 1], 1)
        return lightness, half, grey


def luminance(rgb: Tensor) -> Tensor:
    """Return [1, 1, H, W] of RGB [1, 3, H, W]."""
    return functional.conv2d(rgb, torch.tensor(_LUMA).view(1, 3, 1, 1))


def skin(rgb: Tensor) -> Tensor:
    """Return [1, 1, H, W], 1 where colours are as red as skin is, anybody's, and walls and wood mostly are not: Cr from
    133 on (Chai and Ngan, "Face segmentation using skin-color map", 1999).
    """
    red, green, blue = torch.split(rgb, 1, 1)
    return ((0.5 * red - 0.419 * green - 0.081 * blue - 0.01) / 0.03).clamp(0, 1)


class Enlarged(nn.Module):
    """Planes [1, C, h, w] to cells of the same places [1, 4 C, h, w]: enlarged twice, bilinearly, by a convolution."""

    weight: Tensor

    def __init__(self, channels: int = 1, *, difference: bool = False) -> None:
        """`difference`: how far each pixel lies above the one up and to the left of it, not the pixels themselves."""
        super().__init__()
        weight = torch.zeros(4 * channels, channels, 3, 3)
        for channel in range(channels):
            weight[4 * channel : 4 * channel + 4, channel] = _bilinear_taps(difference)
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, planes: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(planes, (1, 1, 1, 1), mode="replicate"), self.weight)


def _bilinear_taps(difference: bool) -> Tensor:
    """Return [4, 3, 3]: what each of a cell's pixels takes of the nine places around it."""
    answers = functional.interpolate(torch.eye(25).view(25, 1, 5, 5), scale_factor=2.0, mode="bilinear")
    if difference:
        answers = answers - answers.roll((1, 1), (2, 3))
    middle = answers[:, 0, 4:6, 4:6].reshape(5, 5, 4)  # what each place of 5×5 gives to the middle cell
    return middle[1:4, 1:4].permute(2, 0, 1)


def in_colours(black: Tensor, ink: Tensor, paper: Tensor) -> Tensor:
    """Return cells of one plane [1, 4, h, w], 0 ink to 1 paper, as cells of the three colours between them."""
    weight = torch.kron((paper - ink).view(3, 1), torch.eye(4))
    return functional.conv2d(black, weight[:, :, None, None], ink.view(3).repeat_interleave(4))


def large(small: Tensor, like: Tensor) -> Tensor:
    """Return planes enlarged to the size of others, bilinearly."""
    return functional.interpolate(small, size=like.shape[2:], mode="bilinear", align_corners=False)


class Ramps(nn.Module):
    """Colours along a line: cells of a place on it [1, 4, h, w], 0 the first to K − 1 the last, to cells of the colour
    there [1, 12, h, w], between two colours what lies between them; of several lines at once.
    """

    def __init__(self, *ramps: Sequence[tuple[float, float, float]]) -> None:
        """Each of `ramps` has K colours, RGB 0..1."""
        super().__init__()
        self.colours = nn.Parameter(torch.tensor(ramps), requires_grad=False)

    def forward(self, place: Tensor) -> tuple[Tensor, ...]:
        # From each colour to the next as far as the place lies between them: one convolution of 1×1.
        count = self.colours.shape[1]
        passed = torch.cat([(place - number).clamp(0, 1) for number in range(count - 1)], 1)
        steps = (self.colours[:, 1:] - self.colours[:, :-1]).permute(0, 2, 1).reshape(-1, count - 1)
        weight = torch.kron(steps, torch.eye(4))
        first = self.colours[:, 0].reshape(-1).repeat_interleave(4)
        return torch.split(functional.conv2d(passed, weight[:, :, None, None], first), 12, 1)


class Blur(nn.Module):
    """A Gaussian over planes [1, C, H, W], each by itself."""

    kernel: Tensor

    def __init__(self, deviation_px: float, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("kernel", gaussian(deviation_px), persistent=False)

    def forward(self, planes: Tensor) -> Tensor:
        reach, count = len(self.kernel) // 2, self.channels
        padded = functional.pad(planes, (reach,) * 4, mode="replicate")
        across = functional.conv2d(padded, self.kernel.view(1, 1, 1, -1).repeat(count, 1, 1, 1), groups=count)
        return functional.conv2d(across, self.kernel.view(1, 1, -1, 1).repeat(count, 1, 1, 1), groups=count)


class OnCells(nn.Module):
    """A convolution of one plane, computed on its cells: [1, 4, h, w] to the same."""

    weight: Tensor

    def __init__(self, kernel: Tensor) -> None:
        """`kernel`: [k, k], k odd, 9 at most."""
        super().__init__()
        side = len(kernel)
        reach = side // 2
        weight = torch.zeros(4, 4, 5, 5)
        for down in range(2):
            for across in range(2):
                for row in range(side):
                    for column in range(side):
                        y, x = down + row - reach, across + column - reach
                        weight[2 * down + across, 2 * (y % 2) + x % 2, 2 + y // 2, 2 + x // 2] += kernel[row, column]
        self.register_buffer("weight", weight, persistent=False)

    def forward(self, of_cells: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(of_cells, (2, 2, 2, 2), mode="replicate"), self.weight)


class Outlines(nn.Module):
    """Cells of lightness [1, 4, h, w] to the tone of lines, 1 without and 0 in the darkest: the difference of two
    Gaussians with a soft threshold (Winnemöller, Kyprianidis and Olsen, "XDoG", 2012).
    """

    def __init__(self, width_px: float, darkness: float, steepness: float) -> None:
        """`darkness`: share of the surroundings that is taken off; the nearer to 1, the fainter an edge with a line."""
        super().__init__()
        near, far = (gaussian(deviation, reach_px=4) for deviation in (width_px, 1.6 * width_px))
        self.difference = OnCells(steepness * (near[:, None] * near - darkness * far[:, None] * far))

    def forward(self, lightness: Tensor) -> Tensor:
        difference: Tensor = self.difference(lightness)
        return 1 + difference.clamp(max=0).tanh()


class Tone(nn.Module):
    """Lightness at half size [1, 1, h, w] to tone, 0..1: whatever the light was, darks are dark and paper shows."""

    def __init__(self, middle: float, contrast: float, kept: float) -> None:
        """`middle`: what the mean of the surroundings becomes; `contrast`: what a deviation of them; `kept`: of how
        light they are.
        """
        super().__init__()
        self.middle, self.contrast, self.kept = middle, contrast, kept
        self.blur = Blur(6.0, 1)

    def forward(self, lightness: Tensor) -> Tensor:
        small = functional.avg_pool2d(lightness, 4)
        around = self.blur(small)
        spread = (self.blur((small - around).square()) + 0.01).sqrt()
        both = large(torch.cat([self.contrast / spread, around], 1), lightness)
        gain, light = torch.split(both, 1, 1)
        return (self.middle + (lightness - light) * gain + (light - 0.45) * self.kept).clamp(0, 1)


class Flattened(nn.Module):
    """RGB [1, 3, h, w] to flat patches with the edges it had: around each pixel lie eight windows, and the calmer one
    is the more it counts (Kuwahara et al., 1976; soft, as Papari, Petkov and Campisi, "Artistic edge and corner
    enhancing smoothing", 2007). A window is the picture blurred once and moved, and so is what it counts.
    """

    def __init__(self, deviation_px: float) -> None:
        super().__init__()
        self.blur = Blur(deviation_px, 5)
        reach, slant = round(1.6 * deviation_px), round(1.6 * deviation_px * math.sqrt(0.5))
        self.reach = reach
        self.offsets = [(reach, 0), (-reach, 0), (0, reach), (0, -reach)]
        self.offsets += [(down * slant, across * slant) for down in (1, -1) for across in (1, -1)]

    def forward(self, rgb: Tensor, lightness: Tensor) -> Tensor:
        """`lightness`: [1, 1, h, w] of the same picture."""
        blurred, mean, square = torch.split(self.blur(torch.cat([rgb, lightness, lightness.square()], 1)), [3, 1, 1], 1)
        variance = (square - mean.square()).clamp(min=1e-4)
        weight = 1e-12 / (variance * variance * variance)
        height, width = rgb.shape[2:]
        reach = self.reach
        around = functional.pad(torch.cat([blurred * weight, weight], 1), (reach,) * 4, mode="replicate")
        total = torch.zeros_like(around[:, :, :height, :width])
        for down, across in self.offsets:
            top, left = reach + down, reach + across
            total = total + around[:, :, top : top + height, left : left + width]
        made, counted = torch.split(total, [3, 1], 1)
        return made / counted


class Directions(nn.Module):
    """Lightness [1, 1, h, w] to the cosine and sine of twice the angle of its strokes, along its edges: the smoothed
    structure tensor (Brox et al., "Adaptive structure tensors and their applications", 2006).
    """

    kernel: Tensor

    def __init__(self, blur_px: float) -> None:
        super().__init__()
        sobel = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
        self.register_buffer("kernel", torch.stack([sobel, sobel.T])[:, None], persistent=False)
        self.blur = Blur(blur_px, 2)

    def forward(self, lightness: Tensor, plain: Tensor) -> Tensor:
        """`plain`: [1, 2, h, w] or what spreads to it, what directions are where there is no edge, and how strongly."""
        padded = functional.pad(lightness, (1, 1, 1, 1), mode="replicate")
        right, down = torch.split(functional.conv2d(padded, self.kernel), 1, 1)
        along: Tensor = plain - self.blur(torch.cat([right * right - down * down, 2 * right * down], 1))
        return along / (along.square().sum(1, keepdim=True) + _FAINT).sqrt()


def gaussian(deviation_px: float, reach_px: int | None = None) -> Tensor:
    """Return a line of a Gaussian, of sum 1."""
    reach = max(1, math.ceil(_REACH * deviation_px)) if reach_px is None else reach_px
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1.0) / deviation_px).square())
    return line / line.sum()


def steps(tone: Tensor, at: Sequence[float], soft: float) -> Tensor:
    """Return how many of the tones `at` lie below, the change to the next `soft` wide."""
    passed = torch.zeros_like(tone)
    for one in at:
        passed = passed + ((tone - one) / soft + 0.5).clamp(0, 1)
    return passed
