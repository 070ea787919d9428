"""Counts, before anything runs, how much an ONNX file asks for: operators, and how often they are repeated.

Two things make a small file endless. A Loop repeats its body as often as it says, or until its body says so; and
functions that each call the one before twice double with every line. Networks that repaint a picture have neither:
exporters write their loops out. What is counted here is an upper bound, from the file's bytes alone.
"""

from __future__ import annotations

import dataclasses
import mmap

import numpy as np

from realtime.core.errors import shown
from realtime.core.language import _
from realtime.models.protobuf import DamagedError, Field, fields, numbers, signed, text

MOST_OPERATORS = 10_000
"""After functions are written out. Of the networks met so far the largest (a StyleGAN of 1024²) has 400; ONNX Runtime
takes half a second of processor to open one of 10,000, and bringing a file in opens it some twenty times."""
MOST_RUNS = 200_000
"""Operators run for one picture, loops counted: at 0.5 µs each, what an operator costs at least, 0.1 s."""
_UNKNOWN_TIMES = 4096
"""For what repeats by the length of its data (Scan, SequenceMap): a side of the largest usual picture."""
_DEEPEST = 64

Key = tuple[str, str]
"""An operator's domain and name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What a graph asks for, with everything it calls."""

    operators: int = 0
    runs: int = 0
    endless: str = ""
    """The operator that repeats without a number that stands in the file; empty where there is none."""
    recursive: str = ""
    """The function that calls itself; empty where none does."""

    @property
    def problem(self) -> str:
        """Why it cannot be run for a live picture, or empty."""
        if self.recursive:
            return _("has a function that calls itself ('{recursive}'); export it without", recursive=self.recursive)
        if self.endless:
            return _(
                "repeats a part of itself without saying how often (operator {endless}), so it may "
                "never end; export it with its loops written out",
                endless=self.endless,
            )
        if self.operators > MOST_OPERATORS:
            return _(
                "has over {most_operators:,} operators, too many for a live picture; choose a smaller network",
                most_operators=MOST_OPERATORS,
            )
        if self.runs > MOST_RUNS:
            return _(
                "runs {runs} operators for one picture, loops counted: too many for a live picture; "
                "choose a smaller network",
                runs=_counted(self.runs),
            )
        return ""


def _counted(number: int) -> str:
    return f"{number:,}" if number < 10**9 else _("over a billion")


def work_of(data: mmap.mmap) -> Work:
    """Count a file's work. Raises DamagedError."""
    try:
        return _Counter(data).model()
    except RecursionError as error:  # functions in branches in functions, deeper than any exporter writes
        raise DamagedError from error


class _TooManyError(Exception):
    """There is no need to read on."""


@dataclasses.dataclass(slots=True)
class _Node:
    key: Key = ("", "")
    inputs: list[str] = dataclasses.field(default_factory=list)
    bodies: list[list[_Node]] = dataclasses.field(default_factory=list)


class _Counter:
    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._functions: dict[Key, list[_Node]] = {}
        self._known: dict[Key, Work] = {}
        self._being_counted: set[Key] = set()
        # A name may stand for different numbers in different graphs of a file: the largest counts.
        self._numbers: dict[str, int] = {}
        self._computed: set[str] = set()
        self._read = 0

    def model(self) -> Work:
        try:
            return self._whole()
        except _TooManyError:
            return Work(self._read)

    def _whole(self) -> Work:
        graphs: list[list[_Node]] = []
        for field in fields(self._data, 0, len(self._data)):
            if field.number == 7:
                graphs.append(self._graph(field, 0))
            elif field.number == 20:  # training_info: initialization and algorithm
                graphs += [
                    self._graph(inner, 1)
                    for inner in fields(self._data, field.start, field.end)
                    if inner.number in (1, 2)
                ]
            elif field.number == 25:
                key, nodes = self._function(field)
                self._functions[key] = self._functions.get(key, []) + nodes
        works = [self._sum(nodes) for nodes in graphs]
        return _together(works)

    def _function(self, field: Field) -> tuple[Key, list[_Node]]:
        name = domain = ""
        nodes: list[_Node] = []
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                name = text(self._data, inner)
            elif inner.number == 10:
                domain = text(self._data, inner)
            elif inner.number == 4:
                self._computed.add(text(self._data, inner))  # an input: whoever calls says what it is
            elif inner.number == 7:
                nodes.append(self._node(inner, 1))
        return (_standard(domain), name), nodes

    def _graph(self, field: Field, depth: int) -> list[_Node]:
        if depth > _DEEPEST:
            raise DamagedError
        nodes: list[_Node] = []
        weights: set[str] = set()
        inputs: list[str] = []
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                nodes.append(self._node(inner, depth))
            elif inner.number == 5:
                weights.add(self._tensor(inner))
            elif inner.number == 11:
                inputs += [
                    text(self._data, part)
                    for part in fields(self._data, inner.start, inner.end)
                    if part.number == 1 and part.end
                ]
        self._computed.update(name for name in inputs if name not in weights)
        return nodes

    def _node(self, field: Field, depth: int) -> _Node:
        node, domain, name = _Node(), "", ""
        outputs: list[str] = []
        value: int | None = None
        self._read += 1
        if self._read > MOST_OPERATORS:
            raise _TooManyError
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 1:
                node.inputs.append(text(self._data, inner))
            elif inner.number == 2:
                outputs.append(text(self._data, inner))
            elif inner.number == 4:
                name = text(self._data, inner)
            elif inner.number == 7:
                domain = text(self._data, inner)
            elif inner.number == 5:
                found = self._attribute(inner, node, depth)
                value = found if found is not None else value
        node.key = (_standard(domain), name)
        if node.key == ("", "Constant") and value is not None:
            for output in outputs:
                self._remember(output, value)
        else:
            self._computed.update(outputs)
        return node

    def _attribute(self, field: Field, node: _Node, depth: int) -> int | None:
        """Collect the graphs in an attribute; return its number, where it is one or a tensor of one."""
        value: int | None = None
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 3 and not inner.end:  # i
                value = signed(inner.value)
            elif inner.number == 5 and inner.end:  # t
                value = self._single(inner)[1]
            elif inner.number in (6, 11) and inner.end:  # g, graphs
                node.bodies.append(self._graph(inner, depth + 1))
        return value

    def _tensor(self, field: Field) -> str:
        name, value = self._single(field)
        if value is None or not name:
            self._computed.add(name)
        else:
            self._remember(name, value)
        return name

    def _single(self, field: Field) -> tuple[str, int | None]:
        """Read a tensor's name, and its number where it holds one of 64 bits, as trip counts are."""
        name, data_type, value = "", 0, None
        for inner in fields(self._data, field.start, field.end):
            if inner.number == 2:
                data_type = inner.value
            elif inner.number == 8:
                name = text(self._data, inner)
            elif inner.number == 9 and inner.end - inner.start == 8:
                value = int(np.frombuffer(self._data[inner.start : inner.end], "<i8")[0])
            elif inner.number == 7:  # int64_data: packed, or by itself
                values = numbers(self._data, inner)
                value = signed(values[0]) if len(values) == 1 else None
        return name, value if data_type == 7 else None

    def _remember(self, name: str, value: int) -> None:
        self._numbers[name] = max(value, self._numbers.get(name, value))

    def _sum(self, nodes: list[_Node]) -> Work:
        return _together([self._one(node) for node in nodes])

    def _one(self, node: _Node) -> Work:
        works = [Work(1, 1)]
        if node.key in self._functions:
            works.append(self._called(node.key))
        inner = _together([self._sum(body) for body in node.bodies])
        if node.bodies and node.key != ("", "If"):
            times = self._times(node)
            if times is None:
                return _together([*works, dataclasses.replace(inner, endless=inner.endless or shown(node.key[1], 60))])
            inner = dataclasses.replace(inner, runs=inner.runs * times)
        return _together([*works, inner])

    def _times(self, node: _Node) -> int | None:
        """How often a node runs its body at most; None where nothing in the file says it."""
        if node.key != ("", "Loop"):
            return _UNKNOWN_TIMES
        name = node.inputs[0] if node.inputs else ""
        if name in self._computed or name not in self._numbers:
            return None
        return max(1, self._numbers[name])

    def _called(self, key: Key) -> Work:
        if key in self._being_counted:
            return Work(recursive=shown(key[1], 60))
        if key not in self._known:
            if len(self._being_counted) > 100:
                raise DamagedError  # functions within functions, deeper than any library follows
            self._being_counted.add(key)
            self._known[key] = self._sum(self._functions[key])
            self._being_counted.discard(key)
        return self._known[key]


def _together(works: list[Work]) -> Work:
    return Work(
        sum(work.operators for work in works),
        sum(work.runs for work in works),
        next((work.endless for work in works if work.endless), ""),
        next((work.recursive for work in works if work.recursive), ""),
    )


def _standard(domain: str) -> str:
    return "" if domain == "ai.onnx" else domain
