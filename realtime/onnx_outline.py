"""Reads the outline of an ONNX file from its bytes.

ONNX is a protocol buffer. Only its frame is walked here and weights are passed over, so that a file of any size is
looked through in milliseconds, and a hostile one meets no parser that builds what it asks for. Field numbers are those
of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3), the encoding that of
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

import dataclasses
import mmap
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

_DEEPEST = 64
"""Graphs in graphs (the branches of an If): protocol buffer readers stop at 100 messages."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelOutline:
    """What a file says, as far as it matters before it is run."""

    metadata: Mapping[str, str]
    opset: int
    """Of ONNX's own operators; 0 where the file names none."""
    external_files: tuple[str, ...]
    """The locations of weights kept outside the file, as written there."""
    operators: frozenset[tuple[str, str]]
    """(domain, name) of every operator used anywhere."""
    own_functions: frozenset[tuple[str, str]]
    """(domain, name) of operators that the file itself defines out of others."""
    nan_weights: str
    """The name of a tensor of weights with a value that is no number, or empty."""
    inputs: Mapping[str, tuple[int | str, ...]]
    """The shape of every input that is a tensor: numbers, and names (they may be empty) of dimensions that are free."""


class DamagedError(Exception):
    """The bytes do not read as a protocol buffer, or as one that is no model."""


def outline_of(data: mmap.mmap) -> ModelOutline:
    """Look through the whole file. Raises DamagedError."""
    walk = _Walk(data)
    walk.model()
    return ModelOutline(
        metadata=metadata_of(data),
        opset=walk.opset,
        external_files=tuple(dict.fromkeys(walk.external_files)),
        operators=frozenset(walk.operators),
        own_functions=frozenset(walk.own_functions),
        nan_weights=walk.nan_weights,
        inputs=walk.inputs,
    )


def metadata_of(data: mmap.mmap) -> dict[str, str]:
    """Read ModelProto.metadata_props (14) without entering the graph (7). Raises DamagedError where there is none."""
    found, has_graph = {}, False
    for field in _fields(data, 0, len(data)):
        has_graph |= field.number == 7 and field.end > 0
        if field.number == 14 and field.end:
            key, value = _pair(data, field)
            found[shown(key)] = shown(value, 4000)
    if not has_graph:
        raise DamagedError
    return found


def shown(text: str, most: int = 120) -> str:
    """Return a text out of a file as it may be shown: nothing that moves a terminal's cursor or breaks the line, and no
    more than `most` letters.
    """
    letters = (c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text[:most])
    return "".join(letters)


class _Field(NamedTuple):
    """One field of a message: for numbers the value, for bytes the place where they lie."""

    number: int
    value: int
    start: int
    end: int
    """0 for numbers."""


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


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[_Field]:
    """Walk the fields of the message in data[start:end]."""
    position = start
    while position < end:
        key, position = _varint(data, position, end)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = _varint(data, position, end)
            yield _Field(number, value, 0, 0)
            continue
        if wire_type == 2:
            length, position = _varint(data, position, end)
        elif wire_type in (1, 5):
            length = 8 if wire_type == 1 else 4
        else:
            raise DamagedError
        if number == 0 or position + length > end:
            raise DamagedError
        if wire_type == 2:
            yield _Field(number, 0, position, position + length)
        position += length


def _text(data: mmap.mmap, field: _Field) -> str:
    # Bytes that are no UTF-8 survive: a path must be checked as it will be opened.
    return data[field.start : field.end].decode("utf-8", errors="surrogateescape")


def _pair(data: mmap.mmap, field: _Field) -> tuple[str, str]:
    """Read a StringStringEntryProto: key = 1, value = 2."""
    texts = {inner.number: _text(data, inner) for inner in _fields(data, field.start, field.end) if inner.number < 3}
    return texts.get(1, ""), texts.get(2, "")


class _Walk:
    """Goes through every message that can hold an operator or a tensor."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.opset = 0
        self.external_files: list[str] = []
        self.operators: set[tuple[str, str]] = set()
        self.own_functions: set[tuple[str, str]] = set()
        self.nan_weights = ""
        self.inputs: dict[str, tuple[int | str, ...]] = {}

    def model(self) -> None:
        for field in _fields(self._data, 0, len(self._data)):
            if field.number == 7:
                self._graph(field, 0)
            elif field.number == 8:
                domain, version = self._opset(field)
                if domain in ("", "ai.onnx"):
                    self.opset = max(self.opset, version)
            elif field.number == 20:  # training_info: two graphs, initialization and algorithm
                for inner in _fields(self._data, field.start, field.end):
                    if inner.number in (1, 2):
                        self._graph(inner, 1)
            elif field.number == 25:
                self._function(field)

    def _opset(self, field: _Field) -> tuple[str, int]:
        domain, version = "", 0
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 1:
                domain = _text(self._data, inner)
            elif inner.number == 2:
                version = inner.value
        return domain, version

    def _function(self, field: _Field) -> None:
        name = domain = ""
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 1:
                name = _text(self._data, inner)
            elif inner.number == 10:
                domain = _text(self._data, inner)
            elif inner.number == 7:
                self._node(inner, 1)
            elif inner.number == 11:
                self._attribute(inner, 1)
        self.own_functions.add((domain, name))

    def _graph(self, field: _Field, depth: int) -> None:
        if depth > _DEEPEST:
            raise DamagedError
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 1:
                self._node(inner, depth)
            elif inner.number == 5:
                self._tensor(inner)
            elif inner.number == 15:
                self._sparse_tensor(inner)
            elif inner.number == 11 and depth == 0:  # a branch or a loop's body has inputs of its own
                self._input(inner)

    def _input(self, field: _Field) -> None:
        """Read ValueInfoProto: name = 1, type = 2; there tensor_type = 1, shape = 2, dim = 1 (value = 1, param = 2)."""
        name, places = "", []
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 1:
                name = _text(self._data, inner)
            elif inner.number == 2:
                places.append(inner)
        for number in (1, 2):
            places = [inner for place in places for inner in self._parts(place, number)]
        if places:
            self.inputs[shown(name)] = tuple(self._side(dim) for place in places for dim in self._parts(place, 1))

    def _parts(self, field: _Field, number: int) -> list[_Field]:
        """Return the messages of this number within a message."""
        inside = _fields(self._data, field.start, field.end) if field.end else ()
        return [inner for inner in inside if inner.number == number and inner.end]

    def _side(self, field: _Field) -> int | str:
        side: int | str = ""
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 1:
                side = inner.value
            elif inner.number == 2:
                side = shown(_text(self._data, inner))
        return side

    def _node(self, field: _Field, depth: int) -> None:
        name = domain = ""
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 4:
                name = _text(self._data, inner)
            elif inner.number == 7:
                domain = _text(self._data, inner)
            elif inner.number == 5:
                self._attribute(inner, depth)
        self.operators.add((domain, name))

    def _attribute(self, field: _Field, depth: int) -> None:
        for inner in _fields(self._data, field.start, field.end):
            if inner.number in (5, 10):  # t, tensors
                self._tensor(inner)
            elif inner.number in (6, 11) and inner.end:  # g, graphs
                self._graph(inner, depth + 1)
            elif inner.number in (22, 23):  # sparse_tensor, sparse_tensors
                self._sparse_tensor(inner)

    def _sparse_tensor(self, field: _Field) -> None:
        for inner in _fields(self._data, field.start, field.end):
            if inner.number in (1, 2):  # values, indices
                self._tensor(inner)

    def _tensor(self, field: _Field) -> None:
        name, data_type, raw = "", 0, None
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 2:
                data_type = inner.value
            elif inner.number == 8:
                name = _text(self._data, inner)
            elif inner.number in (4, 9) and inner.end:  # float_data packed, raw_data: little-endian both
                raw = inner
            elif inner.number == 13:
                key, location = _pair(self._data, inner)
                if key == "location":
                    self.external_files.append(location)
        if raw is not None and not self.nan_weights and self._holds_nan(data_type, raw):
            self.nan_weights = name or "a constant"

    def _holds_nan(self, data_type: int, raw: _Field) -> bool:
        dtype = {1: "<f4", 10: "<f2", 11: "<f8"}.get(data_type)
        if dtype is None:
            return False
        if (raw.end - raw.start) % np.dtype(dtype).itemsize:
            raise DamagedError  # half a number
        # A sum is NaN where an element is, and costs a tenth of looking at each; infinities of both signs would make
        # one too, and only then each is looked at. The piece is copied out: a view would keep the file mapped.
        piece = 1 << 22
        for start in range(raw.start, raw.end - 1, piece):
            numbers = np.frombuffer(self._data[start : min(start + piece, raw.end)], dtype)
            with np.errstate(all="ignore"):
                if np.isnan(numbers.sum()) and bool(np.isnan(numbers).any()):
                    return True
        return False
