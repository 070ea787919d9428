"""A font that has the letters of a text, whatever script they are of: the one that is used everywhere has Latin, Greek
and Cyrillic.
"""

from __future__ import annotations

import functools
import logging
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pygame import freetype

log = logging.getLogger(__name__)

_ASKED_WITHIN_S = 5.0
_MOST_LETTERS = 64  # of one text that are asked for
_MOST_TRIED = 8
_KNOWN = {
    "win32": (
        "msyh.ttc", "YuGothM.ttc", "malgun.ttf", "msjh.ttc", "simsun.ttc", "msgothic.ttc", "gulim.ttc", "seguisym.ttf",
        "segoeui.ttf", "tahoma.ttf", "LeelawUI.ttf", "Nirmala.ttc", "Nirmala.ttf", "ebrima.ttf", "sylfaen.ttf",
    ),
    "darwin": (
        "PingFang.ttc", "Hiragino Sans GB.ttc", "STHeiti Light.ttc", "AppleSDGothicNeo.ttc", "Arial Unicode.ttf",
        "Apple Symbols.ttf", "Thonburi.ttc", "Kohinoor.ttc", "ArialHB.ttc", "GeezaPro.ttc", "Mshtakan.ttc",
    ),
    "linux": (
        "NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf",
        "NotoSans-Regular.ttf", "DejaVuSans.ttf", "FreeSans.ttf", "unifont.otf",
    ),
}  # fmt: skip
"""Fonts that come with a system, or often do, by file name; those that have most letters first."""
_FOLDERS = {
    "win32": ("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
    "darwin": ("/System/Library/Fonts", "/System/Library/Fonts/Supplemental", "/Library/Fonts", "~/Library/Fonts"),
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
}


@functools.lru_cache(maxsize=64)
def find_font(letters: str) -> Path | None:
    """Return a font file of this system that has all of these letters; None: there is none. Any thread; asks other
    programs and reads files, some 50 ms, so not on the way of a frame.
    """
    wanted = "".join(dict.fromkeys(letters))[:_MOST_LETTERS]
    for number, path in enumerate(_candidates(wanted)):
        if number >= _MOST_TRIED:
            break
        if _has(path, wanted):
            log.debug("%s has the letters '%s'", path, wanted)
            return path
    return None


class FontSearch:
    """Finds fonts on a thread of its own, for whoever must not wait. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._found: dict[str, Path | None] = {}
        self._at_hand: list[Path] = []
        self._sought: set[str] = set()
        self._count = 0

    @property
    def count(self) -> int:
        """How many searches have come to their end: what was drawn before may be drawn better now."""
        with self._lock:
            return self._count

    def fonts_for(self, letters: str) -> Mapping[str, Path | None]:
        """Return the fonts of letters, as far as they are known: None: there is none. The others are looked for from
        now on, all in one go.
        """
        with self._lock:
            for letter in set(letters) - self._found.keys():
                path = next((path for path in self._at_hand if _has(path, letter)), None)
                if path is not None:
                    self._found[letter] = path
            known = {letter: self._found[letter] for letter in letters if letter in self._found}
            unknown = set(letters) - known.keys() - self._sought
            self._sought |= unknown
        if unknown:
            thread = threading.Thread(target=self._look, args=(sorted(unknown),), name="font-search", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no further thread now; the next text tries again
                with self._lock:
                    self._sought -= unknown
        return known

    def look_now(self, letters: str) -> bool:
        """Look for a font of these letters here and now, 50 ms; whatever else it has need not be looked for any more.
        Return whether there is one.
        """
        path = find_font(letters)
        if path is None:
            return False
        with self._lock:
            self._at_hand.append(path)
        return True

    def _look(self, letters: Sequence[str]) -> None:
        together = find_font("".join(letters))
        found = {letter: find_font(letter) if together is None else together for letter in letters}
        with self._lock:
            self._sought -= found.keys()
            self._found |= found
            self._count += 1


@functools.lru_cache(maxsize=1)
def font_search() -> FontSearch:
    """Return the search that all texts of a window share."""
    return FontSearch()


def _candidates(letters: str) -> Iterator[Path]:
    """Yield font files, those that are likeliest first."""
    yield from _fontconfig(letters)
    folders = [Path(folder).expanduser() for folder in _FOLDERS.get(sys.platform, _FOLDERS["linux"])]
    for name in _KNOWN.get(sys.platform, _KNOWN["linux"]):
        for folder in folders:
            if (folder / name).is_file():
                yield folder / name
            elif sys.platform not in _FOLDERS or sys.platform == "linux":  # in folders of their own there
                yield from folder.glob(f"*/*/{name}")
                yield from folder.glob(f"*/{name}")


def _fontconfig(letters: str) -> Iterator[Path]:
    """Yield what the desktop itself would take, then all that have the letters."""
    charset = " ".join(f"{ord(letter):x}" for letter in letters)
    for program, pattern in (("fc-match", f"sans:charset={charset}"), ("fc-list", f":charset={charset}")):
        if shutil.which(program) is None:
            continue
        try:
            told = subprocess.run(
                [program, "-f", "%{file}\n", pattern],
                capture_output=True,
                timeout=_ASKED_WITHIN_S,
                check=True,
            ).stdout
        except (OSError, subprocess.SubprocessError) as error:
            log.debug("asking %s", program, exc_info=error)
            continue
        yield from (Path(line) for line in sorted(told.decode(errors="replace").splitlines()) if line)


def _has(path: Path, letters: str) -> bool:
    """Whether a font file can be read and has all of the letters."""
    try:
        return all(metric is not None for metric in _opened(path).get_metrics(letters))
    except (OSError, RuntimeError, ValueError, UnicodeError) as error:
        log.debug("font %s", path, exc_info=error)
        return False


@functools.lru_cache(maxsize=8)
def _opened(path: Path) -> freetype.Font:
    """Open a font file, once. Raises OSError and its like for what is none."""
    from pygame import freetype  # a library of its own, which a window does not need

    freetype.init()
    return freetype.Font(str(path), 16)
