"""`realtime run`: the live loop."""

from __future__ import annotations

import argparse
import contextlib
import logging

from realtime import options as option_table
from realtime.errors import OptionError, RealtimeError
from realtime.signals import leave_now
from realtime.stats import RunStats, write_stats
from realtime.terminal import progress_line

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Every option there is."""
    option_table.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Put the loop together, run it, and write its statistics however it ends."""
    stats = RunStats()  # first: its clock starts here
    options = option_table.from_arguments(arguments)
    if options.stats and not options.stats.parent.is_dir():  # now, not after a night
        raise OptionError(f"--stats {options.stats}: there is no folder {options.stats.parent}; create it first")
    from realtime import app

    with progress_line() as progress:
        live = app.build(options, progress, stats)

    def tell() -> None:
        log.info("%s", stats.summary())
        if options.stats:
            write_stats(options.stats, stats.as_json())

    def leave_at_last(code: int) -> None:
        """[another thread] The main thread stands still: what it would still do is done for it."""
        with contextlib.suppress(RealtimeError):
            tell()
        leave_now(code)

    try:
        live.go(leave_at_last)
    finally:
        tell()
    return 0
