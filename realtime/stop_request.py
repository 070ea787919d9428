"""The wish to end, heard from the first moment of a long job on, and not only while its loop runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from realtime.model_store import Progress

_ENDS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two exist on some systems only


class StopRequest:
    """Whether somebody has asked for the end. Main thread."""

    def __init__(self) -> None:
        self.is_made = False
        self._stop: Callable[[], None] = lambda: None

    def make(self) -> None:
        """Ask for the end."""
        self.is_made = True
        self._stop()

    def then(self, stop: Callable[[], None]) -> None:
        """Call `stop` when the end is asked for; at once, where it has been."""
        self._stop = stop
        if self.is_made:
            stop()

    def heard_in(self, progress: Progress) -> Progress:
        """Return a `progress` that raises KeyboardInterrupt on the main thread once the end has been asked for."""

        def told(what: str, share: float) -> None:
            if self.is_made and threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt
            progress(what, share)

        return told


@contextmanager
def stop_noted() -> Iterator[StopRequest]:
    """Note the first Ctrl-C, SIGTERM or hang-up inside the block; a second Ctrl-C interrupts at once.

    It is noted and not raised where it comes: libraries that are being loaded and models that are being opened must not
    be left half-way, with threads of theirs that take the process down at its end. What is ignored stays ignored
    (`nohup`). Only the main thread may handle signals: elsewhere nothing is heard.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def handle(number: int, stack: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        signal.signal(signal.SIGINT, signal.default_int_handler)
        request.make()

    numbers = [getattr(signal, name) for name in _ENDS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    wanted = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    for number in wanted:
        signal.signal(number, handle)
    try:
        yield request
    finally:
        for number in wanted:
            signal.signal(number, before[number])
