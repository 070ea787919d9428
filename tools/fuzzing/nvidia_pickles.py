"""Files of the form of NVIDIA's .pkl: classes that carry their own source, in a dict of G, D and G_ema."""

from __future__ import annotations

import pickle
import pickletools
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

SOURCE = "raise SystemExit('the code of the file was run')"


class _EasyDict(dict[str, Any]):
    """dnnlib's, by its name in the pickle."""


def _reconstruct_persistent_obj(meta: Any) -> Any:
    raise AssertionError(meta)


class _Persistent:
    """A module as the decorator of torch_utils.persistence leaves it."""

    def __init__(self, class_name: str, state: Mapping[str, Any]) -> None:
        self._meta = {"type": "class", "version": 6, "module_src": SOURCE, "class_name": class_name, "state": {**state}}

    def __reduce__(self) -> tuple[Any, ...]:
        return _reconstruct_persistent_obj, (self._meta,), None


@contextmanager
def _as_nvidia_calls_them() -> Iterator[None]:
    """While it is open, the classes above lie where pickle finds NVIDIA's."""
    names = ("torch_utils", "torch_utils.persistence", "dnnlib", "dnnlib.util")
    modules = {name: types.ModuleType(name) for name in names}
    for place, name, own in (
        ("torch_utils.persistence", "_reconstruct_persistent_obj", _reconstruct_persistent_obj),
        ("dnnlib.util", "EasyDict", _EasyDict),
    ):
        own.__module__, own.__qualname__, own.__name__ = place, name, name
        setattr(modules[place], name, own)
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def module(tensors: Mapping[str, Tensor], class_name: str = "Generator") -> _Persistent:
    """Return a tree of persistent modules that hold these tensors."""
    parameters: OrderedDict[str, Any] = OrderedDict()
    buffers: OrderedDict[str, Any] = OrderedDict()
    inner: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        head, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(head, {})[rest] = tensor
        elif name in ("w_avg", "resample_filter", "noise_const"):
            buffers[name] = tensor
        else:
            parameters[name] = nn.Parameter(tensor)
    return _Persistent(
        class_name,
        {
            "training": False,
            "_parameters": parameters,
            "_buffers": buffers,
            "_non_persistent_buffers_set": set(),
            "_backward_hooks": OrderedDict(),
            "_is_full_backward_hook": None,
            "_modules": OrderedDict((name, module(own, name.title())) for name, own in inner.items()),
            "_init_args": (),
            "_init_kwargs": _EasyDict(z_dim=64, synthesis_kwargs=_EasyDict(channel_base=1024)),
            "img_resolution": 64,
        },
    )


def write_snapshot(path: Path, generator: Mapping[str, Tensor], averaged: Mapping[str, Tensor]) -> Path:
    """Write a snapshot as NVIDIA's training does."""
    snapshot = {
        "training_set_kwargs": _EasyDict(class_name="training.dataset.ImageFolderDataset", path="faces.zip"),
        "G": module(generator),
        "D": module({"b64.fromrgb.weight": torch.zeros(4, 3, 1, 1)}, "Discriminator"),
        "G_ema": module(averaged),
        "augment_pipe": None,
    }
    with _as_nvidia_calls_them(), path.open("wb") as file:
        pickle.dump(snapshot, file)
    return path


def names_asked_for(path: Path) -> set[str]:
    """Return the modules a pickle names."""
    return {
        str(argument) for code, argument, _ in pickletools.genops(path.read_bytes()) if code.name == "SHORT_BINUNICODE"
    }
