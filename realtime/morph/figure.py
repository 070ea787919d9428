"""Pictures in rows, with a caption above each column and a title at the left of each row."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from realtime.core.errors import shown
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.numerics import Floats
from realtime.imaging.text import missing_letters, opacity, without_middle

_PAPER, _INK = 250, 40
_FONT_PX, _LINE_PX, _GAP_PX = 16, 24, 6
_TITLES_PX = 120
_LONGEST = 60
"""Letters of a name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """Pictures of one size, (side, side, 3), from left to right."""

    pictures: Sequence[Pixels]
    title: Sequence[str] = ()
    """Lines; none in any row: there is no room for them either."""


def figure(rows: Sequence[Row], captions: Sequence[str], font: bytes | None = None) -> Pixels:
    """Return the figure. `font`: what a file holds that has the letters wanted; None: the program's own."""
    side = rows[0].pictures[0].shape[0]
    size = size_of(len(rows), len(captions), side, titled=any(row.title for row in rows))
    whole = np.full((size.height, size.width, 3), _PAPER, np.uint8)
    lefts = [size.width - (len(captions) - column) * (side + _GAP_PX) for column in range(len(captions))]
    for left, caption in zip(lefts, captions, strict=True):
        letters = _letters(caption, side, font)
        _ink(whole[:_LINE_PX, left + (side - letters.shape[1]) // 2 :], letters)
    for number, row in enumerate(rows):
        top = _LINE_PX + number * (side + _GAP_PX)
        for left, picture in zip(lefts, row.pictures, strict=True):
            whole[top : top + side, left : left + side] = picture
        first = top + (side - _LINE_PX * len(row.title)) // 2
        for line, text in enumerate(row.title):
            _ink(whole[first + line * _LINE_PX :, _GAP_PX:], _letters(text, _TITLES_PX - _GAP_PX, font))
    return whole


def size_of(rows: int, columns: int, side_px: int, *, titled: bool) -> Size:
    """Return how large a figure is."""
    width = (_TITLES_PX if titled else 0) + _GAP_PX + columns * (side_px + _GAP_PX)
    return Size(width, _LINE_PX + rows * (side_px + _GAP_PX))


def with_margin(picture: Pixels, above_px: int, below_px: int) -> Pixels:
    """Return a figure with more paper above and below."""
    return np.pad(picture, ((above_px, below_px), (0, 0), (0, 0)), constant_values=_PAPER)


def _letters(text: str, width_px: int, font: bytes | None) -> Floats:
    """Return a line's opacity, (line, at most `width_px`): its middle is left out where it is too long."""
    text = shown(text, _LONGEST).strip()
    missing = missing_letters(text, font)
    text = "".join("?" if letter in missing else letter for letter in text)
    for kept in range(len(text), 0, -1):
        letters = opacity(without_middle(text, kept), font, _FONT_PX, _LINE_PX)
        if letters.shape[1] <= width_px:
            return letters
    return np.zeros((_LINE_PX, 0), np.float32)


def _ink(area: Pixels, letters: Floats) -> None:
    part = area[:_LINE_PX, : letters.shape[1]]
    part[:] = np.rint(_PAPER + (_INK - _PAPER) * letters)[..., np.newaxis]
