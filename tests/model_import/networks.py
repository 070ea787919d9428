"""Small real networks as other people write them, each with an answer that is known without running it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from realtime.imaging.frame import Pixels
from realtime.model_import.hints import ColourOrder, Layout, ValueRange

_TO_NCHW = {"NHWC": [0, 3, 1, 2], "HWC": [2, 0, 1]}
_FROM_NCHW = {"NHWC": [0, 2, 3, 1], "HWC": [1, 2, 0]}
TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}


@dataclasses.dataclass(frozen=True)
class Manner:
    """How somebody's network wants its picture."""

    layout_in: Layout = Layout.NCHW
    layout_out: Layout = Layout.NCHW
    range_in: ValueRange = ValueRange.UNIT
    range_out: ValueRange = ValueRange.UNIT
    order: ColourOrder = ColourOrder.RGB
    element: str = "float32"
    height: int | str = "h"
    width: int | str = "w"
    opset: int = 17
    names: tuple[str, str] = ("input", "output")


def tinted(picture: Pixels) -> NDArray[np.float64]:
    """What `write_tint` networks give for a BGR picture, 0..255, not rounded: red 255 − r, green g / 2, blue b."""
    answer = picture.astype(np.float64)
    answer[..., 2] = 255 - answer[..., 2]
    answer[..., 1] /= 2
    return answer


def write_tint(path: Path, manner: Manner) -> Path:
    """Write a network that does what `tinted` tells, in somebody's manner: one 1×1 convolution between transposes.

    With x = byte · s + o and y = byte' · t + p, byte' = a · byte + c becomes y = (a·t/s) x + (c·t + p − a·t·o/s).
    """
    gains, shifts = np.array([-1.0, 0.5, 1.0]), np.array([255.0, 0.0, 0.0])
    order = slice(None) if manner.order is ColourOrder.RGB else slice(None, None, -1)
    scale_in, offset_in = (np.broadcast_to(values, 3) for values in manner.range_in.affine)
    (scale_out,), (offset_out,) = manner.range_out.affine
    slope = gains * scale_out / scale_in
    weights = np.diag(slope[order]).reshape(3, 3, 1, 1)
    bias = (shifts * scale_out + offset_out - slope * offset_in)[order]
    dtype = np.float16 if manner.element == "float16" else np.float32
    tensors = {"weights": weights.astype(dtype), "bias": bias.astype(dtype)}
    name_in, name_out = manner.names
    nodes, current = [], name_in
    if manner.element == "uint8":
        nodes.append(helper.make_node("Cast", [current], ["floats"], to=TensorProto.FLOAT))
        current = "floats"
    if manner.layout_in.value in _TO_NCHW:
        nodes.append(helper.make_node("Transpose", [current], ["planes"], perm=_TO_NCHW[manner.layout_in.value]))
        current = "planes"
    if manner.layout_in.rank == 3:
        tensors["first"] = np.array([0], np.int64)
        nodes.append(helper.make_node("Unsqueeze", [current, "first"], ["batch"]))
        current = "batch"
    nodes.append(helper.make_node("Conv", [current, "weights", "bias"], ["painted"]))
    current = "painted"
    if manner.layout_out.rank == 3:
        tensors["first"] = np.array([0], np.int64)
        nodes.append(helper.make_node("Squeeze", [current, "first"], ["single"]))
        current = "single"
    if manner.layout_out.value in _FROM_NCHW:
        nodes.append(helper.make_node("Transpose", [current], ["laid"], perm=_FROM_NCHW[manner.layout_out.value]))
        current = "laid"
    if manner.element == "uint8":
        nodes.append(helper.make_node("Cast", [current], [name_out], to=TensorProto.UINT8))
    else:
        nodes.append(helper.make_node("Identity", [current], [name_out]))
    kind = TYPES[manner.element]
    return write(
        path,
        nodes,
        [helper.make_tensor_value_info(name_in, kind, shape_of(manner.layout_in, manner))],
        [helper.make_tensor_value_info(name_out, kind, shape_of(manner.layout_out, manner))],
        tensors,
        opset=manner.opset,
    )


def shape_of(layout: Layout, manner: Manner) -> list[int | str | None]:
    sides: dict[str, int | str | None] = {"N": 1, "C": 3, "H": manner.height, "W": manner.width}
    return [sides[letter] for letter in layout.value]


def write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    tensors: dict[str, NDArray[Any]],
    *,
    opset: int = 17,
    ir_version: int = 8,
) -> Path:
    """Write a graph as a file. Nothing is checked: some tests want wrong files."""
    graph = helper.make_graph(
        nodes, "theirs", inputs, outputs, [numpy_helper.from_array(values, name) for name, values in tensors.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    path.write_bytes(model.SerializeToString())
    return path


class FastNeuralStyle(nn.Module):
    """The layout of pytorch/examples' TransformerNet, at any width: 0..255 in and out."""

    def __init__(self, width: int = 4, blocks: int = 5) -> None:
        super().__init__()
        widths = (width, 2 * width, 4 * width)
        self.down = nn.ModuleList(
            [_layer(3, widths[0], 9, 1), _layer(widths[0], widths[1], 3, 2), _layer(widths[1], widths[2], 3, 2)]
        )
        self.residual = nn.ModuleList(
            nn.Sequential(_layer(widths[2], widths[2], 3, 1), nn.ReLU(), _layer(widths[2], widths[2], 3, 1))
            for _ in range(blocks)
        )
        self.up = nn.ModuleList([_layer(widths[2], widths[1], 3, 1), _layer(widths[1], widths[0], 3, 1)])
        self.last = nn.Sequential(nn.ReflectionPad2d(4), nn.Conv2d(widths[0], 3, 9))

    def forward(self, rgb: Tensor) -> Tensor:
        for layer in self.down:
            rgb = functional.relu(layer(rgb))
        for block in self.residual:
            rgb = rgb + block(rgb)
        for layer in self.up:
            rgb = functional.relu(layer(functional.interpolate(rgb, scale_factor=2.0, mode="nearest")))
        last: Tensor = self.last(rgb)
        return last


def _layer(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReflectionPad2d(kernel // 2),
        nn.Conv2d(inputs, outputs, kernel, stride),
        nn.InstanceNorm2d(outputs, affine=True),
    )


class CycleGan(nn.Module):
    """The layout of junyanz's ResNet generator, at any width: -1..1 in and out, tanh."""

    def __init__(self, width: int = 4, blocks: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for times in (1, 2):
            layers += [
                nn.Conv2d(width * times, 2 * width * times, 3, 2, 1),
                nn.InstanceNorm2d(2 * width * times),
                nn.ReLU(),
            ]
        layers += [_CycleBlock(4 * width) for _ in range(blocks)]
        for times in (4, 2):
            layers += [
                nn.ConvTranspose2d(width * times, width * times // 2, 3, 2, 1, 1),
                nn.InstanceNorm2d(width * times // 2),
                nn.ReLU(),
            ]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, rgb: Tensor) -> Tensor:
        painted: Tensor = self.model(rgb)
        return painted


class _CycleBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.path = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(width, width, 3),
            nn.InstanceNorm2d(width),
        )

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = features + self.path(features)
        return added


def seeded(network: nn.Module, contrast: float) -> nn.Module:
    """Give a network weights that are the same every time, and an output of about so much deviation."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim > 1:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn(parameter.shape, generator=generator) / fan_in**0.5)
        last = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)][-1]
        last.weight.mul_(contrast)
        assert last.bias is not None
        last.bias.zero_()
    return network.eval()


def export(network: nn.Module, path: Path, shape: Sequence[int], opset: int, names: tuple[str, str]) -> Path:
    """Write a network as PyTorch's first exporter does, of whose files the world is full: every size a number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of itself being old
        torch.onnx.export(
            network,
            (torch.zeros(*shape),),
            str(path),
            input_names=[names[0]],
            output_names=[names[1]],
            opset_version=opset,
            dynamo=False,
        )
    return path


def painted_by(network: nn.Module, picture: Pixels, values: ValueRange) -> NDArray[np.float64]:
    """What PyTorch makes of a BGR picture: BGR 0..255, clipped, not rounded."""
    (scale,), (offset,) = values.affine
    rgb = torch.from_numpy(picture[..., ::-1].transpose(2, 0, 1).copy()).float()[None] * scale + offset
    with torch.no_grad():
        given = (network(rgb)[0] - offset) / scale
    clipped: NDArray[np.float64] = np.clip(given.numpy().transpose(1, 2, 0)[..., ::-1], 0, 255).astype(np.float64)
    return clipped
