"""`realtime effects`: which effects there are, and what can be set about each."""

from __future__ import annotations

import argparse

from realtime import effects


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One optional name."""
    parser.add_argument("name", nargs="?", help="an effect: list its settings")


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or one effect's settings."""
    names = effects.effect_names()
    if arguments.name is None:
        width = max(map(len, names))
        for name in names:
            summary = effects.EFFECTS[name].summary if name in effects.EFFECTS else "from an installed package"
            print(f"{name:{width}}  {summary}")
        print("\n'realtime effects NAME' lists an effect's settings; --set NAME.KEY=VALUE changes one.")
        return 0
    from realtime.core.settings import describe_settings

    rows = list(describe_settings(effects.effect_class(arguments.name).Settings))
    if not rows:
        print(f"the effect {arguments.name} has no settings")
    for key, kind, default, text in rows:
        print(f"--set {arguments.name}.{key}={kind}   (default {default})\n    {text}")
    return 0
