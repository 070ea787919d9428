"""Takes connections and answers requests, all on one thread that never waits for a client.

One thread, because then nobody can make it two: a client that sends a byte a second, or takes none, costs a place among
`Limits.connections` for a few seconds, and no flood gets more than its share of the processor.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus

from realtime.core.errors import FAULTS, OnceLogger
from realtime.core.language import _
from realtime.remote.http.limits import Limits, RequestRates, TokenBucket
from realtime.remote.http.messages import BadRequestError, Request, RequestReader, Response, refusal

log = logging.getLogger(__name__)

EVENTS_EVERY_S = 0.2
"""How often those who listen to events are told what is new."""
_CLOCK_EVERY_S = 0.5
_CLOSED_WITHIN_S = 0.8
_RECEIVED_AT_ONCE = 64 * 1024
_LINGER_S = 1.0
_MOST_IGNORED_BYTES = 1024 * 1024
_PING_EVERY_S = 15.0
_ACCEPTED_AT_ONCE = 16
_SENT_AHEAD_BYTES = 256 * 1024
"""What the system may hold for a client that does not take it; left alone, Linux goes to 4 MB for each."""
_AT_ONCE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Server:
    """Serves until it is closed. `start` and `close`: main thread; everything else happens on the server's own."""

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Request], Response],
        events: Callable[[], Mapping[str, bytes]],
        limits: Limits | None = None,
    ) -> None:
        """`answer` answers a request; `events` returns the newest data of each event by its name. Both return at once,
        on the server's thread.
        """
        self.limits = limits or Limits()
        self.answered: dict[int, int] = {}
        """How many answers of each status were given."""
        self._answer = answer
        self._events = events
        self._listener = listener
        self._is_accepting = False
        self._selector = selectors.DefaultSelector()
        self._connections: dict[socket.socket, _Connection] = {}
        self._next_asked: list[_Connection] = []  # those that have sent a further request already
        now_s = time.monotonic()
        self._rates = RequestRates(self.limits, now_s)
        self._arrivals = TokenBucket(self.limits.connections_per_s, now_s)
        self._accepts_again_at_s = 0.0
        self._events_due_s = 0.0
        self._clock_due_s = 0.0
        self._is_closing = False
        self._wake, self._woken = socket.socketpair()
        self._faults = OnceLogger(log)
        self._thread = threading.Thread(target=self._run, name="remote control", daemon=True)

    def start(self) -> None:
        """Begin to serve. Raises RuntimeError where no thread can be started."""
        self._listener.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread.start()

    def close(self) -> None:
        """Close every connection, within a second."""
        self._is_closing = True
        with contextlib.suppress(OSError):
            self._wake.send(b"x")
        if self._thread.ident is not None:
            self._thread.join(timeout=_CLOSED_WITHIN_S)
        if not self._thread.is_alive():
            self._close_all()

    def _close_all(self) -> None:
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._selector.close()
        for end in (self._listener, self._wake, self._woken):
            end.close()

    def _run(self) -> None:
        while not self._is_closing:
            try:
                self._step()
            except FAULTS as error:  # ours: the next step may go well, and must not come at once
                self._faults.failure(_("the remote control fails"), error)
                time.sleep(_CLOCK_EVERY_S)

    def _step(self) -> None:
        now_s = time.monotonic()
        self._listen(now_s)
        for key, ready in self._selector.select(self._wait_s(now_s)):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is not self._woken:
                self._attend(key.data, ready)
        requests, self._next_asked = self._next_asked, []
        for connection in requests:
            self._attempt(connection, self._answer_next)
        now_s = time.monotonic()
        if now_s >= self._events_due_s:
            self._events_due_s = now_s + EVENTS_EVERY_S
            self._tell_events(now_s)
        if now_s >= self._clock_due_s:
            self._clock_due_s = now_s + _CLOCK_EVERY_S
            self._drop_overdue(now_s)

    def _wait_s(self, now_s: float) -> float | None:
        """Return how long nothing need be done. Nobody being there, the thread sleeps until somebody comes."""
        if self._next_asked:
            return 0.0
        dues = [] if self._is_accepting else [self._accepts_again_at_s]
        if self._connections:
            dues.append(self._clock_due_s)
        if any(connection.listens for connection in self._connections.values()):
            dues.append(self._events_due_s)
        return max(0.0, min(dues) - now_s) if dues else None

    def _listen(self, now_s: float) -> None:
        """Take connections, or leave them to the system's own queue for as long as too many come."""
        wanted = now_s >= self._accepts_again_at_s
        if wanted and not self._is_accepting:
            self._selector.register(self._listener, selectors.EVENT_READ)
        elif self._is_accepting and not wanted:
            self._selector.unregister(self._listener)
        self._is_accepting = wanted

    def _accept(self) -> None:
        for _unused in range(_ACCEPTED_AT_ONCE):
            now_s = time.monotonic()
            if not self._arrivals.take(now_s):
                self._accepts_again_at_s = now_s + self._arrivals.wait_s(now_s)
                return
            try:
                connected, peer = self._listener.accept()
            except (BlockingIOError, ConnectionError, InterruptedError):
                return
            except OSError as error:  # no further file can be opened now
                self._faults.failure(_("nobody can connect to the remote control"), error)
                self._accepts_again_at_s = now_s + 1.0
                return
            try:
                connected.setblocking(False)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT_AHEAD_BYTES)
                self._take_in(_Connection(connected, str(peer[0]), self.limits, now_s))
            except OSError:  # it has gone meanwhile
                connected.close()

    def _take_in(self, new: _Connection) -> None:
        self._selector.register(new.socket, selectors.EVENT_READ, new)
        self._connections[new.socket] = new
        all_others = [each for each in self._connections.values() if each is not new]
        of_one = [each for each in all_others if each.client == new.client]
        for others, most in ((of_one, self.limits.connections_of_one), (all_others, self.limits.connections)):
            if len(others) >= most and not self._make_room(others):
                line = _("too many connections; close some, or try again in a minute")
                full = refusal(HTTPStatus.SERVICE_UNAVAILABLE, line, {"Retry-After": "60"})
                self._attempt(new, functools.partial(self._reply, response=full, keeps_open=False))
                return

    def _make_room(self, others: list[_Connection]) -> bool:
        """Drop the one whose time ends first of those that have asked for nothing; False: all are at something."""
        idle = [each for each in others if each.is_idle]
        if idle:
            self._drop(min(idle, key=lambda each: each.deadline_s))
        return bool(idle)

    def _attend(self, connection: _Connection, ready: int) -> None:
        self._attempt(connection, self._send if ready & selectors.EVENT_WRITE else self._receive)

    def _attempt(self, connection: _Connection, step: Callable[[_Connection], None]) -> None:
        """Go one step on with a connection, unless it was dropped in this very round."""
        if self._connections.get(connection.socket) is not connection:
            return
        try:
            step(connection)
        except OSError:  # the client has gone
            self._drop(connection)

    def _receive(self, connection: _Connection) -> None:
        """Read what came, and answer one request."""
        if connection in self._next_asked:
            return  # it gets its turn first
        try:
            data = connection.socket.recv(_RECEIVED_AT_ONCE)
        except (BlockingIOError, InterruptedError):
            return
        if not data:
            self._drop(connection)
            return
        if connection.is_leaving:
            connection.ignored_bytes += len(data)
            if connection.ignored_bytes > _MOST_IGNORED_BYTES:
                self._drop(connection)
            return
        if connection.listens:
            return  # whatever it says, it has asked to be told
        if connection.reader.is_empty:
            connection.deadline_s = time.monotonic() + self.limits.request_within_s
        connection.reader.feed(data)
        self._answer_next(connection)

    def _answer_next(self, connection: _Connection) -> None:
        try:
            request = connection.reader.next()
        except BadRequestError as error:
            self._reply(connection, refusal(error.status, str(error)), keeps_open=False)
            return
        if request is None:
            return
        wait_s = self._rates.refused_for_s(connection.client, time.monotonic())
        if wait_s:
            line = _("too many requests; ask again in {wait_s} s", wait_s=wait_s)
            self._reply(
                connection, refusal(HTTPStatus.TOO_MANY_REQUESTS, line, {"Retry-After": str(wait_s)}), keeps_open=False
            )
            return
        try:
            response = self._answer(request)
        except FAULTS as error:
            self._faults.failure(
                _("answering {method} {path} fails", method=request.method, path=request.path[:80]), error
            )
            response = refusal(
                HTTPStatus.INTERNAL_SERVER_ERROR, _("this cannot be answered; the program's log tells more")
            )
        self._reply(connection, response, keeps_open=request.keeps_open, with_body=request.method != "HEAD")

    def _reply(self, connection: _Connection, response: Response, *, keeps_open: bool, with_body: bool = True) -> None:
        self.answered[response.status] = self.answered.get(response.status, 0) + 1
        connection.listens = response.is_event_stream and with_body
        connection.ends = not keeps_open and not connection.listens
        parts = [response.head(keeps_open=keeps_open and not connection.listens)]
        if with_body:
            parts.append(response.body)
        connection.deadline_s = time.monotonic() + self.limits.request_within_s
        connection.unsent = [memoryview(part) for part in parts if part]
        self._send(connection)

    def _send(self, connection: _Connection) -> None:
        """Send what the client takes now; then wait for its next request, or end."""
        while connection.unsent:
            try:
                sent = connection.socket.send(connection.unsent[0])
            except (BlockingIOError, InterruptedError):
                self._wait_for(connection, selectors.EVENT_WRITE)
                return
            connection.unsent[0] = connection.unsent[0][sent:]
            if not connection.unsent[0]:
                del connection.unsent[0]
        now_s = time.monotonic()
        self._wait_for(connection, selectors.EVENT_READ)
        if connection.ends:
            # What is still coming is read for a moment: else the system resets the connection, and the answer is lost.
            connection.is_leaving = True
            connection.deadline_s = now_s + _LINGER_S
            connection.socket.shutdown(socket.SHUT_WR)
            return
        if connection.reader.is_empty or connection.listens:
            connection.deadline_s = now_s + self.limits.idle_s
        else:
            connection.deadline_s = now_s + self.limits.request_within_s
            self._next_asked.append(connection)

    def _wait_for(self, connection: _Connection, events: int) -> None:
        if connection.awaits != events:
            connection.awaits = events
            self._selector.modify(connection.socket, events, connection)

    def _tell_events(self, now_s: float) -> None:
        """Tell those who listen what has changed since they were told. Whoever has not taken the last is left out: only
        the newest is worth anything.
        """
        listening = [each for each in self._connections.values() if each.listens and not each.unsent]
        if not listening:
            return
        newest = self._events()
        for connection in listening:
            news = {name: data for name, data in newest.items() if connection.told.get(name) != data}
            connection.told.update(news)
            parts = [b"event: %s\ndata: %s\n\n" % (name.encode(), data) for name, data in news.items()]
            if not parts and now_s >= connection.ping_due_s:
                parts = [b":\n\n"]
            if not parts:
                continue
            connection.ping_due_s = now_s + _PING_EVERY_S
            connection.deadline_s = now_s + self.limits.request_within_s
            connection.unsent = [memoryview(b"".join(parts))]
            self._attempt(connection, self._send)

    def _drop_overdue(self, now_s: float) -> None:
        for connection in list(self._connections.values()):
            if now_s >= connection.deadline_s and not (connection.listens and not connection.unsent):
                if connection.unsent:  # what the system still holds for it goes too, and not in its own time
                    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        if self._connections.pop(connection.socket, None) is None:
            return
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.socket)
        connection.socket.close()


class _Connection:
    """One client's connection, and what is under way on it."""

    def __init__(self, connected: socket.socket, client: str, limits: Limits, now_s: float) -> None:
        self.socket = connected
        self.client = client
        self.reader = RequestReader(client, limits)
        self.deadline_s = now_s + limits.request_within_s
        """When it is dropped, unless something happens before."""
        self.awaits = selectors.EVENT_READ
        self.unsent: list[memoryview] = []
        self.listens = False
        """Whether it is told events."""
        self.told: dict[str, bytes] = {}
        """The events it was told last."""
        self.ping_due_s = 0.0
        self.ends = False
        self.is_leaving = False
        self.ignored_bytes = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing has been asked that is not answered, or is only half asked."""
        return not (self.unsent or self.listens or self.is_leaving)
