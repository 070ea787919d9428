from __future__ import annotations

import io
import sys

import pytest

from tools.training import progress
from tools.training.progress import steps_shown


class _Clock:
    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s


def run(steps_a_second: float, total: int, done: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the lines of a run through `total` steps of which `done` were done before."""
    clock, told = _Clock(), list[str]()
    monkeypatch.setattr(progress, "time", clock)
    with steps_shown(total, done, told.append) as show:
        for step in range(done + 1, total + 1):
            clock.now_s += 1 / steps_a_second
            show(step, f"total {step}")
    return told


def test_where_there_is_no_terminal_a_line_comes_soon_and_then_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", journal)
    told = run(2.0, 4000, 1000, monkeypatch)
    assert told[0] == "step 1020 of 4000, 2 a second, 0:24:50 left; total 1020"
    assert told[1] == "step 1140 of 4000, 2 a second, 0:23:50 left; total 1140"
    assert len(told) == 25
    assert journal.getvalue() == "", "a bar drawn into a journal"


def test_a_short_run_says_nothing_between_its_beginning_and_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert run(2.0, 20, 0, monkeypatch) == []


def test_on_a_terminal_a_bar_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    told = list[str]()
    with steps_shown(8, 5, told.append) as show:
        for step in (6, 7, 8):
            show(step, "total 0.5")
    assert "8/8" in terminal.getvalue()
    assert told == []
