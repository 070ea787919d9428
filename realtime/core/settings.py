"""Parameters as data: what can be set about a part, declared once as the fields of a dataclass.

A field has a type among bool, int, float, str, Path, Literal["…", …] and any of them `| None`, a default, and
`metadata=setting(...)`. From that one declaration come the command line's `--set`, presets, help, keys, the HUD and the
statistics (`realtime.control.parameters` holds the values of a part that runs).
"""

from __future__ import annotations

import dataclasses
import enum
import math
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from realtime.core.errors import UNREADABLE, OptionError, nearest
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.text_limits import abbreviated

S = TypeVar("S")
Value = bool | int | float | str | Path | None

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NOTHING = frozenset({"", "none"})


class Kind(enum.Enum):
    """What a parameter's value is."""

    NUMBER = "number"
    WHOLE_NUMBER = "whole number"
    SWITCH = "switch"
    CHOICE = "choice"
    TEXT = "text"
    FILE = "file"


_KINDS: dict[Any, Kind] = {
    float: Kind.NUMBER,
    int: Kind.WHOLE_NUMBER,
    bool: Kind.SWITCH,
    str: Kind.TEXT,
    Path: Kind.FILE,
    Literal: Kind.CHOICE,
}


def setting(
    help: str,  # noqa: A002 - the word argparse uses for it
    *,
    title: str = "",
    least: float | None = None,
    most: float | None = None,
    step: float | None = None,
    unit: str = "",
    live: bool = False,
) -> Mapping[str, Any]:
    """Return the metadata of one field: what it does and what it may be, as `Parameter` has it."""
    return {"help": help, "title": title, "least": least, "most": most, "step": step, "unit": unit, "live": live}


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """One thing that can be set, apart from the value it has."""

    name: str
    """As it is written after `--set EFFECT.`."""
    title: str
    """As people read it beside a slider, in their language; so is `help`."""
    help: str
    kind: Kind
    default: Value
    optional: bool = False
    """Whether it may be None: left to the part."""
    least: float | None = None
    most: float | None = None
    step: float | None = None
    """What one press of a key changes. None: no key does."""
    unit: str = ""
    """`s`, `px`; `%`: shown as a percentage, 0..1 in fact."""
    choices: tuple[str, ...] = ()
    live: bool = False
    """Whether it may change while the part runs."""

    @property
    def takes(self) -> str:
        """What it may be, in words: `a number from 0 to 0.5`, `contain or cover`, `yes or no`, `a path`."""
        if self.kind is Kind.CHOICE:
            words = _(" or ").join(self.choices)
        elif self.kind in (Kind.NUMBER, Kind.WHOLE_NUMBER):
            words = self._range_in_words()
        else:
            words = {Kind.SWITCH: _("yes or no"), Kind.TEXT: _("a text"), Kind.FILE: _("a path")}[self.kind]
        return _("{words}, or none", words=words) if self.optional else words

    def _range_in_words(self) -> str:
        words = _("a number") if self.kind is Kind.NUMBER else _("a whole number")
        if self.least is not None and self.most is not None:
            words += _(" from {least:g} to {most:g}", least=self.least, most=self.most)
        elif self.least is not None:
            words += _(" of at least {least:g}", least=self.least)
        elif self.most is not None:
            words += _(" of at most {most:g}", most=self.most)
        return words if self.unit == "%" else f"{words} {self.unit}".rstrip()

    def read(self, value: object, owner: str = "") -> Value:
        """Return a text, or a value of a preset's TOML, as its value. Raises OptionError for what it cannot be;
        `owner` goes before its name there.
        """
        name = f"{owner}.{self.name}" if owner else self.name
        if self.optional and (value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)):
            return None
        if self.unit == "%" and isinstance(value, str) and value.strip().endswith("%"):
            value = _share(value)
        try:
            converted = _CONVERTERS[self.kind](value, self.choices)
        except UNREADABLE:
            raise OptionError(
                _(
                    "{name} takes {takes}, not '{value}'{hint}",
                    name=name,
                    takes=self.takes,
                    value=_short(value),
                    hint=self._hint(value),
                )
            ) from None
        if self.clipped(converted) != converted:
            raise OptionError(_("{name} takes {takes}, not {value}", name=name, takes=self.takes, value=_short(value)))
        return converted

    def clipped(self, value: Value) -> Value:
        """Return the value nearest to this one that it may have: a slider may send what lies beyond its range."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value
        if self.least is not None and value < self.least:
            value = type(value)(self.least)
        if self.most is not None and value > self.most:
            value = type(value)(self.most)
        return value

    def stepped(self, value: Value, steps: int) -> Value:
        """Return a value so many steps up, or down; the same where it has no steps, or is None."""
        if self.step is None or isinstance(value, bool) or not isinstance(value, int | float):
            return value
        return self.clipped(type(value)(round(value + steps * self.step, 6)))

    def text(self, value: Value) -> str:
        """Return a value as people read it: `70%`, `0.3 s`, `yes`, `none`."""
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if value is None:
            return _("none")
        if self.kind is Kind.CHOICE:
            return _(str(value))
        if self.unit == "%" and isinstance(value, int | float):
            return f"{value:.0%}"
        if isinstance(value, float):
            digits = 0 if self.step is None else max(0, -math.floor(math.log10(self.step)))
            return f"{value:.{digits}f} {self.unit}".rstrip() if digits else f"{value:g} {self.unit}".rstrip()
        return f"{value} {self.unit}".rstrip()

    @property
    def default_text(self) -> str:
        """The default as `--set` takes it."""
        if isinstance(self.default, float):
            return f"{self.default:g}"
        if isinstance(self.default, bool):
            return "yes" if self.default else "no"
        return "none" if self.default in (None, "") else str(self.default)

    def _hint(self, value: object) -> str:
        return nearest(_short(value), self.choices) if self.choices else ""


def parameters_of(settings_class: type[Any]) -> list[Parameter]:
    """Return the parameters that a dataclass declares, in its order. Raises TypeError for a type they cannot have."""
    kinds = typing.get_type_hints(settings_class)
    found = []
    for field in dataclasses.fields(settings_class):
        kind, optional = _without_none(kinds[field.name])
        is_choice = typing.get_origin(kind) is Literal
        if not is_choice and kind not in _KINDS:
            raise TypeError(f"{settings_class.__name__}.{field.name}: parameters of type {kind} cannot be read")
        about = dict(field.metadata)
        default: Any = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        found.append(
            Parameter(
                field.name,
                _(about.pop("title", "") or field.name.replace("_", " ")),
                _(about.pop("help", "")),
                Kind.CHOICE if is_choice else _KINDS[kind],
                default,
                optional,
                choices=tuple(map(str, typing.get_args(kind))) if is_choice else (),
                **about,
            )
        )
    return found


def parse_settings(settings_class: type[S], values: Mapping[str, object], owner: str) -> S:
    """Return an instance of `settings_class` with `values` in place of its defaults.

    A value is a text, or of the field's type already (a preset's TOML). `-` and `_` are the same in names. `owner` is
    the effect's name, for messages. Raises OptionError for an unknown name, a wrong type or a value out of range.
    """
    parameters = {parameter.name: parameter for parameter in parameters_of(settings_class)}
    chosen: dict[str, Any] = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in parameters:
            if not parameters:
                raise OptionError(
                    _("the effect '{owner}' has no settings; leave out {owner}.{key}", owner=owner, key=key)
                )
            hint = nearest(name, parameters) or _("; there are: {parameters}", parameters=", ".join(parameters))
            raise OptionError(_("the effect '{owner}' has no setting '{key}'{hint}", owner=owner, key=key, hint=hint))
        chosen[name] = parameters[name].read(value, owner)
    return settings_class(**chosen)


def _without_none(kind: Any) -> tuple[Any, bool]:
    """Split `X | None` into X and True; anything else into itself and False."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        others = [choice for choice in typing.get_args(kind) if choice is not type(None)]
        if len(others) == 1:
            return others[0], True
    return kind, False


def _short(value: object) -> str:
    """Return a value as it is shown in a message; a number may have more digits than Python would write."""
    try:
        return abbreviated(str(value))
    except ValueError:
        return _("a number of thousands of digits")


def _share(text: str) -> object:
    """Return `60%` as 0.6; what is no number stays as it is, to be refused."""
    try:
        return float(text.strip()[:-1]) / 100
    except ValueError:
        return text


def _to_bool(value: object, _: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError


def _to_int(value: object, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError  # noqa: TRY004 - the caller words the message
    return int(value)


def _to_float(value: object, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError  # noqa: TRY004 - the caller words the message
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _to_str(value: object, _: Any) -> str:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - the caller words the message
    return value


def _to_path(value: object, _: Any) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError
    return user_path(value)


def _to_choice(value: object, choices: tuple[str, ...]) -> str:
    word = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(word, str) or word not in choices:
        raise ValueError
    return word


_CONVERTERS: dict[Kind, Callable[[object, tuple[str, ...]], Value]] = {
    Kind.SWITCH: _to_bool,
    Kind.WHOLE_NUMBER: _to_int,
    Kind.NUMBER: _to_float,
    Kind.TEXT: _to_str,
    Kind.FILE: _to_path,
    Kind.CHOICE: _to_choice,
}
