"""Walks protocol buffers, of which ONNX files are made, without building anything.

The encoding is that of https://protobuf.dev/programming-guides/encoding/. What readers disagree about is refused: a
walker that passes over what a library reads guards nothing.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import NamedTuple

_LONGEST_TAG = 5
"""Bytes: a field's number and type have 32 bits. Libraries cut longer ones off and then see another field."""


class DamagedError(Exception):
    """The bytes do not read as a protocol buffer, or as one that is no model."""


class Field(NamedTuple):
    """One field of a message: for numbers the value, for bytes the place where they lie."""

    number: int
    value: int
    start: int
    end: int
    """0 for numbers; those of fixed width count as bytes."""


def fields(data: mmap.mmap, start: int, end: int) -> Iterator[Field]:
    """Walk the fields of the message in data[start:end]. Raises DamagedError."""
    position = start
    while position < end:
        tag_start = position
        key, position = _varint(data, position, end)
        if key > 0xFFFFFFFF or position - tag_start > _LONGEST_TAG:
            raise DamagedError
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(data, position, end)
            yield Field(number, value, 0, 0)
            continue
        if wire_type == 2:
            length, position = _varint(data, position, end)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise DamagedError
        if number == 0 or position + length > end:
            raise DamagedError
        yield Field(number, 0, position, position + length)
        position += length


def numbers(data: mmap.mmap, field: Field) -> list[int]:
    """Return what a field of whole numbers holds: one, or, packed, many. Raises DamagedError."""
    if not field.end:
        return [field.value]
    found, position = [], field.start
    while position < field.end:
        value, position = _varint(data, position, field.end)
        found.append(value)
    return found


def signed(value: int) -> int:
    """Return a 64-bit number as it is meant where it may be negative."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(data: mmap.mmap, field: Field) -> str:
    """Return a field's text. Bytes that are no UTF-8 survive: a path must be checked as it will be opened."""
    return data[field.start : field.end].decode("utf-8", errors="surrogateescape")


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
    raise DamagedError
