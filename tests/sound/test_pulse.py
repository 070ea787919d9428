"""The whole way through a real PulseAudio: a flash in the picture, a click in the room, both in the call."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from tools import measure_sound, pulse_server

pytestmark = pytest.mark.skipif(bool(pulse_server.missing()), reason=pulse_server.missing() or "all is there")

LISTENER = """
import logging, sys, time
from realtime.control.channel import ControlChannel
from realtime.sound import streams
from realtime.sound.front_end import Sound
from realtime.sound.spec import SoundSpec

class Lines(logging.Handler):
    def emit(self, record):
        print(record.getMessage(), flush=True)

RATES = {"input": [44_100.0, 48_000.0], "output": [96_000.0, 44_100.0]}  # of the devices, and when they come back
streams.rate_of = lambda device, direction: RATES[direction][0]
logging.getLogger("realtime").addHandler(Lines())
sound = Sound(ControlChannel(), SoundSpec.parse("room_in>call_out"))
sound.picture_age_s = lambda: 0.12
sound.start()
was = False
while True:
    sound.look_after()
    keeper = sound._keeper
    speaker, heard = keeper.speaker, keeper.heard
    reader = speaker.reader if speaker is not None else None
    plays = heard is not None and reader is not None and not reader.is_silent
    if plays and not was:
        print(f"plays {heard.clock.nominal_rate:.0f} {speaker.rate:.0f}", flush=True)
        RATES = {direction: rates[-1:] for direction, rates in RATES.items()}
    was = plays or was and heard is not None
    time.sleep(0.02)
"""


def test_a_click_is_heard_in_the_call_when_its_flash_is_seen(tmp_path: Path) -> None:
    for seconds in (6.5, 30.0):  # a busy machine takes seconds until all three are there
        (folder := tmp_path / str(seconds)).mkdir()
        # A microphone and an output that take other rates than 48 kHz, and two clocks that drift apart.
        measured = measure_sound.measure(folder, seconds, age_ms=180, drift_ppm=200, rates=(44_100, 96_000))
        off_ms = np.array(measured["off_ms"])
        if len(off_ms) >= 2:
            break
    assert len(off_ms) >= 2
    assert abs(float(np.median(off_ms))) < 60, "machines are loaded; tools.measure_sound measures properly"


def test_devices_that_go_away_are_said_once_and_come_back_at_another_rate(tmp_path: Path) -> None:
    with pulse_server.PulseServer(tmp_path, {"room": 48_000, "call": 48_000}) as server:
        listener = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(LISTENER)],
            cwd=Path(__file__).parents[2],
            env=server.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert listener.stdout is not None
        overdue = threading.Timer(60, listener.kill)  # a line that never comes must not be waited for
        overdue.start()
        try:
            assert listener.stdout.readline() == "plays 44100 96000\n"
            server.stop()
            gone = {listener.stdout.readline(), listener.stdout.readline()}
            assert gone == {
                f"the {name} gives no more sound; it is looked for, the picture goes on\n"
                for name in ("microphone room_in", "sound output call_out")
            }
            server.start()
            back = [listener.stdout.readline() for _ in range(3)]
            assert {*back[:2]} == {"the microphone room_in is back\n", "the sound output call_out is back\n"}
            assert back[2] == "plays 48000 44100\n"
        finally:
            overdue.cancel()
            listener.kill()
            listener.communicate(timeout=10)
