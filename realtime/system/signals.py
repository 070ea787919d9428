"""Ending in order when somebody presses Ctrl-C or the system shuts down, and at last."""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from realtime.core.finishing_threads import unfinished
from realtime.core.language import _
from realtime.system.console import told_all

log = logging.getLogger(__name__)

INTERRUPTED = 130
"""The exit code where somebody ended the program before it had anything to finish."""

_HEARD_WITHIN_S = 0.5
_INSISTED_FOR_S = 1.0
_OTHERS_END_WITHIN_S = 1.0
_LOOK_S = 0.1


class Interruption:
    """Raises KeyboardInterrupt, which is what a signal does where nothing needs an end in order, and keeps it in mind:
    a library that is just being loaded may turn it into an error of its own.
    """

    is_asked = False

    def __call__(self) -> None:
        self.is_asked = True
        raise KeyboardInterrupt


@contextmanager
def graceful_shutdown(
    stop: Callable[[], None],
    *,
    unheard: Callable[[], None] | None = None,
    heard_within_s: float = _HEARD_WITHIN_S,
    is_heeded: Callable[[], bool] = lambda: True,
    insists: bool = False,
) -> Iterator[None]:
    """Call `stop` on the first Ctrl-C, SIGTERM or hang-up; a second Ctrl-C interrupts at once. `stop` must take no
    lock: the main thread, in the middle of whose work it is called, may hold it (as it does in `Event.wait`).

    What was ignored when the program began stays ignored: `nohup` asks for that, and a shell for what it starts in the
    background. Python hears a signal only between two instructions of the main thread: where that stands still in a
    native call, `unheard` is called on another thread after `heard_within_s`. So it is where `stop` only takes note of
    the wish and nobody has heeded it by then. `insists`: the block is to be over by then. Where it is not, Ctrl-C is
    pressed once more, because a library may have swallowed what `stop` raised while it was loaded (some make an
    ImportError of it, and are done without), and a second later `unheard` is called.

    Only the main thread may handle signals: elsewhere (a test, an embedding program) this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for number in _known() if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    heard = _Heard()

    def handle(number: int, stack: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        heard.by_main_thread = True
        if signal.SIGINT in numbers:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    before = {number: signal.signal(number, handle) for number in numbers}
    listener = (
        _Listener(numbers, handle, lambda: heard.by_main_thread and is_heeded(), unheard, heard_within_s, insists)
        if unheard is not None
        else None
    )
    try:
        yield
    finally:
        if listener is not None:
            listener.close()
        for number, handler in before.items():
            signal.signal(number, handler)


def _known() -> list[signal.Signals]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last two exist on some systems only
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


class _Heard:
    """Whether a signal's handler has run. No Event: a handler must take no lock."""

    by_main_thread = False


class _Listener:
    """Hears signals on a thread of its own. Made and closed on the main thread."""

    def __init__(
        self,
        numbers: Sequence[int],
        handler: Callable[[int, FrameType | None], None],
        is_heard: Callable[[], bool],
        unheard: Callable[[], None],
        within_s: float,
        insists: bool,
    ) -> None:
        self._numbers, self._handler = frozenset(numbers), handler
        self._is_heard, self._unheard, self._within_s = is_heard, unheard, within_s
        self._insists = insists
        self._is_over = threading.Event()
        self._receiving, self._sending = socket.socketpair()
        self._sending.setblocking(False)
        self._before = signal.set_wakeup_fd(self._sending.fileno(), warn_on_full_buffer=False)
        thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        with contextlib.suppress(RuntimeError):  # no thread can be started: only a native call is not interrupted then
            thread.start()
        self._thread = thread

    def close(self) -> None:
        """Hear nothing more."""
        signal.set_wakeup_fd(self._before, warn_on_full_buffer=False)
        self._is_over.set()
        with contextlib.suppress(OSError):
            self._receiving.shutdown(socket.SHUT_RDWR)
        if self._thread.ident is not None:
            self._thread.join(timeout=1.0)
        self._receiving.close()
        self._sending.close()

    def _listen(self) -> None:
        """[its thread] Each signal's number comes as a byte."""
        with contextlib.suppress(OSError):
            while numbers := self._receiving.recv(64):
                asked = self._numbers.intersection(numbers)
                # Whoever has put another handler in our place sees to it that the end comes. Ours puts Python's there.
                ours = (self._handler, signal.default_int_handler)
                if not any(signal.getsignal(number) in ours for number in asked):
                    continue
                if self._is_over.wait(self._within_s):
                    return
                if not self._is_heard():
                    self._unheard()
                    return
                if self._insists:
                    _press_ctrl_c()
                    if not self._is_over.wait(_INSISTED_FOR_S):
                        self._unheard()
                    return


def _press_ctrl_c() -> None:
    if hasattr(signal, "pthread_kill"):  # a real one also ends what the main thread waits for
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def leave(code: int) -> int:
    """Return the program's exit code for `sys.exit`, or end the process with it here and now, where threads are left
    that a library may hold: torn down under them, it takes the process with it (SIGABRT, after everything was done).
    """
    for number in _known():  # the work is done: nobody need end it any more, and the code is to tell how it went
        signal.signal(number, signal.SIG_IGN)
    _wait_for_files()
    give_up_at_s = time.monotonic() + _OTHERS_END_WITHIN_S
    for thread in _others():
        if not thread.daemon:
            thread.join(timeout=max(0.0, give_up_at_s - time.monotonic()))
    if not told_all() or not _flushed() or _others():
        leave_now(code)
    return code


def _wait_for_files() -> None:
    """Wait for files that are being finished, until Ctrl-C is pressed. An earlier one has ended the run: it is the
    second then.
    """
    give_up_at_s = time.monotonic() + _OTHERS_END_WITHIN_S
    for thread in unfinished():
        thread.join(timeout=max(0.0, give_up_at_s - time.monotonic()))
    rest = unfinished()
    if not rest:
        return
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        log.warning(_("%s; Ctrl-C ends it at once"), ", ".join(thread.name for thread in rest))
        for thread in rest:
            while thread.is_alive():  # Windows hears Ctrl-C only between two waits
                thread.join(timeout=_LOOK_S)
    except KeyboardInterrupt:
        leave_interrupted()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def leave_now(code: int) -> NoReturn:
    """End the process, whatever its threads are at."""
    told_all()
    os._exit(code)


def leave_interrupted() -> NoReturn:
    """End the process because somebody wishes so and it does not hear."""
    log.error("interrupted")
    leave_now(INTERRUPTED)


def _others() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread is not threading.current_thread()]


def _flushed() -> bool:
    """Whether what was said has gone out. Where it cannot (the terminal is gone, the disk full), Python would try
    again at its end and exit with 120.
    """
    done = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            done = False
    return done
