"""What the program says on the terminal: log lines, progress, and silence from the libraries it uses."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

log = logging.getLogger(__name__)


def silence_native_libraries() -> TextIO:
    """Send what C++ libraries print to file descriptor 2 nowhere, and return a stream that still reaches the user.

    MediaPipe, OpenCV, FFmpeg, PortAudio and ALSA each print dozens of lines that help nobody who is not debugging
    them; Python's own `sys.stderr` goes on to work.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("GLOG_minloglevel", "3")
    try:
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    except OSError:  # no file descriptor 2 at all: pythonw, some services
        # Python's own stream is None then, and a progress bar that is drawn on None fails.
        sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end
        return sys.stderr
    sys.stderr = os.fdopen(kept, "w", buffering=1, encoding="utf-8", errors="replace")
    return sys.stderr


def print_in_any_encoding() -> None:
    """Let a letter that standard output's encoding does not know come out as `?`: `…` in Latin-1, `−` on Windows where
    the output goes into a file. Python would raise, and the help would be a fault.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = f"realtime: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return text


def set_up_logging(*, debug: bool) -> None:
    """Log to `sys.stderr`, one line an event; with `debug`, everything, with tracebacks."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    logger = logging.getLogger("realtime")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False


class _StageLog:
    """Names each thing that takes time once, when it begins."""

    def __init__(self) -> None:
        self._told = ""

    def progress(self, what: str, share: float) -> None:
        if what != self._told and share < 1:  # a stage that is over with its first word needs none
            self._told = what
            log.info("%s", what)


@contextmanager
def progress_line() -> Iterator[Callable[[str, float], None]]:
    """Yield `progress(what, share)`, which draws a bar once there is something to wait for.

    Where standard error is no terminal (a service's journal, a file), each stage is one line of the log instead.
    """
    if not sys.stderr.isatty():
        yield _StageLog().progress
        return
    from tqdm import tqdm

    bars: dict[str, tqdm[NoReturn]] = {}  # one at a time, by what it is about

    def close() -> None:
        for bar in bars.values():
            bar.close()
        bars.clear()

    def progress(what: str, share: float) -> None:
        if what not in bars:
            close()
            form = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}"
            bars[what] = tqdm(total=100, desc=what, file=sys.stderr, bar_format=form)
        bar = bars[what]
        bar.update(max(0.0, min(1.0, share) * 100 - bar.n))

    try:
        yield progress
    finally:
        close()
