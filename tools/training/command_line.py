"""Options made from dataclasses: a field `style_weight` with `realtime.effects.setting(…)` becomes `--style-weight`."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any, TypeVar

from realtime.core.settings import parameters_of, parse_settings

S = TypeVar("S")


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
