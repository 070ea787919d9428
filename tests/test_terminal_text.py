"""What reaches the terminal is one line of letters, whatever a file or a library put into it."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from realtime.core.errors import ModelError, shown
from realtime.system.console import set_up_logging

HOSTILE = "a\x1b]0;title\x07b\x1b[31m\nsecond\rthird\x9b2J\u202eend"


def test_what_moves_a_cursor_is_not_shown() -> None:
    assert shown("Tête-à-tête ✓ 日本") == "Tête-à-tête ✓ 日本"
    assert shown(HOSTILE) == "a�]0;title�b�[31m second third�2J�end"
    assert shown(HOSTILE, 4) == "a�]0"
    assert str(ModelError(HOSTILE)) == shown(HOSTILE)
    assert len(str(ModelError("x" * 10**6))) < 5000


def test_a_log_line_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    error_output = io.StringIO()
    monkeypatch.setattr(sys, "stderr", error_output)
    set_up_logging(debug=False)
    logging.getLogger("realtime.test").warning("%s", HOSTILE)
    for handler in logging.getLogger("realtime").handlers:
        handler.flush()
    assert error_output.getvalue() == f"realtime: {shown(HOSTILE)}\n"
