"""Paths as people write them, and the folders that are theirs."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs

from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.text_limits import abbreviated


def user_path(text: str | Path) -> Path:
    """Return the path that a text means, `~` being somebody's home. Raises OptionError where it can be none: a user who
    is not there, a NUL in it, a name that is longer than any file's.
    """
    if "\0" in str(text):
        raise OptionError(_("'{text}' is no path: there is a NUL in it; write it anew", text=_shown(text)))
    try:
        path = Path(text).expanduser()
    except RuntimeError as error:
        raise OptionError(
            _("'{text}': that home folder is not known; write the path in full", text=_shown(text))
        ) from error
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise OptionError(_("'{text}': the name is too long; give a shorter one", text=_shown(text))) from error
    except ValueError as error:  # letters that this system's names cannot have
        raise OptionError(_("'{text}' is no path: {reason}; write it anew", text=_shown(text), reason=error)) from error
    return path


def user_data_folder() -> Path:
    """Return where what the user keeps lies: models, portraits. Raises OptionError where nobody's home is known."""
    return _known_folder("data", "XDG_DATA_HOME")


def user_cache_folder() -> Path:
    """Return where what can be made again lies. Raises OptionError where nobody's home is known."""
    return _known_folder("cache", "XDG_CACHE_HOME")


def user_config_folder() -> Path:
    """Return where what the user has settled lies. Raises OptionError where nobody's home is known."""
    return _known_folder("configuration", "XDG_CONFIG_HOME")


def user_state_folder() -> Path:
    """Return where what a program remembers of itself lies: logs, and where it was. Raises OptionError where nobody's
    home is known.
    """
    return _known_folder("state", "XDG_STATE_HOME")


def user_pictures_folder() -> Path:
    """Return where people look for their pictures; the current folder where nobody's home is known."""
    return _shown_to_people(platformdirs.user_pictures_path)


def user_videos_folder() -> Path:
    """Return where people look for their films; the current folder where nobody's home is known."""
    return _shown_to_people(platformdirs.user_videos_path)


def in_words(folder: Path) -> str:
    """Return a folder as people read it: `~/Pictures`."""
    folder = folder.absolute()
    with contextlib.suppress(RuntimeError, ValueError):
        return f"~{os.sep}{folder.relative_to(Path.home())}"
    return str(folder)


def _shown_to_people(find: Callable[[], Path]) -> Path:
    try:
        return find()
    except RuntimeError:  # a user id without a name, as in containers, and no HOME
        return Path()


def _known_folder(kind: str, variable: str) -> Path:
    folders = {
        "data": platformdirs.user_data_path,
        "cache": platformdirs.user_cache_path,
        "configuration": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
    }
    try:
        folder = folders[kind]("realtime")
    except RuntimeError as error:  # a user id without a name, as in containers, and no HOME
        raise OptionError(
            _(
                "no home folder is known for the {kind}; set HOME or {variable} to a folder",
                kind=kind,
                variable=variable,
            )
        ) from error
    return folder


def _shown(text: str | Path) -> str:
    return abbreviated(str(text).replace("\0", "\\0"))
