"""Bytes into the HTTP server: what a file holds is sent over one connection, and what comes back is looked at.

`python -m tools.fuzzing.http_exchange FILE` ends with an error where the server fails, does not answer as HTTP, is not
there for the next client, leaves a thread behind or takes more than 100 MB.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import resource
import socket
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from realtime.control.channel import ControlChannel
from realtime.disclosure.label import Label, LabelStyle
from realtime.imaging.frame import Frame
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.http.control import HttpControl
from tools.fuzzing import Seed, Target

_MOST_MEMORY_KB = 100_000
_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ")


def main(words: Sequence[str] | None = None) -> int:
    """Send one file and return 0. Raises AssertionError."""
    (file,) = sys.argv[1:] if words is None else words
    threads = threading.active_count()
    channel = ControlChannel()
    channel.parameters.hold("label", Label(LabelStyle()).parameters)
    frame = Frame(np.zeros((90, 160, 3), np.uint8), 0.0, 0.0, 0)
    channel.newest_picture = lambda: frame
    control = HttpControl(channel, Address(LOOPBACK, 0), find_effects=lambda: ["none"])
    control.start()
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        answer = _exchange(control.address, Path(file).read_bytes())
        found = _STATUS_LINE.match(answer)
        assert found or not answer, f"no HTTP: {answer[:40]!r}"
        assert not found or found[1] != b"500", "a fault of ours"
        client = http.client.HTTPConnection(*control.address, timeout=10)
        client.request("GET", "/status.json")
        assert client.getresponse().status in (200, 429), "the next client is not served"
        client.close()
    finally:
        control.close()
    assert threading.active_count() == threads, "a thread is left"
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
    assert grown_kb <= _MOST_MEMORY_KB, f"{grown_kb // 1000} MB"
    return 0


def _exchange(address: Address, data: bytes) -> bytes:
    """Return what the server says to these bytes; one that lets itself be told events is not waited for."""
    parts = []
    with (
        socket.create_connection(address, timeout=2.0) as connection,
        contextlib.suppress(ConnectionError, TimeoutError),
    ):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(1 << 16):
            parts.append(part)
    return b"".join(parts)


_HOST = "Host: localhost\r\n"
_SET = "POST /parameters/label.size HTTP/1.1\r\n" + _HOST + "Content-Type: application/json\r\n"
_REQUESTS = {
    "page": f"GET / HTTP/1.1\r\n{_HOST}\r\n",
    "status": f"GET /status.json HTTP/1.1\r\n{_HOST}Accept: */*\r\n\r\n",
    "picture": f"GET /picture.jpg?at=1 HTTP/1.1\r\n{_HOST}\r\n",
    "events": f"GET /events HTTP/1.1\r\n{_HOST}\r\n",
    "openapi": f"GET /openapi.json HTTP/1.0\r\n{_HOST}\r\n",
    "set": _SET + 'Content-Length: 16\r\n\r\n{"value": 0.125}',
    "text": f"POST /parameters/label.corner HTTP/1.1\r\n{_HOST}Content-Type: text/plain\r\n"
    "Content-Length: 8\r\n\r\ntop-left",
    "command": f"POST /commands/pause HTTP/1.1\r\n{_HOST}Origin: http://localhost\r\n\r\n",
    "cookie": f"GET /?token=a HTTP/1.1\r\n{_HOST}Cookie: realtime_token=b; c=d\r\nAuthorization: Bearer e\r\n\r\n",
    "several": f"GET /metrics HTTP/1.1\r\n{_HOST}\r\n" * 30,
    "deep": _SET + f'Content-Length: 30010\r\n\r\n{{"value": {"[" * 30000}',
    "digits": _SET + f'Content-Length: 9011\r\n\r\n{{"value": {"9" * 9000}}}',
    "long": f"GET /{'a' * 70000} HTTP/1.1\r\n{_HOST}\r\n",
    "many": f"GET / HTTP/1.1\r\n{'A: b' * 4000}\r\n\r\n",
    "large": _SET + f"Content-Length: 70000\r\n\r\n{'x' * 70000}",
    "chunked": _SET + "Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
    "smuggled": _SET + "Content-Length: 5\r\nContent-Length: 60\r\n\r\nGET /",
    "tls": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


def seeds(folder: Path) -> Sequence[Seed]:
    """Write them."""
    for name, text in _REQUESTS.items():
        (folder / f"{name}.http").write_bytes(text.encode("latin-1"))
    return sorted(folder.iterdir())


def command(seed: Seed, out: Path) -> Sequence[str]:  # noqa: ARG001 - nothing is written
    return ["tools.fuzzing.http_exchange", str(seed)]


TARGET = Target(seeds, command, preload=("cv2",))

if __name__ == "__main__":
    sys.exit(main())
