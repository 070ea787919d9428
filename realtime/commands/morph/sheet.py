"""`realtime morph sheet`: people in rows, an attribute from less to more in columns."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from realtime.commands.morph import common
from realtime.core.progress import Progress
from realtime.imaging.frame import Pixels
from realtime.models.latent_space import Direction
from realtime.morph.figure import Row, figure, size_of
from realtime.morph.stills import StillFace, window_on
from realtime.system.console import progress_line

_MOST = 4.0
_MOST_ATTRIBUTES = 50


def describe(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe `sheet` to the command line."""
    parser = actions.add_parser(
        "sheet",
        help="people in rows, an attribute from less to more in columns",
        description="Slide the faces in photos along attributes, from -4 to 4: a row for each person, or for each "
        "person and attribute. In the middle is the photo.",
        allow_abbrev=False,
    )
    parser.add_argument("photos", metavar="PHOTO", nargs="+", help="a photo with a face in it")
    parser.add_argument(
        "--attribute",
        action="append",
        required=True,
        metavar="NAME",
        help="glasses, smile, age …, as the model has them; repeat it for several",
    )
    parser.add_argument("--step", type=float, default=2.0, metavar="S", help="from column to column (default 2)")
    common.add_arguments(
        parser,
        "the picture to write, a .png",
        side_px=256,
        shown="transfer: the change on the photo's own pixels (default); decoded: the network's own picture, put into "
        "the photo",
        overwritten="SHEET.png",
    )


def sheet(arguments: argparse.Namespace) -> int:
    """Draw it. Raises RealtimeError."""
    order = common.order(arguments, arguments.photos, common.PICTURES)
    names = list(dict.fromkeys(arguments.attribute))
    common.within("--step", arguments.step, 0.25, _MOST)
    steps = int(_MOST / arguments.step)
    values = [number * arguments.step for number in range(-steps, steps + 1)]
    size = size_of(len(order.photos) * len(names), len(values) + 1, order.side_px, titled=True)
    common.check_size(size.width, size.height, "give fewer photos or attributes, a larger --step or a smaller --side")
    marker = common.Marker(order)
    with progress_line() as progress, common.Studio(order) as studio:
        directions = [studio.model.space.direction(name) for name in names]
        progress("reading the photos", 0.0)
        faces = [studio.face(photo) for photo in order.photos]
        rows = list(_rows(order, faces, directions, values, progress))
    captions = [f"{value:+g}" if value else "0" for value in values]
    if order.shows_decoded:
        captions.insert(0, "photo")
    common.write_picture(order, marker.figure(figure(rows, captions, order.font)))
    return 0


def _rows(
    order: common.Order,
    faces: list[StillFace],
    directions: list[Direction],
    values: list[float],
    progress: Progress,
) -> Iterator[Row]:
    done, count = 0, len(faces) * len(directions)
    for photo, face in zip(order.photos, faces, strict=True):
        window = window_on(face)
        original = face.cut(face.photo, window, order.side_px)
        for direction in directions:
            pictures: list[Pixels] = [original] if order.shows_decoded else []
            for value in values:
                if value == 0 and not order.shows_decoded:
                    pictures.append(original)
                    continue
                changed = face.changed(direction.values * value, shows_decoded=order.shows_decoded)
                pictures.append(face.cut(changed, window, order.side_px))
            done += 1
            progress("drawing the sheet", done / count)
            yield Row(pictures, (photo.stem, direction.title))
