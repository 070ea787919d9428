"""Log lines reach a reader who stands still later or not at all, and whoever logs never waits for that."""

from __future__ import annotations

import io
import logging
import threading

import pytest

from realtime.system.console import LineFormatter, PatientHandler


class Standing(io.StringIO):
    """A stream whose reader does not read until it is released; then every write may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.released, self.is_reached = threading.Event(), threading.Event()
        self._fails = fails

    def write(self, text: str) -> int:
        self.is_reached.set()
        self.released.wait()
        if self._fails:
            raise BrokenPipeError
        return super().write(text)


@pytest.fixture
def logger() -> logging.Logger:
    logger = logging.Logger("tried")
    logger.setLevel(logging.INFO)
    return logger


def test_a_reader_who_stands_still_holds_nobody_up(logger: logging.Logger) -> None:
    stream = Standing()
    handler = PatientHandler(stream)
    logger.addHandler(handler)
    logger.info("line 0")
    assert stream.is_reached.wait(10)
    for number in range(1, 3000):
        logger.info("line %d", number)
    assert not handler.drain(0.01)
    stream.released.set()
    assert handler.drain(10)
    lines = stream.getvalue().splitlines()
    assert lines[: PatientHandler.MOST_WAITING + 1] == [f"line {n}" for n in range(PatientHandler.MOST_WAITING + 1)]
    assert lines[-1] == f"realtime: {3000 - PatientHandler.MOST_WAITING - 1} more lines, while nobody read them"
    logger.info("afterwards")
    assert handler.drain(10)
    assert stream.getvalue().endswith("\nafterwards\n")


@pytest.mark.parametrize("closed", [True, False])
def test_a_reader_who_has_gone_is_no_failure(logger: logging.Logger, closed: bool) -> None:
    stream = Standing(fails=True)
    stream.released.set()
    if closed:
        stream.close()
    handler = PatientHandler(stream)
    logger.addHandler(handler)
    for number in range(10):
        logger.info("line %d", number)
        assert handler.drain(10)


def test_words_that_do_not_fit_do_not_raise(logger: logging.Logger) -> None:
    stream = io.StringIO()
    handler = PatientHandler(stream)
    logger.addHandler(handler)
    logger.info("%d", "no number")
    assert handler.drain(10)
    assert stream.getvalue().startswith("realtime: a line that cannot be told")


def test_what_files_say_begins_no_line_and_steers_no_terminal() -> None:
    record = logging.LogRecord(
        "realtime", logging.INFO, "", 0, "%s", ("x\x1b]0;PWNED\x07\x1b[31m\nfine: all is well\r",), None
    )
    told = LineFormatter().format(record)
    assert told.isprintable()
    assert "fine: all is well" in told


def test_without_threads_it_is_written_at_once(logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    stream = io.StringIO()
    logger.addHandler(PatientHandler(stream))
    logger.info("line")
    assert stream.getvalue() == "line\n"
