"""The tray still looks as it did when it was looked at: `tests/tray/kept_pictures.py` makes the pictures anew."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.tray.kept_pictures import FOLDER, PICTURES, drawn

pytestmark = pytest.mark.usefixtures("a_screen")


@pytest.mark.parametrize("name", PICTURES)
def test_the_tray_looks_as_it_did(name: str) -> None:
    kept = cv2.imread(str(FOLDER / f"{name}.png"))
    assert kept is not None
    now = drawn(name)
    assert now.shape == kept.shape
    off = np.abs(now.astype(int) - kept).max(axis=2)
    # Another FreeType draws letters a little otherwise; a widget that has moved or gone is thousands of pixels.
    assert (off > 48).mean() < 0.002
