"""What the program says on the terminal: log lines, progress, and silence from the libraries it uses."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

from realtime.core.errors import shown
from realtime.core.language import _
from realtime.system.standard_streams import bar_stream, lasting_text

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
        saved_stderr = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
    except OSError:  # no file descriptor 2 at all: pythonw, some services
        # Python's own stream is None then, and a progress bar that is drawn on None fails.
        sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end
        return sys.stderr
    sys.stderr = lasting_text(saved_stderr)
    return sys.stderr


def print_in_any_encoding() -> None:
    """Let a letter that standard output's encoding does not know come out as `?`: `…` in Latin-1, `−` on Windows where
    the output goes into a file. Python would raise, and the help would be a fault.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


class LineFormatter(logging.Formatter):
    """One line an event: what files and libraries put into a message begins no other and steers no terminal."""

    def format(self, record: logging.LogRecord) -> str:
        text = f"realtime: {shown(record.getMessage())}"
        if record.exc_info:
            text += "".join(f"\n{shown(line)}" for line in self.formatException(record.exc_info).splitlines())
        return text


class PatientHandler(logging.Handler):
    """Writes lines on a thread of its own, because their reader may stand still: a terminal stopped with Ctrl-S, a pipe
    that nobody empties. Whoever logs never waits, and never hears of a reader that is gone.
    """

    MOST_WAITING = 500

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._changed = threading.Condition()
        # Guarded by _changed:
        self._waiting: list[str] = []
        self._left_out = 0
        self._thread: threading.Thread | None = None
        self._is_ending = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = f"{self.format(record)}\n"
        except Exception as error:  # words that do not fit their places: a fault of ours, and no reason to stop
            line = f"realtime: a line that cannot be told: {error}\n"
        with self._changed:
            if len(self._waiting) >= self.MOST_WAITING:
                self._left_out += 1
                return
            self._waiting.append(line)
            has_writer = self._thread is not None or self._start()
            self._changed.notify_all()
        if not has_writer:
            self._write_waiting()

    def flush(self) -> None:
        """Also called by Python at its end."""
        self.drain(0.5)

    def drain(self, within_s: float) -> bool:
        """Let the reader take what waits, at most so long, and end the thread; the next line begins another. False:
        it stands still, and so does whoever flushes the stream.
        """
        with self._changed:
            self._is_ending = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout=within_s)
        return self._thread is None

    def _start(self) -> bool:
        self._is_ending = False
        thread = threading.Thread(target=self._run, name="log", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no further thread: better to wait for the reader than to say nothing
            return False
        self._thread = thread
        return True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_ending)
                if not self._waiting:
                    self._thread = None
                    return
            self._write_waiting()

    def _write_waiting(self) -> None:
        with self._changed:
            lines, self._waiting = self._waiting, []
            left_out, self._left_out = self._left_out, 0
        if left_out:
            lines.append("realtime: " + _("{count} more lines, while nobody read them", count=left_out) + "\n")
        with contextlib.suppress(OSError, ValueError):  # the reader is gone, the disk full, the stream closed
            self._stream.write("".join(lines))
            self._stream.flush()


def set_up_logging(*, debug: bool) -> None:
    """Log to `sys.stderr`, one line an event; with `debug`, everything, with tracebacks."""
    handler = PatientHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logger = logging.getLogger("realtime")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False


def told_all(within_s: float = 0.5) -> bool:
    """Wait until what was logged has been read, at most so long. False: its reader stands still."""
    handlers = [one for one in logging.getLogger("realtime").handlers if isinstance(one, PatientHandler)]
    return all(handler.drain(within_s) for handler in handlers)


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
    """Yield `progress(what, share)`, which draws a bar once there is something to wait for. It never raises, and never
    waits for standard error.

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
            bars[what] = tqdm(total=100, desc=what, file=bar_stream(), bar_format=form)
        bar = bars[what]
        bar.update(max(0.0, min(1.0, share) * 100 - bar.n))

    try:
        yield progress
    finally:
        close()
