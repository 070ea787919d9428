"""A look at a pack: as a contact sheet, a page or a film, by the name's ending."""

from __future__ import annotations

import math
import time
from pathlib import Path

import cv2

from realtime.core.errors import OptionError, OutputError, PortraitError
from realtime.core.files import atomic_write, check_folder
from realtime.core.language import _
from realtime.core.progress import Progress, no_progress
from realtime.imaging.frame import Frame, Pixels
from realtime.portrait.pack import Portrait
from realtime.portrait.preview.compose import composed
from realtime.portrait.preview.contact_sheet import contact_sheet
from realtime.portrait.preview.film import film
from realtime.portrait.preview.html_page import page

PICTURES = frozenset({".jpg", ".jpeg", ".png"})
PAGES = frozenset({".html", ".htm"})
FILMS = frozenset({".mp4", ".mkv", ".mov"})

_FPS = 25
_SWEEP_S, _SWEEPS = 4, 2
"""From the middle to the left, to the right and back."""


def write_preview(portrait: Portrait, path: Path, *, overwrite: bool = False, progress: Progress = no_progress) -> None:
    """Write a preview of the kind that the name's ending tells.

    Raises OptionError for another ending, PortraitError where the file exists and `overwrite` is not said, and
    OutputError where it cannot be written.
    """
    kind = path.suffix.lower()
    check_preview(path, overwrite=overwrite)
    if kind in PICTURES:
        with atomic_write(path, overwrite=overwrite) as unfinished:
            _save(unfinished, contact_sheet(portrait))
    elif kind in PAGES:
        with atomic_write(path, overwrite=overwrite) as unfinished:
            unfinished.write_text(page(portrait, progress), encoding="utf-8")
    else:
        _write_film(portrait, path, progress, overwrite=overwrite)


def check_preview(path: Path, *, overwrite: bool) -> None:
    """Raise OptionError, OutputError or PortraitError where no preview can be written: better known before the work."""
    if path.suffix.lower() not in PICTURES | PAGES | FILMS:
        raise OptionError(
            _("cannot write a preview as '{name}'; let its name end in .html, .jpg, .png or .mp4", name=path.name)
        )
    check_folder(path.parent)
    if path.is_dir():
        raise OutputError(_("{path} is a folder; choose another name for the preview", path=path))
    if path.exists() and not overwrite:
        raise PortraitError(_("{path} exists; choose another name or add --overwrite", path=path))


def _write_film(portrait: Portrait, path: Path, progress: Progress, *, overwrite: bool) -> None:
    """Write a film that begins and ends with the picture itself: from side to side twice, then a blink and a breath
    where the pack has them.
    """
    pictures: list[tuple[str, int, int]] = []
    row = portrait.rows // 2 * portrait.columns
    for number in range(_SWEEPS * _SWEEP_S * _FPS):
        place = 0.5 - 0.5 * math.sin(2 * math.pi * number / (_SWEEP_S * _FPS))
        pictures.append(("frame", row + round(place * (portrait.columns - 1)), 0))
    if portrait.blink_stages:
        stages = list(range(portrait.blink_stages))
        pictures += [("blink", portrait.middle, stage) for stage in [*stages, stages[-1], *reversed(stages)]]
    for number in range(portrait.idle_count):
        pictures += [("idle", number, 0)] * max(1, round(_FPS / portrait.idle_fps))
    with film(path, _FPS, portrait.title, overwrite=overwrite) as recorder:
        for index, (kind, number, stage) in enumerate(pictures):
            whole = composed(portrait, portrait.middle if kind == "idle" else number)
            if kind == "blink" and portrait.blink_place is not None:
                portrait.blink_place.of(whole)[:] = portrait.blink(number, stage)
            elif kind == "idle":
                portrait.place.of(whole)[:] = portrait.idle(number)
            recorder.show(Frame(whole, time.monotonic(), index / _FPS, index))
            progress(_("writing the preview"), (index + 1) / len(pictures))


def _save(path: Path, picture: Pixels) -> None:
    parameters = [cv2.IMWRITE_JPEG_QUALITY, 90] if path.suffix.lower() != ".png" else []
    _, encoded = cv2.imencode(path.suffix.lower(), picture, parameters)
    path.write_bytes(encoded.tobytes())
