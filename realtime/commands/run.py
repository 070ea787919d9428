"""`realtime run`: the live loop."""

from __future__ import annotations

import argparse
import contextlib
import logging
import threading
import time
from pathlib import Path
from typing import Any

from realtime.core.errors import OutputError, RealtimeError
from realtime.core.files import check_folder
from realtime.core.stats import RunStats, write_stats
from realtime.session import option_reading
from realtime.system.console import progress_line
from realtime.system.signals import leave_now

log = logging.getLogger(__name__)

_STATS_EVERY_S = 60.0
_WRITTEN_WITHIN_S = 2.0  # a disk that takes longer must not hold up the end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option there is."""
    option_reading.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Put the loop together, run it, and write its statistics however it ends."""
    stats = RunStats()  # first: its clock starts here
    options = option_reading.from_arguments(arguments)
    if options.stats:  # now, not after a night
        check_folder(options.stats.parent)
    from realtime.session import remembered

    with progress_line() as progress:
        live = remembered.opened(options, progress, stats)
    stats_file = _KeptUpToDate(options.stats, stats) if options.stats else None
    if stats_file is not None:
        live.supervisor.on_processed = stats_file.tick

    def tell() -> None:
        log.info("%s", stats.summary())
        if stats_file is not None:
            stats_file.close()

    def leave_at_last(code: int) -> None:
        """[another thread] The main thread stands still: what it would still do is done for it."""
        with contextlib.suppress(RealtimeError):
            tell()
        leave_now(code)

    try:
        live.go(leave_at_last)
    except BaseException:
        with contextlib.suppress(RealtimeError):  # what ended the run is what must be told, with its own exit code
            tell()
        raise
    tell()
    return 0


class _KeptUpToDate:
    """Writes the statistics every minute, so that somebody may look whether all is well, and so that they outlast a
    program that is killed. Main thread, but for the writing: a disk may take its time.
    """

    def __init__(self, path: Path, stats: RunStats) -> None:
        self._path = path
        self._stats = stats
        self._due_s = time.monotonic() + _STATS_EVERY_S
        self._writer: threading.Thread | None = None

    def tick(self, processed: int) -> None:  # noqa: ARG002 - the signature is the supervisor's
        if time.monotonic() < self._due_s or (self._writer is not None and self._writer.is_alive()):
            return
        self._due_s = time.monotonic() + _STATS_EVERY_S
        report = self._stats.as_json()
        self._writer = threading.Thread(target=self._write, args=(report,), name="statistics", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Write how it ended. Raises OutputError."""
        if self._writer is not None:
            self._writer.join(timeout=_WRITTEN_WITHIN_S)
        write_stats(self._path, self._stats.as_json())

    def _write(self, report: dict[str, Any]) -> None:
        try:
            write_stats(self._path, report)
        except OutputError as error:  # told at the end, if it is still so
            log.debug("%s", error)
