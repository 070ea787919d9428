"""Work in a process of its own: what it gives back, and that nothing it does outlives its bounds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from realtime.core import isolated_process
from realtime.core.errors import ModelError
from realtime.core.isolated_process import Bounds, OutOfBoundsError

ROOMY = Bounds(memory_bytes=500_000_000, step_s=30.0, wall_s=60.0)
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="this bound is Linux' own")


def squared(number: int, *, plus: int = 0) -> int:
    print("what a library prints is no answer")
    return number * number + plus


def refused(path: Path) -> None:
    raise ModelError(f"{path} is none")


def faulty() -> None:
    raise KeyError("a fault of ours")


def computing() -> None:
    while True:
        pass


def computing_in_steps(steps: int, step_s: float) -> float:
    """Each step takes processor time, all of them together more than one may."""
    for _ in range(steps):
        isolated_process.step()
        until = time.process_time() + step_s
        while time.process_time() < until:
            pass
    return steps * step_s


def waiting() -> None:
    time.sleep(600)


def filling() -> int:
    return np.zeros(100_000_000, np.float64).size


def crashing() -> None:
    os.abort()


def leaving() -> None:
    os._exit(0)


def test_what_work_returns_comes_back() -> None:
    assert isolated_process.call(ROOMY, squared, 7, plus=1) == 50


def test_what_work_raises_comes_back() -> None:
    with pytest.raises(ModelError, match=r"^x\.onnx is none$"):
        isolated_process.call(ROOMY, refused, Path("x.onnx"))
    with pytest.raises(RuntimeError, match="KeyError: 'a fault of ours'"):
        isolated_process.call(ROOMY, faulty)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timer of processor time")
def test_work_without_end_is_ended() -> None:
    with pytest.raises(OutOfBoundsError, match="never comes to an end"):
        isolated_process.call(Bounds(500_000_000, 0.3, 60.0), computing)
    assert isolated_process.call(Bounds(500_000_000, 0.4, 60.0), computing_in_steps, 4, 0.2) == pytest.approx(0.8)


def test_work_that_waits_for_ever_is_ended() -> None:
    with pytest.raises(OutOfBoundsError, match="does not come to an end"):
        isolated_process.call(Bounds(500_000_000, 30.0, 2.0), waiting)


@on_linux
def test_work_that_takes_all_memory_is_refused_it() -> None:
    with pytest.raises(OutOfBoundsError, match="memory"):
        isolated_process.call(ROOMY, filling)
    assert isolated_process.call(Bounds(1_500_000_000, 30.0, 60.0), filling) == 100_000_000


@pytest.mark.parametrize("work", [crashing, leaving])
def test_a_crash_is_a_line(work: object) -> None:
    with pytest.raises(OutOfBoundsError, match="library that reads it"):
        isolated_process.call(ROOMY, work)  # type: ignore[arg-type]  # both are functions


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_ctrl_c_ends_both_processes(tmp_path: Path) -> None:
    """As a terminal sends it: to both, while the work hears of nothing."""
    script = tmp_path / "caller.py"
    script.write_text(
        "import sys\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from realtime.core import isolated_process\n"
        "from tests.test_confined import computing\n"
        "print('begins', flush=True)\n"
        "isolated_process.call(isolated_process.Bounds(500_000_000, 300.0, 300.0), computing)\n"
    )
    caller = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert caller.stdout is not None
    assert caller.stdout.readline() == "begins\n"
    while not _children(caller.pid):
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(caller.pid, signal.SIGINT)
    _, told = caller.communicate(timeout=60)
    assert "KeyboardInterrupt" in told
    with pytest.raises(ProcessLookupError):
        os.killpg(caller.pid, 0)


def _children(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text() if sys.platform == "linux" else "unknown"


def telling_its_number(file: Path) -> None:
    file.write_text(str(os.getpid()))
    computing()


@on_linux
def test_work_ends_with_whoever_asked_for_it(tmp_path: Path) -> None:
    code = f"""
import os, sys, threading, time
from pathlib import Path
sys.path[:0] = {sys.path!r}
from realtime.core import isolated_process
from tests.test_confined import ROOMY, telling_its_number
file = Path({str(tmp_path / "number")!r})
threading.Thread(target=isolated_process.call, args=(ROOMY, telling_its_number, file), daemon=True).start()
while not (file.is_file() and file.read_text()):
    time.sleep(0.01)
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], check=True, timeout=60)
    process = Path("/proc", (tmp_path / "number").read_text())
    until_s = time.monotonic() + 10
    while process.exists() and "Z" not in (process / "stat").read_text().rpartition(")")[2].split()[:1]:
        assert time.monotonic() < until_s, "it goes on computing"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("program", "said"),
    [("", "none is known here"), (None, "none is known here"), ("/nowhere/python", "does not start")],
)
def test_without_a_python_to_start_nothing_is_done_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, program: str | None, said: str
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(ModelError, match=said) as caught:
        isolated_process.call(ROOMY, squared, 7)
    assert not isinstance(caught.value, OutOfBoundsError)
