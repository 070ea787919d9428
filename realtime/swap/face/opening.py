"""A face as it is asked for: a `.face` file read, or one built of photos and kept until it is asked for again."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from realtime.core.errors import EffectError, OptionError, RealtimeError
from realtime.core.files import remove
from realtime.core.language import N_, _
from realtime.core.paths import user_cache_folder, user_path
from realtime.core.progress import Progress, no_progress
from realtime.core.specs import joined_files
from realtime.faces.landmarks.measurement import FaceMeasurer
from realtime.swap.face.building import built
from realtime.swap.face.face_file import FaceFile, read_face, write_face
from realtime.swap.face.report import report_of, title_of
from realtime.swap.face.sights import Sight, look_at
from realtime.swap.face.sources import FACE_SUFFIX, files_of

log = logging.getLogger(__name__)

BUILDER_VERSION = 4
"""Goes up when the same photos give another face: what was kept is built again then."""
_MOST_KEPT = 12
"""Files, of some 1 MB each."""
_WHAT = N_("building the face")


class Built(NamedTuple):
    """A face, and what it was built of."""

    face: FaceFile
    sights: tuple[Sight, ...]


def open_face(
    name: str, meter: FaceMeasurer, *, with_glasses: bool = False, progress: Progress = no_progress
) -> FaceFile:
    """Open what `sources.is_face` says is a face. Raises EffectError, one line, where there is none to be worn."""
    path = user_path(name)
    if path.suffix.lower() == FACE_SUFFIX and len(joined_files(name)) == 1:
        return read_face(path)
    files = files_of(joined_files(name))
    kept = _kept(files, with_glasses=with_glasses)
    if kept is not None and kept.is_file():
        try:
            return read_face(kept)
        except EffectError:  # cut short
            remove(kept)
    face = build_face(files, meter, with_glasses=with_glasses, progress=progress).face
    for line in face.report:
        log.info("%s", line)
    if kept is not None:
        _keep(face, kept)
    return face


def build_face(
    files: Sequence[Path],
    meter: FaceMeasurer,
    *,
    title: str = "",
    with_glasses: bool = False,
    progress: Progress = no_progress,
) -> Built:
    """Build a face of photos and films. Raises EffectError where none can be."""
    looked = look_at(files, meter, lambda share: progress(_(_WHAT), 0.4 * share))
    levels = built(
        looked.sights, with_glasses=with_glasses, progress=lambda share: progress(_(_WHAT), 0.4 + 0.6 * share)
    )
    progress(_(_WHAT), 1.0)
    return Built(FaceFile(title or title_of(files), levels, tuple(report_of(looked, levels))), looked.sights)


def _kept(files: Sequence[Path], *, with_glasses: bool) -> Path | None:
    """Return where the face of these files is kept: by what they are, not by what they are called. None: nowhere."""
    told = hashlib.sha256(f"{BUILDER_VERSION} {with_glasses}".encode())
    try:
        for file in files:
            about = file.stat()
            told.update(f"\0{file.resolve()}\0{about.st_size}\0{about.st_mtime_ns}".encode(errors="surrogateescape"))
        return user_cache_folder() / "faces" / f"{told.hexdigest()[:24]}{FACE_SUFFIX}"
    except (OSError, OptionError):  # nobody's home is known: it is built each time
        return None


def _keep(face: FaceFile, path: Path) -> None:
    """Keep a face, and of those that were kept before only the newest. A full disk costs time, and no face."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_face(face, path)
    except (OSError, RealtimeError) as error:
        log.warning(_("the face is not kept, and will be built again: %s"), error)
        return
    with contextlib.suppress(OSError):
        files = sorted(path.parent.glob(f"*{FACE_SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in files[_MOST_KEPT:]:
            remove(old)
