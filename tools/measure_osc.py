"""What OSC costs a run: `python -m tools.measure_osc --effect style:night`.

One run of the demo, in which windows of a few seconds take turns: without OSC, with OSC and nobody sending, and with so
many packets a second from a process of its own. So a machine that slows down slows all three alike.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
import socket
import subprocess
import sys
import threading
import time

import numpy as np

from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.stats import Durations, RunStats
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.osc.control import OscControl
from realtime.session.assembly import build
from realtime.session.options import Options

WINDOWS = ("off", "idle", "flood")
_SETTLE_S = 3.0
"""Before the first window: networks warm up."""


class Turns(FrontEnd):
    """Opens and closes OSC by turns, and keeps the ages of pictures by what was on."""

    def __init__(self, channel: ControlChannel, *, rounds: int, window_s: float, rate: int, path: str) -> None:
        self.now = ""
        self.sent = 0
        self._channel, self._rounds, self._window_s, self._rate, self._path = channel, rounds, window_s, rate, path
        self._thread = threading.Thread(target=self._turn, daemon=True)

    def start(self) -> None:
        """Begin the turns."""
        self._thread.start()

    def close(self) -> None:
        """Nothing is left to end: the turns end before the run does."""

    def _turn(self) -> None:
        time.sleep(_SETTLE_S)
        chance = random.Random(1)  # noqa: S311 - an order: in the same one each round, whatever drifts would count
        for _ in range(self._rounds):
            for name in chance.sample(WINDOWS, len(WINDOWS)):
                self._window(name)

    def _window(self, name: str) -> None:
        control = None
        if name != "off":
            control = OscControl(self._channel, Address(LOOPBACK, 0))
            control.start()
        flood = None
        if control is not None and name == "flood":
            words = ["--flood", str(control.port), str(self._window_s), str(self._rate), self._path]
            flood = subprocess.Popen([sys.executable, "-m", "tools.measure_osc", *words], stdout=subprocess.PIPE)
            assert flood.stdout is not None
            flood.stdout.readline()  # it begins
        self.now = name
        time.sleep(self._window_s)
        self.now = ""
        if flood is not None:
            self.sent += int(flood.communicate()[0])
        if control is not None:
            control.close()


class ByWindow(Durations):
    """Keeps each duration by what was on then."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, list[float]] = collections.defaultdict(list)
        self.turns: Turns | None = None

    def add(self, seconds: float) -> None:
        """Keep it."""
        super().add(seconds)
        if self.turns is not None and self.turns.now:
            self.kept[self.turns.now].append(1000 * seconds)


def flood(port: int, seconds: float, rate: int, path: str) -> None:
    """Send a fader's moves at a rate, in bunches of 10 ms, and print how many."""
    address = f"/realtime/{path.replace('.', '/')}".encode()
    head = address + bytes(4 - len(address) % 4) + b",f\0\0"
    values = [head + np.array(number / 100, ">f4").tobytes() for number in range(100)]
    print("begins", flush=True)
    sent, began_s = 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while (passed_s := time.monotonic() - began_s) < seconds:
            while sent < passed_s * rate:
                sender.sendto(values[sent % 100], (LOOPBACK, port))
                sent += 1
            time.sleep(0.01)
    print(sent, flush=True)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--effect", default="style:night", help="what is shown (style:night)")
    parser.add_argument("--path", default="style.strength", help="what the packets set (style.strength)")
    parser.add_argument("--rate", type=int, default=5000, help="packets a second (5000)")
    parser.add_argument("--rounds", type=int, default=4, help="windows of each kind (4)")
    parser.add_argument("--window", type=float, default=5.0, help="seconds of each (5)")
    parser.add_argument("--flood", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.flood:
        port, seconds, rate, path = arguments.flood
        flood(int(port), float(seconds), int(rate), path)
        return
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    stats = RunStats()
    made: list[Turns] = []

    def make(channel: ControlChannel) -> FrontEnd:
        made.append(
            Turns(channel, rounds=arguments.rounds, window_s=arguments.window, rate=arguments.rate,
                  path=arguments.path)
        )  # fmt: skip
        return made[0]

    seconds = _SETTLE_S + arguments.rounds * len(WINDOWS) * (arguments.window + 2)
    options = Options(source="demo", effect=(arguments.effect,), output=("none",), seconds=seconds)
    run = build(options, lambda what, share: None, stats, beside=[make])
    ages, own_time = ByWindow(), ByWindow()
    for kept in (ages, own_time):
        kept.turns = made[0]
    stats.outputs[0].age = ages
    stats.own = own_time
    run.go()
    print(f"{arguments.effect}, {made[0].sent / arguments.rounds / arguments.window:.0f} packets a second\n")
    print("| OSC | frames | age p50 | age p99 | own time p50 |\n|---|---|---|---|---|")
    for name in WINDOWS:
        age, own = np.array(ages.kept[name]), np.array(own_time.kept[name])
        p50, p99 = np.percentile(age, [50, 99])
        print(f"| {name} | {len(age)} | {p50:.2f} ms | {p99:.2f} ms | {np.median(own):.2f} ms |")


if __name__ == "__main__":
    main()
