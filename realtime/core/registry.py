"""Tables of parts by name, each imported only when it is chosen."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryEntry:
    """Where a part is found, and the line that `--help` shows without importing it."""

    module: str
    attribute: str
    summary: str

    def load(self) -> Any:  # the caller knows the contract of its family and checks it
        return getattr(importlib.import_module(self.module), self.attribute)


PartTable = Mapping[str, RegistryEntry]

_DRIVE = r"(?:(?<![^,:])[A-Za-z]:(?=[\\/]))?"
_FOLDERS = re.compile(rf"{_DRIVE}[^,:]*[\\/]")
"""Of each file that a spec names, with a drive's letter where it has one."""


def without_folders(spec: str) -> str:
    r"""Return a part's spec as it is shown to people: `swap:C:\faces\anna.jpg,ben.jpg` as `swap:anna.jpg,ben.jpg`."""
    return _FOLDERS.sub("", spec)


def split_names(argument: str, is_file: Callable[[str], bool]) -> list[str]:
    """Split an effect's argument `A,B,C` into names. Where a file's name has a comma in it, that file is meant."""
    words = argument.split(",")
    names: list[str] = []
    at = 0
    while at < len(words):
        name, end = words[at].strip(), at + 1
        for longer in range(len(words), end, -1):
            together = ",".join(words[at:longer]).strip()
            if is_file(together) or _is_model_with_file(together, is_file):
                name, end = together, longer
                break
        names += [name] if name else []
        at = end
    return names


def split_model(name: str, is_file: Callable[[str], bool]) -> tuple[str, str]:
    r"""Split `MODEL:REST`; the rest, a photo or a number, is empty where none is named. A colon may be a drive's
    (`C:\faces\me.jpg`, `C:\m.onnx:C:\me.jpg`) or lie in a file's name: where there is such a file, that one is meant.
    """
    places = [at for at, letter in enumerate(name) if letter == ":" and not _is_drive(name, at)]
    for at in places:
        if is_file(name[at + 1 :]):
            return name[:at], name[at + 1 :]
    if not places or is_file(name):
        return name, ""
    return name[: places[0]], name[places[0] + 1 :]


def _is_model_with_file(name: str, is_file: Callable[[str], bool]) -> bool:
    """Tell `m.onnx:a,b.jpg` from `m.onnx:a.jpg,m.onnx:b.jpg`: a comma before the colon is a model's only where that
    is a file.
    """
    model, rest = split_model(name, is_file)
    return is_file(rest) and ("," not in model or is_file(model))


def _is_drive(name: str, at: int) -> bool:
    begins = at == 1 or (at > 1 and name[at - 2] == ":")
    return begins and name[at - 1].isalpha() and name[at + 1 : at + 2] in ("\\", "/")
