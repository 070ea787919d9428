"""Ending in order when somebody presses Ctrl-C or the system shuts down."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def ending_in_order(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on the first Ctrl-C, SIGTERM or hang-up; a second Ctrl-C interrupts at once.

    Only the main thread may handle signals: elsewhere (a test, an embedding program) this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two exist on some systems only
    wanted = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def handle(number: int, stack: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, handle) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
