"""Frame rates as people write them, and as they really are."""

from __future__ import annotations

import re
from fractions import Fraction

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.text_limits import number

_LEAST_FPS, _MOST_FPS = 1, 240
_TELEVISION = tuple(Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60, 120, 240))
"""What is written as 23.976, 29.97, 59.94 … In an hour 29.97 itself would be 4 ms away from the sound."""
_RATE = re.compile(r"(\d{1,9})\s*/\s*(\d{1,9})")
_NEARER_THAN = 0.006  # 23.98, as some write the first of them, is 0.004 away; 24 is 0.024 away


def parse_rate(text: str) -> float:
    """Read `25`, `29.97` or `30000/1001`. Raises OptionError for anything else and outside 1 to 240."""
    written = _RATE.fullmatch(text.strip())
    rate = float(Fraction(int(written[1]), int(written[2]))) if written and int(written[2]) else 0.0
    if written is None:
        rate = number(text, _LEAST_FPS, _MOST_FPS) or 0.0
    if not _LEAST_FPS <= rate <= _MOST_FPS:
        raise OptionError(
            _(
                "'{text}' is out of range: give a number from {least_fps} to {most_fps}, such as 25 or 30000/1001",
                text=text[:40],
                least_fps=_LEAST_FPS,
                most_fps=_MOST_FPS,
            )
        )
    return exact_rate(rate)


def exact_rate(fps: float) -> float:
    """Return the rate meant: a whole one over 1.001 where `fps` is that, rounded."""
    nearest = min(_TELEVISION, key=lambda rate: abs(rate - fps))
    return float(nearest) if abs(nearest - fps) < _NEARER_THAN else fps
