"""What people set about an item while it hangs, by remote or keys: it is as they left it when the item comes back."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Plain = bool | int | float | str | None

_MOST_ITEMS = 200
_MOST_PATHS = 100
_LONGEST_TEXT = 1000
# What changes ten times a second for a minute is moved by a sound or a machine: nobody's wish, and nothing to keep.
_DRIVEN_WITHIN_S = 60.0
_DRIVEN_CHANGES = 600


class Overrides:
    """Values by item and path (`portrait.wander`). Any thread."""

    def __init__(self, values: Mapping[str, Mapping[str, Plain]] | None = None) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._values = {item: dict(paths) for item, paths in (values or {}).items()}
        self._counts: dict[str, tuple[float, int]] = {}
        self._driven: set[str] = set()

    def note(self, item: str, path: str, value: object, at_s: float) -> None:
        """Remember what somebody has set; `at_s`: a clock that only runs on."""
        plain: Plain = value if value is None or isinstance(value, bool | int | float) else str(value)
        with self._lock:
            since_s, count = self._counts.get(path, (at_s, 0))
            if at_s - since_s > _DRIVEN_WITHIN_S:
                since_s, count = at_s, 0
            self._counts[path] = since_s, count + 1
            if count + 1 >= _DRIVEN_CHANGES:
                self._driven.add(path)
                for paths in self._values.values():
                    paths.pop(path, None)
            if path not in self._driven:
                self._values.setdefault(item, {})[path] = plain

    def of(self, item: str) -> Mapping[str, Plain]:
        """Return what was set about an item."""
        with self._lock:
            return dict(self._values.get(item, {}))

    def as_json(self) -> dict[str, dict[str, Plain]]:
        """Return all of it."""
        with self._lock:
            return {item: dict(paths) for item, paths in self._values.items() if paths}


def read_overrides(content: Any) -> dict[str, dict[str, Plain]]:
    """Return what `Overrides.as_json` gave, out of a file or a pipe: whatever else is in there is left out."""
    if not isinstance(content, dict):
        return {}
    found: dict[str, dict[str, Plain]] = {}
    for item, paths in list(content.items())[:_MOST_ITEMS]:
        if isinstance(item, str) and isinstance(paths, dict):
            found[item] = {
                path: value
                for path, value in list(paths.items())[:_MOST_PATHS]
                if isinstance(path, str) and _is_plain(value)
            }
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, str | Path):
        return len(str(value)) <= _LONGEST_TEXT
    return value is None or isinstance(value, bool | int | float)
