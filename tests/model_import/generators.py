"""Small generators as other people export them, whose pictures are known without running them.

The style is one number for each colour, w = 2 · z; the picture of 16×16 is a ramp across, times the style of its coarse
layer, plus the style of its fine one, both of the colour.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests import tiny_models

SIDE = 16
RAMP = np.linspace(-1, 1, SIDE, dtype=np.float32)
EYE = np.eye(3, dtype=np.float32)
SHIFT = np.array([0.1, 0.0, -0.1], np.float32)


def write_mapping(path: Path, *, layers: int = 0, gives: int = 3) -> Path:
    """`var` [1, 3] to `style_out`, 2 · var + SHIFT: [1, 3], or [1, layers, 3]."""
    nodes = [helper.make_node("Gemm", ["var", "weight", "shift"], ["style_out" if not layers else "one"])]
    weights: dict[str, NDArray[Any]] = {
        "weight": np.pad(2 * EYE, ((0, 0), (0, gives - 3))),
        "shift": np.pad(SHIFT, (0, gives - 3)),
    }
    shape: list[int | str] = [1, gives]
    if layers:
        weights["repeats"], shape = np.array([1, layers, gives]), [1, layers, gives]
        nodes.append(helper.make_node("Expand", ["one", "repeats"], ["style_out"]))
    return tiny_models.write_model(
        path, nodes, [tiny_models.floats("var", 1, 3)], [tiny_models.floats("style_out", *shape)], weights
    )


def picture_of(coarse: NDArray[np.float32], fine: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return what a synthesis with these styles draws, in our contract: BGR bytes."""
    rgb = RAMP[np.newaxis, :, np.newaxis] * coarse + fine
    grey = np.broadcast_to((rgb + 1) * 127.5, (SIDE, SIDE, 3))
    return np.asarray((grey[..., ::-1] + 0.5).clip(0, 255), np.uint8)


def write_synthesis(
    path: Path, *, layers: int = 0, side: int = SIDE, name: str = "style", in_bytes: bool = False
) -> Path:
    """`style` [1, 3], or [1, layers, 3], to `img_out` [1, 3, side, side] RGB in −1..1 (or 0..255)."""
    ramp = np.linspace(-1, 1, side, dtype=np.float32).reshape(1, 1, 1, side)
    weights: dict[str, NDArray[Any]] = {
        "eye": EYE,
        "planes": np.array([1, 3, 1, 1]),
        "ramp": ramp,
        "rows": np.zeros((1, 1, side, 1), np.float32),
        "first": np.array(0),
        "last": np.array(max(0, layers - 1)),
    }
    taken = [name, name]
    nodes = []
    if layers:
        taken = ["at_first", "at_last"]
        nodes = [
            helper.make_node("Gather", [name, "first"], ["at_first"], axis=1),
            helper.make_node("Gather", [name, "last"], ["at_last"], axis=1),
        ]
    nodes += [
        # The finer one stands first in the file: it is the way through it that tells which is which.
        helper.make_node("MatMul", [taken[1], "eye"], ["fine"]),
        helper.make_node("MatMul", [taken[0], "eye"], ["coarse"]),
        helper.make_node("Reshape", ["coarse", "planes"], ["coarse_planes"]),
        helper.make_node("Reshape", ["fine", "planes"], ["fine_planes"]),
        helper.make_node("Mul", ["coarse_planes", "ramp"], ["across"]),
        helper.make_node("Add", ["across", "rows"], ["square"]),
        helper.make_node("Add", ["square", "fine_planes"], ["img_out" if not in_bytes else "signed"]),
    ]
    if in_bytes:
        weights |= {"half": np.array(127.5, np.float32)}
        nodes += [
            helper.make_node("Mul", ["signed", "half"], ["scaled"]),
            helper.make_node("Add", ["scaled", "half"], ["img_out"]),
        ]
    shape: list[int | str] = [1, layers, 3] if layers else [1, 3]
    return tiny_models.write_model(
        path, nodes, [tiny_models.floats(name, *shape)], [tiny_models.floats("img_out", 1, 3, side, side)], weights
    )


def write_bound(path: Path, *shape: int | str) -> Path:
    """A generator that takes a code of this shape and gives it back as a picture of one size, if it can."""
    return tiny_models.write_model(
        path,
        [helper.make_node("Cast", ["z_in"], ["picture"], to=TensorProto.FLOAT)],
        [tiny_models.floats("z_in", *shape)],
        [tiny_models.floats("picture", *shape)],
    )
