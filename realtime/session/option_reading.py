"""Options from the command line and from presets: both are made from the fields of `Options`."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from realtime import effects
from realtime.core.errors import UNREADABLE, OptionError, nearest, why_unreadable
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.remote.midi.map import parse_table
from realtime.session import preset_paths
from realtime.session.options import FIELDS, Options


def add_arguments(
    parser: argparse.ArgumentParser, *, leave_out: Sequence[str] = (), helps: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Give a parser an argument for every field, in groups, and `--preset`. `helps`: what a field means to this
    command, by name, where that is something else.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name, field in FIELDS.items():
        if name in leave_out:
            continue
        about = field.metadata
        group = groups.get(about["group"]) or groups.setdefault(
            about["group"], parser.add_argument_group(_(about["group"]))
        )
        flag = f"--{name.replace('_', '-')}"
        about_it = helps.get(name, about["help"])
        help_text = (about_it() if callable(about_it) else _(about_it)).replace("%", "%%")
        if about["flag"]:
            action = argparse.BooleanOptionalAction if "/" in about["flag"] else "store_true"
            group.add_argument(flag, action=action, default=None, help=help_text)
        else:
            action = "append" if isinstance(field.default, tuple) else "store"
            group.add_argument(flag, action=action, default=None, metavar=about["metavar"], help=help_text)
    parser.add_argument(
        "--preset", metavar="FILE.toml", help=_("take options from a file; what stands on the command line wins")
    )


def from_arguments(arguments: argparse.Namespace) -> Options:
    """Return the options of a parsed command line, its preset beneath it. Raises OptionError and its like."""
    values: dict[str, Any] = {}
    if arguments.preset is not None:
        values = _read_preset(user_path(arguments.preset))
    for name in FIELDS:
        value = getattr(arguments, name, None)
        if value is None:
            continue
        parsed = _parse(name, value, f"--{name.replace('_', '-')}")
        values[name] = (*values.get(name, ()), *parsed) if name in ("set", "midi_bind") else parsed
    if getattr(arguments, "label", None) is not None and not arguments.no_label:
        values.pop("no_label", None)  # a preset leaves it out, but here somebody asks for one
    return Options(**values)


def _parse(name: str, value: object, where: str) -> Any:
    """Check one value, text or TOML, against its field."""
    field = FIELDS[name]
    read, switch, repeatable = (
        field.metadata["read"],
        field.metadata["flag"],
        isinstance(field.default, tuple),
    )
    metavar = field.metadata["metavar"]
    if switch:
        if not isinstance(value, bool):
            raise OptionError(_("{where}: write true or false, not {value!r}", where=where, value=value))
        return value
    if isinstance(value, bool) or (isinstance(value, (list, tuple)) and not repeatable):
        raise OptionError(
            _(
                "{where}: cannot be {value!r}; it is written {metavar}",
                where=where,
                value=value,
                metavar=field.metadata["metavar"],
            )
        )
    texts = [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
    try:
        parsed = tuple(read(text) for text in texts)
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from error
    except UNREADABLE as error:
        raise OptionError(
            _(
                "{where} cannot be read: {reason}; write it as {metavar}",
                where=where,
                reason=why_unreadable(error),
                metavar=metavar,
            )
        ) from error
    return parsed if repeatable else parsed[0]


def _read_preset(path: Path) -> dict[str, Any]:
    """Read a TOML file: the options' names as keys, a table per effect for its settings; paths from its own folder."""
    try:
        with path.open("rb") as file:
            content: Mapping[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        raise OptionError(_("no such preset: {path}; check the path", path=path)) from None
    except OSError as error:
        raise OptionError(
            _("preset {path} cannot be read: {reason}; check the path", path=path, reason=error.strerror or error)
        ) from error
    except UNREADABLE as error:
        raise OptionError(
            _("preset {path} cannot be read: {reason}; mend it as TOML", path=path, reason=why_unreadable(error))
        ) from error
    return from_table(content, f"preset {path}", path.parent)


def from_table(content: Mapping[str, Any], where: str, folder: Path) -> dict[str, Any]:
    """Return the fields of Options that a preset's table names, checked: the options' names as keys, a table per effect
    for its settings. Paths count from `folder`; `where` names the table in messages. Raises OptionError and its like.
    """
    values: dict[str, Any] = {}
    settings: list[str] = []
    effect_names = effects.effect_names()
    option_names = [name.replace("_", "-") for name in FIELDS]
    for key, value in content.items():
        at = f"{where}: {key}"
        if isinstance(value, dict):
            if key == "scene":  # what a scene calls itself: a scene is a preset, too
                continue
            if key == "midi":
                values |= _midi(value, at)
                continue
            if key not in effect_names:
                raise OptionError(_("{at}: no effect of that name{hint}", at=at, hint=nearest(key, effect_names)))
            texts = {name: preset_paths.setting_from(_toml_text(item), folder) for name, item in value.items()}
            settings += [f"{key}.{name}={text}" for name, text in texts.items()]
            continue
        name = key.replace("-", "_")
        if name not in FIELDS:
            raise OptionError(_("{at}: no such option{hint}", at=at, hint=nearest(key, option_names)))
        values[name] = preset_paths.from_folder(name, _parse(name, value, at), folder)
    if settings:
        values["set"] = (*values.get("set", ()), *settings)
    return values


def _midi(table: Mapping[str, object], where: str) -> dict[str, Any]:
    """Return the fields that a preset's table [midi] names."""
    try:
        device, bindings = parse_table(table)
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from None
    return {"midi_bind": bindings} | ({} if device is None else {"midi": device})


def _toml_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
