"""`realtime face`: build a face of photos or a film, to be worn, and look at one."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from realtime.core.argument_parser import RawDescriptionHelpFormatter
from realtime.core.errors import OptionError, OutputError
from realtime.core.files import check_folder
from realtime.core.language import N_, _
from realtime.core.paths import user_path

log = logging.getLogger(__name__)

_EXAMPLES = N_("""\
examples:
  realtime face build anna1.jpg anna2.jpg anna3.jpg -o anna.face
  realtime face build photos/ -o anna.face --preview anna.html
  realtime face build anna.mp4 -o anna.face

then:
  realtime run --effect swap:anna.face
""")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `build` and `show`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title=_("actions"), required=True)
    build = actions.add_parser(
        "build",
        help=_("make a face of photos, folders of them, or films"),
        description=_("Make one face of several photos or a film of one person, and say what each of them gave."),
        epilog=_(_EXAMPLES),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    build.add_argument(
        "photos", metavar="PHOTO", nargs="+", help=_("a photo, a folder of photos, or a film, of one person")
    )
    build.add_argument("-o", "--output", metavar="FACE", help=_("name.face; default: the first PHOTO's name.face"))
    build.add_argument("--title", default="", help=_("default: the first photo's file name"))
    build.add_argument("--with-glasses", action="store_true", help=_("glasses in the photos are worn, too"))
    build.add_argument("--preview", metavar="FILE", help=_("also write a page to look at: .html"))
    build.add_argument("--overwrite", action="store_true", help=_("replace what exists"))

    show = actions.add_parser(
        "show",
        help=_("tell about a face"),
        description=_("Tell what a face was made of and what it lacks; write a page to look at."),
        allow_abbrev=False,
    )
    show.add_argument("face", metavar="FACE", help=_("a .face file"))
    show.add_argument("--preview", metavar="FILE", help=_("write a page to look at: .html"))
    show.add_argument("--overwrite", action="store_true", help=_("replace what exists"))


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
        raise OptionError(_("-o {target}: let its name end in {face_suffix}", target=target, face_suffix=FACE_SUFFIX))
    _check_target(target, overwrite=arguments.overwrite)
    preview = user_path(arguments.preview) if arguments.preview else None
    if preview is not None:
        check_preview(preview, overwrite=arguments.overwrite)
        if preview.exists() and any(preview.samefile(file) for file in files):
            raise OptionError(
                _("--preview {preview} is what the face is made of; choose another name", preview=preview)
            )
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
        log.info(_("%s written"), preview)
    log.info(_("%s: of %d sights, in %.0f s"), target, len(built.sights), time.monotonic() - began_s)
    log.info(_("wear it: realtime run --effect swap:%s"), target)
    return 0


def _check_target(target: Path, *, overwrite: bool) -> None:
    check_folder(target.parent)
    if target.is_dir():
        raise OutputError(_("{target} is a folder; choose another name", target=target))
    if target.exists() and not overwrite:
        raise OutputError(_("{target} exists already; choose another name, or add --overwrite", target=target))


def _show(arguments: argparse.Namespace) -> int:
    from realtime.swap.face.face_file import read_face
    from realtime.swap.face.preview import check_preview, write_page

    preview = user_path(arguments.preview) if arguments.preview else None
    if preview is not None:
        check_preview(preview, overwrite=arguments.overwrite)
    face = read_face(user_path(arguments.face))
    height, width = face.levels.levels[0].shape[:2]
    print(face.title)
    mouth = _("with a mouth") if face.levels.lips is None else _("lips are the wearer's")
    print(_("  {width}x{height} pixels, {mouth}", width=width, height=height, mouth=mouth))
    for line in face.report:
        print(f"  {line}")
    if preview is not None:
        write_page(face, preview, overwrite=arguments.overwrite)
        log.info(_("%s written"), preview)
    return 0
