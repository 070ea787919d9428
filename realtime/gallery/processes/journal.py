"""The log of a gallery: what happened when, in little room, whatever goes wrong how often."""

from __future__ import annotations

import contextlib
import datetime
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

from realtime.core.errors import shown
from realtime.core.language import _
from realtime.gallery.programme.hours import local_time

log = logging.getLogger(__name__)

MOST_OF_ONE_EVENT = 10
"""Lines an hour of what is the same but for its figures."""
_HOUR_S = 3600.0
_LARGEST_BYTES = 240_000
_FILES = 4  # with the largest size: under a megabyte in all, however long it runs
_MOST_EVENTS = 500
_LONGEST_LINE = 500


class Journal:
    """Writes `gallery.log`, and the same to the program's own log. Main thread."""

    def __init__(
        self, path: Path, now_s: Callable[[], float] = time.time, *, zone: datetime.tzinfo | None = None
    ) -> None:
        """`zone`: whose clock its times are of; None: this computer's."""
        self._path = path
        self._zone = zone
        self._now_s = now_s
        self._events: dict[str, tuple[float, int]] = {}  # since when, and how many
        self._is_failure_told = False

    def say(self, who: str, text: str) -> None:
        """Write a line: when, who (a screen's name), what. Never raises: a full disk must not end a gallery."""
        text = shown(" ".join(text.split()), _LONGEST_LINE)
        count = self._count(f"{who}: {re.sub(r'[0-9]+', '#', text)}")
        if count > MOST_OF_ONE_EVENT:
            return
        if count == MOST_OF_ONE_EVENT:
            text += _(" (the same is not told again within this hour)")
        log.info("%s: %s", who, text)
        when = local_time(self._now_s(), self._zone).strftime("%Y-%m-%d %H:%M:%S")
        try:
            self._write(f"{when} {who}: {text}\n")
        except OSError as error:
            if not self._is_failure_told:
                log.warning(_("%s cannot be written: %s; free some room"), self._path, error.strerror or error)
            self._is_failure_told = True
        else:
            self._is_failure_told = False

    def _count(self, event: str) -> int:
        now_s = self._now_s()
        since_s, count = self._events.get(event, (now_s, 0))
        if not 0 <= now_s - since_s < _HOUR_S:
            since_s, count = now_s, 0
        if event not in self._events and len(self._events) >= _MOST_EVENTS:
            self._events.clear()
        self._events[event] = since_s, count + 1
        return count + 1

    def _write(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        data = line.encode("utf-8", "replace")
        size = self._path.stat().st_size if self._path.exists() else 0
        if size + len(data) > _LARGEST_BYTES:
            self._rotate()
        with self._path.open("ab") as file:  # opened each time: it may have been moved, or its disk been full
            file.write(data)

    def _rotate(self) -> None:
        for number in range(_FILES - 1, 0, -1):
            older = self._path if number == 1 else self._numbered(number - 1)
            with contextlib.suppress(FileNotFoundError):
                older.replace(self._numbered(number))

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
