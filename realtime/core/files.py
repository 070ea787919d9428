"""Writing files so that nothing is ever lost: whole or not at all, and never over what somebody else has made."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from realtime.core.errors import OutputError
from realtime.core.language import N_, _

MEANWHILE = N_("has been made by somebody else meanwhile and stays; this one is kept in")
"""What is told where two want one name: the name before it, where the later one lies behind it."""
_LONGEST_NAME_BYTES = 255  # of every file system in use
_LEFTOVER_AFTER_S = 86_400.0  # what is being written is touched more often than once a day


@contextlib.contextmanager
def atomic_write(path: Path, *, overwrite: bool = True, survives_power_cut: bool = False) -> Iterator[Path]:
    """Yield a name beside `path` to write to; it becomes `path` when the block ends well and vanishes when not.

    Raises OutputError when the folder cannot be written or the disk is full. Without `overwrite` also where somebody
    else has made a file of that name meanwhile; both are kept then. `survives_power_cut`: what was written is on the
    disk before it has the name, or a power cut soon after may leave an empty file of that name; that may take a second
    on a slow card.
    """
    with unfinished_file(path) as unfinished:
        yield unfinished
        if survives_power_cut:
            _bring_to_disk(unfinished)
        if overwrite:
            unfinished.replace(path)
        elif (place := put_in_free_place(unfinished, path)) != path:
            raise OutputError(f"{path} {_(MEANWHILE)} {place}")


def _bring_to_disk(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def write_new(path: Path, data: bytes | memoryview) -> Path:
    """Write a file that replaces none: where the name is taken by then, it becomes `name-2.suffix` …; return its name.

    Raises OutputError as `atomic_write` does.
    """
    with unfinished_file(path) as unfinished:
        unfinished.write_bytes(data)
        return put_in_free_place(unfinished, path)


@contextlib.contextmanager
def unfinished_file(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to, which is removed where the block leaves it there. An OSError of the block
    becomes the OutputError that names `path`.
    """
    unfinished = temporary_name(path)
    try:
        yield unfinished
    except OSError as error:
        raise OutputError(
            _("cannot write {path}: {reason}; choose another folder", path=path, reason=error.strerror or error)
        ) from error
    finally:
        remove(unfinished)


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of it to a file or pipe, which may take less at a time than it is given. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def check_folder(folder: Path) -> None:
    """Raise OutputError where nothing can be written into a folder: better known before the work than after it."""
    if not folder.is_dir():
        raise OutputError(_("there is no folder {folder}; create it first, or choose another", folder=folder))
    if not os.access(folder, os.W_OK):
        raise OutputError(_("nothing may be written to the folder {folder}; choose another", folder=folder))


def temporary_name(path: Path) -> Path:
    """Return a hidden name beside `path` that nobody else uses.

    Same suffix, so that libraries which go by it write the right format; same folder, so that the rename is atomic.
    """
    return path.with_name(f".{shortened(path, 10)}-{uuid.uuid4().hex[:8]}{path.suffix}")


def shortened(path: Path, more_bytes: int) -> str:
    """Return a name's stem, cut where so many bytes more would be too many for a file system."""
    room = _LONGEST_NAME_BYTES - more_bytes - len(os.fsencode(path.suffix))
    stem = os.fsencode(path.stem)
    return stem[:room].decode(errors="ignore") if len(stem) > room else path.stem


def remove_leftovers(path: Path) -> None:
    """Remove what a program that was killed left of a file or folder of this name: hidden names of ours, untouched for
    a day. Raises nothing.
    """
    ours = re.compile(re.escape(f".{shortened(path, 10)}-") + "[0-9a-f]{8}" + re.escape(path.suffix))
    with contextlib.suppress(OSError):
        for other in path.absolute().parent.iterdir():
            if ours.fullmatch(other.name):
                remove_old(other)


def remove_old(path: Path) -> None:
    """Remove a file or folder that nobody has touched for a day. Raises nothing."""
    with contextlib.suppress(OSError):
        if path.lstat().st_mtime < time.time() - _LEFTOVER_AFTER_S:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, where it is there and lets itself be removed. Raises nothing: it is used where
    something else has gone wrong, and that is what must be told.
    """
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def names_beside(path: Path) -> Iterator[Path]:
    """Yield `path`, then `name-2.suffix`, `name-3.suffix` … without end."""
    yield path
    for number in itertools.count(2):
        end = f"-{number}"
        yield path.with_name(f"{shortened(path, len(end))}{end}{path.suffix}")


def unused_name(path: Path) -> Path:
    """Return the first of `names_beside` that is free, for whoever opens it so that it fails if it is no longer."""
    return next(candidate for candidate in names_beside(path) if not os.path.lexists(candidate))


def put_in_free_place(unfinished: Path, path: Path) -> Path:
    """Give a finished file or folder the first of `names_beside(path)` that is free, and return it. Raises OSError."""
    for candidate in names_beside(path):
        try:
            put_in_place(unfinished, candidate)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError("names have no end")


def put_in_place(unfinished: Path, path: Path) -> None:
    """Give a finished file or folder its name, unless there is something of that name: two programs may choose the
    same one. Raises FileExistsError then, and OSError.
    """
    if unfinished.is_dir():
        path.mkdir()  # fails where there is one; an empty one of our own may be replaced
        try:
            if os.name == "nt":
                path.rmdir()  # Windows renames onto nothing only
            unfinished.rename(path)
        except OSError:
            with contextlib.suppress(OSError):
                path.rmdir()
            raise
        return
    try:
        os.link(unfinished, path)
    except FileExistsError:
        raise
    except OSError:  # FAT, exFAT and many network drives know no second name of a file
        with path.open("xb"):  # the name is ours from here on
            pass
        try:
            unfinished.replace(path)
        except OSError:
            remove(path)
            raise
    else:
        remove(unfinished)


def replace_folder(unfinished: Path, path: Path) -> None:
    """Put a finished folder in the place of another one, which comes back where that fails. Raises OSError.

    A folder cannot be replaced in one step: the old one steps aside.
    """
    aside = temporary_name(path)
    path.rename(aside)
    try:
        unfinished.rename(path)
    except OSError:
        aside.rename(path)
        raise
    remove(aside)
