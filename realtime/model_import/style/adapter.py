"""Puts our ends on a network: uint8 BGR frames go in and come out, and all between is done by the graph.

The order of steps is the quickest of those tried at 512², one thread, ONNX Runtime 1.31: bytes are moved before they
become floats and colours exchanged by whole planes (0.33 ms from frame to network; with a 1×1 convolution for colours
and range 1.37), and rounding is a half added before the cast, which cuts off (0.38 ms from network to frame).
Exchanging colours along the last axis instead takes 2.1 ms more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from realtime.imaging.frame import Size
from realtime.model_import.graph.view import NodeWriter, prune, replace
from realtime.model_import.hints import ColourOrder, ValueRange
from realtime.model_import.style.ports import Port
from realtime.models.card import HEIGHT, WIDTH

_TO_PLANES, _TO_PIXELS = [0, 3, 1, 2], [0, 2, 3, 1]
_NUMPY: Mapping[int, type[np.floating[Any]]] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.FLOAT16: np.float16,
    TensorProto.DOUBLE: np.float64,
}


@dataclasses.dataclass(frozen=True, slots=True)
class AdapterSpec:
    """Everything that lies between a frame and a network."""

    taken: Port
    given: Port
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


def adapted(model: onnx.ModelProto, ends: AdapterSpec, *, as_numbers: bool = False) -> onnx.ModelProto:
    """Return a model that takes `frame` and gives `frame_out`, as `realtime.models.card` says.

    With `as_numbers` it gives `numbers` instead: float32 [1, 3, height, width] in the network's colour order, 0 for
    black and 255 for white, not yet rounded or clipped: what is beyond them tells that a range is wrong.
    """
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    model, graph = whole, whole.graph
    work = _Wrapping(model, ends)
    prune(model, [ends.given.name])
    head = work.head()
    tail = work.tail(as_numbers=as_numbers)
    replace(graph.node, [*head, *graph.node, *tail])
    size: list[str | int | None] = [1, HEIGHT, WIDTH, 3]
    if ends.bound is not None:
        size[1:3] = [ends.bound.height, ends.bound.width]
    replace(graph.input, [helper.make_tensor_value_info("frame", TensorProto.UINT8, size)])
    if as_numbers:
        result = helper.make_tensor_value_info("numbers", TensorProto.FLOAT, [1, 3, None, None])
    else:
        result = helper.make_tensor_value_info("frame_out", TensorProto.UINT8, size)
    replace(graph.output, [result])
    del graph.value_info[:]
    graph.name = "realtime"
    return model


class _Wrapping(NodeWriter):
    def __init__(self, model: onnx.ModelProto, ends: AdapterSpec) -> None:
        super().__init__(model.graph)
        self._ends = ends

    def head(self) -> list[onnx.NodeProto]:
        """From `frame` to the tensor the network takes."""
        ends, taken = self._ends, self._ends.taken
        planes = self.node("Transpose", ["frame"], perm=_TO_PLANES)
        if ends.order is ColourOrder.RGB:
            planes = self.node("Gather", [planes, self.ints([2, 1, 0])], axis=1)
        if self._is_continued:
            planes = self._continued(planes)
        if taken.element_type != TensorProto.UINT8:
            planes = self.node("Cast", [planes], to=taken.element_type)
            planes = self._from_bytes(planes)
        if not taken.layout.channels_first:
            planes = self.node("Transpose", [planes], perm=_TO_PIXELS)
        if taken.layout.rank == 3:
            planes = self.node("Squeeze", [planes, self.ints([0])])
        self.node("Identity", [planes], output=taken.name)
        return self.taken_nodes()

    def tail(self, *, as_numbers: bool) -> list[onnx.NodeProto]:
        """From the tensor the network gives to `frame_out`."""
        ends, given = self._ends, self._ends.given
        picture = given.name
        if given.layout.rank == 3:
            picture = self.node("Unsqueeze", [picture, self.ints([0])])
        if not given.layout.channels_first:
            picture = self.node("Transpose", [picture], perm=_TO_PLANES)
        if given.element_type not in (TensorProto.FLOAT, TensorProto.UINT8):
            picture = self.node("Cast", [picture], to=TensorProto.FLOAT)
        if given.element_type != TensorProto.UINT8:
            picture = self._to_bytes(picture, rounding=not as_numbers)
        elif as_numbers or ends.enlarges > 1:
            picture = self.node("Cast", [picture], to=TensorProto.FLOAT)
        if ends.enlarges > 1:
            sides = [ends.enlarges, ends.enlarges]
            picture = self.node("AveragePool", [picture], kernel_shape=sides, strides=sides)
        if given.channels == 1:
            picture = self.node("Concat", [picture] * 3, axis=1)
        if as_numbers:
            self.node("Identity", [self._cut(picture)], output="numbers")
            return self.taken_nodes()
        if given.element_type != TensorProto.UINT8 or ends.enlarges > 1:
            picture = self.node("Clip", [picture, self.float(0), self.float(255)])
            picture = self.node("Cast", [picture], to=TensorProto.UINT8)
        picture = self._cut(picture)
        if ends.order is ColourOrder.RGB and given.channels != 1:
            picture = self.node("Gather", [picture, self.ints([2, 1, 0])], axis=1)
        self.node("Transpose", [picture], output="frame_out", perm=_TO_PIXELS)
        return self.taken_nodes()

    @property
    def _is_continued(self) -> bool:
        return self._ends.multiple > 1 or self._ends.least_px > 1

    def _cut(self, picture: str) -> str:
        if not self._is_continued:
            return picture
        return self.node("Slice", [picture, self.ints([0, 0]), self._frame_sides(), self.ints([2, 3])])

    def _frame_sides(self) -> str:
        """Height and width of the frame, int64 [2]."""
        shape = self.node("Shape", ["frame"])
        return self.node("Slice", [shape, self.ints([1]), self.ints([3]), self.ints([0])])

    def _continued(self, planes: str) -> str:
        """Repeat the last row and column: mirrored ones would need frames larger than what is added."""
        ends = self._ends
        sides = self._frame_sides()
        up = self.node("Add", [sides, self.ints([ends.multiple - 1])])
        whole = self.node("Mul", [self.node("Div", [up, self.ints([ends.multiple])]), self.ints([ends.multiple])])
        whole = self.node("Max", [whole, self.ints([ends.least_px])])
        missing = self.node("Sub", [whole, sides])
        amounts = self.node("Concat", [self.ints([0] * 6), missing], axis=0)
        return self.node("Pad", [planes, amounts], mode="edge")

    def _from_bytes(self, planes: str) -> str:
        scale, offset = self._ends.range_in.affine
        if len(scale) == 3 and self._ends.order is ColourOrder.BGR:
            scale, offset = scale[::-1], offset[::-1]
        if any(value != 1 for value in scale):
            planes = self.node("Mul", [planes, self._numbers(scale)])
        if any(value != 0 for value in offset):
            planes = self.node("Add", [planes, self._numbers(offset)])
        return planes

    def _to_bytes(self, picture: str, *, rounding: bool) -> str:
        (scale,), (offset,) = self._ends.range_out.affine
        if scale != 1:
            picture = self.node("Mul", [picture, self.float(1 / scale)])
        shift = -offset / scale + (0.5 if rounding else 0.0)
        return self.node("Add", [picture, self.float(shift)]) if shift else picture

    def _numbers(self, values: tuple[float, ...]) -> str:
        """One number, or three along the planes, of the type the network computes in."""
        dtype = _NUMPY[self._ends.taken.element_type]
        shaped = np.array(values, dtype).reshape(() if len(values) == 1 else (1, 3, 1, 1))
        return self.constant(shaped)
