"""Reading checkpoints as data: tensors only, whatever they are nested in, and never code."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor

from realtime.errors import ModelError
from tools.networks import layout_of
from tools.networks.weights import Weights

_PREFERRED = ("params_ema", "generator_ema", "ema", "g_ema")
"""Names of averaged weights: what their makers meant to be used, where a checkpoint holds both."""
_WRAPPERS = ("module.", "_orig_mod.")
"""What DataParallel and torch.compile put before every name."""
_DEPTH = 4


def read_checkpoint(path: Path, key: str = "") -> Weights:
    """Return the weights in `path` (.pth, .pt, .ckpt, .bin, .safetensors), float32.

    A file with several networks: the one a layout knows, `key` (`netG_A`, `state_dict.generator`) where it is not the
    only one. Raises ModelError when the file is missing, damaged, would run code, or holds no network.
    """
    found = _read(path)
    candidates = dict(_networks(found))
    if not candidates:
        raise ModelError(f"{path} holds no weights; save a network's state_dict() to it")
    if key:
        if key not in candidates:
            raise ModelError(f"{path} holds no '{key}'; there are: {_listed(candidates)}")
        return _checked(Weights(candidates[key], str(path)))
    known = {name: tensors for name, tensors in candidates.items() if layout_of(Weights(tensors, str(path)))}
    averaged = {name: tensors for name, tensors in known.items() if name.split(".")[-1] in _PREFERRED}
    chosen = averaged or known or dict(list(candidates.items())[:1])
    if len(chosen) > 1:
        raise ModelError(f"{path} holds several networks ({_listed(chosen)}); choose one with --key")
    return _checked(Weights(next(iter(chosen.values())), str(path)))


def alignment_in(path: Path) -> str:
    """Return by which face crop the network in `path` was trained, as `realtime.faces.crops` calls it; nothing where
    the file does not say: only those of tools.train_swap do.
    """
    found = _read(path)
    settings = found.get("settings") if isinstance(found, Mapping) else None
    text = settings.get("alignment") if isinstance(settings, Mapping) else None
    return text if isinstance(text, str) else ""


def _read(path: Path) -> object:
    if not path.is_file():
        raise ModelError(f"no checkpoint {path}; name an existing file")
    if path.suffix.lower() == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} is no safetensors file ({_line(error)}); fetch or save it again") from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refusal(path, str(error)) from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no checkpoint that PyTorch can read; fetch or save it again") from error


def _refusal(path: Path, reason: str) -> ModelError:
    """Return the error for a pickle that weights_only refuses: a wish to run something, or plain damage."""
    wanted = re.search(r"GLOBAL ([\w.]+)", reason) or re.search(r"[Cc]lass ([\w.]+)", reason)
    if wanted is None:
        return ModelError(f"{path} is no checkpoint that PyTorch can read; fetch or save it again")
    return ModelError(
        f"{path} would run code when loaded (it asks for {wanted[1]}), so it is not; "
        "save it again as torch.save(network.state_dict(), …) where it was made"
    )


def _networks(found: object, name: str = "", depth: int = _DEPTH) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield everything in a checkpoint that could be a network: outermost first, each with the key it lies under."""
    if not isinstance(found, Mapping) or depth == 0:
        return
    tensors = {str(key): value for key, value in found.items() if isinstance(value, Tensor)}
    if len(tensors) > 1:
        tensors = _unwrapped(tensors)
        yield name, tensors
        if layout_of(Weights(tensors, name)) is None:
            yield from _members(tensors, name)
    for key, value in found.items():
        yield from _networks(value, f"{name}.{key}" if name else str(key), depth - 1)


def _members(tensors: dict[str, Tensor], name: str) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield the networks that are members of one module, as Lightning saves them: `generator.…`, `critic.…`."""
    heads = dict.fromkeys(key.partition(".")[0] for key in tensors if "." in key)
    for head in heads:
        own = {key.removeprefix(f"{head}."): tensor for key, tensor in tensors.items() if key.startswith(f"{head}.")}
        if len(own) > 1:
            yield (f"{name}.{head}" if name else head), own


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS * 2:  # they come in either order
        if all(key.startswith(wrapper) for key in tensors):
            tensors = {key.removeprefix(wrapper): tensor for key, tensor in tensors.items()}
    return tensors


def _checked(weights: Weights) -> Weights:
    """Return them as float32. Raises ModelError where one holds NaN or infinity."""
    tensors = {}
    for name, tensor in weights.items():
        full = tensor.detach().float() if tensor.is_floating_point() else tensor.detach()
        if tensor.is_floating_point() and not torch.isfinite(full).all():
            count = int((~torch.isfinite(full)).sum())
            raise ModelError(
                f"{weights.where}: {count} of {full.numel()} numbers in '{name}' are NaN or infinite; "
                "its training went astray, take an earlier checkpoint"
            )
        tensors[name] = full
    return Weights(tensors, weights.where)


def _listed(names: Mapping[str, object]) -> str:
    shown = [f"'{name}'" for name in names if name]
    return ", ".join(shown[:6]) + " …" * (len(shown) > 6) if shown else "one network only"


def _line(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
