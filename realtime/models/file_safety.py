"""Model files: what one says of itself, and whether it is safe to run, before any library is let near it."""

from __future__ import annotations

import contextlib
import enum
import mmap
from collections.abc import Iterator
from pathlib import Path

from realtime.core.errors import ModelError, shown
from realtime.core.language import N_, _
from realtime.models.card import ModelCard
from realtime.models.onnx_header import ModelHeader, header_of, metadata_of
from realtime.models.protobuf import DamagedError

LARGEST_BYTES = 2**31 - 1
"""Protocol buffers end here; more weights lie in files beside the model."""
_KNOWN_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Whose operators ONNX Runtime brings itself; any other needs a library, that is, somebody's code in this process."""
_FORBIDDEN_OPERATORS = {
    "EPContext": N_("it holds or names a program compiled for one machine's accelerator; export it without"),
}


def read_card(path: Path) -> ModelCard:
    """Return a file's card without looking at its graph (40 µs). Raises ModelError as `ModelCard.read` does, and for
    what is no ONNX file.
    """
    with _opened(path) as data:
        try:
            return ModelCard.read(metadata_of(data), str(path))
        except DamagedError as error:
            raise _no_onnx(path) from error


def read_header(path: Path) -> ModelHeader:
    """Look through the whole file. Raises ModelError when it cannot be read or is no ONNX model."""
    with _opened(path) as data:
        try:
            return header_of(data)
        except DamagedError as error:
            raise _no_onnx(path) from error


def check_safe(path: Path, header: ModelHeader) -> None:
    """Raise ModelError, one line, for a model that would read files elsewhere, needs somebody's code or cannot work."""
    _check_external_weights(path, header)
    if header.short_weights:
        raise ModelError(
            _(
                "{path} is damaged: it has weights {short_weights}; export or download it again",
                path=path,
                short_weights=header.short_weights,
            )
        )
    if header.work.problem:
        raise ModelError(f"{path} {header.work.problem}")
    _check_operators(path, header)
    if header.nan_weights:
        raise ModelError(
            _(
                "{path} has weights that are no numbers (NaN, in '{nan_weights}'): its training went "
                "wrong; export an earlier checkpoint",
                path=path,
                nan_weights=shown(header.nan_weights),
            )
        )


def _check_external_weights(path: Path, header: ModelHeader) -> None:
    """Raise ModelError for weights that lie elsewhere, are not there, or end too soon."""
    folder = path.absolute().parent.resolve()  # where ONNX Runtime looks, also when the model itself is a link
    for location in header.external_files:
        try:
            weights = (folder / location).resolve()  # follows links: a link that leads out is outside too
        except (OSError, RuntimeError, ValueError):  # a name that no system takes, or links in a circle
            weights = folder
        if not weights.is_relative_to(folder) or weights == folder:
            raise ModelError(
                _(
                    "{path} wants to read weights from '{location}', outside its own folder; keep them "
                    "beside the model, or export it as one file",
                    path=path,
                    location=shown(location),
                )
            )
        if not weights.is_file():
            raise ModelError(
                _(
                    "{path} keeps its weights in '{location}', which is missing; copy that file beside it",
                    path=path,
                    location=shown(location),
                )
            )
    for part in header.external_parts:
        if part.offset + part.length > (folder / part.location).stat().st_size:
            raise ModelError(
                _(
                    "{path}: '{location}' is cut short, it ends before the weights '{name}'; copy or download it again",
                    path=path,
                    location=shown(part.location),
                    name=part.name,
                )
            )


def _check_operators(path: Path, header: ModelHeader) -> None:
    """Raise ModelError for operators that are never run, and for those of somebody's own library."""
    for domain, name in sorted(header.operators - header.own_functions):
        if name in _FORBIDDEN_OPERATORS:
            raise ModelError(
                _(
                    "{path} uses the operator {name}: {why}",
                    path=path,
                    name=name,
                    why=_(_FORBIDDEN_OPERATORS[name]),
                )
            )
        if domain not in _KNOWN_DOMAINS:
            raise ModelError(
                _(
                    "{path} needs the custom operator {domain}.{name}, which only its maker's library "
                    "knows; export it with standard ONNX operators",
                    path=path,
                    domain=shown(domain),
                    name=shown(name),
                )
            )


class Content(enum.Enum):
    """What a file is, by its first bytes, that is no ONNX model whatever its name says."""

    LFS_POINTER = N_(
        "is a pointer of Git LFS and not the file itself: `git lfs pull` brings that, or a download from the web page"
    )
    WEB_PAGE = N_("is a web page and no model: download the file itself")
    PICTURE = N_("is a picture and no model")
    CHECKPOINT = N_("is a training checkpoint, no ONNX model")
    ARCHIVE = N_("is an archive: unpack it and name the .onnx file in it")


_FIRST_BYTES: tuple[tuple[bytes, Content], ...] = (
    (b"version https://git-lfs", Content.LFS_POINTER),
    (b"<!doctype", Content.WEB_PAGE),
    (b"<html", Content.WEB_PAGE),
    (b"\x89png", Content.PICTURE),
    (b"\xff\xd8\xff", Content.PICTURE),
    (b"\x80\x02\x8a\nl\xfc\x9cf\xf9 j\xa8p\x19", Content.CHECKPOINT),  # torch.save, before its archives
    (b"pk\x03\x04", Content.ARCHIVE),
    (b"\x1f\x8b", Content.ARCHIVE),
)


def known_content(path: Path) -> Content | None:
    """Return what a file is by its first bytes, None where they tell nothing or cannot be read."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            begin = file.read(4096)
    except OSError:
        return None
    lower = begin.lstrip().lower()
    found = next((content for first, content in _FIRST_BYTES if lower.startswith(first.lower())), None)
    if found is Content.ARCHIVE and (b"/data.pkl" in begin or b"/.format_version" in begin):
        return Content.CHECKPOINT  # torch.save and TorchScript begin with that entry
    return found


def _no_onnx(path: Path) -> ModelError:
    content = known_content(path)
    if content is not None:
        return ModelError(f"{path} {_(content.value)}")
    return ModelError(_("{path} is no ONNX model, or a damaged one; export or download it again", path=path))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[mmap.mmap]:
    """A file's bytes, mapped and not read. Raises ModelError when that cannot be."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ModelError(_("{path} is a folder; name the .onnx file in it", path=path))
        if not path.is_file():
            raise ModelError(_("{path} is no file; name an .onnx file", path=path))
        if size == 0:
            raise ModelError(_("{path} is empty; export or download it again", path=path))
        if size > LARGEST_BYTES:
            raise ModelError(
                _(
                    "{path} has {size_gb:.1f} GB; one ONNX file holds 2 GB at most: is it another kind?",
                    path=path,
                    size_gb=size / 1e9,
                )
            )
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise ModelError(_("no model file {path}; check the path", path=path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelError(
            _("cannot read {path}: {reason}; check the path and its permissions", path=path, reason=reason)
        ) from error
    with data:
        yield data
