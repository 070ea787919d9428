"""ONNX files, good and hostile, changed as bytes and as graphs: seeds for the targets that read models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tools.fuzzing import hostile_models
from tools.fuzzing.mutation import mutated

_LIMITS = (0, 1, -1, 2, 3, 255, 256, 8192, 65_536, 10**6, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
_OPERATORS = (
    *("Loop", "Scan", "If", "Expand", "Tile", "Range", "ConstantOfShape", "Concat", "MatMul", "Conv", "ConvTranspose"),
    *("Resize", "Pad", "Slice", "Reshape", "Transpose", "Gather", "OneHot", "EyeLike", "NonZero", "Cast", "Identity"),
    *("RandomUniform", "Einsum", "CumSum", "GlobalAveragePool", "InstanceNormalization", "Upsample", "Nonsense"),
)
_NAMES = ("", "x", "y", "frame", "frame_out", "numbers", "realtime/transpose_1", "\x1b[31m\n", "é" * 300, "value")


def seeds(folder: Path, *, with_card: bool) -> Sequence[Path]:
    """Write small networks and every hostile file. `with_card`: with our card; else as other people write them."""
    rng = np.random.default_rng(0)
    made = [
        _painter(folder / "painter.onnx", rng, with_card=with_card),
        _chain(folder / "chain.onnx", with_card=with_card),
    ]
    nodes, tensors = hostile_models.loop(np.array(5, np.int64))
    made.append(hostile_models.write(folder / "loop.onnx", nodes, tensors, with_card=with_card))
    for name, make in {**hostile_models.REFUSED_UNREAD, **hostile_models.REFUSED_UNRUN}.items():
        made.append(make(folder / f"{name}.onnx", with_card=with_card))
    return made


def changed(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Return a file with changes: of its bytes, or of the graph that it holds."""
    if random.random() < 0.4:
        return mutated(random, data, others)
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
        for _ in range(random.choice((1, 1, 2, 4))):
            random.choice(_CHANGES)(random, model)
        return bytes(model.SerializeToString())
    except Exception:  # what is changed may be anything
        return mutated(random, data, others)


def _painter(path: Path, rng: np.random.Generator, *, with_card: bool) -> Path:
    """Down and up again, with what style networks are made of."""
    to_planes = [helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2])] if with_card else []
    back = [helper.make_node("Transpose", ["painted"], ["value"], perm=[0, 2, 3, 1])] if with_card else []
    nodes = [
        *to_planes,
        helper.make_node("Pad", ["planes" if with_card else "floats", "pads"], ["wide"], mode="reflect"),
        helper.make_node("Conv", ["wide", "down"], ["small"], strides=[2, 2]),
        helper.make_node("InstanceNormalization", ["small", "ones", "zeros"], ["calm"]),
        helper.make_node("Relu", ["calm"], ["positive"]),
        helper.make_node("Resize", ["positive", "", "scales"], ["large"], mode="nearest"),
        helper.make_node("Conv", ["large", "up"], ["drawn"], pads=[1, 1, 1, 1]),
        helper.make_node("Tanh", ["drawn"], ["painted" if with_card else "value"]),
        *back,
    ]
    tensors: dict[str, NDArray[Any]] = {
        "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "down": rng.normal(size=(4, 3, 4, 4)).astype(np.float32),
        "up": rng.normal(size=(3, 4, 3, 3)).astype(np.float32),
        "ones": np.ones(4, np.float32),
        "zeros": np.zeros(4, np.float32),
    }
    return hostile_models.write(path, nodes, tensors, with_card=with_card)


def _chain(path: Path, *, with_card: bool) -> Path:
    """Shapes that are computed, as exporters leave them."""
    nodes = [
        helper.make_node("Shape", ["floats"], ["shape"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Slice", ["floats", "starts", "ends", "axes"], ["cut"]),
        helper.make_node("Concat", ["cut", "cut"], ["both"], axis=1),
        helper.make_node("ReduceMean", ["both"], ["mean"], keepdims=0),
        helper.make_node("Add", ["zeros", "mean"], ["value"]),
    ]
    tensors: dict[str, NDArray[Any]] = {
        "starts": np.array([1], np.int64),
        "ends": np.array([9], np.int64),
        "axes": np.array([2], np.int64),
    }
    return hostile_models.write(path, nodes, tensors, with_card=with_card)


def _other_number(random: Random, model: onnx.ModelProto) -> None:
    """A number of a constant."""
    tensor = random.choice(model.graph.initializer)
    array = np.array(onnx.numpy_helper.to_array(tensor))
    if array.size and array.dtype.kind in "iuf":
        with np.errstate(all="ignore"):
            array.flat[random.randrange(array.size)] = np.array(random.choice(_LIMITS)).astype(array.dtype)
    tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))


def _other_side(random: Random, model: onnx.ModelProto) -> None:
    """A side of an input, an output or of weights."""
    if random.random() < 0.5 and model.graph.initializer:
        tensor = random.choice(model.graph.initializer)
        if tensor.dims:
            tensor.dims[random.randrange(len(tensor.dims))] = random.choice(_LIMITS)
        return
    value = random.choice((*model.graph.input, *model.graph.output))
    sides = value.type.tensor_type.shape.dim
    if sides:
        random.choice(sides).dim_value = random.choice(_LIMITS)


def _other_operator(random: Random, model: onnx.ModelProto) -> None:
    random.choice(model.graph.node).op_type = random.choice(_OPERATORS)


def _other_attribute(random: Random, model: onnx.ModelProto) -> None:
    node = random.choice(model.graph.node)
    if not node.attribute:
        return
    attribute = random.choice(node.attribute)
    if attribute.ints:
        attribute.ints[random.randrange(len(attribute.ints))] = random.choice(_LIMITS)
    else:
        attribute.i = random.choice(_LIMITS)


def _other_wire(random: Random, model: onnx.ModelProto) -> None:
    """A node takes what another one makes, or itself."""
    node, other = random.choice(model.graph.node), random.choice(model.graph.node)
    if node.input and other.output:
        node.input[random.randrange(len(node.input))] = random.choice((*other.output, *_NAMES))


def _other_name(random: Random, model: onnx.ModelProto) -> None:
    """A name, everywhere or in one place."""
    ports = (*model.graph.input, *model.graph.output, *model.graph.initializer, *model.graph.node)
    random.choice(ports).name = random.choice(_NAMES)


def _one_node_less_or_more(random: Random, model: onnx.ModelProto) -> None:
    place = random.randrange(len(model.graph.node))
    if random.random() < 0.5:
        del model.graph.node[place]
        return
    copy = onnx.NodeProto()
    copy.CopyFrom(model.graph.node[place])
    model.graph.node.insert(random.randrange(len(model.graph.node) + 1), copy)


def _other_type(random: Random, model: onnx.ModelProto) -> None:
    kinds = list(TensorProto.DataType.values())
    if random.random() < 0.5 and model.graph.initializer:
        random.choice(model.graph.initializer).data_type = random.choice(kinds)
    else:
        random.choice((*model.graph.input, *model.graph.output)).type.tensor_type.elem_type = random.choice(kinds)


def _other_opset(random: Random, model: onnx.ModelProto) -> None:
    random.choice(model.opset_import).version = random.choice((*range(1, 26), *_LIMITS))


def _other_metadata(random: Random, model: onnx.ModelProto) -> None:
    key = random.choice(("kind", "contract", "least_px", "title", "alignment", "morph"))
    values = ("style", "swap", "encoder", "1", "-1", "9" * 5000, "\x1b[31m", "", "é" * 5000)
    model.metadata_props.add(key=f"realtime.{key}", value=random.choice(values))


def _weights_elsewhere(random: Random, model: onnx.ModelProto) -> None:
    tensor = random.choice(model.graph.initializer)
    tensor.data_location = TensorProto.EXTERNAL
    places = ("weights.bin", "../weights.bin", "/dev/zero", "/etc/hostname", ".", "painter.onnx", "a\0b", "")
    tensor.external_data.add(key="location", value=random.choice(places))
    for key in ("offset", "length"):
        if random.random() < 0.5:
            tensor.external_data.add(key=key, value=str(random.choice(_LIMITS)))


_CHANGES: Sequence[Callable[[Random, onnx.ModelProto], None]] = (
    *(_other_number, _other_number, _other_side, _other_operator, _other_attribute, _other_wire, _other_name),
    *(_one_node_less_or_more, _other_type, _other_opset, _other_metadata, _weights_elsewhere),
)
