"""The runner that tries commands on inputs nobody meant: it sees what breaks a rule, and what does not."""

from __future__ import annotations

import os
import signal
import sys
import types
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tools.fuzzing.mutation import mutated, mutated_words

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs fork")


def outside(place: Path) -> int:
    (place / "home" / "mark").touch()
    return 0


def says(*lines: str, code: int) -> Callable[[Path], int]:
    def command(_: Path) -> int:
        print(*lines, sep="\n", file=sys.stderr)
        return code

    return command


def fails(_: Path) -> int:
    raise KeyError


def dies(_: Path) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking beside other threads, by Python 3.12
@pytest.mark.parametrize(
    ("command", "found"),
    [
        (says("realtime: no", code=2), []),
        (lambda _: 0, []),
        (says("realtime: no", "realtime: no", code=2), ["said 2 lines, not one"]),
        (says("libfoo: no", code=0), ["said what is none of our lines"]),
        (says("realtime: \x1b[31m", code=2), ["said letters that steer the terminal"]),
        (says("realtime: a fault", code=70), ["exit code 70"]),
        (fails, ["exit code 1", "said what is none of our lines"]),
        (dies, ["ended by SIGKILL"]),
        (outside, ["wrote outside: home/mark"]),
    ],
)
def test_what_breaks_a_rule_is_told(
    command: Callable[[Path], int], found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.fuzzing.trial import Place, faults

    module = types.ModuleType("command_tried")
    module.main = lambda _words: command(tmp_path / "try")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "command_tried", module)
    place = Place(tmp_path / "try")
    place.clear()
    assert faults(["command_tried"], place, {})[0] == found


def test_changes_are_the_same_for_the_same_number() -> None:
    data = bytes(range(256)) * 4
    changed = [[mutated(_random(number), data, [data]) for number in range(5)] for _ in range(2)]
    assert changed[0] == changed[1]
    assert changed[0] != [data] * 5
    assert mutated_words(_random(4), "style:night") == mutated_words(_random(4), "style:night")


def _random(number: int) -> Random:
    return Random(number)  # noqa: S311 - tries that can be repeated, no secrets
