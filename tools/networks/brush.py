"""Brush: the fast style network that ships. Frames in, painted frames out, at camera rate on two CPU cores."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval


class _Normalised(nn.Sequential):
    """A convolution and a batch norm, which is one convolution once it has been folded."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.BatchNorm2d(convolution.out_channels)

    def folded(self) -> nn.Conv2d:
        return fuse_conv_bn_eval(self.convolution.eval(), self.norm.eval())


class _Block(nn.Module):
    """Two full 3×3 convolutions around which the features go on as they are."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first: nn.Module = nn.Conv2d(channels, channels, 3, padding=1)
        self.second: nn.Module = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.second(functional.relu(self.first(features)))
        return features + changed


class _DeepBlock(nn.Module):
    """Two 3×3 convolutions with instance norms around which the features go on as they are.

    The norms cost little where a picture is smallest, and take out each picture's own contrast once more. Padded by
    repetition: the margin is two places wide here, and what eight convolutions made of zeros stood as a line beside
    the rim of the picture.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate", bias=False)
        self.first_norm = nn.InstanceNorm2d(channels, affine=True)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="replicate", bias=False)
        self.second_norm = nn.InstanceNorm2d(channels, affine=True)
        nn.init.constant_(self.second_norm.weight, 0.3)

    def forward(self, features: Tensor) -> Tensor:
        changed = functional.relu(self.first_norm(self.first(features)))
        repainted: Tensor = self.second_norm(self.second(changed))
        return features + repainted


class Brush(nn.Module):
    """A picture taken down to a quarter of its side, repainted there on a canvas, and brought up again.

    Takes RGB float [N, 3, H, W] in 0..1, H and W multiples of 8, and returns the same shape, 0..1 but for small
    overshoots that the exported graph clips.

    What decided its form (Starry Night, 500 to 700 steps each, looked at side by side; Gram distance in parts of what
    it begins with):

    - A canvas: fixed grain, added at the quarter. A plain wall gives convolutions nothing to tell one place from the
      next, so all they can do there is one flat colour, or a pattern as regular as their strides. Grain becomes dabs of
      paint. It is fixed because paint must not crawl; while training it is drawn anew for every step.
    - Nothing of the picture goes around the quarter: with a bridge at half size it put the painting's colours on the
      photo and speckle where strokes should be.
    - Full convolutions: six inverted residuals at an eighth, at the same price, drew stripes along the rows.
    - With `deep`, an eighth of the size inside the quarter: what is painted there reaches twice as far at a quarter of
      the price, so that tiles and swirls of 60 pixels and more hold together. It has a canvas of its own.
    - One instance norm at a quarter takes out each picture's own contrast: 0.054. A norm over the
      batch in its place leaves 0.125, instance norms behind every convolution reach 0.042 and cost a fifth more time.

    With `normalised` a batch norm stands behind every other convolution on which nothing is added: so it is trained,
    and `folded` is what ships.
    """

    MULTIPLE = 8
    MARGIN = 16
    """Pixels by which a picture is continued on every side, and which are cut off again: convolutions pad with zeros,
    and what they make of those at the edge is a dark line. With 8 pixels a trace of it remained."""
    SPARE = 3
    """Places of the quarter by which it is cut again before the way up, where a place costs most: what is left of the
    margin is what the last two convolutions look at. With all of it, 512² took 4 % longer."""

    CANVAS_PX = 128
    """Side of the canvas; at the quarter it repeats after four times as many pixels of the picture."""
    CANVAS_STRENGTH = 0.25
    """Training goes through all strengths from 0 to 1. At 1 a face is as dappled as a wall and hard to read, at 0 walls
    are flat; a quarter leaves eyes and mouth alone and still shows on a wall that it is painted."""

    def __init__(
        self,
        fine: int = 16,
        middle: int = 32,
        blocks: int = 3,
        deep: int = 0,
        deep_blocks: int = 0,
        *,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        # 4×4 with stride 2: every pixel is seen by four positions, so that no pixel of the raster is favoured. As one
        # convolution over interleaved BGR rows it also does the layout's work (see `brush_layout`).
        self.stem: nn.Module = nn.Conv2d(3, fine, 4, stride=2)
        self.down_middle = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.contrast = nn.InstanceNorm2d(middle, affine=True)
        self.canvas: Tensor
        side = self.CANVAS_PX
        grain = torch.randn(1, 1, side, side, generator=torch.Generator().manual_seed(1))
        self.register_buffer("canvas", grain * self.CANVAS_STRENGTH)
        self.grain = nn.Conv2d(1, middle, 1, bias=False)
        self.blocks = nn.Sequential(*(_Block(middle) for _ in range(blocks)))
        self.deep = deep
        if deep:
            self.down_deep = nn.Conv2d(middle, deep, 4, 2, padding=1, padding_mode="replicate", bias=False)
            self.deep_norm = nn.InstanceNorm2d(deep, affine=True)
            self.deep_grain = nn.Conv2d(1, deep, 1, bias=False)
            self.deep_blocks = nn.Sequential(*(_DeepBlock(deep) for _ in range(deep_blocks)))
            self.up_deep = nn.Conv2d(deep, middle, 1)
        self.up_middle = nn.Conv2d(middle, fine, 1)
        self.inner: nn.Module = nn.ZeroPad2d(-self.SPARE)
        self.mix_fine: nn.Module = nn.Conv2d(fine, fine, 3)
        self.head = nn.Conv2d(fine, 12, 3)
        if normalised:
            self._normalise()

    def forward(self, rgb: Tensor) -> Tensor:
        around = self.MARGIN + 1  # one for the stem, which pads nothing: grey, its 0.5, is then part of its bias
        continued = functional.pad(rgb - 0.5, (around, around, around, around), mode="replicate")
        return functional.pixel_shuffle(self.paint(functional.relu(self.stem(continued))), 2)

    def paint(self, fine: Tensor) -> Tensor:
        """From the stem's features of the picture and its margin [N, fine, (H + 2 MARGIN)/2, (W + 2 MARGIN)/2] to the
        four pixels of each place of the picture [N, 12, H/2, W/2].
        """
        middle = self.contrast(self.down_middle(fine))
        middle = functional.relu(middle + self.grain(self._canvas(middle)))
        if self.deep:
            deep = self.deep_norm(self.down_deep(middle))
            deep = functional.relu(deep + self.deep_grain(self._canvas(deep)))
            # To the size there was, and not by 2: only so does the exporter know that both are of one size.
            large = functional.interpolate(self.up_deep(self.deep_blocks(deep)), size=middle.shape[2:], mode="nearest")
            middle = middle + large
        middle = self.blocks(middle)
        fine = functional.relu(self.mix_fine(_twice(self.inner(self.up_middle(middle)))))
        painted: Tensor = self.head(fine)
        return painted

    def _canvas(self, features: Tensor) -> Tensor:
        """Return [1, 1, H, W] for features [N, C, H, W]."""
        height, width = features.shape[2:]
        if self.training:
            drawn = torch.randn(1, 1, height, width, device=features.device, dtype=features.dtype)
            return drawn * torch.rand((), device=features.device, dtype=features.dtype)
        down, across = height // self.CANVAS_PX + 1, width // self.CANVAS_PX + 1
        return self.canvas.repeat(1, 1, down, across)[:, :, :height, :width]

    def folded(self) -> Brush:
        """Return the same network in evaluation mode, its batch norms folded into its convolutions."""
        plain = copy.deepcopy(self)
        for owner, name, child in _children(plain):
            if isinstance(child, _Normalised):
                setattr(owner, name, child.folded())
        return plain.eval()

    def _normalise(self) -> None:
        untouched = [self.down_middle, self.grain, self.up_middle, self.head]
        if self.deep:
            untouched += [self.down_deep, self.deep_grain, self.up_deep]
        for owner, name, child in _children(self):
            if isinstance(child, nn.Conv2d) and child not in untouched:
                setattr(owner, name, _Normalised(child))
        for block in self.blocks:
            # Each block begins as a small change to what comes in: the sum does not grow.
            assert isinstance(block, _Block)
            assert isinstance(block.second, _Normalised)
            nn.init.constant_(block.second.norm.weight, 0.3)


def _children(network: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Return every module but those inside a `_Normalised`, with its owner and its name there."""
    owners = [module for module in network.modules() if not isinstance(module, (_Normalised, _DeepBlock))]
    return [(owner, name, child) for owner in owners for name, child in owner.named_children()]


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
