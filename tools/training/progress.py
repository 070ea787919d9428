"""How far a run is: a bar on a terminal, and now and then a plain line where nobody could see a bar move."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

from realtime.system.standard_streams import bar_stream

_FIRST_LINE_S = 10.0
"""Soon enough to be seen by whoever has just started a service and looks whether it runs."""
_NEXT_LINES_S = 60.0

Progress = Callable[[int, str], None]


@contextmanager
def steps_shown(total: int, done: int, tell: Callable[[str], None] | None) -> Iterator[Progress]:
    """Yield `progress(step, note)`, to be called after every step with the number of steps done by then and a few words
    (the losses).

    Where standard error is no terminal, `tell` is given a line after ten seconds and then every minute. Without `tell`
    nothing is shown: another process does.
    """
    if tell is None:
        yield lambda step, note: None
        return
    if not sys.stderr.isatty():
        yield _Lines(total, done, tell).progress
        return
    with tqdm(total=total, initial=done, unit="step", file=bar_stream()) as bar:

        def progress(step: int, note: str) -> None:
            bar.update(step - bar.n)
            bar.set_postfix_str(note, refresh=False)

        yield progress


class _Lines:
    def __init__(self, total: int, done: int, tell: Callable[[str], None]) -> None:
        self._total, self._began_at, self._tell = total, done, tell
        self._began_s = time.monotonic()
        self._due_s = self._began_s + _FIRST_LINE_S

    def progress(self, step: int, note: str) -> None:
        now_s = time.monotonic()
        if now_s < self._due_s or step >= self._total:
            return
        self._due_s = now_s + _NEXT_LINES_S
        rate = (step - self._began_at) / (now_s - self._began_s)
        left_s = round((self._total - step) / rate)
        left = f"{left_s // 3600}:{left_s // 60 % 60:02d}:{left_s % 60:02d}"
        self._tell(f"step {step} of {self._total}, {rate:.3g} a second, {left} left; {note}")


def every(period_s: float) -> Callable[[int], bool]:
    """Return a function that is true once in so many seconds, whatever step it is asked about."""
    last_s = time.monotonic()

    def due(_: int) -> bool:
        nonlocal last_s
        if time.monotonic() - last_s < period_s:
            return False
        last_s = time.monotonic()
        return True

    return due
