"""Bytes of a MIDI device: what a file holds comes over its wire, beside a knob that is still heard afterwards.

`python -m tools.fuzzing.midi_bytes FILE` ends with an error where MIDI fails, no longer answers, leaves a thread behind
or takes more than 100 MB.
"""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from realtime.control.channel import ControlChannel, Status
from realtime.disclosure.label import Label, LabelStyle
from realtime.remote.midi.control import MidiControl
from realtime.remote.midi.map import parse_binding
from realtime.remote.midi.ports import Receive
from realtime.system.console import set_up_logging
from tools.fuzzing import Seed, Target

_MOST_MEMORY_KB = 100_000
_ANSWERS_WITHIN_S = 10.0
_MOST_BYTES = 40_000
"""What a cable carries in 13 s. More at once takes mido's parser the time, not what is tried here."""
_BINDINGS = (
    "cc 1.20=label.size",
    "cc14 1.3=label.size",
    "pitch 1=label.size 0.3..0.1",
    "note 1.60=blank",
    "note 1.61=effect none",
    "note 1.62=label.corner",
)


class Wire:
    """A device of which only the bytes are known."""

    def __init__(self) -> None:
        self.receive: Receive = lambda message: None

    def input_names(self) -> list[str]:
        return ["fuzz"]

    output_names = input_names

    def open_input(self, name: str, receive: Receive) -> Wire:  # noqa: ARG002 - there is one
        self.receive = receive
        return self

    def open_output(self, name: str) -> Wire:  # noqa: ARG002
        return self

    def send(self, message: Any) -> None:
        """Send a lamp's message back, as loops do."""
        self.receive(message)

    def play(self, data: bytes) -> None:
        """What a driver does with bytes that came."""
        from mido import Parser

        parser = Parser()
        parser.feed(data)
        for message in parser:
            self.receive(message)

    def close(self) -> None:
        """Nothing is held."""


def main(words: Sequence[str] | None = None) -> int:
    """Play one file and return 0. Raises AssertionError."""
    (file,) = sys.argv[1:] if words is None else words
    set_up_logging(debug=False)
    channel, wire = ControlChannel(), Wire()
    channel.parameters.hold("label", Label(LabelStyle()).parameters)
    control = MidiControl(channel, "fuzz", map(parse_binding, _BINDINGS), soft=False, ports=wire)
    control.start()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        wire.play(Path(file).read_bytes()[:_MOST_BYTES])
        until_s = time.monotonic() + _ANSWERS_WITHIN_S
        for blank in (True, False):
            channel.status = Status(blank=blank)
            control.look_after()
        for position, size in ((0, 0.0), (127, 1.0)):
            least, most = _range(channel)
            while abs(float(str(channel.parameters.get("label.size"))) - (least + size * (most - least))) > 1e-6:
                assert time.monotonic() < until_s, "it does not answer any more"
                wire.play(bytes((0xB0, 20, position)))
                time.sleep(0.01)
    finally:
        control.close()
    assert not [one for one in threading.enumerate() if one.name == "midi"], "a thread is left"
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert grown_kb <= _MOST_MEMORY_KB, f"{grown_kb // 1000} MB"
    return 0


def _range(channel: ControlChannel) -> tuple[float, float]:
    (size,) = (one for path, one, _ in channel.parameters.list() if path == "label.size")
    assert size.least is not None
    assert size.most is not None
    return float(size.least), float(size.most)


def seeds(folder: Path) -> Sequence[Seed]:
    """Write good and hostile bytes."""
    streams = {
        "knob": bytes((0xB0, 20, 64)),
        "running": bytes((0xB0, *[20, 1, 20, 2, 20, 3] * 50)),
        "wide": bytes((0xB0, 3, 64, 35, 127)),
        "wheel": bytes((0xE0, 0, 64)),
        "keys": bytes((0x90, 60, 90, 60, 0, 61, 90, 62, 90)),
        "clock": b"\xf8" * 20_000,
        "exclusive": b"\xf0" + bytes(60_000) + b"\xf7",
        "endless": b"\xf0" + b"\x01" * 60_000,
        "cut": bytes((0xB0, 20)),
        "reset": b"\xff\xfe\xfd",
        "empty": b"",
    }
    for name, data in streams.items():
        (folder / f"{name}.mid").write_bytes(data)
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["tools.fuzzing.midi_bytes", str(seed)]


TARGET = Target(seeds, command, preload=("mido",))

if __name__ == "__main__":
    sys.exit(main())
