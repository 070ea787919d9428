"""The one thing of a photo's EXIF data that matters here: how the camera was held."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from realtime.core.language import _
from realtime.imaging.frame import Pixels

_ORIENTATION = 0x0112


class Turn(NamedTuple):
    """What is done to a stored picture before it is shown: left and right exchanged, then turned."""

    quarters: int = 0
    """Of a full turn, counterclockwise."""
    flipped: bool = False


_TURNS = {
    1: Turn(),
    2: Turn(0, flipped=True),
    3: Turn(2),
    4: Turn(2, flipped=True),
    5: Turn(1, flipped=True),
    6: Turn(3),
    7: Turn(3, flipped=True),
    8: Turn(1),
}


def turn_of_orientation(orientation: int) -> Turn:
    """Return what EXIF's orientation, 1 to 8, asks for; nothing for any other number."""
    return _TURNS.get(orientation, Turn())


def turned(pixels: Pixels, turn: Turn) -> Pixels:
    """Return a picture as it is shown, C-contiguous. Any number of channels."""
    if turn == Turn():
        return pixels
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if turn.flipped else pixels, turn.quarters))


def orientation_in_exif(data: bytes) -> int:
    """Return the orientation that EXIF data (a TIFF header and its tags) tell, 1 where they tell none."""
    data = data.removeprefix(b"Exif\0\0")
    try:
        return next((int(values[0]) for tag, values in tiff_tags(data) if tag == _ORIENTATION and values), 1)
    except (struct.error, ValueError):
        return 1


def tiff_tags(data: bytes) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield the whole numbers that the first directory of a TIFF file tells, by their tags; a few of each.

    Raises struct.error or ValueError where the file is cut short or no TIFF.
    """
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None:
        raise ValueError(_("is no TIFF picture"))
    (version,) = struct.unpack_from(f"{order}H", data, 2)
    if version == 43:  # BigTIFF: 64-bit places
        (at,) = struct.unpack_from(f"{order}Q", data, 8)
        (entries,) = struct.unpack_from(f"{order}Q", data, at)
        at, form, inline = at + 8, f"{order}HHQ8s", 8
    else:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, at)
        at, form, inline = at + 2, f"{order}HHI4s", 4
    letters = {1: "B", 3: "H", 4: "I", 16: "Q"}
    for _unused in range(min(entries, 4096)):
        tag, kind, count, value = struct.unpack_from(form, data, at)
        at += struct.calcsize(form)
        letter = letters.get(kind)
        if letter is None or not 0 < count <= 8:
            continue
        values = f"{order}{count}{letter}"
        if struct.calcsize(values) <= inline:
            yield tag, struct.unpack_from(values, value)
        else:
            (place,) = struct.unpack(f"{order}{'Q' if inline == 8 else 'I'}", value)
            yield tag, struct.unpack_from(values, data, place)
