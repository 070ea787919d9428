"""How wide texts are in a terminal: Chinese, Japanese and Korean letters take two columns each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def columns(text: str) -> int:
    """Return how many columns a text takes."""
    return len(text) if text.isascii() else sum(map(_columns_of, text))


def padded(text: str, width: int) -> str:
    """Return a text with spaces behind it, so that it takes `width` columns; a wider one as it is."""
    return text + " " * (width - columns(text))


def wrapped(text: str, width: int) -> Sequence[str]:
    """Return a text in lines of `width` columns: broken at spaces, and between letters that take two columns."""
    lines, line = [], ""
    for piece in _pieces(" ".join(text.split())):
        if line and columns(line + piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece.lstrip() if not line else piece
    return [*lines, line] if line else lines


def _columns_of(letter: str) -> int:
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _pieces(text: str) -> Sequence[str]:
    """Split a text where a line may end: behind a space, and around wide letters, but never before what closes."""
    pieces: list[str] = []
    for letter in text:
        goes_on = bool(pieces) and (
            unicodedata.category(letter) in ("Pe", "Pf", "Po")
            or unicodedata.category(pieces[-1][-1]) in ("Ps", "Pi")
            or (_columns_of(letter) < 2 and _columns_of(pieces[-1][-1]) < 2 and not pieces[-1].endswith(" "))
        )
        if goes_on or (letter == " " and pieces):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces
