"""An effect as it is asked for, `NAME:ARGUMENT`, read once: which files it names, and how it is shown.

The argument is names joined by commas, `swap:her.jpg,him.jpg`; each may be a file, a name from a library, or two of
them joined by a colon, `MODEL:PHOTO`, `STYLE:0.7`, or files of one face, `A.jpg+B.jpg`. File names may hold commas,
colons and pluses: where there is such a file, that one is meant.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

from realtime.core.errors import OptionError
from realtime.core.paths import user_path

_DRIVE = r"(?:(?<![^,:+])[A-Za-z]:(?=[\\/]))?"
_PLUS = r"(?<=\.\w{3})\+|(?<=\.\w{4})\+"
"""Behind what ends as a file's name does: there another one begins."""
_FOLDERS = re.compile(rf"{_DRIVE}(?:(?!{_PLUS})[^,:])*[\\/](?=[^,:\\/])")
"""Of each file that a spec names, with a drive's letter where it has one; a folder that is named keeps its name."""


@dataclasses.dataclass(frozen=True, slots=True)
class EffectSpec:
    """What was asked for. Two are the same where their texts are."""

    text: str
    """As it was written: `swap:MODEL:PHOTO.jpg`."""
    name: str = dataclasses.field(compare=False)
    """The effect's: `swap`."""
    argument: str = dataclasses.field(compare=False)
    """What follows its first colon, or empty."""

    @classmethod
    def parse(cls, text: str) -> EffectSpec:
        """Split name and argument. Whether there is such an effect is not asked here."""
        name, _, argument = text.partition(":")
        return cls(text, name.strip(), argument.strip())

    @property
    def title(self) -> str:
        r"""As people read it: of `swap:C:\\faces\\anna.jpg,ben.jpg` remains `swap:anna.jpg,ben.jpg`."""
        return without_folders(self.text)

    @property
    def public_name(self) -> str:
        """As others may read it, in files that are passed on: without folders, and printable whatever the name is."""
        bare = without_folders(re.sub(r"\s*([,:])\s*", r"\1", self.text.strip()))
        printable = bare.encode(errors="replace").decode()
        return "".join(letter if letter.isprintable() else "?" for letter in printable)  # a name may be no text

    @property
    def names(self) -> list[str]:
        """What commas part in the argument."""
        return names_in(self.argument)

    def beside(self, folder: Path) -> EffectSpec:
        """Return the same with each file that lies in a folder named in full; what does not lie there stays as it is,
        a name of a library for example.
        """
        if not self.argument:
            return self

        def is_beside(name: str) -> bool:
            return _is_beside(name, folder)

        names = [_beside(name, folder) for name in split_names(self.argument, is_beside)]
        return EffectSpec.parse(f"{self.name}:{','.join(names) or self.argument}")


def without_folders(spec: str) -> str:
    r"""Return a part's spec as it is shown to people: `swap:C:\faces\anna.jpg,ben.jpg` as `swap:anna.jpg,ben.jpg`."""
    return _FOLDERS.sub("", spec)


def split_names(argument: str, is_file: Callable[[str], bool]) -> list[str]:
    """Split an effect's argument `A,B,C` into names. Where a file's name has a comma in it, that file is meant."""
    words = argument.split(",")
    names: list[str] = []
    at = 0
    while at < len(words):
        name, end = words[at].strip(), at + 1
        for longer in range(len(words), end, -1):
            together = ",".join(words[at:longer]).strip()
            if is_file(together) or _is_model_with_file(together, is_file) or _are_files(together, is_file):
                name, end = together, longer
                break
        names += [name] if name else []
        at = end
    return names


def split_model(name: str, is_file: Callable[[str], bool]) -> tuple[str, str]:
    r"""Split `MODEL:REST`; the rest, a photo or a number, is empty where none is named. A colon may be a drive's
    (`C:\faces\me.jpg`, `C:\m.onnx:C:\me.jpg`) or lie in a file's name: where there is such a file, that one is meant.
    """
    places = [at for at, letter in enumerate(name) if letter == ":" and not _is_drive(name, at)]
    for at in places:
        if is_file(name[at + 1 :]):
            return name[:at], name[at + 1 :]
    if not places or is_file(name):
        return name, ""
    return name[: places[0]], name[places[0] + 1 :]


def split_files(name: str, is_there: Callable[[str], bool]) -> list[str]:
    """Split `A.jpg+B.jpg` into names of files and folders. A name that is one itself stays whole, and so does one in
    which none of them is there.
    """
    if "+" not in name or is_there(name):
        return [name]
    words = name.split("+")
    names: list[str] = []
    at = 0
    while at < len(words):
        fitting = (end for end in range(len(words), at, -1) if is_there("+".join(words[at:end])))
        end = next(fitting, at + 1)
        names.append("+".join(words[at:end]).strip())
        at = end
    names = [each for each in names if each]
    return names if any(map(is_there, names)) else [name]


def _are_files(together: str, is_file: Callable[[str], bool]) -> bool:
    names = split_files(together, is_file)
    return len(names) > 1 and all(map(is_file, names))


def _is_model_with_file(name: str, is_file: Callable[[str], bool]) -> bool:
    """Tell `m.onnx:a,b.jpg` from `m.onnx:a.jpg,m.onnx:b.jpg`: a comma before the colon is a model's only where that
    is a file.
    """
    model, rest = split_model(name, is_file)
    return is_file(rest) and ("," not in model or is_file(model))


def _is_drive(name: str, at: int) -> bool:
    begins = at == 1 or (at > 1 and name[at - 2] == ":")
    return begins and name[at - 1].isalpha() and name[at + 1 : at + 2] in ("\\", "/")


def names_in(argument: str) -> list[str]:
    """Split `A,B,C` into names, by the files that are there."""
    return split_names(argument, is_file)


def model_and_rest(name: str) -> tuple[str, str]:
    """Split `MODEL:REST`, by the files that are there; the rest is empty where none is named."""
    return split_model(name, is_file)


def joined_files(name: str) -> list[str]:
    """Split `A.jpg+B.jpg`, by the files and folders that are there; one name where it is no such list."""
    return split_files(name, _is_there)


def _is_there(name: str) -> bool:
    try:
        return bool(name.strip()) and user_path(name.strip()).exists()
    except (OptionError, OSError):
        return False


def is_file(name: str) -> bool:
    """Whether a text is the name of a file that is there."""
    try:
        return bool(name.strip()) and user_path(name).is_file()
    except (OptionError, OSError):
        return False


def _beside(name: str, folder: Path) -> str:
    """Return a name in full where it lies in the folder, or each of those that colons join."""

    def is_beside(text: str) -> bool:
        return _is_beside(text, folder)

    files = split_files(name, is_beside)
    if len(files) > 1:
        return "+".join(_path_beside(file, folder) for file in files)
    first, rest = split_model(name, is_beside)
    if not rest:
        return _path_beside(name, folder)
    found = _path_beside(rest, folder)
    return f"{_path_beside(first, folder)}:{_beside(rest, folder) if found == rest else found}"


def _path_beside(name: str, folder: Path) -> str:
    return str(folder / user_path(name.strip())) if _is_beside(name, folder) else name


def _is_beside(name: str, folder: Path) -> bool:
    try:
        return bool(name.strip()) and (folder / user_path(name.strip())).exists()
    except (OptionError, OSError):
        return False
