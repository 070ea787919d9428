"""Small ONNX files that ask for more than anybody has, or are not what they say: each with a way of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from realtime.models.card import ModelCard, ModelKind

Nodes = list[onnx.NodeProto]
Tensors = dict[str, NDArray[Any]]

ENDLESS = 2**62


def write(
    path: Path,
    nodes: Nodes,
    tensors: Tensors | None = None,
    *,
    with_card: bool,
    functions: Sequence[onnx.FunctionProto] = (),
    sides: tuple[int | str, int | str] = ("height", "width"),
    value: str = "value",
) -> Path:
    """Write a graph whose `nodes` make `value`, a number that is added to the picture, out of nothing or `floats`.

    `with_card`: with a card of ours, uint8 in and out; else as somebody's network of 0..1, planes first.
    """
    initializers = [numpy_helper.from_array(array, name) for name, array in (tensors or {}).items()]
    height, width = sides
    if with_card:
        ends = [
            helper.make_node("Cast", ["frame"], ["floats"], to=TensorProto.FLOAT),
            *nodes,
            helper.make_node("Add", ["floats", value], ["sum"]),
            helper.make_node("Cast", ["sum"], ["frame_out"], to=TensorProto.UINT8),
        ]
        shape: list[int | str | None] = [1, height, width, 3]
        names, kind = ("frame", "frame_out"), TensorProto.UINT8
    else:
        ends = [
            helper.make_node("Identity", ["x"], ["floats"]),
            *nodes,
            helper.make_node("Add", ["floats", value], ["y"]),
        ]
        shape = [1, 3, height, width]
        names, kind = ("x", "y"), TensorProto.FLOAT
    graph = helper.make_graph(
        ends,
        "hostile",
        [helper.make_tensor_value_info(names[0], kind, shape)],
        [helper.make_tensor_value_info(names[1], kind, shape)],
        initializers,
    )
    domains = {function.domain for function in functions}
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)],
        functions=list(functions),
        ir_version=8,
    )
    if with_card:
        helper.set_model_props(model, ModelCard(ModelKind.STYLE, title=path.stem).metadata())
    path.write_bytes(model.SerializeToString())
    return path


def _ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


def _mean(name: str) -> onnx.NodeProto:
    return helper.make_node("ReduceMean", [name], ["value"], keepdims=0)


def loop(times: NDArray[np.int64] | None) -> tuple[Nodes, Tensors]:
    """A Loop of so many times, or, with None, for as long as its own condition holds."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Add", ["carried", "tiny"], ["more"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("more", TensorProto.FLOAT, []),
        ],
    )
    node = helper.make_node("Loop", ["" if times is None else "times", "yes", "zero"], ["value"], body=body)
    tensors: Tensors = {
        "yes": np.array(True),
        "zero": np.array(0, np.float32),
        "tiny": np.array(1e-6, np.float32),
    }
    if times is not None:
        tensors["times"] = times
    return [node], tensors


def endless_loop(path: Path, *, with_card: bool) -> Path:
    return write(path, *loop(np.array(ENDLESS, np.int64)), with_card=with_card)


def loop_while_it_likes(path: Path, *, with_card: bool) -> Path:
    return write(path, *loop(None), with_card=with_card)


def loop_by_the_picture(path: Path, *, with_card: bool) -> Path:
    """Its number of times is computed: the square of the picture's own."""
    nodes, tensors = loop(None)
    del nodes[0].input[:]
    nodes[0].input.extend(["times", "yes", "zero"])
    size = [helper.make_node("Size", ["floats"], ["size"]), helper.make_node("Mul", ["size", "size"], ["times"])]
    return write(path, [*size, *nodes], tensors, with_card=with_card)


def loops_in_loops(path: Path, *, with_card: bool) -> Path:
    nodes, tensors = loop(np.array(1000, np.int64))
    for _ in range(3):
        inner = nodes[0]
        body = helper.make_graph(
            [
                helper.make_node("Identity", ["go"], ["on"]),
                inner,
                helper.make_node("Add", ["carried", "value"], ["more"]),
            ],
            "body",
            list(inner.attribute[0].g.input),
            list(inner.attribute[0].g.output),
        )
        nodes = [helper.make_node("Loop", ["times", "yes", "zero"], ["value"], body=body)]
    return write(path, nodes, tensors, with_card=with_card)


def two_to_the_thirtieth(path: Path, *, with_card: bool) -> Path:
    """Thirty functions that each call the one before twice."""
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "f0", ["a"], ["b"], [helper.make_node("Identity", ["a"], ["b"])], opset)]
    for number in range(1, 31):
        calls = [
            helper.make_node(f"f{number - 1}", ["a"], ["c"], domain="own"),
            helper.make_node(f"f{number - 1}", ["c"], ["b"], domain="own"),
        ]
        functions.append(helper.make_function("own", f"f{number}", ["a"], ["b"], calls, opset))
    nodes = [helper.make_node("f30", ["zero"], ["value"], domain="own")]
    return write(path, nodes, {"zero": np.array(0, np.float32)}, with_card=with_card, functions=functions)


def itself(path: Path, *, with_card: bool) -> Path:
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    calls = [helper.make_node("f", ["a"], ["b"], domain="own")]
    function = helper.make_function("own", "f", ["a"], ["b"], calls, opset)
    nodes = [helper.make_node("f", ["zero"], ["value"], domain="own")]
    return write(path, nodes, {"zero": np.array(0, np.float32)}, with_card=with_card, functions=[function])


def many_nodes(path: Path, *, with_card: bool) -> Path:
    nodes = [helper.make_node("Identity", ["zero"], ["v0"])]
    nodes += [helper.make_node("Add", [f"v{number}", "zero"], [f"v{number + 1}"]) for number in range(60_000)]
    return write(path, nodes, {"zero": np.array(0, np.float32)}, with_card=with_card, value="v60000")


def zeros(path: Path, *, with_card: bool, count: int = 900_000_000) -> Path:
    nodes = [helper.make_node("ConstantOfShape", ["shape"], ["zeros"]), _mean("zeros")]
    return write(path, nodes, {"shape": _ints(count)}, with_card=with_card)


def more_zeros(path: Path, *, with_card: bool) -> Path:
    return zeros(path, with_card=with_card, count=20_000_000_000)


def expanded(path: Path, *, with_card: bool) -> Path:
    nodes = [helper.make_node("Expand", ["zero", "shape"], ["zeros"]), _mean("zeros")]
    return write(path, nodes, {"shape": _ints(30_000, 30_000), "zero": np.zeros(1, np.float32)}, with_card=with_card)


def tiled(path: Path, *, with_card: bool) -> Path:
    nodes = [helper.make_node("Tile", ["zero", "times"], ["zeros"]), _mean("zeros")]
    return write(path, nodes, {"times": _ints(900_000_000), "zero": np.zeros(1, np.float32)}, with_card=with_card)


def counted(path: Path, *, with_card: bool) -> Path:
    nodes = [helper.make_node("Range", ["zero", "much", "one"], ["numbers"]), _mean("numbers")]
    numbers = {"zero": 0, "much": 1e9, "one": 1}
    return write(path, nodes, {name: np.array(v, np.float32) for name, v in numbers.items()}, with_card=with_card)


def enlarged(path: Path, *, with_card: bool) -> Path:
    """The picture itself, 200 times as high and wide."""
    scales = [1, 200, 200, 1] if with_card else [1, 1, 200, 200]
    nodes = [helper.make_node("Resize", ["floats", "", "scales"], ["large"], mode="nearest"), _mean("large")]
    return write(path, nodes, {"scales": np.array(scales, np.float32)}, with_card=with_card)


def padded(path: Path, *, with_card: bool) -> Path:
    amounts = [0, 60_000, 60_000, 0] if with_card else [0, 0, 60_000, 60_000]
    nodes = [helper.make_node("Pad", ["floats", "amounts"], ["large"]), _mean("large")]
    return write(path, nodes, {"amounts": _ints(*amounts, 0, 0, 0, 0)}, with_card=with_card)


def doubled(path: Path, *, with_card: bool) -> Path:
    nodes = [helper.make_node("Identity", ["zero"], ["d0"])]
    nodes += [helper.make_node("Concat", [f"d{n}", f"d{n}"], [f"d{n + 1}"], axis=0) for n in range(31)]
    return write(path, [*nodes, _mean("d31")], {"zero": np.zeros(1, np.float32)}, with_card=with_card)


def all_with_all(path: Path, *, with_card: bool) -> Path:
    """The product of a column and a row, a million each."""
    nodes = [
        helper.make_node("ConstantOfShape", ["column"], ["a"]),
        helper.make_node("ConstantOfShape", ["row"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["c"]),
        _mean("c"),
    ]
    return write(path, nodes, {"column": _ints(1_000_000, 1), "row": _ints(1, 1_000_000)}, with_card=with_card)


def a_long_product(path: Path, *, with_card: bool) -> Path:
    """One operator that fits into memory and computes for an hour; nothing between its beginning and its end."""
    nodes = [
        helper.make_node("RandomUniform", [], ["a"], shape=[6000, 6000]),
        helper.make_node("MatMul", ["a", "a"], ["b0"]),
        *(helper.make_node("MatMul", [f"b{n}", "a"], [f"b{n + 1}"]) for n in range(60)),
        helper.make_node("ReduceMean", ["b60"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["value"]),
    ]
    return write(path, nodes, {"zero": np.array(0, np.float32)}, with_card=with_card)


def by_its_length(path: Path, *, with_card: bool) -> Path:
    """A Scan over a hundred million zeros."""
    body = helper.make_graph(
        [helper.make_node("Add", ["carried", "one"], ["more"])],
        "body",
        [
            helper.make_tensor_value_info("carried", TensorProto.FLOAT, []),
            helper.make_tensor_value_info("one", TensorProto.FLOAT, []),
        ],
        [helper.make_tensor_value_info("more", TensorProto.FLOAT, [])],
    )
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Scan", ["zero", "zeros"], ["value"], body=body, num_scan_inputs=1),
    ]
    return write(path, nodes, {"shape": _ints(100_000_000), "zero": np.array(0, np.float32)}, with_card=with_card)


def wide(path: Path, *, with_card: bool, side: int = 50_000) -> Path:
    return write(
        path,
        [helper.make_node("Identity", ["zero"], ["value"])],
        {"zero": np.array(0, np.float32)},
        with_card=with_card,
        sides=(side, side),
    )


def wider(path: Path, *, with_card: bool) -> Path:
    return wide(path, with_card=with_card, side=2_000_000)


def weights_without_numbers(path: Path, *, with_card: bool) -> Path:
    """A weight of 2^40 × 3 that says its shape and holds nothing."""
    write(path, [_mean("weights")], {"weights": np.zeros(3, np.float32)}, with_card=with_card)
    model = onnx.load(path)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    del tensor.dims[:]
    tensor.dims.extend([2**40, 3])
    tensor.ClearField("raw_data")
    path.write_bytes(model.SerializeToString())
    return path


def weights_beside_cut_short(path: Path, *, with_card: bool) -> Path:
    write(path, [_mean("weights")], {"weights": np.zeros(3, np.float32)}, with_card=with_card)
    model = onnx.load(path)
    tensor = next(tensor for tensor in model.graph.initializer if tensor.name == "weights")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    (path.parent / "weights.bin").write_bytes(b"\0\0\0\0")
    path.write_bytes(model.SerializeToString())
    return path


def sparse(path: Path, *, with_card: bool) -> Path:
    """One number among 10^10."""
    values = helper.make_tensor("weights", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("indices", TensorProto.INT64, [1], [7])
    write(path, [_mean("weights")], with_card=with_card)
    model = onnx.load(path)
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [10**10]))
    path.write_bytes(model.SerializeToString())
    return path


def no_numbers(path: Path, *, with_card: bool) -> Path:
    nodes = [helper.make_node("Sqrt", ["less"], ["value"])]
    return write(path, nodes, {"less": np.array(-1, np.float32)}, with_card=with_card)


def long_tag(path: Path, *, with_card: bool) -> Path:
    """A second graph behind a field's number of more than 32 bits, which libraries cut off to that of the graph."""
    endless_loop(path, with_card=with_card)
    hidden = onnx.load(path).graph.SerializeToString()
    wide(path, with_card=with_card, side=64)
    key, tag = (7 << 3 | 2) | 1 << 32, b""
    while key:
        tag, key = tag + bytes([key & 0x7F | (0x80 if key > 0x7F else 0)]), key >> 7
    length, size = b"", len(hidden)
    while True:
        length, size = length + bytes([size & 0x7F | (0x80 if size > 0x7F else 0)]), size >> 7
        if not size:
            break
    path.write_bytes(path.read_bytes() + tag + length + hidden)
    return path


REFUSED_UNREAD: dict[str, Callable[..., Path]] = {
    make.__name__: make
    for make in (
        endless_loop,
        loop_while_it_likes,
        loop_by_the_picture,
        loops_in_loops,
        two_to_the_thirtieth,
        itself,
        many_nodes,
        weights_without_numbers,
        weights_beside_cut_short,
        sparse,
        long_tag,
    )
}
"""Seen from the bytes alone."""

REFUSED_UNRUN: dict[str, Callable[..., Path]] = {
    make.__name__: make
    for make in (
        wide,
        wider,
        zeros,
        more_zeros,
        expanded,
        tiled,
        counted,
        enlarged,
        padded,
        doubled,
        all_with_all,
        a_long_product,
        by_its_length,
        no_numbers,
    )
}
"""Seen by running them where they can do no harm."""
