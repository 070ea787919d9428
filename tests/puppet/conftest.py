"""One real face, moved: the Navy photo of Grace Hopper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.imaging.frame import Face, Pixels
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.moving_faces import usable_faces
from realtime.puppet.figure import Figure
from realtime.puppet.pose import Pose


@pytest.fixture(scope="session")
def meter() -> FaceMeasurer:
    return FaceMeasurer()


@pytest.fixture(scope="session")
def picture(navy_photo: Path) -> Pixels:
    pixels = read_picture(navy_photo)[0]
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def face(picture: Pixels, meter: FaceMeasurer) -> Face:
    return usable_faces(picture, meter)[0]


@pytest.fixture(scope="session")
def seen(picture: Pixels, face: Face, meter: FaceMeasurer) -> FaceMeasurement:
    return meter.find(picture, face)


@pytest.fixture(scope="session")
def figure(picture: Pixels, seen: FaceMeasurement) -> Figure:
    return Figure(picture, seen)


def posed(figure: Figure, picture: Pixels, pose: Pose) -> Pixels:
    """The whole picture with its face in a pose."""
    whole = picture.copy()
    figure.draw(pose, figure.place.of(whole))
    return np.asarray(whole, np.uint8)
