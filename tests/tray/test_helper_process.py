"""A process beside the run that answers questions."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from realtime.core.errors import OptionError, RealtimeError
from realtime.core.helper_process import HelperGoneError, HelperProcess, Progress, step_back


class Clerk:
    """Answers in the other process."""

    def __init__(self, base: int) -> None:
        self.base = base

    def add(self, number: int, progress: Progress) -> int:
        progress("adding", 0.5)
        return self.base + number

    def refuse(self, progress: Progress) -> None:
        raise OptionError("no; do it differently")

    def stumble(self, progress: Progress) -> None:
        raise ValueError("a library's own words")

    def die(self, progress: Progress) -> None:
        os._exit(3)

    def nice(self, progress: Progress) -> int:
        print("a library prints this")
        step_back()
        return os.nice(0)

    def large(self, progress: Progress) -> NDArray[np.int64]:
        return np.arange(300_000)


@pytest.fixture
def clerk() -> Iterator[HelperProcess]:
    helper = HelperProcess(Clerk, 40)
    yield helper
    helper.close()


@pytest.fixture(autouse=True)
def _may_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))


def test_it_answers_tells_how_far_it_is_and_goes_on_after_what_fails(clerk: HelperProcess) -> None:
    told: list[tuple[str, float]] = []
    assert clerk.ask("add", 2, progress=lambda what, share: told.append((what, share))) == 42
    assert told == [("adding", 0.5)]
    with pytest.raises(OptionError, match="no; do it differently"):
        clerk.ask("refuse")
    with pytest.raises(RealtimeError, match="ValueError: a library's own words"):
        clerk.ask("stumble")
    assert clerk.ask("large").sum() == 44_999_850_000
    assert clerk.ask("nice") == 19 or os.name == "nt"


def test_one_that_dies_says_so_once_and_for_all(clerk: HelperProcess) -> None:
    with pytest.raises(HelperGoneError):
        clerk.ask("die")
    with pytest.raises(HelperGoneError):
        clerk.ask("add", 1)


def test_closing_ends_the_process_at_once(clerk: HelperProcess) -> None:
    pid = clerk._process.pid
    began_s = time.monotonic()
    clerk.close()
    clerk.close()
    assert time.monotonic() - began_s < 20
    assert not Path(f"/proc/{pid}").exists() or not Path("/proc").exists()
