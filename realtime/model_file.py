"""What an ONNX file says of itself, read before any library is let near it.

ONNX is a protocol buffer; only its outline is walked here and weights are passed over, so that a file of any size is
looked through in milliseconds and a hostile one meets no parser that builds what it asks for. Field numbers are those
of onnx.proto3 (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3).
"""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.errors import ModelError
from realtime.model_card import ModelCard

LARGEST_BYTES = 2**31 - 1
"""Protocol buffers end here; more weights lie in files beside the model."""
_KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Whose operators ONNX Runtime brings itself; any other needs a library, that is, somebody's code in this process."""
_FORBIDDEN_OPERATORS = {
    "EPContext": "it holds or names a program compiled for one machine's accelerator; export it without",
}
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


def read_card(path: Path) -> ModelCard:
    """Return a file's card without looking at its graph (40 µs). Raises ModelError as `ModelCard.read` does, and for
    what is no ONNX file.
    """
    with _opened(path) as data:
        try:
            return ModelCard.read(_metadata(data), str(path))
        except _DamagedError as error:
            raise _no_onnx(path) from error


def read_outline(path: Path) -> ModelOutline:
    """Look through the whole file. Raises ModelError when it cannot be read or is no ONNX model."""
    with _opened(path) as data:
        walk = _Walk(data)
        try:
            walk.model()
            return ModelOutline(
                metadata=_metadata(data),
                opset=walk.opset,
                external_files=tuple(dict.fromkeys(walk.external_files)),
                operators=frozenset(walk.operators),
                own_functions=frozenset(walk.own_functions),
                nan_weights=walk.nan_weights,
            )
        except _DamagedError as error:
            raise _no_onnx(path) from error


def check_safe(path: Path, outline: ModelOutline) -> None:
    """Raise ModelError, one line, for a model that would read files elsewhere, needs somebody's code or cannot work."""
    folder = path.absolute().parent.resolve()  # where ONNX Runtime looks, also when the model itself is a link
    for location in outline.external_files:
        weights = (folder / location).resolve()  # follows links: a link that leads out is outside too
        if not location or not weights.is_relative_to(folder) or weights == folder:
            raise ModelError(
                f"{path} wants to read weights from '{location}', outside its own folder; keep them beside the model, "
                "or export it as one file"
            )
        if not weights.is_file():
            raise ModelError(f"{path} keeps its weights in '{location}', which is missing; copy that file beside it")
    for domain, name in sorted(outline.operators - outline.own_functions):
        if name in _FORBIDDEN_OPERATORS:
            raise ModelError(f"{path} uses the operator {name}: {_FORBIDDEN_OPERATORS[name]}")
        if domain not in _KNOWN_DOMAINS:
            raise ModelError(
                f"{path} needs the custom operator {domain}.{name}, which only its maker's library knows; export it "
                "with standard ONNX operators"
            )
    if outline.nan_weights:
        raise ModelError(
            f"{path} has weights that are no numbers (NaN, in '{outline.nan_weights}'): its training went wrong; "
            "export an earlier checkpoint"
        )


class _DamagedError(Exception):
    """The bytes do not read as a protocol buffer, or as one that is no model."""


def _no_onnx(path: Path) -> ModelError:
    return ModelError(f"{path} is no ONNX model, or a damaged one; export or download it again")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[mmap.mmap]:
    """A file's bytes, mapped and not read. Raises ModelError when that cannot be."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ModelError(f"{path} is a folder; name the .onnx file in it")
        if not path.is_file():
            raise ModelError(f"{path} is no file; name an .onnx file")
        if size == 0:
            raise ModelError(f"{path} is empty; export or download it again")
        if size > LARGEST_BYTES:
            raise ModelError(f"{path} has {size / 1e9:.1f} GB; one ONNX file holds 2 GB at most: is it another kind?")
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise ModelError(f"no model file {path}; check the path") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(f"cannot read {path}: {reason}; check the path and its permissions") from error
    with data:
        yield data


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
    raise _DamagedError


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
            raise _DamagedError
        if number == 0 or position + length > end:
            raise _DamagedError
        if wire_type == 2:
            yield _Field(number, 0, position, position + length)
        position += length


def _text(data: mmap.mmap, field: _Field) -> str:
    return data[field.start : field.end].decode("utf-8", errors="replace")


def _pair(data: mmap.mmap, field: _Field) -> tuple[str, str]:
    """Read a StringStringEntryProto: key = 1, value = 2."""
    texts = {inner.number: _text(data, inner) for inner in _fields(data, field.start, field.end) if inner.number < 3}
    return texts.get(1, ""), texts.get(2, "")


def _metadata(data: mmap.mmap) -> dict[str, str]:
    """Read ModelProto.metadata_props (14) without entering the graph (7). Raises _DamagedError when it has none."""
    found, has_graph = {}, False
    for field in _fields(data, 0, len(data)):
        has_graph |= field.number == 7 and field.end > 0
        if field.number == 14 and field.end:
            key, value = _pair(data, field)
            found[key] = value
    if not has_graph:
        raise _DamagedError
    return found


class _Walk:
    """Goes through every message that can hold an operator or a tensor."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self.opset = 0
        self.external_files: list[str] = []
        self.operators: set[tuple[str, str]] = set()
        self.own_functions: set[tuple[str, str]] = set()
        self.nan_weights = ""

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
            raise _DamagedError
        for inner in _fields(self._data, field.start, field.end):
            if inner.number == 1:
                self._node(inner, depth)
            elif inner.number == 5:
                self._tensor(inner)
            elif inner.number == 15:
                self._sparse_tensor(inner)

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
        # A sum is NaN where an element is, and costs a tenth of looking at each; infinities of both signs would make
        # one too, and only then each is looked at. The piece is copied out: a view would keep the file mapped.
        piece = 1 << 22
        for start in range(raw.start, raw.end - 1, piece):
            numbers = np.frombuffer(self._data[start : min(start + piece, raw.end)], dtype)
            with np.errstate(all="ignore"):
                if np.isnan(numbers.sum()) and bool(np.isnan(numbers).any()):
                    return True
        return False
