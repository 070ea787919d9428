"""`realtime models add`: brings in somebody else's model, and says what was taken from where."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from realtime.commands.models import add_face
from realtime.core.errors import CameraError, ModelError, OptionError, nearest, shown

if TYPE_CHECKING:
    from realtime.imaging.frame import Pixels
    from realtime.model_import.hints import ImportHints
    from realtime.model_import.style.importer import Imported

_Value = TypeVar("_Value")

_ADD_EXAMPLES = f"""\
examples:
  realtime models add mosaic-9.onnx --title Mosaic --licence BSD-3-Clause
  realtime models add enhance.onnx --range 0..1 --preview look.jpg
  realtime models add AnimeGANv3_Hayao.onnx --name hayao
{add_face.FACE_EXAMPLES}
then:
  realtime run --effect style:hayao
  realtime run --effect swap:inswapper_128:PHOTO.jpg
"""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def describe(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe `add` to the command line."""
    add = actions.add_parser(
        "add",
        help="bring in somebody else's style or swap model",
        description="Rewrite a network for this program: uint8 BGR pictures in and out, styles of any size. What the "
        "file does not tell is asked for; then it is run on a real picture and kept.",
        epilog=_ADD_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    # argparse takes words that begin with a minus for options, unless they look like numbers: here -1..1 is one.
    add._negative_number_matcher = re.compile(r"^-\d")
    add.add_argument("file", metavar="FILE", type=Path, help="an .onnx file, picture in, picture out; or a .dfm file")
    add.add_argument("--name", help="what it is called from now on (default: the file's name)")
    ranges = "0..255, 0..1, -1..1"
    add.add_argument("--range", default="", metavar="RANGE", help=f"numbers it takes: {ranges} or imagenet")
    add.add_argument("--output-range", default="", metavar="RANGE", help=f"numbers it gives: {ranges}")
    add.add_argument("--layout", default="", metavar="AXES", help="of what it takes: NCHW, NHWC, CHW or HWC")
    add.add_argument("--output-layout", default="", metavar="AXES", help="of what it gives")
    add.add_argument("--order", default="", metavar="COLOURS", help="RGB (as nearly all) or BGR, both in and out")
    add.add_argument("--multiple", default="", metavar="N", help="both sides must be multiples of it (default: tried)")
    add.add_argument("--size", default="", metavar="WxH", help="let it see this size only: frames are scaled to it")
    add.add_argument("--output", default="", metavar="NAME", help="which of several outputs is the picture")
    add.add_argument("--title", default="", help="a short name for people")
    add.add_argument("--about", default="", help="one sentence: what it does to a picture")
    add.add_argument("--credit", default="", help="who made it")
    add.add_argument("--licence", default="", help="under which terms it may be used")
    add.add_argument("--picture", type=Path, metavar="FILE", help="try it on this picture (default: a portrait photo)")
    add.add_argument("--preview", type=Path, metavar="OUT.jpg", help="write the picture before and after, side by side")
    add.add_argument("--overwrite", action="store_true", help="replace a model of the same name")
    add_face.describe(add)


def add(arguments: argparse.Namespace) -> int:
    """Bring a file in, show what was taken from where, keep it. Raises RealtimeError."""
    from realtime.model_import.style.importer import Description, import_style, speed_of
    from realtime.model_import.vetting import in_bounds, remember
    from realtime.models import library
    from realtime.models.card import ModelKind

    kind = add_face.kind_of(arguments)
    name = name_for(arguments.file, arguments.name, "--name")
    path = library.user_folder() / f"{name}{library.SUFFIX}"
    shipped = library.shipped_folder() / path.name
    if not arguments.overwrite and (path.exists() or shipped.exists()):
        whose = "you have" if path.exists() else "there is a shipped"
        raise OptionError(f"{whose} model '{name}' already: choose another --name, or replace it with --overwrite")
    if arguments.preview is not None and arguments.preview.suffix.lower() not in (".jpg", ".jpeg", ".png"):
        raise OptionError(f"--preview {arguments.preview} is no picture's name: end it in .jpg or .png")
    title = arguments.title or re.sub(r"[-_. ]+", " ", arguments.name or arguments.file.stem).strip()
    words = Description(title[:1].upper() + title[1:], arguments.about, arguments.credit, arguments.licence)
    files: list[tuple[Path, Imported]] = []
    if kind is ModelKind.STYLE:
        add_face.refuse_face_options(arguments)
        hints, photo = _hints(arguments), _photo(arguments.picture)
        made = in_bounds(arguments.file, (), photo.size // 3, import_style, arguments.file, hints, words, photo)
        last_lines = [f"next:  `realtime run --effect style:{name}`"]
    else:
        adding = add_face.FaceAdding(arguments, kind, _hints(arguments), words)
        made, last_lines = adding.made, adding.last_lines(name)
        if adding.beside is not None:
            files.append(adding.beside)
    files.append((path, made))
    if len({file for file, _ in files}) < len(files):
        raise OptionError(f"'{name}' cannot be the name of both: choose another --name or --identity-name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"cannot make the folder {path.parent}: {error.strerror}; check its permissions") from error
    if arguments.preview is not None:
        _write_preview(made, arguments.preview)
    for file, one in files:
        one.keep(file)
        remember(file)
    print_table([("what", "value", "known from"), *made.findings])
    print()
    notes = made.notes
    if kind is ModelKind.STYLE:
        speed = speed_of(path)
        notes = (*notes, *speed.notes)
        last_lines.insert(0, f"speed: {speed.ms:.1f} ms a frame at {speed.size} on the {speed.provider}")
    for note in notes:
        print(f"note:  {shown(note)}")
    for file, one in files:
        licence = one.card.licence or "not known"
        print(shown(f"kept:  {file} ({len(one.content) / 1000:,.0f} kB, licence {licence})"))
    for line in last_lines:
        print(line)
    return 0


def name_for(file: Path, wished: str | None, option: str) -> str:
    """Return the name a model gets: one that can stand in `style:NAME:strength` and as a file on every system."""
    if wished is not None:
        if not _NAME.fullmatch(wished):
            raise OptionError(f"'{wished}' is no name for a model: use small letters, digits, '.', '-' and '_'")
        return wished
    name = re.sub(r"[^a-z0-9._-]+", "-", file.stem.lower()).strip("-._")
    if not name:
        raise OptionError(f"no name can be made of {file.name}: give one with {option}")
    return name


def _hints(arguments: argparse.Namespace) -> ImportHints:
    from realtime.imaging.frame import Size
    from realtime.model_import.hints import ColourOrder, ImportHints, Layout, ValueRange

    ranges = {known.value: known for known in ValueRange}
    given = {known.value: known for known in ValueRange if known is not ValueRange.IMAGENET}
    layouts = {layout.value: layout for layout in Layout}
    orders = {order.value: order for order in ColourOrder}
    multiple = arguments.multiple
    if multiple and not (multiple.isdecimal() and 1 <= int(multiple) <= 256):
        raise OptionError(f"--multiple {multiple} is out of range: give a whole number from 1 to 256")
    return ImportHints(
        range_in=_choice("--range", arguments.range, ranges),
        range_out=_choice("--output-range", arguments.output_range, given),
        layout_in=_choice("--layout", arguments.layout.upper(), layouts),
        layout_out=_choice("--output-layout", arguments.output_layout.upper(), layouts),
        order=_choice("--order", arguments.order.upper(), orders),
        multiple=int(multiple or 0),
        size=Size.parse(arguments.size) if arguments.size else None,
        output=arguments.output,
    )


def _choice(option: str, word: str, known: dict[str, _Value]) -> _Value | None:
    if not word:
        return None
    if word not in known:
        raise OptionError(f"{option} {word} is not known{nearest(word, known)}; it can be {', '.join(known)}")
    return known[word]


def _photo(named: Path | None) -> Pixels:
    """Return the picture to try a model on: the user's, or the demo's photo, or where that is missing its room."""
    from realtime.imaging.frame import Size
    from realtime.picture_files.reader import read_picture
    from realtime.picture_files.samples import draw_room, sample_photo

    if named is None:
        try:
            return read_picture(sample_photo())
        except CameraError:
            return draw_room(Size(640, 512))
    return picture_of(named)


def picture_of(named: Path) -> Pixels:
    """Read a picture of the user's to try a model on. Raises RealtimeError."""
    import cv2
    import numpy as np

    from realtime.imaging.frame import Size
    from realtime.imaging.pixels import place_inside
    from realtime.picture_files.reader import read_picture

    picture = read_picture(named)
    if min(picture.shape[:2]) < 64:
        raise OptionError(f"{named} is too small to try a model on: choose a picture of 64x64 or more")
    size = Size.of(picture)
    if max(size) > 1280:  # as large as a frame; a photo of 50 megapixels would take minutes
        size = place_inside(size, Size(1280, 1280)).size
        picture = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return picture


def _write_preview(made: Imported, path: Path) -> None:
    import cv2
    import numpy as np

    from realtime.core.files import atomic_write

    both = np.hstack([made.before, made.after])
    _, data = cv2.imencode(path.suffix.lower(), both, [cv2.IMWRITE_JPEG_QUALITY, 93])
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data.tobytes())


def print_table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print rows of equal length in columns, the first row their names; those in `right` end at the right. Cells may
    hold names out of files.
    """
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
