"""`realtime osc`: every address a run answers to with `--osc`, and what each takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from realtime import effects
from realtime.core.errors import FAULTS, OptionError, in_one_line, nearest
from realtime.core.language import _
from realtime.core.settings import parameters_of
from realtime.remote.osc.addresses import Listed, listed_commands, listed_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One effect, and the form."""
    parser.add_argument("--effect", metavar="NAME", help=_("only this effect's addresses; default: all effects'"))
    parser.add_argument("--json", action="store_true", help=_("as JSON, for programs"))


def run(arguments: argparse.Namespace) -> int:
    """Print the list. Models are not opened: what each effect declares is what there is."""
    names = effects.effect_names()
    if arguments.effect is not None:
        if arguments.effect not in names:
            hint = nearest(arguments.effect, names) or _("; there are: {names}", names=", ".join(names))
            raise OptionError(_("no effect '{effect}'{hint}", effect=arguments.effect, hint=hint))
        names = [arguments.effect]
    found = list(listed_commands()) if arguments.effect is None else []
    for name in names:
        found += _of_effect(name)
    if arguments.effect is None:
        found += _of_label()
    if arguments.json:
        print(json.dumps([_as_json(one) for one in found], indent=2, ensure_ascii=False))
        return 0
    for one in found:
        print(f"{one.address}  {one.takes}\n    {one.help}")
    if not found:
        print(_("nothing about {effect} can be set while it runs", effect=arguments.effect))
    return 0


def _of_effect(name: str) -> Iterator[Listed]:
    try:
        settings = effects.effect_class(name).Settings
    except FAULTS as error:  # somebody's package
        print(f"# {name}: {in_one_line(error)}")
        return iter(())
    return listed_parameters(name, parameters_of(settings))


def _of_label() -> Iterator[Listed]:
    from realtime.disclosure.label import Label, LabelStyle

    return listed_parameters("label", Label(LabelStyle()).parameters)


def _as_json(one: Listed) -> dict[str, Any]:
    about: dict[str, Any] = {"address": one.address, "takes": one.takes, "help": one.help}
    parameter = one.parameter
    if parameter is not None:
        default = parameter.default
        about |= {
            "kind": parameter.kind.value,
            "least": parameter.least,
            "most": parameter.most,
            "unit": parameter.unit,
            "choices": list(parameter.choices),
            "default": default if default is None or isinstance(default, bool | int | float) else str(default),
        }
    return about
