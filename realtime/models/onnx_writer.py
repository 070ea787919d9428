"""Writes an ONNX model from its parts, without the `onnx` package: a quarter of a second and a protobuf parser less.

Field numbers are those of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), the encoding that of
https://protobuf.dev/programming-guides/encoding/. `realtime.models.onnx_header` reads the same format.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

OPSET = 17
_IR_VERSION = 8
"""What came with that opset (ONNX 1.12, 2022)."""
_ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int64": 7}
_INT, _STRING, _INTS = 2, 3, 7

AttributeValue = int | str | Sequence[int]


def node(operator: str, inputs: Sequence[str], output: str, **attributes: AttributeValue) -> bytes:
    """Return one operator; an empty name among the inputs leaves an optional one out."""
    parts = [_text(1, name) for name in inputs]
    parts += [_text(2, output), _text(3, output), _text(4, operator)]
    parts += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
    return b"".join(parts)


def constant(name: str, values: NDArray[np.float32] | NDArray[np.int64]) -> bytes:
    """Return a tensor of weights."""
    little_endian = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    parts = [_number(1, side) for side in values.shape]
    parts += [_number(2, _ELEMENT_TYPES[values.dtype.name]), _text(8, name), _bytes(9, little_endian.tobytes())]
    return b"".join(parts)


def port(name: str, dtype: str, shape: Sequence[int]) -> bytes:
    """Return an input or output; `dtype` is NumPy's name."""
    sides = b"".join(_bytes(1, _number(1, side)) for side in shape)
    tensor = _number(1, _ELEMENT_TYPES[dtype]) + _bytes(2, sides)
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def model(
    nodes: Sequence[bytes], constants: Sequence[bytes], inputs: Sequence[bytes], outputs: Sequence[bytes]
) -> bytes:
    """Return the bytes of a file. The nodes stand in the order in which they are computed."""
    graph = [_bytes(1, part) for part in nodes]
    graph += [_text(2, "graph"), *(_bytes(5, part) for part in constants)]
    graph += [*(_bytes(11, part) for part in inputs), *(_bytes(12, part) for part in outputs)]
    return _number(1, _IR_VERSION) + _bytes(7, b"".join(graph)) + _bytes(8, _text(1, "") + _number(2, OPSET))


def message_field(number: int, content: int | bytes) -> bytes:
    """Return one field of a message: a number, or bytes."""
    return _number(number, content) if isinstance(content, int) else _bytes(number, content)


def _attribute(name: str, value: AttributeValue) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _INT)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _number(20, _STRING)
    return _text(1, name) + b"".join(_number(8, number) for number in value) + _number(20, _INTS)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, content: str) -> bytes:
    return _bytes(field, content.encode())


def _varint(value: int) -> bytes:
    written = bytearray()
    value &= (1 << 64) - 1  # negative numbers are written as 64 bits of two's complement
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
