"""The token that whoever asks from another machine must know: made once, in a file that only the user can read."""

from __future__ import annotations

import os
import re
import secrets
import stat
from pathlib import Path

from realtime.core import files
from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.paths import user_config_folder

FILE_NAME = "remote-token"
_TOKEN_BYTES = 32
_WRITTEN = re.compile(r"[A-Za-z0-9_-]{32,128}")
_LONGEST_FILE_BYTES = 256


def token_file() -> Path:
    """Return where the token lies. Raises OptionError where nobody's home is known."""
    return user_config_folder() / FILE_NAME


def read_or_make_token(path: Path) -> str:
    """Return the token in a file, which is made where there is none. Raises OptionError, one line, where the file holds
    none, or can be read by others.
    """
    try:
        if not os.path.lexists(path):
            _make(path)
        return _read(path)
    except OSError as error:
        raise OptionError(
            _(
                "the token {path} cannot be read or made: {reason}; see who may write there, or leave "
                "out the host of --remote",
                path=path,
                reason=error.strerror or error,
            )
        ) from error


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = files.temporary_name(path)
    try:
        # Its permissions come with it: for no moment can others read it.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_urlsafe(_TOKEN_BYTES).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        files.put_in_place(unfinished, path)
    except FileExistsError:  # another run has made one meanwhile: that is the token
        pass
    finally:
        files.remove(unfinished)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        about = os.fstat(file.fileno())
        if os.name == "posix" and (stat.S_IMODE(about.st_mode) & 0o077 or about.st_uid != os.geteuid()):
            raise OptionError(_("others may read the token {path}; delete it, and another is made", path=path))
        text = file.read(_LONGEST_FILE_BYTES).decode("ascii", "replace").strip()
    if not _WRITTEN.fullmatch(text):
        raise OptionError(_("there is no token in {path}; delete it, and another is made", path=path))
    return text
