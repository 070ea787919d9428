"""Where to listen, as people write it."""

from __future__ import annotations

import pytest

from realtime.core.errors import OptionError
from realtime.remote.address import Address, is_loopback, parse_address

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound to it here


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("8080", "127.0.0.1", 8080),
        (" 8080 ", "127.0.0.1", 8080),
        ("localhost:8080", "127.0.0.1", 8080),
        ("192.168.0.5:80", "192.168.0.5", 80),
        ("0.0.0.0:8080", EVERYWHERE, 8080),
        ("[::1]:8080", "::1", 8080),
        ("[fe80::1%eth0]:8080", "fe80::1%eth0", 8080),
        ("wall-2.local:8080", "wall-2.local", 8080),
        ("0", "127.0.0.1", 0),
        ("65535", "127.0.0.1", 65535),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)
    assert parse_address(str(Address(host, port))) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    ["", "wall", "wall:", ":8080", "65536", "-1", "8080.5", "::1", "::1:8080", "[wall]:80", "[127.0.0.1]:80", "[::1]",
     "a b:80", "http://wall:80", "wall/x:80", "99999999999999999999", "9" * 5000, "ä:80",
     "x" * 300 + ":80", "a" * 250 + "!:80", "[" * 3000],
)  # fmt: skip
def test_what_is_none_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(OptionError, match="for example 8080") as caught:
        parse_address(text)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_this_machine_alone(host: str) -> None:
    assert is_loopback(Address(host, 80))


@pytest.mark.parametrize(
    "host", [EVERYWHERE, "::", "192.168.0.5", "wall.local", "127.evil.example", "::ffff:127.0.0.1"]
)
def test_others_too(host: str) -> None:
    assert not is_loopback(Address(host, 80))
