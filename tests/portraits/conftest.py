"""One real face, measured once: the Navy photo of Grace Hopper."""

from __future__ import annotations

from pathlib import Path

import pytest

from realtime.faces.landmarks.measurement import FaceMeasurement, FaceMeasurer
from realtime.imaging.frame import Face, Pixels
from realtime.picture_files.painting import read_picture
from realtime.portrait.building.moving_faces import usable_faces
from realtime.portrait.engines import Source
from realtime.portrait.engines.warp.engine import MeshEngine


@pytest.fixture(scope="session")
def meter() -> FaceMeasurer:
    return FaceMeasurer()


@pytest.fixture(scope="session")
def navy_picture(navy_photo: Path) -> Pixels:
    return read_picture(navy_photo)[0]


@pytest.fixture(scope="session")
def navy_face(navy_picture: Pixels, meter: FaceMeasurer) -> Face:
    return usable_faces(navy_picture, meter)[0]


@pytest.fixture(scope="session")
def navy(navy_picture: Pixels, navy_face: Face, meter: FaceMeasurer) -> FaceMeasurement:
    return meter.find(navy_picture, navy_face)


@pytest.fixture(scope="session")
def engine(navy_picture: Pixels, navy: FaceMeasurement) -> MeshEngine:
    return MeshEngine.open(Source(navy_picture, navy.mesh, navy.eyes))
