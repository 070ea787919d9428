"""Nothing leaves the machine, and nothing is written that is not ours: tried where every name and address is a trap."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from realtime.picture_files.samples import sample_photo
from tools.check_privacy import Trial, look
from tools.network_trap import obstacle, run_trapped

CALLING = """
import socket
for target in (("example.com", 443), ("198.51.100.9", 80), ("127.0.0.1", 9)):
    try:
        socket.create_connection(target, 2)
    except OSError:
        pass
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.4", 123))
"""


@pytest.fixture(autouse=True)
def _trap() -> None:
    reason = obstacle()
    if reason:
        pytest.skip(f"no trap for names and connections can be set here: {reason}")


def test_the_trap_sees_names_connections_and_datagrams(tmp_path: Path) -> None:
    trapped = run_trapped([sys.executable, "-c", CALLING], os.environ, tmp_path, 30)
    assert trapped.exit_code == 0
    assert set(trapped.look_ups) == {"example.com"}
    assert trapped.calls == ("tcp 203.0.113.7:443", "tcp 198.51.100.9:80", "udp 198.51.100.4:123")


@pytest.mark.parametrize("effect", ["style:night", "swap:{photo}"])
def test_an_effect_asks_nobody_and_writes_nothing(effect: str, tmp_path: Path) -> None:
    """ONNX Runtime, left alone, writes its number for this device as soon as it is imported, and calls later."""
    words = ("-m", "realtime", "render", "demo", "film.mp4", "--frames", "5", "--effect")
    trial = Trial(effect, (*words, effect.format(photo=sample_photo())))
    result = look(trial, tmp_path / "home", tmp_path)
    assert result.trapped.exit_code == 0, result.trapped.said
    assert (tmp_path / "film.mp4").stat().st_size > 0
    assert (result.trapped.look_ups, result.trapped.calls, result.strange_files) == ((), (), ())
