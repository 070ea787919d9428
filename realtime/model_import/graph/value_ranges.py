"""What a graph tells of its numbers: the first operators say what it expects, the last ones what it can give."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from realtime.core.language import _
from realtime.model_import.graph.view import GraphView, attribute
from realtime.model_import.hints import ColourOrder, ValueRange

_FAR = 30  # operators looked through at most: the ends of a graph are short
_MOVING = frozenset({"Identity", "Transpose", "Squeeze", "Unsqueeze", "Reshape", "Slice", "Cast", "Dropout", "Flatten"})
"""Operators that move numbers and leave each as it is."""


class InferredInput(NamedTuple):
    """What the first operators say of the input."""

    values: ValueRange | None
    order: ColourOrder | None
    because: str


class InferredOutput(NamedTuple):
    """What the last operators say of the output."""

    values: ValueRange | None
    because: str
    is_bare_tanh: bool = False
    """A tanh with nothing after it: by custom such a network also reads −1..1."""


def infer_input(view: GraphView, name: str) -> InferredInput:
    """Follow the picture into the graph as long as it is only scaled and shifted, and say what that tells."""
    current = name
    steps: list[tuple[str, NDArray[Any]]] = []
    for _unused in range(_FAR):
        users = [node for node in view.consumers[current] if node.op_type != "Shape"]
        if len(users) != 1:
            break
        node = users[0]
        if node.op_type in _MOVING or node.op_type == "Pad":
            current = node.output[0]
            continue
        if node.op_type not in ("Mul", "Div", "Add", "Sub") or node.input[0] != current:
            break
        constant = view.input_constant(node, 1)
        if constant is None or constant.size not in (1, 3):
            break
        steps.append((node.op_type, constant.astype(np.float64).ravel()))
        current = node.output[0]
    return _read_steps(steps)


def _read_steps(steps: list[tuple[str, NDArray[Any]]]) -> InferredInput:
    """The first step that names a known number decides: 255 and 127.5 divide bytes, 0.485 is a mean of 0..1 …"""
    for operator, constant in steps:
        size = float(np.abs(constant).mean())
        order = _order_of_means(constant) if operator in ("Sub", "Add") else None
        if operator in ("Div", "Mul"):
            factor = 1 / size if operator == "Div" and size else size
            shown = _("it {verb} by {size:g} first", verb="divides" if operator == "Div" else "multiplies", size=size)
            if 1 / 300 < factor < 1 / 50:  # 1/255, 1/127.5, 1/128, and 1/58 of ImageNet's deviations
                return InferredInput(ValueRange.BYTES, None, shown)
            if 100 < factor < 300:
                known = ValueRange.SIGNED if _adds_half(steps) else ValueRange.UNIT
                return InferredInput(known, None, shown)
            if math.isclose(factor, 2, rel_tol=0.02):
                return InferredInput(ValueRange.UNIT, None, shown)
            if math.isclose(factor, 0.5, rel_tol=0.02) and _adds_half(steps):
                return InferredInput(ValueRange.SIGNED, None, shown)
            if 3 < factor < 6:
                return InferredInput(ValueRange.UNIT, None, shown)
        else:
            shown = _("it takes off {constant} first", constant=", ".join(f"{value:g}" for value in np.abs(constant)))
            if 90 < size < 140:
                return InferredInput(ValueRange.BYTES, order, shown)
            if 0.3 < size < 0.6 and not (operator == "Add" and constant.mean() > 0):
                return InferredInput(ValueRange.UNIT, order, shown)
            if operator == "Add" and math.isclose(size, 1, rel_tol=0.02) and constant.mean() > 0:
                return InferredInput(ValueRange.SIGNED, None, _("it adds 1 first"))
    return InferredInput(None, None, "")


def _adds_half(steps: list[tuple[str, NDArray[Any]]]) -> bool:
    """Tell whether a positive shift follows, as in (x + 1) / 2 or x · 127.5 + 127.5."""
    return any(operator == "Add" and constant.mean() > 0 for operator, constant in steps)


def _order_of_means(constant: NDArray[Any]) -> ColourOrder | None:
    """ImageNet's means fall from red to blue (0.485, 0.456, 0.406; 123.7, 116.8, 103.9)."""
    means = np.abs(constant)
    if means.size != 3 or means.max() - means.min() < 0.02 * means.max():
        return None
    return ColourOrder.RGB if means[0] > means[2] else ColourOrder.BGR


class _Bound(NamedTuple):
    low: float
    high: float
    because: str


_BOUNDED = {"Tanh": (-1.0, 1.0), "Sigmoid": (0.0, 1.0), "HardSigmoid": (0.0, 1.0)}


def infer_output(view: GraphView, name: str) -> InferredOutput:
    """Go back from the output as long as numbers are only scaled, shifted and clipped, and say what they can be."""
    current = name
    scale, offset = 1.0, 0.0  # output = scale · current + offset
    low, high = -math.inf, math.inf  # of the output, from clipping
    clipped_by = ""
    for _unused in range(_FAR):
        node = view.producers.get(current)
        if node is None:
            break
        if node.op_type in _BOUNDED:
            ends = sorted(scale * end + offset for end in _BOUNDED[node.op_type])
            bare = node.op_type == "Tanh" and scale == 1 and offset == 0
            after = "" if scale == 1 and offset == 0 else _(", scaled to {low:g}..{high:g}", low=ends[0], high=ends[1])
            bound = _Bound(
                max(low, ends[0]),
                min(high, ends[1]),
                _("the {op_type} at its end{after}", op_type=node.op_type.lower(), after=after),
            )
            return InferredOutput(_nearest_range(bound), bound.because, bare)
        if node.op_type in _MOVING:
            current = node.input[0]
            continue
        if node.op_type in ("Clip", "Min", "Max"):
            least, most, inner = _limits(view, node)
            if inner is None:
                break
            ends = sorted((scale * least + offset, scale * most + offset))
            low, high = max(low, ends[0]), min(high, ends[1])
            clipped_by = _("the clip to {low:g}..{high:g} at its end", low=low, high=high)
            current = inner
            continue
        step = _affine(view, node)
        if step is None:
            break
        current, factor, shift = step
        scale, offset = scale * factor, offset + scale * shift
    if math.isfinite(low) and math.isfinite(high):
        return InferredOutput(_nearest_range(_Bound(low, high, clipped_by)), clipped_by)
    return InferredOutput(None, "")


def _limits(view: GraphView, node: onnx.NodeProto) -> tuple[float, float, str | None]:
    """Return what Clip, Min or Max allow, and the tensor they clip (None where that is not one tensor)."""
    if node.op_type == "Clip":
        ends = [attribute(node, "min"), attribute(node, "max")]
        for position in (1, 2):
            constant = view.input_constant(node, position)
            if constant is not None and constant.size == 1:
                ends[position - 1] = float(constant.ravel()[0])
        return (
            -math.inf if ends[0] is None else float(ends[0]),
            math.inf if ends[1] is None else float(ends[1]),
            node.input[0],
        )
    constants = {position: view.input_constant(node, position) for position in range(len(node.input))}
    numbers = [value for value in constants.values() if value is not None and value.size == 1]
    others = [node.input[position] for position, value in constants.items() if value is None]
    if len(others) != 1 or len(numbers) != len(node.input) - 1:
        return -math.inf, math.inf, None
    values = [float(number.ravel()[0]) for number in numbers]
    return (-math.inf, min(values), others[0]) if node.op_type == "Min" else (max(values), math.inf, others[0])


def _affine(view: GraphView, node: onnx.NodeProto) -> tuple[str, float, float] | None:
    """Read `a · x + b` off one node: (x, a, b), None where it is something else."""
    if node.op_type == "Neg":
        return node.input[0], -1.0, 0.0
    if node.op_type not in ("Mul", "Div", "Add", "Sub"):
        return None
    for position, other in ((1, 0), (0, 1)):
        constant = view.input_constant(node, position)
        if constant is None or constant.size == 0 or np.ptp(constant) > 1e-6 * float(np.abs(constant).max() or 1):
            continue
        value = float(constant.ravel()[0])
        inner = node.input[other]
        if node.op_type == "Mul":
            return inner, value, 0.0
        if node.op_type == "Add":
            return inner, 1.0, value
        if node.op_type == "Sub":
            return (inner, 1.0, -value) if position == 1 else (inner, -1.0, value)
        if position == 1 and value != 0:
            return inner, 1 / value, 0.0
    return None


def _nearest_range(bound: _Bound) -> ValueRange | None:
    """The known range that a bound stands for; a little more on both sides is custom (tanh · 150 + 127.5)."""
    for known in (ValueRange.BYTES, ValueRange.UNIT, ValueRange.SIGNED):
        (scale,), (black,) = known.affine
        white = 255 * scale + black
        slack = 0.15 * (white - black)
        if abs(bound.low - black) <= slack and abs(bound.high - white) <= slack:
            return known
    return None
