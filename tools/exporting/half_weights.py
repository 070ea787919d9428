"""Weights of half the size in the file, and of full size where they are computed with."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_FEW = 10_000
"""Numbers of a tensor that saves nothing worth its bits: 20 kB. Norms, and steps by which pictures are enlarged."""
_MOST_ERROR = 1e-3
"""Of the size of all its numbers: rounding to 11 bits costs 0.0003. What lies beyond float16's range, or so near to 0
that bits are missing, costs more and stays as it is."""


def stored_in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` with its weights as float16, each behind a cast to float32.

    ONNX Runtime folds the casts when it opens the file, so runs take no longer and no activation loses a bit.
    """
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) <= _FEW:
            continue
        weights = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            halves = weights.astype(np.float16)
        if not np.linalg.norm(halves - weights) <= _MOST_ERROR * np.linalg.norm(weights):
            continue
        stored = f"{tensor.name}/half"
        casts.append(helper.make_node("Cast", [stored], [tensor.name], f"{tensor.name}/cast", to=TensorProto.FLOAT))
        tensor.CopyFrom(numpy_helper.from_array(halves, stored))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model
