"""Does work on files of other people in a process of its own, where it can be stopped.

A file can make a library compute for hours, take all memory or crash, and neither Python's threads nor its signals
reach into a library: Ctrl-C is only seen once it returns. A process can be ended at any moment, has bounds of its own,
and what it did not give back is gone with it. What the work returns, or the RealtimeError it raises, comes back.

Bounds: processor time between two steps of the work (`step`), by a timer of the kernel's that counts it; processor time
and wall-clock time of the whole; memory beyond what the process has to begin with. Windows knows the wall clock only,
and macOS does not bound memory. On Linux it ends with whoever asked, too.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec, TypeVar

from realtime.core.errors import ModelError, RealtimeError
from realtime.core.language import _

_P = ParamSpec("_P")
_T = TypeVar("_T")

_CHILD = "import sys; sys.path[:] = sys.argv[1:]; from realtime.core.isolated_process import serve; serve()"
_STEPS = 20
"""Times a step's time, for all of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Bounds:
    """What work may take."""

    memory_bytes: int
    """Beyond what Python and its libraries have taken to begin with."""
    step_s: float
    """Processor time, of all threads together, from one `step` to the next."""
    wall_s: float
    """From beginning to end: the last resort, for work that waits for ever."""


class _OriginError(Exception):
    """Where an error was raised in the other process, for --debug."""


class OutOfBoundsError(ModelError):
    """The work took too much, or its process crashed. The text tells which, and begins with a verb."""


def call(bounds: Bounds, work: Callable[_P, _T], *arguments: _P.args, **named: _P.kwargs) -> _T:
    """Return `work(*arguments, **named)`, done in another process within bounds.

    `work` is a function of a module, and all that goes in and out can be pickled. Ctrl-C ends it at once. Raises
    OutOfBoundsError where it goes beyond its bounds or crashes; what the work raises comes back as it is where it is a
    RealtimeError or a fault of ours, without its traceback. ModelError where there is no other process to be had, as in
    a program that Python is built into: nothing would bound somebody's file here.
    """
    if not sys.executable:
        raise ModelError(
            _("models are tried by a Python of their own, and none is known here: set sys.executable to one")
        )
    command = [sys.executable, "-I", "-c", _CHILD, *filter(None, sys.path)]
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as refusal:
        reason = refusal.strerror or refusal
        raise ModelError(
            _(
                "{executable}, by which models are tried, does not start: {reason}",
                executable=sys.executable,
                reason=reason,
            )
        ) from refusal
    try:
        answer, _unused = process.communicate(pickle.dumps((bounds, work, arguments, named)), timeout=bounds.wall_s)
    except subprocess.TimeoutExpired:
        raise OutOfBoundsError(_("does not come to an end within {wall_s:.0f} s", wall_s=bounds.wall_s)) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode != 0:
        raise OutOfBoundsError(_why_ended(process.returncode, bounds))
    try:
        result, error, trace = pickle.loads(answer)  # noqa: S301 - of our own process
    except (EOFError, pickle.UnpicklingError):
        raise OutOfBoundsError(_("makes the library that reads it end the program")) from None
    if error is not None:
        raise error from (_OriginError(trace) if trace else None)
    return result  # type: ignore[no-any-return]  # of another process, the very one that `work` returns


def step() -> None:
    """Tell that the next step of confined work begins: its processor time is counted anew. Elsewhere it does
    nothing.
    """
    if hasattr(signal, "setitimer"):
        _, step_s = signal.getitimer(signal.ITIMER_PROF)
        if step_s:
            signal.setitimer(signal.ITIMER_PROF, step_s, step_s)


def serve() -> None:
    """[the other process] Take work from standard input and write what comes of it to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the caller who hears Ctrl-C, and ends this process
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # libraries print
    bounds, work, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301 - of our own process
    _bind(bounds)
    _answer(answers, work, arguments, named)


def _answer(answers: BinaryIO, work: Callable[..., Any], arguments: Any, named: Any) -> None:
    result: Any = None
    failure: Exception | None = None
    trace = ""
    try:
        result = work(*arguments, **named)
    except MemoryError:
        failure = OutOfBoundsError(_("needs far more memory than a picture should"))
    except RealtimeError as error:
        failure, trace = error, traceback.format_exc()
        failure.__cause__ = failure.__context__ = None
    except Exception as error:
        failure, trace = RuntimeError(f"{type(error).__name__}: {error}"), traceback.format_exc()
    with answers:
        try:
            answers.write(pickle.dumps((result, failure, trace)))
        except MemoryError:
            os._exit(_NO_ROOM)


_NO_ROOM = 75
_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG: sent when the thread ends that began this process, which waits for its answer."""


def _bind(bounds: Bounds) -> None:
    """Set this process's bounds. What goes beyond them ends it, whatever a library is doing."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, bounds.step_s, bounds.step_s)
    if sys.platform != "linux":
        return
    import ctypes
    import resource

    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)  # where the caller is ended on the spot
    used_s = sum(os.times()[:2])
    _lower(resource.RLIMIT_CPU, int(used_s + _STEPS * bounds.step_s) + 1, grace=5)
    limit_memory(bounds.memory_bytes)
    _lower(resource.RLIMIT_CORE, 0)


def limit_memory(more_bytes: int) -> None:
    """Let this process take so much memory beyond what it holds; what asks for more fails. Linux only."""
    if sys.platform != "linux":
        return
    import resource

    # What it writes to, not its address space: threads reserve many times what they use.
    with contextlib.suppress(OSError, StopIteration):
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        held_bytes = 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmData:"))
        _lower(resource.RLIMIT_DATA, held_bytes + more_bytes)


def _lower(which: int, to: int, grace: int = 0) -> None:
    """`grace`: so much later comes the end that no signal tells of."""
    import resource

    _, hard = resource.getrlimit(which)
    known = hard != resource.RLIM_INFINITY
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(which, (min(to, hard) if known else to, min(to + grace, hard) if known else to + grace))


def _why_ended(code: int, bounds: Bounds) -> str:
    too_long = {-getattr(signal, name, 0) for name in ("SIGPROF", "SIGXCPU")}
    if code in too_long:
        return _("computes for over {step_s:.0f} s at one go, or never comes to an end", step_s=bounds.step_s)
    if code == _NO_ROOM or code == -getattr(signal, "SIGKILL", 9):
        return _("needs far more memory than a picture should")
    return _("makes the library that reads it crash or run out of memory (code {code})", code=code)
