"""Where GPU providers keep what they compiled for a model: one folder for each model, size and version.

Compiling takes TensorRT a minute, so it is kept in the user's cache. A folder counts only once it carries the mark
that the model opened and ran: one left behind by a build that was cut off is thrown away, and so is one that fails.

Nothing is kept for the CPU: opening the 0.7 MB style network takes 4 ms, from a saved optimised graph 1.8 ms, off the
frame loop both (2.4 MB: 17 and 12 ms; two cores, ONNX Runtime 1.31).
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from realtime.core.paths import user_cache_folder

_MARK = "complete"
_UNUSED_S = 60 * 86_400.0
_BUILD_S = 3_600.0  # no build takes longer; a younger folder without a mark may be another process at work


def cache_folder(chosen: Path | None) -> Path:
    """Return the folder of all engines: the one chosen, or the user's cache."""
    return chosen if chosen is not None else user_cache_folder() / "engines"


def timing_folder(cache: Path) -> Path:
    """Return the folder of what all models share: how long this GPU takes for which kernel."""
    return cache / "timing"


def engine_folder(cache: Path, model: Path, weights: Iterable[str], parts: Iterable[str]) -> Path:
    """Return the folder for one model and everything else (`parts`) that its engine depends on. Not made yet.

    `weights` are the files beside the model that hold its weights, as it names them. Raises OSError.
    """
    digest = hashlib.sha256()
    for path in (model, *(model.parent / name for name in weights)):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    for part in parts:
        digest.update(b"\0" + part.encode())
    return cache / f"{model.stem[:40]}-{digest.hexdigest()[:20]}"


def prepare(folder: Path) -> bool:
    """Make a folder ready to be used; return whether a finished engine lies in it. Raises OSError."""
    with contextlib.suppress(OSError):
        _remove_unused(folder.parent)
    mark = folder / _MARK
    if mark.is_file():
        mark.touch()
        return True
    if folder.is_dir() and time.time() - folder.stat().st_mtime > _BUILD_S:
        discard(folder)
    folder.mkdir(parents=True, exist_ok=True)
    timing_folder(folder.parent).mkdir(exist_ok=True)
    return False


def finish(folder: Path) -> None:
    """Mark what lies in a folder as whole; a full disk costs the engine, not the run."""
    with contextlib.suppress(OSError):
        (folder / _MARK).touch()


def discard(folder: Path) -> None:
    """Throw an engine away; the next opening builds it anew."""
    shutil.rmtree(folder, ignore_errors=True)


def _remove_unused(cache: Path) -> None:
    """Throw away engines nobody has used for two months: of models that changed, of older versions."""
    for mark in cache.glob(f"*/{_MARK}"):
        if time.time() - mark.stat().st_mtime > _UNUSED_S:
            discard(mark.parent)
