"""Parameters as data: one declaration, from which they are listed, read, set, told and shown."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from realtime.control.channel import ControlChannel
from realtime.control.commands import NextParameter, SetParameter, StepParameter
from realtime.control.parameters import NoSettings, Parameters, ParameterTree
from realtime.core.errors import OptionError
from realtime.core.settings import Kind, Value, parameters_of, setting
from realtime.disclosure.label import Label, LabelStyle
from realtime.effects import effect_class, effect_names
from tests.swap.conftest import moment


@dataclasses.dataclass(frozen=True)
class Sample:
    strength: float = field(default=1.0, metadata=setting("how much", least=0, most=1, step=0.1, unit="%", live=True))
    delay_ms: int = field(default=20, metadata=setting("how late", title="delay", least=0, unit="ms", live=True))
    shape: Literal["round", "square"] = field(default="round", metadata=setting("its form", live=True))
    light: bool = field(default=True, metadata=setting("whether", live=True))
    picture: Path | None = field(default=None, metadata=setting("of whom"))
    amount: float | None = field(default=None, metadata=setting("left to the model", least=0.5, step=0.05, live=True))


def test_all_that_a_front_end_needs_is_data() -> None:
    strength, delay, shape, light, picture, amount = Parameters(Sample())
    assert (strength.kind, strength.least, strength.most, strength.step, strength.default) == (
        Kind.NUMBER, 0, 1, 0.1, 1.0,
    )  # fmt: skip
    assert (delay.kind, delay.title, delay.unit, delay.help) == (Kind.WHOLE_NUMBER, "delay", "ms", "how late")
    assert (shape.kind, shape.choices) == (Kind.CHOICE, ("round", "square"))
    assert (light.kind, picture.kind, picture.live, amount.optional) == (Kind.SWITCH, Kind.FILE, False, True)


@pytest.mark.parametrize(
    ("name", "value", "becomes"),
    [
        ("strength", 0.25, 0.25),
        ("strength", "0.25", 0.25),
        ("strength", 7, 1.0),
        ("strength", -0.001, 0.0),
        ("delay_ms", "40", 40),
        ("delay_ms", -3, 0),
        ("shape", "SQUARE", "square"),
        ("light", "off", False),
        ("amount", 0.1, 0.5),
        ("amount", "none", None),
    ],
)
def test_what_is_set_is_there_and_within_its_range(name: str, value: object, becomes: Value) -> None:
    parameters = Parameters(Sample())
    assert parameters.set(name, value) == becomes
    assert parameters.get(name) == getattr(parameters.values, name) == becomes
    assert type(parameters.get(name)) is type(becomes)


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("strenght", 1, r"no parameter 'strenght' \(did you mean 'strength'\?\)"),
        ("zzz", 1, "there are: strength, delay_ms"),
        ("strength", "much", "strength takes a number, not 'much'"),
        ("strength", float("nan"), "not 'nan'"),
        ("shape", "oval", "shape takes round or square, not 'oval'"),
        ("light", 3, "light takes yes or no"),
        ("picture", "x.png", "picture cannot change while it runs"),
    ],
)
def test_what_cannot_be_set_is_one_line_and_changes_nothing(name: str, value: object, line: str) -> None:
    parameters = Parameters(Sample())
    with pytest.raises(OptionError, match=line) as caught:
        parameters.set(name, value)
    assert "\n" not in str(caught.value)
    assert parameters.values == Sample()


def test_steps_end_at_the_range_and_do_not_add_up_errors() -> None:
    parameters = Parameters(Sample(strength=0.0))
    for _ in range(7):
        parameters.step("strength", 1)
    assert parameters.get("strength") == 0.7
    assert parameters.step("strength", 100) == 1.0
    assert parameters.step("amount", 3) is None, "what is left to the model has no next step"
    assert parameters.changed == {"strength": 1.0}


def test_a_part_reads_one_value_a_frame() -> None:
    parameters = Parameters(Sample())
    now = parameters.values
    parameters.set("strength", 0.5)
    assert now.strength == 1.0
    assert parameters.values.strength == 0.5
    assert parameters.values is parameters.values


def test_whoever_listens_is_told_until_it_ends() -> None:
    parameters = Parameters(Sample())
    told: list[tuple[str, Value]] = []
    end = parameters.listen(lambda name, value: told.append((name, value)))
    parameters.set("strength", 0.5)
    parameters.set("strength", 0.5)  # no change
    end()
    parameters.set("strength", 0.7)
    assert told == [("strength", 0.5)]


def test_a_listener_that_fails_keeps_nothing_from_being_set_or_told() -> None:
    tree, parameters = ParameterTree(), Parameters(Sample())
    told: list[Value] = []

    def fail(name: str, value: Value) -> None:
        raise RuntimeError("a panel is gone")

    tree.listen(fail)
    tree.listen(lambda path, value: told.append(value))
    parameters.listen(fail)
    tree.hold("swap", parameters)
    assert tree.set("swap.strength", 0.5) == 0.5
    assert told == [0.5]


def count_up(counted: Parameters[Any]) -> None:
    for _ in range(500):
        counted.step("count", 1)


def test_sets_from_many_threads_all_count() -> None:
    @dataclasses.dataclass(frozen=True)
    class Counter:
        count: int = field(default=0, metadata=setting("steps", step=1, live=True))

    counted = Parameters(Counter())
    threads = [threading.Thread(target=lambda: count_up(counted)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted.get("count") == 2000
    assert counted.as_json() == {"count": 2000}


def test_the_tree_finds_them_by_owner_and_name() -> None:
    tree = ParameterTree()
    told: list[tuple[str, Value]] = []
    tree.listen(lambda path, value: told.append((path, value)))
    first, second = Parameters(Sample()), Parameters(Sample(strength=0.2))
    tree.hold("swap", first)
    tree.hold("nothing", Parameters(NoSettings()))
    assert [path for path, _, _ in tree.list()][:2] == ["swap.strength", "swap.delay_ms"]
    assert tree.set("swap.strength", 0.4) == 0.4 == first.values.strength
    tree.hold("swap", second)  # another one in its place
    assert tree.get("swap.strength") == 0.2
    first.set("strength", 0.9)
    assert told == [("swap.strength", 0.4)], "who is gone tells nothing any more"
    tree.drop("swap")
    with pytest.raises(OptionError, match="nothing called 'swap' runs; nothing can be set now"):
        tree.get("swap.strength")


def test_a_path_that_is_none_is_one_line() -> None:
    tree = ParameterTree()
    tree.hold("swap", Parameters(Sample()))
    for path, line in (
        ("swop.strength", r"nothing called 'swop' runs \(did you mean 'swap'\?\)"),
        ("swap.strenth", "no parameter 'strenth'"),
        ("swap", "no parameter ''"),
    ):
        with pytest.raises(OptionError, match=line):
            tree.set(path, 1)
    with pytest.raises(OptionError, match=r"^swap\.strength: strength takes"):
        tree.set("swap.strength", "x")


@pytest.mark.parametrize("name", effect_names())
def test_every_parameter_of_an_effect_can_be_shown_and_read_back(name: str) -> None:
    for one in parameters_of(effect_class(name).Settings):
        assert one.title
        assert one.help
        assert one.read(one.default, name) == one.default
        assert one.text(one.default)
        assert one.step is None or one.live, f"{name}.{one.name} has steps that no key can take"


def test_the_label_moves_at_the_next_picture() -> None:
    label = Label(LabelStyle())
    grey = np.full((180, 320, 3), 90, np.uint8)
    at_right = label.put_on(moment(grey, 0)).pixels.copy()
    label.parameters.set("corner", "top-left")
    at_left = label.put_on(moment(grey, 1)).pixels.copy()
    assert (at_right[:60, :160] == 90).all()
    assert (at_left[:60, :160] != 90).any()
    assert (at_left[120:, 160:] == 90).all()
    label.parameters.set("size", 0.1)
    assert (label.put_on(moment(grey, 2)).pixels != 90).sum() > 1.5 * (at_left != 90).sum()


def test_commands_carry_values() -> None:
    channel = ControlChannel()
    for command in (SetParameter("swap.strength", 0.3), StepParameter(-2), NextParameter()):
        channel.send(command)
    first = channel.next_command()
    assert first == SetParameter("swap.strength", 0.3)
    assert channel.next_command() == StepParameter(-2)
    assert channel.next_command() == NextParameter()
    assert channel.next_command() is None
