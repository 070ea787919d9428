"""What a name after `swap:` is: a photo, or a model."""

from __future__ import annotations

from realtime.cameras import PICTURE_SUFFIXES
from realtime.core.paths import user_path
from realtime.core.specs import model_and_rest

_MODEL_SUFFIX = ".onnx"


def is_photo(name: str) -> bool:
    """Tell a photo from a model, by a file that is there or by the looks of a name."""
    path = user_path(name)
    if path.is_file():
        return path.suffix.lower() != _MODEL_SUFFIX
    return path.suffix.lower() in PICTURE_SUFFIXES and not model_and_rest(name)[1]
