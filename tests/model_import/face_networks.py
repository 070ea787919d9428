"""Tiny face networks of exactly the signatures of other people's: names, shapes, opset, types, order of weights; each
with an answer that is known without running it.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from tests.model_import.networks import write

Floats = NDArray[np.float64]
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16


def value(name: str, shape: list[int | str], kind: int = FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def emap(size: int = 512) -> NDArray[np.float32]:
    """A map that turns and stretches, so that a length that is not made 1 again shows."""
    random = np.random.default_rng(512)
    stretch = np.linspace(0.2, 3, size)
    return np.asarray(random.standard_normal((size, size)) * stretch / np.sqrt(size), np.float32)


def write_inswapper(
    path: Path, *, kind: int = FLOAT, mapped: NDArray[Any] | None = None, side: int = 128, last: bool = True
) -> Path:
    """output (RGB) = target / 2 + 3 · the first three of source.

    Signature of inswapper_128.onnx: opset 11, `target`, `source`, `output`; the map is the last of the weights.
    """
    dtype = np.float16 if kind == HALF else np.float32
    tensors: dict[str, NDArray[Any]] = {
        "half": np.array(0.5, dtype),
        "three": np.array(3, dtype),
        "from": np.array([0], np.int64),
        "to": np.array([3], np.int64),
        "axis": np.array([1], np.int64),
        "pixel": np.array([1, 3, 1, 1], np.int64),
    }
    own = {"buff2fs": (emap() if mapped is None else mapped).astype(dtype)}
    nodes = [
        helper.make_node("Slice", ["source", "from", "to", "axis"], ["first"]),
        helper.make_node("Reshape", ["first", "pixel"], ["colour"]),
        helper.make_node("Mul", ["colour", "three"], ["shift"]),
        helper.make_node("Mul", ["target", "half"], ["dim"]),
        helper.make_node("Add", ["dim", "shift"], ["output"]),
    ]
    return write(
        path,
        nodes,
        [value("target", [1, 3, side, side], kind), value("source", [1, 512], kind)],
        [value("output", [1, 3, side, side], kind)],
        {**tensors, **own} if last else {**own, **tensors},
        opset=11,
        ir_version=6,
    )


class InswapperLike(nn.Module):
    """The operators of inswapper_128, few of each: mirrored pads, a style in numbers that scales and shifts, tanh."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), nn.LeakyReLU(0.2), nn.Conv2d(width, 2 * width, 3, 2, 1)
        )
        self.block = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(2 * width, 2 * width, 3))
        self.style = nn.Linear(512, 4 * width)
        self.up = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(2 * width, width, 3, 1, 1))
        self.last = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh())

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        features = self.down(target)
        inner = self.block(features)
        inner = inner - inner.mean((2, 3), keepdim=True)
        inner = inner / torch.sqrt((inner * inner).mean((2, 3), keepdim=True) + 1e-8)
        scale, shift = self.style(source).unsqueeze(-1).unsqueeze(-1).chunk(2, 1)
        made: Tensor = (self.last(self.up(features + inner * scale + shift)) + 1) / 2
        return made


def export_inswapper(path: Path, network: InswapperLike) -> Path:
    """As PyTorch writes it in opset 11, with the map behind its weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter speaks of itself being old
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, 128, 128), torch.zeros(1, 512)),
            str(path),
            input_names=["target", "source"],
            output_names=["output"],
            opset_version=11,
            dynamo=False,
        )
    model = onnx.load(path)
    model.graph.initializer.append(numpy_helper.from_array(emap(), "buff2fs"))
    path.write_bytes(model.SerializeToString())
    return path


def latent_of(z: NDArray[np.float32]) -> Floats:
    """InsightFace: the numbers times the map, of length 1 again."""
    latent = z.astype(np.float64) @ emap()
    return np.asarray(latent / np.linalg.norm(latent), np.float64)


def inswapped(face: NDArray[np.uint8], z: NDArray[np.float32]) -> Floats:
    """What InsightFace's own steps make of a BGR crop with that network: BGR 0..255, not rounded."""
    target = face[..., ::-1].astype(np.float64) / 255
    return np.clip((target / 2 + 3 * latent_of(z)[0, :3]) * 255, 0, 255)[..., ::-1]


def _projection(size: int) -> NDArray[np.float32]:
    return np.random.default_rng(size).standard_normal((3, size)).astype(np.float32)


def write_recogniser(path: Path, *, size: int = 512, normalises: bool = False, batch: int | str = "None") -> Path:
    """683 = the means of red, green and blue · a projection. Signature of w600k_r50.onnx: opset 11, `input.1`, `683`.

    `normalises` as networks from MXNet, whose first operators take bytes to −1..1.
    """
    tensors: dict[str, NDArray[Any]] = {"weights": _projection(size), "bias": np.zeros(size, np.float32)}
    nodes = []
    current = "input.1"
    if normalises:
        tensors |= {"middle": np.array(127.5, np.float32), "scale": np.array(1 / 127.5, np.float32)}
        nodes += [
            helper.make_node("Sub", [current, "middle"], ["shifted"], name="_minusscalar0"),
            helper.make_node("Mul", ["shifted", "scale"], ["scaled"], name="_mulscalar0"),
        ]
        current = "scaled"
    nodes += [
        helper.make_node("GlobalAveragePool", [current], ["pooled"], name="pool"),
        helper.make_node("Flatten", ["pooled"], ["means"], name="flat"),
        helper.make_node("Gemm", ["means", "weights", "bias"], ["683"], name="fc"),
    ]
    inputs = [value("input.1", [batch, 3, 112, 112])]
    return write(path, nodes, inputs, [value("683", [1, size])], tensors, opset=11, ir_version=6)


def recognised(face: NDArray[np.uint8], size: int = 512) -> Floats:
    """What that network says of a BGR crop, not yet of length 1: [1, size]."""
    means = ((face[..., ::-1].astype(np.float64) - 127.5) / 127.5).mean(axis=(0, 1))
    return np.asarray(means @ _projection(size), np.float64)[np.newaxis]


def write_converter(path: Path, size: int = 512) -> Path:
    """output = 2 · input + 1. Signature of crossface_simswap.onnx: `input`, `output`."""
    tensors: dict[str, NDArray[Any]] = {"two": np.array(2, np.float32), "one": np.array(1, np.float32)}
    nodes = [
        helper.make_node("Mul", ["input", "two"], ["twice"]),
        helper.make_node("Add", ["twice", "one"], ["output"]),
    ]
    inputs, outputs = [value("input", ["batch", size])], [value("output", ["batch", size])]
    return write(path, nodes, inputs, outputs, tensors, opset=17)


def write_hyperswap(path: Path, side: int = 256, *, gain: float = 1, lift: float = 0) -> Path:
    """output = gain · target + lift, with the first number of source added to red; mask = 1. FaceFusion's names."""
    tensors: dict[str, NDArray[Any]] = {
        "from": np.array([0], np.int64),
        "to": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
        "pixel": np.array([1, 1, 1, 1], np.int64),
        "red": np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1),
        "ones": np.ones((1, 1, side, side), np.float32),
        "gain": np.array(gain, np.float32),
        "lift": np.array(lift, np.float32),
    }
    nodes = [
        helper.make_node("Slice", ["source", "from", "to", "axis"], ["first"]),
        helper.make_node("Reshape", ["first", "pixel"], ["number"]),
        helper.make_node("Mul", ["number", "red"], ["shift"]),
        helper.make_node("Mul", ["target", "gain"], ["plain"]),
        helper.make_node("Add", ["plain", "lift"], ["lifted"]),
        helper.make_node("Add", ["lifted", "shift"], ["output"]),
        helper.make_node("Identity", ["ones"], ["mask"]),
    ]
    return write(
        path,
        nodes,
        [value("source", [1, 512]), value("target", [1, 3, side, side])],
        [value("output", [1, 3, side, side]), value("mask", [1, 1, side, side])],
        tensors,
    )


def dfm_masks(side: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The viewer's face and the other one's: a disc, and all but a slanting corner."""
    along = (np.arange(side) + 0.5) / side
    disc = np.hypot(along[:, np.newaxis] - 0.5, along - 0.5) < 0.42
    corner = along[:, np.newaxis] + 0.7 * along > 0.5
    return disc.astype(np.float32), corner.astype(np.float32)


def write_dfm(path: Path, *, side: int = 224, morph: bool = False, inputs: list[str] | None = None) -> Path:
    """out_celeb_face = 1 − 0.8 · in_face, darker from channel to channel (blue · 1, green · 0.5, red · 0.25); with
    `morph`, that mixed with in_face. Signature of a .dfm: opset 12, `in_face:0`, `morph_value:0`, three outputs.
    """
    disc, corner = (mask[np.newaxis, ..., np.newaxis] for mask in dfm_masks(side))
    tensors: dict[str, NDArray[Any]] = {
        "one": np.array(1, np.float32),
        "part": np.array(0.8, np.float32),
        "darker": np.array([1, 0.5, 0.25], np.float32),
        "disc": disc,
        "corner": corner,
        "none": np.array(0, np.float32),
        "from": np.array([0], np.int64),
        "to": np.array([1], np.int64),
        "axis": np.array([3], np.int64),
    }
    other = "made" if morph else "out_celeb_face:0"
    nodes = [
        helper.make_node("Mul", ["in_face:0", "part"], ["dim"]),
        helper.make_node("Sub", ["one", "dim"], ["negative"]),
        helper.make_node("Mul", ["negative", "darker"], [other]),
        helper.make_node("Slice", ["in_face:0", "from", "to", "axis"], ["blue"]),
        helper.make_node("Mul", ["blue", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "disc"], ["out_face_mask:0"]),
        helper.make_node("Add", ["nothing", "corner"], ["out_celeb_face_mask:0"]),
    ]
    names = ["in_face:0", *(["morph_value:0"] if morph else [])] if inputs is None else inputs
    if morph:
        nodes += [
            helper.make_node("Sub", ["made", "in_face:0"], ["way"]),
            helper.make_node("Mul", ["way", "morph_value:0"], ["gone"]),
            helper.make_node("Add", ["in_face:0", "gone"], ["out_celeb_face:0"]),
        ]
    picture: list[int | str] = ["unk__1", side, side, 3]
    shapes: dict[str, list[int | str]] = {"in_face:0": picture}
    return write(
        path,
        nodes,
        [value(name, shapes.get(name, [1])) for name in names],
        [
            value("out_face_mask:0", ["unk__2", side, side, 1]),
            value("out_celeb_face:0", ["unk__3", side, side, 3]),
            value("out_celeb_face_mask:0", ["unk__4", side, side, 1]),
        ],
        tensors,
        opset=12,
        ir_version=7,
    )


def dfm_made(face: NDArray[np.uint8], morph: float | None = None) -> Floats:
    """What that network makes of a BGR crop: BGR 0..255, not rounded."""
    bgr = face.astype(np.float64) / 255
    made = (1 - 0.8 * bgr) * (1, 0.5, 0.25)
    return 255 * (made if morph is None else bgr + (made - bgr) * morph)


def write_faceswap(path: Path, *, side: int = 64, larger: int = 1, masked: bool = False) -> Path:
    """out (BGR, NHWC) = 1 − x with blue halved, `larger` times as large; the mask is the left half."""
    tensors: dict[str, NDArray[Any]] = {
        "one": np.array(1, np.float32),
        "halved": np.array([0.5, 1, 1], np.float32),
        "scales": np.array([1, larger, larger, 1], np.float32),
    }
    nodes = [
        helper.make_node("Sub", ["one", "face_in"], ["negative"]),
        helper.make_node("Mul", ["negative", "halved"], ["small"]),
        helper.make_node("Resize", ["small", "", "scales"], ["out"], mode="nearest"),
    ]
    size = side * larger
    outputs = [value("out", ["N", size, size, 3])]
    if masked:
        half = np.zeros((1, size, size, 1), np.float32)
        half[:, :, : size // 2] = 1
        tensors["half"] = half
        nodes.append(helper.make_node("Identity", ["half"], ["mask_out"]))
        outputs.append(value("mask_out", ["N", size, size, 1]))
    return write(path, nodes, [value("face_in", ["N", side, side, 3])], outputs, tensors, opset=13)
