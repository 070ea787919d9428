"""The pack library: a folder in the user's home where packs are known by their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from realtime.core.errors import OptionError, PortraitError, nearest
from realtime.core.language import _
from realtime.core.paths import user_data_folder, user_path
from realtime.portrait.pack.archive import ARCHIVE_SUFFIXES
from realtime.portrait.pack.manifest import MANIFEST


def packs_folder() -> Path:
    """Return the folder where packs are known by their names."""
    return user_data_folder() / "portraits"


def kept_packs() -> list[Path]:
    """Return the packs in `packs_folder`, by name; what they hold is not looked at."""
    try:
        return _packs_in(packs_folder())
    except OptionError:  # a user without a home folder has kept none
        return []


def find_pack(text: str) -> Path:
    """Return the pack that a path, or the name of a kept pack, means. Raises PortraitError, naming what is near."""
    path = user_path(text)
    if path.exists():
        return path
    packs = kept_packs()
    for pack in packs:
        if text in (pack.name, pack.stem):
            return pack
    folder = path.parent
    if not folder.is_dir():
        raise PortraitError(_("no portrait {text}: there is no folder {folder}", text=text, folder=folder))
    beside = [entry.name for entry in _packs_in(folder) if entry.is_file() or (entry / MANIFEST).is_file()]
    if len(path.parts) > 1:
        raise _not_found(_("no portrait {text}", text=text), path.name, beside, _("in {folder}", folder=folder))
    names = [*beside, *(pack.stem for pack in packs)]
    raise _not_found(_("no portrait '{text}'", text=text), text, names, _("here or in {folder}", folder=packs_folder()))


def _packs_in(folder: Path) -> list[Path]:
    """Return what may be packs by their names, archives and folders; nothing where there is no such folder."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    return [entry for entry in shown if entry.is_dir() or entry.suffix.lower() in ARCHIVE_SUFFIXES]


def _not_found(what: str, word: str, names: Sequence[str], where: str) -> PortraitError:
    hint = nearest(word, names) or (
        _("; there are: {names}", names=", ".join(names[:8])) if names else _("; there is none yet")
    )
    return PortraitError(f"{what} {where}{hint}")
