"""Reading checkpoints as data: tensors only, whatever they are nested in, and never code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from realtime.core.errors import ModelError, shown
from tools.exporting.saved import read_saved
from tools.networks import layout_of, layouts_of_members
from tools.networks.weights import Weights

_PREFERRED = ("params_ema", "generator_ema", "ema", "g_ema")
"""Names of averaged weights: what their makers meant to be used, where a checkpoint holds both."""
_WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""
_DEPTH = 4
_MOST_NETWORKS = 100
_MOST_SHARED = 4
"""How many numbers a byte may stand for: bytes of half precision, tied two or three times."""
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_COUNTS = (torch.int64, torch.int32, torch.bool)
"""Of buffers that are indices, counters and masks, not weights."""


def read_checkpoint(path: Path, key: str = "") -> Weights:
    """Return the weights in `path` (.pth, .pt, .ckpt, .bin, .safetensors), float32.

    A file with several networks: the one a layout knows, `key` (`netG_A`, `state_dict.generator`) where it is not the
    only one. Raises ModelError when the file is missing, damaged, would run code, or holds no network.
    """
    return weights_in(read_saved(path), path, key)


def weights_in(found: object, path: Path, key: str = "") -> Weights:
    """Return the weights in what `path` holds, as `read_checkpoint` does."""
    together = None if key else _of_members(found, path)
    if together is not None:
        return _checked(together, path)
    candidates = dict(itertools.islice(_networks(found), _MOST_NETWORKS))
    if not candidates:
        raise ModelError(f"{path} holds no weights; save a network's state_dict() to it")
    if key:
        if key not in candidates:
            raise ModelError(f"{path} holds no '{shown(key)}'; there are: {_listed(candidates)}")
        return _checked(Weights(candidates[key], str(path)), path)
    known = {name: tensors for name, tensors in candidates.items() if layout_of(Weights(tensors, str(path)))}
    averaged = {name: tensors for name, tensors in known.items() if name.split(".")[-1] in _PREFERRED}
    chosen = averaged or known or dict(list(candidates.items())[:1])
    if len(chosen) > 1:
        raise ModelError(f"{path} holds several networks ({_listed(chosen)}); choose one with --key")
    return _checked(Weights(next(iter(chosen.values())), str(path)), path)


def alignment_in(found: object) -> str:
    """Return by which face crop the network was trained, as `realtime.faces.landmarks.alignment` calls it; nothing
    where the file does not say: only those of tools.train_swap and tools.train_morph do.
    """
    settings = found.get("settings") if isinstance(found, Mapping) else None
    text = settings.get("alignment") if isinstance(settings, Mapping) else None
    return text if isinstance(text, str) else ""


def _of_members(found: object, path: Path) -> Weights | None:
    """Return the networks that are one together, by a layout of several; None where none knows them."""
    if not isinstance(found, Mapping):
        return None
    for layout in layouts_of_members():
        tensors: dict[str, Tensor] = {}
        for member in layout.members:
            networks = dict(itertools.islice(_networks(found.get(member)), 1))
            own = next(iter(networks.values()), {})
            tensors |= {f"{member}.{name}": tensor for name, tensor in own.items()}
        weights = Weights(tensors, str(path))
        if layout.recognises(weights):
            return weights
    return None


def _networks(
    found: object, name: str = "", depth: int = _DEPTH, seen: set[int] | None = None
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield everything in a checkpoint that could be a network: outermost first, each with the key it lies under.

    What lies under several keys is met once: `seen` are those met so far.
    """
    seen = set() if seen is None else seen
    if not isinstance(found, Mapping) or depth == 0 or id(found) in seen:
        return
    seen.add(id(found))
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if len(tensors) > 1:
        tensors = _unwrapped(tensors)
        yield name, tensors
        if layout_of(Weights(tensors, name)) is None:
            yield from _members(tensors, name)
    for key, value in found.items():
        yield from _networks(value, f"{name}.{key}" if name else str(key), depth - 1, seen)


def _members(tensors: dict[str, Tensor], name: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the networks that are members of one module, as Lightning saves them: `generator.…`, `critic.…`."""
    members: dict[str, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        head, dot, rest = key.partition(".")
        if dot:
            members.setdefault(head, {})[rest] = tensor
    for head, own in members.items():
        if len(own) > 1:
            yield (f"{name}.{head}" if name else head), own


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS * 2:  # they come in either order
        if all(key.startswith(wrapper) for key in tensors):
            tensors = {key.removeprefix(wrapper): tensor for key, tensor in tensors.items()}
    return tensors


def _checked(weights: Weights, path: Path) -> Weights:
    """Return them as float32. Raises ModelError where one holds NaN or infinity, or is no plain tensor of numbers."""
    most = path.stat().st_size * _MOST_SHARED
    if sum(tensor.numel() for tensor in weights.values()) > most:
        raise ModelError(f"{path} holds far more weights than it has bytes for; it is not loaded")
    tensors = {}
    for name, tensor in weights.items():
        if tensor.dtype not in (*_FLOATS, *_COUNTS):
            kind = str(tensor.dtype).removeprefix("torch.")
            raise ModelError(
                f"{path}: the weight '{shown(name)}' is of {kind}, which networks here do not compute with; "
                "save the float network's state_dict()"
            )
        full = tensor.detach().float() if tensor.is_floating_point() else tensor.detach()
        if tensor.is_floating_point() and not torch.isfinite(full).all():
            count = int((~torch.isfinite(full)).sum())
            raise ModelError(
                f"{weights.where}: {count} of {full.numel()} numbers in '{shown(name)}' are NaN or infinite; "
                "its training went astray, take an earlier checkpoint"
            )
        tensors[name] = full
    return Weights(tensors, weights.where)


def _listed(names: Mapping[str, object]) -> str:
    listed = [f"'{shown(name)}'" for name in itertools.islice(filter(None, names), 7)]
    return ", ".join(listed[:6]) + " …" * (len(listed) > 6) if listed else "one network only"
