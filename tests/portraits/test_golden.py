"""The engine still makes the pictures that were looked at and found good; `tests/golden/remake.py` makes them anew."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.faces.landmarks.measurement import FaceMeasurement
from realtime.imaging.frame import Pixels
from realtime.portrait.engines.warp.engine import MeshEngine
from tests.golden.remake import FOLDER, MOTIONS, face_of

FAILED = Path(__file__).parents[1] / "failed"


@pytest.mark.parametrize("name", MOTIONS)
def test_golden(engine: MeshEngine, navy: FaceMeasurement, name: str) -> None:
    made = face_of(engine, navy.mesh, MOTIONS[name])
    wanted: Pixels = np.asarray(cv2.imread(str(FOLDER / f"navy-{name}.png")), np.uint8)
    try:
        assert made.shape == wanted.shape
        difference = cv2.absdiff(made, wanted)
        # Other processors round the networks' sums otherwise, which moves points by hundredths of a pixel.
        assert difference.mean() < 1.0
        assert np.percentile(difference, 99.5) < 24
    except AssertionError:
        FAILED.mkdir(exist_ok=True)
        cv2.imwrite(str(FAILED / f"navy-{name}.png"), made)
        raise
