"""Errors a user can meet. The message is the whole line they read: what is wrong, and what to do next."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable


class RealtimeError(Exception):
    """Base of all errors that are shown as one line, without a traceback, with exit code 2."""


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


UNREADABLE = (ValueError, OverflowError, RecursionError)
"""What readers of numbers, TOML, JSON and other texts raise for a text that somebody wrote, beside their own errors,
which are ValueErrors: numbers of over 4300 digits, and brackets nested a thousand deep.
"""


def why_unreadable(error: BaseException) -> str:
    """Return in a few words what such a reader says."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    words = " ".join(str(error).split(" Use sys.set_int_max_str_digits")[0].split())
    return words.rstrip(";. ") or type(error).__name__


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'x'?)` for the known word closest to `word`, or an empty string."""
    match = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean '{match[0]}'?)" if match else ""


class OnceLogger:
    """Logs a failure that may come back every frame: in full the first time, then only its count.

    Used by one thread. A different message counts as a new failure.
    """

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._counts: dict[str, int] = {}

    def failure(self, what: str, error: BaseException) -> None:
        """Log `what: error`; after the first time only at counts 10, 100, 1000 …, so that a log stays small."""
        key = f"{what}: {type(error).__name__}: {error}"
        count = self._counts.get(key, 0) + 1
        if len(self._counts) < 100:  # a message with a changing number in it must not fill the memory
            self._counts[key] = count
        if count == 1:
            self._logger.warning("%s: %s", what, error or type(error).__name__)
            self._logger.debug("the failure above", exc_info=error)
        elif count >= 10 and str(count).strip("0") == "1":
            self._logger.warning("%s: the same failure for the %dth time", what, count)
