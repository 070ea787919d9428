"""Real faces to extract: the Navy photo, laid, lit and turned in different ways, as photos and as a clip."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from realtime.imaging.frame import Pixels, Size
from realtime.picture_files.reader import read_picture

CLIP_SIZE = Size(400, 360)


def laid(photo: Pixels, number: int, size: Size = CLIP_SIZE) -> Pixels:
    """Return the photo in a room of its own: turned, scaled, moved and lit by the number."""
    rng = np.random.default_rng(number)
    turn = cv2.getRotationMatrix2D((264.0, 190.0), float(rng.uniform(-18, 18)), float(rng.uniform(0.8, 1.1)))
    turn = turn + np.array([[0, 0, size.width / 2 - 264], [0, 0, size.height / 2 - 190]])
    turn[:, 2] += rng.uniform(-30, 30, 2)
    picture = cv2.warpAffine(photo, turn, size, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(picture * rng.uniform(0.6, 1.15) + rng.uniform(0, 20), 0, 255), np.uint8)


@pytest.fixture(scope="session")
def navy(navy_photo: Path) -> Pixels:
    return read_picture(navy_photo)


def write_clip(path: Path, frames: list[Pixels]) -> Path:
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "14", "preset": "ultrafast"})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, "bgr24")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path
