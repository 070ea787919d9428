"""Tables of parts by name, each imported only when it is chosen."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any


@dataclasses.dataclass(frozen=True, slots=True)
class RegistryEntry:
    """Where a part is found, and the line that `--help` shows without importing it."""

    module: str
    attribute: str
    summary: str

    def load(self) -> Any:  # the caller knows the contract of its family and checks it
        return getattr(importlib.import_module(self.module), self.attribute)
