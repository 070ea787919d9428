"""A process of our own beside the run, which answers questions one after the other; after `step_back`, with what the
machine can spare.

A thread would share Python's lock with the one that makes the pictures: where it has a low priority, and holds the lock
while it waits for a processor, the picture is late. A process can also be ended at any moment, and what it loaded is
gone with it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any, BinaryIO

from realtime.core.errors import RealtimeError, in_one_line
from realtime.core.language import _

_CHILD = "import sys; sys.path[:] = sys.argv[1:]; from realtime.core.helper_process import serve; serve()"
_LENGTH = struct.Struct("<Q")
_MOST_BYTES = 1 << 28
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG
_ENDED_WITHIN_S = 1.0
_NICE = 19

Progress = Callable[[str, float], None]


class HelperGoneError(RealtimeError):
    """The process has ended, or cannot be begun."""


class HelperProcess:
    """`ask`: one thread, the one that made it, which must outlive it; `close`: any."""

    def __init__(self, make: Callable[..., object], *arguments: object) -> None:
        """`make(*arguments)` is called in the process and returns the object that is asked; a function of a module,
        and what can be pickled. Raises HelperGoneError where no process can be begun.
        """
        if not sys.executable:
            raise HelperGoneError(_("no Python is known that a helper could run in"))
        command = [sys.executable, "-I", "-c", _CHILD, *filter(None, sys.path)]
        # One thread each: libraries begin as many as there are processors, and all of them want to run.
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                creationflags=flags,
            )
        except OSError as error:
            raise HelperGoneError(_("no helper can be begun: {reason}", reason=error.strerror or error)) from error
        self._lock = threading.Lock()
        self._is_closed = False
        self._send((make, arguments))

    def ask(self, method: str, *arguments: object, progress: Progress = lambda what, share: None) -> Any:
        """Return what a method of the object returns, which may be told of on its way: an argument `progress` is given
        to it. Raises what it raised, where that is a RealtimeError, else a RealtimeError that says what it was; and
        HelperGoneError.
        """
        self._send((method, arguments))
        while True:
            kind, content = self._receive()
            if kind == "progress":
                progress(*content)
            elif kind == "failed":
                raise content
            else:
                return content

    def close(self) -> None:
        """End it. Whoever waits for an answer gets HelperGoneError. Never raises."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_ENDED_WITHIN_S)
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if pipe is not None:
                    pipe.close()

    def _send(self, message: object) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        try:
            _write(self._process.stdin, message)
        except (OSError, ValueError) as error:
            raise HelperGoneError(_("the helper has ended")) from error

    def _receive(self) -> tuple[str, Any]:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        try:
            message = _read(self._process.stdout)
        except (OSError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise HelperGoneError(_("the helper has ended")) from error
        kind, content = message
        return str(kind), content


def serve() -> None:
    """[the other process] Make the object, and answer what is asked of it until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the run that hears Ctrl-C, and ends this process
    questions, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # libraries print
    _end_with_parent()
    with contextlib.suppress(EOFError, OSError):
        make, arguments = _read(questions)
        helper = make(*arguments)
        while True:
            method, arguments = _read(questions)
            _write(answers, _answer(helper, method, arguments, answers))


def _answer(helper: object, method: str, arguments: tuple[object, ...], answers: BinaryIO) -> tuple[str, object]:
    def progress(what: str, share: float) -> None:
        _write(answers, ("progress", (what, share)))

    try:
        return "answer", getattr(helper, method)(*arguments, progress=progress)
    except RealtimeError as error:
        error.__cause__ = error.__context__ = error.__traceback__ = None
        return "failed", error
    except Exception as error:  # whatever a model or a library does: the next question may be answered
        return "failed", RealtimeError(f"{type(error).__name__}: {in_one_line(error)}")


def step_back() -> None:
    """[the other process] Take only what others leave from now on. (On Windows it does so from the beginning.)"""
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(_NICE)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _write(pipe: IO[bytes], message: object) -> None:
    data = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _read(pipe: Any) -> Any:
    head = _read_all(pipe, _LENGTH.size)
    (length,) = _LENGTH.unpack(head)
    if length > _MOST_BYTES:
        raise ValueError
    return pickle.loads(_read_all(pipe, length))  # noqa: S301 - between two processes of ours


def _read_all(pipe: Any, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = pipe.read(count - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
