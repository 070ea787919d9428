"""Paths in a preset: they count from the preset's own folder, wherever the program is started from.

A gallery's autostart runs in some folder of the system's; the painting lies beside the preset.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from realtime import outputs
from realtime.core.errors import OptionError
from realtime.core.paths import user_path
from realtime.core.specs import EffectSpec
from realtime.sound.spec import SoundSpec


def from_folder(name: str, value: Any, folder: Path) -> Any:
    """Return an option's checked value with what is a relative path in it taken from `folder`."""
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, SoundSpec):
        return value.beside(folder)
    if name == "source":
        return source_from(value, folder)
    if name == "scene" and value.endswith(".toml"):
        return str(folder / user_path(value))
    if name == "output":
        return tuple(_output(spec, folder) for spec in value)
    if name == "effect":
        return tuple(EffectSpec.parse(spec).beside(folder).text for spec in value)
    return value


def source_from(text: str, folder: Path) -> str:
    """Return a source: what is no demo, number or network address, and is a file there or has the looks of one."""
    if text == "demo" or text.isdecimal() or "://" in text:
        return text
    path = _path_from(text, folder)
    return str(path) if path is not None and (path.exists() or _looks_like_a_path(text)) else text


def setting_from(text: str, folder: Path) -> str:
    """Return an effect's setting: a path only where it looks like one and there is such a file.

    What a setting means is the effect's own business, which nobody has asked yet.
    """
    path = _path_from(text, folder) if _looks_like_a_path(text) else None
    return str(path) if path is not None and path.exists() else text


def _output(spec: str, folder: Path) -> str:
    kind, path = outputs.split_spec(spec)
    if kind not in ("file", "gif", "picture", "folder"):
        return spec
    return f"{folder / user_path(path)}{'/' if kind == 'folder' else ''}"


def _path_from(text: str, folder: Path) -> Path | None:
    """None: it can be no path, whatever else it means."""
    try:
        return folder / user_path(text)
    except OptionError:
        return None


def _looks_like_a_path(text: str) -> bool:
    return bool(Path(text).suffix) or "/" in text or "\\" in text
