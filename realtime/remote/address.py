"""Where to listen: `[HOST:]PORT` as people write it."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from realtime.core.errors import OptionError
from realtime.core.language import N_, _
from realtime.core.text_limits import abbreviated, whole_number

LOOPBACK = "127.0.0.1"
_MOST_PORT = 65535
_LONGEST_NAME = 253
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_WRITTEN = N_("write it as PORT or HOST:PORT, for example 8080, 192.168.0.5:8080 or [::1]:8080")


class Address(NamedTuple):
    """A host, by number or name, and a port; port 0: any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read `8080`, `192.168.0.5:8080`, `[::1]:8080` or `wall.local:8080`; without a host it is this machine alone.

    `localhost` becomes 127.0.0.1, whatever the system's files say of it. Raises OptionError.
    """
    host, port_text = _split(text.strip())
    port = whole_number(port_text, _MOST_PORT)
    if port is None:
        raise OptionError(
            _(
                "'{text}' has no port from 0 to {most_port}: {written}",
                text=abbreviated(text),
                most_port=_MOST_PORT,
                written=_(_WRITTEN),
            )
        )
    if host.lower() in ("", "localhost"):
        return Address(LOOPBACK, port)
    if not (_is_number(host) or (len(host) <= _LONGEST_NAME and _NAME.fullmatch(host))):
        raise OptionError(_("'{host}' is no host: {written}", host=abbreviated(host), written=_(_WRITTEN)))
    return Address(host, port)


def is_loopback(address: Address) -> bool:
    """Whether only this machine can reach it. Of names only `localhost` does: what another means can change."""
    if address.host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\[\]]*)\]:(\d*)", text)
    if bracketed:
        host = bracketed[1]
        if ":" not in host or not _is_number(host):
            raise OptionError(_("'{host}' is no IPv6 address: {written}", host=abbreviated(host), written=_(_WRITTEN)))
        return host, bracketed[2]
    host, colon, port = text.rpartition(":")
    if ":" in host:
        raise OptionError(
            _("'{text}': an IPv6 address goes into brackets: {written}", text=abbreviated(text), written=_(_WRITTEN))
        )
    if colon and not host:
        raise OptionError(_("'{text}' names no host: {written}", text=abbreviated(text), written=_(_WRITTEN)))
    return host, port


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
