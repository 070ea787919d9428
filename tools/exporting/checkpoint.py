"""Reading checkpoints as data: tensors only, whatever they are nested in, and never code."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from realtime.core.errors import ModelError, shown
from tools.exporting.saved import read_saved
from tools.networks import layout_of, layouts_of_members
from tools.networks.weights import Weights

_PREFERRED = ("params_ema", "generator_ema", "ema", "g_ema")
"""Names of averaged weights: what their makers meant to be used, where a checkpoint holds both."""
_BESIDE = "latent_avg"
"""The mean code of a StyleGAN2, which rosinality's programs keep beside the network and not in it."""
_WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""
_INSIDE = ("state_dict", "model")
_DEPTH = 4
_MOST_WEIGHTS = 50_000
_MOST_FILES = 10_000
_SUFFIXES = (".pth", ".pt", ".ckpt", ".bin", ".safetensors")
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


def read_folder(folder: Path) -> dict[str, object]:
    """Return what lies in the files of a family that is several, each under its name: those of LivePortrait, in the
    folder or in folders within it. Raises ModelError where there is none, and as `read_saved`.
    """
    members = [member for layout in layouts_of_members() for member in layout.members]
    files: dict[str, Path] = {}
    for path in _files_in(folder):
        if path.stem in members:
            if path.stem in files:
                raise ModelError(
                    f"{folder} holds two files '{path.stem}': {files[path.stem]} and {path}; name one folder"
                )
            files[path.stem] = path
    if not files:
        raise ModelError(f"{folder} is a folder without a checkpoint that is known by its name ({', '.join(members)})")
    return {stem: read_saved(path) for stem, path in files.items()}


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the checkpoints in a folder and in those within it."""
    for path in itertools.islice(itertools.chain(folder.glob("*"), folder.glob("*/*")), _MOST_FILES):
        if path.suffix.lower() in _SUFFIXES and path.is_file():
            yield path


def one_of_several(path: Path) -> ModelError | None:
    """Return the error for a file that is one of a family's several by its name; None for any other."""
    for layout in layouts_of_members():
        if path.stem in layout.members:
            return ModelError(
                f"{path} is one of {len(layout.members)} files of {layout.name}; name the folder that holds all of them"
            )
    return None


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
    averaged = {name: tensors for name, tensors in known.items() if name.split(".")[-1].lower() in _PREFERRED}
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
            tensors |= dict(itertools.islice(_flat(found.get(member), f"{member}."), _MOST_WEIGHTS))
        weights = Weights(tensors, str(path))
        if layout.recognises(weights):
            return weights
    return None


def _flat(found: object, name: str, depth: int = _DEPTH) -> Iterator[tuple[str, Tensor]]:
    """Yield all tensors in a network's dictionary, and in those within it, by their whole names."""
    if not isinstance(found, Mapping) or depth == 0:
        return
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    for key, tensor in _unwrapped(tensors).items():
        yield f"{name}{key}", tensor
    for key, value in found.items():
        # Saved with other things, a network lies under a name that is not its own.
        yield from _flat(value, name if key in _INSIDE else f"{name}{key}.", depth - 1)


def _networks(
    found: object,
    name: str = "",
    depth: int = _DEPTH,
    seen: set[int] | None = None,
    beside: Mapping[str, Tensor] = MappingProxyType({}),
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield everything in a checkpoint that could be a network: outermost first, each with the key it lies under.

    What lies under several keys is met once: `seen` are those met so far. `beside` lay beside it and belongs to it.
    """
    seen = set() if seen is None else seen
    if not isinstance(found, Mapping) or depth == 0 or id(found) in seen:
        return
    seen.add(id(found))
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if len(tensors) > 1:
        tensors = _unwrapped(tensors)
        yield name, {**tensors, **beside}
        if layout_of(Weights(tensors, name)) is None:
            yield from _members(tensors, name)
    beside = {_BESIDE: tensors[_BESIDE]} if len(tensors) == 1 and _BESIDE in tensors else {}
    for key, value in found.items():
        yield from _networks(value, f"{name}.{key}" if name else str(key), depth - 1, seen, beside)


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
    files = _files_in(path) if path.is_dir() else [path]
    most = sum(file.stat().st_size for file in files) * _MOST_SHARED
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
