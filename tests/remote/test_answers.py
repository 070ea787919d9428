"""Every route, with the right answer in it."""

from __future__ import annotations

import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import (
    NAMED_COMMANDS,
    ChooseEffect,
    ChooseItem,
    Command,
    KeepFace,
    LearnRest,
    Quit,
    ReopenCamera,
    SaveSnapshot,
    SetBlank,
    SetMirrored,
    SetPaused,
)
from realtime.control.parameters import Parameters
from realtime.imaging.frame import Frame
from realtime.imaging.provenance import SYNTHETIC, Provenance
from realtime.remote.http.picture_feed import PictureFeed
from realtime.remote.http.routes import ROUTES
from tests.remote.conftest import Client, Settings, everything, frame, until


def test_the_status_has_every_field_by_its_name(client: Client, channel: ControlChannel) -> None:
    channel.say("saved a.png")
    status, told, headers = client.ask("GET", "/status.json")
    assert status == 200
    assert told["effect"] == "style:night"
    assert (told["fps"], told["age_ms"], told["frames"], told["faces"]) == (29.97, 12.5, 1234, 2)
    assert told["dropped"] == {"before": 2, 'a "window"': 1}
    assert told["restarts"] == {"camera": 4}
    assert (told["titles"], told["notices"]) == (["Night"], [])
    assert told["viewers_by_hour"]["2026-05-01T18:00+02:00"] == 41
    assert told["programme"] == {
        "items": ["Night", "Lisa"], "current": "Night", "following": "Lisa", "changes_at": "18:30"
    }  # fmt: skip
    assert told["message"] == "saved a.png"
    assert headers["Cache-Control"] == "no-store"


def test_prometheus_is_told_in_base_units(client: Client) -> None:
    status, body, headers = client.ask("GET", "/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = body.decode().splitlines()
    assert "realtime_frames_total 1234" in lines
    assert "# TYPE realtime_frames_total counter" in lines
    assert "realtime_fps 29.97" in lines
    assert "realtime_age_seconds 0.0125" in lines
    assert 'realtime_stage_seconds{stage="read"} 0.003' in lines
    assert 'realtime_restarts_total{stage="camera"} 4' in lines
    assert 'realtime_dropped_total{by="a \\"window\\""} 1' in lines
    assert 'realtime_viewers{hour="2026-05-01T18:00+02:00"} 41' in lines
    _, body, _ = client.ask("GET", "/metrics")
    assert 'realtime_http_answers_total{status="200"} 1' in body.decode().splitlines()
    described = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {line.split("{")[0].split()[0] for line in lines if not line.startswith("#")} == described


def test_parameters_are_described(client: Client) -> None:
    _, told, _ = client.ask("GET", "/parameters.json")
    by_path = {one["path"]: one for one in told["parameters"]}
    assert list(by_path) == [f"style.{name}" for name in Settings.__dataclass_fields__]
    assert by_path["style.strength"] == {
        "path": "style.strength", "owner": "style", "title": "strength", "help": "how much", "kind": "number",
        "value": 1.0, "text": "100%", "default": 1.0, "optional": False, "least": 0, "most": 1, "step": 0.1,
        "unit": "%", "choices": [], "choice_titles": [], "live": True,
    }  # fmt: skip
    assert by_path["style.corner"]["choices"] == ["left", "right"]
    assert client.ask("GET", "/parameters/style.count")[1]["value"] == 3


@pytest.mark.parametrize(
    ("name", "sent", "becomes"),
    [("strength", 0.25, 0.25), ("strength", "0.5", 0.5), ("strength", 7, 1.0), ("strength", -1, 0.0), ("count", 5, 5),
     ("steady", False, False), ("steady", "off", False), ("corner", "right", "right"), ("words", "ü", "ü"),
     ("seed", 9, 9), ("seed", None, None), ("seed", "none", None)],
)  # fmt: skip
def test_a_parameter_is_set(client: Client, channel: ControlChannel, name: str, sent: object, becomes: object) -> None:
    status, told, _ = client.ask("POST", f"/parameters/style.{name}", json.dumps({"value": sent}).encode())
    assert (status, told) == (200, {"path": f"style.{name}", "value": becomes})
    assert channel.parameters.get(f"style.{name}") == becomes


def test_a_parameter_is_set_by_a_plain_text(client: Client, channel: ControlChannel) -> None:
    assert client.ask("POST", "/parameters/style.strength", b" 0.7\n", {"Content-Type": "text/plain"})[0] == 200
    assert channel.parameters.get("style.strength") == 0.7


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "line"),
    [
        ("style.strenth", b'{"value": 1}', "application/json", 404, "did you mean 'strength'?"),
        ("stile.strength", b'{"value": 1}', "application/json", 404, "did you mean 'style'?"),
        ("style.strength", b'{"value": "much"}', "application/json", 422, "takes a number, not 'much'"),
        ("style.corner", b'{"value": "rihgt"}', "application/json", 422, "did you mean 'right'?"),
        ("style.file", b'{"value": "/x"}', "application/json", 422, "cannot change while it runs"),
        ("style.count", b'{"value": NaN}', "application/json", 422, "whole number"),
        ("style.strength", b'{"value": 1e999}', "application/json", 422, "takes a number, not"),
        ("style.strength", b'{"value": [[[]]]}', "application/json", 422, "takes a number, not"),
        ("style.strength", b'{"value": ' + b"[" * 30000, "application/json", 400, "nested too deep"),
        ("style.strength", b'{"value": ' + b"9" * 5000 + b"}", "application/json", 400, "too many digits"),
        ("style.strength", b"{", "application/json", 400, "no JSON"),
        ("style.strength", b"\xff", "application/json", 400, "no JSON"),
        ("style.strength", b"0.5", "application/json", 400, "not {"),
        ("style.strength", b'{"value": 1, "x": 2}', "application/json", 400, "not {"),
        ("style.strength", b"\xff", "text/plain", 400, "no UTF-8"),
        ("style.strength", b"value=1", "application/x-www-form-urlencoded", 415, "application/json nor text/plain"),
        ("style.words", b'{"value": "' + b"x" * 1001 + b'"}', "application/json", 422, "at most 1000 letters"),
        ("style.strength", b"", "application/json", 400, "value is missing"),
    ],
)
def test_what_cannot_be_set_is_refused_in_one_line(
    client: Client, channel: ControlChannel, path: str, body: bytes, kind: str, status: int, line: str
) -> None:
    got, told, _ = client.ask("POST", f"/parameters/{path}", body, {"Content-Type": kind})
    assert (got, list(told)) == (status, ["error"])
    assert line in told["error"]
    assert len(told["error"].splitlines()) == 1
    assert channel.parameters.get("style.strength") == 1.0


@pytest.mark.parametrize(
    ("name", "value", "command"),
    [
        ("pause", None, SetPaused(None)),
        ("pause", True, SetPaused(True)),
        ("blank", "off", SetBlank(False)),
        ("mirror", "yes", SetMirrored(True)),
        ("reopen-camera", None, ReopenCamera()),
        ("reopen_camera", None, ReopenCamera()),
        ("learn-rest", None, LearnRest()),
        ("snapshot", None, SaveSnapshot()),
        ("keep-face", None, KeepFace()),
        ("use-face", "swap", KeepFace("swap")),
        ("effect", "style:woodblock", ChooseEffect("style:woodblock")),
        ("item", "Lisa", ChooseItem("Lisa")),
        ("next-item", None, ChooseItem("")),
        ("quit", "quit", Quit()),
    ],
)
def test_a_command_goes_to_the_run(
    client: Client, channel: ControlChannel, name: str, value: object, command: Command
) -> None:
    status, _, _ = client.ask("POST", f"/commands/{name}", value)
    assert status == 202
    assert channel.next_command() == command


@pytest.mark.parametrize(
    ("name", "value", "status", "line"),
    [
        ("puase", None, 404, "did you mean 'pause'?"),
        ("pause", "perhaps", 422, "yes or no"),
        ("effect", "stile:night", 422, "did you mean 'style'?"),
        ("effect", None, 400, "value is missing"),
        ("item", "Lise", 422, "did you mean 'Lisa'?"),
        ("quit", None, 409, '{"value": "quit"}'),
        ("quit", True, 409, '{"value": "quit"}'),
    ],
)
def test_a_command_that_cannot_be_is_refused(
    client: Client, channel: ControlChannel, name: str, value: object, status: int, line: str
) -> None:
    got, told, _ = client.ask("POST", f"/commands/{name}", value)
    assert got == status
    assert line in told["error"]
    assert channel.next_command() is None


def test_commands_do_not_pile_up(client: Client, channel: ControlChannel) -> None:
    statuses = [client.ask("POST", "/commands/snapshot")[0] for _ in range(30)]
    assert statuses[:10] == [202] * 10
    assert 429 in statuses
    taken = 0
    while channel.next_command() is not None:
        taken += 1
    assert taken == statuses.count(202)


def test_without_a_programme_there_is_no_item(client: Client, channel: ControlChannel) -> None:
    channel.status = Status()
    assert client.ask("POST", "/commands/next-item")[0] == 409


def test_every_named_command_is_listed(client: Client) -> None:
    _, told, _ = client.ask("GET", "/commands.json")
    assert [one["name"] for one in told["commands"]] == list(NAMED_COMMANDS)


def test_effects_are_looked_for_when_somebody_asks(serve: Callable[..., Client]) -> None:
    client = serve(find_effects=lambda: ["none", "style:night"])
    until(lambda: client.ask("GET", "/effects.json")[1]["complete"])
    assert client.ask("GET", "/effects.json")[1]["effects"] == ["none", "style:night"]


def test_the_picture_is_small_and_there(client: Client, channel: ControlChannel) -> None:
    status, body, headers = client.ask("GET", "/picture.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    picture = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (540, 960, 3)
    assert abs(float(picture.mean()) - 90) < 2
    status, body, headers = client.ask("HEAD", "/picture.jpg")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


def test_before_the_first_picture_there_is_none(client: Client, channel: ControlChannel) -> None:
    channel.newest_picture = lambda: None
    status, told, headers = client.ask("GET", "/picture.jpg")
    assert (status, headers["Retry-After"]) == (503, "1")
    assert "no picture" in told["error"]


def test_a_picture_is_made_once_for_all_and_ten_times_a_second_at_most() -> None:
    now_s, shown = [0.0], [frame(10)]
    feed = PictureFeed(lambda: shown[0], lambda: now_s[0])
    first = feed.jpeg()
    assert feed.jpeg() is first
    shown[0] = frame(200)
    now_s[0] = 0.05
    assert feed.jpeg() is first
    now_s[0] = 0.11
    second = feed.jpeg()
    assert second != first
    now_s[0] = 9.0
    assert feed.jpeg() is second


def test_a_portrait_screen_is_as_small() -> None:
    feed = PictureFeed(lambda: frame(width=1080, height=1920))
    picture = cv2.imdecode(np.frombuffer(feed.jpeg(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (960, 540, 3)


def test_a_picture_tells_how_it_was_made() -> None:
    made = frame()
    provenance = Provenance(("swap:her.jpg",), source_type=SYNTHETIC)
    feed = PictureFeed(lambda: Frame(made.pixels, 0.0, 0.0, 0, provenance=provenance))
    jpeg = feed.jpeg()
    assert b"http://ns.adobe.com/xap/1.0/\0<?xpacket" in jpeg[:64]
    assert SYNTHETIC.encode() in jpeg
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) is not None


def test_events_tell_what_changes(client: Client, channel: ControlChannel) -> None:
    with client.connect() as connection:
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = b""
        while b"event: parameters" not in received or not received.endswith(b"\n\n"):
            received += connection.recv(65536)
        assert b"Content-Type: text/event-stream" in received
        channel.parameters.set("style.strength", 0.25)
        news = b""
        while not news.endswith(b"\n\n"):
            news += connection.recv(65536)
    assert news.startswith(b"event: parameters\ndata: {")
    assert json.loads(news.partition(b"data: ")[2])["style.strength"] == 0.25


def test_the_openapi_document_holds_what_runs(client: Client, channel: ControlChannel) -> None:
    _, told, _ = client.ask("GET", "/openapi.json")
    assert told["openapi"] == "3.1.0"
    paths = told["paths"]
    assert {route.path for route in ROUTES if "{" not in route.path} <= set(paths)
    assert {f"/commands/{name}" for name in NAMED_COMMANDS} <= set(paths)
    body = paths["/parameters/style.strength"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["value"] == {
        "type": "number", "title": "strength", "description": "how much (a number from 0 to 1)", "minimum": 0,
        "maximum": 1, "default": 1.0,
    }  # fmt: skip
    assert "post" not in paths["/parameters/style.file"]
    assert paths["/parameters/style.seed"]["post"]["requestBody"]["content"]["application/json"]["schema"][
        "properties"
    ]["value"]["type"] == ["integer", "null"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    channel.parameters.hold("other", Parameters(Settings()))
    assert "/parameters/other.count" in client.ask("GET", "/openapi.json")[1]["paths"]


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/icon.svg"])
def test_the_page_comes_with_all_it_needs_and_runs_nothing_else(client: Client, path: str) -> None:
    status, body, headers = client.ask("GET", path)
    assert status == 200
    assert len(body) > 100
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/statsu.json", 404), ("GET", "/../token", 404), ("GET", "/page/page.js", 404), ("GET", "/%2e%2e/x", 404),
     ("POST", "/status.json", 405), ("GET", "/commands/pause", 405), ("DELETE", "/parameters/style.count", 405),
     ("OPTIONS", "/", 405), ("GET", "/parameters/", 404), ("GET", "/parameters/a/b", 404)],
)  # fmt: skip
def test_what_there_is_not(client: Client, method: str, path: str, status: int) -> None:
    got, told, headers = client.ask(method, path)
    assert got == status
    assert len(told["error"].splitlines()) == 1
    assert ("Allow" in headers) == (status == 405)


def test_several_requests_at_once_are_answered_in_turn(client: Client) -> None:
    request = b"GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with client.connect() as connection:
        connection.sendall(request * 7 + request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert everything(connection).count(b"HTTP/1.1 200 OK") == 8
