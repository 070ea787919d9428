"""TOML with the user's mistakes in mind: tables read key by key, and values written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard, cast

import numpy as np

from realtime.core.errors import PortraitError, nearest

ReportValue = str | bool | int | float | Sequence["ReportValue"] | Sequence[Mapping[str, "ReportValue"]]
"""A list of tables becomes an array of tables; lists do not mix them with other things."""


class Table:
    """A table read key by key, each with its type. What nobody asked for is an error, when all is `done`.

    `where` begins every message. Without a default a key must be there. Every method raises PortraitError.
    """

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.values = values
        self._where = where
        self._known: set[str] = set()

    def has(self, key: str) -> bool:
        self._known.add(key)
        return key in self.values

    def text(self, key: str, default: str | None = None) -> str:
        return str(self._get(key, str, "a text in quotes", default))

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = int(self._get(key, int, "a whole number", default))
        if not least <= value <= most:
            raise PortraitError(f"{self._where}: '{key}' is {value}; it may be {least} to {most}")
        return value

    def number(self, key: str, least: float, most: float) -> float:
        value = float(self._get(key, (int, float), "a number", None))
        if not least <= value <= most:
            raise PortraitError(f"{self._where}: '{key}' is {value:g}; it may be {least:g} to {most:g}")
        return value

    def table(self, key: str, default: Mapping[str, Any] | None = None) -> Table:
        return Table(f"{self._where}, [{key}]", self._get(key, dict, "a table", default))

    def done(self) -> None:
        """Make sure that there is no key that was not asked for."""
        for key in self.values:
            if key not in self._known:
                known = sorted(self._known)
                raise self._unknown(key, nearest(key, known) or f"; there are: {', '.join(known)}")

    def _get(self, key: str, kind: type | tuple[type, ...], kind_in_words: str, default: object) -> Any:
        if self.has(key):
            value = self.values[key]
            if not isinstance(value, kind) or isinstance(value, bool):
                raise PortraitError(f"{self._where}: '{key}' must be {kind_in_words}, not {value!r}")
            return value
        if default is not None:
            return default
        for other in self.values:  # one that looks like a misspelling of the missing one is what to correct
            if other not in self._known and (hint := nearest(other, [key])):
                raise self._unknown(other, hint)
        raise PortraitError(f"{self._where}: '{key}' is missing")

    def _unknown(self, key: str, hint: str) -> PortraitError:
        return PortraitError(f"{self._where}: unknown key '{key}'{hint}")


def toml_table(name: str, table: Mapping[str, ReportValue]) -> list[str]:
    """Write `[name]` with its keys, and after them the arrays of tables in it, as lines."""
    return [f"[{name}]", *_entries(name, table)]


def _entries(name: str, table: Mapping[str, ReportValue]) -> list[str]:
    plain, arrays = [], []
    for key, value in table.items():
        if _are_tables(value):
            inner = f"{name}.{toml_text(key)}"
            for item in value:
                arrays += ["", f"[[{inner}]]", *_entries(inner, item)]
        else:
            plain.append(f"{toml_text(key)} = {toml_text(value)}")
    return plain + arrays


def _are_tables(value: ReportValue) -> TypeGuard[Sequence[Mapping[str, ReportValue]]]:
    return isinstance(value, Sequence) and bool(value) and all(isinstance(item, Mapping) for item in value)


def toml_text(value: ReportValue) -> str:
    """Write a value, or a key, as TOML; a number to six places. Tables are `toml_table`'s."""
    if isinstance(value, str):  # a JSON string is a TOML one, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return repr(round(float(value), 6))
    return f"[{', '.join(toml_text(item) for item in cast(Sequence[ReportValue], value))}]"
