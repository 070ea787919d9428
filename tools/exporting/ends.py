"""Modules around a network that speak the contract of `realtime.model_card`: what an exported graph holds besides it.

Tracing tricks stay here, out of the networks. A frame is turned and padded while its numbers are bytes: a quarter of
what there is to move once they are floats.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.model_card import ModelKind
from tools.networks import ColourOrder, Part, PictureFormat


def with_ends(part: Part, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return a module that takes and gives what a model of the part's kind does.

    The network inside runs in `dtype`; the part's own quick ends are taken where it has some and `dtype` is float32.
    """
    if part.quick is not None and dtype == torch.float32:
        return part.quick().eval()
    if part.kind is ModelKind.STYLE:
        return StyleEnds(part.network, part.picture, dtype).eval()
    raise NotImplementedError(part.kind)


class _Ends(nn.Module):
    def __init__(self, network: nn.Module, picture: PictureFormat, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network.to(dtype)
        self.picture = picture
        self.dtype = dtype

    def _to_network(self, pixels: Tensor) -> Tensor:
        """From uint8 [1, H, W, 3] BGR to the network's picture [1, 3, H, W], sides padded to its multiple."""
        _, height, width, _ = pixels.shape
        multiple = self.picture.multiple
        planes = pixels.permute(0, 3, 1, 2)
        if multiple > 1:
            planes = functional.pad(planes, (0, -width % multiple, 0, -height % multiple), mode="replicate")
        scale = (self.picture.white - self.picture.black) / 255
        numbers = _ordered(planes, self.picture).to(torch.float32)
        if scale != 1:
            numbers = numbers * scale
        if self.picture.black:
            numbers = numbers + self.picture.black
        return numbers.to(self.dtype)

    def _from_network(self, picture: Tensor, height: int, width: int) -> Tensor:
        """Back to uint8 [1, height, width, 3] BGR, rounded and clipped."""
        scale = 255 / (self.picture.white - self.picture.black)
        numbers = picture[:, :, :height, :width].to(torch.float32)
        if scale != 1:
            numbers = numbers * scale
        numbers = numbers + (0.5 - self.picture.black * scale)
        return _ordered(numbers.clamp(0.0, 255.0).to(torch.uint8), self.picture).permute(0, 2, 3, 1)


class StyleEnds(_Ends):
    """frame uint8 [1, height, width, 3] BGR → the same, of any size."""

    def forward(self, frame: Tensor) -> Tensor:
        _, height, width, _ = frame.shape
        return self._from_network(self.network(self._to_network(frame)), height, width)


def _ordered(planes: Tensor, picture: PictureFormat) -> Tensor:
    return planes if picture.order is ColourOrder.BGR else planes.flip(1)
