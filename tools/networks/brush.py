"""Brush: the fast style network that ships. Frames in, painted frames out, at camera rate on two CPU cores."""

from __future__ import annotations

import copy

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
    """Inverted residual: widen, look around in each channel, narrow. Costs a sixth of a full 3×3 convolution."""

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.widen: nn.Module = nn.Conv2d(channels, wide, 1)
        self.look: nn.Module = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
        self.narrow: nn.Module = nn.Conv2d(wide, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        wide = functional.relu(self.look(functional.relu(self.widen(features))))
        narrow: Tensor = self.narrow(wide)
        return features + narrow


class Brush(nn.Module):
    """A U of three levels (1/2, 1/4, 1/8 of the frame's side) that ships without any normalisation, so that what it
    paints at one place never depends on the rest of the frame: no pumping when somebody walks in, no flicker.

    Takes RGB float [N, 3, H, W] in 0..1, H and W multiples of 8, and returns the same shape, 0..1 but for small
    overshoots that the exported graph clips.

    With `normalised` a batch norm stands behind every convolution on which nothing is added: so it is trained (after
    500 steps its style loss was 0.30 of what it began with, without norms 0.47), and `folded` is what ships.
    """

    MULTIPLE = 8
    MARGIN = 16
    """Pixels by which a picture is continued on every side, and which are cut off again: convolutions pad with zeros,
    and what they make of those at the edge is a dark line. Costs 13 % at 512²; with 8 pixels a trace of it remained."""

    def __init__(
        self,
        fine: int = 16,
        middle: int = 32,
        coarse: int = 64,
        blocks: int = 6,
        expansion: int = 2,
        *,
        normalised: bool = False,
    ) -> None:
        super().__init__()
        # 4×4 with stride 2: every pixel is seen by four positions, so that no pixel of the raster is favoured. As one
        # convolution over interleaved BGR rows it also does the layout's work (see `brush_layout`).
        self.stem: nn.Module = nn.Conv2d(3, fine, 4, stride=2, padding=1)
        self.down_middle: nn.Module = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.down_coarse: nn.Module = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.blocks = nn.Sequential(*(_Block(coarse, expansion) for _ in range(blocks)))
        self.up_coarse = nn.Conv2d(coarse, middle, 1)
        self.mix_middle: nn.Module = nn.Conv2d(middle, middle, 3, padding=1)
        self.up_middle = nn.Conv2d(middle, fine, 1)
        self.mix_fine: nn.Module = nn.Conv2d(fine, fine, 3, padding=1)
        self.head = nn.Conv2d(fine, 12, 3, padding=1)
        if normalised:
            self._normalise()

    def forward(self, rgb: Tensor) -> Tensor:
        margin = self.MARGIN
        continued = functional.pad(rgb - 0.5, (margin, margin, margin, margin), mode="replicate")
        painted = functional.pixel_shuffle(self.paint(functional.relu(self.stem(continued))), 2)
        return painted[:, :, margin:-margin, margin:-margin]

    def paint(self, fine: Tensor) -> Tensor:
        """From the stem's features [N, fine, H/2, W/2] to the four pixels of each place [N, 12, H/2, W/2]."""
        middle = functional.relu(self.down_middle(fine))
        coarse = self.blocks(functional.relu(self.down_coarse(middle)))
        middle = functional.relu(self.mix_middle(_twice(self.up_coarse(coarse)) + middle))
        fine = functional.relu(self.mix_fine(_twice(self.up_middle(middle)) + fine))
        painted: Tensor = self.head(fine)
        return painted

    def folded(self) -> Brush:
        """Return the same network in evaluation mode, its norms folded into its convolutions."""
        plain = copy.deepcopy(self)
        for owner, name, child in _children(plain):
            if isinstance(child, _Normalised):
                setattr(owner, name, child.folded())
        return plain.eval()

    def _normalise(self) -> None:
        untouched = (self.up_coarse, self.up_middle, self.head)
        for owner, name, child in _children(self):
            if isinstance(child, nn.Conv2d) and child not in untouched:
                setattr(owner, name, _Normalised(child))
        for block in self.blocks:
            # Each block begins as a small change to what comes in: the sum of six does not grow.
            assert isinstance(block, _Block)
            assert isinstance(block.narrow, _Normalised)
            nn.init.constant_(block.narrow.norm.weight, 0.3)


def _children(network: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Return every module but those inside a `_Normalised`, with its owner and its name there."""
    owners = [module for module in network.modules() if not isinstance(module, _Normalised)]
    return [(owner, name, child) for owner in owners for name, child in owner.named_children()]


def _twice(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")
