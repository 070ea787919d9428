"""Knobs, faders and keys: bytes read by mido, from a device that the test plugs in and out."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.commands import devices
from realtime.control.channel import ControlChannel
from realtime.control.commands import ChooseEffect, SetPaused, StepEffect
from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.remote.midi import device as midi_device
from realtime.remote.midi.control import MidiControl
from realtime.remote.midi.learning import Learner
from realtime.remote.midi.map import Binding, Control, parse_binding, parse_table, table_of
from realtime.remote.midi.ports import MachinePorts, Receive
from realtime.session.option_reading import from_table
from tests.remote.test_osc import Dials, next_command, until

mido = pytest.importorskip("mido", reason="the extra midi is not installed")

CC, NOTE_ON, NOTE_OFF, WHEEL = 0xB0, 0x90, 0x80, 0xE0


class Motors:
    """The device's other direction."""

    def __init__(self, desk: Desk) -> None:
        self.send = desk.send

    def close(self) -> None:
        pass


class Desk:
    """A device, and all that the system knows of MIDI."""

    def __init__(self) -> None:
        self.plugged = ["Midi Through:Midi Through Port-0 14:0", "nanoKONTROL2:nanoKONTROL2 MIDI 1 24:0"]
        self.parser = mido.Parser()
        self.receive: Receive | None = None
        self.heard: list[Any] = []
        self.opened: list[str] = []
        self.broken = False
        self.sends_back = False

    def input_names(self) -> list[str]:
        return self.plugged

    def output_names(self) -> list[str]:
        return [name.replace("24:0", "24:1") for name in self.plugged]

    def open_input(self, name: str, receive: Receive) -> Desk:
        self.opened.append(name)
        self.receive = receive
        return self

    def open_output(self, name: str) -> Motors:
        self.opened.append(name)
        return Motors(self)

    def send(self, message: Any) -> None:
        if self.broken:
            raise OSError("the wire is broken")
        self.heard.append(message)
        if self.sends_back:
            self.play(*message.bytes())

    def close(self) -> None:
        self.receive = None

    def play(self, *data: int) -> None:
        self.parser.feed(data)
        for message in self.parser:
            if self.receive is not None:
                self.receive(message)


class Stage:
    """A run's parameters, and a device at them."""

    def __init__(self, channel: ControlChannel, desk: Desk, control: MidiControl) -> None:
        self.channel, self.desk, self.control = channel, desk, control

    def turn(self, controller: int, *values: int) -> None:
        """Move a knob, slowly enough that each of its positions counts."""
        for value in values:
            self.desk.play(CC, controller, value)
            self.settle()

    def settle(self) -> None:
        """Until all that came before has been taken: a key of its own is the last of it."""
        self.desk.play(NOTE_ON, 127, 1)
        assert next_command(self.channel) == SetPaused()

    def is_now(self, name: str, value: object) -> bool:
        return self.channel.parameters.get(f"dials.{name}") == value

    def told(self, kind: str) -> list[int]:
        return [one.value if kind == "control_change" else one.velocity for one in self.desk.heard if one.type == kind]


@contextlib.contextmanager
def stage(*bindings: str, learn: Path | None = None, soft: bool = True, desk: Desk | None = None) -> Iterator[Stage]:
    channel, desk = ControlChannel(), desk or Desk()
    channel.parameters.hold("dials", Parameters(Dials()))
    map_ = [parse_binding(one) for one in (*bindings, "note 1.127=pause")]
    control = MidiControl(channel, "NANO", map_, learn, soft=soft, ports=desk)
    control.start()
    try:
        if len(desk.plugged) > 1:
            until(lambda: len(desk.opened) == 2)
        yield Stage(channel, desk, control)
    finally:
        control.close()


def test_a_knob_moves_nothing_until_it_passes_the_value() -> None:
    with stage("cc 1.20=dials.strength") as on:
        on.turn(20, 0, 30)
        assert on.is_now("strength", 0.5), "it stands elsewhere"
        on.turn(20, 80)
        assert on.is_now("strength", 80 / 127), "it has passed it"
        on.turn(20, 120)
        assert on.is_now("strength", 120 / 127), "and keeps hold of it"
        on.channel.parameters.set("dials.strength", 0.2)
        on.turn(20, 127)
        assert on.is_now("strength", 0.2), "somebody else has moved it away"


def test_a_knob_within_two_steps_of_the_value_has_it() -> None:
    with stage("cc 1.20=dials.strength") as on:
        on.turn(20, 62)
        assert on.is_now("strength", 62 / 127)


def test_what_a_knob_was_told_is_not_where_it_stands() -> None:
    """A knob without a motor hears of 0.8 and goes on to stand at 30 of 127: a touch must not count as passing."""
    with stage("cc 1.20=dials.strength") as on:
        on.turn(20, 30)
        on.channel.parameters.set("dials.strength", 0.8)
        until(lambda: 102 in on.told("control_change"))
        on.turn(20, 31)
        assert on.is_now("strength", 0.8)
        on.turn(20, 110)
        assert on.is_now("strength", 110 / 127)


def test_what_comes_back_of_what_was_told_moves_nothing() -> None:
    desk = Desk()
    desk.sends_back = True
    with stage("cc 1.20=dials.strength", "note 1.61=dials.on", desk=desk) as on:
        on.turn(20, 10)
        on.channel.parameters.set("dials.strength", 0.8)
        on.channel.parameters.set("dials.on", True)
        until(lambda: 102 in on.told("control_change") and 127 in on.told("note_on"))
        on.settle()
        assert on.is_now("strength", 0.8), "not 102 of 127"
        assert on.is_now("on", True), "not the other way again"
        on.turn(20, 11)
        assert on.is_now("strength", 0.8), "nor is the knob where the value is"


def test_take_over_can_be_switched_off() -> None:
    with stage("cc 1.20=dials.strength", soft=False) as on:
        on.turn(20, 127)
        assert on.is_now("strength", 1.0)


def test_a_knob_has_hold_of_whole_numbers_and_choices_between_its_steps() -> None:
    with stage("cc 1.20=dials.count", "cc 1.21=dials.way", "cc 1.22=dials.on") as on:
        on.turn(20, 30, 127)  # 30 of 127 is 2.9 of 1..9, its value is 3
        assert on.is_now("count", 9)
        on.turn(21, 10, 127)
        assert on.is_now("way", "right")
        on.turn(22, 127)
        assert on.is_now("on", True)
        on.turn(22, 0)
        assert on.is_now("on", False)


def test_a_range_turns_round_and_fourteen_bits_are_one() -> None:
    with stage("cc14 1.3=dials.strength 1..0") as on:
        on.turn(35, 127)
        assert on.is_now("strength", 0.5), "lower bits without upper ones say nothing"
        on.desk.play(CC, 3, 64, CC, 35, 1)
        on.settle()
        assert on.is_now("strength", pytest.approx(1 - 8193 / 16383))
        on.desk.play(CC, 3, 127, CC, 35, 127)
        on.settle()
        assert on.is_now("strength", 0.0)
        on.desk.heard.clear()
        on.channel.parameters.set("dials.strength", 0.25)
        until(lambda: len(on.desk.heard) == 2)
        assert [(one.control, one.value) for one in on.desk.heard] == [(3, 12287 >> 7), (35, 12287 & 127)]


def test_keys_are_buttons_and_switches_and_the_wheel_is_a_knob() -> None:
    with stage(
        "note 1.60=next-effect", "note 1.61=dials.on", "note 1.62=dials.way", "note 1.63=effect style:night",
        "note 2.64=dials.strength 0.25..0.25", "pitch 1=dials.strength",
    ) as on:  # fmt: skip
        on.desk.play(NOTE_ON, 60, 90, NOTE_ON, 60, 0, NOTE_OFF, 60, 0, NOTE_ON, 63, 1)
        assert next_command(on.channel) == StepEffect(1)
        assert next_command(on.channel) == ChooseEffect("style:night"), "a key let go is none"
        on.desk.play(NOTE_ON, 61, 90, NOTE_ON, 61, 0, NOTE_ON, 62, 90)
        on.settle()
        assert on.is_now("on", True)
        assert on.is_now("way", "right")
        until(lambda: 127 in on.told("note_on"))  # its lamp
        on.desk.play(WHEEL, 0, 63)
        on.settle()
        on.desk.play(WHEEL, 127, 127)
        on.settle()
        assert on.is_now("strength", 1.0)
        on.desk.play(NOTE_ON | 1, 64, 1)
        on.settle()
        assert on.is_now("strength", 0.25)


def test_a_controller_is_a_button_once_for_each_press() -> None:
    with stage("cc 1.40=next-effect") as on:
        on.desk.play(CC, 40, 127, CC, 40, 127, CC, 40, 0, CC, 40, 100)
        assert [next_command(on.channel) for _ in range(2)] == [StepEffect(1)] * 2
        on.settle()


def test_values_are_told_to_what_has_motors_but_not_to_the_hand_that_moves_them() -> None:
    with stage("cc 1.20=dials.strength", "cc 1.21=dials.strength") as on:
        until(lambda: len(on.desk.heard) == 2)
        assert [(one.control, one.value) for one in on.desk.heard] == [(20, 64), (21, 64)], "all values at first"
        on.desk.heard.clear()
        on.turn(20, 63, 100)
        until(lambda: on.desk.heard and on.desk.heard[-1].value == 100)
        assert {one.control for one in on.desk.heard} == {21}
        on.desk.heard.clear()
        on.channel.parameters.hold("dials", Parameters(Dials(strength=0.25)))
        on.control.look_after()
        until(lambda: on.told("control_change")[-2:] == [32, 32])


def test_a_broken_output_leaves_the_knobs_alone(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    desk.broken = True
    with stage("cc 1.20=dials.strength", soft=False, desk=desk) as on:
        on.turn(20, 127)
        assert on.is_now("strength", 1.0)
    assert "cannot be told values: the wire is broken" in caplog.text


def test_a_knob_is_learned_and_written_as_a_preset(tmp_path: Path) -> None:
    path = tmp_path / "learned.toml"
    with stage("note 1.60=next-effect", learn=path) as on:
        on.turn(20, 10, 60)
        assert not path.exists(), "nothing was changed yet"
        on.channel.parameters.set("dials.strength", 0.6)
        on.turn(22, 64, 65)  # it trembles
        on.turn(20, 62, 70)
        until(lambda: on.channel.message)
        assert on.channel.message == "cc 1.20 moves dials.strength now"
        on.turn(20, 80)
        assert on.is_now("strength", 80 / 127)
        on.channel.parameters.set("dials.count", 5)
        on.desk.play(CC, 1, 64, CC, 33, 5)
        on.settle()
        on.desk.play(CC, 1, 90, CC, 33, 99)
        until(lambda: on.channel.message == "cc14 1.1 moves dials.count now")
        on.channel.parameters.set("dials.on", True)
        on.desk.play(NOTE_ON, 50, 64)
        until(lambda: on.channel.message == "note 1.50 moves dials.on now")
    table = tomllib.loads(path.read_text("utf-8"))
    assert table == {
        "midi": {
            "device": "NANO", "note 1.60": "next-effect", "note 1.127": "pause", "cc 1.20": "dials.strength",
            "cc14 1.1": "dials.count", "note 1.50": "dials.on",
        }
    }  # fmt: skip
    assert from_table(table, "preset", tmp_path)["midi"] == "NANO"
    with stage(learn=path) as on:
        on.turn(20, 60, 70)
        assert on.is_now("strength", 70 / 127), "what was learned before is still known"


def test_a_knob_touched_much_later_is_not_meant(tmp_path: Path) -> None:
    now_s = [0.0]
    learner = Learner(tmp_path / "learned.toml", lambda: now_s[0])
    knob = Control("cc", 1, 20)
    assert learner.moved({knob: 0.1}) is None
    learner.changed("dials.on")
    now_s[0] = 11.0
    assert learner.moved({knob: 0.9}) is None
    learner.changed("dials.on")
    assert learner.moved({knob: 0.91}) is None
    assert learner.moved({knob: 0.8}) == (knob, "dials.on")
    assert learner.moved({knob: 0.1}) is None, "one knob for one change"


def test_a_file_that_holds_more_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "show.toml"
    path.write_text('effect = ["none"]\n', encoding="utf-8")
    with pytest.raises(OptionError, match="holds more than a table"):
        Learner(path)
    assert path.read_text("utf-8") == 'effect = ["none"]\n'


def test_a_map_that_cannot_be_kept_is_said_and_the_knob_works(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with stage(learn=folder / "learned.toml") as on:
        folder.rmdir()
        on.channel.parameters.set("dials.strength", 0.6)
        on.turn(20, 60, 70)
        until(lambda: on.channel.message)
        assert "moves dials.strength now, but only for this time: cannot write" in on.channel.message
        on.turn(20, 80)
        assert on.is_now("strength", 80 / 127)


def test_a_device_that_comes_back_is_found_by_its_name(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(midi_device, "LOOK_EVERY_S", 0.01)
    desk = Desk()
    nano = desk.plugged.pop()
    with stage("cc 1.20=dials.strength", desk=desk) as on:
        until(lambda: "no device 'NANO'; there are: Midi Through:Midi Through Port-0 14:0" in caplog.text)
        assert on.control.facts() == (("midi", "NANO is not there"),)
        desk.plugged.append(nano)
        until(lambda: desk.opened == [nano, nano.replace("24:0", "24:1")])
        on.turn(20, 30)
        desk.plugged.pop()
        until(lambda: f"{nano} is gone" in caplog.text)
        desk.plugged.append(nano.replace("24:0", "28:0"))
        until(lambda: len(desk.opened) == 4)
        on.turn(20, 127)
        assert on.is_now("strength", 0.5), "where it stood before it was pulled out is not known"
        on.turn(20, 20)
        assert on.is_now("strength", 20 / 127)
    assert caplog.text.count("no device") == 2, "once each time it goes"


def test_what_is_wrong_with_a_control_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with stage("cc 1.20=dials.words", "cc 1.21=dials.first", "cc 1.22=nobody.there", "cc 1.23=dials.strength") as on:
        for controller in (20, 21, 22):
            on.turn(controller, 1, 64, 127)
        on.turn(23, 63, 127)
        assert on.is_now("strength", 1.0)
    for line in ("cc 1.20: takes a text; no control", "cc 1.21: has no range of its own", "cc 1.22: nothing called"):
        assert caplog.text.count(line) == 1, line


def test_of_a_flood_the_newest_position_counts_and_nothing_queues() -> None:
    with stage("cc 1.20=dials.strength", soft=False) as on:
        for value in range(20_000):
            on.desk.play(CC, 20, value % 128)
        on.turn(20, 100)
        assert on.is_now("strength", 100 / 127)
        assert len(on.desk.heard) < 100, "the hand that moves it is not told"


def test_what_is_no_control_moves_nothing() -> None:
    with stage("cc 1.20=dials.strength") as on:
        on.desk.play(0xF8, 0xFE, 0xC0, 5, 0xD0, 9, 0xA0, 60, 5, 0xF0, 1, 2, 3, 0xF7, 0xF2, 1, 2, 0x55, 0x66)
        on.turn(20, 63, 127)
        assert on.is_now("strength", 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cc 17.1=dials.on", "is no control"),
        ("cc 1.128=dials.on", "is no control"),
        ("cc14 1.32=dials.on", "is no control"),
        ("knob=dials.on", "is no control"),
        ("cc 1.1", "write it as"),
        ("cc 1.1=nxt-effect", "did you mean 'next-effect'"),
        ("cc 1.1=dials.on 1", "write a range"),
        ("cc 1.1=dials.on 0..nan", "write a range"),
        ("note 1.1=quit 0..1", "quit takes nothing after it"),
        ("note 1.1=effect", "effect takes a text"),
        ("note 1.1=pause perhaps", "yes or no"),
    ],
)
def test_bindings_that_say_nothing_are_one_line(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        parse_binding(text)


def test_a_table_is_read_as_it_is_written(tmp_path: Path) -> None:
    texts = {"cc 1.20": "style.strength 0.2..1.0", "pitch 16": "label.size", "note 1.60": "pause yes"}
    device, bindings = parse_table({"device": "nano", **texts})
    assert bindings[0] == (Control("cc", 1, 20), Binding("style.strength", 0.2, 1.0))
    assert table_of("nano", dict(bindings)) == {"device": device, **texts}
    with pytest.raises(OptionError, match=r"all.toml: midi: cc 1.1: write a text"):
        from_table({"midi": {"cc 1.1": 3}}, "all.toml", tmp_path)


def test_a_parameter_that_no_effect_has_is_refused_at_the_start() -> None:
    bindings = [parse_binding("cc 1.20=style.strenth")]
    with pytest.raises(OptionError, match=r"style.strenth: no parameter that moves \(did you mean 'strength'"):
        MidiControl(ControlChannel(), "nano", bindings, ports=Desk())


def missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmidi", None)


def missing_sequencer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.remote.midi.ports._SEQUENCER", "/nowhere/seq")


@pytest.mark.parametrize(
    ("what", "line"),
    [
        (missing_packages, "pip install 'realtime-effects[midi]'"),
        pytest.param(
            missing_sequencer, "sudo modprobe snd-seq",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux'"),
        ),
    ],
)  # fmt: skip
def test_devices_are_listed_where_there_is_no_midi_too(
    what: Callable[[pytest.MonkeyPatch], None],
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for others in ("camera_lines", "virtual_camera_lines", "screen_lines", "sound_lines"):
        monkeypatch.setattr(devices, others, list)
    what(monkeypatch)
    assert devices.run(argparse.Namespace()) == 0
    assert line in capsys.readouterr().out


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux'")
def test_a_run_goes_on_where_the_sequencer_may_still_come(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(midi_device, "LOOK_EVERY_S", 0.01)
    missing_sequencer(monkeypatch)
    control = MidiControl(ControlChannel(), "nano", ports=MachinePorts())
    control.start()
    until(lambda: "sudo modprobe snd-seq; it is tried again" in caplog.text)
    control.close()
    assert caplog.text.count("modprobe") == 1
