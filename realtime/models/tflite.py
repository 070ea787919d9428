"""Reads a TensorFlow Lite file: its operators in order, its tensors' shapes, its weights.

It is a FlatBuffer (https://flatbuffers.dev/internals/); field numbers are those of
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs. Only as much is
known as the networks need that come with the program, and only files whose SHA-256 is known are read
(`realtime.models.weights`).
"""

from __future__ import annotations

import dataclasses
import enum
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.core.language import _


class Op(enum.IntEnum):
    """TensorFlow Lite's operators by their number."""

    ADD = 0
    AVERAGE_POOL_2D = 1
    CONCATENATION = 2
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEPTH_TO_SPACE = 5
    DEQUANTIZE = 6
    LOGISTIC = 14
    MAX_POOL_2D = 17
    MUL = 18
    RELU = 19
    RESHAPE = 22
    RESIZE_BILINEAR = 23
    CUSTOM = 32
    PAD = 34
    MEAN = 40
    PRELU = 54
    HARD_SWISH = 117
    DENSIFY = 124


TRANSPOSED_CONVOLUTION = b"Convolution2DTransposeBias"
"""The only custom operator that is known: MediaPipe's, with the parameters of TensorFlow Lite's own."""


class UnreadableError(Exception):
    """The bytes are no such file, or one that needs more than is known here."""


class Table:
    """One record of the file: fields by number, each of which may be left out."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self._position = data, position
        (back,) = struct.unpack_from("<i", data, position)
        self._fields = position - back
        (self._fields_size,) = struct.unpack_from("<H", data, self._fields)

    def number(self, field: int, kind: str, default: int = 0) -> int:
        """Return a scalar; `kind` is `struct`'s letter for it."""
        place = self._place(field)
        return int(struct.unpack_from(f"<{kind}", self._data, place)[0]) if place else default

    def array(self, field: int, dtype: str) -> NDArray[Any]:
        """Return a vector of numbers, empty where it is left out."""
        start, count = self._vector(field)
        return np.frombuffer(self._data, dtype, count, start) if count else np.empty(0, dtype)

    def table(self, field: int) -> Table | None:
        """Return the table that a field holds, None where it is left out."""
        place = self._place(field)
        return Table(self._data, self._at(place)) if place else None

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables, empty where it is left out."""
        start, count = self._vector(field)
        return [Table(self._data, self._at(start + 4 * number)) for number in range(count)]

    def _place(self, field: int) -> int:
        """Return where a field lies, 0 where it is left out."""
        entry = 4 + 2 * field
        if entry >= self._fields_size:
            return 0
        (offset,) = struct.unpack_from("<H", self._data, self._fields + entry)
        return self._position + offset if offset else 0

    def _at(self, place: int) -> int:
        """Return where the offset that lies here points to."""
        return place + int(struct.unpack_from("<I", self._data, place)[0])

    def _vector(self, field: int) -> tuple[int, int]:
        place = self._place(field)
        if not place:
            return 0, 0
        start = self._at(place)
        return start + 4, int(struct.unpack_from("<I", self._data, start)[0])


@dataclasses.dataclass(frozen=True, slots=True)
class Operator:
    """One step of a network. Tensors are named by their numbers."""

    op: Op
    inputs: tuple[int, ...]
    output: int
    options: Table | None
    custom_options: bytes = b""
    """Of `Op.CUSTOM`, as C lays its parameters out."""

    def option(self, field: int, kind: str = "i", default: int = 0) -> int:
        """Return one of its options, by the number and kind of the field."""
        return self.options.number(field, kind, default) if self.options else default


@dataclasses.dataclass(frozen=True, slots=True)
class Network:
    """What a file holds."""

    operators: tuple[Operator, ...]
    """Those that compute, in order; weights kept half or sparse are plain float32 in `constants` already."""
    shapes: tuple[tuple[int, ...], ...]
    """Of each tensor; pictures are (1, height, width, channels)."""
    constants: Mapping[int, NDArray[Any]]
    """Weights and other numbers of the file, by tensor."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4"}


def read(data: bytes) -> Network:
    """Read a file's bytes. Raises UnreadableError."""
    try:
        if data[4:8] != b"TFL3":
            raise UnreadableError(_("no TensorFlow Lite file"))
        return _network(Table(data, struct.unpack_from("<I", data)[0]))
    except (struct.error, IndexError, KeyError, ValueError, RecursionError) as error:
        raise UnreadableError(_("damaged, or of a kind that is not known here ({reason})", reason=error)) from error


def _network(model: Table) -> Network:
    codes = [_op(code) for code in model.tables(1)]
    (graph,) = model.tables(2)
    tensors, buffers = graph.tables(0), model.tables(4)
    constants = {}
    for number, tensor in enumerate(tensors):
        stored = buffers[tensor.number(2, "I")].array(0, "u1")
        if stored.size:
            constants[number] = _plain(tensor, stored.view(_DTYPES[tensor.number(1, "b")]))
    operators = []
    for step in graph.tables(3):
        inputs = tuple(step.array(1, "<i4").tolist())
        (output,) = step.array(2, "<i4").tolist()
        op = codes[step.number(0, "I")]
        if op in (Op.DENSIFY, Op.DEQUANTIZE):
            constants[output] = np.asarray(constants[inputs[0]], np.float32)
        else:
            operators.append(Operator(op, inputs, output, step.table(4), step.array(5, "u1").tobytes()))
    return Network(
        tuple(operators),
        tuple(tuple(tensor.array(0, "<i4").tolist()) for tensor in tensors),
        constants,
        tuple(graph.array(1, "<i4").tolist()),
        tuple(graph.array(2, "<i4").tolist()),
    )


def _op(code: Table) -> Op:
    op = Op(max(code.number(0, "b"), code.number(3, "i")))
    if op is Op.CUSTOM and code.array(1, "u1").tobytes() != TRANSPOSED_CONVOLUTION:
        raise UnreadableError(_("it has an operator of somebody's own"))
    return op


def _plain(tensor: Table, stored: NDArray[Any]) -> NDArray[Any]:
    """Return a constant in its shape; of a sparse one only what is not zero is stored, row by row."""
    shape = tensor.array(0, "<i4").tolist()
    sparsity = tensor.table(6)
    if sparsity is None:
        return stored.reshape(shape)
    dimensions = sparsity.tables(2)
    rows_only = [dimension.number(0, "b") for dimension in dimensions] == [0] * (len(shape) - 1) + [1]
    in_order = sparsity.array(0, "<i4").tolist() == list(range(len(shape)))
    if not rows_only or not in_order or sparsity.array(1, "<i4").size:
        raise UnreadableError(_("its weights are sparse in a way that is not known here"))
    starts, columns = (_indices(dimensions[-1], field) for field in (2, 4))
    rows = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    plain = np.zeros((starts.size - 1, shape[-1]), stored.dtype)
    plain[rows, columns] = stored
    return plain.reshape(shape)


def _indices(dimension: Table, field: int) -> NDArray[np.int64]:
    """Return a vector whose kind (32, 16 or 8 bits) is told in the field before it."""
    vector = dimension.table(field + 1)
    dtype = {1: "<i4", 2: "<u2", 3: "u1"}[dimension.number(field, "B")]
    return np.asarray(vector.array(0, dtype) if vector else (), np.int64)
