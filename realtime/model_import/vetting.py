"""Looks at model files from outside before this process runs them: those that ship by their checksums, others by a
first run in a process of their own, once for each content.

What `realtime.models.file_safety` cannot tell from a file's bytes is seen here: computing without end, memory without
bounds, a library that crashes, a picture that is none. A file that passed is remembered by its hash in the user's
cache, so that the next start costs only the hashing (a millisecond for 2 MB).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np

from realtime.core import isolated_process
from realtime.core.errors import ModelError, OptionError, RealtimeError
from realtime.core.language import _
from realtime.core.paths import user_cache_folder
from realtime.imaging.frame import Pixels, Size
from realtime.models.card import CODES, HEIGHT, WIDTH, ModelCard, ModelKind
from realtime.models.file_safety import read_card
from realtime.models.library import shipped_folder
from realtime.models.source_file import SourceFile

log = logging.getLogger(__name__)

CHECKSUMS = "SHA256SUMS"
"""Beside the shipped models, in the form that `sha256sum --check` reads."""

_P = ParamSpec("_P")
_T = TypeVar("_T")

_TRIED_PX = 256
_LEAST_MEMORY_BYTES = 450_000_000
_MEMORY_PER_BYTE = 8
"""Of weights: protocol buffers, the session's copy, the optimiser's, and one of each rewriting step."""
_MEMORY_PER_PX = 3000
"""Of the picture that we try it on. CycleGAN of 64 channels and fast-neural-style of 32 take 2,100 bytes."""
_MEMORY_PER_STATED_PX = 1000
"""Of the size that the file says it takes, beyond that: networks of megapixels that are quick enough are thin."""
_MOST_PX = 2_000_000
_STEP_S, _STEP_S_PER_BYTE = 6.0, 1e-6
"""Processor time for one run, also for what opening takes; a network of more weights computes for longer."""
_WALL_S = 900.0
_MOST_REMEMBERED = 512
_FLAT = 12
"""Grey levels between the darkest and lightest thousandth: not even a drawing of thin lines has so few."""


def bounds_for(files: Iterable[Path | SourceFile], pixels: int) -> isolated_process.Bounds:
    """Return what work on these files, trying pictures of so many pixels, may take."""
    size = stated_px = 0
    for source in map(SourceFile.of, files):
        with contextlib.suppress(OSError):
            size += source.path.stat().st_size
        with contextlib.suppress(RealtimeError, OSError, ValueError):  # a name that is none: it is refused later
            size += sum(file.stat().st_size for file in source.files[1:])
            stated_px = max(stated_px, *(_stated_px(shape) for shape in source.header.inputs.values()), 0)
    memory = _LEAST_MEMORY_BYTES + _MEMORY_PER_BYTE * size + _MEMORY_PER_PX * min(pixels, _MOST_PX)
    memory += _MEMORY_PER_STATED_PX * max(0, min(stated_px, _MOST_PX) - pixels)
    return isolated_process.Bounds(memory, _STEP_S + _STEP_S_PER_BYTE * size, _WALL_S)


def _stated_px(shape: Sequence[int | str]) -> int:
    """Return the pixels of a picture of this shape, whichever axis holds its channels; 0 where it is free."""
    sides = [side for side in shape[-3:] if isinstance(side, int)]
    return int(np.prod(sorted(sides)[-2:], dtype=np.float64)) if len(shape) in (3, 4) and len(sides) == 3 else 0


def in_bounds(
    source: Path | SourceFile,
    beside: Iterable[Path | SourceFile],
    pixels: int,
    work: Callable[_P, _T],
    *arguments: _P.args,
    **named: _P.kwargs,
) -> _T:
    """Return what `work` on somebody's file returns, done in a process of its own. Raises ModelError, one line that
    names the file, where it comes to no end, takes too much or ends in what no code of ours foresaw.
    """
    bounds, file = bounds_for((source, *beside), pixels), SourceFile.of(source).path
    try:
        return isolated_process.call(bounds, _foreseen, file, functools.partial(work, *arguments, **named))
    except isolated_process.OutOfBoundsError as error:
        raise ModelError(
            _("{file} {reason}: it cannot be used live; choose another, or another copy of it", file=file, reason=error)
        ) from error


def _foreseen(file: Path, work: Callable[[], _T]) -> _T:
    try:
        return work()
    except (RealtimeError, MemoryError):
        raise
    except Exception as error:  # of the libraries that read it: whatever they like
        what = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        raise ModelError(
            _(
                "{file} cannot be used ({what}): it is damaged, or of a form not known here; export or "
                "download it again",
                file=file,
                what=what,
            )
        ) from error


def vetted(path: Path) -> Path:
    """Return a model file that may be opened here. Raises ModelError, one line, for one that must not be."""
    shipped = shipped_folder()
    if path.parent == shipped:
        if not is_as_shipped(path):
            raise ModelError(
                _("{path} is damaged: it is not the file that came with the program; reinstall realtime", path=path)
            )
        return path
    source = SourceFile(path)
    source.check()
    record = _record(source.files)
    if record is not None and record.is_file():
        with contextlib.suppress(OSError):
            record.touch()
        return path
    card = ModelCard.read(source.header.metadata, str(path))
    for note in in_bounds(path, (), max(_TRIED_PX, card.least_px) ** 2, first_run, path):
        log.warning("%s", note)
    if record is not None:
        _remember(record)
    return path


def remember(path: Path) -> None:
    """Remember a file that was tried already, and written by this program."""
    with contextlib.suppress(RealtimeError):
        record = _record([path])
        if record is not None:
            _remember(record)


def is_as_shipped(path: Path) -> bool:
    """Tell whether a file in the folder of shipped models has the content it came with; true for one that did not come
    with it.
    """
    known = checksums(path.parent).get(path.name)
    return known is None or known == _digest([path])


def checksums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each shipped model by its file's name; none where the list is missing."""
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    return {name: digest for digest, name in (line.split() for line in lines if len(line.split()) == 2)}


def first_run(path: Path) -> list[str]:
    """[a process of its own] Open a model in our contract and run it. Returns what looks odd, a line each; raises
    ModelError.
    """
    from realtime.models.runtime.onnx_model import ON_CPU, OnnxModel

    card = read_card(path)
    side = max(_TRIED_PX, card.least_px)
    # All sizes are fixed: nothing else is to be folded away in an effect than was here.
    sizes = {ModelKind.STYLE: {HEIGHT: side, WIDTH: side}, ModelKind.MORPH: {CODES: 2}}.get(card.kind, {})
    model = OnnxModel.open(path, ON_CPU, dimensions=sizes)
    try:
        isolated_process.step()
        if card.kind is not ModelKind.STYLE:
            model.warm()
            return []
        _, height, width, _ = model.input_shapes["frame"]
        return _what_looks_odd(model.run, path, Size(int(width), int(height)))
    finally:
        model.close()


def _what_looks_odd(run: Callable[..., None], path: Path, size: Size) -> list[str]:
    import cv2

    from realtime.model_import.style.validation import usual_photo
    from realtime.model_import.verdict import UNLIKE, likeness_of

    photo = np.ascontiguousarray(cv2.resize(usual_photo(size), size, interpolation=cv2.INTER_AREA), np.uint8)
    pictures = [photo, np.ascontiguousarray(photo[:, ::-1]), photo]
    painted: list[Pixels] = []
    for picture in pictures:
        out = np.empty_like(picture)
        run({"frame": picture[np.newaxis]}, {"frame_out": out[np.newaxis]})
        isolated_process.step()
        painted.append(out)
    low, high = np.percentile(np.stack(painted), (0.1, 99.9))
    if high - low < _FLAT:
        raise ModelError(
            _(
                "{path} paints nearly one colour ({low:.0f} to {high:.0f} of 0..255) whatever it is "
                "shown: its numbers may be no numbers (NaN); export another checkpoint, or add it again "
                "with another --range",
                path=path,
                low=low,
                high=high,
            )
        )
    if np.array_equal(painted[0], painted[1]):
        raise ModelError(
            _("{path} paints the same picture whatever it is shown: it is no style; choose another", path=path)
        )
    notes = []
    if not np.array_equal(painted[0], painted[2]):
        notes.append(
            _(
                "{path} paints the same picture differently each time: it will flicker; export it in eval mode",
                path=path,
            )
        )
    if likeness_of(painted[0].astype(np.float32), photo) < UNLIKE:
        notes.append(_("{path} paints what has little to do with the picture it is shown: is it noise?", path=path))
    return notes


def records_folder() -> Path:
    """Return where it is noted which contents passed. Raises OptionError where nobody's home is known."""
    return user_cache_folder() / "tried-models"


def _record(files: Iterable[Path]) -> Path | None:
    digest = _digest(files)
    try:
        return records_folder() / digest
    except OptionError:
        return None


def _digest(files: Iterable[Path]) -> str:
    """Return the SHA-256 of files' contents, one after the other. Raises ModelError."""
    digest = hashlib.sha256()
    for file in files:
        try:
            with file.open("rb") as stream:
                for piece in iter(lambda: stream.read(1 << 20), b""):
                    digest.update(piece)
        except OSError as error:
            raise ModelError(
                _("cannot read {file}: {reason}; check the path and its permissions", file=file, reason=error.strerror)
            ) from error
    return digest.hexdigest()


def _remember(record: Path) -> None:
    """Keep a note that a content passed; where the cache cannot be written, it is tried anew each time."""
    with contextlib.suppress(OSError):
        record.parent.mkdir(parents=True, exist_ok=True)
        record.touch()
        old = sorted(record.parent.iterdir(), key=lambda file: file.stat().st_mtime_ns)[:-_MOST_REMEMBERED]
        for file in old:
            file.unlink(missing_ok=True)
