"""Whole programs in a file: TorchScript, and what torch.export saves. Both are looked through before they are loaded.

Neither holds Python code, but loading a `.pt2` unpickles what it marks as pickled, evaluates the formulas of its sizes
and looks up by name what it calls, and a TorchScript program can write files while it runs. What could do harm is
refused.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from realtime.errors import ModelError
from tools.exporting.graph import quiet

# What TorchScript offers besides arithmetic on tensors: files, other libraries' operators, foreign classes.
_SCRIPT_REACHES_OUT = re.compile(r"\b(torch\.save|torch\.from_file|torch\.load|ops\.(?!prim\b|aten\b|prims\b)\w+|"
                                 r"__torch__\.torch\.classes[.\w]*)")  # fmt: skip
_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims)\.(?!from_file\b)\w+(\.\w+)?|torch\.sym_\w+|math\.(trunc|ceil|floor)|"
    r"_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|pos|getitem|eq|ne|lt|le|gt|ge|and_|or_|not_)"
)
_LABEL = re.compile(r"archive_format|archive_version|byteorder|version|\.data/\w+|.+_config\.json")
_PICKLE = re.compile(r"data/(weights|constants|sample_inputs)/[\w.-]+")
_WORD = re.compile(r"[A-Za-z_]\w*")
_FORMULA = re.compile(r"[\w\s.,()+\-*/<>=']*")
_FORMULA_WORDS = {
    *("Symbol", "Integer", "Add", "Mul", "Mod", "PythonMod", "FloorDiv", "CleanDiv", "CeilDiv", "IntTrueDiv", "Pow"),
    *("Max", "Min", "Eq", "Ne", "Ge", "Gt", "Le", "Lt", "Rational", "Identity", "Where", "ModularIndexing"),
    *("positive", "integer", "nonnegative", "real", "True", "False", "oo", "int_oo", "TruncToInt", "CeilToInt"),
}
_SYMBOL = re.compile(r"[suz]\d+")


def is_script(path: Path) -> bool:
    """Tell whether the file is TorchScript, by what lies in it."""
    return any("/code/" in name for name in _members(path))


def is_exported(path: Path) -> bool:
    """Tell whether the file is a program that torch.export saved."""
    names = _members(path)
    return path.suffix.lower() == ".pt2" or any(name.endswith("/archive_format") for name in names)


def read_script(path: Path) -> torch.jit.ScriptModule:
    """Return the TorchScript network in `path`, evaluation mode. Raises ModelError for one that is damaged or could
    reach beyond its tensors.
    """
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "/code/" in name and name.endswith(".py"):
                found = _SCRIPT_REACHES_OUT.search(archive.read(name).decode(errors="replace"))
                if found:
                    raise ModelError(f"{path} would run more than arithmetic ({found[0]}), so it is not loaded")
    try:
        script: torch.jit.ScriptModule = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:
        raise ModelError(f"{path} is no TorchScript file that PyTorch can read; save it again") from error
    return script.eval()


def read_exported(path: Path) -> nn.Module:
    """Return the network of a torch.export file. Raises ModelError for one that is damaged or would run code."""
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path} is no file that torch.export saved; save it again")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if not any(name.endswith("/archive_format") for name in names):
            raise ModelError(f"{path} was saved by PyTorch before 2.8, or is none of its files; save it again")
        try:
            _look_through(path, archive)
        except (ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
            raise ModelError(f"{path} is damaged; save it again") from error
    try:
        # Without operators that change tensors in place: a constant made in the network cannot be traced again else.
        with quiet():
            return _Program(torch.export.load(path).run_decompositions({}).module())
    except Exception as error:
        line = " ".join(str(error).split())[:160]
        raise ModelError(f"{path} is no torch.export file that this PyTorch can read ({line})") from error


class _Program(nn.Module):
    """An exported program as a network. It has one mode, the one it was exported in."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program

    def train(self, mode: bool = True) -> _Program:  # noqa: ARG002 - programs refuse to be asked
        return self

    def forward(self, picture: Tensor) -> Tensor:
        made: Tensor = self.program(picture)
        return made


def _look_through(path: Path, archive: zipfile.ZipFile) -> None:
    """Raise ModelError where loading or running the program would do more than arithmetic."""
    raw = set()  # files that hold numbers and nothing else
    for name in archive.namelist():
        if name.endswith("_config.json"):
            entries = json.loads(archive.read(name))["config"].values()
            folder = name.rpartition("/")[0]
            raw |= {f"{folder}/{entry['path_name']}" for entry in entries if not entry["use_pickle"]}
    for name in archive.namelist():
        inside = name.partition("/")[2]
        if _LABEL.fullmatch(inside) or name in raw:
            continue
        if inside.endswith(".json"):
            _check_program(path, json.loads(archive.read(name)))
        elif _PICKLE.fullmatch(inside):
            _check_pickle(path, name, archive.read(name))
        else:  # compiled libraries among them, which loading would run
            raise ModelError(f"{path} holds '{inside}', which is no part of a plain program, so it is not loaded")


def _check_program(path: Path, data: Any) -> None:
    """Refuse calls of anything but operators on tensors, and sizes that sympy would evaluate as Python."""
    if isinstance(data, list):
        for value in data:
            _check_program(path, value)
    if not isinstance(data, dict):
        return
    for key, value in data.items():
        if not isinstance(value, str):
            _check_program(path, value)
        elif key == "target" and "inputs" in data and not _OPERATOR.fullmatch(value):
            raise ModelError(f"{path} would call {value[:60]}, no operator on tensors, so it is not loaded")
        elif key == "expr_str" and not _is_arithmetic(value):
            raise ModelError(f"{path} would run code when loaded (a size reads {value[:60]!r}), so it is not loaded")


def _is_arithmetic(formula: str) -> bool:
    words = _WORD.findall(formula)
    plain = all(word in _FORMULA_WORDS or _SYMBOL.fullmatch(word) for word in words)
    return plain and _FORMULA.fullmatch(formula) is not None


def _check_pickle(path: Path, name: str, data: bytes) -> None:
    """Refuse what weights_only would not read: torch.export reads it without, and so would run what it holds."""
    if not data:
        return
    try:
        torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception:
        inside = name.partition("/")[2]
        raise ModelError(f"{path} would run code when loaded ('{inside}' in it), so it is not loaded") from None


def _members(path: Path) -> list[str]:
    if not zipfile.is_zipfile(path):
        return []
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()
