"""Ending in order, and at last, tried on processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.doubles import DrawnCamera, KeepingOutput
from tests.test_loop import make_loop

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent as POSIX knows them")

HELD_FOR_EVER = """
import ctypes
mutex = ctypes.create_string_buffer(64)  # an ordinary mutex, taken twice, is never given back; no signal ends the wait
libc = ctypes.CDLL(None)
def stand_still():
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)
"""


def child(code: str, *, before: str = "") -> subprocess.Popen[str]:
    words = f"{before} exec '{sys.executable}' -c \"$1\""
    return subprocess.Popen(
        ["bash", "-c", words, "child", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str], *signals: signal.Signals) -> tuple[int, str, str]:
    """Wait for the child's first line, send signals, and return its exit code and what it said."""
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first == "ready\n", process.communicate()
    for number in signals:
        process.send_signal(number)
    said, complained = process.communicate(timeout=60)
    return process.returncode, said, complained


@pytest.mark.parametrize(("sign", "before"), [(signal.SIGHUP, "trap '' HUP;"), (signal.SIGINT, "trap '' INT;")])
def test_what_was_ignored_at_the_start_stays_ignored(sign: signal.Signals, before: str) -> None:
    code = """
import signal, time
from realtime.system.signals import graceful_shutdown
asked = []
with graceful_shutdown(lambda: asked.append(1)):
    print("ready", flush=True)
    deadline_s = time.monotonic() + 30
    while not asked and time.monotonic() < deadline_s:
        time.sleep(0.01)
print(len(asked), signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""
    _, said, complained = ended(child(code, before=before), sign, signal.SIGTERM)
    assert said.split() == ["1", str(sign is signal.SIGHUP), str(sign is signal.SIGINT)], complained


def test_a_main_thread_in_a_native_call_does_not_keep_the_program_from_ending() -> None:
    code = f"""
import threading
from realtime.system.signals import graceful_shutdown, leave_now
{HELD_FOR_EVER}
with graceful_shutdown(lambda: None, unheard=lambda: leave_now(7), heard_within_s=0.1):
    threading.Timer(0.3, lambda: print("ready", flush=True)).start()  # it stands still by then: before, it would hear
    stand_still()
"""
    assert ended(child(code), signal.SIGINT)[0] == 7


def test_a_main_thread_that_hears_is_left_to_end_in_order() -> None:
    code = """
import time
from realtime.system.signals import graceful_shutdown, leave_now
asked = []
with graceful_shutdown(lambda: asked.append(1), unheard=lambda: leave_now(7), heard_within_s=5.0):
    print("ready", flush=True)
    while not asked:
        time.sleep(0.01)
print("in order")
"""
    assert ended(child(code), signal.SIGTERM)[:2] == (0, "in order\n")


@pytest.mark.parametrize("swallowed", [1, 2])
def test_a_library_that_swallows_ctrl_c_is_asked_once_more_and_then_not_any_more(swallowed: int) -> None:
    code = f"""
import time
from realtime.system.signals import Interruption, graceful_shutdown, leave_now
try:
    with graceful_shutdown(Interruption(), unheard=lambda: leave_now(7), heard_within_s=0.2, insists=True):
        for number in range({swallowed}):
            try:
                if number == 0:
                    print("ready", flush=True)
                time.sleep(60)
            except KeyboardInterrupt:
                pass  # as some do while they are loaded
        time.sleep(60)
except KeyboardInterrupt:
    leave_now(6)
"""
    for sign in (signal.SIGINT, signal.SIGTERM):
        assert ended(child(code), sign)[0] == (6 if swallowed == 1 else 7)


def test_the_wish_to_end_takes_no_lock() -> None:
    """A signal's handler runs between two instructions of the main thread, which may be in the middle of a wait."""
    loop = make_loop(DrawnCamera(live=True), [KeepingOutput()]).loop
    ticked = threading.Event()
    asked_in = set()

    def at_each_line(frame: FrameType, event: str, argument: object) -> Any:
        if event == "line" and frame.f_code is threading.Event.wait.__code__ and ticked.is_set():
            asked_in.add(frame.f_lineno)
            loop.stop()
        return at_each_line

    def run() -> None:
        sys.settrace(at_each_line)
        loop.run(ticked.set)

    running = threading.Thread(target=run, daemon=True)
    running.start()
    running.join(timeout=20)
    assert not running.is_alive()
    assert loop.interrupted
    assert len(asked_in) > 2


def test_what_a_thread_is_held_in_does_not_abort_the_end() -> None:
    code = f"""
import sys, threading
from realtime.system.signals import leave
{HELD_FOR_EVER}
threading.Thread(target=stand_still, daemon=True).start()
print("ready", flush=True)
sys.exit(leave(5))
"""
    assert ended(child(code))[0] == 5


def test_a_signal_after_the_work_is_done_does_not_change_the_exit_code() -> None:
    code = """
import sys, threading, time
from realtime.system.signals import leave
threading.Thread(target=time.sleep, args=(30,)).start()
threading.Timer(0.2, lambda: print("ready", flush=True)).start()
sys.exit(leave(5))
"""
    assert ended(child(code), signal.SIGTERM)[0] == 5


FINISHING = """
import sys, time
from pathlib import Path
from realtime.core.finishing_threads import FinishingThread
from realtime.system.signals import leave

def finish():
    time.sleep(SECONDS)
    Path('a.mp4').touch()

FinishingThread(finish, "a.mp4").start()
print("ready", flush=True)
sys.exit(leave(5))
"""


def test_the_end_waits_for_a_file_that_is_being_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = child(FINISHING.replace("SECONDS", "1.6"))
    assert ended(program)[0] == 5
    assert (tmp_path / "a.mp4").exists()


def test_ctrl_c_ends_the_waiting_for_a_file_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = child(FINISHING.replace("SECONDS", "600"))
    assert program.stderr is not None
    assert "finishing a.mp4; Ctrl-C ends it at once" in program.stderr.readline()
    program.send_signal(signal.SIGINT)
    assert program.wait(timeout=30) == 130
    program.communicate()


@pytest.mark.parametrize("errors", ["2>/dev/full", "2>&-", "2> >(true)"])
def test_an_error_output_that_takes_nothing_does_not_change_the_exit_code(errors: str, tmp_path: Path) -> None:
    words = f"exec '{sys.executable}' -m realtime run --source demo --effect none --output none --frames 3 {errors}"
    done = subprocess.run(["bash", "-c", words], cwd=tmp_path, check=False, env={**os.environ, **_found_here()})
    assert done.returncode == 0


@pytest.mark.parametrize("kilobytes", [300_000, 900_000, 1_500_000])
def test_too_little_memory_to_begin_with_is_one_line(kilobytes: int) -> None:
    words = f"ulimit -v {kilobytes}; exec '{sys.executable}' -m realtime run --source demo --output none --frames 1"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "ulimit -v" in done.stderr


def _found_here() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[1])}
