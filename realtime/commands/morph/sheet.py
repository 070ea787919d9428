"""`realtime morph sheet`: people in rows, an attribute from less to more in columns."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from realtime.commands.morph import common
from realtime.core.language import _
from realtime.core.progress import Progress
from realtime.imaging.frame import Pixels
from realtime.models.latent_space import Direction, LatentSpace
from realtime.morph.figure import Row, figure, size_of
from realtime.morph.glasses.shapes import DIRECTION as GLASSES
from realtime.morph.stills import StillFace, window_on
from realtime.system.console import progress_line

_MOST = 4.0


def sheet(arguments: argparse.Namespace) -> int:
    """Draw it. Raises RealtimeError."""
    order = common.order(arguments, arguments.photos, common.PICTURES)
    names = list(dict.fromkeys(arguments.attribute))
    common.within("--step", arguments.step, 0.25, _MOST)
    steps = int(_MOST / arguments.step)
    values = [number * arguments.step for number in range(-steps, steps + 1)]
    size = size_of(len(order.photos) * len(names), len(values) + 1, order.side_px, titled=True)
    common.check_size(
        size.width, size.height, _("give fewer photos or attributes, a larger --step or a smaller --side")
    )
    marker = common.Marker(order)
    with progress_line() as progress, common.Studio(order) as studio:
        space = studio.model.space
        directions = [_drawn(space) if name == GLASSES else space.direction(name) for name in names]
        progress(_("reading the photos"), 0.0)
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
                if direction.name == GLASSES and value > 0 and not order.shows_decoded:
                    changed = face.changed(glasses=value)
                else:
                    changed = face.changed(direction.values * value, shows_decoded=order.shows_decoded)
                pictures.append(face.cut(changed, window, order.side_px))
            done += 1
            progress(_("drawing the sheet"), done / count)
            yield Row(pictures, (photo.stem, direction.title))


def _drawn(space: LatentSpace) -> Direction:
    """Return the direction of glasses, which are drawn: a model need not have it."""
    if GLASSES in space.names:
        return space.direction(GLASSES)
    return Direction(GLASSES, _("glasses"), "", 0.0, np.zeros_like(space.mean))
