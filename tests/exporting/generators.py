"""Small generators under the names that public checkpoints have."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tools.networks.dcgan import Step


def dcgan_steps(channels: Sequence[int]) -> list[Step]:
    """pytorch/examples' DCGAN: `main.0` a layer, `main.1` its norm, `main.2` ReLU …; `channels` from the code on."""
    pairs = list(zip(channels, (*channels[1:], 3), strict=True))
    return [
        Step(f"main.{3 * number}", taken, given, 4, f"main.{3 * number + 1}" if number < len(pairs) - 1 else "", False)
        for number, (taken, given) in enumerate(pairs)
    ]


def rosinality_generator(w: int, channels: Sequence[int]) -> nn.Module:
    """StyleGAN2 as rosinality's checkpoints name it, random numbers in it."""
    weights: dict[str, Tensor] = {
        f"style.{number}.{end}": torch.randn(*shape)
        for number in (1, 2)
        for end, shape in (("weight", (w, w)), ("bias", (w,)))
    }
    weights["input.input"] = torch.randn(1, channels[0], 4, 4)
    kernel = torch.outer(torch.tensor([1.0, 3, 3, 1]), torch.tensor([1.0, 3, 3, 1])) / 16

    def modulated(name: str, taken: int, given: int, side: int) -> None:
        weights[f"{name}.conv.weight"] = torch.randn(1, given, taken, side, side)
        weights[f"{name}.conv.modulation.weight"] = torch.randn(taken, w)
        weights[f"{name}.conv.modulation.bias"] = torch.ones(taken)

    def layer(name: str, taken: int, given: int, *, doubles: bool = False) -> None:
        if doubles:
            weights[f"{name}.conv.blur.kernel"] = kernel
        weights[f"{name}.noise.weight"] = torch.randn(1)
        weights[f"{name}.activate.bias"] = torch.randn(given)
        modulated(name, taken, given, 3)

    def head(name: str, taken: int) -> None:
        weights[f"{name}.bias"] = torch.randn(1, 3, 1, 1)
        modulated(name, taken, 3, 1)

    layer("conv1", channels[0], channels[0])
    weights["noises.noise_0"] = torch.randn(1, 1, 4, 4)
    head("to_rgb1", channels[0])
    for number, (taken, given) in enumerate(itertools.pairwise(channels)):
        layer(f"convs.{2 * number}", taken, given, doubles=True)
        layer(f"convs.{2 * number + 1}", given, given)
        for noise in (1, 2):
            weights[f"noises.noise_{2 * number + noise}"] = torch.randn(1, 1, 8 << number, 8 << number)
        weights[f"to_rgbs.{number}.upsample.kernel"] = kernel
        head(f"to_rgbs.{number}", given)
    return _named(weights)


def _named(weights: dict[str, Tensor]) -> nn.Module:
    root = nn.Module()
    for name, tensor in weights.items():
        *folders, last = name.split(".")
        place = root
        for folder in folders:
            if folder not in dict(place.named_children()):
                place.add_module(folder, nn.Module())
            place = place.get_submodule(folder)
        place.register_buffer(last, tensor)
    return root
