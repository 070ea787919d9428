"""The sinks and sources of Linux' sound server (PulseAudio, PipeWire), of which PortAudio sees a single device."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Literal, NamedTuple

PORTAUDIO_NAME = "pulse"
"""What ALSA, and so PortAudio, calls the server."""
_ANSWERS_WITHIN_S = 3.0


class ServerDevice(NamedTuple):
    """A sink or a source."""

    name: str
    driver: str


def list_server_devices(direction: Literal["input", "output"]) -> list[ServerDevice]:
    """Return sources (`input`) or sinks; none where no such server runs, or `pactl` is missing."""
    if sys.platform != "linux":
        return []
    kind = "sources" if direction == "input" else "sinks"
    try:
        answer = subprocess.run(
            ["pactl", "list", "short", kind], capture_output=True, text=True, timeout=_ANSWERS_WITHIN_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [line.split("\t") for line in answer.stdout.splitlines()]
    return [ServerDevice(row[1], row[2]) for row in rows if len(row) > 2]


def choose(direction: Literal["input", "output"], name: str) -> None:
    """Have the next stream to the server go to one of its devices: its library takes that from the environment."""
    variable = "PULSE_SOURCE" if direction == "input" else "PULSE_SINK"
    if os.environ.get(variable) != name:
        os.environ[variable] = name
