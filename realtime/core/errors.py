"""Errors a user can meet. The message is the whole line they read: what is wrong, and what to do next."""

from __future__ import annotations

import difflib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from realtime.core.language import _


def shown(text: str, most: int | None = None) -> str:
    """Return a text out of a file, a name or a library as it may be shown: nothing that moves a terminal's cursor,
    breaks the line or turns its direction, and no more than `most` letters.
    """
    text = text[:most]
    if text.isprintable():  # for half a megabyte of numbers the rest would take 40 ms
        return text
    letters = (c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return "".join(letters)


_LONGEST_MESSAGE = 4000
"""Letters: a name in a file may have millions."""


class RealtimeError(Exception):
    """Base of all errors that are shown as one line, without a traceback.

    Its text may quote names out of files, so that it is fit to be shown whoever shows it: log, table or picture.
    """

    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return shown(super().__str__(), _LONGEST_MESSAGE)


class OptionError(RealtimeError):
    """A choice on the command line, in a preset or in an effect's settings that cannot be."""


class CameraError(RealtimeError):
    """A source that cannot be opened, or that stopped for good."""


class ModelError(RealtimeError):
    """A model file that is missing, damaged or of the wrong kind."""


class PortraitError(RealtimeError):
    """A portrait pack or a picture for one that cannot be used."""


class EffectError(RealtimeError):
    """An effect that cannot be opened."""


class OutputError(RealtimeError):
    """A window, device or file that cannot be opened or written."""


class SoundError(RealtimeError):
    """A microphone, a loudspeaker or a file of sound that cannot be opened."""


class HangError(RealtimeError):
    """A part that has not answered for so long that it never will. Started anew, the program may go on: a service
    manager does so on this code (EX_TEMPFAIL of BSD's sysexits).
    """

    exit_code = 75


FAULTS = (Exception, SystemExit)
"""What anybody's code may raise where it is called: a part that calls `sys.exit` must not end the program."""

UNREADABLE = (ValueError, OverflowError, RecursionError)
"""What readers of numbers, TOML, JSON and other texts raise for a text that somebody wrote, beside their own errors,
which are ValueErrors: numbers of over 4300 digits, and brackets nested a thousand deep.
"""

_LONGEST_LINE = 300


def why_unreadable(error: BaseException) -> str:
    """Return in a few words what such a reader says."""
    if isinstance(error, RecursionError):
        return _("it is nested too deep")
    words = " ".join(str(error).split())
    return _("a number has too many digits") if "sys.set_int_max_str_digits" in words else words or type(error).__name__


def nearest(word: str, known: Iterable[str], *, least: float = 0.5) -> str:
    """Return ` (did you mean 'x'?)` for the known word closest to `word`, or an empty string. `least`: how much they
    must have in common, 0..1.
    """
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=least)
    return _(" (did you mean '{match}'?)", match=match[0]) if match else ""


def in_one_line(error: BaseException) -> str:
    """Return an error's first line with words in it, shortened; OpenCV's, for one, tell six. Never raises: the error
    may be anybody's.
    """
    try:
        text = str(error)
    except Exception:  # its own `__str__` fails
        text = ""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "") or type(error).__name__
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"


def first_clause(error: BaseException) -> str:
    """Return what is wrong of what a message says, without what to do about it: in every language that stands behind
    a semicolon.
    """
    return re.split("[;；]", str(error), maxsplit=1)[0]


class OnceLogger:
    """Logs a failure that may come back every frame: in full the first time, then now and then its count.

    Any thread. Failures are told apart by what fails and by the error's class, not by its words, which may
    hold a time or an address and be new every time.
    """

    AGAIN_AFTER_S = 60.0

    def __init__(self, logger: logging.Logger, now_s: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._now_s = now_s
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._counts: dict[tuple[str, type[BaseException]], int] = {}
        self._told_at_s: dict[tuple[str, type[BaseException]], float] = {}

    def failure(self, what: str, error: BaseException) -> None:
        """Log `what: error`; after the first time only at counts 10, 100, 1000 …, and at most once a minute."""
        count = self._count_to_tell((what, type(error)))
        if count == 1:
            self._logger.warning("%s: %s", what, in_one_line(error))
            self._logger.debug("the failure above", exc_info=error)
        elif count:
            self._logger.warning(_("%s: the same failure for the %dth time"), what, count)

    def _count_to_tell(self, key: tuple[str, type[BaseException]]) -> int:
        """Count a failure; return its count where that is to be logged, otherwise 0."""
        with self._lock:
            count = self._counts.get(key, 0) + 1
            if key not in self._counts and len(self._counts) >= 100:  # classes made on the way must not fill the memory
                return 0
            self._counts[key] = count
            if count > 1 and not (count >= 10 and str(count).strip("0") == "1" and self._is_due(key)):
                return 0
            self._told_at_s[key] = self._now_s()
            return count

    def _is_due(self, key: tuple[str, type[BaseException]]) -> bool:
        return self._now_s() - self._told_at_s[key] >= self.AGAIN_AFTER_S
