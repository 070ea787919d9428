"""Who may ask: whoever knows the token, from our own page or from no page at all."""

from __future__ import annotations

import base64
import hmac
import ipaddress
import re
import socket
from http import HTTPStatus

from realtime.core.language import _
from realtime.remote.http.messages import Request, Response, refusal

COOKIE = "realtime_token"
_COOKIE_LASTS_S = 30 * 86_400
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")
_READING = frozenset({"GET", "HEAD"})


class Access:
    """Says of each request why it may not be answered. Without a token the server must listen on loopback alone."""

    def __init__(self, token: str | None, host: str = "") -> None:
        """`host`: the name that was given to listen on, which the machine may be called by."""
        self._token = token
        own = socket.gethostname().lower()
        self._names = {"localhost", own, f"{own}.local", own.partition(".")[0], host.lower()} - {""}

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a request that may not be answered; None: it may."""
        return self._foreign_name(request) or self._foreign_page(request) or self._unknown(request)

    def signs_in(self, request: Request) -> bool:
        """Whether a request brings the right token in its address."""
        return self._token is not None and self._is_token(request.query.get("token", ""))

    def cookie(self) -> str:
        """Return the `Set-Cookie` that keeps the token in a browser, out of reach of scripts and of other pages."""
        return f"{COOKIE}={self._token}; Max-Age={_COOKIE_LASTS_S}; Path=/; HttpOnly; SameSite=Strict"

    def _foreign_name(self, request: Request) -> Response | None:
        """A page of others can give its own name our address (DNS rebinding), and then reads what we answer to it. It
        cannot have a number for a name, nor ours.
        """
        found = _HOST.fullmatch(request.header("host"))
        name = (found[1] or found[2]).lower().removesuffix(".") if found else ""
        if name in self._names or _is_number(name):
            return None
        return refusal(
            HTTPStatus.MISDIRECTED_REQUEST,
            _("this machine is not called so; ask for it by its address in numbers, or by its own name"),
        )

    def _foreign_page(self, request: Request) -> Response | None:
        """What another page makes a browser ask: nothing but to open our page is answered."""
        site = request.header("sec-fetch-site")
        if request.method in _READING:
            opens = request.header("sec-fetch-mode") == "navigate" and request.header("sec-fetch-dest") == "document"
            is_foreign = site in ("cross-site", "same-site") and not (opens and request.path == "/")
        else:
            origin = request.header("origin").lower()
            own = {f"{scheme}://{request.header('host').lower()}" for scheme in ("http", "https")}
            is_foreign = site not in ("", "same-origin", "none") or (bool(origin) and origin not in own)
        return refusal(HTTPStatus.FORBIDDEN, _("pages of others may not ask this")) if is_foreign else None

    def _unknown(self, request: Request) -> Response | None:
        if self._token is None or self._is_token(_authorized(request)) or self._is_token(_cookie(request)):
            return None
        return refusal(
            HTTPStatus.UNAUTHORIZED,
            _("the token is missing or wrong; send it as 'Authorization: Bearer TOKEN', or open /?token=TOKEN once"),
            {"WWW-Authenticate": 'Bearer realm="realtime"'},
        )

    def _is_token(self, text: str) -> bool:
        return self._token is not None and hmac.compare_digest(text.encode("utf-8", "replace"), self._token.encode())


def _authorized(request: Request) -> str:
    """Return the token of the header Authorization: `Bearer TOKEN`, or the password of `Basic` with any name, for
    programs that know nothing else.
    """
    scheme, _, text = request.header("authorization").partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(text.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def _cookie(request: Request) -> str:
    for part in request.header("cookie").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return value
    return ""


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
