"""What `--remote` costs the picture, and how soon a value is in it: `python -m tools.measure_remote`.

One run of the demo viewer at 30 frames a second, 1280x720, without a screen. What is compared takes turns within it,
some seconds each, so that a machine that speeds up or slows down hits all alike:

off       nothing listens
listening the server is there, and nobody asks
watched   somebody has the page open: its events, and five pictures a second
flood     as many requests as eight connections of another process bring
elsewhere the same flood goes to a server in a third process: what the flood itself takes of this machine
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import http.client
import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from realtime.control.channel import ControlChannel
from realtime.control.commands import Quit
from realtime.control.front_end import FrontEnd
from realtime.control.parameters import Parameters
from realtime.core.registry import RegistryEntry
from realtime.core.settings import setting
from realtime.core.stats import RunStats
from realtime.effects import EFFECTS, Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.http.control import HttpControl
from realtime.session import assembly
from realtime.session.options import Options

_SETTLE_S = 0.3
_CONNECTIONS = 8
_HEAD = b" HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Level(Effect):
    """The camera's picture with one corner of a grey level, which tells what value a picture was made of."""

    @dataclasses.dataclass(frozen=True)
    class Settings:
        level: int = dataclasses.field(default=0, metadata=setting("grey level", least=0, most=255, live=True))

    def __init__(self, settings: Settings) -> None:
        self.parameters = Parameters(settings)

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Level:  # noqa: ARG003
        return cls(settings)

    def make(self, scene: Scene) -> Frame:
        pixels = scene.frame.pixels.copy()
        pixels[:8, :8] = self.parameters.values.level
        return scene.frame.with_pixels(pixels)


class Measured:
    """What each frame took, by what took its turn then."""

    def __init__(self, stats: RunStats) -> None:
        self.turn = ""
        self.own_ms: dict[str, list[float]] = collections.defaultdict(list)
        self.age_ms: dict[str, list[float]] = collections.defaultdict(list)
        self.cpu_ms: dict[str, list[float]] = collections.defaultdict(list)
        self._listen(stats.own, self.own_ms)
        self._listen(stats.outputs[0].age, self.age_ms)

    def _listen(self, durations: Any, kept: dict[str, list[float]]) -> None:
        add = durations.add

        def add_and_keep(seconds: float) -> None:
            add(seconds)
            if self.turn:
                kept[self.turn].append(1e3 * seconds)

        durations.add = add_and_keep

    @contextlib.contextmanager
    def taking(self, turn: str) -> Iterator[None]:
        """Put what happens in the block down to a turn."""
        time.sleep(_SETTLE_S)
        frames, cpu_s = len(self.age_ms[turn]), time.process_time()
        self.turn = turn
        yield
        self.turn = ""
        frames = len(self.age_ms[turn]) - frames
        if frames:
            self.cpu_ms[turn].append(1e3 * (time.process_time() - cpu_s) / frames)

    def row(self, turn: str) -> str:
        """Return a line of the table."""
        own = np.percentile(self.own_ms[turn], [50, 95])
        age = np.percentile(self.age_ms[turn], [50, 95, 99])
        cpu = statistics.median(self.cpu_ms[turn])
        return f"| {turn} | {own[0]:.3f} / {own[1]:.3f} | {cpu:.2f} | {age[0]:.1f} / {age[1]:.1f} / {age[2]:.1f} |"


class Turns(FrontEnd):
    """Takes the turns beside the run, and ends it."""

    def __init__(self, channel: ControlChannel, work: Callable[[ControlChannel], None]) -> None:
        self._thread = threading.Thread(target=self._work, args=(channel, work), daemon=True)
        self.error: BaseException | None = None

    def _work(self, channel: ControlChannel, work: Callable[[ControlChannel], None]) -> None:
        try:
            work(channel)
        except BaseException as error:
            self.error = error
            raise
        finally:
            channel.send(Quit())

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Nothing to finish."""


def main() -> int:
    """Take the turns, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=6, help="how often each takes its turn (6)")
    parser.add_argument("--turn-seconds", type=float, default=3.0, help="how long a turn is (3)")
    parser.add_argument("--sets", type=int, default=200, help="how many values are set over HTTP (200)")
    parser.add_argument("--flood", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood:
        return flood(arguments.flood)
    if arguments.serve:
        return serve_alone()
    EFFECTS["level"] = RegistryEntry("tools.measure_remote", "Level", "for measuring")
    stats = RunStats()
    options = Options(source="demo", effect=("level",), output=("none",), no_label=True)
    late: list[int] = []

    def work(channel: ControlChannel) -> None:
        measured = Measured(stats)
        while stats.processed < 30:
            time.sleep(0.1)
        for _ in range(arguments.rounds):
            take_turns(channel, measured, arguments.turn_seconds)
        late.extend(set_values(channel, stats, arguments.sets))
        print("| turn | own ms a frame, p50 / p95 | processor ms a frame | age ms, p50 / p95 / p99 |")
        print("| --- | --- | --- | --- |")
        for turn in ("off", "listening", "watched", "elsewhere", "flood"):
            print(measured.row(turn))

    live = assembly.build(options, lambda what, share: None, stats, beside=[lambda channel: Turns(channel, work)])
    live.go()
    counts = collections.Counter(late)
    print(f"set over HTTP, in the picture after so many pictures: {dict(sorted(counts.items()))}")
    return 0


def take_turns(channel: ControlChannel, measured: Measured, seconds: float) -> None:
    """Let each have its turn once."""
    with measured.taking("off"):
        time.sleep(seconds)
    control = HttpControl(channel, Address(LOOPBACK, 0))
    control.start()
    try:
        with measured.taking("listening"):
            time.sleep(seconds)
        ended = threading.Event()
        watcher = threading.Thread(target=watch, args=(control.address, ended), daemon=True)
        watcher.start()
        with measured.taking("watched"):
            time.sleep(seconds)
        ended.set()
        watcher.join()
        with subprocess.Popen(
            [sys.executable, "-m", "tools.measure_remote", "--serve"], stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            elsewhere = int(other.stdout.readline())
            for turn, port in (("elsewhere", elsewhere), ("flood", control.address.port)):
                flooder = subprocess.Popen([sys.executable, "-m", "tools.measure_remote", "--flood", str(port)])
                time.sleep(2.0)  # its imports
                with measured.taking(turn):
                    time.sleep(seconds)
                flooder.kill()
                flooder.wait()
            other.kill()
    finally:
        control.close()


def watch(address: Address, ended: threading.Event) -> None:
    """Be a page: its events, and its pictures."""
    with socket.create_connection(address) as events:
        events.sendall(b"GET /events" + _HEAD)
        connection = http.client.HTTPConnection(*address)
        while not ended.wait(0.2):
            connection.request("GET", "/picture.jpg")
            connection.getresponse().read()
        connection.close()


def flood(port: int) -> int:
    """Ask as fast as that goes, for ever."""

    def ask_on() -> None:
        while True:
            with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), timeout=2.0) as connection:
                for _ in range(1000):
                    connection.sendall((b"GET /status.json" + _HEAD) * 20)
                    if not connection.recv(1 << 16):
                        break

    for _ in range(_CONNECTIONS):
        threading.Thread(target=ask_on, daemon=True).start()
    threading.Event().wait()
    return 0


def serve_alone() -> int:
    """Be a server without a run."""
    control = HttpControl(ControlChannel(), Address(LOOPBACK, 0))
    control.start()
    print(control.address.port, flush=True)
    threading.Event().wait()
    return 0


def set_values(channel: ControlChannel, stats: RunStats, count: int) -> list[int]:
    """Set a value over HTTP again and again; return how many pictures later each was in the picture. The first picture
    after the answer is number 1.
    """
    control = HttpControl(channel, Address(LOOPBACK, 0))
    control.start()
    connection = http.client.HTTPConnection(*control.address)
    late = []
    for number in range(count):
        level = 1 + number % 250
        time.sleep(0.011 * (number % 7) + 0.05)  # at every moment of a frame, and below the limit of requests
        connection.request(
            "POST", "/parameters/level.level", json.dumps({"value": level}), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        made = stats.processed
        while (frame := channel.newest_picture()) is None or int(frame.pixels[4, 4, 0]) != level:
            time.sleep(0.0005)
        late.append(max(0, stats.processed - made))
    connection.close()
    control.close()
    return late


if __name__ == "__main__":
    sys.exit(main())
