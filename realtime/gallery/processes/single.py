"""One supervisor for a gallery: two would start each screen twice, and overwrite each other's state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realtime.core.errors import OptionError, OutputError
from realtime.core.language import _


@contextmanager
def only_supervisor(folder: Path) -> Iterator[None]:
    """Hold a gallery's folder for as long as it runs. The system lets go of it when the process ends, however it ends.

    Raises OptionError where another process holds it, OutputError where the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / "running.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OptionError(
            _(
                "this gallery runs already on this computer; end that first, or give the other screens a file of "
                "their own"
            )
        ) from error
    except OSError as error:
        raise OutputError(
            _("cannot write {folder}: {reason}; make it writable", folder=folder, reason=error.strerror or error)
        ) from error
    try:
        yield
    finally:
        lock.release()
