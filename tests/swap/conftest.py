from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.faces.detection.still_pictures import find_faces
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.faces.landmarks.mesh import FaceMesh
from realtime.imaging.frame import Box, Face, Frame, Pixels, Size
from realtime.picture_files.painting import read_picture


@pytest.fixture(scope="session")
def meter() -> FaceMeasurer:
    return FaceMeasurer()


@pytest.fixture(scope="session")
def photo(navy_photo: Path) -> Pixels:
    return read_picture(navy_photo)[0]


@pytest.fixture(scope="session")
def face(photo: Pixels, meter: FaceMeasurer) -> Face:
    return find_faces(photo, meter)[0]


@pytest.fixture(scope="session")
def mesh(photo: Pixels, face: Face, meter: FaceMeasurer) -> FaceMesh:
    return meter.meshes.measure(photo, face)


@pytest.fixture(scope="session")
def other_photo(photo: Pixels, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that is not the Navy photo's: seen in a looking glass, in a colder and darker light."""
    pixels = np.clip(photo[:, ::-1] * np.array([0.9, 0.7, 0.55]), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("faces") / "other.png"
    assert cv2.imwrite(str(path), pixels)
    return path


def moment(pixels: Pixels, index: int) -> Frame:
    pixels = pixels.view()
    pixels.flags.writeable = False
    return Frame(pixels, index / 30, index / 30, index)


def moved(face: Face, x: float, y: float, identity: int) -> Face:
    box = face.box._replace(left=face.box.left + x, top=face.box.top + y)
    return Face(box, (face.keypoints + np.array([x, y])).astype(np.float32), face.score, identity)


def two_people(photo: Pixels) -> Pixels:
    """The photo beside itself."""
    return np.ascontiguousarray(np.concatenate([photo, photo], axis=1))


def inside(pixels: Pixels, box: Box) -> Pixels:
    height, width = Size.of(pixels)[::-1]
    top, left = max(0, round(box.top)), max(0, round(box.left))
    return pixels[top : min(height, round(box.top + box.height)), left : min(width, round(box.left + box.width))]


def difference(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())
