"""What lamps show: of MIDI keys and controllers that give commands, and as OSC messages."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from realtime.control.channel import ControlChannel, ListedScene, ProgrammeStatus, Status
from realtime.control.commands import SetBlank
from realtime.remote.lamps import is_lit, states_of
from realtime.remote.midi.control import MidiControl
from realtime.remote.midi.map import parse_binding
from realtime.remote.midi.ports import Receive
from tests.remote.test_midi import CC, NOTE_OFF, NOTE_ON, Desk, Stage, stage
from tests.remote.test_osc import Desk as OscDesk
from tests.remote.test_osc import desk as desk
from tests.remote.test_osc import message, next_command, run, until

sockets = pytest.importorskip("mido.sockets", reason="the extra midi is not installed")

HANGS = ProgrammeStatus(("Day", "Night"), "Night", "Day", "18:30")
SHOWN = Status(
    blank=True, recording="a.mp4", virtual_camera="/dev/video9", spec="style:night", scene="Evening", programme=HANGS,
    background="background:blur",
)  # fmt: skip
SCENES = [ListedScene(3, "Evening", Path("3.toml"), None, ("none",))]


@pytest.mark.parametrize(
    ("command", "argument", "lit"),
    [
        ("blank", None, True),
        ("blank", "no", False),
        ("pause", None, False),
        ("pause", "no", True),
        ("record", "yes", True),
        ("in-calls", None, True),
        ("mirror", None, False),
        ("effect", "style:night", True),
        ("effect", "none", False),
        ("scene", "evening", True),
        ("scene", "3", True),
        ("scene", "4", False),
        ("background", "blur", True),
        ("background", "background:blur", True),
        ("background", "none", False),
        ("item", "Night", True),
        ("item", "Day", False),
        ("next-effect", None, None),
        ("snapshot", None, None),
    ],
)
def test_a_button_is_lit_where_what_it_asks_for_is_so(command: str, argument: str | None, lit: bool | None) -> None:
    assert is_lit(command, argument, states_of(SHOWN), lambda: SCENES) is lit


def test_nothing_chosen_lights_nothing() -> None:
    for command in ("effect", "scene", "item"):
        assert not is_lit(command, "", states_of(Status()), lambda: SCENES)
    assert is_lit("background", "none", states_of(Status()), lambda: SCENES)


def shows(on: Stage, status: Status) -> None:
    """What runs is so now, as the loop tells it four times a second."""
    on.channel.status = status
    on.control.look_after()


def lamps(desk: Desk) -> list[tuple[str, int, int]]:
    """Number and value of all that the device was told, but of the key that the stage itself uses."""
    told = [(one.type, *(one.bytes()[1:])) for one in desk.heard]
    return [one for one in told if one[1] != 127]


def test_keys_and_controllers_light_up_and_go_out() -> None:
    bindings = "note 1.60=blank", "cc 1.20=record", "note 1.61=effect style:night", "note 1.62=next-effect"
    with stage(*bindings) as on:
        shows(on, Status())
        until(lambda: len(lamps(on.desk)) == 3)
        assert sorted(lamps(on.desk)) == [("control_change", 20, 0), ("note_on", 60, 0), ("note_on", 61, 0)]
        on.desk.heard.clear()
        shows(on, SHOWN)
        until(lambda: len(lamps(on.desk)) == 3)
        assert sorted(lamps(on.desk)) == [("control_change", 20, 127), ("note_on", 60, 127), ("note_on", 61, 127)]
        on.desk.heard.clear()
        shows(on, Status(spec="style:night"))
        until(lambda: len(lamps(on.desk)) == 2)
        assert sorted(lamps(on.desk)) == [("control_change", 20, 0), ("note_on", 60, 0)]


def test_a_device_that_comes_back_is_lit_anew() -> None:
    with stage("note 1.60=blank") as on:
        shows(on, SHOWN)
        until(lambda: lamps(on.desk)[-1:] == [("note_on", 60, 127)])
        there, on.desk.plugged = on.desk.plugged, []
        until(lambda: not on.control._device.name)
        on.desk.heard.clear()
        on.desk.plugged = there
        until(lambda: lamps(on.desk))
        assert lamps(on.desk) == [("note_on", 60, 127)]


@pytest.mark.parametrize(("kind", "let_go"), [(NOTE_ON, NOTE_OFF), (CC, CC)])
def test_a_lamp_that_the_hand_has_changed_is_told_again(kind: int, let_go: int) -> None:
    """Many devices light a key while it is held, and put it out afterwards, whatever they were told."""
    with stage(f"{'note' if kind == NOTE_ON else 'cc'} 1.60=blank") as on:
        shows(on, SHOWN)
        until(lambda: lamps(on.desk)[-1:] and lamps(on.desk)[-1][2] == 127)
        on.desk.heard.clear()
        on.desk.play(let_go, 60, 0)
        until(lambda: lamps(on.desk))
        assert lamps(on.desk)[-1][2] == 127


def test_presses_in_quick_succession_all_count_beside_the_lamp() -> None:
    with stage("cc 1.60=blank") as on:
        shows(on, Status())
        until(lambda: lamps(on.desk))
        for blank in (True, False, True):
            on.desk.play(CC, 60, 127)
            assert next_command(on.channel) == SetBlank()
            on.desk.heard.clear()
            shows(on, Status(blank=blank))
            until(lambda blank=blank: lamps(on.desk)[-1:] == [("control_change", 60, 127 * blank)])  # type: ignore[misc]
            on.desk.heard.clear()
            on.desk.play(CC, 60, 0)
            if blank:  # else the lamp is out as it was told just before
                until(lambda: lamps(on.desk))
            time.sleep(0.06)  # sooner than a twentieth of a second afterwards it would be the lamp, sent back


def states_told(desk: OscDesk, count: int) -> set[tuple[str, object]]:
    return {desk.heard() for _ in range(count)}


def test_desks_are_told_what_is_on_and_what_is_chosen(desk: OscDesk) -> None:
    with run(desk.address) as (channel, control, _):
        control.look_after()
        first = states_told(desk, 5 + 8)
        assert {("/realtime/blank", 0), ("/realtime/record", 0), ("/realtime/effect", "")} <= first
        channel.status = SHOWN
        control.look_after()
        assert states_told(desk, 7) == {
            ("/realtime/blank", 1),
            ("/realtime/record", 1),
            ("/realtime/in-calls", 1),
            ("/realtime/effect", "style:night"),
            ("/realtime/background", "background:blur"),
            ("/realtime/scene", "Evening"),
            ("/realtime/item", "Night"),
        }
        channel.status = Status(spec="style:night", background="background:blur", scene="Evening", programme=HANGS)
        control.look_after()
        assert states_told(desk, 3) == {("/realtime/blank", 0), ("/realtime/record", 0), ("/realtime/in-calls", 0)}


def test_who_pressed_is_told_what_became_of_it(desk: OscDesk) -> None:
    with run(desk.address) as (channel, control, send):
        control.look_after()
        states_told(desk, 5 + 8)
        send(message("blank"))
        assert next_command(channel) == SetBlank(None)
        channel.status = Status(blank=True)
        control.look_after()
        assert desk.heard() == ("/realtime/blank", 1)


def test_a_switch_that_flickers_is_told_sixty_times_a_second_at_most(desk: OscDesk) -> None:
    """The newest wins."""
    with run(desk.address) as (channel, control, _):
        control.look_after()
        states_told(desk, 5 + 8)
        began_s = time.monotonic()
        for number in range(401):
            channel.status = Status(blank=number % 2 == 0)
            control.look_after()
        heard = [desk.heard()]
        desk.socket.settimeout(0.3)
        try:
            while True:
                heard.append(desk.heard())
        except TimeoutError:
            took_s = time.monotonic() - began_s
        assert heard[-1] == ("/realtime/blank", 1)
        assert len(heard) <= 2 + 60 * took_s


class WiredPorts:
    """A device at the other end of mido's own ports: its bytes go through a socket, read and written by mido."""

    def __init__(self) -> None:
        mine, its = socket.socketpair()
        self.machine, self.device = (sockets.SocketPort("", 0, conn=one) for one in (mine, its))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._receive: Receive = lambda message: None

    def input_names(self) -> list[str]:
        return ["nano over a wire"]

    output_names = input_names

    def open_input(self, name: str, receive: Receive) -> WiredPorts:
        assert name == "nano over a wire"
        self._receive = receive
        self._thread.start()
        return self

    def open_output(self, name: str) -> Any:
        assert name == "nano over a wire"
        return self.machine

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._ended.wait(0.005):
            for one in self.machine.iter_pending():
                self._receive(one)


def test_lamps_and_keys_go_through_midos_own_ports() -> None:
    from mido import Message

    channel, ports = ControlChannel(), WiredPorts()
    control = MidiControl(channel, "nano", [parse_binding("note 2.60=blank")], ports=ports)
    control.start()
    try:
        ports.device.send(Message("note_on", channel=1, note=60, velocity=90))
        assert next_command(channel) == SetBlank()
        channel.status = Status(blank=True)
        control.look_after()
        told: list[Any] = []
        lit = Message("note_on", channel=1, note=60, velocity=127)

        def is_lit_there() -> bool:
            told.extend(ports.device.iter_pending())
            return told[-1:] == [lit]

        until(is_lit_there)
        assert told[-1] == lit
    finally:
        control.close()
        for port in (ports.device, ports.machine):
            port.close()
            for file in (port._rfile, port._wfile):  # what its own `close` leaves open
                file.close()
