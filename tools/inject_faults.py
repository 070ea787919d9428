"""The fault table: the real program with faulty parts put in, `python -m tools.inject_faults`.

Each row breaks one thing for some seconds, watches the picture, ends the program with Ctrl-C and plays what it
recorded. A row survives when the picture goes on or is back 2 s after the fault, the recording reaches to the end,
Ctrl-C ends it within 3 s with code 0, portrait and swap never show more than half of the face as the camera gave it,
and four lines are said at most; or when what else its `must` says came true. The whole table takes some 25 minutes on
two cores; times mean something on a quiet machine only.
"""

from __future__ import annotations

import argparse
import fnmatch
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tools.faults.rows import Row, table


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.inject_faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names, with * and ?; default: all")
    parser.add_argument(
        "--photo", type=Path, help="whose face a swap wears; without one, rows with a swap are left out"
    )
    parser.add_argument("--list", action="store_true", help="name the rows and do nothing")
    chosen = parser.parse_args(argv)
    rows = [row for row in table(chosen.photo) if not chosen.rows or any(_fits(row, word) for word in chosen.rows)]
    if chosen.list:
        print("\n".join(row.name for row in rows))
        return 0
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it, and its children would too
    print("| fault | must | did | verdict |\n| --- | --- | --- | --- |")
    survived = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        for row in rows:
            outcome, faults = row.tried(Path(name))
            survived += not faults
            print(f"| {row.name} | {row.must} | {outcome} | {'; '.join(faults) or 'survives'} |", flush=True)
    print(f"\n{survived} of {len(rows)} survive")
    return 0 if survived == len(rows) else 1


def _fits(row: Row, word: str) -> bool:
    return fnmatch.fnmatch(row.name, word)


if __name__ == "__main__":
    sys.exit(main())
