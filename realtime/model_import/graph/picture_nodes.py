"""Operators between pixels, uint8 BGR [1, height, width, 3], and the planes of numbers that networks take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import NodeWriter, replace
from realtime.model_import.hints import ColourOrder, ValueRange

FLOATS: Mapping[int, type[np.floating[Any]]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.DOUBLE: np.float64,
}
_TO_PLANES, _TO_PIXELS = [0, 3, 1, 2], [0, 2, 3, 1]


class PictureWriter(NodeWriter):
    """Writes what lies between a picture of ours and a picture of the network's."""

    def planes_of_pixels(self, pixels: str, order: ColourOrder) -> str:
        """From pixels to planes of bytes, in the network's colour order."""
        planes = self.node("Transpose", [pixels], perm=_TO_PLANES)
        return self._exchanged(planes, order)

    def pixels_of_planes(self, planes: str, order: ColourOrder, output: str) -> None:
        """From planes of bytes to pixels."""
        self.node("Transpose", [self._exchanged(planes, order)], output=output, perm=_TO_PIXELS)

    def from_bytes(self, planes: str, values: ValueRange, order: ColourOrder, element_type: int) -> str:
        """From 0..255 to the network's range; `planes` are of the type it computes in."""
        scale, offset = values.affine
        if len(scale) == 3 and order is ColourOrder.BGR:
            scale, offset = scale[::-1], offset[::-1]
        if any(value != 1 for value in scale):
            planes = self.node("Mul", [planes, self._along_planes(scale, element_type)])
        if any(value != 0 for value in offset):
            planes = self.node("Add", [planes, self._along_planes(offset, element_type)])
        return planes

    def to_bytes(self, planes: str, values: ValueRange, add: float = 0.0) -> str:
        """From the network's range, float32, to 0..255; `add` is added to that."""
        (scale,), (offset,) = values.affine
        if scale != 1:
            planes = self.node("Mul", [planes, self.float(1 / scale)])
        shift = -offset / scale + add
        return self.node("Add", [planes, self.float(shift)]) if shift else planes

    def feed(self, planes: str, port: PicturePort) -> None:
        """From planes [1, 3, height, width] to the tensor the network takes."""
        if not port.layout.channels_first:
            planes = self.node("Transpose", [planes], perm=_TO_PIXELS)
        if port.layout.rank == 3:
            planes = self.node("Squeeze", [planes, self.ints([0])])
        self.node("Identity", [planes], output=port.name)

    def planes_of(self, port: PicturePort, but: Sequence[int] = ()) -> str:
        """From the tensor the network gives to planes of float32; types in `but` stay as they are."""
        picture = port.name
        if port.layout.rank == 3:
            picture = self.node("Unsqueeze", [picture, self.ints([0])])
        if not port.layout.channels_first:
            picture = self.node("Transpose", [picture], perm=_TO_PLANES)
        if port.element_type not in (TensorProto.FLOAT, *but):
            picture = self.node("Cast", [picture], to=TensorProto.FLOAT)
        return picture

    def _exchanged(self, planes: str, order: ColourOrder) -> str:
        """From BGR to the network's order, or back: one is the other backwards."""
        return self.node("Gather", [planes, self.ints([2, 1, 0])], axis=1) if order is ColourOrder.RGB else planes

    def _along_planes(self, values: tuple[float, ...], element_type: int) -> str:
        """One number, or three along the planes."""
        shape = () if len(values) == 1 else (1, 3, 1, 1)
        return self.constant(np.array(values, FLOATS[element_type]).reshape(shape))


def set_inputs_and_outputs(
    model: onnx.ModelProto,
    head: list[onnx.NodeProto],
    tail: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> onnx.ModelProto:
    """Put operators before and behind a graph, in place, with the inputs and outputs that they make of it."""
    graph = model.graph
    replace(graph.node, [*head, *graph.node, *tail])
    replace(graph.input, inputs)
    replace(graph.output, outputs)
    del graph.value_info[:]
    graph.name = "realtime"
    return model
