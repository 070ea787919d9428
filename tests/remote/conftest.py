"""A real server on a free port, before a run that is none: its channel is there, and nobody obeys."""

from __future__ import annotations

import dataclasses
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from realtime.control.channel import ControlChannel, ProgrammeStatus, Status
from realtime.control.parameters import Parameters
from realtime.core.settings import setting
from realtime.imaging.frame import Frame
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.http.control import HttpControl
from realtime.remote.http.limits import Limits


@dataclasses.dataclass(frozen=True)
class Settings:
    """One parameter of each kind."""

    strength: float = dataclasses.field(
        default=1.0, metadata=setting("how much", least=0, most=1, step=0.1, unit="%", live=True)
    )
    count: int = dataclasses.field(default=3, metadata=setting("how many", least=1, most=9, step=1, live=True))
    seconds: float = dataclasses.field(default=2.5, metadata=setting("how long", least=0, unit="s", live=True))
    steady: bool = dataclasses.field(default=True, metadata=setting("without flicker", live=True))
    corner: Literal["left", "right"] = dataclasses.field(default="left", metadata=setting("where", live=True))
    words: str = dataclasses.field(default="hello", metadata=setting("what is written", live=True))
    seed: int | None = dataclasses.field(default=None, metadata=setting("of chance", live=True))
    file: Path | None = dataclasses.field(default=None, metadata=setting("a file"))


STATUS = Status(
    effect="style:night", source="demo", provider="CPU", fps=29.97, age_ms=12.5, stage_ms=(("read", 3.0),),
    dropped=(("before", 2), ('a "window"', 1)), frames=1234, restarts=(("camera", 4),), faces=2,
    viewers_by_hour=(("2026-05-01T17:00+02:00", 3), ("2026-05-01T18:00+02:00", 41)),
    programme=ProgrammeStatus(("Night", "Lisa"), "Night", "Lisa", "18:30"), titles=("Night",),
)  # fmt: skip


def frame(level: int = 90, width: int = 1280, height: int = 720) -> Frame:
    return Frame(np.full((height, width, 3), level, np.uint8), time.monotonic(), 0.0, 0)


@pytest.fixture
def channel() -> ControlChannel:
    channel = ControlChannel()
    channel.parameters.hold("style", Parameters(Settings()))
    channel.status = STATUS
    shown = frame()
    channel.newest_picture = lambda: shown
    return channel


@dataclasses.dataclass
class Client:
    """Asks a server over a connection for each request."""

    address: Address
    headers: dict[str, str] = dataclasses.field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, http.client.HTTPMessage]:
        """Return status, content (JSON read) and headers."""
        sent = {**self.headers, **(headers or {})}
        data = body if body is None or isinstance(body, bytes) else json.dumps({"value": body}).encode()
        if data is not None and "Content-Type" not in sent:
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            content = answer.read()
            is_json = answer.headers.get_content_type() == "application/json" and content
            return answer.status, json.loads(content) if is_json else content, answer.headers
        finally:
            connection.close()

    def raw(self, data: bytes, *, ends: bool = False) -> bytes:
        """Send bytes, and return everything that comes until the server closes."""
        with socket.create_connection(self.address, timeout=10) as connection:
            connection.sendall(data)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            return everything(connection)

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=10)


def everything(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def until(what: Callable[[], Any], within_s: float = 20.0) -> Any:
    """Wait until something is true, and return it."""
    end_s = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < end_s, "it did not happen"
        time.sleep(0.005)
    return found


@pytest.fixture
def serve(channel: ControlChannel, tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Start servers; what they leave behind is looked at in the end."""
    threads_before = set(threading.enumerate())
    controls = []

    def start(*, limits: Limits | None = None, host: str = LOOPBACK, **more: Any) -> Client:
        control = HttpControl(channel, Address(host, 0), limits=limits, token_path=tmp_path / "t" / "token", **more)
        controls.append(control)
        control.start()
        return Client(Address(LOOPBACK, control.address.port))

    yield start
    for control in controls:
        control.close()
    until(lambda: set(threading.enumerate()) <= threads_before, 5.0)


@pytest.fixture
def client(serve: Callable[..., Client]) -> Client:
    return serve()
