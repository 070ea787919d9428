"""`realtime portrait`: make a portrait pack from a picture, and look at one."""

from __future__ import annotations

import argparse

from realtime.core.argument_parser import RawDescriptionHelpFormatter
from realtime.core.language import N_, _

_BUILD_EXAMPLES = N_("""\
examples:
  realtime portrait build painting.jpg -o painting.portrait
  realtime portrait build painting.jpg -o painting.portrait --preview painting.html
  realtime portrait build photo.png -o photo.portrait --frames 65 --rows 5 --head 0.4
  realtime portrait build painting.jpg -o film.mp4 --driving me.mp4 --all-frames

then:
  realtime run --effect portrait:painting.portrait
""")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `build` and `show`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title=_("actions"), required=True)
    build = actions.add_parser(
        "build",
        help=_("make a pack from a picture"),
        description=_("Make a portrait pack: frames whose eyes and head turn from left to right, blinks and a breath."),
        epilog=_(_BUILD_EXAMPLES),
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    build.add_argument("picture", metavar="PICTURE", help=_("a painting, photo or drawing with a face in it"))
    build.add_argument(
        "-o",
        "--output",
        metavar="PACK",
        help=_("name.portrait (one file) or a folder; default: PICTURE's name.portrait"),
    )
    build.add_argument("--title", help=_("default: the picture's file name"))
    build.add_argument("--credit", default="", help=_("who made the picture, and whose it is"))
    build.add_argument(
        "--face", metavar="X,Y,W,H", help=_("the one face to move, a box in pixels; default: every face that is found")
    )
    build.add_argument("--frames", type=int, default=33, metavar="N", help=_("frames from left to right (default 33)"))
    build.add_argument("--rows", type=int, default=1, metavar="N", help=_("rows from up to down (default 1)"))
    build.add_argument(
        "--head",
        type=float,
        default=0.25,
        metavar="SHARE",
        help=_("how far the head follows the eyes: 0 not at all, 1 by 32 degrees (default 0.25)"),
    )
    build.add_argument(
        "--longest-side",
        type=int,
        default=2560,
        metavar="PX",
        help=_("scale larger pictures down to this (default 2560)"),
    )
    build.add_argument("--no-blink", action="store_true", help=_("make no blink pictures"))
    build.add_argument("--no-mouth", action="store_true", help=_("make no pictures of the mouth opening"))
    build.add_argument("--no-idle", action="store_true", help=_("make no breathing loop"))
    build.add_argument(
        "--seam",
        choices=("head", "sigmoid"),
        default="head",
        help=_("how frames are blended into the painting: along the head (default), or a square with soft edges"),
    )
    build.add_argument(
        "--engine",
        default="mesh",
        metavar="NAME",
        help=_("what moves the face: mesh (default), or a motion model by its name"),
    )
    build.add_argument("--driving", metavar="CLIP", help=_("take the movement from a filmed face"))
    build.add_argument(
        "--all-frames", action="store_true", help=_("with --driving: write the whole animated clip, -o NAME.mp4")
    )
    build.add_argument("--preview", metavar="FILE", help=_("also write a preview: .html, .jpg, .png or .mp4"))
    _may_overwrite(build)

    show = actions.add_parser(
        "show",
        help=_("tell about a pack, and write its pictures"),
        description=_("Tell what is in a pack and what was measured; write its pictures or a preview of them."),
        allow_abbrev=False,
    )
    show.add_argument("pack", metavar="PACK", help=_("a pack: a file or a folder"))
    show.add_argument(
        "--painting", metavar="FILE", help=_("the painting, for a folder of frames that show only the head")
    )
    show.add_argument(
        "--frames", metavar="DIR", help=_("write the whole painting with each frame in its place, numbered PNGs")
    )
    show.add_argument("--preview", metavar="FILE", help=_("write a preview: .html, .jpg, .png or .mp4"))
    _may_overwrite(show)


def _may_overwrite(parser: argparse.ArgumentParser) -> None:
    """The word of all commands, and the one that these two had before."""
    parser.add_argument("--overwrite", action="store_true", help=_("replace what exists"))
    parser.add_argument("--force", dest="overwrite", action="store_true", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Build or show. Raises RealtimeError."""
    if arguments.action == "show":
        from realtime.commands.portrait.show import show

        return show(arguments)
    from realtime.commands.portrait.build import build_or_film

    return build_or_film(arguments)
