"""`realtime scenes`: what there is, and a folder of it that can be given away."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from realtime.control.channel import ListedScene
from realtime.core.errors import OptionError, OutputError
from realtime.core.paths import user_path
from realtime.core.titles import effect_title
from realtime.session.scene_files import SceneFolder, default_folder
from realtime.session.scene_packing import bring, pack

_EXAMPLES = """\
examples:
  realtime scenes                              the scenes there are
  realtime run --scene 3                       begin with one; its number is also its key
  realtime scenes pack evening/                a folder with all of them and the files they need, to be given away
  realtime scenes pack evening/ 3 Stage        the same with two of them
  realtime scenes add evening/                 take those that somebody gave you
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`list`, `pack FOLDER [SCENE ...]`, `add FOLDER`."""
    parser.epilog = _EXAMPLES
    parser.add_argument("--scenes", metavar="FOLDER", help="their folder; default: your own")
    commands = parser.add_subparsers(dest="scenes_command", metavar="COMMAND")
    commands.add_parser("list", help="the scenes there are (what 'realtime scenes' alone does)")
    packing = commands.add_parser("pack", help="copy scenes, and the files they need, into a folder of their own")
    packing.add_argument("folder", metavar="FOLDER", help="a new one")
    packing.add_argument("names", metavar="SCENE", nargs="*", help="numbers or names; default: all")
    adding = commands.add_parser("add", help="take the scenes of a folder that somebody gave you")
    adding.add_argument("folder", metavar="FOLDER", help="what 'pack' made, or any folder of presets")


def run(arguments: argparse.Namespace) -> int:
    """Do one of them. Raises a RealtimeError."""
    folder = SceneFolder(user_path(arguments.scenes) if arguments.scenes else default_folder())
    if arguments.scenes and not folder.folder.is_dir():
        raise OptionError(f"there is no folder {folder.folder}; check the path")
    if arguments.scenes_command == "pack":
        return _pack(folder, user_path(arguments.folder), arguments.names)
    if arguments.scenes_command == "add":
        return _add(folder, user_path(arguments.folder))
    return _list(folder)


def _list(folder: SceneFolder) -> int:
    scenes, wrong = folder.look()
    print(f"scenes in {folder.folder}")
    if not scenes:
        print("none yet; keep one while the picture runs, with Shift and a digit")
    _print_table(scenes)
    for line in wrong:
        print(f"left out: {line}")
    return 0


def _print_table(scenes: Sequence[ListedScene]) -> None:
    width = max((len(one.name) for one in scenes), default=0)
    for one in scenes:
        effects = " + ".join(effect_title(spec) for spec in one.effects)
        print(f"{one.number:3}  {one.name:{width}}  {effects}")


def _pack(folder: SceneFolder, target: Path, names: Sequence[str]) -> int:
    scenes = [folder.find(name) for name in names] if names else folder.list()
    if not scenes:
        raise OptionError(f"there are no scenes in {folder.folder} to be packed")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise OutputError(f"{target} is not empty; name a new folder")
    pack(scenes, target)
    print(f"{len(scenes)} in {target}; whoever gets it: realtime scenes add {target.name}")
    return 0


def _add(folder: SceneFolder, source: Path) -> int:
    if not source.is_dir():
        raise OptionError(f"there is no folder {source}; name the one that was given to you")
    scenes, wrong = SceneFolder(source).look()
    if not scenes:
        raise OptionError(f"there is no scene in {source}: {wrong[0]}" if wrong else f"there is no scene in {source}")
    _print_table(bring(scenes, folder))
    for line in wrong:
        print(f"left out: {line}")
    return 0
