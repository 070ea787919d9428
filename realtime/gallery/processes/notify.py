"""What systemd is told (sd_notify): READY with the first picture, WATCHDOG while pictures are new, STATUS in a line.

It is a datagram to the socket that `$NOTIFY_SOCKET` names, and nothing where there is none.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

from realtime.core.errors import shown

log = logging.getLogger(__name__)


class ServiceNotifier:
    """Tells the service manager how it goes. Never raises, and never waits."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._is_ready = False
        self._status = ""

    def ready(self) -> None:
        """The first picture is there. Told once."""
        if not self._is_ready:
            self._is_ready = True
            self._send("READY=1")

    def starting(self, within_s: float) -> None:
        """The first picture is on its way: systemd is to wait for another `within_s`. Nothing once it is there."""
        if not self._is_ready:
            self._send(f"EXTEND_TIMEOUT_USEC={round(within_s * 1e6)}")

    def alive(self) -> None:
        """All is well: the watchdog begins to count anew."""
        self._send("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Say in a line what goes on, where that is new."""
        if line != self._status:
            self._status = line
            self._send(f"STATUS={shown(line, 200)}")

    def stopping(self) -> None:
        """It is being ended in order."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address or not hasattr(socket, "AF_UNIX"):
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
                sending.setblocking(False)
                sending.sendto(message.encode(), self._address)
        except OSError as error:
            log.debug("the service manager was not told %s: %s", message, error)


def _address(name: str) -> str:
    """Return the socket's address: `@` stands for the NUL with which abstract names begin. Only such and whole paths
    are addresses.
    """
    if name.startswith("@"):
        return f"\0{name[1:]}"
    return name if name.startswith("/") else ""
