"""NVIDIA's .pkl files (stylegan2-ada-pytorch, stylegan3), read as data.

They are plain pickles that carry the Python code of their networks and ask for it to be run. What is read of them are
the tensors of each network by their names, as `state_dict()` would give them; the code is left aside, unread.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from torch import Tensor

from tools.exporting.pickles import Builder, DamagedPickleError, Named, Opaque, Storage, as_mapping, unpickled

ReadOld = Callable[[BinaryIO, int], object]
"""What `torch.save` wrote before PyTorch 1.6, and the most bytes that it may stand for."""
_LONGEST_NAME = 300
"""Of a weight; a network in a network as deep as a file can say would make it longer at each level."""


def read_persistent(path: Path, read_old: ReadOld) -> object:
    """Return what was pickled: each network as a mapping of its tensors.

    Raises DamagedPickleError and ForeignNameError.
    """
    left = path.stat().st_size

    def storage(data: object) -> Storage:
        """A storage that was saved by itself. One text of the file may be asked for many times, and is counted each."""
        nonlocal left
        if not isinstance(data, bytes) or len(data) > left:
            raise DamagedPickleError
        left -= len(data)
        found = read_old(io.BytesIO(data), len(data))
        if not isinstance(found, Storage):
            raise DamagedPickleError
        return found

    words = {
        "torch_utils.persistence._reconstruct_persistent_obj": Builder(_network),
        "dnnlib.util.EasyDict": Builder(as_mapping),
        "torch.storage._load_from_bytes": Builder(storage, bounded=True),
    }
    with path.open("rb") as file:
        return unpickled(file, _no_storage, words=words)


def _no_storage(_: Named, __: str, ___: int) -> Storage:
    raise DamagedPickleError


def _network(meta: object) -> object:
    """Return the tensors of a module, named as `state_dict()` names them. What else it holds is of no interest."""
    state = meta.get("state") if isinstance(meta, Mapping) else None
    if not isinstance(state, Mapping):
        return Opaque()
    found: dict[str, Tensor] = {}
    for kind in ("_parameters", "_buffers"):
        own = state.get(kind)
        if isinstance(own, Mapping):
            found |= {str(name): tensor for name, tensor in own.items() if isinstance(tensor, Tensor)}
    modules = state.get("_modules")
    for name, inner in modules.items() if isinstance(modules, Mapping) else ():
        if isinstance(inner, Mapping):  # one of these networks, made already
            found |= {f"{name}.{key}": tensor for key, tensor in inner.items() if isinstance(tensor, Tensor)}
            if any(len(key) > _LONGEST_NAME for key in found):
                raise DamagedPickleError
    return found
