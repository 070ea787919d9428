"""What a dropped file is, and what it can be used for."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import NamedTuple

from realtime import effects
from realtime.cameras.picture_folder import pictures_in
from realtime.core.errors import CameraError, EffectError
from realtime.core.language import _
from realtime.picture_files.formats import is_picture_file, moving_kind

_FILM_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".ogv"}
    | {".3gp", ".gif"}
)
_PACK_SUFFIXES = frozenset({".portrait", ".zip"})


class FileKind(enum.Enum):
    """What a file is, by what people use it for."""

    PICTURE = "picture"
    FILM = "film"
    FOLDER = "folder"
    PACK = "pack"
    FACE = "face"
    MODEL = "model"
    SCENE = "scene"
    NOTHING = "nothing"


class Found(NamedTuple):
    """What a path is."""

    kind: FileKind
    why_not: str = ""
    """Of what cannot be used, in a line."""


class Use(enum.Enum):
    """What is done with it."""

    EFFECT = "effect"
    BUILD_PORTRAIT = "build a portrait"
    SOURCE = "source"
    ADD_MODEL = "add a model"
    SCENE = "scene"


class Way(NamedTuple):
    """What is done with a file: `effect` is the name of the one that takes it, where one does."""

    use: Use
    effect: str = ""


def look_at(path: Path) -> Found:
    """Say what a path is, by what is in it where that can be read. Never raises."""
    try:
        return _look_at(path)
    except OSError as error:
        return Found(
            FileKind.NOTHING,
            _("{name} cannot be read: {reason}; check its permissions", name=path.name, reason=error.strerror or error),
        )


def way_of(kind: FileKind, category: str) -> Way:
    """Return what is done with a file that was dropped on a category; on none (empty), pictures come from it."""
    if kind is FileKind.MODEL:
        return Way(Use.ADD_MODEL)
    if kind is FileKind.SCENE:
        return Way(Use.SCENE)
    if kind is FileKind.FACE:
        return Way(Use.EFFECT, "swap")
    if not category and kind is not FileKind.PACK:
        return Way(Use.SOURCE)
    if kind is FileKind.PICTURE and category == "Portraits":
        return Way(Use.BUILD_PORTRAIT)
    taker = _taker(kind, category)
    if taker:
        return Way(Use.EFFECT, taker)
    if kind is FileKind.PICTURE:
        return Way(Use.EFFECT, "swap")  # what most people drop a photo for
    if kind is FileKind.PACK:
        return Way(Use.EFFECT, "portrait")
    return Way(Use.SOURCE)


def _look_at(path: Path) -> Found:
    suffix = path.suffix.lower()
    if path.is_dir():
        if (path / "portrait.toml").is_file():
            return Found(FileKind.PACK)
        try:
            pictures_in(path)
        except CameraError as error:
            return Found(FileKind.NOTHING, str(error))
        return Found(FileKind.FOLDER)
    if not path.is_file():
        return Found(FileKind.NOTHING, _("{name} is not there any more", name=path.name))
    if suffix == ".onnx":
        return Found(FileKind.MODEL)
    if suffix in (".pth", ".pt", ".ckpt", ".safetensors", ".pkl"):
        return Found(
            FileKind.NOTHING,
            _("{name} is a checkpoint: make an .onnx of it first, python -m tools.export_onnx", name=path.name),
        )
    if suffix == ".toml":
        return Found(FileKind.SCENE)
    if suffix in _PACK_SUFFIXES:
        return Found(FileKind.PACK)
    if suffix == ".face":
        return Found(FileKind.FACE)
    if moving_kind(path) is not None or suffix in _FILM_SUFFIXES:
        return Found(FileKind.FILM)
    if is_picture_file(path):
        return Found(FileKind.PICTURE)
    return Found(
        FileKind.NOTHING, _("{name} is no picture, film, model (.onnx), portrait or scene (.toml)", name=path.name)
    )


def _taker(kind: FileKind, category: str) -> str:
    """Return the first effect of a category that takes such a file as its argument; empty: none does."""
    for name in effects.effect_names():
        try:
            placing = effects.effect_class(name).placing
        except EffectError:  # said where the effects are listed
            continue
        if placing.category == category and kind.value in placing.takes:
            return name
    return ""
