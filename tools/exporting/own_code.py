"""A network whose code the user names: the only case in which code of theirs is run."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from torch import nn

from realtime.core.errors import ModelError, OptionError, shown


def build_network(named: str, arguments: str) -> nn.Module:
    """Return the network of `FILE.py:Class`, called with the keyword arguments in the JSON object `arguments`.

    Raises OptionError where the words are wrong, ModelError where the code fails.
    """
    place, _, name = named.rpartition(":")
    if not place or not name.isidentifier():
        raise OptionError(f"--network takes FILE.py:Class, not '{named}'")
    path = Path(place)
    if not path.is_file():
        raise OptionError(f"no file {path} with the network's code; check --network")
    try:
        keywords = json.loads(arguments or "{}")
    except ValueError as error:
        raise OptionError(f"--kwargs is no JSON ({error}); write it as '{{\"width\": 32}}'") from error
    if not isinstance(keywords, dict):
        raise OptionError("--kwargs takes a JSON object: '{\"width\": 32}'")
    try:
        try:
            module = _file(path)
        except ImportError as error:
            if "no known parent package" not in str(error):
                raise
            module = _file_of_a_package(path)
        if not hasattr(module, name):
            raise OptionError(f"{path} has no '{name}'; check --network")
        network = getattr(module, name)(**keywords)
    except OptionError:
        raise
    except Exception as error:  # the user's code may raise anything
        line = shown(" ".join(str(error).split()), 160)
        raise ModelError(f"{named} failed: {type(error).__name__}: {line}") from error
    if not isinstance(network, nn.Module):
        raise ModelError(f"{named} made a {type(network).__name__}, not a torch.nn.Module")
    return network


def _file(path: Path) -> ModuleType:
    with _importable(path.parent):
        spec = importlib.util.spec_from_file_location(f"network_in_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise OptionError(f"{path} is no Python file; name one that ends in .py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses and the like look their module up by name
        spec.loader.exec_module(module)
        return module


def _file_of_a_package(path: Path) -> ModuleType:
    """Import a file that imports its neighbours as `from . import blocks`: as a member of its folder, a package even
    without an `__init__.py`, and of those above it that have one.
    """
    folder = path.resolve().parent
    names = [folder.name, path.stem]
    while (folder / "__init__.py").is_file() and (folder.parent / "__init__.py").is_file():
        folder = folder.parent
        names.insert(0, folder.name)
    with _importable(folder.parent):
        return importlib.import_module(".".join(names))


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let the file import its neighbours while it is read."""
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))
