"""Tables of parts by name, each imported only when it is chosen."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class PartName:
    """Where a part is found, and the line that `--help` shows without importing it."""

    module: str
    attribute: str
    summary: str

    def load(self) -> Any:  # the caller knows the contract of its family and checks it
        return getattr(importlib.import_module(self.module), self.attribute)


PartTable = Mapping[str, PartName]

_DRIVE = r"(?:(?<![^,:])[A-Za-z]:(?=[\\/]))?"
_FOLDERS = re.compile(rf"{_DRIVE}[^,:]*[\\/]")
"""Of each file that a spec names, with a drive's letter where it has one."""
_FILE = re.compile(rf"{_DRIVE}[^,:]+")


def without_folders(spec: str) -> str:
    r"""Return a part's spec as it is shown to people: `swap:C:\faces\anna.jpg,ben.jpg` as `swap:anna.jpg,ben.jpg`."""
    return _FOLDERS.sub("", spec)


def with_each_file(argument: str, change: Callable[[str], str]) -> str:
    """Return an effect's argument with each name in it changed: both of `her.jpg,him.jpg`, and of `model.onnx:her.jpg`.

    What a name is, a file, a model or a number, only the effect knows.
    """
    return _FILE.sub(lambda match: change(match[0]), argument)
