"""`realtime morph strip`: from one person to another, side by side."""

from __future__ import annotations

import argparse

from realtime.commands.morph import common
from realtime.morph.figure import Row, figure, size_of
from realtime.morph.way import Way
from realtime.system.console import progress_line

_MOST_STEPS = 50


def describe(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describe `strip` to the command line."""
    parser = actions.add_parser(
        "strip",
        help="from one person to another, side by side",
        description="Draw the way from one person's face to another's: at the left the one photo, at the right the "
        "other, and pictures between them.",
        allow_abbrev=False,
    )
    parser.add_argument("one", metavar="A.jpg", help="a photo with a face in it")
    parser.add_argument("other", metavar="B.jpg", help="another one")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="from one to the other (default 10)")
    common.add_arguments(
        parser,
        "the picture to write, a .png",
        side_px=256,
        shown="transfer: each photo changed towards the other, on its own pixels (default); decoded: the network's own "
        "pictures of the two faces, mixed",
        overwritten="STRIP.png",
    )


def strip(arguments: argparse.Namespace) -> int:
    """Draw it. Raises RealtimeError."""
    order = common.order(arguments, (arguments.one, arguments.other), common.PICTURES)
    common.within("--steps", arguments.steps, 1, _MOST_STEPS)
    count, side = arguments.steps + 1, order.side_px
    size = size_of(1, count + 2, side, titled=False)
    common.check_size(size.width, size.height, "take fewer --steps or a smaller --side")
    marker = common.Marker(order)
    with progress_line() as progress, common.Studio(order) as studio:
        progress("reading the photos", 0.0)
        one, other = (studio.face(photo) for photo in order.photos)
        way = Way(one, other, studio.model, studio.meter.meshes, side)
        shares = [number / arguments.steps for number in range(count)]
        pictures = []
        for number, share in enumerate(shares):
            pictures.append(way.decoded(share) if order.shows_decoded else way.picture(share))
            progress("drawing the strip", (number + 1) / count)
    names = [photo.stem for photo in order.photos]
    captions = [f"{share:.2g}" for share in shares]
    if order.shows_decoded:  # which at its ends is not the photos yet
        pictures = [one.cropped(side), *pictures, other.cropped(side)]
        captions = [names[0], *captions, names[1]]
    else:
        captions[0], captions[-1] = names
    common.write_picture(order, marker.figure(figure([Row(pictures)], captions, order.font)))
    return 0
