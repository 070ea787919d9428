"""Runs a command where the whole Internet is a trap: what it looks up or calls is written down, and nothing gets out.

In a network namespace of its own (Linux; no root needed) every address is made this machine's own, so that whatever is
sent arrives here. Name servers too: each name is answered with an address nobody has, and a call to that is seen.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_ANSWER = socket.inet_aton("203.0.113.7")
"""For every name: an address of the range that RFC 5737 keeps for examples."""
_DNS, _TCP, _UDP = 53, 6, 17
_LAST_PACKETS_S = 0.3


@dataclasses.dataclass(frozen=True, slots=True)
class Trapped:
    """What a command did."""

    exit_code: int
    said: str
    """Its output and its errors."""
    look_ups: tuple[str, ...]
    """Every name that was asked for, as often as it was."""
    calls: tuple[str, ...]
    """Every connection that was begun and every datagram sent to another machine: `tcp 203.0.113.7:443`."""


def obstacle() -> str:
    """Return why no trap can be set here, or an empty text."""
    if sys.platform != "linux":
        return "only Linux has network namespaces"
    for program in ("unshare", "ip", "mount"):
        if shutil.which(program) is None:
            return f"there is no program '{program}' (util-linux, iproute2)"
    tried = subprocess.run([*_NAMESPACE, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() or "namespaces cannot be made here" if tried.returncode else ""


def run_trapped(command: Sequence[str], environment: Mapping[str, str], folder: Path, timeout_s: float) -> Trapped:
    """Run a command in the trap, in `folder`. Raises subprocess.TimeoutExpired, and OSError where there is no trap."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        watcher = [sys.executable, str(Path(__file__)), str(report), str(folder), str(timeout_s)]
        words = [*_NAMESPACE, *watcher, *command]
        done = subprocess.run(words, env=dict(environment), capture_output=True, text=True, check=False)
        if not report.exists():
            raise OSError(f"no trap could be set: {done.stderr.strip()}")
        notes = json.loads(report.read_text(encoding="utf-8"))
    if notes["exit_code"] is None:
        raise subprocess.TimeoutExpired(list(command), timeout_s)
    return Trapped(notes["exit_code"], notes["said"], tuple(notes["look_ups"]), tuple(notes["calls"]))


_NAMESPACE = ("unshare", "--user", "--map-root-user", "--net", "--mount")


class _Trap:
    """Inside the namespace."""

    def __init__(self) -> None:
        """Make every address this machine's own, and every name be asked of it. Raises OSError."""
        for words in ("link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo"):
            done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
            if done.returncode and "-6" not in words:  # a kernel without IPv6 calls nobody by it
                raise OSError(done.stderr.strip())
        _replace("/etc/nsswitch.conf", "hosts: files dns\n")  # no daemon outside is asked, systemd-resolved for one
        _replace("/etc/resolv.conf", "nameserver 192.0.2.53\n")
        self.look_ups: list[str] = []
        self.calls: list[str] = []
        self._packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        self._packets.bind(("lo", 0))
        self._questions = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._questions.bind(("0.0.0.0", _DNS))  # noqa: S104 - in a namespace of its own
        for task in (self._answer, self._watch):
            threading.Thread(target=task, daemon=True).start()

    def _answer(self) -> None:
        while True:
            question, sender = self._questions.recvfrom(4096)
            _, end = _name_in(question)
            asked_for = struct.unpack_from(">H", question, end)[0]
            header = question[:2] + struct.pack(">5H", 0x8180, 1, int(asked_for == 1), 0, 0)
            record = struct.pack(">3HIH", 0xC00C, 1, 1, 60, 4) + _ANSWER if asked_for == 1 else b""
            self._questions.sendto(header + question[12 : end + 4] + record, sender)

    def _watch(self) -> None:
        while True:
            packet, (_, protocol, kind, *_) = self._packets.recvfrom(65536)
            if kind == socket.PACKET_OUTGOING and packet:  # else each would be seen twice: it arrives here as well
                self._note(packet, protocol)

    def _note(self, packet: bytes, protocol: int) -> None:
        if protocol == 0x0800:
            transport, start = packet[9], (packet[0] & 15) * 4
            target, family = packet[16:20], socket.AF_INET
        elif protocol == 0x86DD:
            transport, start, target, family = packet[6], 40, packet[24:40], socket.AF_INET6
        else:
            return
        if transport not in (_TCP, _UDP):  # the kernel's own housekeeping
            return
        source_port, port = struct.unpack_from(">HH", packet, start)
        address = socket.inet_ntop(family, target)
        if port == _DNS and transport == _UDP:
            self.look_ups.append(_name_in(packet[start + 8 :])[0])
        elif transport == _TCP and packet[start + 13] & 0x12 == 0x02 and not _is_loopback(address):  # SYN, not its echo
            self.calls.append(f"tcp {address}:{port}")
        elif transport == _UDP and source_port != _DNS and not _is_loopback(address):
            self.calls.append(f"udp {address}:{port}")


def _is_loopback(address: str) -> bool:
    return address == "::1" or address.startswith("127.")


def _name_in(message: bytes) -> tuple[str, int]:
    """Return the name that a DNS message asks for, and where it ends."""
    labels, place = [], 12
    while message[place]:
        labels.append(message[place + 1 : place + 1 + message[place]].decode("ascii", "replace"))
        place += 1 + message[place]
    return ".".join(labels), place + 1


def _replace(path: str, text: str) -> None:
    """Let a file say something else, in this namespace only."""
    if not Path(path).exists():
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", delete=False) as own:
        own.write(text)
    done = subprocess.run(["mount", "--bind", own.name, path], capture_output=True, text=True, check=False)
    Path(own.name).unlink()
    if done.returncode:
        raise OSError(done.stderr.strip())


def _inside(report: Path, folder: str, timeout_s: float, command: Sequence[str]) -> None:
    trap = _Trap()
    exit_code: int | None = None
    said = b""
    try:
        done = subprocess.run(
            command, cwd=folder, timeout=timeout_s, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        exit_code, said = done.returncode, done.stdout
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
    time.sleep(_LAST_PACKETS_S)
    notes = {"exit_code": exit_code, "said": said.decode(errors="replace"), "look_ups": trap.look_ups}
    report.write_text(json.dumps({**notes, "calls": trap.calls}), encoding="utf-8")


if __name__ == "__main__":
    _inside(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4:])
