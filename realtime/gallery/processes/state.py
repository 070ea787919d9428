"""What outlasts a power cut: which item hangs where since when, what people set, and the restarts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from realtime.core.errors import UNREADABLE, OutputError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.core.paths import user_state_folder
from realtime.gallery.processes.reports import Memory, read_memory

log = logging.getLogger(__name__)

_LARGEST_BYTES = 2_000_000
_MOST_RESTARTS = 100


@dataclasses.dataclass(frozen=True, slots=True)
class ScreenState:
    """What is known of a screen."""

    memory: Memory = Memory()
    restarts_at_s: tuple[float, ...] = ()
    """When it was restarted within the last hour, Unix time."""


@dataclasses.dataclass(frozen=True, slots=True)
class GalleryState:
    """All that is known."""

    screens: dict[str, ScreenState] = dataclasses.field(default_factory=dict)
    is_asleep: bool = False
    """Whether the screens were put to sleep."""


def gallery_folder(gallery: Path) -> Path:
    """Return where the log and the state of a gallery's file lie: one folder for each. Raises OptionError where
    nobody's home is known.
    """
    number = hashlib.sha256(str(gallery.absolute()).encode("utf-8", "replace")).hexdigest()[:8]
    letters = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in gallery.stem)[:40]
    return user_state_folder() / f"{letters}-{number}"


def read_state(path: Path, fingerprint: str) -> GalleryState:
    """Return what was written, or nothing where there is none, it is damaged, or it is of another state of the
    gallery's file (then what people set is forgotten: the file is newer than their wishes). Never raises.
    """
    try:
        with path.open("rb") as file:
            content: Any = json.loads(file.read(_LARGEST_BYTES))
        screens = content["screens"]
        is_of_this_file = content["file"] == fingerprint
        found = {str(name): _screen(screen, is_of_this_file) for name, screen in list(screens.items())[:100]}
        return GalleryState(found, content.get("is_asleep") is True)
    except FileNotFoundError:
        return GalleryState()
    except (OSError, AttributeError, KeyError, TypeError, *UNREADABLE) as error:
        log.warning(_("%s is damaged and begun anew"), path)
        log.debug("reading the state", exc_info=error)
        return GalleryState()


def write_state(path: Path, state: GalleryState, fingerprint: str) -> None:
    """Write it, whole or not at all. Raises OutputError."""
    content = {"file": fingerprint, **dataclasses.asdict(state)}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            _("cannot write {path}: {reason}; choose another folder", path=path, reason=error.strerror or error)
        ) from error
    with atomic_write(path, survives_power_cut=True) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1), "utf-8")


def fingerprint_of(text: str) -> str:
    """Return what tells one state of a gallery's file from another."""
    return hashlib.sha256(text.encode()).hexdigest()


def _screen(content: Any, is_of_this_file: bool) -> ScreenState:
    memory = read_memory(content["memory"])
    if not is_of_this_file:
        memory = dataclasses.replace(memory, overrides={})
    restarts = [float(at_s) for at_s in content["restarts_at_s"][:_MOST_RESTARTS]]
    return ScreenState(memory, tuple(restarts))
