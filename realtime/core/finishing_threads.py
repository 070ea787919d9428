"""Finishes files on threads that the program's end waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable


class FinishingThread(threading.Thread):
    """Finishes one file, however long that takes: what was recorded for hours is not lost for its last second.

    `signals.leave` waits for it, or until somebody presses Ctrl-C.
    """

    def __init__(self, work: Callable[[], None], file_name: str) -> None:
        super().__init__(target=work, name=f"finishing {file_name}", daemon=False)


def unfinished() -> list[FinishingThread]:
    """Return those that are still at it."""
    return [thread for thread in threading.enumerate() if isinstance(thread, FinishingThread)]
