"""What a screen shows while an installer is asked to stand at four places: signs that can be read from across a room,
without the words too.
"""

from __future__ import annotations

import functools
from pathlib import Path

import cv2
import numpy as np

from realtime.core.language import N_, _
from realtime.gallery.calibration.standing import Hint, Sign, Spot
from realtime.imaging.fonts import find_font
from realtime.imaging.frame import Pixels, Size
from realtime.imaging.text import missing_letters, opacity

Colour = tuple[int, int, int]

_GROUND: Colour = (28, 24, 22)
_QUIET: Colour = (110, 104, 98)
_INK: Colour = (240, 240, 240)
_TO_DO: Colour = (90, 190, 250)
_GOOD: Colour = (120, 210, 110)
_WRONG: Colour = (80, 90, 240)

_WORDS = {
    Hint.HOLD_STILL: N_("Hold still"),
    Hint.NOBODY: N_("I see nobody"),
    Hint.SEVERAL: N_("One person only, please"),
    Hint.FARTHER_RIGHT: N_("Farther to the right"),
    Hint.NEARER: N_("Come nearer"),
    Hint.TAKEN: N_("Got it"),
    Hint.DONE: N_("Thank you, that is all"),
    Hint.GIVEN_UP: N_("Given up: start it again"),
}
_WALK_TO = {
    Spot.LEFT: N_("Stand on the left"),
    Spot.MIDDLE: N_("Stand in the middle"),
    Spot.RIGHT: N_("Stand on the right, just as far"),
    Spot.NEAR: N_("Come near, in the middle"),
}
_PLACES = {Spot.LEFT: (0.16, 0.42), Spot.MIDDLE: (0.5, 0.42), Spot.RIGHT: (0.84, 0.42), Spot.NEAR: (0.5, 0.66)}
"""Where they are on the sign, as on a plan of the room: the screen is below."""


def draw_sign(sign: Sign, size: Size) -> Pixels:
    """Return a picture (h, w, 3) uint8 BGR of a size."""
    picture = np.empty((size.height, size.width, 3), np.uint8)
    picture[:] = _GROUND
    unit = min(size.width / 16, size.height / 9)
    colour = _colour(sign.hint)
    for spot in Spot:
        is_next = spot is sign.spot and sign.hint is not Hint.DONE
        _draw_person(picture, _at(spot, size), unit, colour if is_next else _QUIET, is_next)
    x, y = _at(sign.spot, size)
    if sign.hint is Hint.SEVERAL:
        _draw_person(picture, (x + round(1.3 * unit), y), unit, colour, True)
        _draw_cross(picture, (x + round(1.3 * unit), y), unit)
    elif sign.hint is Hint.NOBODY:
        _draw_cross(picture, (x, y), unit)
    elif sign.hint in (Hint.TAKEN, Hint.DONE):
        _draw_tick(picture, (size.width // 2, y) if sign.hint is Hint.DONE else (x, y), unit)
    elif sign.hint is Hint.HOLD_STILL:
        angle = 360 * sign.still
        cv2.ellipse(picture, (x, y), (round(1.5 * unit),) * 2, -90, 0, angle, _GOOD, round(unit / 5), cv2.LINE_AA)
    elif sign.hint is Hint.FARTHER_RIGHT:
        _draw_arrow(picture, (x - round(3.4 * unit), y), (x - round(1.4 * unit), y), unit)
    elif sign.hint is Hint.NEARER:
        _draw_arrow(picture, (x - round(1.6 * unit), y - round(2 * unit)), (x - round(1.6 * unit), y), unit)
    wall = round(0.84 * size.height)
    ends = (round(0.3 * size.width), wall), (round(0.7 * size.width), wall)
    cv2.line(picture, *ends, _INK, round(unit / 8), cv2.LINE_AA)
    _write(picture, _(_WORDS.get(sign.hint) or _WALK_TO[sign.spot]), 0.14, unit, colour)
    if sign.hint in (Hint.HOLD_STILL, Hint.NOBODY, Hint.SEVERAL):
        _write(picture, _(_WALK_TO[sign.spot]), 0.93, 0.55 * unit, _INK)
    return picture


def _colour(hint: Hint) -> Colour:
    if hint in (Hint.TAKEN, Hint.DONE, Hint.HOLD_STILL):
        return _GOOD
    return _WRONG if hint in (Hint.NOBODY, Hint.SEVERAL, Hint.GIVEN_UP) else _TO_DO


def _at(spot: Spot, size: Size) -> tuple[int, int]:
    across, down = _PLACES[spot]
    return round(across * size.width), round(down * size.height)


def _draw_person(picture: Pixels, at: tuple[int, int], unit: float, colour: Colour, filled: bool) -> None:
    """Head and shoulders."""
    thickness = -1 if filled else max(1, round(unit / 16))
    x, y = at
    cv2.circle(picture, (x, y - round(0.45 * unit)), round(0.38 * unit), colour, thickness, cv2.LINE_AA)
    shoulders = (round(0.75 * unit), round(0.7 * unit))
    cv2.ellipse(picture, (x, y + round(0.75 * unit)), shoulders, 0, 180, 360, colour, thickness, cv2.LINE_AA)


def _draw_cross(picture: Pixels, at: tuple[int, int], unit: float) -> None:
    (x, y), reach, thickness = at, round(1.1 * unit), round(unit / 6)
    cv2.line(picture, (x - reach, y - reach), (x + reach, y + reach), _INK, thickness, cv2.LINE_AA)
    cv2.line(picture, (x - reach, y + reach), (x + reach, y - reach), _INK, thickness, cv2.LINE_AA)


def _draw_tick(picture: Pixels, at: tuple[int, int], unit: float) -> None:
    shape = np.array([[-0.8, 0.1], [-0.2, 0.7], [1.0, -0.8]]) * unit + at
    cv2.polylines(picture, [shape.astype(np.int32)], False, _INK, round(unit / 4), cv2.LINE_AA)


def _draw_arrow(picture: Pixels, tail: tuple[int, int], head: tuple[int, int], unit: float) -> None:
    cv2.arrowedLine(picture, tail, head, _INK, round(unit / 5), cv2.LINE_AA, tipLength=0.35)


def _write(picture: Pixels, words: str, down: float, font_px: float, colour: Colour) -> None:
    """Write in the middle, smaller where there is no room."""
    height, width = picture.shape[:2]
    file = _font_for(words)
    shape = opacity(words, file, font_px, round(2 * font_px))
    if shape.shape[1] > 0.94 * width:
        font_px *= 0.94 * width / shape.shape[1]
        shape = opacity(words, file, font_px, round(2 * font_px))
    top, left = round(down * height - shape.shape[0] / 2), (width - shape.shape[1]) // 2
    part = picture[top : top + shape.shape[0], left : left + shape.shape[1]]
    weight = shape[: part.shape[0], :, None]
    part[:] = np.round(part * (1 - weight) + np.array(colour) * weight)


def _font_for(words: str) -> bytes | None:
    """Return a font file that has the letters of a sign; None: the usual font has them, or none here."""
    path = find_font(words) if missing_letters(words, None) else None
    return None if path is None else _content(path)


@functools.lru_cache(maxsize=1)
def _content(path: Path) -> bytes:
    return path.read_bytes()
