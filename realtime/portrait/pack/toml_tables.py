"""TOML with the user's mistakes in mind: tables read key by key, and values written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tomli_w

from realtime.core.errors import PortraitError, nearest
from realtime.core.language import _

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
        return str(self._get(key, str, _("a text in quotes"), default))

    def whole(self, key: str, least: int, most: int, default: int | None = None) -> int:
        value = int(self._get(key, int, _("a whole number"), default))
        if not least <= value <= most:
            raise self._out_of_range(key, str(value), str(least), str(most))
        return value

    def number(self, key: str, least: float, most: float) -> float:
        value = float(self._get(key, (int, float), _("a number"), None))
        if not least <= value <= most:
            raise self._out_of_range(key, f"{value:g}", f"{least:g}", f"{most:g}")
        return value

    def table(self, key: str, default: Mapping[str, Any] | None = None) -> Table:
        return Table(f"{self._where}, [{key}]", self._get(key, dict, _("a table"), default))

    def done(self) -> None:
        """Make sure that there is no key that was not asked for."""
        for key in self.values:
            if key not in self._known:
                known = sorted(self._known)
                raise self._unknown(key, nearest(key, known) or _("; there are: {known}", known=", ".join(known)))

    def _out_of_range(self, key: str, value: str, least: str, most: str) -> PortraitError:
        return PortraitError(
            _(
                "{where}: '{key}' is {value}; it may be {least} to {most}",
                where=self._where,
                key=key,
                value=value,
                least=least,
                most=most,
            )
        )

    def _get(self, key: str, kind: type | tuple[type, ...], kind_in_words: str, default: object) -> Any:
        if self.has(key):
            value = self.values[key]
            if not isinstance(value, kind) or isinstance(value, bool):
                raise PortraitError(
                    _(
                        "{where}: '{key}' must be {kind_in_words}, not {value!r}",
                        where=self._where,
                        key=key,
                        kind_in_words=kind_in_words,
                        value=value,
                    )
                )
            return value
        if default is not None:
            return default
        for other in self.values:  # one that looks like a misspelling of the missing one is what to correct
            if other not in self._known and (hint := nearest(other, [key])):
                raise self._unknown(other, hint)
        raise PortraitError(_("{where}: '{key}' is missing", where=self._where, key=key))

    def _unknown(self, key: str, hint: str) -> PortraitError:
        return PortraitError(_("{where}: unknown key '{key}'{hint}", where=self._where, key=key, hint=hint))


def toml_of(values: Mapping[str, object]) -> str:
    """Write tables as TOML, numbers to six places: a pack tells nothing finer, and is the same wherever it is built."""
    return tomli_w.dumps({key: _plain(value) for key, value in values.items()})


def _plain(value: object) -> object:
    """Return a value as tomli-w takes it."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
