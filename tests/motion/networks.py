"""Small motion networks with random weights, as their makers' programs would save them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.exporting.conftest import trained
from tools.networks import Part, layout_of
from tools.networks.first_order import DenseMotion, FirstOrderModel, Generator, KeypointDetector
from tools.networks.live_portrait import (
    AppearanceFeatureExtractor,
    DenseMotion3d,
    LivePortrait,
    MotionExtractor,
    SpadeGenerator,
    StitchingModule,
    WarpingModule,
)
from tools.networks.weights import Weights

POINTS = 4


def first_order(
    matrices: int = POINTS, *, occlusion: bool = True, width: int = 4, shrunk: int = 4, side_px: int = 256
) -> FirstOrderModel:
    """A first-order model whose points' matrices are near to none at all, as a trained one's are."""
    torch.manual_seed(7)
    detector = KeypointDetector([3, width, 2 * width], width, POINTS, matrices, shrunk)
    dense = DenseMotion([4 * (POINTS + 1), width, 2 * width], width, POINTS, shrunk, occlusion=occlusion)
    network = FirstOrderModel(detector, Generator([width, 2 * width], 2, dense), POINTS, matrices, side_px)
    trained(network)
    with torch.no_grad():
        # Untrained, it would find all points in the middle and draw one grey.
        for layer in (detector.kp, dense.mask, network.generator.final):
            layer.weight.mul_(10)
        if detector.jacobian is not None and detector.jacobian.bias is not None:
            detector.jacobian.weight.mul_(0.2)
            detector.jacobian.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 1.0]).repeat(matrices))
    return network


def checkpoint(network: FirstOrderModel) -> dict[str, Any]:
    """What its trainer saves."""
    return {
        "generator": network.generator.state_dict(),
        "kp_detector": network.kp_detector.state_dict(),
        "discriminator": nn.Conv2d(3, 4, 3).state_dict(),
        "optimizer_generator": {"state": {0: {"step": torch.tensor(1.0)}}, "param_groups": [{"lr": 0.1}]},
        "epoch": 99,
    }


def live_portrait(points: int = 3, *, doubled: bool = True, occlusion: bool = True, side_px: int = 256) -> LivePortrait:
    """A small LivePortrait, of volumes 4 deep, whose points' expressions are as small as a trained one's."""
    torch.manual_seed(3)
    volume = (2, 4)
    dense = DenseMotion3d(volume, 1, points, [4, 6], 3, occlusion=occlusion)
    numbers = 3 * points
    network = LivePortrait(
        AppearanceFeatureExtractor([4, 6, 8], volume, 1),
        MotionExtractor([1, 2], [4, 6], points),
        WarpingModule(dense, volume, 6),
        SpadeGenerator(6, 4, 1, doubled=doubled),
        StitchingModule([2 * numbers, 8, numbers + 2], [numbers + 2, 6, numbers], [numbers + 3, 6, numbers]),
        side_px,
    )
    trained(network)
    with torch.no_grad():
        dense.mask.weight.mul_(10)
        for name, weight in network.spade_generator.named_parameters():
            if ".conv_" in name and name.endswith(".weight"):
                weight.div_(torch.linalg.matrix_norm(weight.reshape(len(weight), -1), 2))
    return network


def five_files(network: LivePortrait) -> dict[str, Any]:
    """What its program has: a file for each of five, spectral norms as in training, the last one in three."""
    files: dict[str, Any] = {name: dict(module.state_dict()) for name, module in network.named_children()}
    drawn: dict[str, torch.Tensor] = {}
    for name, weight in files["spade_generator"].items():
        if ".conv_" in name and name.endswith(".weight"):
            left, _, right = torch.linalg.svd(weight.reshape(weight.shape[0], -1), full_matrices=False)
            drawn[f"{name}_orig"], drawn[f"{name}_u"], drawn[f"{name}_v"] = weight * 3, left[:, 0], right[0]
        else:
            drawn[name] = weight
    files["spade_generator"] = drawn
    inside = network.stitching_retargeting_module.named_children()
    files["stitching_retargeting_module"] = {
        name: {f"module.{key}": value for key, value in module.state_dict().items()} for name, module in inside
    }
    return files


def part_of(tensors: dict[str, torch.Tensor], where: str = "x.pth.tar") -> Part:
    """Return what the layout that knows them makes of weights."""
    weights = Weights(tensors, where)
    layout = layout_of(weights)
    assert layout is not None
    (part,) = layout.parts(weights)
    return part
