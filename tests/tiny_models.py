"""Tiny real ONNX models in our contract, each with an answer that is known without running it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from realtime.models.card import ModelCard, ModelKind

OPSET = 17
SIDE = 64
"""Of the face crops of the swap, encoder and decoder models."""

Side = int | str


def picture(name: str, height: Side = "height", width: Side = "width", channels: int = 3) -> onnx.ValueInfoProto:
    """A uint8 picture port [1, height, width, channels]."""
    return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, height, width, channels])


def floats(name: str, *shape: Side) -> onnx.ValueInfoProto:
    """A float32 port."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def vector(name: str, size: int) -> onnx.ValueInfoProto:
    """A float32 port [1, size]."""
    return floats(name, 1, size)


def write_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: Mapping[str, NDArray[Any]] = {},
    *,
    card: ModelCard | None = None,
    opsets: Mapping[str, int] = {},
    functions: Sequence[onnx.FunctionProto] = (),
) -> Path:
    """Write a graph with a card, or without one, as a file. Nothing is checked: some tests want wrong files."""
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    versions = {"": OPSET, **opsets}
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in versions.items()],
        functions=functions,
        ir_version=10,
    )
    if card is not None:
        helper.set_model_props(model, card.metadata())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    return path


def negative_style(path: Path, *, height: Side = "height", width: Side = "width", title: str = "Negative") -> Path:
    """A style model: `frame_out` = 255 − `frame`."""
    return write_model(
        path,
        [helper.make_node("BitwiseNot", ["frame"], ["frame_out"])],
        [picture("frame", height, width)],
        [picture("frame_out", height, width)],
        card=ModelCard(ModelKind.STYLE, title=title),
        opsets={"": 18},
    )


def brighter_style(path: Path, step: int = 40) -> Path:
    """A style model: `frame_out` = min(`frame` + step, 255), computed in float as real ones do."""
    return write_model(
        path,
        [
            helper.make_node("Cast", ["frame"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["numbers", "step"], ["more"]),
            helper.make_node("Clip", ["more", "least", "most"], ["clipped"]),
            helper.make_node("Cast", ["clipped"], ["frame_out"], to=TensorProto.UINT8),
        ],
        [picture("frame")],
        [picture("frame_out")],
        {"step": np.array(step, np.float32), "least": np.array(0, np.float32), "most": np.array(255, np.float32)},
        card=ModelCard(ModelKind.STYLE, title="Brighter"),
    )


def blurred_style(path: Path, *, height: Side = "height", width: Side = "width") -> Path:
    """A style model with a convolution: `frame_out` = mean over 3×3 pixels, black beyond the edge, rounded down."""
    return write_model(
        path,
        [
            helper.make_node("Cast", ["frame"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["numbers"], ["planes"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", ["planes", "kernel"], ["sums"], pads=[1, 1, 1, 1], group=3),
            helper.make_node("Div", ["sums", "nine"], ["means"]),
            helper.make_node("Transpose", ["means"], ["rows"], perm=[0, 2, 3, 1]),
            helper.make_node("Cast", ["rows"], ["frame_out"], to=TensorProto.UINT8),
        ],
        [picture("frame", height, width)],
        [picture("frame_out", height, width)],
        {"kernel": np.ones((3, 1, 3, 3), np.float32), "nine": np.array(9, np.float32)},
        card=ModelCard(ModelKind.STYLE, title="Blurred"),
    )


def mirror_swap(path: Path) -> Path:
    """A swap model: `face_out` = `face` upside down; `mask` = the face's blue channel."""
    last = np.iinfo(np.int64).min
    return write_model(
        path,
        [
            helper.make_node("Slice", ["face", "from", "to", "rows", "back"], ["face_out"]),
            helper.make_node("Slice", ["face", "zero", "one", "channels"], ["mask"]),
        ],
        [picture("face", SIDE, SIDE)],
        [picture("face_out", SIDE, SIDE), picture("mask", SIDE, SIDE, 1)],
        {
            "from": np.array([-1]),
            "to": np.array([last]),
            "rows": np.array([1]),
            "back": np.array([-1]),
            "zero": np.array([0]),
            "one": np.array([1]),
            "channels": np.array([3]),
        },
        card=ModelCard(ModelKind.SWAP, title="Upside down", alignment="face"),
    )


def mean_encoder(path: Path, fingerprint: str = "") -> Path:
    """An encoder: `z` [1, 3] = the means of the face's blue, green and red ÷ 255."""
    return write_model(
        path,
        [
            helper.make_node("Cast", ["face"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["numbers"], ["means"], axes=[1, 2], keepdims=0),
            helper.make_node("Div", ["means", "most"], ["z"]),
        ],
        [picture("face", SIDE, SIDE)],
        [vector("z", 3)],
        {"most": np.array(255, np.float32)},
        card=ModelCard(ModelKind.IDENTITY_ENCODER, title="Means", alignment="face", fingerprint=fingerprint),
    )


def flat_decoder(path: Path) -> Path:
    """A decoder: `face_out` is one colour, `z` [1, 3] × 255 as blue, green and red, cut off at 0 and 255."""
    return write_model(
        path,
        [
            helper.make_node("Mul", ["z", "most"], ["scaled"]),
            helper.make_node("Clip", ["scaled", "least", "most"], ["clipped"]),
            helper.make_node("Cast", ["clipped"], ["colour"], to=TensorProto.UINT8),
            helper.make_node("Reshape", ["colour", "pixel"], ["one"]),
            helper.make_node("Expand", ["one", "shape"], ["face_out"]),
        ],
        [vector("z", 3)],
        [picture("face_out", SIDE, SIDE)],
        {
            "most": np.array(255, np.float32),
            "least": np.array(0, np.float32),
            "pixel": np.array([1, 1, 1, 3]),
            "shape": np.array([1, SIDE, SIDE, 3]),
        },
        card=ModelCard(ModelKind.LATENT_DECODER, title="Flat", alignment="face"),
    )


def shaded_morph(path: Path, latent_space: str = "", *, codes: int | str = "codes") -> Path:
    """A morph: `z` [1, 3] = the means of the face's blue, green and red ÷ 255; each of `face_out` is the
    colour that its code says × 255, not cut off, whole at its left edge and black at its right one.
    """
    return write_model(
        path,
        [
            helper.make_node("Cast", ["face"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["numbers"], ["means"], axes=[1, 2], keepdims=0),
            helper.make_node("Div", ["means", "most"], ["z"]),
            helper.make_node("Mul", ["keep", "z"], ["kept"]),
            helper.make_node("Add", ["kept", "add"], ["code"]),
            helper.make_node("Mul", ["code", "most"], ["colours"]),
            helper.make_node("Reshape", ["colours", "pixels"], ["points"]),
            helper.make_node("Mul", ["points", "area"], ["face_out"]),
        ],
        [picture("face", SIDE, SIDE), floats("keep", codes, 1), floats("add", codes, 3)],
        [vector("z", 3), floats("face_out", codes, SIDE, SIDE, 3)],
        {
            "most": np.array(255, np.float32),
            "pixels": np.array([-1, 1, 1, 3]),
            "area": np.tile(np.linspace(1, 0, SIDE, dtype=np.float32)[:, np.newaxis], (1, SIDE, 1, 1)),
        },
        card=ModelCard(ModelKind.MORPH, title="Shaded", alignment="face", latent_space=latent_space),
    )


FINGERPRINT = "5e" * 32
"""Of `mean_encoder` where it serves as an identity network."""


def tinting_swap(
    path: Path,
    *,
    side: int = SIDE,
    identity: int = 3,
    morph: float | None = 0.75,
    alignment: str = "face",
    encoder: str = "means",
    fingerprint: str = FINGERPRINT,
) -> Path:
    """A swap model with both optional inputs: `face_out` = `face` mixed, by `morph`, with the colour that the first
    three numbers of `identity` are as blue, green and red ÷ 255; `mask` = 255. 0 for `identity` or None for `morph`
    leaves that input out: the colour is black then, the mix half.
    """
    weights: dict[str, NDArray[Any]] = {
        "most": np.array(255, np.float32),
        "none": np.array(0, np.float32),
        "first": np.array([0]),
        "third": np.array([3]),
        "channels": np.array([1]),
        "pixel": np.array([1, 1, 1, 3]),
        "all": np.full((1, side, side, 1), 255, np.uint8),
        "half": np.array(0.5, np.float32),
    }
    inputs = [picture("face", side, side)]
    if identity:
        inputs.append(vector("identity", identity))
    else:
        weights["identity"] = np.zeros((1, 3), np.float32)
    if morph is not None:
        inputs.append(helper.make_tensor_value_info("morph", TensorProto.FLOAT, [1]))
    else:
        weights["morph"] = np.array([0.5], np.float32)
    return write_model(
        path,
        [
            helper.make_node("Cast", ["face"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Slice", ["identity", "first", "third", "channels"], ["three"]),
            helper.make_node("Reshape", ["three", "pixel"], ["colour"]),
            helper.make_node("Mul", ["colour", "most"], ["bytes"]),
            helper.make_node("Sub", ["bytes", "numbers"], ["way"]),
            helper.make_node("Mul", ["way", "morph"], ["part"]),
            helper.make_node("Add", ["numbers", "part"], ["mixed"]),
            helper.make_node("Add", ["mixed", "half"], ["rounded"]),
            helper.make_node("Clip", ["rounded", "none", "most"], ["clipped"]),
            helper.make_node("Cast", ["clipped"], ["face_out"], to=TensorProto.UINT8),
            helper.make_node("Identity", ["all"], ["mask"]),
        ],
        inputs,
        [picture("face_out", side, side), picture("mask", side, side, 1)],
        weights,
        card=ModelCard(
            ModelKind.SWAP,
            title="Tint",
            alignment=alignment,
            identity_model=encoder if identity else "",
            identity_fingerprint=fingerprint if identity else "",
            morph=morph,
        ),
    )


def copying_motion(path: Path, side: int = SIDE, *, alignment: str = "mesh coverage=3 x=0 y=-0.15") -> Path:
    """A motion model whose motions and features are the picture itself: it draws the source and, on top, what the
    driving face has changed since rest. All of it is new.
    """
    count = side * side * 3
    face = [1, side, side, 3]
    nodes = [
        helper.make_node("Cast", ["face"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "flat"], ["motion"]),
        helper.make_node("Cast", ["face"], ["floats_again"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats_again", "flat"], ["features"]),
        helper.make_node("Sub", ["driving_motion", "rest_motion"], ["change"]),
        helper.make_node("Add", ["source_features", "source_motion"], ["twice"]),
        helper.make_node("Mul", ["twice", "half"], ["source"]),
        helper.make_node("Add", ["source", "change"], ["moved"]),
        helper.make_node("Clip", ["moved", "black", "white"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["bytes", "square"], ["face_out"]),
        helper.make_node("Identity", ["everywhere"], ["mask"]),
    ]
    return write_model(
        path,
        nodes,
        [
            picture("face", side, side),
            *(vector(name, count) for name in ("source_features", "source_motion", "rest_motion", "driving_motion")),
        ],
        [
            vector("motion", count),
            vector("features", count),
            picture("face_out", side, side),
            picture("mask", side, side, 1),
        ],
        {
            "flat": np.array([1, count]),
            "square": np.array(face),
            "half": np.array(0.5, np.float32),
            "black": np.array(0, np.float32),
            "white": np.array(255, np.float32),
            "everywhere": np.full([1, side, side, 1], 255, np.uint8),
        },
        card=ModelCard(ModelKind.MOTION, title="Copying", alignment=alignment),
    )
