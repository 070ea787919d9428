"""Files of PyTorch's tensors, read as data: `torch.save`'s two forms and safetensors."""

from __future__ import annotations

import io
import json
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import torch

from realtime.core.errors import ModelError, shown
from tools.exporting.archive import Archive, is_archive
from tools.exporting.persistent import read_persistent
from tools.exporting.pickles import DamagedPickleError, ForeignNameError, Named, Storage, storage_of, unpickled

_MAGIC = 0x1950A86A20F9469CFC6C
"""With it begin files that PyTorch before 1.6 saved, and those of `_use_new_zipfile_serialization=False`."""
_OLD_BEGINS = pickle.dumps(_MAGIC, protocol=2)
_MOST_TENSORS = 50_000
_MOST_HEADER_BYTES = 20_000_000


def read_saved(path: Path) -> object:
    """Return what was saved, its tensors on the CPU. No code of the file is run.

    Raises ModelError when the file is missing, damaged, or holds anything but tensors and plain values.
    """
    if not path.is_file():
        raise ModelError(f"no checkpoint {path}; name an existing file")
    try:
        if path.suffix.lower() == ".safetensors":
            return _read_safetensors(path)
        if is_archive(path):
            return _read_archive(path)
        with path.open("rb") as file:
            if file.read(len(_OLD_BEGINS)) != _OLD_BEGINS and path.suffix.lower() == ".pkl":
                return read_persistent(path, _read_old)
            file.seek(0)
            return _read_old(file, path.stat().st_size)
    except ForeignNameError as error:
        raise _refusal(path, error.args[0]) from None
    except (DamagedPickleError, OSError, EOFError) as error:
        raise _unreadable(path) from error


def read_saved_inside(path: Path, data: bytes) -> object:
    """Return what `torch.save` wrote into a member of an archive, whose bytes are `data`, as `read_saved` does."""
    try:
        return _read_archive(path, data)
    except ForeignNameError as error:
        raise _refusal(path, error.args[0]) from None
    except DamagedPickleError as error:
        raise _unreadable(path) from error


def _read_archive(path: Path, inside: bytes | None = None) -> object:
    with Archive(path, inside) as archive:
        if "byteorder" in archive and archive.read("byteorder") != b"little":
            raise ModelError(f"{path} was saved on a machine of the other byte order; save it again on this one")
        read: dict[str, Storage] = {}

        def storage(kind: Named, key: str, count: int) -> Storage:
            assert kind.dtype is not None
            if key not in read:
                if archive.size(f"data/{key}") != count * kind.dtype.itemsize:
                    raise DamagedPickleError
                read[key] = storage_of(archive.read(f"data/{key}"), kind.dtype)
            if read[key].numbers.dtype != kind.dtype:
                raise DamagedPickleError
            return read[key]

        return unpickled(io.BytesIO(archive.read("data.pkl")), storage)


def _read_old(file: BinaryIO, most: int) -> object:
    """Read the form of PyTorch before 1.6: five pickles in a row, the storages' bytes behind them; `most` bytes at most
    are there.
    """
    if unpickled(file, _no_storage) != _MAGIC:
        raise DamagedPickleError
    version, _ = unpickled(file, _no_storage), unpickled(file, _no_storage)
    if version != 1001:
        raise DamagedPickleError
    begin = file.tell()
    sizes: dict[str, tuple[torch.dtype, int]] = {}
    unpickled(file, _sizes_only(sizes, most))
    keys = unpickled(file, _no_storage)
    if not isinstance(keys, list) or {str(key) for key in keys} != set(sizes):
        raise DamagedPickleError
    read = {str(key): _next_storage(file, *sizes[str(key)]) for key in keys}
    file.seek(begin)
    return unpickled(file, lambda _kind, key, _count: read[key])


def _no_storage(_: Named, __: str, ___: int) -> Storage:
    raise DamagedPickleError


def _sizes_only(sizes: dict[str, tuple[torch.dtype, int]], most: int) -> Callable[[Named, str, int], Storage]:
    """Return what notes how large each storage is, before it can be read."""

    def storage(kind: Named, key: str, count: int) -> Storage:
        assert kind.dtype is not None
        if count > most or sizes.setdefault(key, (kind.dtype, count)) != (kind.dtype, count):
            raise DamagedPickleError
        return Storage(torch.empty(count, dtype=kind.dtype, device="meta"))

    return storage


def _next_storage(file: BinaryIO, dtype: torch.dtype, count: int) -> Storage:
    head = file.read(8)
    if len(head) != 8 or struct.unpack("<q", head)[0] != count:
        raise DamagedPickleError
    data = file.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise DamagedPickleError
    return storage_of(data, dtype)


def _read_safetensors(path: Path) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    with path.open("rb") as file:
        head = file.read(8)
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else 0
        if not 2 <= length <= min(_MOST_HEADER_BYTES, path.stat().st_size - 8):
            raise ModelError(f"{path} is no safetensors file; fetch or save it again")
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError) as error:
            raise ModelError(f"{path} is no safetensors file; fetch or save it again") from error
    if not isinstance(header, dict) or len(header) > _MOST_TENSORS:
        raise ModelError(f"{path} holds more tensors than any network here has; it is not loaded")
    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = shown(" ".join(str(error).split()), 160)
        raise ModelError(f"{path} is no safetensors file ({reason}); fetch or save it again") from error


def _refusal(path: Path, name: str) -> ModelError:
    """Return the error for a pickle that names what is not weights."""
    name = shown(name)
    if name.startswith(("torch._utils._rebuild", "torch.Q", "torch.storage.Q")):
        return ModelError(
            f"{path} holds tensors that are no plain numbers ({name}: quantised, sparse or the like); "
            "save the float network's state_dict()"
        )
    return ModelError(
        f"{path} would run code when loaded (it asks for {name}), so it is not; "
        "save it again as torch.save(network.state_dict(), …) where it was made"
    )


def _unreadable(path: Path) -> ModelError:
    with path.open("rb") as file:
        begin = file.read(64)
    if begin.startswith(b"version https://git-lfs"):
        return ModelError(f"{path} is a note of Git LFS in the file's place; fetch the file itself (git lfs pull)")
    if begin[:1] == b"<":
        return ModelError(f"{path} is a web page, no checkpoint; fetch the file itself")
    return ModelError(f"{path} is no checkpoint that PyTorch can read; fetch or save it again")
