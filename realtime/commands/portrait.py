"""`realtime portrait`: make a portrait pack from a picture, and look at one."""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.errors import OptionError, OutputError, PortraitError
from realtime.frame import Box
from realtime.terminal import progress_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from realtime.frame import Face, Pixels
    from realtime.portraits.builder import BuildOptions
    from realtime.portraits.measure import Meter

log = logging.getLogger(__name__)

SUMMARY = "make a portrait pack from any picture with a face in it"

_BUILD_EXAMPLES = """\
examples:
  realtime portrait build painting.jpg -o painting.portrait
  realtime portrait build painting.jpg -o painting.portrait --preview painting.html
  realtime portrait build photo.png -o photo.portrait --frames 65 --rows 5 --head 0.4
  realtime portrait build painting.jpg -o film.mp4 --driving me.mp4 --all-frames

then:
  realtime run --effect portrait:painting.portrait
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `build` and `show`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    build = actions.add_parser(
        "build",
        help="make a pack from a picture",
        description="Make a portrait pack: frames whose eyes and head turn from left to right, blinks and a breath.",
        epilog=_BUILD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    build.add_argument("picture", metavar="PICTURE", help="a painting, photo or drawing with a face in it")
    build.add_argument(
        "-o", "--output", metavar="PACK", help="name.portrait (one file) or a folder; default: PICTURE's name.portrait"
    )
    build.add_argument("--title", help="default: the picture's file name")
    build.add_argument("--credit", default="", help="who made the picture, and whose it is")
    build.add_argument(
        "--face", metavar="X,Y,W,H", help="the one face to move, a box in pixels; default: every face that is found"
    )
    build.add_argument("--frames", type=int, default=33, metavar="N", help="frames from left to right (default 33)")
    build.add_argument("--rows", type=int, default=1, metavar="N", help="rows from up to down (default 1)")
    build.add_argument(
        "--head",
        type=float,
        default=0.25,
        metavar="SHARE",
        help="how far the head follows the eyes: 0 not at all, 1 by 32 degrees (default 0.25)",
    )
    build.add_argument(
        "--longest-side", type=int, default=2560, metavar="PX", help="scale larger pictures down to this (default 2560)"
    )
    build.add_argument("--no-blink", action="store_true", help="make no blink pictures")
    build.add_argument("--no-idle", action="store_true", help="make no breathing loop")
    build.add_argument(
        "--seam",
        choices=("head", "sigmoid"),
        default="head",
        help="how frames are blended into the painting: along the head (default), or a square with soft edges",
    )
    build.add_argument(
        "--engine", default="mesh", metavar="NAME", help="what moves the face (default mesh, the only one so far)"
    )
    build.add_argument("--driving", metavar="CLIP", help="take the movement from a filmed face")
    build.add_argument(
        "--all-frames", action="store_true", help="with --driving: write the whole animated clip, -o NAME.mp4"
    )
    build.add_argument("--preview", metavar="FILE", help="also write a preview: .html, .jpg, .png or .mp4")
    build.add_argument("--force", action="store_true", help="replace what exists")

    show = actions.add_parser(
        "show",
        help="tell about a pack, and write its pictures",
        description="Tell what is in a pack and what was measured; write its pictures or a preview of them.",
        allow_abbrev=False,
    )
    show.add_argument("pack", metavar="PACK", help="a pack: a file or a folder")
    show.add_argument("--painting", metavar="FILE", help="the painting, for a folder of frames that show only the head")
    show.add_argument(
        "--frames", metavar="DIR", help="write the whole painting with each frame in its place, numbered PNGs"
    )
    show.add_argument("--preview", metavar="FILE", help="write a preview: .html, .jpg, .png or .mp4")
    show.add_argument("--force", action="store_true", help="replace what exists")


def run(arguments: argparse.Namespace) -> int:
    """Build or show. Raises RealtimeError."""
    return _show(arguments) if arguments.action == "show" else _build(arguments)


def _build(arguments: argparse.Namespace) -> int:
    options = _options(arguments)
    source = Path(arguments.picture).expanduser()
    target = _target(arguments, source)
    preview = Path(arguments.preview).expanduser() if arguments.preview else None
    sources = [source, *([Path(arguments.driving).expanduser()] if arguments.driving else [])]
    _spare(sources, target, preview)

    from realtime.portraits.picture import read_picture
    from realtime.portraits.preview import check_preview

    if preview is not None:
        if arguments.all_frames:
            raise OptionError("--all-frames writes a film, which needs no --preview; leave one of them out")
        check_preview(preview, overwrite=arguments.force)
    started_s = time.monotonic()
    picture, note = read_picture(source, arguments.longest_side)
    if note:
        log.info("%s", note)

    from realtime.portraits.measure import Meter

    with progress_line() as progress:
        meter = Meter(progress)
        faces = _faces(picture, arguments.face, meter)
        if arguments.all_frames:
            from realtime.portraits.driving import animate, motions_of
            from realtime.portraits.moving import prepare

            moving, _ = prepare(picture, faces, meter, options)
            filmed = motions_of(Path(arguments.driving).expanduser(), progress)
            animate(moving, filmed, target, overwrite=arguments.force, progress=progress)
        else:
            from realtime.portraits.builder import build

            driven = None
            if arguments.driving:
                from realtime.portraits.columns import choose
                from realtime.portraits.driving import motions_of

                filmed = motions_of(Path(arguments.driving).expanduser(), progress)
                driven = choose(filmed.motions, options.columns)
            built = build(
                picture,
                faces,
                target,
                meter,
                title=arguments.title or source.stem.replace("_", " ").replace("-", " "),
                credit=arguments.credit,
                options=options,
                overwrite=arguments.force,
                driven=driven,
                progress=progress,
            )
            if preview is not None:
                from realtime.portrait_file import Portrait
                from realtime.portraits.preview import write_preview

                with Portrait.open(target) as portrait:
                    write_preview(portrait, preview, overwrite=arguments.force, progress=progress)
    seconds = time.monotonic() - started_s
    if arguments.driving:
        for warning in filmed.warnings:
            log.warning("%s", warning)
    if arguments.all_frames:
        log.info("%s: %d frames in %.0f s", target, len(filmed.motions), seconds)
        return 0
    for number, report in enumerate(built.reports):
        if len(built.reports) > 1:
            print(f"face {number + 1}:")
        print("\n".join(report.lines()))
    log.info("%s: %d frames of %s in %.0f s", target, options.columns * options.rows, built.place.size, seconds)
    log.info("see it: realtime run --effect portrait:%s", target)
    return 0


def _options(arguments: argparse.Namespace) -> BuildOptions:
    from realtime.errors import nearest
    from realtime.portraits import ENGINES
    from realtime.portraits.builder import BuildOptions

    if not 3 <= arguments.frames <= 999:
        raise OptionError(f"--frames {arguments.frames} is out of range: 3 to 999")
    if not 1 <= arguments.rows <= 33:
        raise OptionError(f"--rows {arguments.rows} is out of range: 1 to 33")
    if not 0 <= arguments.head <= 1:
        raise OptionError(f"--head {arguments.head:g} is out of range: 0 (the eyes alone) to 1")
    if not 256 <= arguments.longest_side <= 8192:
        raise OptionError(f"--longest-side {arguments.longest_side} is out of range: 256 to 8192")
    if arguments.engine not in ENGINES:
        raise OptionError(
            f"no engine '{arguments.engine}'{nearest(arguments.engine, ENGINES)}; there are: {', '.join(ENGINES)}"
        )
    if arguments.all_frames and not arguments.driving:
        raise OptionError("--all-frames needs --driving CLIP, the film whose movement is taken")
    return BuildOptions(
        columns=arguments.frames,
        rows=arguments.rows,
        head_share=arguments.head,
        blink_stages=0 if arguments.no_blink else 3,
        idle_seconds=0.0 if arguments.no_idle else 4.0,
        seam=arguments.seam,
        engine=arguments.engine,
    )


def _target(arguments: argparse.Namespace, source: Path) -> Path:
    """Return where the result goes; asks for --force before any work is done."""
    if arguments.output:
        target = Path(arguments.output).expanduser()
    elif arguments.all_frames:
        raise OptionError("--all-frames needs -o NAME.mp4")
    else:
        target = source.with_suffix(".portrait")
    if target.exists() and not arguments.force:
        raise PortraitError(f"{target} exists; choose another name with -o, or add --force to replace it")
    if not target.parent.exists():
        raise OutputError(f"there is no folder {target.parent}; make it first, or choose another with -o")
    return target


def _spare(sources: Sequence[Path], target: Path, preview: Path | None) -> None:
    """Refuse, --force or not, to write over what the portrait is made from, or the preview over the portrait."""
    for written in [target, *([preview] if preview is not None else [])]:
        if any(written.exists() and source.exists() and written.samefile(source) for source in sources):
            raise PortraitError(f"{written} is what the portrait is made from; choose another name to write to")
    if preview is not None and preview.absolute() == target.absolute():
        raise OptionError(f"-o and --preview both name {target}; choose another name for one of them")


def _faces(picture: Pixels, pointed: str | None, meter: Meter) -> Sequence[Face]:
    from realtime.portraits.moving import usable_faces
    from realtime.portraits.search import face_at

    if not pointed:
        return usable_faces(picture, meter)
    try:
        left, top, width, height = (float(part) for part in pointed.split(","))
    except ValueError:
        raise OptionError(f"--face '{pointed}' is no box; write X,Y,WIDTH,HEIGHT, as in 310,120,180,220") from None
    return [face_at(picture, Box(left, top, width, height), meter)]


def _show(arguments: argparse.Namespace) -> int:
    from realtime.portrait_file import Portrait
    from realtime.portraits.preview import check_preview, write_composed, write_preview

    preview = Path(arguments.preview).expanduser() if arguments.preview else None
    folder = Path(arguments.frames).expanduser() if arguments.frames else None
    if preview is not None:
        check_preview(preview, overwrite=arguments.force)
    if folder is not None and folder.exists() and not arguments.force:
        if not folder.is_dir():
            raise OutputError(f"{folder} is a file; name a folder for --frames")
        if any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty; name another folder, or add --force")
    painting = Path(arguments.painting).expanduser() if arguments.painting else None
    with Portrait.open(Path(arguments.pack).expanduser(), painting=painting) as portrait:
        print(f"{portrait.title}" + (f", {portrait.credit}" if portrait.credit else ""))
        print(f"  painting {portrait.size}, frames {portrait.columns} x {portrait.rows} of {portrait.place.size} "
              f"at {portrait.place.left},{portrait.place.top}, {portrait.blink_stages} blink stages, "
              f"{portrait.idle_count} idle pictures")  # fmt: skip
        for name, value in portrait.report.items():
            if isinstance(value, float):
                print(f"  {name.replace('_', ' '):20} {value:9.3f}")
        for warning in portrait.report.get("warnings", []):
            print(f"  note: {warning}")
        with progress_line() as progress:
            if folder is not None:
                count = write_composed(portrait, folder, progress)
                log.info("%s: %d pictures", folder, count)
            if preview is not None:
                write_preview(portrait, preview, overwrite=arguments.force, progress=progress)
                log.info("%s written", preview)
    return 0
