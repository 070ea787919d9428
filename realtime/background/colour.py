"""One colour, such as the green that other programs take out again. The smallest background: copy it to begin one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from realtime.background import Background, BackgroundSettings
from realtime.imaging.frame import Frame, Pixels
from realtime.person.mask import PersonMask

COLOURS: Mapping[str, str] = MappingProxyType(
    {
        "black": "#000000",
        "white": "#ffffff",
        "grey": "#808080",
        "gray": "#808080",
        "red": "#ff0000",
        "green": "#00ff00",
        "blue": "#0000ff",
        "magenta": "#ff00ff",
    }
)
"""By name: those that are keyed out, and those that keep still behind somebody."""


def bgr_of(text: str) -> tuple[int, int, int] | None:
    """Return the colour that `#RGB`, `#RRGGBB` or a name means; None where it means none."""
    code = COLOURS.get(text.lower(), text)
    if re.fullmatch(r"#[0-9a-fA-F]{3}", code):
        code = "#" + "".join(2 * digit for digit in code[1:])
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", code):
        return None
    return int(code[5:7], 16), int(code[3:5], 16), int(code[1:3], 16)


class ColourBackground(Background):
    """Fills everything with one colour."""

    is_keyed = True

    def __init__(self, title: str, bgr: tuple[int, int, int]) -> None:
        self.title, self._bgr = title, bgr
        self._picture = np.empty((0, 0, 3), np.uint8)

    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:  # noqa: ARG002
        if self._picture.shape != out.shape:
            self._picture = np.empty_like(out)
            self._picture[:] = self._bgr
        np.copyto(out, self._picture)  # a sixth of the time of three values over and over
