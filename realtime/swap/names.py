"""What the names after `swap:` mean: photos, models, and models with a photo, commas and colons in them or not."""

from __future__ import annotations

from realtime.cameras import PICTURE_SUFFIXES
from realtime.core.errors import OptionError
from realtime.core.paths import user_path
from realtime.core.registry import split_model, split_names

_MODEL_SUFFIX = ".onnx"


def names_in(argument: str) -> list[str]:
    """Split `A,B,C` into names. Where a file's name has a comma in it, that file is meant."""
    return split_names(argument, _is_file)


def is_photo(name: str) -> bool:
    """Tell a photo from a model, by a file that is there or by the looks of a name."""
    path = user_path(name)
    if path.is_file():
        return path.suffix.lower() != _MODEL_SUFFIX
    return path.suffix.lower() in PICTURE_SUFFIXES and not model_and_photo(name)[1]


def model_and_photo(name: str) -> tuple[str, str]:
    """Split `MODEL:PHOTO`; the photo is empty where none is named."""
    return split_model(name, _is_file)


def _is_file(name: str) -> bool:
    try:
        return bool(name.strip()) and user_path(name).is_file()
    except (OptionError, OSError):
        return False
