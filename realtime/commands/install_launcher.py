"""`realtime install-launcher`: an icon among the programs, for whoever never opens a terminal."""

from __future__ import annotations

import argparse
import sys

from realtime.system import launcher

_WHERE = {
    "win32": "it is in the Start menu, under Realtime",
    "darwin": "it is in Applications in your home folder, and Spotlight finds it as Realtime",
}
_ON_A_DESKTOP = "it is among the programs, under Realtime; a photo or film may be dropped on it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--remove`."""
    parser.add_argument("--remove", action="store_true", help="take it away again")


def run(arguments: argparse.Namespace) -> int:
    """Write it, or take it away. Raises OutputError."""
    if arguments.remove:
        removed = launcher.uninstall()
        for path in removed:
            print(f"removed: {path}")
        if not removed:
            print("there was no launcher here")
        return 0
    for path in launcher.install():
        print(f"written: {path}")
    print(_WHERE.get(sys.platform, _ON_A_DESKTOP))
    return 0
