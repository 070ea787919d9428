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
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Lasting(io.FileIO):
    """A file whose writes always succeed: what cannot be written is lost."""

    def write(self, data: ReadableBuffer, /) -> int:
        count = memoryview(data).nbytes
        with contextlib.suppress(OSError):
            written: int | None = super().write(data)
            return count if written is None else written  # None: a terminal that does not wait has no room
        return count


def lasting_text(descriptor: int, *, closes: bool = True) -> TextIO:
    """Return a text stream to a file descriptor whose writes never fail, so that Python does not complain at its end
    either (and leave with code 120). `closes`: it closes the descriptor.
    """
    raw = _Lasting(descriptor, "w", closefd=closes)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True)


def keep_stderr() -> None:
    """Let writes to standard error never fail; one that somebody has put in its place stays as it is."""
    stream = sys.stderr
    if stream is sys.__stderr__ and stream is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr = lasting_text(stream.fileno(), closes=False)


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


def end_stdout() -> OSError | None:
    """Write what standard output still holds, and return why that cannot be done. It is silent from then on: Python
    would try once more at its end, and leave with code 120.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except ValueError:  # closed by somebody
        return None
    except OSError as error:
        with contextlib.suppress(OSError, ValueError), _nowhere() as nowhere:
            os.dup2(nowhere, sys.stdout.fileno())
            sys.stdout.flush()
        return error
    return None


@contextlib.contextmanager
def _nowhere() -> Iterator[int]:
    descriptor = os.open(os.devnull, os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
