"""The portrait that is shown when nobody names one: made on this machine, once, from a picture that is always there."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from realtime.errors import PortraitError
from realtime.model_store import Progress, no_progress
from realtime.paths import user_cache_folder
from realtime.portraits import BUILDER_VERSION

if TYPE_CHECKING:
    from realtime.portraits.builder import BuildOptions

_TITLE = "Rear Admiral Grace Hopper"
_CREDIT = "United States Navy, public domain"


def default_picture() -> Path:
    """Return the Navy's photo of Grace Hopper, which matplotlib (and so mediapipe) brings along.

    Raises PortraitError when matplotlib is not installed.
    """
    found = importlib.util.find_spec("matplotlib")  # finds it without importing it
    for folder in (found.submodule_search_locations or ()) if found else ():
        picture = Path(folder, "mpl-data", "sample_data", "grace_hopper.jpg")
        if picture.is_file():
            return picture
    raise PortraitError("the default portrait's photo is missing; reinstall matplotlib, or name a pack: portrait:PACK")


def default_portrait(progress: Progress = no_progress, *, options: BuildOptions | None = None) -> Path:
    """Return the default portrait's pack, made in the user's cache on first use (a few seconds).

    `options`: how it is made where it is not there yet. Raises PortraitError and ModelError.
    """
    folder = user_cache_folder() / "portraits"
    pack = folder / f"grace-hopper-{BUILDER_VERSION}.portrait"
    if pack.is_file():
        return pack
    from realtime.portraits.builder import build
    from realtime.portraits.measure import Meter
    from realtime.portraits.moving import usable_faces
    from realtime.portraits.picture import read_picture

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PortraitError(
            f"cannot keep the default portrait in {folder}: {error.strerror or error}; mend that, "
            f"or name a pack: portrait:PACK"
        ) from error
    meter = Meter(progress)
    picture, _ = read_picture(default_picture())
    faces = usable_faces(picture, meter, progress)[:1]
    build(picture, faces, pack, meter, title=_TITLE, credit=_CREDIT, options=options, overwrite=True, progress=progress)
    _remove_older(folder, pack)
    return pack


def _remove_older(folder: Path, newest: Path) -> None:
    for path in folder.glob("grace-hopper-*.portrait"):
        if path != newest:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
