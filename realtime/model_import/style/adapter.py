"""Adapts a style network to the contract: uint8 BGR frames go in and come out, and the graph does all between.

The order of steps is the quickest of those tried at 512², one thread, ONNX Runtime 1.31: bytes are moved before they
become floats and colours exchanged by whole planes (0.33 ms from frame to network; with a 1×1 convolution for colours
and range 1.37), and rounding is a half added before the cast, which cuts off (0.38 ms from network to frame).
Exchanging colours along the last axis instead takes 2.1 ms more.
"""

from __future__ import annotations

import dataclasses

import onnx
from onnx import TensorProto, helper

from realtime.imaging.frame import Size
from realtime.model_import.graph.picture_nodes import PictureWriter, set_inputs_and_outputs
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import prune
from realtime.model_import.hints import ColourOrder, ValueRange
from realtime.model_import.ranges import Ranges
from realtime.models.card import HEIGHT, WIDTH


@dataclasses.dataclass(frozen=True, slots=True)
class AdapterSpec:
    """Everything that lies between a frame and a network."""

    input: PicturePort
    output: PicturePort
    range_in: ValueRange
    range_out: ValueRange
    order: ColourOrder = ColourOrder.RGB
    multiple: int = 1
    """Frames are continued at their right and lower edge to such sides, and what comes out is cut back."""
    least_px: int = 1
    """Smaller frames are continued up to it; a multiple of `multiple`."""
    bound: Size | None = None
    """The only size the network takes, and with it the model: the effect scales frames to it and gives their edges
    back, better than a graph could. `multiple` and `least_px` are 1 then."""
    enlarges: int = 1
    """What the network gives is so many times as high and wide, and is averaged down."""

    @classmethod
    def of(cls, input_port: PicturePort, output_port: PicturePort, ranges: Ranges) -> AdapterSpec:
        """Return one for these ranges; what is not known yet is taken for 0..1."""
        range_in, range_out = ranges.range_in or ValueRange.UNIT, ranges.range_out or ValueRange.UNIT
        return cls(input_port, output_port, range_in, range_out, ranges.order)


def adapted(model: onnx.ModelProto, spec: AdapterSpec, *, as_numbers: bool = False) -> onnx.ModelProto:
    """Return a model that takes `frame` and gives `frame_out`, as `realtime.models.card` says.

    With `as_numbers` it gives `numbers` instead: float32 [1, 3, height, width] in the network's colour order, 0 for
    black and 255 for white, not yet rounded or clipped: what is beyond them tells that a range is wrong.
    """
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    writer = _FrameWriter(whole.graph, spec)
    prune(whole, [spec.output.name])
    head = writer.head()
    tail = writer.tail(as_numbers=as_numbers)
    size: list[str | int | None] = [1, HEIGHT, WIDTH, 3]
    if spec.bound is not None:
        size[1:3] = [spec.bound.height, spec.bound.width]
    if as_numbers:
        result = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [1, 3, None, None])
    else:
        result = helper.make_tensor_value_info("frame_out", TensorProto.UINT8, size)
    return set_inputs_and_outputs(
        whole, head, tail, [helper.make_tensor_value_info("frame", TensorProto.UINT8, size)], [result]
    )


class _FrameWriter(PictureWriter):
    def __init__(self, graph: onnx.GraphProto, spec: AdapterSpec) -> None:
        super().__init__(graph)
        self._spec = spec

    def head(self) -> list[onnx.NodeProto]:
        """From `frame` to the tensor the network takes."""
        spec, port = self._spec, self._spec.input
        planes = self.planes_of_pixels("frame", spec.order)
        if self._is_padded:
            planes = self._padded(planes)
        if port.element_type != TensorProto.UINT8:
            planes = self.node("Cast", [planes], to=port.element_type)
            planes = self.from_bytes(planes, spec.range_in, spec.order, port.element_type)
        self.feed(planes, port)
        return self.new_nodes()

    def tail(self, *, as_numbers: bool) -> list[onnx.NodeProto]:
        """From the tensor the network gives to `frame_out`."""
        spec, port = self._spec, self._spec.output
        picture = self.planes_of(port, but=(TensorProto.UINT8,))
        if port.element_type != TensorProto.UINT8:
            picture = self.to_bytes(picture, spec.range_out, 0.0 if as_numbers else 0.5)
        elif as_numbers or spec.enlarges > 1:
            picture = self.node("Cast", [picture], to=TensorProto.FLOAT)
        if spec.enlarges > 1:
            sides = [spec.enlarges, spec.enlarges]
            picture = self.node("AveragePool", [picture], kernel_shape=sides, strides=sides)
        if port.channels == 1:
            picture = self.node("Concat", [picture] * 3, axis=1)
        if as_numbers:
            self.node("Identity", [self._cut(picture)], output="numbers")
            return self.new_nodes()
        if port.element_type != TensorProto.UINT8 or spec.enlarges > 1:
            picture = self.node("Clip", [picture, self.float(0), self.float(255)])
            picture = self.node("Cast", [picture], to=TensorProto.UINT8)
        # Grey planes are alike: nothing to exchange.
        order = ColourOrder.BGR if port.channels == 1 else spec.order
        self.pixels_of_planes(self._cut(picture), order, "frame_out")
        return self.new_nodes()

    @property
    def _is_padded(self) -> bool:
        return self._spec.multiple > 1 or self._spec.least_px > 1

    def _cut(self, picture: str) -> str:
        if not self._is_padded:
            return picture
        return self.node("Slice", [picture, self.ints([0, 0]), self._frame_sides(), self.ints([2, 3])])

    def _frame_sides(self) -> str:
        """Height and width of the frame, int64 [2]."""
        shape = self.node("Shape", ["frame"])
        return self.node("Slice", [shape, self.ints([1]), self.ints([3]), self.ints([0])])

    def _padded(self, planes: str) -> str:
        """Repeat the last row and column: mirrored ones would need frames larger than what is added."""
        spec = self._spec
        sides = self._frame_sides()
        up = self.node("Add", [sides, self.ints([spec.multiple - 1])])
        whole = self.node("Mul", [self.node("Div", [up, self.ints([spec.multiple])]), self.ints([spec.multiple])])
        whole = self.node("Max", [whole, self.ints([spec.least_px])])
        missing = self.node("Sub", [whole, sides])
        amounts = self.node("Concat", [self.ints([0] * 6), missing], axis=0)
        return self.node("Pad", [planes, amounts], mode="edge")
