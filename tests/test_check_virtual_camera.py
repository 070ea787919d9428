"""The check of a real virtual camera, run where there is one: `tools/check_virtual_camera.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.imaging.frame import Size
from realtime.outputs.virtual_camera import loopbacks
from tools.check_virtual_camera import draw_number, read_number


@pytest.mark.parametrize("size", [Size(1280, 720), Size(640, 360), Size(320, 180)])
@pytest.mark.parametrize("number", [0, 1, 1365, 2730, 4095])
def test_pictures_carry_their_number(size: Size, number: int) -> None:
    pixels = draw_number(number, size)
    assert read_number(pixels) == (number, 0.0)
    pixels[size.height // 8 : size.height // 3, : size.width // 5, 2] -= 20
    assert read_number(pixels) == (number, 20.0)


@pytest.mark.camera_vm
def test_the_virtual_camera_is_read_by_other_programs() -> None:
    if not loopbacks():
        pytest.skip("no v4l2loopback device here: sudo modprobe v4l2loopback exclusive_caps=1")
    command = [sys.executable, "-m", "tools.check_virtual_camera"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=180, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stdout + done.stderr
