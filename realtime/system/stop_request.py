"""The wish to end, heard from the first moment of a long job on, and not only while its loop runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from realtime.core.progress import Progress
from realtime.system.signals import graceful_shutdown, leave_interrupted

_PATIENCE_S = 2.0


class StopRequest:
    """Whether somebody has asked for the end. Main thread."""

    def __init__(self) -> None:
        self.is_made = False
        self.is_heeded = False
        """Whether the work is somewhere where it ends by itself once it is asked to."""
        self._stop: Callable[[], None] = lambda: None

    def make(self) -> None:
        """Ask for the end."""
        self.is_made = True
        self._stop()

    def then(self, stop: Callable[[], None]) -> None:
        """Call `stop` when the end is asked for; at once, where it has been."""
        self._stop, self.is_heeded = stop, True
        if self.is_made:
            stop()

    def heard_in(self, progress: Progress) -> Progress:
        """Return a `progress` that raises KeyboardInterrupt on the main thread once the end has been asked for."""

        def told(what: str, share: float) -> None:
            if self.is_made and threading.current_thread() is threading.main_thread():
                self.is_heeded = True
                raise KeyboardInterrupt
            progress(what, share)

        return told


@contextmanager
def stop_noted() -> Iterator[StopRequest]:
    """Note the first Ctrl-C, SIGTERM or hang-up inside the block; otherwise as `graceful_shutdown`.

    It is noted and not raised where it comes: libraries that are being loaded and models that are being opened must not
    be left half-way, with threads of theirs that take the process down at its end. Where they hang, or take longer than
    anybody waits who has pressed Ctrl-C, the process is ended: there is no work yet that could be lost.
    """
    request = StopRequest()
    with graceful_shutdown(
        request.make,
        unheard=leave_interrupted,
        heard_within_s=_PATIENCE_S,
        is_heeded=lambda: request.is_heeded,
    ):
        yield request
