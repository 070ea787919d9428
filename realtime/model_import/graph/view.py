"""Small views on an ONNX graph: who makes a tensor, who uses it, what is constant."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from realtime.core.errors import ModelError, nearest
from realtime.core.language import _

ELEMENT_TYPES: Mapping[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.DOUBLE: "float64",
    onnx.TensorProto.UINT8: "uint8",
}
"""What a picture may be made of, by ONNX's number for it."""


OUR_NAMES = frozenset(
    {
        *("frame", "frame_out", "numbers", "face", "face_out", "mask", "identity", "morph", "z"),
        *("truncation", "fine", "layers"),
    }
)
OUR_PREFIX = "realtime/"
"""What our own tensors are called; a network that uses such names has its own renamed."""
THEIR_PREFIX = "network/"


def no_such_output(asked: str, names: Sequence[str], where: str) -> ModelError:
    """Return the error for an output `asked` for that is none of `names`."""
    known = [shown_name(name) for name in names]
    return ModelError(
        _(
            "{where} has no output '{output}'{hint}; it has: {known}",
            where=where,
            output=asked,
            hint=nearest(asked, known),
            known=known,
        )
    )


def shown_name(name: str) -> str:
    """Return a tensor's name as its maker wrote it."""
    return name.removeprefix(THEIR_PREFIX)


class GraphView:
    """Look-ups into one graph, built once; the graph is not changed while it is in use."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.producers: dict[str, onnx.NodeProto] = {}
        self.consumers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        for node in graph.node:
            for name in node.output:
                self.producers[name] = node
            for name in node.input:
                self.consumers[name].append(node)

    def constant(self, name: str) -> NDArray[Any] | None:
        """Return a tensor's values where they are part of the file, None where they are computed."""
        tensor = self._tensors.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def input_constant(self, node: onnx.NodeProto, position: int) -> NDArray[Any] | None:
        """Return the values of a node's input, None where it has none there or they are computed."""
        return self.constant(node.input[position]) if position < len(node.input) else None

    def reached_from(self, name: str) -> set[str]:
        """Return every tensor that depends on this one's values or shape."""
        reached = {name}
        for node in self.graph.node:  # ONNX keeps nodes in an order in which each comes after what it uses
            if any(used in reached for used in (*node.input, *_outer_names(node))):
                reached.update(output for output in node.output if output)
        return reached


def attribute(node: onnx.NodeProto, name: str, default: Any = None) -> Any:
    """Return an attribute's value, or `default` where the node has none of that name."""
    for entry in node.attribute:
        if entry.name == name:
            return helper.get_attribute_value(entry)
    return default


def dimensions(value: onnx.ValueInfoProto) -> tuple[int | str, ...] | None:
    """Return a tensor's shape, a name or `?` for each free side; None where the file does not say."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(
        side.dim_value if side.HasField("dim_value") and side.dim_value > 0 else side.dim_param or "?"
        for side in tensor.shape.dim
    )


def known_shapes(model: onnx.ModelProto) -> dict[str, tuple[int | str, ...]]:
    """Return every shape ONNX can infer, by the tensor's name."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # an operator it does not know; what the file states is left
        inferred = model
    shapes: dict[str, tuple[int | str, ...]] = {
        tensor.name: tuple(tensor.dims) for tensor in inferred.graph.initializer
    }
    for value in (*inferred.graph.input, *inferred.graph.value_info, *inferred.graph.output):
        shape = dimensions(value)
        if shape is not None:
            shapes[value.name] = shape
    return shapes


def add_constant(graph: onnx.GraphProto, name: str, values: NDArray[Any]) -> str:
    """Add a constant and return its name."""
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    return name


class NodeWriter:
    """Writes operators and their constants; what it names begins with `OUR_PREFIX`."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self._nodes: list[onnx.NodeProto] = []
        self._count = 0

    def node(self, operator: str, inputs: list[str], output: str = "", **attributes: Any) -> str:
        """Write an operator with one output; return that output's name."""
        name = self._name(operator)
        self._nodes.append(helper.make_node(operator, inputs, [output or name], name=name, **attributes))
        return output or name

    def constant(self, values: NDArray[Any]) -> str:
        """Write an array of any shape and type into the file; return its name."""
        return add_constant(self.graph, self._name("constant"), values)

    def float(self, value: float) -> str:
        """Write one float32, of shape (); return its name."""
        return self.constant(np.array(value, np.float32))

    def ints(self, values: list[int]) -> str:
        """Write int64 numbers of shape (n,), as shapes and axes are; return their name."""
        return self.constant(np.array(values, np.int64))

    def new_nodes(self) -> list[onnx.NodeProto]:
        """Return what was written since the last time."""
        nodes, self._nodes = self._nodes, []
        return nodes

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{OUR_PREFIX}{what.lower()}_{self._count}"


def prune(model: onnx.ModelProto, outputs: list[str]) -> None:
    """Take out of a graph, in place, what these outputs do not need."""
    graph = model.graph
    needed = set(outputs)
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(node.input)
            needed.update(_outer_names(node))
    replace(graph.node, kept[::-1])
    replace(graph.initializer, [tensor for tensor in graph.initializer if tensor.name in needed])
    replace(graph.output, [value for value in graph.output if value.name in outputs])


def in_order(nodes: Sequence[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Return nodes so that each comes after what it uses, as ONNX wants and programs that make files smaller forget
    (the casts around a graph of float16 stand at its end); otherwise as they were. Circles stay as they are.
    """
    made = {name for node in nodes for name in node.output if name}
    missing: list[int] = []
    users: dict[str, list[int]] = defaultdict(list)
    for number, node in enumerate(nodes):
        used = {name for name in (*node.input, *_outer_names(node)) if name in made} - set(node.output)
        missing.append(len(used))
        for name in used:
            users[name].append(number)
    ready = [number for number, count in enumerate(missing) if count == 0]
    heapq.heapify(ready)
    ordered: list[int] = []
    while ready:
        number = heapq.heappop(ready)
        ordered.append(number)
        for name in nodes[number].output:
            for user in users.pop(name, ()):
                missing[user] -= 1
                if missing[user] == 0:
                    heapq.heappush(ready, user)
    return [nodes[number] for number in ordered] if len(ordered) == len(nodes) else list(nodes)


def _outer_names(node: onnx.NodeProto) -> set[str]:
    """Return every name used inside a node's own graphs (the branches of an If)."""
    names: set[str] = set()
    for entry in node.attribute:
        for graph in (entry.g, *entry.graphs):
            names.update(value.name for value in graph.output)
            for inner in graph.node:
                names.update(inner.input)
                names |= _outer_names(inner)
    return names


def replace(field: Any, values: list[Any]) -> None:
    """Set a repeated field of a protocol buffer."""
    del field[:]
    field.extend(values)
