"""Reads the outline of an ONNX file from its bytes.

ONNX is a protocol buffer. Only its frame is walked here and weights are passed over, so that a file of any size is
looked through in milliseconds, and a hostile one meets no parser that builds what it asks for. Field numbers are those
of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from __future__ import annotations

import dataclasses
import math
import mmap
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from realtime.core.errors import shown
from realtime.core.language import _
from realtime.models.card import LATENT_SPACE_KEY, MOST_LATENT_SPACE
from realtime.models.protobuf import DamagedError, Field, fields, numbers, signed, text
from realtime.models.workload import Work, work_of

_BITS = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 11, 13, 14), 64),
    15: 128,
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((25, 26), 2),
}
"""Of one value, by TensorProto.DataType; texts have no size."""
_DATA_FIELDS = frozenset({4, 5, 6, 7, 10, 11})
_MOST_SPARSE = 1 << 24
"""Values of sparse weights written out: 64 MB."""
_MOST_LETTERS = 4000
"""Of an entry of metadata, but for those of LATENT_SPACE_KEY: what is longer is cut off there."""
_DEEPEST = 64
"""Graphs in graphs (the branches of an If): protocol buffer readers stop at 100 messages."""


class ExternalPart(NamedTuple):
    """Weights that lie in another file."""

    location: str
    name: str
    """Of the tensor."""
    offset: int
    length: int
    """Bytes: what its shape asks for."""


@dataclasses.dataclass(frozen=True, slots=True)
class ModelHeader:
    """What a file says, as far as it matters before it is run."""

    metadata: Mapping[str, str]
    opset: int
    """Of ONNX's own operators; 0 where the file names none."""
    external_files: tuple[str, ...]
    """The locations of weights kept outside the file, as written there."""
    external_parts: tuple[ExternalPart, ...]
    """Which parts of them."""
    operators: frozenset[tuple[str, str]]
    """(domain, name) of every operator used anywhere."""
    own_functions: frozenset[tuple[str, str]]
    """(domain, name) of operators that the file itself defines out of others."""
    nan_weights: str
    """The name of a tensor of weights with a value that is no number, or empty."""
    short_weights: str
    """What is wrong with a tensor whose shape says more, or less, than there are bytes for; or empty."""
    work: Work
    """What running it once asks for."""
    inputs: Mapping[str, tuple[int | str, ...]]
    """The shape of every input that is a tensor: numbers, and names (they may be empty) of dimensions that are free."""


def header_of(data: mmap.mmap) -> ModelHeader:
    """Look through the whole file. Raises DamagedError."""
    work = work_of(data)
    walk = _Walk(data)
    if not work.problem:  # otherwise it is refused whatever else is in it
        walk.model()
    return ModelHeader(
        metadata=metadata_of(data),
        opset=walk.opset,
        external_files=tuple(dict.fromkeys(part.location for part in walk.external)),
        external_parts=tuple(walk.external),
        operators=frozenset(walk.operators),
        own_functions=frozenset(walk.own_functions),
        nan_weights=walk.nan_weights,
        short_weights=walk.short_weights,
        work=work,
        inputs=walk.inputs,
    )


def metadata_of(data: mmap.mmap) -> dict[str, str]:
    """Read ModelProto.metadata_props (14) without entering the graph (7). Raises DamagedError where there is none."""
    found, has_graph = {}, False
    for field in fields(data, 0, len(data)):
        has_graph |= field.number == 7 and field.end > 0
        if field.number == 14 and field.end:
            key, value = _pair(data, field)
            # One letter more than there may be, so that whoever reads it sees that it is too long.
            most = MOST_LATENT_SPACE + 1 if key == LATENT_SPACE_KEY else _MOST_LETTERS
            found[shown(key, 120)] = shown(value, most)
    if not has_graph:
        raise DamagedError
    return found


def _pair(data: mmap.mmap, field: Field) -> tuple[str, str]:
    """Read a StringStringEntryProto: key = 1, value = 2."""
    texts = {inner.number: text(data, inner) for inner in fields(data, field.start, field.end) if inner.number < 3}
    return texts.get(1, ""), texts.get(2, "")


class _Walk:
    """Goes through every message that can hold an operator or a tensor."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.opset = 0
        self.external: list[ExternalPart] = []
        self.operators: set[tuple[str, str]] = set()
        self.own_functions: set[tuple[str, str]] = set()
        self.nan_weights = self.short_weights = ""
        self.inputs: dict[str, tuple[int | str, ...]] = {}

    def model(self) -> None:
        for field in fields(self._data, 0, len(self._data)):
            if field.number == 7:
                self._graph(field, 0)
            elif field.number == 8:
                domain, version = self._opset(field)
                if domain in ("", "ai.onnx"):
                    self.opset = max(self.opset, version)
            elif field.number == 20:  # training_info: two graphs, initialization and algorithm
                for inner in fields(self._data, field.start, field.end):
                    if inner.number in (1, 2):
                        self._graph(inner, 1)
            elif field.number == 25:
                self._function(field)

    def _opset(self, field: Field) -> tuple[str, int]:
        domain, version = "", 0
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                domain = text(self._data, inner)
            elif inner.number == 2:
                version = inner.value
        return domain, version

    def _function(self, field: Field) -> None:
        name = domain = ""
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                name = text(self._data, inner)
            elif inner.number == 10:
                domain = text(self._data, inner)
            elif inner.number == 7:
                self._node(inner, 1)
            elif inner.number == 11:
                self._attribute(inner, 1)
        self.own_functions.add((domain, name))

    def _graph(self, field: Field, depth: int) -> None:
        if depth > _DEEPEST:
            raise DamagedError
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                self._node(inner, depth)
            elif inner.number == 5:
                self._tensor(inner)
            elif inner.number == 15:
                self._sparse_tensor(inner)
            elif inner.number == 11 and depth == 0:  # a branch or a loop's body has inputs of its own
                self._input(inner)

    def _input(self, field: Field) -> None:
        """Read ValueInfoProto: name = 1, type = 2; there tensor_type = 1, shape = 2, dim = 1 (value = 1, param = 2)."""
        name, places = "", []
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                name = text(self._data, inner)
            elif inner.number == 2:
                places.append(inner)
        for number in (1, 2):
            places = [inner for place in places for inner in self._parts(place, number)]
        if places:
            self.inputs[shown(name, 120)] = tuple(self._side(dim) for place in places for dim in self._parts(place, 1))

    def _parts(self, field: Field, number: int) -> list[Field]:
        """Return the messages of this number within a message."""
        inside = fields(self._data, field.start, field.end) if field.end else ()
        return [inner for inner in inside if inner.number == number and inner.end]

    def _side(self, field: Field) -> int | str:
        side: int | str = ""
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                side = inner.value
            elif inner.number == 2:
                side = shown(text(self._data, inner), 120)
        return side

    def _node(self, field: Field, depth: int) -> None:
        name = domain = ""
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 4:
                name = text(self._data, inner)
            elif inner.number == 7:
                domain = text(self._data, inner)
            elif inner.number == 5:
                self._attribute(inner, depth)
        self.operators.add((domain, name))

    def _attribute(self, field: Field, depth: int) -> None:
        for inner in fields(self._data, field.start, field.end):
            if inner.number in (5, 10):  # t, tensors
                self._tensor(inner)
            elif inner.number in (6, 11) and inner.end:  # g, graphs
                self._graph(inner, depth + 1)
            elif inner.number in (22, 23):  # sparse_tensor, sparse_tensors
                self._sparse_tensor(inner)

    def _sparse_tensor(self, field: Field) -> None:
        sides: list[int] = []
        for inner in fields(self._data, field.start, field.end):
            if inner.number in (1, 2):  # values, indices
                self._tensor(inner)
            elif inner.number == 3:
                sides += [signed(value) for value in numbers(self._data, inner)]
        if math.prod(sides) > _MOST_SPARSE:  # it is written out when it is read
            self.short_weights = self.short_weights or _(
                "sparse weights of {sides}, far more than the file holds", sides=_by(sides)
            )

    def _tensor(self, field: Field) -> None:
        name, data_type, raw = "", 0, None
        sides: list[int] = []
        entries: dict[str, str] = {}
        most = 0  # values that there can be
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                sides += [signed(side) for side in numbers(self._data, inner)]
            elif inner.number == 2:
                data_type = inner.value
            elif inner.number == 8:
                name = text(self._data, inner)
            elif inner.number == 13:
                key, value = _pair(self._data, inner)
                entries[key] = value
            if inner.number in (4, 9) and inner.end:  # float_data packed, raw_data: little-endian both
                raw = inner
            if inner.number in _DATA_FIELDS:
                most += _most_values(inner, data_type)
        name = shown(name, 60) or _("a constant")
        if "location" in entries:
            self._external(entries, name, data_type, sides)
        else:
            self._check_amount(name, data_type, sides, raw, most)
        if raw is not None and not self.nan_weights and self._holds_nan(data_type, raw):
            self.nan_weights = name

    def _external(self, entries: Mapping[str, str], name: str, data_type: int, sides: list[int]) -> None:
        length = _bytes_for(data_type, sides)
        stated_length = entries.get("length", "") or str(length)
        offset = entries.get("offset", "") or "0"
        if (
            not (offset.isdecimal() and stated_length.isdecimal() and len(offset + stated_length) < 40)
            or min(sides, default=0) < 0
        ):
            raise DamagedError
        if int(stated_length) < length:
            self._short(name, sides, _("{stated_length} bytes", stated_length=int(stated_length)))
        self.external.append(ExternalPart(entries["location"], name, int(offset), length))

    def _check_amount(self, name: str, data_type: int, sides: list[int], raw: Field | None, most: int) -> None:
        """See that a tensor has as many values as its shape says: libraries make room for the shape first."""
        if min(sides, default=0) < 0:
            raise DamagedError
        if raw is not None and raw.number == 9:
            if data_type in _BITS and raw.end - raw.start != _bytes_for(data_type, sides):
                self._short(name, sides, _("{held_bytes} bytes", held_bytes=raw.end - raw.start))
        elif math.prod(sides) > most:
            self._short(name, sides, _("{most} values at most", most=most))

    def _short(self, name: str, sides: list[int], written: str) -> None:
        self.short_weights = self.short_weights or _(
            "'{name}' of {sides}, for which it holds {written}", name=name, sides=_by(sides), written=written
        )

    def _holds_nan(self, data_type: int, raw: Field) -> bool:
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


def _bytes_for(data_type: int, sides: list[int]) -> int:
    return -(-math.prod(sides) * _BITS.get(data_type, 0) // 8)


def _most_values(field: Field, data_type: int) -> int:
    """Return how many values a data field holds at most."""
    size = field.end - field.start if field.end else 1
    if field.number == 6:  # a text
        return 1
    least_bytes = {4: 4, 10: 8}.get(field.number, 1)
    return size // least_bytes * max(1, 8 // _BITS.get(data_type, 8))


def _by(sides: list[int]) -> str:
    return shown("×".join(map(str, sides)), 60) or _("one number")
