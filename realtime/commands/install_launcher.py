"""`realtime install-launcher`: an icon among the programs, for whoever never opens a terminal."""

from __future__ import annotations

import argparse
import sys

from realtime.core.language import N_, _
from realtime.system import launcher

_WHERE = {
    "win32": N_("it is in the Start menu, under Realtime"),
    "darwin": N_("it is in Applications in your home folder, and Spotlight finds it as Realtime"),
}
_ON_A_DESKTOP = N_("it is among the programs, under Realtime; a photo or film may be dropped on it")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--remove`."""
    parser.add_argument("--remove", action="store_true", help=_("take it away again"))


def run(arguments: argparse.Namespace) -> int:
    """Write it, or take it away. Raises OutputError."""
    if arguments.remove:
        removed = launcher.uninstall()
        for path in removed:
            print(_("removed: {path}", path=path))
        if not removed:
            print(_("there was no launcher here"))
        return 0
    for path in launcher.install():
        print(_("written: {path}", path=path))
    print(_(_WHERE.get(sys.platform, _ON_A_DESKTOP)))
    return 0
