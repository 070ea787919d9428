"""Learning a map: a parameter is changed, then a knob moved, and that knob has it. `--midi-learn FILE` keeps it."""

from __future__ import annotations

import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import tomli_w

from realtime.core.errors import UNREADABLE, OptionError, why_unreadable
from realtime.core.files import atomic_write, check_folder
from realtime.core.language import _
from realtime.remote.midi.map import Binding, Control, parse_table, table_of
from realtime.remote.midi.values import halves_of

_MOVED = 0.05
"""What counts as moving a knob: one that only trembles is not meant."""
_WITHIN_S = 10.0
"""Between the parameter and the knob: what is touched an hour later is not meant for it."""


class Learner:
    """Knows which parameter was changed last, and sees which knob is moved then."""

    def __init__(self, path: Path, now_s: Callable[[], float] = time.monotonic) -> None:
        """`path`: where the map is kept. Raises OptionError where it cannot be."""
        self._path, self._now_s = path, now_s
        self.bindings = _read(path)
        """What was learned before."""
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._parameter = ""
        self._until_s = 0.0
        self._changes = 0
        # Of one thread, which learns:
        self._seen_changes = 0
        self._last: dict[Control, float] = {}
        self._from: dict[Control, float] = {}
        self._pairs: set[Control] = set()

    def changed(self, path: str) -> None:
        """[any] Somebody has changed this parameter, other than by a control."""
        with self._lock:
            self._changes += path != self._parameter or self._now_s() >= self._until_s
            self._parameter, self._until_s = path, self._now_s() + _WITHIN_S

    def moved(self, positions: Mapping[Control, float]) -> tuple[Control, str] | None:
        """Take in where controllers and wheels stand, those that moved at once; return the one meant, and for what."""
        self._begin_anew()
        self._find_pairs(positions)
        self._last.update(positions)
        moved = [one for one, now in positions.items() if abs(now - self._from.setdefault(one, now)) >= _MOVED]
        for control in moved:
            wide = Control("cc14", control.channel, control.number % 32)
            if wide not in self._pairs or control not in halves_of(wide):
                return self.pressed(control)
            if control == halves_of(wide)[0]:
                return self.pressed(wide)
        return None

    def pressed(self, control: Control) -> tuple[Control, str] | None:
        """As `moved`, of a key."""
        with self._lock:
            path, self._parameter = self._parameter, ""
            return (control, path) if path and self._now_s() < self._until_s else None

    def save(self, device: str, bindings: Mapping[Control, Binding]) -> None:
        """Write the whole map, as a preset. Raises OutputError."""
        with atomic_write(self._path) as unfinished:
            unfinished.write_text(tomli_w.dumps({"midi": table_of(device, bindings)}), encoding="utf-8")

    def _begin_anew(self) -> None:
        """A knob counts as moved from where it stood when the parameter was changed."""
        with self._lock:
            changes = self._changes
        if changes != self._seen_changes:
            self._seen_changes = changes
            self._from = dict(self._last)

    def _find_pairs(self, positions: Mapping[Control, float]) -> None:
        for control in positions:
            wide = Control("cc14", control.channel, control.number)
            if control == halves_of(wide)[0] and control.number < 32 and halves_of(wide)[1] in positions:
                self._pairs.add(wide)


def _read(path: Path) -> dict[Control, Binding]:
    """Return a file's map, nothing where there is no file yet. Raises OptionError for one that holds more: it would be
    lost.
    """
    check_folder(path.absolute().parent)
    if not path.exists():
        return {}
    where = f"--midi-learn {path}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(
            _("{where} cannot be read: {reason}; choose another file", where=where, reason=error.strerror or error)
        ) from error
    except UNREADABLE as error:
        raise OptionError(
            _("{where} cannot be read: {reason}; choose another file", where=where, reason=why_unreadable(error))
        ) from error
    table = content.pop("midi", {})
    if content or not isinstance(table, dict):
        raise OptionError(
            _("{where}: the file holds more than a table [midi] and would lose it; choose another file", where=where)
        )
    try:
        return dict(parse_table(table)[1])
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from None
