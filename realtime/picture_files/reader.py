"""Reading a picture file, whatever kind it is, into the pixels all parts speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.core.errors import CameraError, first_clause
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.imaging.transparency import on_white
from realtime.picture_files.exif import turned
from realtime.picture_files.formats import (
    check_size,
    is_premultiplied,
    may_be_transparent,
    read_any_header,
    stored_turn,
)
from realtime.picture_files.header import check_whole
from realtime.system.opencv_log import quiet_opencv


def read_picture(path: Path) -> Pixels:
    """Return a picture file as (height, width, 3) uint8 BGR, upright as its EXIF data say.

    PNG, JPEG, WebP, GIF, BMP, TIFF, PNM, JPEG 2000, HEIC and AVIF, whatever the name's suffix; of moving ones the first
    picture. 16-bit, grey and palette pictures are converted, transparent ones laid on white. Raises CameraError where
    the file cannot be read, is no whole picture, or has more than 80 megapixels.
    """
    try:
        data = path.read_bytes()  # not cv2.imread: on Windows it fails on names outside the code page
    except OSError as error:
        raise CameraError(
            _("cannot read {path}: {reason}; check the path and its permissions", path=path, reason=error.strerror)
        ) from error
    try:
        return decode_picture(data)
    except ValueError as error:
        hint = "" if first_clause(error) != str(error) else _("; choose another picture")
        raise CameraError(f"{path.name} {error}{hint}") from error


def decode_picture(data: bytes) -> Pixels:
    """Return a picture from a file's bytes, as `read_picture` does. Raises ValueError, fit to follow a file's name.

    Its size is known, and is no more than 80 megapixels, before anything is decoded.
    """
    kind, _ = read_any_header(data)
    if kind == "HEIF":
        from realtime.picture_files import heif

        photo = heif.describe(data)
        check_size(photo.size)
        return heif.decode(data, photo)
    if kind in ("PNG", "JPEG", "WebP"):
        check_whole(data)
    quiet_opencv()
    if kind == "WebP" and data[12:16] == b"VP8X" and data[20] & 0x02:
        from realtime.picture_files.webp import first_picture

        return first_picture(data)
    if may_be_transparent(kind, data):
        stored = _decoded(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if stored is not None and stored.ndim == 3 and stored.shape[2] == 4 and stored.dtype in (np.uint8, np.uint16):
            return on_white(turned(stored, stored_turn(kind, data)), premultiplied=is_premultiplied(kind, data))
        del stored
    return decode_opaque(data)


def decode_opaque(data: bytes) -> Pixels:
    """Return a picture that OpenCV reads, of 8 bits and three channels, upright; whatever its opacity, as if it had
    none. Raises ValueError, fit to follow a file's name. Whether its size may be is for the caller to know before.
    """
    buffer = np.frombuffer(data, np.uint8)
    pixels = _decoded(buffer, cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(_why_unreadable(buffer))
    return np.ascontiguousarray(pixels, np.uint8)


def _decoded(buffer: NDArray[np.uint8], flags: int) -> NDArray[Any] | None:
    try:
        return cv2.imdecode(buffer, flags)
    except cv2.error:
        return None


def _why_unreadable(buffer: NDArray[np.uint8]) -> str:
    """Say why a picture cannot be had as 8-bit BGR; the file is read as it is only now that something is wrong."""
    raw = _decoded(buffer, cv2.IMREAD_UNCHANGED)
    if raw is not None and raw.dtype not in (np.uint8, np.uint16):
        kind = (
            _("floating-point numbers")
            if np.issubdtype(raw.dtype, np.floating)
            else _("{bits}-bit numbers", bits=8 * raw.itemsize)
        )
        return _(
            "holds {kind}, which say nothing about where white is; save it with 8 or 16 bits per channel", kind=kind
        )
    return _("is cut short, damaged or no picture that can be read; save it again as PNG or JPEG")
