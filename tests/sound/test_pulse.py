"""The whole way through a real PulseAudio: a flash in the picture, a click in the room, both in the call."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools import measure_sound, pulse_server

pytestmark = pytest.mark.skipif(bool(pulse_server.missing()), reason=pulse_server.missing() or "all is there")


def test_a_click_is_heard_in_the_call_when_its_flash_is_seen(tmp_path: Path) -> None:
    measured = measure_sound.measure(tmp_path, 6.5, age_ms=180, drift_ppm=200)
    off_ms = np.array(measured["off_ms"])
    assert len(off_ms) >= 2
    assert abs(float(np.median(off_ms))) < 60, "machines are loaded; tools.measure_sound measures properly"
