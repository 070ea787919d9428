"""`realtime morph film`: from one person to another, and back."""

from __future__ import annotations

import argparse
import functools
import logging
import math

from realtime.commands.morph import common
from realtime.core.files import remove_leftovers
from realtime.core.language import _
from realtime.imaging.frame import Pixels
from realtime.morph.way import Way
from realtime.outputs import VIDEO_SUFFIXES
from realtime.portrait.preview import film as films
from realtime.system.console import progress_line

log = logging.getLogger(__name__)

_KEPT_BYTES = 300_000_000
"""Of pictures from the way there, for the way back."""


def film(arguments: argparse.Namespace) -> int:
    """Draw it. Raises RealtimeError."""
    order = common.order(arguments, (arguments.one, arguments.other), VIDEO_SUFFIXES)
    common.within("--seconds", arguments.length_s, 0.1, 60)
    common.within("--fps", arguments.rate, 1, 60)
    side = order.side_px // 2 * 2  # films' colours come in squares of two
    count = max(2, round(arguments.length_s * arguments.rate))
    marker = common.Marker(order)
    remove_leftovers(order.target)
    with progress_line() as progress, common.Studio(order) as studio:
        progress(_("reading the photos"), 0.0)
        one, other = (studio.face(photo) for photo in order.photos)
        way = Way(one, other, studio.model, studio.meter.meshes, side)

        @functools.lru_cache(max(1, _KEPT_BYTES // (3 * side**2)))
        def picture(share: float) -> Pixels:
            return way.decoded(share) if order.shows_decoded else way.picture(share)

        overwrite, signer = order.options.overwrite, order.signer
        with films.film(order.target, arguments.rate, "morph", overwrite=overwrite, signer=signer) as recorder:
            for number in range(count):
                drawn = picture(_share(number, count, once=arguments.once))
                recorder.show(marker.film(drawn.copy(), number, arguments.rate))
                progress(_("drawing the film"), (number + 1) / count)
    log.info(_("%s: %d frames of %dx%d"), order.target, count, side, side)
    return 0


def _share(number: int, count: int, *, once: bool) -> float:
    """Return how far along the way a frame is: slowly at its ends, and the same on the way back."""
    phase = number / (count - 1) if once else 2 * min(number, count - number) / count
    return (1 - math.cos(math.pi * phase)) / 2
