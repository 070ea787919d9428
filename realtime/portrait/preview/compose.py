"""The whole painting with a frame in its place, and a folder of such pictures: all of them, or none."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2

from realtime.core.errors import OutputError
from realtime.core.files import check_folder, temporary_name
from realtime.core.language import _
from realtime.core.progress import Progress, no_progress
from realtime.imaging.frame import Pixels
from realtime.portrait.pack import Portrait

_NUMBERED = re.compile(r"\d{3,}\.png")


def composed(portrait: Portrait, index: int) -> Pixels:
    """Return the whole painting with one frame in its place."""
    whole = portrait.painting.copy()
    portrait.place.of(whole)[:] = portrait.frame(index)
    return whole


def check_folder_of_pictures(folder: Path, *, overwrite: bool) -> None:
    """Raise OutputError where `write_composed` cannot write: better known before the work."""
    if not folder.exists():
        check_folder(folder.absolute().parent)
        return
    if not folder.is_dir():
        raise OutputError(_("{folder} is a file; name a folder for --frames", folder=folder))
    check_folder(folder)
    if not overwrite and any(folder.iterdir()):
        raise OutputError(_("{folder} is not empty; name another folder, or add --overwrite", folder=folder))


def write_composed(
    portrait: Portrait, folder: Path, *, overwrite: bool = False, progress: Progress = no_progress
) -> None:
    """Write the whole painting with each frame in its place: 000.png and on, in a folder that may exist.

    They are written under a hidden name and put in place together: when the disk fills up, nothing is left of them,
    and what was in the folder is as it was. With `overwrite` they replace the numbered pictures of an earlier time.
    Raises OutputError, and PortraitError for a frame that does not decode.
    """
    check_folder_of_pictures(folder, overwrite=overwrite)
    is_new = not folder.exists()
    # Inside a folder that is there: it may be a disk of its own, and only within one can files be renamed.
    unfinished = temporary_name(folder if is_new else folder / "pictures")
    try:
        unfinished.mkdir()
        for index in range(portrait.count):
            _unused, encoded = cv2.imencode(".png", composed(portrait, index))
            (unfinished / f"{index:03d}.png").write_bytes(encoded.data)
            progress(_("writing the pictures"), (index + 1) / portrait.count)
        if is_new:
            unfinished.rename(folder)
        else:
            _replace_numbered(folder, unfinished)
    except OSError as error:
        raise OutputError(
            _(
                "cannot write to {folder}: {reason}; choose another folder",
                folder=folder,
                reason=error.strerror or error,
            )
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _replace_numbered(folder: Path, unfinished: Path) -> None:
    """Move the new pictures into a folder, and remove older ones that they do not replace. Raises OSError."""
    names = {path.name for path in unfinished.iterdir()}
    for name in sorted(names):
        (unfinished / name).replace(folder / name)
    for path in folder.iterdir():
        if _NUMBERED.fullmatch(path.name) and path.name not in names:
            path.unlink()
