"""Writing files so that nothing is ever lost: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from realtime.errors import OutputError


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to; it becomes `path` when the block ends well and vanishes when not.

    Raises OutputError when the folder cannot be written or the disk is full.
    """
    unfinished = unfinished_name(path)
    try:
        yield unfinished
        unfinished.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}; choose another folder") from error
    finally:
        unfinished.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Raise OutputError where nothing can be written into a folder: better known before the work than after it."""
    if not folder.is_dir():
        raise OutputError(f"there is no folder {folder}; create it first, or choose another")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"nothing may be written to the folder {folder}; choose another")


def unfinished_name(path: Path) -> Path:
    """Return a hidden name beside `path` that nobody else uses.

    Same suffix, so that libraries which go by it write the right format; same folder, so that the rename is atomic.
    """
    return path.with_name(f".{path.stem}-{uuid.uuid4().hex[:8]}{path.suffix}")


def unused_name(path: Path) -> Path:
    """Return `path`, or `name-2.suffix`, `name-3.suffix` … where that exists already."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate
