"""What people type before they have read anything: a file alone, a flag of another program, `help`."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from realtime.core.errors import UNREADABLE
from realtime.core.language import _

log = logging.getLogger("realtime")

_FULLSCREEN = ("--output", "fullscreen")
_LARGEST_TOML = 1_000_000


def meant(words: Sequence[str], commands: Collection[str]) -> list[str]:
    """Return the words as this program has them. Words that are right stay as they are."""
    words = list(words)
    if words and words[0] == "help":
        return [*words[1:2], "--help"]
    if words in (["-v"], ["-V"], ["version"]):
        return ["--version"]
    if len(words) > 1 and words[1] == "help" and words[0] in commands:
        return [words[0], "--help"]
    if words and words[0] not in commands and not words[0].startswith("-"):
        words = _for_file(words)
    return _flags(words)


def _for_file(words: list[str]) -> list[str]:
    """Return the command for a file or folder that stands in a command's place."""
    try:
        path = Path(words[0]).expanduser()
        if path.is_dir():
            return ["run", "--source", *words]
        if not path.is_file():
            return words
    except (OSError, RuntimeError, ValueError):
        return words
    return _FILES.get(path.suffix.lower(), _picture_or_film)(path, words)


def _toml(path: Path, words: list[str]) -> list[str]:
    try:
        content = tomllib.loads(path.read_bytes()[:_LARGEST_TOML].decode("utf-8-sig"))
    except (OSError, *UNREADABLE):
        return ["run", "--preset", *words]  # which says what is wrong with it
    if {"item", "screen", "gallery"} & content.keys():
        return ["gallery", *words]
    return ["run", "--scene" if "scene" in content else "--preset", *words]


def _portrait(path: Path, words: list[str]) -> list[str]:  # noqa: ARG001 - as the others
    return ["run", "--effect", f"portrait:{words[0]}", *words[1:]]


def _face(path: Path, words: list[str]) -> list[str]:  # noqa: ARG001 - as the others
    return ["run", "--effect", f"swap:{words[0]}", *words[1:]]


def _model(path: Path, words: list[str]) -> list[str]:  # noqa: ARG001 - as the others
    return ["models", "add", *words]


def _picture_or_film(path: Path, words: list[str]) -> list[str]:
    from realtime.cameras import kind_of
    from realtime.core.errors import CameraError

    try:
        kind = kind_of(str(path))
    except CameraError:
        return words
    if kind == "still":
        log.info(
            _(
                "the face in %s is worn. A portrait of it: realtime run --effect portrait:%s; "
                "as what comes in: realtime run --source %s"
            ),
            *[words[0]] * 3,
        )
        return ["run", "--effect", f"swap:{words[0]}", *words[1:]]
    return ["run", "--source", *words]


_FILES: dict[str, Callable[[Path, list[str]], list[str]]] = {
    ".toml": _toml,
    ".portrait": _portrait,
    ".face": _face,
    ".onnx": _model,
}


def _flags(words: list[str]) -> list[str]:
    """Return the words with flags of other programs as this one has them, where a picture is shown."""
    command = next((word for word in words[:1] if not word.startswith("-")), "run")
    if command != "run":
        return words
    out: list[str] = []
    for word in words:
        flag, equals, value = word.partition("=")
        if flag == "--fullscreen" and not equals:
            out += _FULLSCREEN
        elif flag == "--camera":
            out.append(f"--source{equals}{value}")
        elif word in ("-v", "--verbose"):
            out.append("--debug")
        else:
            out.append(word)
    return out
