"""Who has which attribute, as CelebA's `list_attr_celeba` says it: .txt, .csv or .gz, any separators."""

from __future__ import annotations

import dataclasses
import gzip
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import OptionError, nearest

LEAST_EACH = 50
"""Pictures with an attribute, and as many without: the mean of fewer is a portrait of those few."""
_VALUES: Mapping[str, int] = {"1": 1, "-1": -1, "0": -1, "+1": 1, "true": 1, "false": -1, "yes": 1, "no": -1}


@dataclasses.dataclass(frozen=True)
class Labels:
    """Attributes of pictures."""

    names: tuple[str, ...]
    values: Mapping[str, NDArray[np.int8]]
    """By a picture's file name without ending: 1 or −1 for each of `names`."""
    where: str
    """The file, for messages."""

    def has(self, pictures: Sequence[str], name: str) -> NDArray[np.int8]:
        """Return 1, −1, or 0 for a picture that is not listed. A name with `-` before it is turned round.

        Raises OptionError for an attribute that is not there, or too rare on one side.
        """
        column, sign = (name[1:], -1) if name.startswith("-") else (name, 1)
        if column not in self.names:
            raise OptionError(
                f"{self.where} has no attribute '{column}'{nearest(column, self.names)}; "
                f"there are: {', '.join(self.names)}"
            )
        place = self.names.index(column)
        found = [self.values[picture][place] * sign if picture in self.values else 0 for picture in pictures]
        return checked(np.array(found, np.int8), column)


def checked(has: NDArray[np.int8], name: str) -> NDArray[np.int8]:
    """Raise OptionError where fewer than LEAST_EACH have an attribute, or lack it."""
    counts = int((has > 0).sum()), int((has < 0).sum())
    if min(counts) < LEAST_EACH:
        raise OptionError(
            f"'{name}': {counts[0]} pictures have it and {counts[1]} do not; a direction needs {LEAST_EACH} of each"
        )
    return has


def read_labels(path: Path) -> Labels:
    """Raises OptionError for a file that is no list of attributes, naming the line."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read {path} ({error}); name a list of attributes, as list_attr_celeba") from None
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if lines and lines[0][1].strip().isdecimal():  # CelebA's own list begins with how many pictures it has
        lines = lines[1:]
    if len(lines) < 2:
        raise OptionError(f"{path} lists no pictures; its first line names the attributes, each other one a picture")
    separator = next((mark for mark in ",;\t" if mark in lines[0][1]), r"\s+")
    rows = [(number, [part.strip() for part in re.split(separator, line.strip())]) for number, line in lines]
    # In .csv files the pictures' column has a name, too.
    count = len(rows[1][1]) - 1
    names = rows[0][1][-count:] if count else []
    if count < 1 or len(rows[0][1]) not in (count, count + 1):
        raise OptionError(f"{path}, line {rows[1][0]}: {count + 1} columns, but {len(rows[0][1])} in the first line")
    values: dict[str, NDArray[np.int8]] = {}
    for number, row in rows[1:]:
        if len(row) != count + 1:
            raise OptionError(f"{path}, line {number}: {len(row)} columns, expected {count + 1}")
        unreadable = next((value for value in row[1:] if value.lower() not in _VALUES), None)
        if unreadable is not None:
            raise OptionError(f"{path}, line {number}: '{unreadable}' is no answer; write 1 for yes and -1 or 0 for no")
        values[Path(row[0]).stem] = np.array([_VALUES[value.lower()] for value in row[1:]], np.int8)
    return Labels(tuple(names), values, str(path))
