"""Bytes into the OSC port: what a file holds is sent as one packet, beside good ones.

`python -m tools.fuzzing.osc_packets FILE` ends with an error where OSC fails, no longer answers, leaves a thread
behind or takes more than 100 MB.
"""

from __future__ import annotations

import resource
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from realtime.control.channel import ControlChannel
from realtime.disclosure.label import Label, LabelStyle
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.osc.control import OscControl
from realtime.remote.osc.messages import encoded
from realtime.system.console import set_up_logging
from tools.fuzzing import Seed, Target

_MOST_MEMORY_KB = 100_000
_LARGEST_DATAGRAM = 65_507
_ANSWERS_WITHIN_S = 10.0


def main(words: Sequence[str] | None = None) -> int:
    """Send one file and return 0. Raises AssertionError."""
    (file,) = sys.argv[1:] if words is None else words
    set_up_logging(debug=False)
    channel = ControlChannel()
    channel.parameters.hold("label", Label(LabelStyle()).parameters)
    control = OscControl(channel, Address(LOOPBACK, 0))
    control.start()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(Path(file).read_bytes()[:_LARGEST_DATAGRAM], (LOOPBACK, control.port))
            until_s = time.monotonic() + _ANSWERS_WITHIN_S
            for size in (0.1, 0.125):
                while abs(float(str(channel.parameters.get("label.size"))) - size) > 1e-6:
                    assert time.monotonic() < until_s, "it does not answer any more"
                    sender.sendto(encoded("/realtime/label/size", size), (LOOPBACK, control.port))
                    time.sleep(0.01)
    finally:
        control.close()
    assert not [one for one in threading.enumerate() if one.name.startswith("osc")], "a thread is left"
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert grown_kb <= _MOST_MEMORY_KB, f"{grown_kb // 1000} MB"
    return 0


def seeds(folder: Path) -> Sequence[Seed]:
    """Write good and hostile packets."""
    size = encoded("/realtime/label/size", 0.2)
    packets = {
        "number": size,
        "text": encoded("/realtime/label/corner", "top-left"),
        "nil": encoded("/realtime/label/size", None),
        "step": encoded("/realtime/label/size/step", 2),
        "command": encoded("/realtime/pause", True),
        "effect": encoded("/realtime/effect", "none"),
        "refresh": b"/realtime/refresh\0\0\0,\0\0\0",
        "bundle": _bundle(size, encoded("/realtime/label/corner", "bottom-right")),
        "wide": _bundle(*[size] * 1000),
        "deep": _nested(size, 500),
        "arrays": b"/realtime/label/size\0\0\0\0," + b"[" * 900 + b"\0",
        "not-a-number": b"/realtime/label/size\0\0\0\0,f\0\0\x7f\xc0\0\0",
        "infinite": b"/realtime/label/size\0\0\0\0,d\0\0\x7f\xf0\0\0\0\0\0\0",
        "long": b"/" + b"a" * 65_000,
        "negative-size": b"#bundle\0" + bytes(8) + b"\xff\xff\xff\xff" + size,
        "empty": b"",
    }
    for name, data in packets.items():
        (folder / f"{name}.osc").write_bytes(data)
    return sorted(folder.iterdir())


def _bundle(*messages: bytes) -> bytes:
    return b"#bundle\0" + bytes(8) + b"".join(len(one).to_bytes(4, "big") + one for one in messages)


def _nested(message: bytes, deep: int) -> bytes:
    for _ in range(deep):
        message = _bundle(message)
    return message


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["tools.fuzzing.osc_packets", str(seed)]


TARGET = Target(seeds, command, preload=("pythonosc.osc_message", "pythonosc.osc_message_builder"))

if __name__ == "__main__":
    sys.exit(main())
