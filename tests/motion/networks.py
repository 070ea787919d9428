"""Small motion networks with random weights, as their makers' programs would save them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from tests.exporting.conftest import trained
from tools.networks import Part, layout_of
from tools.networks.first_order import DenseMotion, FirstOrderModel, Generator, KeypointDetector
from tools.networks.weights import Weights

POINTS = 4


def first_order(matrices: int = POINTS, *, occlusion: bool = True, width: int = 4, shrunk: int = 4) -> FirstOrderModel:
    """A first-order model whose points' matrices are near to none at all, as a trained one's are."""
    torch.manual_seed(7)
    detector = KeypointDetector([3, width, 2 * width], width, POINTS, matrices, shrunk)
    dense = DenseMotion([4 * (POINTS + 1), width, 2 * width], width, POINTS, shrunk, occlusion=occlusion)
    network = FirstOrderModel(detector, Generator([width, 2 * width], 2, dense), POINTS, matrices)
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


def part_of(tensors: dict[str, torch.Tensor], where: str = "x.pth.tar") -> Part:
    """Return what the layout that knows them makes of weights."""
    weights = Weights(tensors, where)
    layout = layout_of(weights)
    assert layout is not None
    (part,) = layout.parts(weights)
    return part
