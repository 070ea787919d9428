"""A small set of named files, in a folder or in one ZIP archive: read safely, written whole or not at all.

What an archive from a stranger could do (names that climb out of it, files that unpack to gigabytes) is
stopped here.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import shutil
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath

from realtime.core.errors import PortraitError, nearest
from realtime.core.files import put_in_free_place, replace_folder, temporary_name
from realtime.core.language import _

ARCHIVE_SUFFIXES = frozenset({".portrait", ".zip"})
# What `zipfile` and what stands beneath it raise for bytes that make no sense.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, IndexError, KeyError, struct.error)
MAX_FILE_BYTES = 256 * 2**20


class PackFiles(ABC):
    """The files of a pack by their names, with forward slashes. All methods: any thread."""

    path: Path
    """The folder or archive."""
    names: frozenset[str]

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return a file's contents. Raises PortraitError when it is not there or cannot be read."""

    def close(self) -> None:  # noqa: B027 - a folder is not held open
        """Let go of it."""

    def _require(self, name: str) -> None:
        if name not in self.names:
            raise PortraitError(
                _("{path} lacks {name}{hint}", path=self.path, name=name, hint=nearest(name, self.names))
            )

    def _require_small(self, name: str, size_bytes: int) -> None:
        if size_bytes > MAX_FILE_BYTES:
            raise PortraitError(
                _(
                    "{path}: {name} is larger than {most_mib} MiB",
                    path=self.path,
                    name=name,
                    most_mib=MAX_FILE_BYTES // 2**20,
                )
            )


def open_files(path: Path) -> PackFiles:
    """Open a folder or an archive. Raises PortraitError."""
    if path.is_dir():
        return _FolderFiles(path)
    if path.is_file():
        return _ArchiveFiles(path)
    raise PortraitError(_("no such portrait: {path}", path=path))


def climbs_out(name: str) -> bool:
    """Tell whether a name points, or on some system could point, outside the folder it is meant to lie in."""
    return name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts


class _FolderFiles(PackFiles):
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            top = list(path.iterdir())
            # Two levels are all that a pack has: a whole disk, given by mistake, is not walked.
            folders = [entry for entry in top if entry.is_dir() and _is_shown(entry.name)]
            deeper = [entry for folder in folders for entry in folder.iterdir()]
        except OSError as error:
            raise PortraitError(_("cannot read {path}: {reason}", path=path, reason=error.strerror or error)) from error
        self.names = frozenset(entry.relative_to(path).as_posix() for entry in top + deeper if entry.is_file())

    def read(self, name: str) -> bytes:
        self._require(name)
        file = self.path / name
        try:
            self._require_small(name, file.stat().st_size)
            return file.read_bytes()
        except OSError as error:
            raise PortraitError(_("cannot read {file}: {reason}", file=file, reason=error.strerror or error)) from error


class _ArchiveFiles(PackFiles):
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as error:
            raise PortraitError(_("cannot read {path}: {reason}", path=path, reason=error.strerror or error)) from error
        except NotImplementedError as error:  # a later version of the format
            raise PortraitError(
                _("{path} cannot be unpacked: {reason}; pack it again as an ordinary ZIP", path=path, reason=error)
            ) from error
        except _DAMAGED as error:
            raise PortraitError(_("{path} is no portrait: it is no ZIP archive, or cut short", path=path)) from error
        # Not `is_dir`, which fails on a name of no letters.
        entries = [entry for entry in self._archive.infolist() if entry.filename and entry.filename[-1] != "/"]
        for entry in entries:
            if climbs_out(entry.filename):
                self._archive.close()
                raise PortraitError(
                    _(
                        "{path} holds '{filename}', a name outside the archive; do not trust this file",
                        path=path,
                        filename=entry.filename,
                    )
                )
        entries = [entry for entry in entries if all(map(_is_shown, entry.filename.split("/")))]
        # Many programs pack the folder rather than what is in it: one folder around everything is taken off.
        tops = {entry.filename.partition("/")[0] for entry in entries}
        wrapped = len(tops) == 1 and all("/" in entry.filename for entry in entries)
        start = len(tops.pop()) + 1 if wrapped else 0
        self._entries = {entry.filename[start:]: entry for entry in entries}
        self.names = frozenset(self._entries)

    def read(self, name: str) -> bytes:
        self._require(name)
        entry = self._entries[name]
        self._require_small(name, entry.file_size)
        try:
            return self._archive.read(entry)  # never unpacks more than the size checked above
        except (RuntimeError, NotImplementedError) as error:  # a password, an unknown compression
            raise PortraitError(
                _("{path}: {name} cannot be unpacked: {reason}", path=self.path, name=name, reason=error)
            ) from error
        except OSError as error:
            raise PortraitError(
                _("cannot read {path}: {reason}", path=self.path, reason=error.strerror or error)
            ) from error
        except _DAMAGED as error:
            raise PortraitError(
                _("{path}: {name} is damaged: {reason}", path=self.path, name=name, reason=error)
            ) from error

    def close(self) -> None:
        self._archive.close()


def _is_shown(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"  # what systems leave beside people's files


class NewPackFiles(ABC):
    """Files written beside their target, under a name of their own, until `put_in_place`. One thread at a
    time.
    """

    def __init__(self, path: Path) -> None:
        """Begin. Raises OSError."""
        self.path = path
        self._unfinished = temporary_name(path)

    @abstractmethod
    def write(self, name: str, data: bytes) -> None:
        """Add a file. Raises OSError."""

    @abstractmethod
    def put_in_place(self, *, overwrite: bool) -> Path:
        """Finish, and replace what was at `path` with `overwrite`; without it, what is there stays, and this becomes
        `name-2` …: two programs may want one name. Return the name it has. Raises OSError, and then the old one is
        still there.
        """

    @abstractmethod
    def discard(self) -> None:
        """Leave nothing that is not in place. Raises nothing; may be called at any time."""


def new_files(path: Path) -> NewPackFiles:
    """Begin an archive where the name ends in `.portrait` or `.zip`, else a folder. Raises OSError."""
    return _NewArchive(path) if path.suffix.lower() in ARCHIVE_SUFFIXES else _NewFolder(path)


class _NewFolder(NewPackFiles):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._unfinished.mkdir()

    def write(self, name: str, data: bytes) -> None:
        file = self._unfinished / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)

    def put_in_place(self, *, overwrite: bool) -> Path:
        if not overwrite or not self.path.exists():
            return put_in_free_place(self._unfinished, self.path)
        replace_folder(self._unfinished, self.path)
        return self.path

    def discard(self) -> None:
        shutil.rmtree(self._unfinished, ignore_errors=True)


class _NewArchive(NewPackFiles):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = self._unfinished.open("xb")
        self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED)

    def write(self, name: str, data: bytes) -> None:
        entry = zipfile.ZipInfo(name)  # dated 1980, so that the same portrait gives the same file
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, data)

    def put_in_place(self, *, overwrite: bool) -> Path:
        self._archive.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if not overwrite:
            return put_in_free_place(self._unfinished, self.path)
        self._unfinished.replace(self.path)
        return self.path

    def discard(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._archive.close()  # writes a directory where it can; the file goes all the same
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._unfinished.unlink(missing_ok=True)
