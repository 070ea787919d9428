"""A real gallery, with real processes, on a screen that nobody sees."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from realtime.__main__ import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="it is ended by POSIX's signals here")

_WITHIN_S = 240.0  # a machine may be busy with anything; nothing is judged by this time
_FILE = """
[gallery]
name = "Room 3"
camera = "demo"
standby = false
fade_s = 0.2
[[item]]
name = "Grace"
effect = "portrait"
hangs = "1 h"
[item.set]
wander_after_s = 9
[[item]]
name = "Grey"
effect = "none"
hangs = "1 h"
[[screen]]
name = "left"
[options]
size = "320x180"
fps = 30
remote = "PORT"
"""


def until(what: Callable[[], bool], said: Callable[[], str]) -> None:
    give_up_at_s = time.monotonic() + _WITHIN_S
    while not what():
        assert time.monotonic() < give_up_at_s, said()
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Running:
    """A gallery in a folder of its own, and what can be seen of it from outside."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder
        self.state_folder = folder / "state"
        self.file = folder / "gallery.toml"
        self.port = free_port()
        self.file.write_text(text.replace("PORT", str(self.port)), "utf-8")
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.bind(str(folder / "notify"))
        self.notified.setblocking(False)
        self.told: list[str] = []
        self.process = self.start()

    def start(self, stderr: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "XDG_STATE_HOME": str(self.state_folder),
            "NOTIFY_SOCKET": str(self.folder / "notify"),
            "SDL_VIDEODRIVER": "dummy",
        }
        command = [sys.executable, "-m", "realtime", "gallery", str(self.file)]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stderr=stderr)

    def heard(self) -> list[str]:
        while True:
            try:
                self.told.append(self.notified.recv(4096).decode())
            except BlockingIOError:
                return self.told

    @property
    def log(self) -> str:
        files = list(self.state_folder.glob("realtime/*/gallery.log"))
        return files[0].read_text("utf-8") if files else ""

    @property
    def state(self) -> dict[str, Any]:
        files = list(self.state_folder.glob("realtime/*/state.json"))
        found: dict[str, Any] = json.loads(files[0].read_text("utf-8"))["screens"]["left"] if files else {}
        return found

    def ask(self, path: str, value: object = None) -> Any:
        """Ask the screen over HTTP; None: it does not answer now."""
        data = None if value is None else json.dumps({"value": value}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return json.load(answer)
        except OSError:
            return None

    def shows(self) -> tuple[str, object]:
        """The item that hangs, and one of its settings."""
        status, setting = self.ask("/status.json"), self.ask("/parameters/portrait.wander_after_s")
        item = (status or {}).get("programme") or {}
        return item.get("current", ""), (setting or {}).get("value")

    def children(self) -> list[int]:
        """The processes of its screens."""
        done = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True)
        ours = [line for line in done.stdout.splitlines() if str(self.file) in line and "--child" in line]
        return [int(line.split()[0]) for line in ours]

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.notified.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    if subprocess.run(["which", "ps"], capture_output=True, check=False).returncode:
        pytest.skip("ps is not installed")
    gallery = Running(tmp_path_factory.mktemp("gallery"), _FILE)
    try:
        until(lambda: "READY=1" in gallery.heard(), lambda: gallery.log)
        yield gallery
    finally:
        gallery.end()


def test_systemd_hears_ready_with_the_first_picture_then_that_it_lives(running: Running) -> None:
    until(lambda: "WATCHDOG=1" in running.heard(), lambda: str(running.told))
    until(lambda: any(line.startswith("STATUS=left: Grace until ") for line in running.heard()), lambda: running.log)


def test_a_second_supervisor_of_the_same_gallery_is_refused_and_changes_nothing(running: Running) -> None:
    said = running.start(subprocess.PIPE).communicate(timeout=_WITHIN_S)[1].decode()
    assert said.startswith("realtime: this gallery runs already on this computer; end that first")
    assert said.count("\n") == 1
    assert len(running.children()) == 1
    assert running.log.count(" begins, ") == 1


def test_a_screen_killed_comes_back_with_what_hung_there(running: Running) -> None:
    until(lambda: running.shows() == ("Grace", 9), lambda: str(running.shows()))
    assert running.ask("/parameters/portrait.wander_after_s", 7.5) is not None
    wanted = {"Grace": {"portrait.wander_after_s": 7.5}}
    until(lambda: running.state.get("memory", {}).get("overrides") == wanted, lambda: str(running.state))
    (child,) = running.children()
    os.kill(child, signal.SIGKILL)
    until(lambda: running.children() not in ([], [child]), lambda: running.log)
    until(lambda: len(running.state["restarts_at_s"]) == 1, lambda: str(running.state))
    assert "left: was ended by signal 9; started again" in running.log
    assert running.state["memory"]["item"] == "Grace"
    until(lambda: running.shows() == ("Grace", 7.5), lambda: f"{running.shows()} {running.log}")
    assert running.state["memory"]["overrides"] == wanted


def test_an_item_is_chosen_by_name_and_what_was_set_is_there_when_it_comes_back(running: Running) -> None:
    running.ask("/commands/item", "Grey")
    until(lambda: running.shows()[0] == "Grey", lambda: str(running.shows()))
    until(lambda: running.state["memory"]["item"] == "Grey", lambda: str(running.state))
    running.ask("/commands/next-item", "")
    until(lambda: running.shows() == ("Grace", 7.5), lambda: str(running.shows()))


def test_nothing_but_log_and_state_is_written_and_nobody_is_in_them(running: Running) -> None:
    until(lambda: "WATCHDOG=1" in running.heard(), lambda: running.log)
    written = {path.name for path in running.folder.rglob("*") if path.is_file()}
    assert written <= {"gallery.toml", "gallery.log", "state.json", "running.lock"} | {
        name
        for name in written
        if re.fullmatch(r"\.state-[0-9a-f]{8}\.json", name)  # being written this very moment
    }
    content = json.loads(next(running.state_folder.glob("realtime/*/state.json")).read_text("utf-8"))
    assert set(content) == {"file", "screens", "is_asleep"}
    assert set(content["screens"]["left"]) == {"memory", "restarts_at_s"}
    assert set(content["screens"]["left"]["memory"]) == {"item", "since_s", "overrides"}
    log_file = next(running.state_folder.glob("realtime/*/gallery.log"))
    for data in (log_file.read_bytes(), json.dumps(content).encode()):
        assert len(data) < 20_000, "no picture has room in it"
        assert not re.search(rb"[A-Za-z0-9+/=]{100,}", data), "nor a face as letters"
        assert data.isascii()
        assert not re.search(rb"face|embedding|viewer|visitor", data, re.IGNORECASE)


def test_a_file_that_is_broken_changes_nothing_and_one_that_is_changed_is_hung_anew(running: Running) -> None:
    good = running.file.read_text("utf-8")
    running.file.write_text(good.replace('hangs = "1 h"', 'hangs = 1 h"', 1), "utf-8")
    until(lambda: "cannot be hung; what hung before goes on" in running.log, lambda: running.log)
    (child,) = running.children()
    os.kill(child, signal.SIGKILL)
    until(lambda: running.shows()[0] == "Grace", lambda: f"{running.shows()} {running.log}")
    assert "ended with code 2" not in running.log, "it does not read what somebody is writing"
    before = running.children()
    running.file.write_text(good.replace("wander_after_s = 9", "wander_after_s = 8"), "utf-8")
    until(lambda: running.children() not in ([], before), lambda: running.log)
    until(lambda: running.shows() == ("Grace", 8), lambda: f"{running.shows()} {running.log}")
    assert "gallery.toml was changed; it is hung anew" in running.log
    assert running.process.poll() is None


def test_a_supervisor_killed_leaves_no_screen_behind_and_goes_on_where_it_was(running: Running) -> None:
    before = running.state
    running.process.kill()
    running.process.wait()
    until(lambda: running.children() == [], lambda: str(running.children()))
    running.told.clear()
    running.process = running.start()
    until(lambda: "READY=1" in running.heard(), lambda: running.log)
    assert running.state["memory"]["item"] == before["memory"]["item"]
    assert len(running.state["restarts_at_s"]) == len(before["restarts_at_s"])


def test_a_term_ends_all_in_order(running: Running) -> None:
    until(lambda: len(running.children()) == 1, lambda: running.log)
    running.process.terminate()
    assert running.process.wait(timeout=_WITHIN_S) == 0
    assert running.children() == []
    assert "STOPPING=1" in running.heard()
    assert running.log.endswith("Room 3: ends\n")
    assert "did not end in time" not in running.log


def test_the_check_says_what_is_there_and_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "gallery.toml"
    path.write_text(_FILE.replace("PORT", "8080"), "utf-8")
    assert main(["gallery", str(path), "--check"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"^ok   item Grace +opens in ", told, re.MULTILINE)
    assert "ok   screen left" in told
    assert "--install-service" in told, "the next step of what is only nice to have"
    path.write_text(
        _FILE.replace("PORT", "8080")
        .replace('name = "left"', 'name = "left"\nscreen = 9\nitems = ["Grey"]')
        .replace('"demo"', '"a camera of another room"'),
        "utf-8",
    )
    assert main(["gallery", str(path), "--check"]) == 1
    told = capsys.readouterr().out
    assert "FAIL screen left            there is no screen 9" in told
    assert "it cannot hang yet" in told
    assert "--   camera                 no camera 'a camera of another room'\n" in told
    assert "--source" not in told, "a gallery has no such option"
    assert not (tmp_path / "state").exists(), "a check leaves nothing behind"


def test_the_example_goes_through_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gallery", "--example"]) == 0
    assert capsys.readouterr().out.startswith("# What hangs on the wall")
    assert main(["gallery"]) == 2
