"""`realtime portrait show`: what is in a pack, in words and pictures."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator

from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.portrait.pack import Portrait
from realtime.portrait.preview.compose import check_folder_of_pictures, write_composed
from realtime.portrait.preview.preview import check_preview, write_preview
from realtime.portrait.quality.report import figures_of, name_of, warnings_of
from realtime.system.console import progress_line

log = logging.getLogger(__name__)


def show(arguments: argparse.Namespace) -> int:
    """Tell about a pack, and write its pictures. Raises RealtimeError."""
    preview = user_path(arguments.preview) if arguments.preview else None
    folder = user_path(arguments.frames) if arguments.frames else None
    painting = user_path(arguments.painting) if arguments.painting else None
    if preview is not None:
        check_preview(preview, overwrite=arguments.overwrite)
    if folder is not None:
        check_folder_of_pictures(folder, overwrite=arguments.overwrite)
    with Portrait.open(user_path(arguments.pack), painting=painting) as portrait:
        for line in describe(portrait):
            print(line)
        with progress_line() as progress:
            if folder is not None:
                write_composed(portrait, folder, overwrite=arguments.overwrite, progress=progress)
                log.info(_("%s: %d pictures"), folder, portrait.count)
            if preview is not None:
                write_preview(portrait, preview, overwrite=arguments.overwrite, progress=progress)
                log.info(_("%s written"), preview)
    return 0


def describe(portrait: Portrait) -> Iterator[str]:
    """Yield what there is to say about a pack, line by line."""
    yield portrait.title + (f", {portrait.credit}" if portrait.credit else "")
    yield (
        _(
            "  painting {size}, frames {columns} x {rows} of {place_size} at {left},{top}, "
            "{blink_stages} blink stages, {mouth_stages} mouth stages, {idle_count} idle pictures",
            size=portrait.size,
            columns=portrait.columns,
            rows=portrait.rows,
            place_size=portrait.place.size,
            left=portrait.place.left,
            top=portrait.place.top,
            blink_stages=portrait.blink_stages,
            mouth_stages=portrait.mouth_stages,
            idle_count=portrait.idle_count,
        )
    )
    reports = portrait.face_reports
    for number, report in enumerate(reports):
        if name := name_of(reports, number):
            yield f"{name}:"
        for figure, value in figures_of(report):
            yield f"  {figure:20} {value:9.3f}"
        for warning in warnings_of(report):
            yield _("  note: {warning}", warning=warning)
