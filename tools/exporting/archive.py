"""A zip archive out of a stranger's hands, as PyTorch and torch.export write them.

PyTorch reads archives by a library of its own, which takes the first of two entries of one name where Python takes the
last. So it is never handed a stranger's archive: members are read here, checked, and what PyTorch must read itself is
packed anew from them.
"""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from realtime.core.errors import ModelError, shown

_MOST_MEMBERS = 50_000
_MOST_GAIN_BYTES = 64_000_000
"""What members may be larger than the archive, all together: weights are not packed, code and labels are small."""
_MOST_JSON_BYTES = 32_000_000
"""Read as Python's objects, JSON takes some ten times its length."""


class Archive:
    """Members by their names below the archive's one folder. A context manager."""

    def __init__(self, path: Path, inside: bytes | None = None) -> None:
        """Open the archive, or one whose bytes lie `inside` it. Raises ModelError where its members are too many, too
        large, or two of one name.
        """
        self._path = path
        with self._damage():
            self._length = path.stat().st_size if inside is None else len(inside)
            self._file = zipfile.ZipFile(path if inside is None else io.BytesIO(inside))
        try:
            self._members = self._checked()
        except ModelError:
            self._file.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def size(self, name: str) -> int:
        """Return a member's length in bytes. Raises ModelError where there is none of this name."""
        return self._entry(name).file_size

    def read(self, name: str) -> bytes:
        """Return a member's bytes. Raises ModelError where it is missing or damaged."""
        with self._damage():
            data = self._file.read(self._entry(name))
        if len(data) != self._entry(name).file_size:
            raise self.damaged()
        return data

    def json(self, name: str) -> Any:
        """Return what a member of JSON says. Raises ModelError where it is none, or too long."""
        if self.size(name) > _MOST_JSON_BYTES:
            raise ModelError(f"{self._path}: '{shown(name)}' in it is too long for a network; it is not loaded")
        with self._damage():
            return json.loads(self.read(name))

    def damaged(self) -> ModelError:
        return ModelError(f"{self._path} is damaged; fetch or save it again")

    def _entry(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._members[name]
        except KeyError:
            raise self.damaged() from None

    def _checked(self) -> Mapping[str, zipfile.ZipInfo]:
        entries = self._file.infolist()
        most_bytes = self._length + _MOST_GAIN_BYTES
        if len(entries) > _MOST_MEMBERS or sum(entry.file_size for entry in entries) > most_bytes:
            raise ModelError(f"{self._path} would unpack to far more than it is, so it is not loaded")
        members = {}
        for entry in entries:
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise ModelError(f"{self._path} is packed as PyTorch packs none; save it again")
            name = entry.filename.partition("/")[2]
            if name in members:
                raise ModelError(f"{self._path} holds '{shown(name)}' twice, so it is not loaded")
            members[name] = entry
        return members

    @contextlib.contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except ModelError:
            raise
        except Exception as error:  # zipfile and json raise a dozen kinds, RecursionError and NotImplementedError too
            raise self.damaged() from error


def is_archive(path: Path) -> bool:
    """Tell whether a file is a zip archive, by its beginning as PyTorch does and by its end as others do; a damaged one
    is, too, and whoever opens it says so.
    """
    if not path.is_file():  # a pipe would be waited for
        return False
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04" and zipfile.is_zipfile(path)
    except OSError:
        return False
    except zipfile.BadZipFile:  # of an end that names a further disk, instead of False
        return True


def member_names(path: Path) -> list[str]:
    """Return the names in an archive, its folder taken off; none where it is no archive."""
    if not is_archive(path):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return [name.partition("/")[2] for name in archive.namelist()]
    except Exception:  # damaged: whoever reads it says so
        return []
