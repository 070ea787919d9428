"""A contact sheet of each person's folder: seen at a glance whether somebody else got in."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from realtime.cameras.picture_folder import pictures_in
from realtime.core.errors import CameraError, OutputError
from realtime.core.files import atomic_write
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import read_picture

_TILE_PX = 112
_COLUMNS = 12
_MOST_TILES = 96
_WHITE = 255


def write_contact_sheet(folder: Path) -> Path:
    """Write `FOLDER.jpg` beside a folder: up to 96 of its crops, evenly chosen, in their order.

    Raises OutputError where it cannot be written.
    """
    paths = pictures_in(folder)
    places = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), _MOST_TILES)).round().astype(int))
    tiles: list[Pixels] = []
    for place in places:
        try:
            crop = read_picture(paths[place])
        except CameraError:
            continue
        tiles.append(np.asarray(cv2.resize(crop, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA), np.uint8))
    columns = min(_COLUMNS, max(1, len(tiles)))
    rows = max(1, -(-len(tiles) // columns))
    sheet = np.full((rows * _TILE_PX, columns * _TILE_PX, 3), _WHITE, np.uint8)
    for number, tile in enumerate(tiles):
        top, left = number // columns * _TILE_PX, number % columns * _TILE_PX
        sheet[top : top + _TILE_PX, left : left + _TILE_PX] = tile
    written, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, 90])
    path = folder.with_name(f"{folder.name}.jpg")
    if not written:
        raise OutputError(f"cannot make {path}")
    with atomic_write(path) as file:
        file.write_bytes(data.data)
    return path
