"""Sampling of volumes, an operator of five axes, in operators of four that every provider knows."""

from __future__ import annotations

import onnx

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.model_import.graph.view import NodeWriter, attribute, replace

_MODES = ("bilinear", "linear")  # the second since opset 20


def without_volume_sampling(model: onnx.ModelProto, volumes: set[str], writer: NodeWriter, where: str) -> int:
    """Replace, in place, each GridSample whose grid has five axes; return how many there were.

    `volumes`: the tensors that are known to be grids of volumes, by their names. Raises ModelError for one that mixes
    otherwise than linearly, or repeats its edges.
    """
    opset = max(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    nodes, count = [], 0
    for node in model.graph.node:
        if node.op_type != "GridSample" or node.input[1] not in volumes:
            nodes.append(node)
            continue
        mode = attribute(node, "mode", b"linear").decode()
        padding = attribute(node, "padding_mode", b"zeros").decode()
        if mode not in _MODES or padding != "zeros" or attribute(node, "align_corners", 0):
            raise ModelError(
                _(
                    "{where} samples volumes in a way ({mode}, {padding}) that LivePortrait does not",
                    where=where,
                    mode=mode,
                    padding=padding,
                )
            )
        _sample(writer, node, "linear" if opset >= 20 else "bilinear")
        nodes += writer.new_nodes()
        count += 1
    replace(model.graph.node, nodes)
    return count


def _sample(writer: NodeWriter, node: onnx.NodeProto, mode: str) -> None:
    """Write one: the volume's slices below one another as a picture, a row of nothing above and below each, sampled at
    the slice before each place and at the one behind it, which are mixed by how near they are.
    """
    volume, grid = node.input[:2]
    count, channels, depth, height, width = _sides(writer, volume)
    _, planes, rows, columns, _ = _sides(writer, grid)
    padded = writer.node("Pad", [volume, writer.ints([0, 0, 0, 1, 0, 0, 0, 0, 1, 0])])
    slice_rows = writer.node("Add", [height, writer.ints([2])])
    all_rows = writer.node("Mul", [depth, slice_rows])
    picture = writer.node("Reshape", [padded, _joined(writer, count, channels, all_rows, width)])
    x, y, z = (writer.node("Gather", [grid, writer.ints([axis])], axis=4) for axis in range(3))  # [N, d, h, w, 1]
    row = _clipped(writer, _in_pixels(writer, y, height), writer.float(-1), _real(writer, height))
    row = writer.node("Add", [row, writer.float(1)])
    place = _in_pixels(writer, z, depth)
    lower = writer.node("Floor", [place])
    above = writer.node("Sub", [place, lower])
    last = writer.node("Sub", [_real(writer, depth), writer.float(1)])
    flat = _joined(writer, count, writer.node("Mul", [planes, rows]), columns, writer.ints([2]))
    deep = _joined(writer, count, channels, planes, rows, columns)
    mixed = []
    for index, share in (
        (lower, writer.node("Sub", [writer.float(1), above])),
        (writer.node("Add", [lower, writer.float(1)]), above),
    ):
        inside = _clipped(writer, index, writer.float(0), last)
        in_picture = writer.node("Add", [writer.node("Mul", [inside, _real(writer, slice_rows)]), row])
        doubled = writer.node("Add", [writer.node("Mul", [in_picture, writer.float(2)]), writer.float(1)])
        across = writer.node("Div", [doubled, _real(writer, all_rows)])
        pair = writer.node("Concat", [x, writer.node("Sub", [across, writer.float(1)])], axis=4)
        at = writer.node("Reshape", [pair, flat])
        found = writer.node("GridSample", [picture, at], mode=mode, padding_mode="zeros", align_corners=0)
        is_there = writer.node("Equal", [inside, index])
        weight = writer.node("Where", [is_there, share, writer.float(0)])
        weight = writer.node("Transpose", [weight], perm=[0, 4, 1, 2, 3])
        mixed.append(writer.node("Mul", [writer.node("Reshape", [found, deep]), weight]))
    writer.node("Add", mixed, output=node.output[0])


def _sides(writer: NodeWriter, tensor: str) -> list[str]:
    """Return the five sides of a tensor, each as [1] whole number."""
    shape = writer.node("Shape", [tensor])
    return [writer.node("Gather", [shape, writer.ints([axis])], axis=0) for axis in range(5)]


def _joined(writer: NodeWriter, *sides: str) -> str:
    return writer.node("Concat", list(sides), axis=0)


def _real(writer: NodeWriter, count: str) -> str:
    return writer.node("Cast", [count], to=onnx.TensorProto.FLOAT)


def _in_pixels(writer: NodeWriter, at: str, side: str) -> str:
    """From -1..1, edge to edge, to the number of a pixel, 0 at the first one's middle."""
    along = writer.node("Mul", [writer.node("Add", [at, writer.float(1)]), _real(writer, side)])
    return writer.node("Mul", [writer.node("Sub", [along, writer.float(1)]), writer.float(0.5)])


def _clipped(writer: NodeWriter, numbers: str, least: str, most: str) -> str:
    return writer.node("Min", [writer.node("Max", [numbers, least]), most])
