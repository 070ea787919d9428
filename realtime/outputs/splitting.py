"""When a recording goes on in a new file, and what that one is called."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from realtime.core.errors import OptionError
from realtime.core.files import shortened
from realtime.core.language import _

_UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "MB": 1e6, "GB": 1e9}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|MB|GB)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """What one file may hold at most; None: whatever comes."""

    seconds: float | None = None
    """Of the frames' own times."""
    size_bytes: int | None = None
    outlasts_deletion: bool = True
    """Whether it goes on in a new file where somebody deletes the one it goes to; otherwise it ends there."""


# A recording whose end nobody knows: the index of an MP4 takes 82 bytes of memory a frame until it is written, 18 MB in
# two hours at 30 fps, and FAT32, the format of memory cards, takes no file of more than 4 GiB.
ENDLESS = Split(7200.0, 4_000_000_000)
NEVER = Split()
ONE_FILE = Split(outlasts_deletion=False)
"""For what is a whole or nothing."""


def parse_split(text: str) -> Split:
    """Read `2h`, `30min`, `4GB`, both as `2h,4GB`, or `never`. Raises OptionError."""
    if text.strip().lower() == "never":
        return NEVER
    seconds: float | None = None
    size_bytes: int | None = None
    for part in text.split(","):
        found = _PART.fullmatch(part.strip())
        if found is None:
            raise OptionError(
                _("'{text}' is no time and no size: write 2h, 30min, 4GB, both as 2h,4GB, or never", text=text)
            )
        unit = next(unit for unit in _UNITS if unit.lower() == found[2].lower())
        value = float(found[1]) * _UNITS[unit]
        if unit.endswith("B"):
            size_bytes = round(value)
        else:
            seconds = value
    if (seconds is not None and not 1 <= seconds <= 1e7) or (size_bytes is not None and not 1e6 <= size_bytes <= 1e15):
        raise OptionError(_("'{text}' is out of range: give at least 1 s and 1 MB", text=text))
    return Split(seconds, size_bytes)


def later_names(path: Path, after: int) -> Iterator[tuple[int, Path]]:
    """Yield number and name of the parts that come after a number: `name-002.suffix`, `name-003.suffix` …"""
    for number in itertools.count(after + 1):
        end = f"-{number:03d}"
        yield number, path.with_name(f"{shortened(path, len(end))}{end}{path.suffix}")
