"""What a face is built of, as people name it: `A.jpg+B.jpg`, a folder of photos, a film, or several of these."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from realtime.cameras import PICTURE_SUFFIXES
from realtime.core.errors import EffectError, OptionError
from realtime.core.language import _
from realtime.core.paths import user_path
from realtime.core.specs import joined_files
from realtime.models.card import ModelKind
from realtime.models.library import model_names

log = logging.getLogger(__name__)

FACE_SUFFIX = ".face"
_FILM_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".ogv"}
    | {".3gp"}
)
MOST_PHOTOS = 24
"""Of a folder with more, so many are taken, evenly: the next ones show nothing new, and each costs a second."""


def is_face(name: str) -> bool:
    """Tell a name that means a face of several sights, or a file of one, from a photo and from a model."""
    if len(joined_files(name)) > 1:
        return True
    try:
        path = user_path(name)
        if path.suffix.lower() == FACE_SUFFIX:
            return True
        if path.is_dir():
            # A network may have the name of the folder with the photos that it was trained on.
            return os.sep in name or "/" in name or name not in model_names(ModelKind.SWAP)
        return is_film(path)
    except (OptionError, OSError):
        return False


def is_film(path: Path) -> bool:
    """Whether a file is a film, by its name. Of a picture that moves, the first picture is a photo."""
    return path.suffix.lower() in _FILM_SUFFIXES and path.is_file()


def files_of(names: Sequence[str]) -> list[Path]:
    """Return the pictures and films that some names mean, each once, in order; folders opened. Raises EffectError."""
    files: list[Path] = []
    for name in names:
        path = user_path(name)
        if path.is_dir():
            files += _in_folder(path)
        elif path.is_file():
            files.append(path)
        else:
            raise EffectError(_("no such file: {name}; check the path", name=name))
    return list(dict.fromkeys(files))


def _in_folder(folder: Path) -> list[Path]:
    try:
        there = sorted((path for path in folder.iterdir() if path.is_file()), key=_as_counted)
    except OSError as error:
        raise EffectError(
            _("cannot read {folder}: {reason}; name photos instead", folder=folder, reason=error.strerror or error)
        ) from error
    shown = [path for path in there if not path.name.startswith(".")]
    found = [path for path in shown if path.suffix.lower() in PICTURE_SUFFIXES] or list(filter(is_film, shown))
    if not found:
        raise EffectError(_("{folder} holds no photos; name a folder of photos of one face", folder=folder))
    if len(found) > MOST_PHOTOS:
        log.warning(_("%s holds %d photos; %d of them are used, spread evenly"), folder, len(found), MOST_PHOTOS)
        found = [found[number * len(found) // MOST_PHOTOS] for number in range(MOST_PHOTOS)]
    return found


def _as_counted(path: Path) -> list[tuple[int, int, str]]:
    """Sort 2.jpg before 10.jpg."""
    parts = re.findall(r"\d+|\D+", path.name.casefold())
    return [(0, int(part), "") if part.isdecimal() and len(part) < 19 else (1, 0, part) for part in parts]
