"""What the actions of `realtime models` share: names, the user's picture, tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.core.columns import columns, padded
from realtime.core.errors import OptionError, shown
from realtime.core.language import _

if TYPE_CHECKING:
    from realtime.imaging.frame import Pixels

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def name_for(file: Path, chosen: str | None, option: str) -> str:
    """Return the name a model gets: one that can stand in `style:NAME:strength` and as a file on every system."""
    if chosen is not None:
        if not _NAME.fullmatch(chosen):
            raise OptionError(
                _("'{chosen}' is no name for a model: use small letters, digits, '.', '-' and '_'", chosen=chosen)
            )
        return chosen
    name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")
    if not name:
        raise OptionError(_("no name can be made of {name}: give one with {option}", name=file.name, option=option))
    return name


def picture_of(named: Path) -> Pixels:
    """Read a picture of the user's to try a model on. Raises RealtimeError."""
    import cv2
    import numpy as np

    from realtime.imaging.frame import Size
    from realtime.imaging.pixels import place_inside
    from realtime.picture_files.reader import read_picture

    picture = read_picture(named)
    if min(picture.shape[:2]) < 64:
        raise OptionError(_("{named} is too small to try a model on: choose a picture of 64x64 or more", named=named))
    size = Size.of(picture)
    if max(size) > 1280:  # as large as a frame; a photo of 50 megapixels would take minutes
        size = place_inside(size, Size(1280, 1280)).size
        picture = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


def print_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows of equal length in columns, the first row their names; those in `right` end at the right. Cells may
    hold names out of files.
    """
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(columns(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            " " * (width - columns(text)) + text if column in right else padded(text, width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
