"""Modules around a network that speak the contract of `realtime.models.card`: what an exported graph holds besides it.

Tracing tricks stay here, out of the networks. A frame is turned and padded while its numbers are bytes: a quarter of
what there is to move once they are floats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.model_import.hints import ColourOrder
from realtime.models.card import INPUT_NAMES, OPTIONAL_INPUT_NAMES, ModelKind
from tools.networks import Part, PictureFormat
from tools.networks.motion import MotionNetwork


def with_ends(part: Part, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return a module that takes and gives what a model of the part's kind does.

    The network inside runs in `dtype`; the part's own quick ends are taken where it has some and `dtype` is float32.
    """
    if part.quick is not None and dtype == torch.float32:
        return part.quick().eval()
    if part.layers:
        return LayeredEnds(part.network, part.picture, dtype).eval()
    return _ENDS[part.kind](part.network, part.picture, dtype).eval()


def input_names(part: Part) -> tuple[str, ...]:
    """Return what the module takes, in its order."""
    more = OPTIONAL_INPUT_NAMES[part.kind] if part.layers else ()
    return *INPUT_NAMES[part.kind], *more


def example_inputs(part: Part) -> tuple[Tensor, ...]:
    """Return what to trace the module with, in the order of its inputs.

    A style's sides differ, so that none is taken for the other, and need no padding: from sides that do, the tracer
    concludes bounds that no size can keep. They are 2 and 3 multiples at least: a feature that is one place high, as a
    U-Net's innermost level at one multiple, the tracer takes for one that is always so.
    """
    if part.kind is ModelKind.STYLE:
        count = max(2, math.ceil(48 / part.picture.multiple))
        height, width = (number * part.picture.multiple for number in (count, count + 1))
        return (torch.zeros(1, height, width, 3, dtype=torch.uint8),)
    if part.kind is ModelKind.LATENT_DECODER:
        z = torch.zeros(1, part.latent)
        return (z, torch.ones(1), z.clone(), torch.zeros(1, part.layers)) if part.layers else (z,)
    face = torch.zeros(1, part.side_px, part.side_px, 3, dtype=torch.uint8)
    if part.kind is ModelKind.MOTION:
        assert isinstance(part.network, MotionNetwork)
        motion = torch.zeros(1, part.network.motion_count)
        return face, torch.zeros(1, part.network.feature_count), motion, motion.clone(), motion.clone()
    if part.kind is ModelKind.MORPH:  # of three codes: one, and the tracer takes it for a count that stands
        return face, torch.zeros(3, 1), torch.zeros(3, part.latent)
    return (face,)


class _Ends(nn.Module):
    def __init__(self, network: nn.Module, picture: PictureFormat, dtype: torch.dtype) -> None:
        super().__init__()
        self.network = network
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

    def _from_network(self, picture: Tensor) -> Tensor:
        """Back to uint8 [1, H, W, 3] BGR, rounded and clipped."""
        scale = 255 / (self.picture.white - self.picture.black)
        numbers = picture.to(torch.float32)
        if scale != 1:
            numbers = numbers * scale
        numbers = numbers + (0.5 - self.picture.black * scale)
        return _ordered(numbers.clamp(0.0, 255.0).to(torch.uint8), self.picture).permute(0, 2, 3, 1)


class StyleEnds(_Ends):
    """frame uint8 [1, height, width, 3] BGR → the same, of any size."""

    def forward(self, frame: Tensor) -> Tensor:
        _, height, width, _ = frame.shape
        return self._from_network(self.network(self._to_network(frame))[:, :, :height, :width])


class SwapEnds(_Ends):
    """face uint8 [1, S, S, 3] BGR → the same, and where it is to be seen: mask uint8 [1, S, S, 1]."""

    def forward(self, face: Tensor) -> tuple[Tensor, Tensor]:
        made = self.network(self._to_network(face))
        if isinstance(made, tuple):
            return self._from_network(made[0]), _mask_bytes(made[1])
        return self._from_network(made), torch.full_like(face[:, :, :, :1], 255)


class DecoderEnds(_Ends):
    """z float32 [1, Z] → face uint8 [1, S, S, 3] BGR."""

    def forward(self, z: Tensor) -> Tensor:
        return self._from_network(self.network(z.to(self.dtype)))


class LayeredEnds(_Ends):
    """z float32 [1, Z], truncation [1], fine [1, Z] and layers [1, L] → face uint8 [1, S, S, 3] BGR."""

    def forward(self, z: Tensor, truncation: Tensor, fine: Tensor, layers: Tensor) -> Tensor:
        numbers = (numbers.to(self.dtype) for numbers in (z, truncation, fine, layers))
        return self._from_network(self.network(*numbers))


class MorphEnds(_Ends):
    """face uint8 [1, S, S, 3] BGR, keep float32 [N, 1] and add float32 [N, Z] → z float32 [1, Z] and faces float32
    [N, S, S, 3] BGR, 0..255 but neither rounded nor clipped.
    """

    def forward(self, face: Tensor, keep: Tensor, add: Tensor) -> tuple[Tensor, Tensor]:
        z, drawn = self.network(self._to_network(face), keep, add)
        numbers = (drawn - self.picture.black) * (255 / (self.picture.white - self.picture.black))
        return z, _ordered(numbers, self.picture).permute(0, 2, 3, 1)


class MotionEnds(_Ends):
    """As `realtime.models.card` has it: a face's motion and features, and the source as it is moved."""

    def forward(
        self, face: Tensor, source_features: Tensor, source_motion: Tensor, rest_motion: Tensor, driving_motion: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        network = self.network
        assert isinstance(network, MotionNetwork)
        seen = self._to_network(face)
        given = (numbers.to(self.dtype) for numbers in (source_features, source_motion, rest_motion, driving_motion))
        picture, new = network.draw(*given)
        return (
            network.motion(seen).to(torch.float32),
            network.features(seen).to(torch.float32),
            self._from_network(picture),
            _mask_bytes(new),
        )


_ENDS: dict[ModelKind, type[_Ends]] = {
    ModelKind.STYLE: StyleEnds,
    ModelKind.SWAP: SwapEnds,
    ModelKind.LATENT_DECODER: DecoderEnds,
    ModelKind.MORPH: MorphEnds,
    ModelKind.MOTION: MotionEnds,
}


def _mask_bytes(mask: Tensor) -> Tensor:
    """From [1, 1, S, S] in 0..1 to uint8 [1, S, S, 1]."""
    return (mask.to(torch.float32) * 255 + 0.5).clamp(0.0, 255.0).to(torch.uint8).permute(0, 2, 3, 1)


def _ordered(planes: Tensor, picture: PictureFormat) -> Tensor:
    return planes if picture.order is ColourOrder.BGR else planes.flip(1)
