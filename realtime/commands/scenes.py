"""`realtime scenes`: what there is, and a folder of it that can be given away."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from realtime.control.channel import ListedScene
from realtime.core.columns import columns, padded
from realtime.core.errors import OptionError, OutputError
from realtime.core.language import N_, _
from realtime.core.paths import user_path
from realtime.core.titles import effect_title
from realtime.session.scenes.files import SceneFolder, default_folder
from realtime.session.scenes.packing import bring, pack

_EXAMPLES = N_("""\
examples:
  realtime scenes                              the scenes there are
  realtime run --scene 3                       begin with one; its number is also its key
  realtime scenes pack evening/                a folder with all of them and the files they need, to be given away
  realtime scenes pack evening/ 3 Stage        the same with two of them
  realtime scenes add evening/                 take those that somebody gave you
""")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list`, `pack FOLDER [SCENE ...]`, `add FOLDER`."""
    parser.epilog = _(_EXAMPLES)
    parser.add_argument("--scenes", metavar="FOLDER", help=_("their folder; default: your own"))
    commands = parser.add_subparsers(dest="scenes_command", metavar="COMMAND")
    commands.add_parser("list", help=_("the scenes there are (what 'realtime scenes' alone does)"))
    packing = commands.add_parser("pack", help=_("copy scenes, and the files they need, into a folder of their own"))
    packing.add_argument("folder", metavar="FOLDER", help=_("a new one"))
    packing.add_argument("names", metavar="SCENE", nargs="*", help=_("numbers or names; default: all"))
    adding = commands.add_parser("add", help=_("take the scenes of a folder that somebody gave you"))
    adding.add_argument("folder", metavar="FOLDER", help=_("what 'pack' made, or any folder of presets"))


def run(arguments: argparse.Namespace) -> int:
    """Do one of them. Raises a RealtimeError."""
    folder = SceneFolder(user_path(arguments.scenes) if arguments.scenes else default_folder())
    if arguments.scenes and not folder.folder.is_dir():
        raise OptionError(_("there is no folder {folder}; check the path", folder=folder.folder))
    if arguments.scenes_command == "pack":
        return _pack(folder, user_path(arguments.folder), arguments.names)
    if arguments.scenes_command == "add":
        return _add(folder, user_path(arguments.folder))
    return _list(folder)


def _list(folder: SceneFolder) -> int:
    scenes, wrong = folder.look()
    print(_("scenes in {folder}", folder=folder.folder))
    if not scenes:
        print(_("none yet; keep one while the picture runs, with Shift and a digit"))
    _print_table(scenes)
    for line in wrong:
        print(_("left out: {line}", line=line))
    return 0


def _print_table(scenes: Sequence[ListedScene]) -> None:
    width = max((columns(one.name) for one in scenes), default=0)
    for one in scenes:
        effects = " + ".join(effect_title(spec) for spec in one.effects)
        print(f"{one.number:3}  {padded(one.name, width)}  {effects}")


def _pack(folder: SceneFolder, target: Path, names: Sequence[str]) -> int:
    scenes = [folder.find(name) for name in names] if names else folder.list()
    if not scenes:
        raise OptionError(_("there are no scenes in {folder} to be packed", folder=folder.folder))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(_("{target} is not empty; name a new folder", target=target))
    pack(scenes, target)
    print(
        _(
            "{count} in {target}; whoever gets it: realtime scenes add {name}",
            count=len(scenes),
            target=target,
            name=target.name,
        )
    )
    return 0


def _add(folder: SceneFolder, source: Path) -> int:
    if not source.is_dir():
        raise OptionError(_("there is no folder {source}; name the one that was given to you", source=source))
    scenes, wrong = SceneFolder(source).look()
    if not scenes:
        raise OptionError(
            _("there is no scene in {source}: {wrong}", source=source, wrong=wrong[0])
            if wrong
            else _("there is no scene in {source}", source=source)
        )
    _print_table(bring(scenes, folder))
    for line in wrong:
        print(_("left out: {line}", line=line))
    return 0
