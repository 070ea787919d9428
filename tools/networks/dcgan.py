"""DCGAN's generator and its like: a code made larger step by step, whatever its layers are called.

A layer of 4×4 is transposed and doubles the size, the first one excepted, which makes 4×4 of a code; one of 3×3 leaves
it. Batch norm and ReLU follow on each but the last one, whose numbers go through tanh.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from realtime.models.card import ModelKind
from tools.networks import Layout, Part, PictureFormat
from tools.networks.weights import Weights

_DOUBLES = 4
"""Side of the kernels that double the size, and of what the first one makes of a code."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One layer."""

    name: str
    taken: int
    given: int
    kernel: int
    """Its side: 4 or 3."""
    norm: str
    """The name of its batch norm; empty: none follows."""
    bias: bool


class Dcgan(nn.Module):
    """z [N, Z] to a picture [N, 3, S, S] in −1..1."""

    def __init__(self, steps: Sequence[Step]) -> None:
        super().__init__()
        self.steps = list(steps)
        self.latent = steps[0].taken
        for number, step in enumerate(steps):
            kind = nn.ConvTranspose2d if step.kernel == _DOUBLES else nn.Conv2d
            doubles = number > 0 and step.kernel == _DOUBLES
            stride, padding = (2, 1) if doubles else (1, 1 if number else 0)
            _put(self, step.name, kind(step.taken, step.given, step.kernel, stride, padding, bias=step.bias))
            if step.norm:
                _put(self, step.norm, nn.BatchNorm2d(step.given))

    @property
    def side_px(self) -> int:
        return _DOUBLES << sum(step.kernel == _DOUBLES for step in self.steps[1:])

    def forward(self, z: Tensor) -> Tensor:
        features = z[:, :, None, None]
        for step in self.steps:
            features = self.get_submodule(step.name)(features)
            if step.norm:
                features = self.get_submodule(step.norm)(features)
            if step is not self.steps[-1]:
                features = functional.relu(features)
        return torch.tanh(features)


class DcganLayout(Layout):
    name = "dcgan"
    picture = PictureFormat(black=-1.0, white=1.0)

    def recognises(self, weights: Weights) -> bool:
        """A chain of 4×4 and 3×3 layers from a code to three colours: the names may be any."""
        return bool(_steps_of(weights))

    def parts(self, weights: Weights) -> Sequence[Part]:
        network = Dcgan(_steps_of(weights))
        weights.fill(network)
        return [Part(ModelKind.LATENT_DECODER, network, self.picture, side_px=network.side_px, latent=network.latent)]


def _steps_of(weights: Weights) -> list[Step]:
    """Return the layers in the order in which they lie in the file, nothing where they are no such generator."""
    steps: list[Step] = []
    for name in dict.fromkeys(weight.rpartition(".")[0] for weight in weights):
        if f"{name}.running_mean" in weights:
            if not steps or steps[-1].norm:
                return []
            steps[-1] = dataclasses.replace(steps[-1], norm=name)
            continue
        shape = tuple(weights[f"{name}.weight"].shape) if f"{name}.weight" in weights else ()
        if len(shape) < 2:
            continue
        if len(shape) != 4 or shape[2] != shape[3] or shape[2] not in (3, _DOUBLES):
            return []
        first, second, kernel = shape[:3]
        taken, given = (first, second) if kernel == _DOUBLES else (second, first)
        if steps and taken != steps[-1].given:
            return []
        steps.append(Step(name, taken, given, kernel, "", f"{name}.bias" in weights))
    transposed = sum(step.kernel == _DOUBLES for step in steps)
    is_whole = transposed >= 3 and steps[0].kernel == _DOUBLES and steps[-1].given == 3 and not steps[-1].norm
    return steps if is_whole and any(step.norm for step in steps) else []


def _put(root: nn.Module, name: str, module: nn.Module) -> None:
    """Add a module under a name with dots."""
    *folders, last = name.split(".")
    for folder in folders:
        if folder not in dict(root.named_children()):
            root.add_module(folder, nn.Module())
        root = root.get_submodule(folder)
    root.add_module(last, module)
