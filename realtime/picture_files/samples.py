"""Pictures that are always there: a photo of a face, and a room to stand in.

The photo is Rear Admiral Grace Hopper's official portrait by the US Navy (1984, public domain), which matplotlib
carries as sample data; mediapipe installs matplotlib. It is read where it lies, without importing matplotlib.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np

from realtime.core.errors import CameraError
from realtime.core.language import _
from realtime.imaging.frame import Pixels, Size

_DRAWN_SIZE = Size(1280, 720)


def sample_photo() -> Path:
    """Return where the photo lies, 512×600 pixels. Raises CameraError where matplotlib is not installed."""
    found = importlib.util.find_spec("matplotlib")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder, "mpl-data", "sample_data", "grace_hopper.jpg")
        if path.is_file():
            return path
    raise CameraError(_("the demo's photo comes with matplotlib, which is missing: pip install matplotlib"))


def draw_room(size: Size) -> Pixels:
    """Return a softly lit room, out of focus, as large as asked. Colours are BGR, places pixels of 1280×720."""
    height, width = _DRAWN_SIZE.height, _DRAWN_SIZE.width
    room = np.empty((height, width, 3), np.uint8)
    room[:] = (150, 168, 180)
    _rectangle(room, (0, 560, width, 160), (96, 122, 146))  # low cupboards along the wall
    _rectangle(room, (0, 550, width, 14), (124, 150, 174))
    _rectangle(room, (30, 20, 60, 470), (140, 164, 188))  # curtains
    _rectangle(room, (282, 20, 52, 470), (134, 158, 182))
    _lamp_and_books(room)
    # Light falls in from the window on the left and fades towards the right.
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    light = 0.78 + 0.34 * np.exp(-((x - 0.25) ** 2) / 0.5 - (y - 0.25) ** 2 / 0.6) - 0.1 * y
    light += 0.22 * np.exp(-((x - 1.52) ** 2 + (y - 0.36) ** 2) / 0.06)  # and a little from the lamp
    room = np.minimum(room * light[:, :, np.newaxis], 255).astype(np.uint8)
    _rectangle(room, (70, 40, 230, 400), (214, 220, 222))
    _rectangle(room, (84, 54, 94, 372), (244, 240, 226))
    _rectangle(room, (194, 54, 94, 372), (246, 243, 232))
    room = np.asarray(cv2.GaussianBlur(room, (0, 0), 9), np.uint8)
    return _cover(room, size)


def _lamp_and_books(room: Pixels) -> None:
    shade = np.array([(1030, 330), (1160, 330), (1130, 210), (1060, 210)], np.int32)
    cv2.fillPoly(room, [shade], (196, 226, 246))
    _rectangle(room, (1088, 330, 14, 212), (70, 84, 100))
    _rectangle(room, (1056, 534, 78, 16), (70, 84, 100))
    top = 550
    for width, height, colour in ((120, 22, (96, 104, 150)), (104, 18, (140, 122, 90)), (112, 20, (84, 128, 150))):
        top -= height
        _rectangle(room, (700 - width // 2, top, width, height), colour)


def _rectangle(room: Pixels, place: tuple[int, int, int, int], colour: tuple[int, int, int]) -> None:
    left, top, width, height = place
    room[top : top + height, left : left + width] = colour


def _cover(picture: Pixels, size: Size) -> Pixels:
    """Scale a picture to fill `size`, cutting off what is too much."""
    scale = max(size.width / picture.shape[1], size.height / picture.shape[0])
    shift_x = (size.width - picture.shape[1] * scale) / 2
    shift_y = (size.height - picture.shape[0] * scale) / 2
    matrix = np.array([[scale, 0, shift_x], [0, scale, shift_y]])
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
