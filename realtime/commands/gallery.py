"""`realtime gallery`: a wall of one or several screens, unattended, out of one file."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
from typing import TYPE_CHECKING

from realtime.core.errors import OptionError
from realtime.core.language import _

if TYPE_CHECKING:
    from realtime.gallery.processes.supervisor import SetStandby

_STANDBY = "realtime.gallery.processes.standby"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, and what is to be done with it."""
    parser.add_argument("file", nargs="?", metavar="gallery.toml", help=_("what hangs where and when"))
    parser.add_argument("--example", action="store_true", help=_("print such a file, with comments; it runs as it is"))
    parser.add_argument(
        "--check", action="store_true", help=_("say what would run and what is missing; exit code 1 where it could not")
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help=_(
            "ask somebody to stand at four places before the (first) screen, and write where they are into the file"
        ),
    )
    parser.add_argument("--screen", metavar="NAME", help=_("only this screen of the file"))
    parser.add_argument(
        "--install-service",
        action="store_true",
        help=_("write what starts it with this computer (systemd, launchd, tasks)"),
    )
    parser.add_argument("--remove-service", action="store_true", help=_("take that away again"))
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--rest", action="store_true", help=argparse.SUPPRESS)
    parser.epilog = _("Log and state lie in the user's state folder; nothing else is written, and nothing of anybody.")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for. Raises a RealtimeError."""
    if arguments.example:
        from realtime.gallery.example import example

        print(example(), end="")
        return 0
    if arguments.file is None:
        raise OptionError(_("which gallery? 'realtime gallery --example > gallery.toml' writes a file to begin with"))
    from realtime.gallery.config import screens_of
    from realtime.gallery.config_file import gallery_path, read_gallery

    path = gallery_path(arguments.file)
    if arguments.child:
        from realtime.gallery.processes.screen import run_screen

        return run_screen(path, arguments.screen, rests=arguments.rest)
    gallery = read_gallery(path)
    screens = screens_of(gallery, arguments.screen)
    if arguments.check:
        from realtime.gallery.check import check

        return check(gallery, screens)
    if arguments.calibrate:
        from realtime.gallery.calibration.run import calibrate_gallery

        print(calibrate_gallery(gallery, screens[0]))
        return 0
    if arguments.install_service or arguments.remove_service:
        from realtime.gallery.processes import service

        done = service.install(gallery) if arguments.install_service else service.remove(gallery)
        print(*done, sep="\n")
        return 0
    from realtime.gallery.processes.supervisor import GallerySupervisor

    return GallerySupervisor(gallery, arguments.screen, set_standby=_standby()).run()


def _standby() -> SetStandby | None:
    """Return what puts screens to sleep, where this system has something for it."""
    if importlib.util.find_spec(_STANDBY) is None:
        return None
    found: SetStandby = importlib.import_module(_STANDBY).set_standby
    return found
