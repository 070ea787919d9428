"""A run changed over OSC, and its values told to desks: `--osc [HOST:]PORT`, `--osc-to HOST:PORT`.

One thread empties the socket in bursts and keeps the newest message of each address, unread: to know the address costs
a fraction of parsing, and of a fader that moves only the last position counts. A second one takes what is kept, parses
it and sets it, and sends what changed. So nothing ever queues, whoever floods it.
"""

from __future__ import annotations

import contextlib
import functools
import ipaddress
import logging
import selectors
import socket
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

from realtime.control.channel import ControlChannel
from realtime.control.commands import NAMED_COMMANDS, NamedCommand
from realtime.control.front_end import FrontEnd
from realtime.core.errors import FAULTS, OptionError, in_one_line, shown
from realtime.core.language import _
from realtime.core.settings import Kind, Parameter, Value
from realtime.core.text_limits import abbreviated
from realtime.remote.address import Address, is_loopback
from realtime.remote.lamps import States, states_of
from realtime.remote.osc.addresses import REFRESH, ROOT, STEP, is_as_sent, parameter_address, value_for
from realtime.remote.osc.messages import LARGEST_PACKET, Argument, address_of, arguments_of, encoded, messages_in

log = logging.getLogger(__name__)

_BURST_EVERY_S = 0.004
"""Between two looks at the socket: an eighth of a frame at 30 fps, and at 5,000 packets a second 20 at once."""
_BURST = 128
"""Packets read at once: 32,000 a second at most. The system drops what comes beyond that."""
_BURST_BYTES = 1 << 18
_RECEIVE_BUFFER = 1 << 20
_MOST_ADDRESSES = 512
_MOST_PRESSES = 16
"""Of a button or a step, between two takings: each of them counts, where of a value only the newest does."""
_COMMAND_EVERY_S = 0.05
_SEND_EVERY_S = 0.02
"""Fifty values a second of each parameter: as fast as motors move."""
_REFRESH_EVERY_S = 0.5
_MOST_TOLD = 100
_LOOK_UP_EVERY_S = 0.1
_ONLY_FROM_HERE = frozenset({"quit", "source"})
_STOPPED_WITHIN_S = 0.2

_Peer = tuple[str, int]


class _Kept(NamedTuple):
    message: bytes
    sender: _Peer


class OscControl(FrontEnd):
    """Listens on one UDP port, and tells every change to others."""

    def __init__(self, channel: ControlChannel, listen: Address | None, tell: Sequence[Address] = ()) -> None:
        """`listen`: None: values are only told. Raises OptionError for a port that is taken, or a host not found."""
        self._channel = channel
        peers = [_looked_up(address) for address in tell]
        self._socket = None if listen is None else _listening(listen)
        self._targets = [_target(*peer) for peer in peers]
        self._local_only = listen is None or is_loopback(listen)
        self._condition = threading.Condition()
        # Guarded by _condition:
        self._kept: dict[bytes, list[_Kept]] = {}
        self._changed: dict[str, tuple[Value, str]] = {}
        self._stopped = False
        # The second thread's own:
        self._book = _AddressBook(channel)
        self._told: set[str] = set()
        self._sender_host = ""
        self._next_command_s: dict[str, float] = {}
        self._delayed: dict[bytes, list[_Kept]] = {}
        self._delayed_until_s = 0.0
        self._next_send_s = 0.0
        self._next_refresh_s = 0.0
        self._known_paths: frozenset[str] = frozenset()
        self._states: States = {}
        self._momentary = frozenset(
            f"{ROOT}/{name}".encode() for name, one in NAMED_COMMANDS.items() if one.argument is None
        )
        self._threads = [threading.Thread(target=self._work, name="osc", daemon=True)]
        if self._socket is not None:
            self._threads.append(threading.Thread(target=self._receive, name="osc-receive", daemon=True))
        self._end_listening = channel.parameters.listen(self._heard)

    @property
    def port(self) -> int:
        """The port it listens on; 0: none."""
        return 0 if self._socket is None else int(self._socket.getsockname()[1])

    def start(self) -> None:
        """Begin to listen and to tell."""
        if self._socket is not None and not self._local_only:
            log.warning(
                _(
                    "--osc has no password: whoever is in this network can change the picture; take 127.0.0.1, or a "
                    "network of your own"
                )
            )
        for thread in self._threads:
            thread.start()

    def look_after(self) -> None:
        """Tell the values of an effect that has just come, and which switches are on and what is chosen now."""
        states, before = states_of(self._channel.status), self._states
        self._states = states
        if not self._targets:
            return
        values = {path: value for path, one, value in self._channel.parameters.list() if one.live}
        new = values.keys() - self._known_paths
        self._known_paths = frozenset(values)
        turned = {name: state for name, state in states.items() if state != before.get(name)}
        if new or turned:
            with self._condition:
                for path in new:
                    self._changed.setdefault(path, (values[path], ""))
                for name, state in turned.items():  # who pressed is told, too: what became of it, nobody else knows
                    self._changed[name] = (state, "")
                self._condition.notify()

    def close(self) -> None:
        """End both threads."""
        self._end_listening()
        with self._condition:
            self._stopped = True
            self._condition.notify()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(2 * _STOPPED_WITHIN_S)
        for one in [self._socket, *(target.socket for target in self._targets)]:
            if one is not None:
                one.close()

    # The first thread

    def _receive(self) -> None:
        assert self._socket is not None  # noqa: S101 - the thread is only made where there is one
        buffer = bytearray(LARGEST_PACKET)
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            while not self._stopped:
                try:
                    if selector.select(_STOPPED_WITHIN_S):
                        self._keep(self._burst(self._socket, buffer))
                except FAULTS as error:  # a network that went, Windows' port unreachable: what comes next is heard
                    self._say("receiving", in_one_line(error))
                time.sleep(_BURST_EVERY_S)

    def _burst(self, receiver: socket.socket, buffer: bytearray) -> list[_Kept]:
        found: list[_Kept] = []
        bytes_left = _BURST_BYTES
        while len(found) < _BURST and bytes_left > 0:
            try:
                size, sender = receiver.recvfrom_into(buffer)
            except BlockingIOError:
                break
            bytes_left -= max(size, _BURST_BYTES // _BURST)  # strangers count too
            if self._local_only or _is_near(sender[0]):
                found.append(_Kept(bytes(memoryview(buffer)[:size]), sender[:2]))
        return found

    def _keep(self, packets: Sequence[_Kept]) -> None:
        with self._condition:
            for packet, sender in packets:
                for message in messages_in(packet):
                    self._keep_message(address_of(message), _Kept(message, sender))
            self._condition.notify()

    def _keep_message(self, address: bytes, kept: _Kept) -> None:
        before = self._kept.get(address)
        if before is None:
            if len(self._kept) >= _MOST_ADDRESSES:
                del self._kept[next(iter(self._kept))]  # the oldest: what comes now is what counts
            self._kept[address] = [kept]
        elif not (address in self._momentary or address.endswith(STEP.encode())):
            before[0] = kept
        elif len(before) < _MOST_PRESSES:
            before.append(kept)

    # The second thread

    def _work(self) -> None:
        while True:
            kept = self._wait()
            if kept is None:
                return
            for address, messages in kept.items():
                for one in messages:
                    self._obey(address, one)
            self._send_changes()

    def _wait(self) -> dict[bytes, list[_Kept]] | None:
        """Wait for something to do; return what is kept, None at the end."""
        with self._condition:
            while not (self._stopped or self._kept):
                now_s = time.monotonic()
                due_s = [self._next_send_s] if self._changed else []
                due_s += [self._delayed_until_s] if self._delayed else []
                if due_s and min(due_s) <= now_s:
                    break
                self._condition.wait(min(due_s) - now_s if due_s else None)
            if self._stopped:
                return None
            kept, self._kept = {**self._delayed, **self._kept}, {}
        self._delayed = {}
        return kept

    def _obey(self, address: bytes, kept: _Kept) -> None:
        name = address.decode("ascii", "replace")
        try:
            self._carry_out(address, name, kept)
        except FAULTS as error:  # an effect may be anybody's code
            self._say(name, in_one_line(error))

    def _carry_out(self, address: bytes, name: str, kept: _Kept) -> None:
        if name == REFRESH:
            self._refresh(kept.sender)
            return
        command = NAMED_COMMANDS.get(name.removeprefix(f"{ROOT}/").replace("_", "-"))
        if command is not None and name.startswith(f"{ROOT}/"):
            self._command(address, command, kept)
            return
        is_step = name.endswith(STEP)
        found = self._book.find(name.removesuffix(STEP))
        if found is None:
            raise OptionError(_("no such address now; 'realtime osc' lists them"))
        path, parameter = found
        arguments = arguments_of(kept.message)
        if len(arguments) != 1:
            raise OptionError(_("takes one value, {takes}; {count} came", takes=parameter.takes, count=len(arguments)))
        self._sender_host = kept.sender[0]
        try:
            if is_step:
                self._step(path, arguments[0])
            else:
                self._set(path, parameter, arguments[0], kept.sender)
        finally:
            self._sender_host = ""

    def _step(self, path: str, argument: Argument) -> None:
        if isinstance(argument, bool | str | None) or not abs(argument) <= 1e6:
            raise OptionError(_("takes a whole number of steps"))
        self._sender_host = ""  # who sends steps does not know where they lead
        self._channel.parameters.step(path, round(argument))

    def _set(self, path: str, parameter: Parameter, argument: Argument, sender: _Peer) -> None:
        if parameter.kind is Kind.FILE and not _is_here(sender[0]):
            raise OptionError(_("a file is only taken from this machine"))
        sent = value_for(parameter, argument)
        value = self._channel.parameters.set(path, sent)
        if not is_as_sent(sent, value):  # clipped: the sender's fader shall stand where the value is
            with self._condition:
                self._changed[path] = (value, "")

    def _command(self, address: bytes, command: NamedCommand, kept: _Kept) -> None:
        arguments = arguments_of(kept.message)
        if len(arguments) > 1:
            raise OptionError(_("takes one value at most; {count} came", count=len(arguments)))
        value = arguments[0] if arguments else None
        if command.argument is None:
            if arguments and not value:
                return  # a button that was let go
            made = command.command()
        else:
            value = value_for(command.argument, value) if value is not None else None  # type: ignore[assignment]
            made = command.command(value)
        if not _is_here(kept.sender[0]) and (command.name in _ONLY_FROM_HERE or _names_a_file(value)):
            raise OptionError(_("is only taken from this machine"))
        now_s = time.monotonic()
        turn_s = self._next_command_s.get(command.name, 0.0)
        if now_s < turn_s:  # the newest is kept until it is its turn
            self._delayed_until_s = min(turn_s, self._delayed_until_s) if self._delayed else turn_s
            self._delayed[address] = [kept]
            return
        self._next_command_s[command.name] = now_s + _COMMAND_EVERY_S
        self._channel.send(made)

    # Out again

    def _heard(self, path: str, value: Value) -> None:
        """[any] Keep a change until it is sent; the host that sent it hears nothing of it."""
        if not self._targets:
            return
        host = self._sender_host if threading.current_thread() is self._threads[0] else ""
        with self._condition:
            self._changed[path] = (value, host)
            self._condition.notify()

    def _send_changes(self) -> None:
        now_s = time.monotonic()
        if now_s < self._next_send_s:
            return
        with self._condition:
            changed, self._changed = self._changed, {}
        if changed:
            self._next_send_s = now_s + _SEND_EVERY_S
        for path, (value, host) in changed.items():
            message = encoded(parameter_address(path), value)
            for target in self._targets:
                if target.host != host:
                    self._send(message, target)

    def _send(self, message: bytes, target: _Target) -> None:
        try:
            target.socket.sendto(message, target.peer)
        except OSError as error:  # full, or gone: the next value is newer anyhow
            self._say(_("to {host}", host=target.host), in_one_line(error))

    def _refresh(self, sender: _Peer) -> None:
        now_s = time.monotonic()
        if now_s < self._next_refresh_s:
            return
        self._next_refresh_s = now_s + _REFRESH_EVERY_S
        values = [(path, value) for path, one, value in self._channel.parameters.list() if one.live]
        for path, value in [*values, *self._states.items()]:
            message = encoded(parameter_address(path), value)
            for target in self._targets:
                self._send(message, target)
            if self._socket is not None and sender not in [(one.host, one.peer[1]) for one in self._targets]:
                with contextlib.suppress(OSError):
                    self._socket.sendto(message, sender)

    def _say(self, name: str, what: str) -> None:
        """Say what is wrong with an address, once, and of so many addresses that nobody can fill the log."""
        if name in self._told or len(self._told) > _MOST_TOLD:
            return
        self._told.add(name)
        if len(self._told) > _MOST_TOLD:
            log.warning(_("osc: many addresses that mean nothing come; no more is said of them"))
        else:
            log.warning(_("osc %s: %s"), abbreviated(shown(name)), what)


class _AddressBook:
    """Which parameter an address means now; made anew, seldom, when one is asked for that is not in it."""

    def __init__(self, channel: ControlChannel) -> None:
        self._channel = channel
        self._found: dict[str, tuple[str, Parameter]] = {}
        self._next_look_s = 0.0

    def find(self, address: str) -> tuple[str, Parameter] | None:
        address = address.replace("-", "_")
        found = self._found.get(address)
        if found is None and time.monotonic() >= self._next_look_s:
            self._next_look_s = time.monotonic() + _LOOK_UP_EVERY_S
            parameters = self._channel.parameters.list()
            self._found = {parameter_address(path).replace("-", "_"): (path, one) for path, one, _ in parameters}
            found = self._found.get(address)
        return found


class _Target(NamedTuple):
    """Whom values are told."""

    host: str
    peer: _Peer
    socket: socket.socket


def _target(family: socket.AddressFamily, peer: _Peer) -> _Target:
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.setblocking(False)
    return _Target(peer[0], peer, sender)


def _listening(address: Address) -> socket.socket:
    family, peer = _looked_up(address)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        receiver.bind(peer)
    except OSError as error:
        receiver.close()
        raise OptionError(
            _(
                "--osc {address}: cannot listen there: {reason}; take another port",
                address=address,
                reason=error.strerror or error,
            )
        ) from None
    receiver.setblocking(False)
    return receiver


def _looked_up(address: Address) -> tuple[socket.AddressFamily, _Peer]:
    try:
        family, *_unused, peer = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        raise OptionError(
            _("OSC: host '{host}' is not found: {reason}; check its name", host=address.host, reason=in_one_line(error))
        ) from None
    return family, (str(peer[0]), int(peer[1]))


@functools.lru_cache(maxsize=1024)
def _is_near(host: str) -> bool:
    """Whether a sender is in a local network: one on the internet has no business at a port without a password."""
    address = _number(host)
    return address.is_private or address.is_link_local or address.is_loopback


@functools.lru_cache(maxsize=1024)
def _is_here(host: str) -> bool:
    return _number(host).is_loopback


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    number = ipaddress.ip_address(host.partition("%")[0])
    return getattr(number, "ipv4_mapped", None) or number


def _names_a_file(value: object) -> bool:
    return isinstance(value, str) and ("/" in value or "\\" in value)
