"""Brush as the export tool sees it: widths from the weights, and ends that cost next to nothing.

Changing layout is what a small network would spend its time on: cast, transpose and unshuffle of 512² took 3 to 6 ms
where the whole network takes 7. So a frame is read as it lies in memory, interleaved BGR rows, as a picture of one
channel and three times the width: a 4×4 convolution with stride 2 over RGB is a 4×12 one with stride (2, 6) over it.
At the other end, once they are bytes, the upper two pixels of each place are split from the lower two and the rows laid
below each other: a transpose that did it all at once, six bytes at a time, took a twentieth of the network's time.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.brush import Brush
from tools.networks.weights import Weights


class BrushLayout(Layout):
    name = "brush"
    picture = PictureFormat(multiple=Brush.MULTIPLE)

    def recognises(self, weights: Weights) -> bool:
        # While it is trained a norm stands behind most convolutions, whose weights are then one name deeper.
        telling = ("stem", "down_middle", "contrast", "mix_fine")
        known = sum(f"{name}.weight" in weights or _normalised(name) in weights for name in telling)
        return known + ("head.weight" in weights) >= 4

    def parts(self, weights: Weights) -> Sequence[Part]:
        normalised = sum(_normalised(name) in weights for name in ("stem", "mix_fine", "blocks.0.first")) >= 2

        network = Brush(
            fine=weights.shape("up_middle.weight")[0],
            middle=weights.shape("up_middle.weight")[1],
            blocks=weights.count(_normalised("blocks.{}.first") if normalised else "blocks.{}.first.weight"),
            deep=weights.shape("down_deep.weight")[0] if "down_deep.weight" in weights else 0,
            deep_blocks=weights.count("deep_blocks.{}.first.weight") if "down_deep.weight" in weights else 0,
            normalised=normalised,
        )
        weights.fill(network)
        plain = network.folded()
        quick = functools.partial(QuickBrush, plain)
        return [Part(ModelKind.STYLE, plain, self.picture, half_weights=True, quick=quick)]


def _normalised(name: str) -> str:
    return f"{name}.convolution.weight"


class QuickBrush(nn.Module):
    """Frame uint8 [1, height, width, 3] BGR in, painted frame out: `Brush` with both ends folded into its weights."""

    def __init__(self, brush: Brush) -> None:
        super().__init__()
        self.brush = copy.deepcopy(brush)
        assert isinstance(brush.stem, nn.Conv2d)
        self.stem = _interleaved(brush.stem)
        self.brush.stem = nn.Identity()
        self.brush.blocks.insert(0, _into_blocks(self.brush.down_middle.out_channels))
        self.brush.inner = _cut_off(brush.up_middle.out_channels, Brush.SPARE)
        self.brush.head = _in_reading_order(brush.head)

    def forward(self, frame: Tensor) -> Tensor:
        _, height, width, _ = frame.shape
        multiple = Brush.MULTIPLE
        rows, columns = (height + multiple - 1) // multiple * multiple, (width + multiple - 1) // multiple * multiple
        before = Brush.MARGIN + 1
        # Pad knows channels first only; the two transposes meet around it and cancel in the runtime.
        around = (before, before + columns - width, before, before + rows - height)
        planes = functional.pad(frame.permute(0, 3, 1, 2), around, mode="replicate")
        padded = planes.permute(0, 2, 3, 1)
        interleaved = padded.reshape(1, 1, rows + 2 * before, (columns + 2 * before) * 3).to(self.stem.weight.dtype)
        painted = self.brush.paint(functional.relu(self.stem(interleaved)))
        places = painted.permute(0, 2, 3, 1).clamp(0.0, 255.0).to(torch.uint8)
        # Each place holds two pixels of one row and the two below them.
        upper, lower = (half.reshape(rows // 2, 1, columns * 3) for half in torch.split(places, 6, dim=3))
        return torch.cat([upper, lower], dim=1).reshape(1, rows, columns, 3)[:, :height, :width]


def _into_blocks(channels: int) -> nn.Conv2d:
    """Return a convolution that changes nothing. ONNX Runtime keeps channels in blocks from one convolution to the
    next; where the instance norm's planes went into the first residual as they are, every sum was made in planes too,
    with a reordering before and behind each.
    """
    identity = nn.Conv2d(channels, channels, 1, bias=False)
    nn.init.dirac_(identity.weight)
    return identity


def _cut_off(channels: int, places: int) -> nn.Conv2d:
    """Return a convolution that cuts so many places off every side and changes nothing else: slices would have to leave
    the blocks of channels and enter them again.
    """
    middle = nn.Conv2d(channels, channels, 3, dilation=places, groups=channels, bias=False)
    nn.init.zeros_(middle.weight)
    middle.weight.data[:, :, 1, 1] = 1
    return middle


def _interleaved(stem: nn.Conv2d) -> nn.Conv2d:
    """Return `stem` (RGB around 0, 4×4, stride 2) for rows of interleaved B, G, R from 0 to 255."""
    channels = stem.out_channels
    rows = nn.Conv2d(1, channels, (4, 12), stride=(2, 6))
    kernel = stem.weight.detach().flip(1).permute(0, 2, 3, 1).reshape(channels, 1, 4, 12)
    rows.weight = nn.Parameter((kernel / 255).contiguous())
    assert stem.bias is not None
    rows.bias = nn.Parameter(stem.bias.detach() - 0.5 * kernel.sum((1, 2, 3)))
    return rows


def _in_reading_order(head: nn.Conv2d) -> nn.Conv2d:
    """Return `head` giving 0..255, half a step added so that cutting off rounds, its channels in the order row,
    column, B G R where pixel_shuffle wants R G B, row, column.
    """
    order = [(2 - colour) * 4 + row * 2 + column for row in (0, 1) for column in (0, 1) for colour in (0, 1, 2)]
    ordered = copy.deepcopy(head)
    assert head.bias is not None
    ordered.weight = nn.Parameter((head.weight.detach()[order] * 255).contiguous())
    ordered.bias = nn.Parameter(head.bias.detach()[order] * 255 + 0.5)
    return ordered
