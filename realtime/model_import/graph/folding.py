"""Computes what a graph computes out of constants alone: exporters leave pads and shapes as long sums of numbers."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from realtime.model_import.graph.view import replace

# Operators that make shapes, pads and scales. Weights that are scaled or joined stay as they are: ONNX Runtime folds
# them itself, and here they would only be slow.
_FOLDED = frozenset(
    {
        "Add",
        "Cast",
        "Ceil",
        "Concat",
        "ConstantOfShape",
        "Div",
        "Expand",
        "Flatten",
        "Floor",
        "Gather",
        "Identity",
        "Mul",
        "Neg",
        "Range",
        "Reshape",
        "Shape",
        "Slice",
        "Squeeze",
        "Sub",
        "Transpose",
        "Unsqueeze",
        "Where",
    }
)
_LARGEST = 1024  # numbers in one input; shapes have less than ten


def fold_constants(model: onnx.ModelProto) -> None:
    """Replace, in place, nodes whose inputs are all small constants by what they give."""
    graph = model.graph
    known = {tensor.name: tensor for tensor in graph.initializer if math.prod(tensor.dims) <= _LARGEST}
    kept = []
    for node in graph.node:
        if node.op_type in _FOLDED and node.domain == "" and all(not name or name in known for name in node.input):
            made = _computed(model, node, known)
            if made is not None:
                known[made.name] = made
                graph.initializer.append(made)
                continue
        kept.append(node)
    replace(graph.node, kept)


def _computed(
    model: onnx.ModelProto, node: onnx.NodeProto, known: dict[str, onnx.TensorProto]
) -> onnx.TensorProto | None:
    result = helper.make_tensor_value_info(node.output[0], onnx.TensorProto.UNDEFINED, None)
    tensors = [known[name] for name in dict.fromkeys(node.input) if name]
    piece = helper.make_model(
        helper.make_graph([node], "piece", [], [result], tensors), opset_imports=list(model.opset_import), ir_version=8
    )
    try:
        (value,) = ReferenceEvaluator(piece).run(None, {})
        made = numpy_helper.from_array(np.asarray(value), node.output[0])
    except Exception:  # what the reference cannot do is left for ONNX Runtime
        return None
    return made if math.prod(made.dims) <= _LARGEST else None
