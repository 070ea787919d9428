"""Makes a network of one fixed size take any: constants that stand for the picture's size follow it.

Exporters that trace a network write sizes as numbers: `Reshape` to [-1, 64, 128, 128] where the picture was 256 wide.
Which of them are sizes is read from the axes: each tensor on the picture's way has axes that run along its height or
its width, and a number that belongs to such an axis is a part of the picture's side (128 = 256 · 1/2). Where axes were
folded together, numbers are matched from the right, as rows lie in memory. That may be wrong, so nothing here is
believed: `validation.py` runs the result at the original size, where it must agree, and on the picture laid twice side
by side and one above the other, where each half must look as the picture alone did.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import onnx
from onnx import helper

from realtime.core.language import _
from realtime.model_import.graph.picture_port import PicturePort
from realtime.model_import.graph.view import GraphView, add_constant, attribute, known_shapes, replace

_FINEST = 64  # networks halve a picture six times at most; 3/56 of a side is not one of its levels
_HEIGHT, _WIDTH = "realtime/network_height", "realtime/network_width"
_ALL = 2**62  # "to the end" for Slice


class _Along(enum.Enum):
    """What an axis runs along."""

    HEIGHT = "height"
    WIDTH = "width"
    BOTH = "both"
    """Sides folded together, or with channels."""


_Axes = tuple[_Along | None, ...]


class SizeIsNeededError(Exception):
    """The network's arithmetic needs its size; the text says where."""


def with_dynamic_shapes(
    model: onnx.ModelProto, input_port: PicturePort, output_port: PicturePort
) -> tuple[onnx.ModelProto, int]:
    """Return a copy that takes other sizes as well, and the number of constants that now follow the size.

    `input_port` has a fixed height and width. Raises SizeIsNeededError where an operator is met that cannot follow.
    """
    model = _copy(model)
    work = _ShapeRewriter(model, input_port)
    work.rewrite()
    for value in model.graph.input:
        sides = value.type.tensor_type.shape.dim
        if value.name == input_port.name:
            sides[input_port.layout.height_axis].dim_param = "network_height"
            sides[input_port.layout.width_axis].dim_param = "network_width"
    for value in model.graph.output:
        if value.name == output_port.name:
            value.type.tensor_type.ClearField("shape")
    return model, work.count


def _copy(model: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


class _ShapeRewriter:
    """One walk along the graph, from the picture on."""

    def __init__(self, model: onnx.ModelProto, input_port: PicturePort) -> None:
        self.count = 0
        self._graph = model.graph
        self._view = GraphView(model.graph)
        self._shapes = known_shapes(model)
        self._input = input_port
        if not isinstance(input_port.height, int) or not isinstance(input_port.width, int):
            raise SizeIsNeededError(_("only one of its sides is fixed"))
        self._sides = {_Along.HEIGHT: input_port.height, _Along.WIDTH: input_port.width}
        self._axes: dict[str, _Axes] = {}
        self._made: list[onnx.NodeProto] = []
        self._parts: dict[tuple[_Along, Fraction], str] = {}

    def rewrite(self) -> None:
        """Change the graph in place."""
        reached = self._view.reached_from(self._input.name)
        along: list[_Along | None] = [None] * self._input.layout.rank
        along[self._input.layout.height_axis] = _Along.HEIGHT
        along[self._input.layout.width_axis] = _Along.WIDTH
        self._axes[self._input.name] = tuple(along)
        nodes: list[onnx.NodeProto] = []
        for node in self._graph.node:
            if node.input and node.input[0] in reached:
                self._follow(node)
            elif any(name in reached for name in node.input):
                self._carry_over(node)
            nodes.extend(self._made)
            self._made.clear()
            nodes.append(node)
        replace(self._graph.node, nodes)

    def _follow(self, node: onnx.NodeProto) -> None:
        if node.op_type in ("Reshape", "Expand", "Tile"):
            self._reshape(node)
        elif node.op_type in ("Resize", "Upsample"):
            self._resize(node)
        elif node.op_type == "Slice":
            self._slice(node)
        elif node.op_type in ("AveragePool", "MaxPool"):
            self._pool(node)
        elif node.op_type == "ConvTranspose" and attribute(node, "output_shape") is not None:
            raise SizeIsNeededError(_("a transposed convolution states the size it gives"))
        elif node.op_type == "Transpose":
            axes = self._axes.get(node.input[0])
            order = attribute(node, "perm", list(range(len(axes or ())))[::-1])
            if axes is not None and len(order) == len(axes):
                self._axes[node.output[0]] = tuple(axes[position] for position in order)
        elif node.op_type not in ("Shape", "Flatten", "MatMul", "Gemm"):
            self._carry_over(node)

    def _carry_over(self, node: onnx.NodeProto) -> None:
        """Most operators leave axes where they are; a result of another rank has none that are known."""
        for name in node.output:
            rank = len(self._shapes.get(name, ()))
            fitting = [self._axes[used] for used in node.input if len(self._axes.get(used, ())) == rank > 0]
            if fitting:
                self._axes[name] = max(fitting, key=lambda axes: sum(along is not None for along in axes))

    def _reshape(self, node: onnx.NodeProto) -> None:
        target = self._view.input_constant(node, 1)
        before, after = self._shape(node.input[0]), self._shape(node.output[0])
        if target is None or before is None or after is None or len(after) != target.size:
            return  # computed already, or nothing is known of it
        entries = [int(entry) for entry in target.ravel()]
        axes = self._axes.get(node.input[0])
        if node.op_type == "Reshape":
            along = _matched(before, axes, after) if axes is not None else None
            along = along if along is not None else self._from_the_right(after)
        elif len(before) == len(after):  # Expand and Tile draw an axis of 1 out to a side; others stay as they come
            drawn = [old == 1 or node.op_type == "Tile" for old in before]
            along = tuple(side if draw else None for side, draw in zip(self._from_the_right(after), drawn, strict=True))
            if node.op_type == "Expand":
                entries = [entry if draw else 1 for entry, draw in zip(entries, drawn, strict=True)]
        else:
            along = self._from_the_right(after)
        self._axes[node.output[0]] = along
        names: list[str] = []
        follows = 0
        for position, (entry, side) in enumerate(zip(entries, along, strict=True)):
            part = self._part(entry, side) if side is not None and side is not _Along.BOTH else None
            if side is not None and part is not None:
                names.append(self._side(side, part))
                follows += 1
            else:
                names.append(self._number(node, position, entry))
        if follows:
            name = f"{node.output[0]}/shape"
            self._made.append(helper.make_node("Concat", names, [name], axis=0))
            node.input[1] = name
            self.count += follows
        elif node.op_type == "Reshape" and -1 not in entries:
            self._leave_one_open(node, entries, before, axes)

    def _leave_one_open(
        self, node: onnx.NodeProto, entries: list[int], before: Sequence[int], axes: _Axes | None
    ) -> None:
        """[1, 64, 4096] from [1, 64, 64, 64]: the number that holds height times width becomes -1."""
        if axes is None:
            return
        area = math.prod(size for size, side in zip(before, axes, strict=True) if side is not None)
        holding = [position for position, entry in enumerate(entries) if area > 1 and entry % area == 0 and entry > 1]
        if len(holding) == 1:
            entries[holding[0]] = -1
            node.input[1] = add_constant(self._graph, f"{node.output[0]}/open_shape", np.array(entries, np.int64))
            self.count += 1

    def _from_the_right(self, after: Sequence[int]) -> _Axes:
        """Match numbers with sides as rows lie in memory: the last that is a part of the width, before it the height.

        Four axes are a batch of pictures, of which only the last two can be sides.
        """
        wanted = [_Along.HEIGHT, _Along.WIDTH]
        along: list[_Along | None] = [None] * len(after)
        for position in range(len(after) - 1, -1, -1):
            if len(after) == 4 and position < 2:
                break
            if wanted and self._part(after[position], wanted[-1]) is not None:
                along[position] = wanted.pop()
        if wanted:  # what is left of the sides is somewhere in the first axis that holds much
            open_axes = [position for position, side in enumerate(along) if side is None and after[position] > 1]
            if open_axes:
                along[max(open_axes, key=lambda position: after[position])] = _Along.BOTH
        return tuple(along)

    def _resize(self, node: onnx.NodeProto) -> None:
        self._carry_over(node)
        if node.op_type == "Upsample" or len(node.input) < 4 or not node.input[3]:
            return
        before, after = self._shape(node.input[0]), self._shape(node.output[0])
        if before is None or after is None or not self._states_a_side(node.input[3], node.input[0]):
            return
        scales = []
        for old, new in zip(before, after, strict=True):
            scale = Fraction(new, old)
            if scale.denominator > _FINEST or scale.numerator > _FINEST:
                raise SizeIsNeededError(_("a picture is scaled from {old} to {new} pixels inside it", old=old, new=new))
            scales.append(float(scale))
        name = add_constant(self._graph, f"{node.output[0]}/scales", np.array(scales, np.float32))
        replace(node.input, [node.input[0], node.input[1], name])
        self.count += 1

    def _states_a_side(self, name: str, picture: str) -> bool:
        """Whether a side of the result stands in the file as a number; else the sizes follow a tensor by themselves."""
        entries = self._entries(name)
        if entries is None:
            return False
        along = self._axes.get(picture, (None, None, _Along.HEIGHT, _Along.WIDTH))
        return any(entry is not None and side is not None for entry, side in zip(entries, along, strict=False))

    def _entries(self, name: str, steps: int = 8) -> list[int | None] | None:
        """Return the numbers of a small tensor, None for each that is computed; None where even their count is unknown.

        PyTorch writes `interpolate(size=...)` as batch and channels out of the tensor's shape, joined with numbers.
        """
        constant = self._view.constant(name)
        if constant is not None:
            return [int(entry) for entry in constant.ravel()]
        node = self._view.producers.get(name)
        if node is None or steps == 0:
            return None
        if node.op_type in ("Cast", "Identity", "Unsqueeze", "Squeeze"):
            return self._entries(node.input[0], steps - 1)
        if node.op_type != "Concat":
            shape = self._shape(name)
            return None if shape is None or len(shape) > 1 else [None] * (shape[0] if shape else 1)
        parts = [self._entries(part, steps - 1) for part in node.input]
        return None if None in parts else [entry for part in parts if part is not None for entry in part]

    def _slice(self, node: onnx.NodeProto) -> None:
        self._carry_over(node)
        before = self._shape(node.input[0])
        starts, ends = self._view.input_constant(node, 1), self._view.input_constant(node, 2)
        axes = self._view.input_constant(node, 3)
        if before is None or starts is None or ends is None:
            return
        which = range(len(starts)) if axes is None else [int(axis) % len(before) for axis in axes.ravel()]
        along = self._axes.get(node.input[0], (None,) * len(before))
        new_starts, new_ends = [int(value) for value in starts.ravel()], [int(value) for value in ends.ravel()]
        for position, axis in enumerate(which):
            size = before[axis]
            if new_ends[position] == size:
                new_ends[position] = _ALL
            elif along[axis] is not None and size / 2 < new_ends[position] < size:
                new_ends[position] -= size  # counted from the far end
            if along[axis] is not None and size / 2 < new_starts[position] < size:
                new_starts[position] -= size
        if new_ends != ends.ravel().tolist() or new_starts != starts.ravel().tolist():
            node.input[1] = add_constant(self._graph, f"{node.output[0]}/starts", np.array(new_starts, np.int64))
            node.input[2] = add_constant(self._graph, f"{node.output[0]}/ends", np.array(new_ends, np.int64))
            self.count += 1

    def _pool(self, node: onnx.NodeProto) -> None:
        before = self._shape(node.input[0])
        kernel = attribute(node, "kernel_shape")
        if before is not None and len(before) == 4 and list(before[2:]) == list(kernel) and min(kernel) > 1:
            node.op_type = "Global" + node.op_type  # a mean over all that there is
            del node.attribute[:]
            self.count += 1
        self._carry_over(node)

    def _shape(self, name: str) -> tuple[int, ...] | None:
        shape = self._shapes.get(name)
        if shape is None or not all(isinstance(side, int) for side in shape):
            return None
        return tuple(int(side) for side in shape)

    def _part(self, number: int, side: _Along) -> Fraction | None:
        """Return which part of a side a number above 1 is, None where it is none that a network would make."""
        part = Fraction(number, self._sides[side])
        return part if part.denominator <= _FINEST and part.numerator <= _FINEST and number > 1 else None

    def _side(self, side: _Along, part: Fraction) -> str:
        """Return the name of a tensor [1] that holds that part of the running picture's side."""
        if (side, part) in self._parts:
            return self._parts[side, part]
        whole = {_Along.HEIGHT: _HEIGHT, _Along.WIDTH: _WIDTH}[side]
        one = Fraction(1)
        if (side, one) not in self._parts:
            axis = {_Along.HEIGHT: self._input.layout.height_axis, _Along.WIDTH: self._input.layout.width_axis}[side]
            index = add_constant(self._graph, f"{whole}/axis", np.array([axis], np.int64))
            self._made.append(helper.make_node("Shape", [self._input.name], [f"{whole}/shape"]))
            self._made.append(helper.make_node("Gather", [f"{whole}/shape", index], [whole], axis=0))
            self._parts[side, one] = whole
        if part != one:
            name = f"{whole}/{part.numerator}_of_{part.denominator}"
            factor = add_constant(self._graph, f"{name}/times", np.array([part.numerator], np.int64))
            divisor = add_constant(self._graph, f"{name}/by", np.array([part.denominator], np.int64))
            self._made.append(helper.make_node("Mul", [whole, factor], [f"{name}/product"]))
            self._made.append(helper.make_node("Div", [f"{name}/product", divisor], [name]))
            self._parts[side, part] = name
        return self._parts[side, part]

    def _number(self, node: onnx.NodeProto, position: int, entry: int) -> str:
        name = f"{node.output[0]}/shape/{position}"
        return add_constant(self._graph, name, np.array([entry], np.int64))


def _matched(before: Sequence[int], axes: _Axes, after: Sequence[int]) -> _Axes | None:
    """Match axes before and after a Reshape, group by group of equal content; None where sides were folded together."""
    along: list[_Along | None] = [None] * len(after)
    before_at = after_at = 0
    while before_at < len(before) or after_at < len(after):
        before_first, after_first = before_at, after_at
        left = before[before_at] if before_at < len(before) else 1
        right = after[after_at] if after_at < len(after) else 1
        before_at, after_at = before_at + 1, after_at + 1
        while left != right:
            if left < right and before_at < len(before):
                left *= before[before_at]
                before_at += 1
            elif right < left and after_at < len(after):
                right *= after[after_at]
                after_at += 1
            else:
                return None
        sides = [side for side in axes[before_first:before_at] if side is not None]
        if not sides:
            continue
        large = [position for position in range(after_first, min(after_at, len(after))) if after[position] > 1]
        folded = len(sides) > 1 or sides[0] is _Along.BOTH
        if folded and len(large) > 1:
            return None
        if large:
            along[large[0]] = _Along.BOTH if folded else sides[0]
    return tuple(along)
