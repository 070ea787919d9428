"""Puts LivePortrait's parts into one motion model: between them lies what its program computes by hand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper

from realtime.model_import.graph.picture_nodes import PictureWriter
from realtime.model_import.graph.view import in_order, replace
from realtime.model_import.hints import ColourOrder
from realtime.model_import.motion.ports import BINS, FIELDS, DrawingPorts, FacePort, MotionPorts, count_of

_BIN_DEGREES, _FIRST_BIN_DEGREES = 3.0, -97.5
_BIN_ANGLES = (np.arange(BINS, dtype=np.float32) * _BIN_DEGREES + _FIRST_BIN_DEGREES).reshape(BINS, 1)
_ZERO_ROW, _ONE_ROW = np.zeros(1, np.float32), np.ones(1, np.float32)
_NOT_DEPTH = np.array([1, 1, 0], np.float32)
_ANGLES = ("pitch", "yaw", "roll")


@dataclasses.dataclass(frozen=True, slots=True)
class MotionSpec:
    """Where everything is in the graph that holds all parts."""

    features_in: FacePort
    features_out: str
    volume: tuple[int, ...]
    """(1, C, D, h, w)"""
    motion_in: FacePort
    motion: MotionPorts
    stitching_in: Sequence[str]
    """One input, or two: the points as they shall be, then the source's."""
    stitching_out: str
    drawing: DrawingPorts
    drawn_px: int


def adapted_motion(model: onnx.ModelProto, spec: MotionSpec, writer: PictureWriter) -> onnx.ModelProto:
    """Turn a graph that holds all parts, in place, into a model as `realtime.models.card` has it, and return it."""
    glue = _Glue(writer, spec)
    nodes = list(model.graph.node)
    glue.look()
    head = writer.new_nodes()
    glue.tell()
    glue.draw()
    # What the parts take is made of what others give: sorted once, by what comes after what.
    replace(model.graph.node, in_order([*head, *nodes, *writer.new_nodes()]))
    side, drawn, count = spec.features_in.side_px, spec.drawn_px, glue.motion_count
    numbers = {"source_features": count_of(spec.volume)}
    numbers |= {f"{whose}_motion": count for whose in ("source", "rest", "driving")}
    replace(model.graph.input, [_bytes("face", side, 3), *(_row(name, size) for name, size in numbers.items())])
    outputs = [_row("motion", count), _row("features", count_of(spec.volume))]
    replace(model.graph.output, [*outputs, _bytes("face_out", drawn, 3), _bytes("mask", drawn, 1)])
    del model.graph.value_info[:]
    model.graph.name = "realtime"
    return model


def _bytes(name: str, side: int, channels: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.UINT8, [1, side, side, channels])


def _row(name: str, count: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, count])


@dataclasses.dataclass(frozen=True, slots=True)
class _Pose:
    """Names of tensors: the transposed rotation [3, 3], shift [3], scale [1], expression and points [K, 3]."""

    rotation: str
    shift: str
    scale: str
    expression: str
    points: str


class _Glue:
    def __init__(self, writer: PictureWriter, spec: MotionSpec) -> None:
        self._to, self._spec = writer, spec
        points = spec.motion.points
        sizes = {
            "pitch": 1,
            "yaw": 1,
            "roll": 1,
            "shift": 3,
            "scale": 1,
            "expression": 3 * points,
            "points": 3 * points,
        }
        self._sizes = [sizes[field] for field in FIELDS]
        self.motion_count = sum(self._sizes)

    def look(self) -> None:
        """From `face` to what both parts that look at it take: RGB planes in 0..1."""
        write = self._to
        planes = write.node("Cast", [write.planes_of_pixels("face", ColourOrder.RGB)], to=TensorProto.FLOAT)
        unit = write.node("Mul", [planes, write.float(1 / 255)])
        for port in (self._spec.features_in, self._spec.motion_in):
            write.node("Identity", [unit], output=port.name)

    def tell(self) -> None:
        """From what they give to `features` and `motion`."""
        write, spec = self._to, self._spec
        write.node("Reshape", [spec.features_out, write.ints([1, -1])], output="features")
        rows = []
        for field in FIELDS:
            row = write.node("Reshape", [spec.motion.outputs[field], write.ints([1, -1])])
            rows.append(self._degrees(row) if field in _ANGLES and spec.motion.has_bins else row)
        write.node("Concat", rows, output="motion", axis=1)

    def draw(self) -> None:
        """From features and three motions to `face_out` and `mask`."""
        write, spec = self._to, self._spec
        source, rest, driving = (self._pose(f"{whose}_motion") for whose in ("source", "rest", "driving"))
        own = self._placed(source.points, source.rotation, source.expression, source.scale, source.shift)
        back = write.node("Transpose", [rest.rotation], perm=[1, 0])
        turned = write.node("MatMul", [write.node("MatMul", [driving.rotation, back]), source.rotation])
        moved = self._placed(
            source.points,
            turned,
            self._changed(source.expression, driving.expression, rest.expression),
            write.node("Mul", [source.scale, write.node("Div", [driving.scale, rest.scale])]),
            self._changed(source.shift, driving.shift, rest.shift),
        )
        as_points = write.ints([1, spec.motion.points, 3])
        stitched = write.node("Reshape", [self._stitched(own, moved), as_points])
        volume = write.node("Reshape", ["source_features", write.ints(list(spec.volume))])
        write.node("Identity", [volume], output=spec.drawing.features)
        write.node("Identity", [stitched], output=spec.drawing.driving)
        write.node("Reshape", [own, as_points], output=spec.drawing.source)
        grey = write.node("Mul", [spec.drawing.picture, write.float(255)])
        rounded = write.node("Add", [grey, write.float(0.5)])
        clipped = write.node("Clip", [rounded, write.float(0), write.float(255)])
        planes = write.node("Cast", [clipped], to=TensorProto.UINT8)
        write.pixels_of_planes(planes, ColourOrder.RGB, "face_out")
        # These files do not tell what is new: all may be.
        everywhere = np.full((1, spec.drawn_px, spec.drawn_px, 1), 255, np.uint8)
        write.node("Identity", [write.constant(everywhere)], output="mask")

    def _degrees(self, scores: str) -> str:
        """From scores of bins to the angle that they stand for, [1, 1]."""
        write = self._to
        shares = write.node("Softmax", [scores], axis=1)
        bins = write.constant(_BIN_ANGLES)
        return write.node("MatMul", [shares, bins])

    def _pose(self, motion: str) -> _Pose:
        write = self._to
        flat = write.node("Reshape", [motion, write.ints([-1])])
        pieces, start = {}, 0
        for field, size in zip(FIELDS, self._sizes, strict=True):
            pieces[field] = write.node("Slice", [flat, write.ints([start]), write.ints([start + size])])
            start += size
        shape = write.ints([-1, 3])
        return _Pose(
            self._rotation([pieces[angle] for angle in _ANGLES]),
            pieces["shift"],
            pieces["scale"],
            write.node("Reshape", [pieces["expression"], shape]),
            write.node("Reshape", [pieces["points"], shape]),
        )

    def _rotation(self, angles: Sequence[str]) -> str:
        """Return the matrix that points are multiplied with from the right: about x, then y, then z."""
        write = self._to
        radians = [write.node("Mul", [angle, write.float(math.pi / 180)]) for angle in angles]
        (x_sin, y_sin, z_sin), (x_cos, y_cos, z_cos) = (
            [write.node(operator, [angle]) for angle in radians] for operator in ("Sin", "Cos")
        )
        x_neg, y_neg, z_neg = (write.node("Neg", [sine]) for sine in (x_sin, y_sin, z_sin))
        zero, one = write.constant(_ZERO_ROW), write.constant(_ONE_ROW)
        about = (
            [z_cos, z_neg, zero, z_sin, z_cos, zero, zero, zero, one],
            [y_cos, zero, y_sin, zero, one, zero, y_neg, zero, y_cos],
            [one, zero, zero, zero, x_cos, x_neg, zero, x_sin, x_cos],
        )
        turns = [write.node("Reshape", [write.node("Concat", row, axis=0), write.ints([3, 3])]) for row in about]
        whole = write.node("MatMul", [write.node("MatMul", turns[:2]), turns[2]])
        return write.node("Transpose", [whole], perm=[1, 0])

    def _placed(self, points: str, rotation: str, expression: str, scale: str, shift: str) -> str:
        """Return points turned, moved, scaled and shifted, but not in depth: [K, 3]."""
        write = self._to
        turned = write.node("Add", [write.node("MatMul", [points, rotation]), expression])
        in_picture = write.node("Mul", [shift, write.constant(_NOT_DEPTH)])
        return write.node("Add", [write.node("Mul", [turned, scale]), in_picture])

    def _changed(self, source: str, driving: str, rest: str) -> str:
        return self._to.node("Add", [source, self._to.node("Sub", [driving, rest])])

    def _stitched(self, own: str, moved: str) -> str:
        """Return the points as they shall be, corrected by the part that keeps shoulders where they are."""
        write, spec, count = self._to, self._spec, 3 * self._spec.motion.points
        if len(spec.stitching_in) == 2:  # it gives the points themselves
            shape = write.ints([1, spec.motion.points, 3])
            for points, port in zip((moved, own), spec.stitching_in, strict=True):
                write.node("Reshape", [points, shape], output=port)
            return spec.stitching_out
        row = write.ints([1, -1])
        both = [write.node("Reshape", [points, row]) for points in (own, moved)]
        write.node("Concat", both, output=spec.stitching_in[0], axis=1)
        delta = write.node("Reshape", [spec.stitching_out, write.ints([-1])])
        each = write.node("Slice", [delta, write.ints([0]), write.ints([count])])
        all_of_them = write.node("Slice", [delta, write.ints([count]), write.ints([count + 2])])
        shift = write.node("Concat", [all_of_them, write.constant(_ZERO_ROW)], axis=0)
        corrected = write.node("Add", [moved, write.node("Reshape", [each, write.ints([-1, 3])])])
        return write.node("Add", [corrected, shift])
