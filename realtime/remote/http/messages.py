"""HTTP/1.1 as far as it is needed (RFC 9112): bytes become requests, answers become bytes. Nothing here waits.

It is strict: what could be read in two ways, by us and by a proxy between, is refused. Bodies come with their length;
chunked ones are not taken.
"""

from __future__ import annotations

import dataclasses
import json
import re
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from realtime.core.errors import shown
from realtime.core.language import _
from realtime.remote.http.limits import Limits

_HEAD_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) (/[!-~]*) HTTP/(\d)\.(\d)")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*([\t -~\x80-\xff]*)")
_LONE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)(?=.)", re.DOTALL)
_MOST_HEADERS = 64
_LONGEST_TARGET = 2048
_ONCE = frozenset({"host", "content-length", "content-type", "origin", "authorization", "expect", "transfer-encoding"})

_SAFE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""With every answer: no page of others may embed one, and ours runs its own script and nothing else."""


class BadRequestError(Exception):
    """What came is no request that is taken; the connection is closed after the answer."""

    def __init__(self, status: HTTPStatus, line: str) -> None:
        super().__init__(line)
        self.status = status


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """One request, whole."""

    method: str
    path: str
    """Decoded, without the query; begins with `/`."""
    query: Mapping[str, str]
    """The first value of each name."""
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes
    client: str
    """The address it came from."""
    keeps_open: bool
    """Whether the client wants to ask more over the same connection."""

    def header(self, name: str) -> str:
        """Return a header's value by its name in small letters, or an empty string."""
        return self.headers.get(name, "")

    @property
    def media_type(self) -> str:
        """What the body is said to be, without its charset: `application/json`."""
        return self.header("content-type").partition(";")[0].strip().lower()


@dataclasses.dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    is_event_stream: bool = False
    """True: what happens follows as server-sent events until the client goes; `body` is empty."""

    def head(self, *, keeps_open: bool) -> bytes:
        """Return status line and headers."""
        headers = {**_SAFE_HEADERS, "Content-Type": self.content_type, **self.headers}
        if not self.is_event_stream:
            headers["Content-Length"] = str(len(self.body))
        headers["Connection"] = "keep-alive" if keeps_open else "close"
        lines = [
            f"HTTP/1.1 {self.status.value} {self.status.phrase}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def json_response(
    content: Any, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that is JSON."""
    body = (json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")
    return Response(status, body, headers=headers or {})


def refusal(status: HTTPStatus, line: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that says in one line why not, and what to do."""
    return json_response({"error": shown(line)}, status, headers)


class RequestReader:
    """Collects what comes over one connection, and reads requests out of it."""

    def __init__(self, client: str, limits: Limits) -> None:
        self._client = client
        self._limits = limits
        self._bytes = bytearray()

    @property
    def is_empty(self) -> bool:
        """Whether no part of a request waits."""
        return not self._bytes

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._bytes += data

    def next(self) -> Request | None:
        """Return the next request, or None where it is not whole yet. Raises BadRequestError."""
        end = self._bytes.find(_HEAD_END, 0, self._limits.head_bytes)
        if end < 0:
            self._check_unfinished()
            return None
        method, target, headers, keeps_open = _read_head(bytes(self._bytes[:end]))
        length = self._body_bytes(headers)
        begin = end + len(_HEAD_END)
        if len(self._bytes) < begin + length:
            return None
        body = bytes(self._bytes[begin : begin + length])
        del self._bytes[: begin + length]
        path, _, query = target.partition("?")
        return Request(method, _decoded(path), _query(query), headers, body, self._client, keeps_open)

    def _check_unfinished(self) -> None:
        if len(self._bytes) >= self._limits.head_bytes:
            raise BadRequestError(
                HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                _("the headers are too long; send at most {head_bytes} bytes", head_bytes=self._limits.head_bytes),
            )
        if _LONE_LINE_END.search(self._bytes):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, _("lines end with CR LF; send HTTP/1.1"))
        first, line_end, _unused = self._bytes.partition(b"\r\n")
        if line_end or len(first) > _LONGEST_TARGET + 32:
            _read_request_line(bytes(first))

    def _body_bytes(self, headers: Mapping[str, str]) -> int:
        if "transfer-encoding" in headers:
            raise BadRequestError(HTTPStatus.NOT_IMPLEMENTED, _("chunked bodies are not taken; send Content-Length"))
        text = headers.get("content-length", "0")
        if not re.fullmatch("[0-9]{1,18}", text):
            raise BadRequestError(HTTPStatus.BAD_REQUEST, _("Content-Length is no number; send the body's bytes"))
        if int(text) > self._limits.body_bytes:
            raise BadRequestError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                _("the body is too long; send at most {body_bytes} bytes", body_bytes=self._limits.body_bytes),
            )
        return int(text)


def _read_head(head: bytes) -> tuple[str, str, dict[str, str], bool]:
    if _LONE_LINE_END.search(head):
        raise BadRequestError(HTTPStatus.BAD_REQUEST, _("lines end with CR LF; send HTTP/1.1"))
    first, *lines = head.split(b"\r\n")
    method, target, is_newest = _read_request_line(first)
    if len(lines) > _MOST_HEADERS:
        raise BadRequestError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            _("too many headers; send at most {most_headers}", most_headers=_MOST_HEADERS),
        )
    headers: dict[str, str] = {}
    for line in lines:
        found = _HEADER.fullmatch(line)
        if found is None:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, _("a header cannot be read; write it as Name: value"))
        name, value = found[1].decode("ascii").lower(), found[2].decode("latin-1").strip(" \t")
        if name in headers and name in _ONCE:
            raise BadRequestError(HTTPStatus.BAD_REQUEST, _("the header {name} comes twice; send it once", name=name))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    wishes = {word.strip().lower() for word in headers.get("connection", "").split(",")}
    return method, target, headers, is_newest and "close" not in wishes


def _read_request_line(line: bytes) -> tuple[str, str, bool]:
    """Return method, target and whether it is HTTP/1.1."""
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise BadRequestError(
            HTTPStatus.BAD_REQUEST, _("no HTTP request; its first line is for example GET / HTTP/1.1")
        )
    method, target, major, minor = (part.decode("ascii") for part in found.groups())
    if major != "1":
        raise BadRequestError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, _("only HTTP/1.1 and HTTP/1.0 are spoken"))
    if len(target) > _LONGEST_TARGET:
        raise BadRequestError(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            _("the path is too long; send at most {longest_target}", longest_target=_LONGEST_TARGET),
        )
    return method, target, minor != "0"


def _decoded(path: str) -> str:
    return urllib.parse.unquote(path, errors="replace")


def _query(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in urllib.parse.parse_qsl(text, errors="replace"):
        values.setdefault(name, value)
    return values
