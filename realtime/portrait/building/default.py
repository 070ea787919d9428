"""The portrait that is shown when nobody names one: made on this machine, once, from a picture that is always there."""

from __future__ import annotations

import atexit
import logging
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.core.errors import CameraError, PortraitError, first_clause
from realtime.core.files import remove, remove_old
from realtime.core.language import _
from realtime.core.paths import user_cache_folder
from realtime.core.progress import Progress, no_progress
from realtime.picture_files.samples import sample_photo
from realtime.portrait.engines import BUILDER_VERSION
from realtime.portrait.pack import Portrait

if TYPE_CHECKING:
    from realtime.portrait.building.builder import BuildOptions

log = logging.getLogger(__name__)

_NAME = "grace-hopper"
_TITLE = "Rear Admiral Grace Hopper"
_CREDIT = "United States Navy, public domain"


def default_picture() -> Path:
    """Return the sample photo. Raises PortraitError where it is missing."""
    try:
        return sample_photo()
    except CameraError:
        raise PortraitError(
            _("the default portrait's photo is missing; reinstall matplotlib, or name a pack: portrait:PACK")
        ) from None


def open_default_portrait(progress: Progress = no_progress, *, options: BuildOptions | None = None) -> Portrait:
    """Open the default portrait, made anew where the one in the cache is damaged. Where none can be kept it is made in
    a temporary folder, at each start, and that is said.

    `options`: how it is made where it must be. Raises PortraitError and ModelError.
    """
    try:
        pack = default_portrait(progress, options=options)
        try:
            return Portrait.open(pack)
        except PortraitError:  # whole, and yet no portrait
            remove(pack)
            return Portrait.open(default_portrait(progress, options=options))
    except PortraitError as error:
        return _open_unkept(error, progress, options)


def default_portrait(progress: Progress = no_progress, *, options: BuildOptions | None = None) -> Path:
    """Return the default portrait's pack, made in the user's cache on first use (a few seconds) or where damaged.

    `options`: how it is made then. Raises PortraitError and ModelError.
    """
    folder = user_cache_folder() / "portraits"
    pack = folder / f"{_NAME}-{BUILDER_VERSION}.portrait"
    for leftover in folder.glob(f".{_NAME}-*.portrait"):  # of a program that was killed while it made one
        remove_old(leftover)
    if _is_whole(pack):
        return pack
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if pack.is_dir():  # an archive cannot take a folder's place
            remove(pack)
    except OSError as error:
        raise PortraitError(
            _(
                "cannot keep the default portrait in {folder}: {reason}; mend that, or name a pack: portrait:PACK",
                folder=folder,
                reason=error.strerror or error,
            )
        ) from error
    _make(pack, progress, options)
    _remove_older(folder, pack)
    return pack


def _is_whole(pack: Path) -> bool:
    """Whether an archive is there with all it should hold: the power may have failed, a memory card may be worn out.
    12 MB in 8 ms.
    """
    try:
        with zipfile.ZipFile(pack) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError):
        return False


def _make(pack: Path, progress: Progress, options: BuildOptions | None) -> None:
    from realtime.faces.landmarks.measurement import FaceMeasurer
    from realtime.picture_files.painting import read_picture
    from realtime.portrait.building.builder import build
    from realtime.portrait.building.moving_faces import usable_faces

    meter = FaceMeasurer()
    picture, _ = read_picture(default_picture())
    faces = usable_faces(picture, meter)[:1]
    build(picture, faces, pack, meter, title=_TITLE, credit=_CREDIT, options=options, overwrite=True, progress=progress)


def _open_unkept(error: PortraitError, progress: Progress, options: BuildOptions | None) -> Portrait:
    """Make the portrait where nothing is kept, and open it. Raises `error` where that cannot be either."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="realtime-"))
    except OSError:
        raise error from None
    try:
        _make(folder / "default.portrait", progress, options)
        portrait = Portrait.open(folder / "default.portrait")
    except PortraitError:
        raise error from None
    finally:
        remove(folder)  # what is open can still be read; Windows keeps it until the program's end
        if folder.exists():
            atexit.register(remove, folder)
    log.warning(_("%s; until then it is made anew at each start"), first_clause(error))
    return portrait


def _remove_older(folder: Path, newest: Path) -> None:
    for path in folder.glob(f"{_NAME}-*.portrait"):
        if path != newest:
            remove(path)
