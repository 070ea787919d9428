"""`realtime effects`: which effects there are, and what can be set about each."""

from __future__ import annotations

import argparse

from realtime import effects
from realtime.core.language import _


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One optional name."""
    parser.add_argument("name", nargs="?", help=_("an effect: list its settings"))


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or one effect's settings."""
    names = effects.effect_names()
    if arguments.name is None:
        width = max(map(len, names))
        for name in names:
            summary = _(effects.EFFECTS[name].summary) if name in effects.EFFECTS else _("from an installed package")
            print(f"{name:{width}}  {summary}")
        print(_("\n'realtime effects NAME' lists an effect's settings; --set NAME.KEY=VALUE changes one."))
        return 0
    from realtime.core.settings import parameters_of

    parameters = parameters_of(effects.effect_class(arguments.name).Settings)
    if not parameters:
        print(_("the effect {name} has no settings", name=arguments.name))
    for one in parameters:
        while_it_runs = _("; also while it runs") if one.live else ""
        default = _("(default {default}{more})", default=one.default_text, more=while_it_runs)
        print(f"--set {arguments.name}.{one.name}={one.takes}   {default}")
        print(f"    {one.help}")
    return 0
