"""Values written into a table of a TOML file that people wrote: their comments, their order and their lines stay."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from realtime.core.errors import UNREADABLE, OptionError
from realtime.core.language import _

_HEADER = re.compile(r"\s*\[")
_VALUE = re.compile(r"(?P<key>\s*(?P<name>[A-Za-z0-9_-]+)\s*=\s*)(?P<value>[^#\n\"'\[{]*?)(?P<rest>\s*(?:#.*)?)\Z")


def with_values(text: str, table: str, values: Mapping[str, float]) -> str:
    """Return `text` with numbers set in `[table]`, which is put at its end where it is missing.

    Raises OptionError where that cannot be done and be sure of everything else, as in a table written in one line; it
    says what to write by hand.
    """
    written = {name: f"{float(value)!r}" for name, value in values.items()}
    lines = text.splitlines()
    begin = next((number for number, line in enumerate(lines) if _is_header(line, table)), None)
    if begin is None:
        gap = [""] if lines and lines[-1].strip() else []
        made = [*lines, *gap, f"[{table}]", *(f"{name} = {value}" for name, value in written.items())]
    else:
        end = next((n for n in range(begin + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
        made = [*lines[: begin + 1], *_body(lines[begin + 1 : end], written), *lines[end:]]
    newline = "\r\n" if "\r\n" in text else "\n"
    result = newline.join(made) + newline
    by_hand = _("write under [{table}]: ", table=table) + ", ".join(
        f"{name} = {value}" for name, value in written.items()
    )
    try:
        wanted = tomllib.loads(text)
        wanted[table] = {**wanted.get(table, {}), **{name: float(value) for name, value in values.items()}}
        is_right = tomllib.loads(result) == wanted
    except (*UNREADABLE, TypeError) as error:
        raise OptionError(_("[{table}] cannot be set; {by_hand}", table=table, by_hand=by_hand)) from error
    if not is_right:
        raise OptionError(
            _("[{table}] cannot be set without changing something else; {by_hand}", table=table, by_hand=by_hand)
        )
    return result


def _is_header(line: str, table: str) -> bool:
    return re.fullmatch(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(?:#.*)?", line) is not None


def _body(lines: list[str], written: Mapping[str, str]) -> list[str]:
    """Return a table's lines with the values set: in their own lines, else after its last line that says something."""
    missing = dict(written)
    body = []
    for line in lines:
        found = _VALUE.match(line)
        if found is not None and found["name"] in missing:
            line = f"{found['key']}{missing.pop(found['name'])}{found['rest']}"
        body.append(line)
    last = max((number for number, line in enumerate(body, 1) if "=" in line.partition("#")[0]), default=0)
    return [*body[:last], *(f"{name} = {value}" for name, value in missing.items()), *body[last:]]
