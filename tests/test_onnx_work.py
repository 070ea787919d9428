"""What a file asks for is known from its bytes: loops, functions, weights that are not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from realtime.core.errors import ModelError
from realtime.models.file_safety import check_safe, read_header
from realtime.models.workload import MOST_OPERATORS, MOST_RUNS
from tests import tiny_models
from tools.fuzzing import hostile_models


@pytest.mark.parametrize("with_card", [False, True])
@pytest.mark.parametrize("make", hostile_models.REFUSED_UNREAD.values(), ids=hostile_models.REFUSED_UNREAD)
def test_it_is_refused_before_a_library_sees_it(tmp_path: Path, make: Callable[..., Path], with_card: bool) -> None:
    path = make(tmp_path / "hostile.onnx", with_card=with_card)
    with pytest.raises(ModelError) as caught:
        check_safe(path, read_header(path))
    line = str(caught.value)
    assert line.startswith(str(path))
    assert "\n" not in line
    assert len(line) < len(str(path)) + 200


@pytest.mark.parametrize("times", [1, 5, 1000])
def test_a_loop_of_so_many_times_is_let_through_and_counted(tmp_path: Path, times: int) -> None:
    path = hostile_models.write(tmp_path / "loop.onnx", *hostile_models.loop(np.array(times, np.int64)), with_card=True)
    header = read_header(path)
    check_safe(path, header)
    assert (header.work.operators, header.work.runs) == (6, 4 + 2 * times)


def test_a_loop_may_be_too_long(tmp_path: Path) -> None:
    path = hostile_models.write(
        tmp_path / "loop.onnx", *hostile_models.loop(np.array(MOST_RUNS, np.int64)), with_card=True
    )
    with pytest.raises(ModelError, match="loops counted: too many"):
        check_safe(path, read_header(path))


def test_a_number_of_times_that_another_graph_knows_otherwise_is_the_larger(tmp_path: Path) -> None:
    """Names are a graph's own: a small number of that name elsewhere proves nothing."""
    path = hostile_models.endless_loop(tmp_path / "loop.onnx", with_card=True)
    model = onnx.load(path)
    (loop,) = [node for node in model.graph.node if node.op_type == "Loop"]
    loop.attribute[0].g.initializer.append(numpy_helper.from_array(np.array(1, np.int64), "times"))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="too many"):
        check_safe(path, read_header(path))


def test_functions_count_as_often_as_they_are_called(tmp_path: Path) -> None:
    opset = [helper.make_opsetid("", 17)]
    body = [helper.make_node("Neg", ["a"], ["c"]), helper.make_node("Neg", ["c"], ["b"])]
    function = helper.make_function("own", "twice", ["a"], ["b"], body, opset)
    nodes = [helper.make_node("twice", ["zero"], ["v0"], domain="own")]
    nodes += [helper.make_node("twice", [f"v{n}"], [f"v{n + 1}"], domain="own") for n in range(9)]
    zero = {"zero": np.array(0, np.float32)}
    path = hostile_models.write(tmp_path / "own.onnx", nodes, zero, with_card=True, functions=[function], value="v9")
    header = read_header(path)
    check_safe(path, header)
    assert header.work.operators == 3 + 10 * 3


def test_the_bound_of_operators_is_met_exactly(tmp_path: Path) -> None:
    def chain(count: int) -> Path:
        nodes = [helper.make_node("Identity", ["zero"], ["v0"])]
        nodes += [helper.make_node("Neg", [f"v{n}"], [f"v{n + 1}"]) for n in range(count - 4)]
        zero = {"zero": np.array(0, np.float32)}
        return hostile_models.write(tmp_path / "chain.onnx", nodes, zero, with_card=True, value=f"v{count - 4}")

    path = chain(MOST_OPERATORS)
    check_safe(path, read_header(path))
    path = chain(MOST_OPERATORS + 1)
    with pytest.raises(ModelError, match="over 10,000 operators"):
        check_safe(path, read_header(path))


@pytest.mark.parametrize(
    "tensor",
    [
        helper.make_tensor("w", TensorProto.FLOAT, [2, 3], [1.0] * 6),
        helper.make_tensor("w", TensorProto.FLOAT16, [5], np.ones(5, np.float16)),
        helper.make_tensor("w", TensorProto.INT64, [3], [1, -1, 2**40]),
        helper.make_tensor("w", TensorProto.INT32, [2], [-1, 1]),
        helper.make_tensor("w", TensorProto.DOUBLE, [2], [1.0, 2.0]),
        helper.make_tensor("w", TensorProto.BOOL, [3], [True, False, True]),
        helper.make_tensor("w", TensorProto.STRING, [2], [b"", b"text"]),  # type: ignore[list-item]
        helper.make_tensor("w", TensorProto.UINT4, [3], [1, 2, 3]),
        helper.make_tensor("w", TensorProto.FLOAT8E4M3FN, [3], [1.0, 2.0, 3.0]),
        helper.make_tensor("w", TensorProto.FLOAT, [0, 3], []),
        numpy_helper.from_array(np.ones((4, 2), np.uint8), "w"),
        numpy_helper.from_array(np.array(1, np.float32), "w"),
    ],
    ids=lambda tensor: TensorProto.DataType.Name(tensor.data_type) + ("-raw" if tensor.raw_data else ""),
)
def test_weights_of_every_type_fit_their_shape_and_one_row_more_does_not(
    tmp_path: Path, tensor: onnx.TensorProto
) -> None:
    path = tiny_models.negative_style(tmp_path / "weights.onnx")
    model = onnx.load(path)
    model.graph.initializer.append(tensor)
    path.write_bytes(model.SerializeToString())
    check_safe(path, read_header(path))
    for sides in ([100, *tensor.dims[1:]], [2**40, 1000]):
        del model.graph.initializer[-1].dims[:]
        model.graph.initializer[-1].dims.extend(sides)
        path.write_bytes(model.SerializeToString())
        with pytest.raises(ModelError, match="is damaged: it has weights 'w' of"):
            check_safe(path, read_header(path))


def test_weights_beside_the_file_are_as_long_as_they_say(tmp_path: Path) -> None:
    path = hostile_models.weights_beside_cut_short(tmp_path / "split.onnx", with_card=True)
    with pytest.raises(ModelError, match=r"'weights.bin' is cut short"):
        check_safe(path, read_header(path))
    (tmp_path / "weights.bin").write_bytes(bytes(12))
    check_safe(path, read_header(path))
