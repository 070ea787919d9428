"""Old files, new files, and files written in unusual ways are read as what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from realtime.core.errors import ModelError
from realtime.imaging.frame import Pixels, Size
from realtime.model_import.graph.loading import read_network
from realtime.model_import.graph.view import GraphView
from realtime.model_import.hints import ImportHints, ValueRange
from realtime.model_import.style.validation import scaled
from realtime.models.source_file import SourceFile
from tests.model_import.conftest import Import, Paint
from tests.model_import.networks import Manner, tinted, write, write_tint

UNIT = ImportHints(range_in=ValueRange.UNIT, range_out=ValueRange.UNIT)


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11])
def test_old_files_are_converted(tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, opset: int) -> None:
    """Half the size and back by Upsample as it was in each opset: as an attribute, as an input, as Resize."""
    nodes = [helper.make_node("AveragePool", ["x"], ["half"], kernel_shape=[2, 2], strides=[2, 2])]
    tensors: dict[str, NDArray[Any]] = {}
    if opset < 9:
        nodes.append(helper.make_node("Upsample", ["half"], ["whole"], mode="nearest", scales=[1.0, 1.0, 2.0, 2.0]))
    else:
        tensors["scales"] = np.array([1, 1, 2, 2], np.float32)
        inputs = ["half", "scales"]
        if opset == 11:
            tensors["none"] = np.array([], np.float32)
            inputs = ["half", "none", "scales"]
        rule = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"} if opset == 11 else {}
        nodes.append(
            helper.make_node("Upsample" if opset == 9 else "Resize", inputs, ["whole"], mode="nearest", **rule)
        )
    if opset < 11:
        nodes.append(helper.make_node("Clip", ["whole"], ["y"], min=0.0, max=1.0))
    else:
        nodes.append(helper.make_node("Identity", ["whole"], ["y"]))
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 96, 64]) for name in "xy"]
    made = bring_in(write(tmp_path / "old.onnx", nodes, ports[:1], ports[1:], tensors, opset=opset, ir_version=3), UNIT)
    picture = scaled(photo, Size(70, 102))
    means = picture.reshape(51, 2, 35, 2, 3).astype(np.float64).mean((1, 3)).repeat(2, 0).repeat(2, 1)
    assert np.abs(paint(made, picture) - means).max() <= 0.6


def changed(path: Path, change: Any) -> Path:
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())
    return path


def weights_as_inputs(model: onnx.ModelProto) -> None:
    model.ir_version = 3
    for tensor in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))


def format_of_the_future(model: onnx.ModelProto) -> None:
    model.ir_version = 99


def weights_as_constant_nodes(model: onnx.ModelProto) -> None:
    for tensor in list(model.graph.initializer):
        constant = helper.make_node("Constant", [], [tensor.name], value=tensor)
        model.graph.node.insert(0, constant)
    del model.graph.initializer[:]


def weights_of_half_the_bits(model: onnx.ModelProto) -> None:
    """Weights in 16 bits with a Cast to 32, as small downloads have them."""
    for tensor in model.graph.initializer:
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{tensor.name}_16")
        model.graph.node.insert(0, helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
        tensor.CopyFrom(half)


def a_function_of_its_own(model: onnx.ModelProto) -> None:
    (convolution,) = [node for node in model.graph.node if node.op_type == "Conv"]
    body = [helper.make_node("Conv", ["p", "q", "r"], ["s"])]
    opsets = list(model.opset_import)
    model.functions.append(helper.make_function("their.own", "Paint", ["p", "q", "r"], ["s"], body, opsets))
    model.opset_import.append(helper.make_opsetid("their.own", 1))
    convolution.op_type, convolution.domain = "Paint", "their.own"


def a_batch_of_any_number(model: onnx.ModelProto) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"


def no_shape_of_the_output(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.ClearField("shape")


def names_with_odd_letters(model: onnx.ModelProto) -> None:
    model.graph.node[0].input[0] = "görüntü:0"
    model.graph.input[0].name = "görüntü:0"


CHANGES = [
    weights_as_inputs,
    format_of_the_future,
    weights_as_constant_nodes,
    weights_of_half_the_bits,
    a_function_of_its_own,
    a_batch_of_any_number,
    no_shape_of_the_output,
    names_with_odd_letters,
]


@pytest.mark.parametrize("change", CHANGES)
def test_unusual_ways_to_write_the_same_network(
    tmp_path: Path, photo: Pixels, bring_in: Import, paint: Paint, change: Any
) -> None:
    made = bring_in(changed(write_tint(tmp_path / "theirs.onnx", Manner()), change), UNIT)
    assert np.abs(paint(made, photo) - tinted(photo)).max() <= 1


def test_sums_of_constants_are_folded(tmp_path: Path) -> None:
    """Pads as PyTorch writes them for opset 11: half a dozen operators on numbers."""
    nodes = [
        helper.make_node("Concat", ["some", "more"], ["list"], axis=0),
        helper.make_node("Reshape", ["list", "pairs"], ["table"]),
        helper.make_node("Transpose", ["table"], ["turned"]),
        helper.make_node("Reshape", ["turned", "row"], ["pads"]),
        helper.make_node("Pad", ["x", "pads"], ["y"], mode="reflect"),
    ]
    tensors: dict[str, NDArray[Any]] = {
        "some": np.array([0, 0, 0, 0], np.int64),
        "more": np.array([1, 1, 2, 2], np.int64),
        "pairs": np.array([-1, 2], np.int64),
        "row": np.array([-1], np.int64),
    }
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "h", "w"]) for name in "xy"]
    model = read_network(SourceFile(write(tmp_path / "pads.onnx", nodes, ports[:1], ports[1:], tensors)))
    assert [node.op_type for node in model.graph.node] == ["Pad"]
    pads = GraphView(model.graph).constant("pads")
    assert pads is not None
    assert pads.tolist() == [0, 0, 1, 2, 0, 0, 1, 2]


def test_a_file_from_before_opset_7_is_refused(tmp_path: Path) -> None:
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 64, 64]) for name in "xy"]
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    path = write(tmp_path / "ancient.onnx", nodes, ports[:1], ports[1:], {}, opset=6, ir_version=3)
    with pytest.raises(ModelError, match="opset 6"):
        read_network(SourceFile(path))
