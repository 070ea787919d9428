"""The server beside a real run: what is set is in the next picture, and the command line starts it."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import threading

from realtime.control.channel import ControlChannel
from realtime.pipeline.processing import Limits
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.http.control import HttpControl
from tests.doubles import DrawnCamera, KeepingOutput
from tests.remote.conftest import Client, until
from tests.test_live_control import Grey
from tests.test_loop import make_loop


def test_what_is_set_is_in_the_picture_two_frames_later_at_most() -> None:
    channel, output = ControlChannel(), KeepingOutput()
    made = make_loop(
        DrawnCamera(live=True, fps=60),
        [output],
        [Grey(Grey.Settings())],
        every_frame=False,
        controls=channel,
        limits=Limits(None, 60),
    )
    control = HttpControl(channel, Address(LOOPBACK, 0))
    channel.newest_picture = lambda: made.loop.newest
    control.start()
    client = Client(control.address)
    late: list[int] = []
    failed: list[BaseException] = []

    def is_shown(level: int) -> bool:
        return int(output.frames[-1].pixels[0, 0, 0]) == level

    def turn() -> None:
        try:
            until(lambda: len(output.frames) > 5)
            for level in range(20, 220, 20):
                assert client.ask("POST", "/parameters/Grey.level", level)[1]["value"] == level
                made_by_then = len(output.frames)
                until(functools.partial(is_shown, level))
                levels = [int(frame.pixels[0, 0, 0]) for frame in output.frames]
                late.append(levels.index(level) - made_by_then)
            until(lambda: client.ask("GET", "/status.json")[1].get("frames", 0) > 5)
            assert client.ask("POST", "/commands/quit", "quit")[0] == 202
        except BaseException as error:
            failed.append(error)
            made.loop.stop()

    other = threading.Thread(target=turn)
    other.start()
    made.loop.run(made.supervisor.tick)
    other.join()
    control.close()
    assert failed == []
    assert len(late) == 10
    # One picture may be under way in the loop and one to the output; the next is made of the new value.
    assert max(late) <= 2


def test_the_command_line_starts_it_and_a_program_ends_it() -> None:
    words = ["run", "--source", "demo", "--size", "320x180", "--effect", "none", "--output", "none", "--remote", "0"]
    process = subprocess.Popen([sys.executable, "-m", "realtime", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    with process.stderr as lines:
        line = next(line for line in lines if "remote control" in line)
        found = re.fullmatch(
            r"realtime: remote control: http://127\.0\.0\.1:(\d+)/, on this machine only", line.strip()
        )
        assert found
        client = Client(Address(LOOPBACK, int(found[1])))
        until(lambda: client.ask("GET", "/picture.jpg")[0] == 200)
        paths = {one["path"] for one in client.ask("GET", "/parameters.json")[1]["parameters"]}
        assert "label.size" in paths
        assert "none" in until(lambda: client.ask("GET", "/effects.json")[1]["effects"])
        client.ask("POST", "/commands/quit", "quit")
        assert process.wait(timeout=30) == 0


def test_a_port_that_is_taken_ends_it_in_one_line(client: Client) -> None:
    words = ["run", "--source", "demo", "--effect", "none", "--output", "none", "--remote", str(client.address.port)]
    done = subprocess.run(
        [sys.executable, "-m", "realtime", *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(r"realtime: --remote 127\.0\.0\.1:\d+: another program has this port; choose .*\n", done.stderr)
