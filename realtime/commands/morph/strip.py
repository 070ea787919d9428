"""`realtime morph strip`: from one person to another, side by side."""

from __future__ import annotations

import argparse

from realtime.commands.morph import common
from realtime.core.language import _
from realtime.morph.figure import Row, figure, size_of
from realtime.morph.way import Way
from realtime.system.console import progress_line

_MOST_STEPS = 50


def strip(arguments: argparse.Namespace) -> int:
    """Draw it. Raises RealtimeError."""
    order = common.order(arguments, (arguments.one, arguments.other), common.PICTURES)
    common.within("--steps", arguments.steps, 1, _MOST_STEPS)
    count, side = arguments.steps + 1, order.side_px
    size = size_of(1, count + 2, side, titled=False)
    common.check_size(size.width, size.height, _("take fewer --steps or a smaller --side"))
    marker = common.Marker(order)
    with progress_line() as progress, common.Studio(order) as studio:
        progress(_("reading the photos"), 0.0)
        one, other = (studio.face(photo) for photo in order.photos)
        way = Way(one, other, studio.model, studio.meter.meshes, side)
        shares = [number / arguments.steps for number in range(count)]
        pictures = []
        for number, share in enumerate(shares):
            pictures.append(way.decoded(share) if order.shows_decoded else way.picture(share))
            progress(_("drawing the strip"), (number + 1) / count)
    names = [photo.stem for photo in order.photos]
    captions = [f"{share:.2g}" for share in shares]
    if order.shows_decoded:  # which at its ends is not the photos yet
        pictures = [one.cropped(side), *pictures, other.cropped(side)]
        captions = [names[0], *captions, names[1]]
    else:
        captions[0], captions[-1] = names
    common.write_picture(order, marker.figure(figure([Row(pictures)], captions, order.font)))
    return 0
