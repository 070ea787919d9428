"""A portrait of any picture, made when it is asked for, and kept until it is asked for again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from realtime.core.errors import PortraitError
from realtime.core.files import remove
from realtime.core.language import _
from realtime.core.paths import user_cache_folder
from realtime.core.progress import Progress, no_progress
from realtime.picture_files.formats import is_picture_file
from realtime.portrait.building.options import BuildOptions
from realtime.portrait.engines import BUILDER_VERSION
from realtime.portrait.pack import Portrait

_MOST_KEPT = 20
"""Packs, of some 12 MB each."""


def is_picture(path: Path) -> bool:
    """Whether a portrait can be asked for by this picture: it is no pack."""
    try:
        return path.is_file() and path.suffix.lower() != ".portrait" and is_picture_file(path)
    except OSError:
        return False


def open_portrait_of(
    picture: Path, progress: Progress = no_progress, *, options: BuildOptions | None = None
) -> Portrait:
    """Open the portrait of a picture, made on first use (some seconds). Raises PortraitError where there is no face, or
    where it cannot be kept.
    """
    try:
        name = hashlib.sha256(picture.read_bytes()).hexdigest()[:16]
        folder = user_cache_folder() / "portraits" / "of-pictures"
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PortraitError(
            _("{file}: {reason}; check the path", file=error.filename, reason=error.strerror or error)
        ) from error
    pack = folder / f"{name}-{BUILDER_VERSION}.portrait"
    if pack.is_file():
        try:
            return Portrait.open(pack)
        except PortraitError:  # cut short
            remove(pack)
    _make(picture, pack, progress, options)
    _keep_the_newest(folder)
    return Portrait.open(pack)


def _make(source: Path, pack: Path, progress: Progress, options: BuildOptions | None) -> None:
    from realtime.faces.landmarks.measurement import FaceMeasurer
    from realtime.picture_files.painting import read_picture
    from realtime.portrait.building.builder import build
    from realtime.portrait.building.moving_faces import usable_faces

    meter = FaceMeasurer()
    picture, _ = read_picture(source)
    faces = usable_faces(picture, meter)
    title = source.stem.replace("_", " ").replace("-", " ")
    build(picture, faces, pack, meter, title=title, options=options, overwrite=True, progress=progress)


def _keep_the_newest(folder: Path) -> None:
    packs = sorted(folder.glob("*.portrait"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in packs[_MOST_KEPT:]:
        remove(path)
