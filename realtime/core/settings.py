"""An effect's own settings: texts from the command line or values from a preset, made into its dataclass.

Every field of the dataclass has a type among bool, int, float, str, Path, Literal["…", …] and any of them `| None`,
a default, and `metadata=realtime.effects.setting(...)`.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, Union

from realtime.core.errors import UNREADABLE, OptionError, nearest
from realtime.core.paths import user_path
from realtime.core.text_limits import abbreviated

S = TypeVar("S")

_TRUE = frozenset({"true", "yes", "on", "1"})
_FALSE = frozenset({"false", "no", "off", "0"})
_NOTHING = frozenset({"", "none"})


class SettingDescription(NamedTuple):
    """One setting, for `--help`."""

    name: str
    """As it is written after `--set EFFECT.`."""
    type: str
    """What it takes, in words: `0 to 0.5`, `contain or cover`, `yes or no`, `file`."""
    default: str
    help: str


def parse_settings(settings_class: type[S], values: Mapping[str, object], owner: str) -> S:
    """Return an instance of `settings_class` with `values` in place of its defaults.

    A value is a text, or of the field's type already (a preset's TOML). `-` and `_` are the same in names. `owner` is
    the effect's name, for messages. Raises OptionError for an unknown name, a wrong type or a value out of range.
    """
    fields = _fields(settings_class)
    chosen: dict[str, Any] = {}
    for key, value in values.items():
        name = key.replace("-", "_")
        if name not in fields:
            if not fields:
                raise OptionError(f"the effect '{owner}' has no settings; leave out {owner}.{key}")
            hint = nearest(name, fields) or f"; there are: {', '.join(fields)}"
            raise OptionError(f"the effect '{owner}' has no setting '{key}'{hint}")
        field, kind = fields[name]
        chosen[name] = _convert(value, kind, field.metadata, f"{owner}.{name}")
    return settings_class(**chosen)


def describe_settings(settings_class: type[Any]) -> list[SettingDescription]:
    """Return every setting in the order of its declaration."""
    return [
        SettingDescription(name, _in_words(kind, field.metadata), _shown(field), field.metadata.get("help", ""))
        for name, (field, kind) in _fields(settings_class).items()
    ]


def _fields(settings_class: type[Any]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    kinds = typing.get_type_hints(settings_class)
    return {field.name: (field, kinds[field.name]) for field in dataclasses.fields(settings_class)}


def _without_none(kind: Any) -> tuple[Any, bool]:
    """Split `X | None` into X and True; anything else into itself and False."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        others = [choice for choice in typing.get_args(kind) if choice is not type(None)]
        if len(others) == 1:
            return others[0], True
    return kind, False


def _convert(value: object, kind: Any, metadata: Mapping[str, Any], name: str) -> Any:
    kind, may_be_none = _without_none(kind)
    if may_be_none and (value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING)):
        return None
    try:
        converted = _CONVERTERS[Literal if typing.get_origin(kind) is Literal else kind](value, kind)
    except KeyError:
        raise TypeError(f"{name}: settings of type {kind} cannot be read") from None
    except UNREADABLE:
        wanted = _in_words(kind, metadata)
        raise OptionError(f"{name} takes {wanted}, not '{_short(value)}'{_hint(value, kind)}") from None
    least, most = metadata.get("least"), metadata.get("most")
    if isinstance(converted, int | float) and (
        (least is not None and converted < least) or (most is not None and converted > most)
    ):
        raise OptionError(f"{name} takes {_in_words(kind, metadata)}, not {_short(value)}")
    return converted


def _short(value: object) -> str:
    """Return a value as it is shown in a message; a number may have more digits than Python would write."""
    try:
        return abbreviated(str(value))
    except ValueError:
        return "a number of thousands of digits"


def _hint(value: object, kind: Any) -> str:
    return nearest(_short(value), typing.get_args(kind)) if typing.get_origin(kind) is Literal else ""


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


def _to_choice(value: object, kind: Any) -> object:
    word = value.strip().lower() if isinstance(value, str) else value
    if word not in typing.get_args(kind):
        raise ValueError
    return word


_CONVERTERS: dict[Any, Any] = {
    bool: _to_bool,
    int: _to_int,
    float: _to_float,
    str: _to_str,
    Path: _to_path,
    Literal: _to_choice,
}


def _in_words(kind: Any, metadata: Mapping[str, Any]) -> str:
    kind, may_be_none = _without_none(kind)
    if typing.get_origin(kind) is Literal:
        words = " or ".join(map(str, typing.get_args(kind)))
    elif kind in (int, float):
        words = _range_in_words("a whole number" if kind is int else "a number", metadata)
    else:
        words = {bool: "yes or no", str: "a text", Path: "a path"}.get(kind, str(kind))
    return f"{words}, or none" if may_be_none else words


def _range_in_words(words: str, metadata: Mapping[str, Any]) -> str:
    least, most, unit = metadata.get("least"), metadata.get("most"), metadata.get("unit", "")
    if least is not None and most is not None:
        words += f" from {least:g} to {most:g}"
    elif least is not None:
        words += f" of at least {least:g}"
    elif most is not None:
        words += f" of at most {most:g}"
    return f"{words} {unit}".rstrip()


def _shown(field: dataclasses.Field[Any]) -> str:
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    if isinstance(default, bool):
        return "yes" if default else "no"
    return "none" if default is None else f"{default:g}" if isinstance(default, float) else str(default)
