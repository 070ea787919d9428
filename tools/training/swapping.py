"""One encoder, a decoder for each of two people: each decoder learns to draw its own person's face as it was before it
was warped. At the end the other one's decoder is taken.

What both people share (pose, expression, light) must pass through the same encoder and the same narrow middle, so that
there it means the same for both; faces are warped so that the middle cannot carry what is one person's own.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import ClassVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional
from torch.optim import Adam, Optimizer

from realtime.core.settings import setting
from realtime.model_import.hints import ColourOrder
from tools.networks import PictureFormat
from tools.networks.faceswap_autoencoder import FaceswapAutoencoder, FaceswapAutoencoderLayout
from tools.networks.swap_light import SwapLight, SwapLightLayout, begin
from tools.training import Recipe, RunInputs, laid_out, set_up_optimizer
from tools.training.data import Batch
from tools.training.faces import DETAIL_PLANE, OVAL_PLANE, PLAIN, WARPED
from tools.training.losses import content_distance

_CLIP = 1.0
_OUTSIDE = 0.2
"""What a pixel beside the face counts, against one in it: it is not shown, but must not be torn."""
_WINDOW = 7
_C1, _C2 = 0.01**2, 0.03**2
Drawn = tuple[Tensor, Tensor | None]
"""RGB [N, 3, S, S] in 0..1, and its mask [N, 1, S, S] where the network draws one."""


@dataclasses.dataclass(frozen=True)
class SwapSettings:
    colour_weight: float = dataclasses.field(default=2.0, metadata=setting("the same colours, pixel by pixel", least=0))
    structure_weight: float = dataclasses.field(
        default=1.0, metadata=setting("the same edges and shades (structural similarity)", least=0)
    )
    features_weight: float = dataclasses.field(
        default=0.3, metadata=setting("the same features of a VGG, where --features are given", least=0)
    )
    mask_weight: float = dataclasses.field(
        default=0.5, metadata=setting("know where the face is (networks with a mask)", least=0)
    )
    detail: float = dataclasses.field(
        default=2.0, metadata=setting("what a pixel of eyes and mouth counts more than the face's others", least=0)
    )


@dataclasses.dataclass(frozen=True)
class LightSettings(SwapSettings):
    face_px: int = dataclasses.field(default=128, metadata=setting("side of a face, a multiple of 32", least=64))
    width: float = dataclasses.field(default=1.0, metadata=setting("channels, times the usual", least=0.1, most=4))


@dataclasses.dataclass(frozen=True)
class OriginalSettings(SwapSettings):
    face_px: int = dataclasses.field(default=64, metadata=setting("side of a face, a multiple of 16", least=32))
    width: float = dataclasses.field(default=1.0, metadata=setting("channels, times the usual", least=0.02, most=2))


class _Both(nn.Module):
    """Both people's ways as one module: what is trained over several GPUs must go through one `forward`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, a: Tensor, b: Tensor) -> tuple[Drawn, Drawn]:
        network = self.network
        if isinstance(network, SwapLight):
            middle_a, middle_b = network.middle(torch.cat([a, b])).tensor_split([len(a)])
            return network.decoder_a(middle_a), network.decoder_b(middle_b)
        assert isinstance(network, FaceswapAutoencoder)
        middle_a, middle_b = network.encoder(torch.cat([a, b])).tensor_split([len(a)])
        return (network.decoder_A(middle_a), None), (network.decoder_B(middle_b), None)


class SwapRecipe(Recipe):
    """Draws each face as it was. `pictures` of a batch are A's eight planes (`tools.training.faces`), `others` B's."""

    needs_painting = False
    needs_features = False
    usual_rate = 3e-4
    multiple_of: ClassVar[int]

    def __init__(self, fabric: Fabric, inputs: RunInputs, settings: SwapSettings) -> None:
        self._fabric, self._settings, self._features = fabric, settings, inputs.features
        both = laid_out(_Both(self._network(settings)), inputs.memory_format)
        optimizer = Adam(both.parameters(), inputs.learning_rate, betas=(0.5, 0.99), foreach=True)
        self._both = fabric.setup_module(both)
        self._optimizer = set_up_optimizer(fabric, optimizer)

    @abc.abstractmethod
    def _network(self, settings: SwapSettings) -> nn.Module: ...

    def generators(self) -> Mapping[str, nn.Module]:
        network = self._both.module.network
        assert isinstance(network, nn.Module)
        return {"": network}

    def others(self) -> Mapping[str, nn.Module]:
        return {}

    def optimizers(self) -> Mapping[str, Optimizer]:
        return {"network": self._optimizer}

    def step(self, batch: Batch) -> dict[str, Tensor]:
        assert batch.others is not None
        planes = (batch.pictures, batch.others)
        drawn = self._both(*(self._ordered(each[:, WARPED]) for each in planes))
        sides = [self._aims(one, each) for one, each in zip(drawn, planes, strict=True)]
        terms = {name: sides[0][name] + sides[1][name] for name in sides[0]}
        total = torch.stack(list(terms.values())).sum()
        self._optimizer.zero_grad()
        self._fabric.backward(total)
        self._fabric.clip_gradients(self._both, self._optimizer, max_norm=_CLIP, error_if_nonfinite=False)
        self._optimizer.step()
        return {name: term.detach() for name, term in {"total": total, **terms}.items()}

    def paint(self, pictures: Tensor) -> Tensor:
        return self.swap(pictures, "b")[0]

    def swap(self, pictures: Tensor, side: str) -> Drawn:
        """Return RGB faces [N, 3, S, S] as the decoder of `side` (`a` or `b`) draws them."""
        network = self.generators()[""]
        with self._fabric.autocast():
            if isinstance(network, SwapLight):
                face, mask = network(self._ordered(pictures), side)
                return self._ordered(face.float()), mask.float()
            return self._ordered(network(self._ordered(pictures), side.upper()).float()), None

    def _ordered(self, pictures: Tensor) -> Tensor:
        return pictures.flip(1) if self.picture.order is ColourOrder.BGR else pictures

    def _aims(self, drawn: Drawn, planes: Tensor) -> dict[str, Tensor]:
        settings, wanted = self._settings, planes[:, PLAIN]
        face, mask = self._ordered(drawn[0].float()), drawn[1]
        oval = planes[:, OVAL_PLANE]
        counts = _OUTSIDE + (1 - _OUTSIDE) * oval + settings.detail * planes[:, DETAIL_PLANE]
        counts = counts / counts.mean()
        terms = {
            "colour": settings.colour_weight * ((face - wanted).abs() * counts).mean(),
            "structure": settings.structure_weight * (unlikeness(face, wanted) * counts).mean(),
        }
        if mask is not None and settings.mask_weight:
            terms["mask"] = settings.mask_weight * (mask.float() - oval).abs().mean()
        if self._features is not None and settings.features_weight:
            shares = {"relu22": 1.0, "relu33": 1.0}
            with self._fabric.autocast():
                found = self._features(face, shares)
                with torch.no_grad():
                    known = self._features(wanted, shares)
            terms["features"] = settings.features_weight * content_distance(found, known, shares)
        return terms


class LightRecipe(SwapRecipe):
    Settings: ClassVar = LightSettings
    picture: ClassVar[PictureFormat] = SwapLightLayout.picture
    multiple_of: ClassVar[int] = 32

    def _network(self, settings: SwapSettings) -> nn.Module:
        assert isinstance(settings, LightSettings)
        down, up, narrow = (24, 48, 96, 160, 256), (160, 96, 64, 32, 16), 512
        return SwapLight(
            _times(down, settings.width), _times(up, settings.width), _times((narrow,), settings.width)[0],
            settings.face_px // 32,
        )  # fmt: skip


class OriginalRecipe(SwapRecipe):
    Settings: ClassVar = OriginalSettings
    picture: ClassVar[PictureFormat] = FaceswapAutoencoderLayout.picture
    multiple_of: ClassVar[int] = 16
    usual_rate = 5e-5  # the original's

    def _network(self, settings: SwapSettings) -> nn.Module:
        assert isinstance(settings, OriginalSettings)
        down, up, narrow = (128, 256, 512, 1024), (512, 256, 128, 64), 1024
        network = FaceswapAutoencoder(
            _times(down, settings.width), _times(up, settings.width), _times((narrow,), settings.width)[0],
            settings.face_px // 16,
        )  # fmt: skip
        begin(network)
        return network


def unlikeness(face: Tensor, wanted: Tensor) -> Tensor:
    """Return (1 − structural similarity) ÷ 2 at every pixel, 0..1 (Wang et al., 2004; windows of 7×7, all alike)."""

    def mean(planes: Tensor) -> Tensor:
        return functional.avg_pool2d(planes, _WINDOW, 1, _WINDOW // 2, count_include_pad=False)

    first, second = mean(face), mean(wanted)
    first_spread = mean(face * face) - first * first
    second_spread = mean(wanted * wanted) - second * second
    together = mean(face * wanted) - first * second
    likeness = ((2 * first * second + _C1) * (2 * together + _C2)) / (
        (first * first + second * second + _C1) * (first_spread + second_spread + _C2)
    )
    return (1 - likeness) / 2


def _times(widths: tuple[int, ...], width: float) -> tuple[int, ...]:
    return tuple(max(4, round(channels * width)) for channels in widths)
