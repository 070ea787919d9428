"""How long something lasts, as people write it: `20 min`, `1 h 30 min`, `90 s`."""

from __future__ import annotations

import re

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.text_limits import abbreviated

_UNITS_S = {
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
    "min": 60.0, "m": 60.0, "minute": 60.0, "minutes": 60.0,
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0,
}  # fmt: skip
_PART = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*([a-z]*)", re.IGNORECASE)
LONGEST_S = 366 * 86_400.0


def parse_duration(value: object, name: str, *, least_s: float = 0.0) -> float:
    """Return seconds; a bare number counts minutes. Raises OptionError, which tells `name`, for what is no duration, or
    is shorter than `least_s` or longer than a year.
    """
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    seconds = _seconds(text)
    if seconds is None:
        raise OptionError(
            _(
                "{name}: '{value}' is no duration; write it as 20 min, 1 h or 90 s",
                name=name,
                value=abbreviated(str(value)[:100]),
            )
        )
    if not least_s <= seconds <= LONGEST_S:
        raise OptionError(
            _(
                "{name}: {text} is out of range; give from {least_s:g} s to a year",
                name=name,
                text=abbreviated(text),
                least_s=least_s,
            )
        )
    return seconds


def _seconds(text: str) -> float | None:
    if len(text) > 100:
        return None
    at, seconds = 0, 0.0
    text = text.strip()
    while part := _PART.match(text, at):
        unit = part.group(2).lower()
        if unit not in _UNITS_S and (unit or at or part.end() < len(text)):
            return None
        seconds += float(part.group(1)) * _UNITS_S.get(unit, 60.0)
        at = part.end()
    return seconds if text and at == len(text) else None
