"""Cuts from an ONNX file the part that gives some of its outputs, to be opened by itself.

A motion model is three networks in one file, each run at another time. The cut is made in the file's bytes: what stays
is copied as it stands, and no library builds the rest.
"""

from __future__ import annotations

import mmap
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from realtime.core.errors import ModelError
from realtime.core.language import _
from realtime.models.onnx_writer import message_field
from realtime.models.protobuf import DamagedError, Field, fields, text

_GRAPH = 7
_NODE, _NAME, _WEIGHTS, _INPUT, _OUTPUT, _KNOWN_SHAPE, _SPARSE_WEIGHTS = 1, 2, 5, 11, 12, 13, 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_ATTRIBUTE = 1, 2, 5
_INNER_GRAPHS = (6, 11)
"""Of an attribute: a graph, several graphs."""
_TENSOR_NAME, _PORT_NAME = 8, 1
_DEEPEST = 64


class _Node(NamedTuple):
    place: Field
    inputs: tuple[str, ...]
    """Those of graphs within it, too."""
    outputs: tuple[str, ...]


def stage_of(path: Path, outputs: Collection[str]) -> bytes:
    """Return the model that gives `outputs` and nothing else: of operators, weights and inputs only what they need.

    Raises ModelError where it cannot be read, or has not these outputs.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _cut(data, set(outputs))
    except (OSError, ValueError) as error:
        raise ModelError(
            _("cannot read {path}: {reason}; check the path and its permissions", path=path, reason=error)
        ) from error
    except DamagedError as error:
        raise ModelError(
            _("{path} is no ONNX model, or a damaged one; export or download it again", path=path)
        ) from error
    except LookupError as error:
        raise ModelError(
            _("{path} has no output '{args}'; export or add it again", path=path, args=error.args[0])
        ) from error


def _cut(data: mmap.mmap, outputs: set[str]) -> bytes:
    parts = []
    for field in fields(data, 0, len(data)):
        content = _graph(data, field, outputs) if field.number == _GRAPH else _content(data, field)
        parts.append(message_field(field.number, content))
    return b"".join(parts)


def _graph(data: mmap.mmap, graph: Field, outputs: set[str]) -> bytes:
    found = list(fields(data, graph.start, graph.end))
    given = {_name(data, field, _PORT_NAME) for field in found if field.number == _OUTPUT}
    for name in outputs - given:
        raise LookupError(name)
    needed, kept = set(outputs), set()
    nodes = [_node(data, field) for field in found if field.number == _NODE]
    for node in reversed(nodes):  # they stand in the order in which they are computed
        if needed.intersection(node.outputs):
            needed.update(node.inputs)
            kept.add(node.place.start)
    parts = []
    for field in found:
        if field.number == _NODE:
            keep = field.start in kept
        elif field.number == _WEIGHTS:
            keep = _name(data, field, _TENSOR_NAME) in needed
        elif field.number == _SPARSE_WEIGHTS:
            values = next(inner for inner in fields(data, field.start, field.end) if inner.number == 1)
            keep = _name(data, values, _TENSOR_NAME) in needed
        elif field.number == _INPUT:
            keep = _name(data, field, _PORT_NAME) in needed
        elif field.number == _OUTPUT:
            keep = _name(data, field, _PORT_NAME) in outputs
        else:
            keep = field.number == _NAME
        if keep:
            parts.append(message_field(field.number, _content(data, field)))
    return b"".join(parts)


def _node(data: mmap.mmap, node: Field) -> _Node:
    inputs, outputs = [], []
    for field in fields(data, node.start, node.end):
        if field.number == _NODE_INPUT:
            inputs.append(text(data, field))
        elif field.number == _NODE_OUTPUT:
            outputs.append(text(data, field))
        elif field.number == _NODE_ATTRIBUTE:
            inputs += _inner_inputs(data, field)
    return _Node(node, tuple(inputs), tuple(outputs))


def _inner_inputs(data: mmap.mmap, attribute: Field, depth: int = 0) -> Iterator[str]:
    """Yield what the graphs of an attribute take, from wherever: the branches of an If see all around them."""
    if depth > _DEEPEST:
        raise DamagedError
    for inner in fields(data, attribute.start, attribute.end):
        if inner.number not in _INNER_GRAPHS or not inner.end:
            continue
        for part in fields(data, inner.start, inner.end):
            if part.number == _OUTPUT:
                yield _name(data, part, _PORT_NAME)
            if part.number != _NODE:
                continue
            for field in fields(data, part.start, part.end):
                if field.number == _NODE_INPUT:
                    yield text(data, field)
                elif field.number == _NODE_ATTRIBUTE:
                    yield from _inner_inputs(data, field, depth + 1)


def _name(data: mmap.mmap, message: Field, number: int) -> str:
    names = [text(data, field) for field in fields(data, message.start, message.end) if field.number == number]
    return names[-1] if names else ""


def _content(data: mmap.mmap, field: Field) -> int | bytes:
    return data[field.start : field.end] if field.end else field.value
