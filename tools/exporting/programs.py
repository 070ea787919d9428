"""TorchScript: which files are it, and reading it without trusting it. Programs of torch.export: `exported.py`.

The file itself is never handed to PyTorch: its code, its labels and its numbers are checked one by one and packed anew.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import torch

from realtime.core.errors import ModelError, shown
from tools.exporting.archive import Archive, member_names
from tools.exporting.pickles import DamagedPickleError, ForeignNameError, Named, Storage, unpickled
from tools.exporting.script_code import ForeignCodeError, checked_code

_DATA = re.compile(r"(data|constants)/\d+")
_LABELS = ("version", ".data/version", "byteorder")


def is_script(path: Path) -> bool:
    """Tell whether the file is TorchScript, by what lies in it."""
    return any(name.startswith("code/") for name in member_names(path))


def is_exported(path: Path) -> bool:
    """Tell whether the file is a program that torch.export saved."""
    return path.suffix.lower() == ".pt2" or "archive_format" in member_names(path)


def read_script(path: Path, *, trust: bool = False) -> torch.jit.ScriptModule:
    """Return the TorchScript network in `path`, evaluation mode; with `trust` the file as it is.

    Raises ModelError for one that is damaged, or asks for anything but arithmetic on tensors.
    """
    file = path if trust else io.BytesIO(_packed_anew(path))
    try:
        script: torch.jit.ScriptModule = torch.jit.load(file, map_location="cpu")  # type: ignore[no-untyped-call]
    except Exception as error:
        raise ModelError(f"{path} is no TorchScript file that PyTorch can read; save it again") from error
    return script.eval()


def _packed_anew(path: Path) -> bytes:
    packed = io.BytesIO()
    with Archive(path) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as new:
        names = [name for name in archive if name.startswith("code/") and name.endswith(".py")]
        try:
            code = checked_code({name: archive.read(name) for name in names})
            for name in ("data", "constants"):
                data = archive.read(f"{name}.pkl")
                _check_objects(data, archive, name)
                new.writestr(f"program/{name}.pkl", data)
        except ForeignCodeError as error:
            raise ModelError(
                f"{path} would run more than arithmetic ({shown(str(error), 80)}), so it is not loaded"
            ) from None
        except ForeignNameError as error:
            raise ModelError(
                f"{path} would run more than arithmetic ({shown(error.args[0], 80)}), so it is not loaded"
            ) from None
        except DamagedPickleError as error:
            raise archive.damaged() from error
        for name, text in code.items():
            new.writestr(f"program/{name}", text)
        for name in archive:
            if _DATA.fullmatch(name) or name in _LABELS:
                new.writestr(f"program/{name}", archive.read(name))
    return packed.getvalue()


def _check_objects(data: bytes, archive: Archive, folder: str) -> None:
    """Walk a pickle of the script, which PyTorch reads itself: the names in it, and tensors in their bounds."""

    def storage(kind: Named, key: str, count: int) -> Storage:
        if kind.dtype is None or archive.size(f"{folder}/{key}") != count * kind.dtype.itemsize:
            raise DamagedPickleError
        return Storage(torch.empty(count, dtype=kind.dtype, device="meta"))

    file = io.BytesIO(data)
    unpickled(file, storage, objects=True)
    if file.read(1):
        raise DamagedPickleError
