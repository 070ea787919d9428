"""What the first and the last operators of a graph tell of its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from realtime.model_import.graph.value_ranges import infer_input, infer_output
from realtime.model_import.graph.view import GraphView
from realtime.model_import.hints import ColourOrder, ValueRange

B, U, S = ValueRange.BYTES, ValueRange.UNIT, ValueRange.SIGNED
Step = tuple[str, Any]


def chain(steps: list[Step]) -> GraphView:
    """A graph x → … → y of operators, each with one constant (None: without)."""
    nodes, tensors, current = [], [], "x"
    for position, (operator, value) in enumerate(steps):
        name = "y" if position == len(steps) - 1 else f"t{position}"
        inputs = [current]
        attributes: dict[str, Any] = {}
        if operator == "Clip":
            for end, number in enumerate(value):
                tensors.append(numpy_helper.from_array(np.array(number, np.float32), f"c{position}_{end}"))
                inputs.append(f"c{position}_{end}")
        elif operator == "Transpose":
            attributes["perm"] = value
        elif value is not None:
            array = np.array(value, np.float32)
            tensors.append(numpy_helper.from_array(array.reshape(-1, 1, 1) if array.ndim else array, f"c{position}"))
            inputs.append(f"c{position}")
        nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        current = name
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "h", "w"]) for name in "xy"]
    graph: onnx.GraphProto = helper.make_graph(nodes, "chain", ports[:1], ports[1:], tensors)
    return GraphView(graph)


@pytest.mark.parametrize(
    ("steps", "values", "order"),
    [
        ([("Div", 255.0), ("Relu", None)], B, None),
        ([("Mul", 1 / 255), ("Relu", None)], B, None),
        ([("Div", 127.5), ("Sub", 1.0), ("Relu", None)], B, None),
        ([("Sub", 127.5), ("Div", 127.5), ("Relu", None)], B, None),
        ([("Sub", [123.68, 116.78, 103.94]), ("Relu", None)], B, ColourOrder.RGB),
        ([("Sub", [103.94, 116.78, 123.68]), ("Relu", None)], B, ColourOrder.BGR),
        ([("Add", [-103.94, -116.78, -123.68]), ("Relu", None)], B, ColourOrder.BGR),
        ([("Transpose", [0, 2, 3, 1]), ("Div", 255.0), ("Relu", None)], B, None),
        ([("Sub", [0.485, 0.456, 0.406]), ("Div", [0.229, 0.224, 0.225]), ("Relu", None)], U, ColourOrder.RGB),
        ([("Mul", 2.0), ("Sub", 1.0), ("Relu", None)], U, None),
        ([("Sub", 0.5), ("Div", 0.5), ("Relu", None)], U, None),
        ([("Mul", 255.0), ("Relu", None)], U, None),
        ([("Add", 1.0), ("Mul", 127.5), ("Relu", None)], S, None),
        ([("Add", 1.0), ("Div", 2.0), ("Relu", None)], S, None),
        ([("Mul", 127.5), ("Add", 127.5), ("Relu", None)], S, None),
        ([("Mul", 0.5), ("Add", 0.5), ("Relu", None)], S, None),
        ([("Relu", None)], None, None),
        ([("Relu", None), ("Div", 255.0)], None, None),
        ([("Mul", 1.1), ("Relu", None)], None, None),
    ],
)
def test_the_first_operators_tell_what_is_expected(
    steps: list[Step], values: ValueRange | None, order: ColourOrder | None
) -> None:
    inferred = infer_input(chain(steps), "x")
    assert (inferred.values, inferred.order) == (values, order)
    assert bool(inferred.because) == (values is not None)


@pytest.mark.parametrize(
    ("steps", "values", "bare"),
    [
        ([("Tanh", None)], S, True),
        ([("Tanh", None), ("Transpose", [0, 2, 3, 1])], S, True),
        ([("Sigmoid", None)], U, False),
        ([("Sigmoid", None), ("Mul", 255.0)], B, False),
        ([("Tanh", None), ("Mul", 0.5), ("Add", 0.5)], U, False),
        ([("Tanh", None), ("Add", 1.0), ("Div", 2.0)], U, False),
        ([("Tanh", None), ("Mul", 150.0), ("Add", 127.5)], B, False),
        ([("Tanh", None), ("Mul", 150.0), ("Add", 127.5), ("Clip", (0.0, 255.0))], B, False),
        ([("Neg", None), ("Clip", (-1.0, 0.0)), ("Neg", None)], U, False),
        ([("Relu", None), ("Clip", (0.0, 1.0)), ("Mul", 255.0)], B, False),
        ([("Min", 255.0), ("Max", 0.0), ("Transpose", [0, 2, 3, 1])], B, False),
        ([("Max", 0.0)], None, False),
        ([("Relu", None)], None, False),
        ([("Tanh", None), ("Mul", 7.0)], None, False),
    ],
)
def test_the_last_operators_tell_what_is_given(steps: list[Step], values: ValueRange | None, bare: bool) -> None:
    inferred = infer_output(chain([("Abs", None), *steps]), "y")
    assert (inferred.values, inferred.is_bare_tanh) == (values, bare)


def test_a_shape_read_off_the_picture_is_no_second_use() -> None:
    view = chain([("Div", 255.0), ("Relu", None)])
    graph = view.graph
    graph.node.append(helper.make_node("Shape", ["x"], ["sides"]))
    assert infer_input(GraphView(graph), "x").values is B
