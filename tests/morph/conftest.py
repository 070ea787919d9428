"""Somebody before the camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.imaging.frame import Face, Pixels
from realtime.picture_files.reader import read_picture


@pytest.fixture(scope="package")
def photo(navy_photo: Path) -> Pixels:
    """Nobody writes into it."""
    pixels = read_picture(navy_photo)
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="package")
def face(photo: Pixels) -> Face:
    return find_faces(photo, FaceMeasurer())[0]
