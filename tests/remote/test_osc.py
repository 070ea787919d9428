"""OSC over real UDP on this machine: values taken and told, the newest only, and nothing for hostile packets."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Literal

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from realtime.__main__ import main
from realtime.control.channel import ControlChannel
from realtime.control.commands import NAMED_COMMANDS, Command, SaveSnapshot, SetPaused, StepEffect
from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.core.settings import setting
from realtime.pipeline.processing import Limits
from realtime.remote.address import LOOPBACK, Address
from realtime.remote.osc.control import _MOST_ADDRESSES, OscControl, _is_near
from realtime.remote.osc.messages import address_of, arguments_of, messages_in
from tests.doubles import DrawnCamera, KeepingOutput
from tests.test_live_control import Grey
from tests.test_loop import make_loop


@dataclasses.dataclass(frozen=True)
class Dials:
    strength: float = field(default=0.5, metadata=setting("how much", least=0, most=1, step=0.1, unit="%", live=True))
    count: int = field(default=3, metadata=setting("how many", least=1, most=9, step=1, live=True))
    on: bool = field(default=False, metadata=setting("whether", live=True))
    way: Literal["left", "right"] = field(default="left", metadata=setting("where to", live=True))
    words: str = field(default="", metadata=setting("what it says", live=True))
    first: float = field(default=1.0, metadata=setting("only at the start"))


class Desk:
    """Somebody who sends and hears."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((LOOPBACK, 0))
        self.socket.settimeout(10)
        self.address = Address(*self.socket.getsockname())

    def heard(self) -> tuple[str, object]:
        message = OscMessage(self.socket.recv(65536))
        (value,) = message.params
        return message.address, round(value, 5) if isinstance(value, float) else value


@contextlib.contextmanager
def run(*tell: Address) -> Iterator[tuple[ControlChannel, OscControl, Callable[[bytes], int]]]:
    channel = ControlChannel()
    channel.parameters.hold("dials", Parameters(Dials()))
    control = OscControl(channel, Address(LOOPBACK, 0), tell)
    control.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        try:
            yield channel, control, lambda data: sender.sendto(data, (LOOPBACK, control.port))
        finally:
            control.close()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.socket.close()


def message(address: str, *values: object) -> bytes:
    return build_msg(f"/realtime/{address}", list(values)).dgram


def until(condition: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline_s, "it does not come about"
        time.sleep(0.002)


def next_command(channel: ControlChannel) -> Command:
    found: list[Command] = []

    def there() -> bool:
        command = channel.next_command()
        found.extend([command] if command is not None else [])
        return bool(found)

    until(there)
    return found[0]


@pytest.mark.parametrize(
    ("path", "sent", "expected"),
    [
        ("strength", 0.75, 0.75),
        ("strength", 1, 1.0),
        ("strength", 7.5, 1.0),
        ("strength", "0.25", 0.25),
        ("strength", True, 1.0),
        ("count", 4.4, 4),
        ("count", -100, 1),
        ("on", 1.0, True),
        ("on", True, True),
        ("on", "yes", True),
        ("way", "right", "right"),
        ("way", 1, "right"),
        ("words", "grüß", "grüß"),
    ],
)
def test_a_value_is_taken_as_its_parameter_is_and_clipped(path: str, sent: object, expected: object) -> None:
    with run() as (channel, _, send):
        send(message(f"dials/{path}", sent))
        until(lambda: channel.parameters.get(f"dials.{path}") == expected)


def test_steps_each_count_and_a_bundle_is_taken_in_its_order() -> None:
    with run() as (channel, _, send):
        bundle = OscBundleBuilder(IMMEDIATELY)
        for steps in (2, 2, -1):
            bundle.add_content(build_msg("/realtime/dials/count/step", [steps]))
        outer = OscBundleBuilder(IMMEDIATELY)
        outer.add_content(bundle.build())
        send(outer.build().dgram)
        until(lambda: channel.parameters.get("dials.count") == 6)


def test_commands_are_sent_and_a_button_let_go_is_none() -> None:
    with run() as (channel, _, send):
        send(message("next-effect", 1.0))
        send(message("next_effect", 0.0))
        assert next_command(channel) == StepEffect(1)
        send(message("pause", 1.0))
        assert next_command(channel) == SetPaused(on=True)
        send(message("pause"))
        assert next_command(channel) == SetPaused(on=None)
        send(message("snapshot"))
        assert next_command(channel) == SaveSnapshot()


def test_what_is_wrong_is_said_once_for_each_address(caplog: pytest.LogCaptureFixture) -> None:
    with run() as (channel, _, send):
        for _ in range(20):
            send(message("dials/strenght", 1.0))
            send(message("dials/strength", "loud"))
            send(message("dials/first", 0.5))
            send(message("dials/on", 1, 2))
            send(message("dials/way", 7))
            time.sleep(0.005)
        send(message("dials/count", 9))
        until(lambda: channel.parameters.get("dials.count") == 9)
    said = [record.getMessage() for record in caplog.records if record.name == "realtime.remote.osc.control"]
    assert sorted(said) == [
        "osc /realtime/dials/first: dials.first: first cannot change while it runs; give it at the start, "
        "--set EFFECT.first=…",
        "osc /realtime/dials/on: takes one value, yes or no; 2 came",
        "osc /realtime/dials/strenght: no such address now; 'realtime osc' lists them",
        "osc /realtime/dials/strength: dials.strength: strength takes a number, not 'loud'",
        "osc /realtime/dials/way: dials.way: way takes left or right, not '7'",
    ]


def test_only_the_newest_waits_where_taking_is_slow() -> None:
    with run() as (channel, _, send):
        taken: list[object] = []
        go_on = threading.Event()

        def slow(path: str, value: object) -> None:
            taken.append(value)
            go_on.wait(20)

        channel.parameters.listen(slow)
        send(message("dials/strength", 0.0))
        until(lambda: taken == [0.0])
        for number in range(1, 301):
            send(message("dials/strength", number / 400))
            time.sleep(0.0002)
        time.sleep(0.1)  # longer than any burst takes to be read
        go_on.set()
        until(lambda: channel.parameters.get("dials.strength") == 0.75)
        assert taken == [0.0, 0.75]


def test_a_change_from_elsewhere_is_told_and_one_of_the_desk_is_not(desk: Desk) -> None:
    with run(desk.address) as (channel, _, send):
        send(message("dials/strength", 0.25))
        until(lambda: channel.parameters.get("dials.strength") == 0.25)
        channel.parameters.set("dials.on", True)
        assert desk.heard() == ("/realtime/dials/on", 1), "0.25 came from this host and is not told it"
        send(message("dials/strength", 2.0))
        assert desk.heard() == ("/realtime/dials/strength", 1.0), "the fader shall stand where the value is"


def test_only_the_newest_is_told_and_not_more_often_than_motors_move(desk: Desk) -> None:
    with run(desk.address) as (channel, _, _):
        began_s = time.monotonic()
        for number in range(1001):
            channel.parameters.set("dials.strength", number / 1000)
        heard = [desk.heard()]
        while heard[-1] != ("/realtime/dials/strength", 1.0):
            heard.append(desk.heard())
        assert len(heard) <= 2 + (time.monotonic() - began_s) / 0.02


def test_refresh_tells_everything_to_the_desk_and_to_who_asks(desk: Desk) -> None:
    asking = Desk()
    with run(desk.address) as (_, control, _):
        asking.socket.sendto(message("refresh"), (LOOPBACK, control.port))
        expected = {
            "/realtime/dials/strength": 0.5, "/realtime/dials/count": 3, "/realtime/dials/on": 0,
            "/realtime/dials/way": "left", "/realtime/dials/words": "",
        }  # fmt: skip
        assert dict(desk.heard() for _ in expected) == expected
        assert dict(asking.heard() for _ in expected) == expected
    asking.socket.close()


def test_an_effect_that_comes_is_told(desk: Desk) -> None:
    with run(desk.address) as (channel, control, _):
        control.look_after()
        # Among the values and the states of commands, in whatever order they come.
        assert any(desk.heard()[0] == "/realtime/dials/strength" for _ in range(20))
        channel.parameters.hold("more", Parameters(Dials(count=7)))
        control.look_after()
        assert any(desk.heard() == ("/realtime/more/count", 7) for _ in range(20))


def _hostile(rng: random.Random) -> bytes:
    good = message("dials/strength", rng.random())
    match rng.randrange(8):
        case 0:
            return rng.randbytes(rng.randrange(200))
        case 1:
            return b"#bundle\0" + rng.randbytes(rng.randrange(60))
        case 2:
            data = message("dials/words", "a" * 20)
            for _ in range(40):
                data = b"#bundle\0" + bytes(8) + len(data).to_bytes(4, "big") + data
            return data
        case 3:
            return good[: rng.randrange(len(good))]
        case 4:
            return b"/realtime/dials/strength\0\0\0\0," + b"[" * rng.randrange(1000) + b"\0"
        case 5:
            return (b"/realtime/dials/strength\0\0\0\0,f\0\0" + b"\x7f\xc0\0\0")[: rng.randrange(33, 37)]
        case 6:
            return b"/" * rng.randrange(1, 60_000)
        case _:
            position = rng.randrange(len(good))
            return good[:position] + rng.randbytes(1) + good[position + 1 :]


def test_hostile_packets_leave_it_answering() -> None:
    rng = random.Random(14)  # noqa: S311 - packets that can be repeated
    with run() as (channel, _, send):
        for number in range(3000):
            send(_hostile(rng))
            if number % 50 == 0:
                time.sleep(0.005)
        time.sleep(0.1)
        send(message("dials/count", 8))
        until(lambda: channel.parameters.get("dials.count") == 8)
        strength = channel.parameters.get("dials.strength")
        assert isinstance(strength, float)
        assert 0 <= strength <= 1


def test_nothing_is_read_that_is_too_much() -> None:
    deep = message("dials/on", 1)
    for _ in range(5):
        deep = b"#bundle\0" + bytes(8) + len(deep).to_bytes(4, "big") + deep
    assert list(messages_in(deep)) == []
    one = message("dials/on", 1)
    wide = b"#bundle\0" + bytes(8) + (len(one).to_bytes(4, "big") + one) * 1000
    assert len(list(messages_in(wide))) == 255
    assert address_of(b"/" + b"a" * 300 + b"\0") == b""
    with pytest.raises(OptionError):
        arguments_of(b"/a\0\0,bbb\0\0\0\0")


def test_a_million_addresses_take_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    channel = ControlChannel()
    channel.parameters.hold("dials", Parameters(Dials()))
    control = OscControl(channel, Address(LOOPBACK, 0))
    try:
        sender = (LOOPBACK, 1)
        packet = type("Packet", (tuple,), {})
        for start in range(0, 1_000_000, 250):
            elements = [b"/realtime/a/%d\0" % number for number in range(start, start + 250)]
            bundle = b"#bundle\0" + bytes(8) + b"".join(len(one).to_bytes(4, "big") + one for one in elements)
            control._keep([packet((bundle, sender))])
        assert len(control._kept) == _MOST_ADDRESSES
        control._keep([packet((message("dials/count", 5), sender))])
        control.start()
        until(lambda: channel.parameters.get("dials.count") == 5)
    finally:
        control.close()
    said = [record for record in caplog.records if record.name == "realtime.remote.osc.control"]
    assert len(said) == 101, "a hundred, and that no more is said"


def test_who_is_near() -> None:
    near = ("127.0.0.1", "192.168.7.1", "10.1.2.3", "169.254.0.9", "fe80::1%eth0", "::1", "::ffff:192.168.0.4")
    assert [host for host in near if not _is_near(host)] == []
    far = ("8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8")
    assert [host for host in far if _is_near(host)] == []


def test_a_network_is_told_that_there_is_no_password(caplog: pytest.LogCaptureFixture) -> None:
    control = OscControl(ControlChannel(), Address("0.0.0.0", 0))  # noqa: S104
    control.start()
    control.close()
    assert "no password" in caplog.text


def test_a_port_that_is_taken_is_one_line(desk: Desk) -> None:
    with pytest.raises(OptionError, match=r"cannot listen there: .*; take another port"):
        OscControl(ControlChannel(), desk.address)


def test_no_command_has_an_address_of_osc_itself() -> None:
    assert "refresh" not in NAMED_COMMANDS


def test_the_list_has_every_live_parameter_and_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["osc", "--json"]) == 0
    found = {one["address"]: one for one in json.loads(capsys.readouterr().out)}
    assert {f"/realtime/{name}" for name in NAMED_COMMANDS} <= set(found)
    assert found["/realtime/style/strength"]["least"] == 0
    assert found["/realtime/style/strength"]["most"] == 1
    assert "/realtime/label/size" in found
    assert main(["osc", "--effect", "style"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("/realtime/style/", "    ")) for line in lines)
    assert main(["osc", "--effect", "styel"]) != 0


def test_what_is_sent_is_in_the_picture_within_two_frames() -> None:
    controls = ControlChannel()
    output = KeepingOutput()
    camera = DrawnCamera(live=True, fps=10)  # slow, so that a busy machine is not taken for a slow program
    made = make_loop(
        camera, [output], [Grey(Grey.Settings())], every_frame=False, controls=controls, limits=Limits(14, 20)
    )
    control = OscControl(controls, Address(LOOPBACK, 0))
    control.start()
    sent_at_s: list[float] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:

        def watch(processed: int) -> None:
            if processed >= 4 and not sent_at_s:
                sender.sendto(message("Grey/level", 99), (LOOPBACK, control.port))
                sent_at_s.append(time.monotonic())

        made.supervisor.on_processed = watch
        try:
            made.go()
        finally:
            control.close()
    after = [frame.pixels[0, 0, 0] for frame in output.frames if frame.captured_at_s > sent_at_s[0]]
    assert 99 in after
    assert after.index(99) <= 2
