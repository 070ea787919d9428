"""Who may ask: token, cookie, names of the machine, pages of others."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.control.channel import ControlChannel
from realtime.core.errors import OptionError
from realtime.remote.address import Address
from realtime.remote.http.control import HttpControl
from realtime.remote.http.token import read_or_make_token
from tests.remote.conftest import Client

EVERYWHERE = "0.0.0.0"  # noqa: S104 - for a moment, and only with the token


@pytest.fixture
def guarded(serve: Callable[..., Client]) -> Client:
    return serve(host=EVERYWHERE)


@pytest.fixture
def token(guarded: Client, tmp_path: Path) -> str:
    return (tmp_path / "t" / "token").read_text().strip()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/status.json"), ("GET", "/picture.jpg"), ("GET", "/events"), ("GET", "/page.js"), ("GET", "/metrics"),
     ("GET", "/openapi.json"), ("GET", "/nothing"), ("POST", "/commands/pause"), ("POST", "/parameters/style.count")],
)  # fmt: skip
def test_without_the_token_nothing_is_answered(
    guarded: Client, channel: ControlChannel, token: str, method: str, path: str
) -> None:
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    for headers in ({}, bearer(""), bearer(wrong), bearer("ü" * 43), {"Cookie": f"realtime_token={wrong}"}):
        sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        status, told, answered = guarded.ask(method, path, headers=sent)
        assert (status, list(told)) == (401, ["error"])
        assert answered["WWW-Authenticate"].startswith("Bearer")
    assert channel.next_command() is None


def test_with_the_token_it_is(guarded: Client, channel: ControlChannel, token: str) -> None:
    assert guarded.ask("GET", "/status.json", headers=bearer(token))[0] == 200
    assert guarded.ask("POST", "/commands/pause", headers=bearer(token))[0] == 202
    assert channel.next_command() is not None


def test_programs_that_know_passwords_only_send_it_as_one(guarded: Client, token: str) -> None:
    for words, status in ((f"any:{token}", 200), (f":{token}", 200), (token, 401), ("any:", 401), (f"{token}:", 401)):
        sent = {"Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}
        assert guarded.ask("GET", "/status.json", headers=sent)[0] == status
    for broken in ("Basic", "Basic !", "Basic /w==", f"Digest {token}"):
        assert guarded.ask("GET", "/status.json", headers={"Authorization": broken})[0] == 401


def test_a_browser_gets_the_token_as_a_cookie(guarded: Client, token: str) -> None:
    status, body, _ = guarded.ask("GET", "/")
    assert status == 401
    assert b"<form" in body
    assert guarded.ask("GET", "/?token=wrong")[0] == 401
    status, _, headers = guarded.ask("GET", f"/?token={token}")
    assert (status, headers["Location"]) == (303, "/")
    cookie, *how = headers["Set-Cookie"].split("; ")
    assert cookie == f"realtime_token={token}"
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(how)
    assert guarded.ask("GET", "/", headers={"Cookie": f"a=b; {cookie}"})[0] == 200
    assert guarded.ask("GET", f"/?token={token}", headers={"Cookie": cookie})[0] == 303, "no token stays in the address"
    assert (
        guarded.ask("POST", "/commands/pause", headers={"Cookie": cookie, "Origin": f"http://{EVERYWHERE}"})[0] == 403
    )


def test_a_link_from_another_page_leads_in_too(guarded: Client, token: str) -> None:
    """A browser withholds a strict cookie from a redirect that another page began."""
    opened = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    status, _, headers = guarded.ask("GET", f"/?token={token}", headers=opened)
    assert (status, headers["Refresh"]) == (200, "0; url=/")
    assert "Set-Cookie" in headers


def test_looks_and_icon_are_for_everybody(guarded: Client) -> None:
    assert guarded.ask("GET", "/page.css")[0] == 200
    assert guarded.ask("GET", "/icon.svg")[0] == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:9", "LOCALHOST", "[::1]:80", "192.168.0.7:8080"])
def test_names_that_the_machine_has(client: Client, host: str) -> None:
    assert client.ask("GET", "/status.json", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b", "[::1", "@"]
)
def test_names_that_it_has_not(client: Client, channel: ControlChannel, host: str) -> None:
    assert client.ask("GET", "/status.json", headers={"Host": host})[0] == 421
    assert client.ask("POST", "/commands/pause", headers={"Host": host})[0] == 421
    assert channel.next_command() is None


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"},
     {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "x"}],
)  # fmt: skip
def test_pages_of_others_ask_for_nothing(client: Client, channel: ControlChannel, headers: dict[str, str]) -> None:
    status, told, _ = client.ask("POST", "/commands/pause", headers=headers)
    assert (status, told["error"]) == (403, "pages of others may not ask this")
    assert client.ask("POST", "/parameters/style.count", 5, headers)[0] == 403
    assert channel.next_command() is None
    assert channel.parameters.get("style.count") == 3


def test_our_own_page_does(client: Client, channel: ControlChannel) -> None:
    own = {"Origin": f"http://{client.address}", "Sec-Fetch-Site": "same-origin"}
    assert client.ask("POST", "/commands/pause", headers=own)[0] == 202


def test_pages_of_others_show_no_picture_of_ours(client: Client) -> None:
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert client.ask("GET", "/picture.jpg", headers=embedded)[0] == 403
    framed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}
    assert client.ask("GET", "/", headers=framed)[0] == 403
    assert client.ask("GET", "/picture.jpg")[2]["Cross-Origin-Resource-Policy"] == "same-origin"


def test_the_token_is_made_once_and_for_the_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "remote-token"
    token = read_or_make_token(path)
    assert len(token) == 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_or_make_token(path) == token
    assert [other.name for other in path.parent.iterdir()] == [path.name]
    assert read_or_make_token(tmp_path / "other") != token


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 43, b"x" * 5000, b"a b" * 20])
def test_a_file_that_holds_no_token_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "remote-token"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(OptionError, match="delete it, and another is made"):
        read_or_make_token(path)


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_a_token_that_others_can_read_is_none(tmp_path: Path) -> None:
    path = tmp_path / "remote-token"
    read_or_make_token(path)
    path.chmod(0o644)
    with pytest.raises(OptionError, match="others may read"):
        read_or_make_token(path)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="leave out the host"):
        read_or_make_token(tmp_path)


def test_a_port_that_is_taken_is_told(client: Client, channel: ControlChannel) -> None:
    with pytest.raises(OptionError, match="choose another one, for example") as caught:
        HttpControl(channel, client.address)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("address", "line"),
    [(Address("192.0.2.1", 0), "no address of this machine"), (Address("no-such-host.invalid", 0), "not known here")],
)
def test_an_address_that_cannot_be_had_is_told(
    channel: ControlChannel, tmp_path: Path, address: Address, line: str
) -> None:
    with pytest.raises(OptionError, match=line):
        HttpControl(channel, address, token_path=tmp_path / "token")


def test_of_all_addresses_one_is_told(channel: ControlChannel, tmp_path: Path) -> None:
    control = HttpControl(channel, Address(EVERYWHERE, 0), token_path=tmp_path / "token")
    assert EVERYWHERE not in control.url
    assert control.url.endswith(f":{control.address.port}/")
    control.close()


def test_on_this_machine_alone_no_token_is_made(channel: ControlChannel, tmp_path: Path) -> None:
    control = HttpControl(channel, Address("127.0.0.1", 0), token_path=tmp_path / "token")
    assert control.url == f"http://{control.address}/"
    control.close()
    assert not (tmp_path / "token").exists()
