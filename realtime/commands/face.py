"""`realtime face`: build a face of photos or a film, to be worn, and look at one."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from realtime.core.errors import OptionError, OutputError
from realtime.core.files import check_folder
from realtime.core.paths import user_path

log = logging.getLogger(__name__)

_EXAMPLES = """\
examples:
  realtime face build anna1.jpg anna2.jpg anna3.jpg -o anna.face
  realtime face build photos/ -o anna.face --preview anna.html
  realtime face build anna.mp4 -o anna.face

then:
  realtime run --effect swap:anna.face
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `build` and `show`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    build = actions.add_parser(
        "build",
        help="make a face of photos, folders of them, or films",
        description="Make one face of several photos or a film of one person, and say what each of them gave.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    build.add_argument(
        "photos", metavar="PHOTO", nargs="+", help="a photo, a folder of photos, or a film, of one person"
    )
    build.add_argument("-o", "--output", metavar="FACE", help="name.face; default: the first PHOTO's name.face")
    build.add_argument("--title", default="", help="default: the first photo's file name")
    build.add_argument("--with-glasses", action="store_true", help="glasses in the photos are worn, too")
    build.add_argument("--preview", metavar="FILE", help="also write a page to look at: .html")
    build.add_argument("--overwrite", action="store_true", help="replace what exists")

    show = actions.add_parser(
        "show",
        help="tell about a face",
        description="Tell what a face was made of and what it lacks; write a page to look at.",
        allow_abbrev=False,
    )
    show.add_argument("face", metavar="FACE", help="a .face file")
    show.add_argument("--preview", metavar="FILE", help="write a page to look at: .html")
    show.add_argument("--overwrite", action="store_true", help="replace what exists")


def run(arguments: argparse.Namespace) -> int:
    """Build or show. Raises RealtimeError."""
    return _show(arguments) if arguments.action == "show" else _build(arguments)


def _build(arguments: argparse.Namespace) -> int:
    from realtime.faces.landmarks.measurement import FaceMeasurer
    from realtime.swap.face.face_file import write_face
    from realtime.swap.face.opening import build_face
    from realtime.swap.face.preview import check_preview, write_page
    from realtime.swap.face.sources import FACE_SUFFIX, files_of
    from realtime.system.console import progress_line

    files = files_of(arguments.photos)
    first = user_path(arguments.photos[0])
    target = user_path(arguments.output) if arguments.output else first.with_suffix(FACE_SUFFIX)
    if target.suffix.lower() != FACE_SUFFIX:
        raise OptionError(f"-o {target}: let its name end in {FACE_SUFFIX}")
    _check_target(target, overwrite=arguments.overwrite)
    preview = user_path(arguments.preview) if arguments.preview else None
    if preview is not None:
        check_preview(preview, overwrite=arguments.overwrite)
        if preview.exists() and any(preview.samefile(file) for file in files):
            raise OptionError(f"--preview {preview} is what the face is made of; choose another name")
    began_s = time.monotonic()
    with progress_line() as progress:
        built = build_face(
            files, FaceMeasurer(), title=arguments.title, with_glasses=arguments.with_glasses, progress=progress
        )
    write_face(built.face, target, overwrite=arguments.overwrite)
    for line in built.face.report:
        print(line)
    if preview is not None:
        write_page(built.face, preview, built.sights, overwrite=arguments.overwrite)
        log.info("%s written", preview)
    log.info("%s: of %d sights, in %.0f s", target, len(built.sights), time.monotonic() - began_s)
    log.info("wear it: realtime run --effect swap:%s", target)
    return 0


def _check_target(target: Path, *, overwrite: bool) -> None:
    check_folder(target.parent)
    if target.is_dir():
        raise OutputError(f"{target} is a folder; choose another name")
    if target.exists() and not overwrite:
        raise OutputError(f"{target} exists already; choose another name, or add --overwrite")


def _show(arguments: argparse.Namespace) -> int:
    from realtime.swap.face.face_file import read_face
    from realtime.swap.face.preview import check_preview, write_page

    preview = user_path(arguments.preview) if arguments.preview else None
    if preview is not None:
        check_preview(preview, overwrite=arguments.overwrite)
    face = read_face(user_path(arguments.face))
    height, width = face.levels.levels[0].shape[:2]
    print(face.title)
    mouth = "with a mouth" if face.levels.lips is None else "lips are the wearer's"
    print(f"  {width}x{height} pixels, {mouth}")
    for line in face.report:
        print(f"  {line}")
    if preview is not None:
        write_page(face, preview, overwrite=arguments.overwrite)
        log.info("%s written", preview)
    return 0
