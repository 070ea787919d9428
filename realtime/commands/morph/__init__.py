"""`realtime morph`: figures and films of photos whose faces are slid through latent space."""

from __future__ import annotations

import argparse

from realtime.core.language import N_, _
from realtime.session import option_reading
from realtime.session.options import FIELDS

_EXAMPLES = N_("""\
examples:
  realtime morph strip anna.jpg ben.jpg -o strip.png
  realtime morph sheet anna.jpg ben.jpg --attribute glasses --attribute smile -o sheet.png
  realtime morph film anna.jpg ben.jpg -o film.mp4 --seconds 6

the same, live:
  realtime run --effect morph --set morph.glasses=2
  realtime run --effect morph:ben.jpg
""")
_OPTIONS = ("provider", "label", "label_corner", "label_size", "label_font", "no_label", "overwrite", "sign")
"""Of a run's."""
_BETWEEN_TWO = N_(
    "transfer: each photo changed towards the other, on its own pixels (default); decoded: the network's own pictures "
    "of the two faces, mixed"
)
_ON_ONE = N_(
    "transfer: the change on the photo's own pixels (default); decoded: the network's own picture, put into the photo"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `strip`, `sheet` and `film`."""
    parser.epilog = _(_EXAMPLES)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title=_("actions"), required=True)
    strip = actions.add_parser(
        "strip",
        help=_("from one person to another, side by side"),
        description=_(
            "Draw the way from one person's face to another's: the one photo at the left, the other at the "
            "right, and pictures between them."
        ),
        allow_abbrev=False,
    )
    _add_two_photos(strip)
    strip.add_argument("--steps", type=int, default=10, metavar="N", help=_("from one to the other (default 10)"))
    _add_shared(strip, "STRIP.png", _("the picture to write"), _(_BETWEEN_TWO), side_px=256)

    sheet = actions.add_parser(
        "sheet",
        help=_("people in rows, an attribute from less to more in columns"),
        description=_(
            "Slide the faces in photos along attributes, from -4 to 4: a row for each person, or for each "
            "person and attribute. The photo is in the middle."
        ),
        allow_abbrev=False,
    )
    sheet.add_argument("photos", metavar="PHOTO", nargs="+", help=_("a photo with a face in it"))
    sheet.add_argument(
        "--attribute",
        action="append",
        required=True,
        metavar="NAME",
        help=_("glasses, smile, age …: what the model has; repeat it for several"),
    )
    sheet.add_argument("--step", type=float, default=2.0, metavar="S", help=_("from column to column (default 2)"))
    _add_shared(sheet, "SHEET.png", _("the picture to write"), _(_ON_ONE), side_px=256)

    film = actions.add_parser(
        "film",
        help=_("from one person to another and back, as a film"),
        description=_("Film the way from one person's face to another's and back, to be played in a loop."),
        allow_abbrev=False,
    )
    _add_two_photos(film)
    # Their usual names are those of a run's options, which mean something else.
    film.add_argument(
        "--seconds", dest="length_s", type=float, default=4.0, metavar="S", help=_("how long it is (default 4)")
    )
    film.add_argument(
        "--fps", dest="rate", type=float, default=30.0, metavar="N", help=_("frames a second (default 30)")
    )
    film.add_argument("--once", action="store_true", help=_("only there, not back"))
    _add_shared(film, "FILM.mp4", _("the film to write: .mp4, .mkv, .mov"), _(_BETWEEN_TWO), side_px=512)


def run(arguments: argparse.Namespace) -> int:
    """Carry out the action. Raises RealtimeError."""
    if arguments.action == "strip":
        from realtime.commands.morph.strip import strip

        return strip(arguments)
    if arguments.action == "sheet":
        from realtime.commands.morph.sheet import sheet

        return sheet(arguments)
    from realtime.commands.morph.film import film

    return film(arguments)


def _add_two_photos(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("one", metavar="A.jpg", help=_("a photo with a face in it"))
    parser.add_argument("other", metavar="B.jpg", help=_("another one"))


def _add_shared(parser: argparse.ArgumentParser, target: str, made: str, shown: str, *, side_px: int) -> None:
    parser.add_argument("-o", "--output", dest="target", required=True, metavar=target, help=made)
    parser.add_argument(
        "--model",
        metavar="NAME",
        help=_("a morph model, by name or file; default: the one that comes with the program"),
    )
    parser.add_argument("--show", choices=("transfer", "decoded"), default="transfer", help=shown)
    parser.add_argument(
        "--side",
        type=int,
        default=side_px,
        metavar="PX",
        help=_("of each picture, 256 to 1080 (default {side_px})", side_px=side_px),
    )
    option_reading.add_arguments(parser, leave_out=[name for name in FIELDS if name not in _OPTIONS])
