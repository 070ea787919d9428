"""What can be asked over HTTP: the table, and the answers. Server's thread; nothing here waits."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from realtime import effects
from realtime.control.channel import ControlChannel
from realtime.control.commands import NAMED_COMMANDS, ChooseEffect, ChooseItem, Quit, named_command
from realtime.core.errors import UNREADABLE, OptionError, RealtimeError, nearest, why_unreadable
from realtime.core.language import _
from realtime.core.specs import EffectSpec
from realtime.remote import descriptions
from realtime.remote.http import metrics, openapi, page_words
from realtime.remote.http.access import Access
from realtime.remote.http.effect_list import EffectList
from realtime.remote.http.limits import TokenBucket
from realtime.remote.http.messages import Request, Response, json_response, refusal
from realtime.remote.http.picture_feed import PictureFeed

_PAGE = Path(__file__).parent / "page"
_HTML = "text/html; charset=utf-8"
_LONGEST_VALUE = 1000
"""Letters: no label, name or path is longer, and each may be drawn into the picture."""
_COMMANDS_PER_S = 10.0
"""The run carries out fifty a second; more would wait, and none is worth anything late."""
_CONFIRMED = "quit"
_FOR_EVERYBODY = frozenset({"/page.css", "/icon.svg"})
"""What the page needs that asks for the token."""


class RequestError(Exception):
    """A request that is understood and cannot be done, in one line."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status = status


class Answers:
    """Answers requests about one run."""

    def __init__(self, channel: ControlChannel, access: Access, find_effects: Callable[[], Sequence[str]]) -> None:
        """`find_effects` returns every effect that can be chosen, as `--effect` writes it; any thread."""
        self.answered: Mapping[int, int] = {}
        """How many answers of each status were given, for the metrics."""
        self._channel = channel
        self._access = access
        self._effects = EffectList(find_effects)
        self._commands = TokenBucket(_COMMANDS_PER_S, time.monotonic())
        self._feed = PictureFeed(lambda: channel.newest_picture())
        self._files = {path.name: path.read_bytes() for path in _PAGE.iterdir() if path.suffix in _FILE_TYPES}
        for page, script in (("index.html", self._files["page.js"]), ("sign-in.html", b"")):
            self._files[page] = page_words.translated(self._files[page], script)

    def answer(self, request: Request) -> Response:
        """Answer one request, whatever it is."""
        no = self._access.refusal(request)
        if no is not None and (no.status is not HTTPStatus.UNAUTHORIZED or request.method != "GET"):
            return no
        if request.path == "/" and self._access.signs_in(request):  # also one who has the cookie already
            return self._signed_in(request)
        if no is None or request.path in _FOR_EVERYBODY:
            return self._routed(request)
        if request.path != "/":
            return no
        return Response(HTTPStatus.UNAUTHORIZED, self._files["sign-in.html"], _HTML, no.headers)

    def events(self) -> dict[str, bytes]:
        """Return what those who listen are told of, by the name of its event."""
        values = {path: descriptions.plain(value) for path, _, value in self._channel.parameters.list()}
        content = {"status": descriptions.status_json(self._channel), "parameters": values}
        return {name: json.dumps(data).encode() for name, data in content.items()}

    def _signed_in(self, request: Request) -> Response:
        """Take the token out of the address and into a cookie. A browser that comes from another page withholds that
        cookie from a redirect; from a page of ours that leads on it does not.
        """
        headers = {"Set-Cookie": self._access.cookie()}
        if request.header("sec-fetch-site") in ("cross-site", "same-site"):
            return Response(
                HTTPStatus.OK, b"<!doctype html><title>realtime</title>", _HTML, headers | {"Refresh": "0; url=/"}
            )
        return Response(HTTPStatus.SEE_OTHER, b"", _HTML, headers | {"Location": "/"})

    def _routed(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        found = [(route, name) for route in ROUTES if (name := route.name_in(request.path)) is not None]
        if not found:
            paths = [route.path for route in ROUTES]
            hint = nearest(request.path, paths) or _("; /openapi.json lists what there is")
            return refusal(
                HTTPStatus.NOT_FOUND, _("there is nothing at {path}{hint}", path=request.path[:80], hint=hint)
            )
        for route, name in found:
            if route.method == method:
                try:
                    return route.answer(self, request, name)
                except RequestError as error:
                    return refusal(error.status, str(error))
        allowed = ", ".join(sorted({route.method for route, _unused in found} | {"HEAD"}))
        return refusal(
            HTTPStatus.METHOD_NOT_ALLOWED,
            _("{path} answers {allowed} only", path=request.path[:80], allowed=allowed),
            {"Allow": allowed},
        )

    def page(self, _request: Request, _name: str) -> Response:
        return Response(HTTPStatus.OK, self._files["index.html"], _HTML)

    def file(self, request: Request, _name: str) -> Response:
        name = request.path.removeprefix("/")
        return Response(HTTPStatus.OK, self._files[name], _FILE_TYPES[Path(name).suffix])

    def status(self, _request: Request, _name: str) -> Response:
        return json_response(descriptions.status_json(self._channel))

    def metrics(self, _request: Request, _name: str) -> Response:
        text = metrics.metrics_text(self._channel.status, self.answered)
        return Response(HTTPStatus.OK, text.encode("utf-8", "replace"), metrics.CONTENT_TYPE)

    def parameters(self, _request: Request, _name: str) -> Response:
        return json_response({"parameters": descriptions.parameters_json(self._channel)})

    def parameter(self, _request: Request, name: str) -> Response:
        return json_response(self._described(name))

    def set_parameter(self, request: Request, name: str) -> Response:
        self._described(name)
        value = _value_in(request)
        try:
            now = self._channel.parameters.set(name, value)
        except OptionError as error:
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        return json_response({"path": name, "value": descriptions.plain(now)})

    def commands(self, _request: Request, _name: str) -> Response:
        return json_response({"commands": descriptions.commands_json()})

    def send_command(self, request: Request, name: str) -> Response:
        """Hand a command to the run, which carries it out at once or says why not (`message` in the status)."""
        if not self._commands.take(time.monotonic()):
            raise RequestError(HTTPStatus.TOO_MANY_REQUESTS, _("too many commands; send the next in a second"))
        try:
            named = named_command(name)
        except OptionError as error:
            raise RequestError(HTTPStatus.NOT_FOUND, str(error)) from None
        value = _value_in(request, optional=named.argument is None or named.argument.optional)
        try:
            command = named.command(value)
            if isinstance(command, ChooseEffect):
                _check_effect(command.spec)
        except RealtimeError as error:
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        if isinstance(command, ChooseItem):
            self._check_item(command.name)
        if isinstance(command, Quit) and value != _CONFIRMED:
            raise RequestError(
                HTTPStatus.CONFLICT,
                _(
                    'nobody can begin it again from here; to end the run send {{"value": "{confirmed}"}}',
                    confirmed=_CONFIRMED,
                ),
            )
        self._channel.send(command)
        return json_response({"command": named.name, "value": value}, HTTPStatus.ACCEPTED)

    def effects(self, _request: Request, _name: str) -> Response:
        return json_response(self._effects.as_json())

    def scenes(self, _request: Request, _name: str) -> Response:
        listed = [
            {"number": one.number, "name": one.name, "effects": list(one.effects)} for one in self._channel.scenes()
        ]
        return json_response({"scenes": listed, "shown": self._channel.status.scene})

    def picture(self, _request: Request, _name: str) -> Response:
        jpeg = self._feed.jpeg()
        if not jpeg:
            line = _("no picture has been made yet; ask again in a second")
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, line, {"Retry-After": "1"})
        return Response(HTTPStatus.OK, jpeg, "image/jpeg")

    def event_stream(self, _request: Request, _name: str) -> Response:
        return Response(HTTPStatus.OK, b"", "text/event-stream; charset=utf-8", is_event_stream=True)

    def openapi(self, _request: Request, _name: str) -> Response:
        return json_response(openapi.document(ROUTES, self._channel.parameters.list(), NAMED_COMMANDS.values()))

    def _described(self, path: str) -> dict[str, Any]:
        for there, one, value in self._channel.parameters.list():
            if there == path:
                return descriptions.parameter_json(path, one, value)
        try:
            self._channel.parameters.get(path)
        except OptionError as error:
            raise RequestError(HTTPStatus.NOT_FOUND, str(error)) from None
        raise RequestError(
            HTTPStatus.NOT_FOUND, _("no parameter '{path}'; /parameters.json lists what there is", path=path[:80])
        )

    def _check_item(self, name: str) -> None:
        programme = self._channel.status.programme
        if programme is None:
            raise RequestError(HTTPStatus.CONFLICT, _("no programme runs here; realtime gallery runs one"))
        if name and name not in programme.items:
            hint = nearest(name, programme.items) or _("; there are: {items}", items=", ".join(programme.items))
            raise RequestError(HTTPStatus.UNPROCESSABLE_ENTITY, _("no item '{name}'{hint}", name=name[:80], hint=hint))


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked."""

    method: str
    path: str
    """`{name}` at its end: whatever stands there."""
    answer: Callable[[Answers, Request, str], Response]
    summary: str
    gives: str = "application/json"

    def name_in(self, path: str) -> str | None:
        """Return what stands for `{name}` in a path that is this route's, or an empty text; None: it is not."""
        fixed, brace, _ = self.path.partition("{")
        if not brace:
            return "" if path == fixed else None
        name = path.removeprefix(fixed)
        return name if path.startswith(fixed) and name and "/" not in name else None


_FILE_TYPES = {
    ".html": _HTML,
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

ROUTES = (
    Route("GET", "/", Answers.page, "The page for people", _HTML),
    *(
        Route("GET", f"/{name}", Answers.file, told, _FILE_TYPES[Path(name).suffix])
        for name, told in (
            ("page.js", "The page's script"),
            ("page.css", "Its looks"),
            ("icon.svg", "Its icon"),
        )
    ),
    Route("GET", "/status.json", Answers.status, "What goes on: rate, age, drops, restarts, viewers, programme"),
    Route("GET", "/metrics", Answers.metrics, "The same for Prometheus", metrics.CONTENT_TYPE),
    Route("GET", "/events", Answers.event_stream, "Status and values as they change", "text/event-stream"),
    Route(
        "GET",
        "/picture.jpg",
        Answers.picture,
        "The newest picture, at most 960 pixels on its longer side",
        "image/jpeg",
    ),
    Route("GET", "/parameters.json", Answers.parameters, "Everything that can be set, with its value"),
    Route("GET", "/parameters/{name}", Answers.parameter, "One parameter"),
    Route("POST", "/parameters/{name}", Answers.set_parameter, "Set it; the answer is the value it has now"),
    Route("GET", "/commands.json", Answers.commands, "Everything that can be asked for"),
    Route("POST", "/commands/{name}", Answers.send_command, "Ask for it"),
    Route("GET", "/effects.json", Answers.effects, "Effects that can be chosen, as --effect writes them"),
    Route("GET", "/scenes.json", Answers.scenes, "Scenes that can be chosen, by number"),
    Route("GET", "/openapi.json", Answers.openapi, "This description"),
)


def _check_effect(spec: str) -> None:
    """Raise an OptionError where no effect has this name."""
    name, names = EffectSpec.parse(spec).name, effects.effect_names()
    if name not in names:
        raise OptionError(
            _(
                "no effect '{name}'{hint}; there are: {names}",
                name=name,
                hint=nearest(name, names),
                names=", ".join(names),
            )
        )


def _value_in(request: Request, *, optional: bool = False) -> object:
    """Return the value a body holds: `{"value": …}` or a plain text. Raises RequestError."""
    if not request.body:
        if optional:
            return None
        raise RequestError(HTTPStatus.BAD_REQUEST, _('the value is missing; send {"value": …} as application/json'))
    if request.media_type == "application/json":
        value = _json_value(request.body)
    elif request.media_type == "text/plain":
        try:
            value = request.body.decode().strip()
        except UnicodeDecodeError:
            raise RequestError(HTTPStatus.BAD_REQUEST, _("the text is no UTF-8; send it so")) from None
    else:
        raise RequestError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            _("the value's Content-Type is neither application/json nor text/plain; say which it is"),
        )
    if isinstance(value, str) and len(value) > _LONGEST_VALUE:
        raise RequestError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            _("the text is too long; send at most {longest_value} letters", longest_value=_LONGEST_VALUE),
        )
    return value


def _json_value(body: bytes) -> object:
    try:
        content = json.loads(body)
    except UNREADABLE as error:
        raise RequestError(
            HTTPStatus.BAD_REQUEST, _("this is no JSON: {reason}", reason=why_unreadable(error)[:120])
        ) from None
    if not isinstance(content, dict) or set(content) != {"value"}:
        raise RequestError(HTTPStatus.BAD_REQUEST, _('the JSON is not {"value": …}; send nothing else'))
    value: object = content["value"]
    return value
