"""Reading the picture a portrait is made of, whatever kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.errors import PortraitError
from realtime.frame import Pixels
from realtime.portrait_file.header import check_whole, read_header

LONGEST_SIDE_PX = 2560
"""Larger pictures are scaled down once, unless more is asked for: a head twice as large takes four times as long to
make and to load, and few screens show more."""

_LEAST_SIDE_PX = 64


def read_picture(path: Path, longest_side_px: int = LONGEST_SIDE_PX) -> tuple[Pixels, str]:
    """Read a picture file: 8-bit BGR, turned as its EXIF data ask, transparent parts on white.

    Returns the picture, and a note for the user where something was changed (else empty). Raises PortraitError.
    """
    try:
        data = path.expanduser().read_bytes()
    except FileNotFoundError:
        raise PortraitError(f"no such picture: {path}; check the path") from None
    except OSError as error:
        raise PortraitError(f"cannot read {path}: {error.strerror or error}; name a picture file") from error
    if not data:
        raise PortraitError(f"{path} is empty; name a picture file")
    pixels = _decode(path, data)
    height, width = pixels.shape[:2]
    if min(height, width) < _LEAST_SIDE_PX:
        raise PortraitError(f"{path} is only {width}x{height}; a face needs at least 60 pixels, so use a larger one")
    if max(height, width) <= longest_side_px:
        return pixels, ""
    scale = longest_side_px / max(height, width)
    smaller = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    shown = f"{smaller.shape[1]}x{smaller.shape[0]}"
    note = f"{path.name} is {width}x{height}; the portrait is made at {shown} (see --longest-side)"
    return np.asarray(smaller, np.uint8), note


def _decode(path: Path, data: bytes) -> Pixels:
    try:
        read_header(data)
    except ValueError:
        pass  # BMP and TIFF: OpenCV says whether it can read them
    else:
        try:
            check_whole(data)
        except ValueError as error:
            raise PortraitError(f"{path} {error}; copy it again from where it came from") from error
    buffer = np.frombuffer(data, np.uint8)
    try:
        pixels = cv2.imdecode(buffer, cv2.IMREAD_COLOR)
        raw = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED) if pixels is not None and _may_be_transparent(data) else None
    except cv2.error as error:
        raise PortraitError(f"{path} cannot be decoded: {error.err}; save it as PNG or JPEG") from error
    if pixels is None:
        raise PortraitError(f"{path} {_why_unreadable(buffer)}")
    if raw is not None and raw.ndim == 3 and raw.shape[2] == 4:
        raw = _turned_like(raw, pixels, buffer)
        deep = 257.0 if raw.dtype == np.uint16 else 1.0
        colour, alpha = raw[..., :3].astype(np.float32) / deep, raw[..., 3:].astype(np.float32) / (255 * deep)
        pixels = np.rint(colour * alpha + 255 * (1 - alpha)).astype(np.uint8)
    return np.ascontiguousarray(pixels, np.uint8)


def _why_unreadable(buffer: NDArray[np.uint8]) -> str:
    """Say why a picture cannot be had as 8-bit BGR; the file is read as it is only now that something is wrong."""
    try:
        raw = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        raw = None
    if raw is not None and raw.dtype not in (np.uint8, np.uint16):
        kind = "floating-point numbers" if np.issubdtype(raw.dtype, np.floating) else f"{8 * raw.itemsize}-bit numbers"
        return f"holds {kind}, which say nothing about where white is; save it with 8 or 16 bits per channel"
    return "is no picture that can be read; save it as PNG, JPEG, WebP or TIFF"


def _may_be_transparent(data: bytes) -> bool:
    return not data.startswith(b"\xff\xd8")  # JPEGs never are


def _turned_like(raw: NDArray[Any], turned: NDArray[Any], buffer: NDArray[np.uint8]) -> NDArray[Any]:
    """Return `raw`, read as it lies in the file, turned as the EXIF data ask: IMREAD_UNCHANGED leaves that out.

    OpenCV does not say how it turned what it read by IMREAD_COLOR, so that is found by trying the eight ways.
    """
    flat = np.asarray(cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION))
    for step in (1, -1):
        for quarters in range(4):
            if np.array_equal(np.rot90(flat[:, ::step], quarters), turned):
                return np.ascontiguousarray(np.rot90(raw[:, ::step], quarters))
    return raw
