"""The HTTP server beside a run: `--remote [HOST:]PORT`."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

from realtime.control.channel import ControlChannel
from realtime.control.front_end import FrontEnd
from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.remote.address import Address, is_loopback
from realtime.remote.http.access import Access
from realtime.remote.http.limits import Limits
from realtime.remote.http.routes import Answers
from realtime.remote.http.server import Server
from realtime.remote.http.token import read_or_make_token, token_file

log = logging.getLogger(__name__)

_WAITING_CONNECTIONS = 32
_SOMEBODY_ELSE = "192.0.2.1"
"""An address that is nobody's (RFC 5737)."""


class HttpControl(FrontEnd):
    """Answers on one address for as long as the run lasts."""

    def __init__(
        self,
        channel: ControlChannel,
        address: Address,
        find_effects: Callable[[], Sequence[str]] = tuple,
        token_path: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Take the address, so that what is asked before `start` waits. `find_effects` returns every effect that can be
        chosen, as `--effect` writes it. `token_path`: where the token lies; None: in the user's folder.

        Raises OptionError where the address cannot be had, or the token not be read.
        """
        self._token_path = None if is_loopback(address) else token_path or token_file()
        token = read_or_make_token(self._token_path) if self._token_path else None
        self._listener = _listener(address)
        self.address = Address(address.host, self._listener.getsockname()[1])
        """Where it listens, with the port that it got."""
        answers = Answers(channel, Access(token, address.host), find_effects)
        self._server = Server(self._listener, answers.answer, answers.events, limits)
        answers.answered = self._server.answered

    @property
    def url(self) -> str:
        """What people open; of all this machine's addresses the one that its network knows it by."""
        everywhere = self.address.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        return f"http://{self.address._replace(host=_outward_host()) if everywhere else self.address}/"

    def start(self) -> None:
        try:
            self._server.start()
        except RuntimeError as error:
            raise OptionError(
                _("no thread for --remote: {reason}; end other programs, or leave it out", reason=error)
            ) from error
        for_whom = (
            _(", for whoever has the token in {token_path}", token_path=self._token_path)
            if self._token_path
            else _(", on this machine only")
        )
        log.info(_("remote control: %s%s"), self.url, for_whom)

    def close(self) -> None:
        self._server.close()


def _outward_host() -> str:
    """Return the address that this machine would call others from, or its name where it has none. Nothing is sent: a
    datagram socket that is connected only looks up its way.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((_SOMEBODY_ELSE, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()


def _listener(address: Address) -> socket.socket:
    """Return a socket that listens there. Raises OptionError."""
    try:
        family, *_unused, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        dual_stack = address.host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(
            place[:2] if family == socket.AF_INET else place,
            family=family,
            backlog=_WAITING_CONNECTIONS,
            dualstack_ipv6=dual_stack,
        )
    except (OSError, UnicodeError) as error:
        raise OptionError(
            _("--remote {address}: {reason}", address=address, reason=_why_not(address, error))
        ) from error


def _why_not(address: Address, error: Exception) -> str:
    if isinstance(error, socket.gaierror) or not isinstance(error, OSError):
        return _("this host is not known here; give one of this machine's addresses")
    if error.errno == errno.EADDRINUSE:
        other = address.port + 1 if address.port < 65535 else 8080
        return _(
            "another program has this port; choose another one, for example {other}", other=address._replace(port=other)
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return _("this port is not for everybody; choose one from 1024 on")
    if error.errno == errno.EADDRNOTAVAIL:
        return _("this is no address of this machine; 0.0.0.0:{port} is all it has", port=address.port)
    return _("cannot listen there: {reason}; choose another address", reason=error.strerror or error)
