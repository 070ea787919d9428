"""A real browser without a window, driven over its DevTools protocol: enough to open a page, press and read it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def found() -> str | None:
    """The browser on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class LeftPageError(AssertionError):
    """The page was left for another meanwhile."""


class Page:
    """One page. Used by one thread."""

    def __init__(self, url: str) -> None:
        """`url`: of its WebSocket (RFC 6455)."""
        host, _, path = url.removeprefix("ws://").partition("/")
        name, _, port = host.partition(":")
        self._socket = socket.create_connection((name, int(port)), timeout=30)
        self._count = 0
        self.errors: list[str] = []
        """What the page's script threw, and what its console complains of."""
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while not self._exactly(1).endswith(b"\r") or self._exactly(3) != b"\n\r\n":
            pass
        for domain in ("Runtime", "Log", "Page", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Return a method's result. Raises AssertionError where the browser refuses."""
        self._count += 1
        data = json.dumps({"id": self._count, "method": method, "params": parameters}).encode()
        length = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        mask = os.urandom(4)
        self._socket.sendall(b"\x81" + length + mask + bytes(c ^ mask[n % 4] for n, c in enumerate(data)))
        while True:
            message = self._message()
            if message.get("id") == self._count:
                if message.get("error", {}).get("message", "").startswith("Inspected target navigated"):
                    raise LeftPageError
                assert "error" not in message, message
                return message["result"]
            if message.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"]))
            if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.errors.append(message["params"]["entry"]["text"])

    def run(self, script: str) -> Any:
        """Return what an expression is; a promise is waited for. None where the page is left for another meanwhile."""
        try:
            done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        except LeftPageError:
            return None
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def press(self, selector: str) -> None:
        """Click in the middle of an element, as a finger does."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def key(self, name: str, code: int) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code)

    def close(self) -> None:
        self._socket.close()

    def _message(self) -> Any:
        parts = []
        while True:
            first, length = self._exactly(2)
            if length == 126:
                (length,) = struct.unpack(">H", self._exactly(2))
            elif length == 127:
                (length,) = struct.unpack(">Q", self._exactly(8))
            parts.append(self._exactly(length))
            if first & 0x80:
                return json.loads(b"".join(parts))

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            assert part, "the browser has ended"
            data += part
        return data


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Page]:
    """A page in a browser that keeps everything in a folder, and ends with the block."""
    program = found()
    assert program is not None
    words = [
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--remote-debugging-port=0",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        words.append("--no-sandbox")  # root's browser has none
    process = subprocess.Popen(
        [program, *words, f"--user-data-dir={folder}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HOME": str(folder)},
    )
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "DevTools listening on ws://" in line)
        host = line.split("ws://")[1].split("/")[0]
        with urllib.request.urlopen(f"http://{host}/json", timeout=30) as answer:
            targets = json.load(answer)
        page = Page(next(each["webSocketDebuggerUrl"] for each in targets if each["type"] == "page"))
        try:
            yield page
        finally:
            page.close()
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stderr is not None:
            process.stderr.close()
