"""Reading a picture file, whatever kind it is, into the pixels all parts speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.cameras.quiet import quiet_opencv
from realtime.errors import CameraError
from realtime.frame import Pixels

_WHITE = 255
# Where a picture is transparent: paper. What is stored under full transparency is often garbage or black.


def read_picture(path: Path) -> Pixels:
    """Return a picture file as (height, width, 3) uint8 BGR, upright as its EXIF data say.

    16-bit, grey and palette pictures are converted, transparent ones laid on white. Raises CameraError where the
    file cannot be read or is no whole picture.
    """
    try:
        data = np.fromfile(path, np.uint8)  # not cv2.imread: on Windows it fails on names outside the code page
    except OSError as error:
        raise CameraError(f"cannot read {path}: {error.strerror}; check the path and its permissions") from error
    if data.size == 0:
        raise CameraError(f"{path.name} is empty; choose another picture")
    quiet_opencv()
    try:
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        stored = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if decoded is not None else None
    except cv2.error as error:
        raise CameraError(f"{path.name} is damaged; open it in an editor and save it again") from error
    if decoded is None:
        raise CameraError(f"{path.name} is cut short or no picture that can be read; save it again as PNG or JPEG")
    pixels: Pixels = np.ascontiguousarray(decoded, np.uint8)
    if stored is not None and stored.ndim == 3 and stored.shape[2] == 4 and stored.shape[:2] == pixels.shape[:2]:
        return _on_white(pixels, stored[:, :, 3])
    return pixels


def _on_white(pixels: Pixels, alpha: NDArray[Any]) -> Pixels:
    opacity = alpha.astype(np.float32) / np.iinfo(alpha.dtype).max
    opacity = opacity[:, :, np.newaxis]
    return np.rint(pixels * opacity + _WHITE * (1 - opacity)).astype(np.uint8)
