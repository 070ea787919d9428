"""Options made from dataclasses: a field `style_weight` with `realtime.core.settings.setting(…)` becomes
`--style-weight`; and a few that several commands have.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any, TypeVar

import platformdirs

from realtime.core.argument_parser import Parser
from realtime.core.settings import parameters_of, parse_settings

S = TypeVar("S")


def help_in_lines(command: str, description: str | None) -> Parser:
    """Return a parser for a command of `tools` whose help keeps the lines of `description`."""
    name = f"python -m tools.{command}"
    return Parser(name, description=description, formatter_class=argparse.RawTextHelpFormatter)


def add_cache(parser: argparse.ArgumentParser, what: str) -> None:
    """Give `parser` the folder of prepared `what`."""
    parser.add_argument(
        "--cache", type=Path, default=platformdirs.user_cache_path("realtime") / "training", metavar="DIR",
        help=f"where prepared {what} are kept (default: the user's cache)",
    )  # fmt: skip


def default_of(settings_class: type[Any], name: str, default: Any) -> Any:
    """Return a field of `settings_class` as a subclass declares it that differs only in its default."""
    (field,) = (field for field in dataclasses.fields(settings_class) if field.name == name)
    return dataclasses.field(default=default, metadata=field.metadata)


def add_settings(parser: argparse.ArgumentParser, settings_class: type[Any], title: str) -> None:
    """Give `parser` an option for each field of `settings_class`, under `title`."""
    group = parser.add_argument_group(title)
    for one in parameters_of(settings_class):
        group.add_argument(
            f"--{one.name.replace('_', '-')}",
            dest=one.name,
            metavar="…",
            default=argparse.SUPPRESS,
            help=f"{one.help} ({one.takes}; {one.default_text or 'nothing'})".replace("%", "%%"),
        )


def read_settings(arguments: argparse.Namespace, settings_class: type[S], owner: str) -> S:
    """Make the dataclass from what was given. Raises OptionError for a value that cannot be."""
    assert dataclasses.is_dataclass(settings_class)
    names = [field.name for field in dataclasses.fields(settings_class)]
    given = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    return parse_settings(settings_class, given, owner)
