"""Reading the picture a portrait is made of, whatever kind it is."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from realtime.core.errors import PortraitError, first_clause
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.imaging.frame import Pixels
from realtime.picture_files.reader import decode_picture

LONGEST_SIDE_PX = 2560
"""Larger pictures are scaled down once, unless more is asked for: a head twice as large takes four times as long to
make and to load, and few screens show more."""

_LEAST_SIDE_PX = 64


def read_picture(path: Path, longest_side_px: int = LONGEST_SIDE_PX) -> tuple[Pixels, str]:
    """Read a picture file: 8-bit BGR, turned as its EXIF data ask, transparent parts on white.

    Returns the picture, and a note for the user where something was changed (else empty). Raises PortraitError.
    """
    try:
        data = user_path(path).read_bytes()
    except FileNotFoundError:
        raise PortraitError(_("no such picture: {path}; check the path", path=path)) from None
    except OSError as error:
        raise PortraitError(
            _("cannot read {path}: {reason}; name a picture file", path=path, reason=error.strerror or error)
        ) from error
    try:
        pixels = decode_picture(data)
    except ValueError as error:
        hint = "" if first_clause(error) != str(error) else _("; name another picture, or save this one again")
        raise PortraitError(f"{path} {error}{hint}") from error
    height, width = pixels.shape[:2]
    if min(height, width) < _LEAST_SIDE_PX:
        raise PortraitError(
            _(
                "{path} is only {width}x{height}; a face needs at least 60 pixels, so use a larger one",
                path=path,
                width=width,
                height=height,
            )
        )
    if max(height, width) <= longest_side_px:
        return pixels, ""
    scale = longest_side_px / max(height, width)
    smaller = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    shown = f"{smaller.shape[1]}x{smaller.shape[0]}"
    note = _(
        "{name} is {width}x{height}; the portrait is made at {shown} (see --longest-side)",
        name=path.name,
        width=width,
        height=height,
        shown=shown,
    )
    return np.asarray(smaller, np.uint8), note
