"""What torch.export saves (.pt2), carried out from its own list of steps.

`torch.export.load` evaluates formulas, compiles guards, makes Python code of the names in the file and unpickles what a
label calls pickled. None of it is needed: the file is a list of operators with their arguments, and numbers. They are
read as such, the operators looked up in a list of arithmetic, and run one after the other.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from realtime.core.errors import ModelError, shown
from tools.exporting.archive import Archive, is_archive
from tools.exporting.graph import quiet
from tools.exporting.operators import is_tensor_operator
from tools.exporting.pickles import DamagedPickleError, Storage, storage_of, view
from tools.exporting.saved import read_saved_inside

_MOST_STEPS = 20_000
_MOST_SIZE = 1 << 62
"""Sizes are worked out in whole numbers of Python's, which know no end."""

_Values = dict[str, Any]
_Argument = Callable[[_Values], Any]


def read_exported(path: Path, *, trust: bool = False) -> nn.Module:
    """Return the network of a torch.export file; with `trust` as PyTorch loads it.

    Raises ModelError for one that is damaged, or asks for anything but arithmetic on tensors.
    """
    if trust:
        return _loaded(path)
    if not path.is_file():
        raise ModelError(f"no program {path}; name an existing file")
    if not is_archive(path):
        raise ModelError(f"{path} is no file that torch.export saved; save it again")
    with Archive(path) as archive:
        if "archive_format" not in archive:
            raise ModelError(f"{path} was saved by PyTorch before 2.8, or is none of its files; save it again")
        try:
            return _Reader(path, archive).network()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, DamagedPickleError) as error:
            raise archive.damaged() from error


def _loaded(path: Path) -> nn.Module:
    """Let PyTorch load the file, whatever it runs. Raises ModelError where it cannot."""
    try:
        # Without operators that change tensors in place: a constant made in the network cannot be traced again else.
        with quiet():
            return _Loaded(torch.export.load(path).run_decompositions({}).module())
    except Exception as error:
        line = shown(" ".join(str(error).split()), 160)
        raise ModelError(f"{path} is no torch.export file that this PyTorch can read ({line})") from error


class _Loaded(nn.Module):
    """A program as PyTorch loads it. It has one mode, the one it was exported in."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program

    def train(self, mode: bool = True) -> _Loaded:  # noqa: ARG002 - programs refuse to be asked
        return self

    def forward(self, picture: Tensor) -> Any:
        try:
            return self.program(picture)
        except AssertionError as error:  # what it says of sizes it was not exported for
            raise ModelError(f"the program refuses a picture: {shown(str(error).splitlines()[0], 160)}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    call: Callable[..., Any]
    arguments: Sequence[_Argument]
    keywords: Mapping[str, _Argument]
    results: Sequence[str | Sequence[str]]
    """Names of what it gives: of one value, of several, or of the members of a list."""


class Program(nn.Module):
    """A saved program. It has one mode, the one it was exported in.

    Float [1, 3, H, W] to the same, of any size but for a program that was exported for one only.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], steps: Sequence[_Step], taken: str, given: Sequence[str], size: str
    ) -> None:
        """`weights` by the names that steps use, `taken` and `given` the names of what goes in and comes out; `size`
        where it takes one size only.
        """
        super().__init__()
        self._places = {}
        for number, (name, tensor) in enumerate(weights.items()):
            self._places[name] = f"weight_{number}"
            if tensor.is_floating_point():
                self.register_parameter(f"weight_{number}", nn.Parameter(tensor, requires_grad=False))
            else:
                self.register_buffer(f"weight_{number}", tensor)
        self._steps, self._taken, self._given, self._size = steps, taken, given, size

    def forward(self, picture: Tensor) -> Any:
        if self._size:
            raise ModelError(
                f"the program takes pictures of {self._size} only; export it with height and width left free"
            )
        values: _Values = {name: getattr(self, place) for name, place in self._places.items()}
        values[self._taken] = picture
        for step in self._steps:
            made = step.call(
                *(argument(values) for argument in step.arguments),
                **{name: argument(values) for name, argument in step.keywords.items()},
            )
            _keep(values, step.results, made)
        found = tuple(values[name] for name in self._given)
        return found[0] if len(found) == 1 else found


def _keep(values: _Values, names: Sequence[str | Sequence[str]], made: Any) -> None:
    if len(names) == 1:
        made = (made,)
    for name, value in zip(names, made, strict=True):
        if isinstance(name, str):
            values[name] = value
        else:
            values.update(zip(name, value, strict=True))


class _Reader:
    def __init__(self, path: Path, archive: Archive) -> None:
        self._path = path
        self._archive = archive
        models = [name for name in archive if name.startswith("models/") and name.endswith(".json")]
        if len(models) != 1:
            raise ModelError(f"{path} holds {len(models)} programs where one is asked; save them one by one")
        self._model = models[0].removeprefix("models/").removesuffix(".json")
        self._check_members()
        program = archive.json(models[0])
        self._check_formulas(program)
        self._graph = program["graph_module"]

    def _check_members(self) -> None:
        """Refuse archives that hold more than a plain program: compiled libraries, objects, labels of their own."""
        model = re.escape(self._model)
        known = re.compile(
            rf"archive_format|archive_version|byteorder|version|\.data/\w+|models/{model}\.json|"
            rf"data/weights/(weight_\d+|{model}_weights_config\.json|{model}\.pt)|"
            rf"data/constants/(tensor_\d+|{model}_constants_config\.json|{model}\.pt)|data/sample_inputs/{model}\.pt"
        )
        for name in self._archive:
            if not known.fullmatch(name):
                raise self._foreign(f"'{name}'")
            if name.startswith("data/sample_inputs/") and self._archive.size(name):
                try:
                    read_saved_inside(self._path, self._archive.read(name))
                except ModelError:
                    raise ModelError(
                        f"{self._path} would run code when loaded ('{shown(name)}' in it), so it is not loaded"
                    ) from None

    def _check_formulas(self, data: Any) -> None:
        """Refuse sizes that are no arithmetic: they are not worked out here, but whoever wrote them meant harm."""
        members = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
        formula = data.get("expr_str", "") if isinstance(data, dict) else ""
        if formula and not _is_arithmetic(formula):
            reads = shown(repr(formula), 60)
            raise ModelError(f"{self._path} would run code when loaded (a size reads {reads}), so it is not loaded")
        for value in members:
            if isinstance(value, dict | list):
                self._check_formulas(value)

    def network(self) -> Program:
        graph, signature = self._graph["graph"], self._graph["signature"]
        if len(graph["nodes"]) > _MOST_STEPS:
            raise ModelError(f"{self._path} holds more steps than any network here has; it is not loaded")
        stored = {kind: self._tensors(kind) for kind in ("weights", "constants")}
        weights, taken = {}, []
        for spec in signature["input_specs"]:
            ((kind, entry),) = spec.items()
            if kind == "user_input":
                taken.append(entry["arg"]["as_tensor"]["name"])
                continue
            place = _INPUTS.get(kind)
            if place is None:
                raise self._foreign(f"an input of kind {kind}")
            name = entry[place]
            found = stored["weights"].get(name)
            weights[entry["arg"]["name"]] = stored["constants"][name] if found is None else found
        if len(taken) != 1:
            raise ModelError(f"{self._path} takes {len(taken)} pictures where one is asked")
        outputs = [spec["user_output"]["arg"] for spec in signature["output_specs"] if "user_output" in spec]
        steps = [step for node in graph["nodes"] if (step := self._step(node)) is not None]
        given = [output["as_tensor"]["name"] for output in outputs]
        return Program(weights, steps, taken[0], given, _one_size(graph["tensor_values"][taken[0]]["sizes"]))

    def _tensors(self, kind: str) -> Mapping[str, Tensor]:
        """Return the tensors in `data/KIND`, by their names in the program."""
        whole = f"data/{kind}/{self._model}.pt"  # how PyTorch 2.8 kept them
        if whole in self._archive:
            data = self._archive.read(whole)
            found = read_saved_inside(self._path, data) if data else {}
            if not isinstance(found, dict) or not all(isinstance(value, Tensor) for value in found.values()):
                raise self._foreign(f"'{kind}' that are no tensors")
            return found
        entries = self._archive.json(f"data/{kind}/{self._model}_{kind}_config.json")["config"]
        read: dict[tuple[str, int], Storage] = {}
        return {name: self._tensor(kind, entry, read) for name, entry in entries.items()}

    def _tensor(self, kind: str, entry: Mapping[str, Any], read: dict[tuple[str, int], Storage]) -> Tensor:
        file = entry["path_name"]
        if entry["use_pickle"] or entry["tensor_meta"] is None:
            raise self._foreign(f"'{shown(file)}', which is pickled")
        meta = entry["tensor_meta"]
        key = (file, meta["dtype"])
        if key not in read:
            dtype = _DTYPES.get(meta["dtype"])
            if dtype is None:
                raise self._foreign(f"'{shown(file)}', which is of no plain numbers")
            read[key] = storage_of(self._archive.read(f"data/{kind}/{file}"), dtype)
        sizes, strides = ([number["as_int"] for number in meta[name]] for name in ("sizes", "strides"))
        return view(read[key], meta["storage_offset"]["as_int"], sizes, strides)

    def _step(self, node: Mapping[str, Any]) -> _Step | None:
        call = self._call(node["target"])
        if call is None:
            return None
        arguments, keywords = [], {}
        for entry in node["inputs"]:
            if entry.get("kind") == _KEYWORD:
                keywords[entry["name"]] = self._argument(entry["arg"])
            else:
                arguments.append(self._argument(entry["arg"]))
        return _Step(call, arguments, keywords, [_result(output) for output in node["outputs"]])

    def _call(self, target: str) -> Callable[..., Any] | None:
        """Return what a step calls, None where it only asserts something."""
        if target in _NUMBERS:
            return _NUMBERS[target]
        parts = target.split(".")
        if len(parts) == 5 and parts[:3] == ["torch", "ops", "aten"]:
            if parts[3] in _ASSERTIONS:
                return None
            if is_tensor_operator(parts[3]) and parts[4].isidentifier():
                found = getattr(getattr(torch.ops.aten, parts[3]), parts[4])
                if isinstance(found, torch._ops.OpOverload):
                    return found
        raise ModelError(
            f"{self._path} would call {shown(target, 60)}, no operator on tensors that a network needs, "
            "so it is not loaded"
        )

    def _argument(self, union: Mapping[str, Any]) -> _Argument:
        ((kind, value),) = union.items()
        if kind in _PLAIN:
            made = _PLAIN[kind](value)
            return lambda _: made
        if kind in _NAMED:
            name = _NAMED[kind](value)
            return name if callable(name) else lambda values: values[name]
        if kind in _LISTS:
            members = [self._argument({_LISTS[kind]: member}) for member in value]
            return lambda values: [member(values) for member in members]
        raise self._foreign(f"an argument of kind {kind}")

    def _foreign(self, what: str) -> ModelError:
        return ModelError(f"{self._path} holds {shown(what)}, which is no part of a plain program, so it is not loaded")


def _is_arithmetic(formula: str) -> bool:
    words = _WORD.findall(formula)
    plain = all(word in _FORMULA_WORDS or _SYMBOL.fullmatch(word) for word in words)
    return plain and _FORMULA.fullmatch(formula) is not None


def _result(union: Mapping[str, Any]) -> str | Sequence[str]:
    ((kind, value),) = union.items()
    if kind == "as_tensor":
        return str(value["name"])
    if kind == "as_tensors":
        return [str(member["name"]) for member in value]
    return str(value["as_name"])


def _one_size(sizes: Sequence[Mapping[str, Any]]) -> str:
    """Return `48x32` where a program takes pictures of one size only, else nothing."""
    height, width = sizes[2:]
    fixed = [side["as_int"] for side in (width, height) if "as_int" in side]
    return "x".join(str(int(side)) for side in fixed) if len(fixed) == 2 else "one width or height" if fixed else ""


def _symbol(value: Mapping[str, Any], name: str = "as_int") -> _Argument | str:
    """Return where a size comes from: another step, or a number."""
    if "as_name" in value:
        return str(value["as_name"])
    number = value[name]
    if not isinstance(number, int | float):
        raise TypeError
    return lambda _: number


def _optional(value: Mapping[str, Any]) -> _Argument | str:
    return str(value["as_tensor"]["name"]) if "as_tensor" in value else lambda _: None


def _as_list(kind: type) -> Callable[[Any], list[Any]]:
    def checked(values: Any) -> list[Any]:
        if not all(isinstance(value, kind) for value in values):
            raise TypeError
        return list(values)

    return checked


def _bounded(call: Callable[..., Any]) -> Callable[..., Any]:
    def bounded(*numbers: Any) -> Any:
        if any(isinstance(number, str | list | tuple) for number in numbers):
            raise ModelError("the program computes with texts and lists, which no network needs")
        made = call(*numbers)
        if isinstance(made, int) and abs(made) > _MOST_SIZE:
            raise ModelError("the program works out a size that no picture has")
        return made

    return bounded


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, int) and abs(exponent) > 16:
        raise ModelError("the program works out a size that no picture has")
    return base**exponent


_WORD = re.compile(r"[A-Za-z_]\w*")
_FORMULA = re.compile(r"[\w\s.,()+\-*/<>=']*")
_FORMULA_WORDS = {
    *("Symbol", "Integer", "Add", "Mul", "Mod", "PythonMod", "FloorDiv", "CleanDiv", "CeilDiv", "IntTrueDiv", "Pow"),
    *("Max", "Min", "Eq", "Ne", "Ge", "Gt", "Le", "Lt", "Rational", "Identity", "Where", "ModularIndexing"),
    *("positive", "integer", "nonnegative", "real", "True", "False", "oo", "int_oo", "TruncToInt", "CeilToInt"),
}
_SYMBOL = re.compile(r"[suz]\d+")
_KEYWORD = 2
_INPUTS = {"parameter": "parameter_name", "buffer": "buffer_name", "tensor_constant": "tensor_constant_name"}
_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""By the numbers of torch._export.serde.schema.ScalarType."""
_MEMORY = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "as_none": lambda _: None,
    "as_int": int,
    "as_float": float,
    "as_bool": bool,
    "as_string": str,
    "as_ints": _as_list(int),
    "as_floats": _as_list(int | float),  # type: ignore[arg-type]
    "as_bools": _as_list(bool),
    "as_scalar_type": lambda number: _DTYPES[number],
    "as_memory_format": lambda number: _MEMORY[number],
    "as_layout": lambda _: torch.strided,
    "as_device": lambda _: torch.device("cpu"),
}
_NAMED: Mapping[str, Callable[[Any], _Argument | str]] = {
    "as_tensor": lambda value: str(value["name"]),
    "as_optional_tensor": _optional,
    "as_sym_int": _symbol,
    "as_sym_float": lambda value: _symbol(value, "as_float"),
    "as_sym_bool": lambda value: _symbol(value, "as_bool"),
}
_LISTS = {
    "as_tensors": "as_tensor",
    "as_optional_tensors": "as_optional_tensor",
    "as_sym_ints": "as_sym_int",
    "as_sym_floats": "as_sym_float",
}
_ASSERTIONS = {
    *("_assert_scalar", "_assert_tensor_metadata", "_assert_async", "sym_constrain_range"),
    "sym_constrain_range_for_size",
}
_NUMBERS: Mapping[str, Callable[..., Any]] = {
    **{
        f"_operator.{name}": _bounded(getattr(operator, name))
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "neg", "pos", "and_", "or_", "not_")
    },
    **{f"_operator.{name}": getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge", "getitem")},
    "_operator.pow": _bounded(_power),
    **{
        f"torch.sym_{name}": getattr(torch, f"sym_{name}")
        for name in ("float", "int", "ite", "max", "min", "not", "sum")
        if hasattr(torch, f"sym_{name}")
    },
    **{f"math.{name}": getattr(math, name) for name in ("trunc", "ceil", "floor")},
}
