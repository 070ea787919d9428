"""Standard output and standard error as they are in life: full disks, readers that have gone or stand still.

`2>&1 | tee log` and Ctrl-C ends tee first; a log's disk fills up; a terminal is stopped with Ctrl-S. None of it may end
or hold up work that goes on elsewhere.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Lasting(io.FileIO):
    """A file whose writes always succeed: what cannot be written is lost, and why is kept."""

    failure: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        count = memoryview(data).nbytes
        try:
            written: int | None = super().write(data)
        except OSError as error:
            self.failure = self.failure or error
            return count
        return count if written is None else written  # None: a terminal that does not wait has no room


def lasting_text(descriptor: int) -> TextIO:
    """Return standard error on a file descriptor of its own, which it closes: writes never fail, so that Python does
    not complain at its end either (and leave with code 120).
    """
    raw = _Lasting(descriptor, "w")
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True)


def keep_stderr() -> None:
    """Let writes to standard error never fail; one that somebody has put in its place stays as it is."""
    stream = sys.stderr
    if stream is sys.__stderr__ and stream is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr = lasting_text(os.dup(stream.fileno()))


def keep_stdout() -> None:
    """Let writes to standard output never fail while a command works: `stdout_failure` tells at its end. A terminal
    stays as it is: it has always room, and on Windows it is no file.
    """
    stream = sys.stdout
    if stream is sys.__stdout__ and stream is not None and not stream.isatty():
        with contextlib.suppress(OSError, ValueError):
            raw = _Lasting(stream.fileno(), "w", closefd=False)
            sys.stdout = io.TextIOWrapper(io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors)


def stdout_failure() -> OSError | None:
    """Write what standard output still holds, and return why something could not be written."""
    with contextlib.suppress(ValueError, AttributeError):  # closed by somebody; none at all
        sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Lasting) else None


class BarStream:
    """Standard error for a progress bar: what it does not take, or not at once, is left out. Text only."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        stream = sys.stderr
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if _takes_more(stream):
                stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if _takes_more(sys.stderr):
                sys.stderr.flush()

    def isatty(self) -> bool:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            return sys.stderr.isatty()
        return False

    def fileno(self) -> int:
        """For whoever asks how wide the terminal is. Raises OSError, ValueError."""
        return sys.stderr.fileno()


def bar_stream() -> TextIO:
    """Return a `BarStream` under the type that tqdm's `file` has."""
    return cast("TextIO", BarStream())


def _takes_more(stream: TextIO) -> bool:
    """Whether a line would be taken at once. A pipe is ready where it has room for 4 kB, and no bar is as long."""
    if os.name == "nt":  # select knows sockets only
        return True
    try:
        return bool(select.select([], [stream.fileno()], [], 0)[1])
    except (OSError, ValueError):  # no descriptor (a test's, a program's around us), or one too high for select
        return True
