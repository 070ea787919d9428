from __future__ import annotations

import dataclasses
from dataclasses import field
from pathlib import Path
from typing import Literal

import pytest

from realtime.core.errors import OptionError
from realtime.core.settings import parameters_of, parse_settings
from realtime.effects import effect_class, effect_names, setting


@dataclasses.dataclass(frozen=True)
class Sample:
    strength: float = field(default=1.0, metadata=setting("how much", least=0, most=2, unit="s"))
    count: int = field(default=3, metadata=setting("how many", least=1))
    on: bool = field(default=True, metadata=setting("whether"))
    word: str = field(default="a", metadata=setting("what"))
    file: Path | None = field(default=None, metadata=setting("where"))
    limit: float | None = field(default=None, metadata=setting("until", least=0))
    kind: Literal["soft", "hard"] = field(default="soft", metadata=setting("how"))


def test_defaults() -> None:
    assert parse_settings(Sample, {}, "sample") == Sample()


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("strength", "0.5", 0.5),
        ("strength", 2, 2.0),
        ("count", "7", 7),
        ("count", 7, 7),
        ("on", "off", False),
        ("on", "Yes", True),
        ("on", False, False),
        ("word", "b c", "b c"),
        ("file", "x/y.png", Path("x/y.png")),
        ("file", "none", None),
        ("limit", "none", None),
        ("limit", "0.25", 0.25),
        ("kind", "HARD", "hard"),
    ],
)
def test_texts_and_toml_values(key: str, value: object, expected: object) -> None:
    got = getattr(parse_settings(Sample, {key: value}, "sample"), key)
    assert got == expected
    assert type(got) is type(expected) or isinstance(expected, Path)


def test_a_dash_is_as_good_as_an_underscore() -> None:
    @dataclasses.dataclass(frozen=True)
    class Two:
        view_left: float = field(default=0.0, metadata=setting("left"))

    assert parse_settings(Two, {"view-left": "0.5"}, "two").view_left == 0.5


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("strenght", "1", r"the effect 'sample' has no setting 'strenght' \(did you mean 'strength'\?\)"),
        ("zzz", "1", "has no setting 'zzz'; there are: strength, count, on, word, file, limit, kind"),
        ("strength", "2.5", "sample.strength takes a number from 0 to 2 s, not 2.5"),
        ("strength", "much", "sample.strength takes a number from 0 to 2 s, not 'much'"),
        ("strength", "nan", "takes a number from 0 to 2 s, not 'nan'"),
        ("strength", True, "takes a number from 0 to 2 s"),
        ("count", "0", "sample.count takes a whole number of at least 1, not 0"),
        ("count", "1.5", "takes a whole number"),
        ("count", 1.5, "takes a whole number"),
        ("on", "maybe", "sample.on takes yes or no, not 'maybe'"),
        ("on", 1, "takes yes or no"),
        ("word", 5, "takes a text"),
        ("file", 5, "takes a path"),
        ("kind", "hrad", r"sample.kind takes soft or hard, not 'hrad' \(did you mean 'hard'\?\)"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(key: str, value: object, message: str) -> None:
    with pytest.raises(OptionError, match=message) as caught:
        parse_settings(Sample, {key: value}, "sample")
    assert "\n" not in str(caught.value)


def test_description() -> None:
    assert [(one.name, one.takes, one.default_text, one.help) for one in parameters_of(Sample)] == [
        ("strength", "a number from 0 to 2 s", "1", "how much"),
        ("count", "a whole number of at least 1", "3", "how many"),
        ("on", "yes or no", "yes", "whether"),
        ("word", "a text", "a", "what"),
        ("file", "a path, or none", "none", "where"),
        ("limit", "a number of at least 0, or none", "none", "until"),
        ("kind", "soft or hard", "soft", "how"),
    ]


@pytest.mark.parametrize("name", effect_names())
def test_every_effect_declares_its_settings(name: str) -> None:
    settings_class = effect_class(name).Settings
    defaults = parse_settings(settings_class, {}, name)
    for line in parameters_of(settings_class):
        assert line.help, f"{name}.{line.name} tells nobody what it does"
        if line.default_text != "none":
            assert getattr(parse_settings(settings_class, {line.name: line.default_text}, name), line.name) == getattr(
                defaults, line.name
            )


def test_a_default_of_nought_is_no_default_of_none() -> None:
    @dataclasses.dataclass(frozen=True)
    class Seeded:
        seed: int = field(default=0, metadata=setting("which"))
        word: str = field(default="", metadata=setting("what"))
        on: bool = field(default=False, metadata=setting("whether"))

    assert [one.default_text for one in parameters_of(Seeded)] == ["0", "none", "no"]
