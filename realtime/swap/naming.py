"""What the names after `swap:` mean: photos, models, and models with a photo, commas and colons in them or not."""

from __future__ import annotations

from realtime.cameras import PICTURE_SUFFIXES
from realtime.errors import OptionError
from realtime.paths import user_path

_MODEL_SUFFIX = ".onnx"


def names_in(argument: str) -> list[str]:
    """Split `A,B,C` into names. Where a file's name has a comma in it, that file is meant."""
    words = argument.split(",")
    names: list[str] = []
    at = 0
    while at < len(words):
        name, end = words[at].strip(), at + 1
        for longer in range(len(words), end, -1):
            together = ",".join(words[at:longer]).strip()
            if _is_file(together) or _is_file(model_and_photo(together)[1]):
                name, end = together, longer
                break
        names += [name] if name else []
        at = end
    return names


def is_photo(name: str) -> bool:
    """Tell a photo from a model, by a file that is there or by the looks of a name."""
    path = user_path(name)
    if path.is_file():
        return path.suffix.lower() != _MODEL_SUFFIX
    return path.suffix.lower() in PICTURE_SUFFIXES and not model_and_photo(name)[1]


def model_and_photo(name: str) -> tuple[str, str]:
    r"""Split `MODEL:PHOTO`; the photo is empty where none is named. A colon may be a drive's (`C:\faces\me.jpg`,
    `C:\m.onnx:C:\me.jpg`) or lie in a file's name: where there is such a file, that one is meant.
    """
    places = [at for at, letter in enumerate(name) if letter == ":" and not _is_drive(name, at)]
    for at in places:
        if _is_file(name[at + 1 :]):
            return name[:at], name[at + 1 :]
    if not places or _is_file(name):
        return name, ""
    return name[: places[0]], name[places[0] + 1 :]


def _is_drive(name: str, at: int) -> bool:
    begins = at == 1 or (at > 1 and name[at - 2] == ":")
    return begins and name[at - 1].isalpha() and name[at + 1 : at + 2] in ("\\", "/")


def _is_file(name: str) -> bool:
    try:
        return bool(name.strip()) and user_path(name).is_file()
    except (OptionError, OSError):
        return False
