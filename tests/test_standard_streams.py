"""Standard output and error that are full, closed, dead or standing still: work goes on, and what failed is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device to write to")

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
REALTIME = [sys.executable, "-m", "realtime"]
BARS = """
import sys, threading, time
from tqdm import tqdm
from realtime.system.standard_streams import bar_stream
from realtime.system.console import silence_native_libraries
silence_native_libraries()
for number in tqdm(range(3000), file=bar_stream(), mininterval=0, miniters=1):
    pass
print(number)
"""


def test_a_listing_that_cannot_be_written_is_one_line() -> None:
    for words in (["models"], ["effects", "portrait"], ["--help"], ["models", "--debug"]):
        with open("/dev/full", "w") as full:  # noqa: PTH123
            done = subprocess.run(
                [*REALTIME, *words], stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT, check=False
            )
        assert done.returncode == 2, words
        assert done.stderr == (
            "realtime: cannot write to standard output: No space left on device; send it somewhere else\n"
        )


def test_a_reader_that_has_had_enough_is_no_failure() -> None:
    done = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *REALTIME, "effects", "swap"],
        capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("stderr", ["full", "gone", "closed", "still"])
def test_a_bar_ends_and_holds_up_nothing(stderr: str) -> None:
    """A full log disk, `2>&1 | tee log` whose tee is dead, none at all, a terminal stopped with Ctrl-S."""
    ours, theirs = os.pipe()
    if stderr == "gone":
        os.close(ours)
    redirect = {"full": "2>/dev/full", "closed": "2>&-"}.get(stderr, "")
    try:
        done = subprocess.run(
            ["sh", "-c", f'exec "$@" {redirect}', "sh", sys.executable, "-c", BARS],
            stdout=subprocess.PIPE, stderr=theirs, text=True, env=ENVIRONMENT, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(theirs)
        if stderr != "gone":
            os.close(ours)
    assert (done.returncode, done.stdout) == (0, "2999\n"), "3000 bars are more than a pipe holds"
