"""What people write, read and shown within bounds: some of it was pasted by mistake."""

from __future__ import annotations

_SHOWN_LETTERS = 60
_MOST_DIGITS = 30
"""Python refuses to read more than 4300."""


def abbreviated(text: str) -> str:
    """Return a text as a message quotes it."""
    return text if len(text) <= _SHOWN_LETTERS else f"{text[: _SHOWN_LETTERS - 1]}…"


def whole_number(text: str, most: int = 999_999_999) -> int | None:
    """Return the number from 0 to `most` that a text is; None where it is none."""
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        return None
    number = int(text)
    return number if number <= most else None


def number(text: str, least: float, most: float) -> float | None:
    """Return the number from `least` to `most` that a text is; None where it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if least <= value <= most else None  # nothing holds of NaN
