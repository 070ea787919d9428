"""What becomes of a screen's process, what is remembered, and what is told: without any process."""

from __future__ import annotations

import dataclasses
import itertools
import os
import plistlib
import re
import shutil
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import ChooseEffect, Command, SetBlank, SetPaused
from realtime.control.parameters import Parameters
from realtime.core.errors import OptionError
from realtime.core.settings import setting
from realtime.gallery.config import Gallery
from realtime.gallery.config_file import read_gallery
from realtime.gallery.processes import service
from realtime.gallery.processes.journal import MOST_OF_ONE_EVENT, Journal
from realtime.gallery.processes.keeper import MOST_RESTARTS, REST_S, STANDS_AFTER_S, STARTS_WITHIN_S, Keeper
from realtime.gallery.processes.notify import ServiceNotifier
from realtime.gallery.processes.reports import Beginning, Memory, ScreenReport, read_beginning, read_report
from realtime.gallery.processes.screen import ScreenReporter
from realtime.gallery.processes.state import GalleryState, ScreenState, gallery_folder, read_state, write_state
from realtime.gallery.processes.watched_file import WatchedFile
from realtime.gallery.programme.hours import parse_hours
from realtime.gallery.programme.overrides import Overrides, read_overrides
from realtime.gallery.programme.player import ProgrammePlayer
from realtime.gallery.programme.schedule import Programme
from tests.gallery.items import item


def showing(frames: int) -> ScreenReport:
    return ScreenReport("shows", frames)


def test_one_that_shows_new_pictures_is_left_alone() -> None:
    keeper = Keeper()
    keeper.started(0.0)
    for second in range(1, 100):
        keeper.heard(showing(30 * second), second)
        assert keeper.fault(second) == ""
        assert keeper.is_well(second)


def test_one_whose_picture_stands_still_is_ended() -> None:
    keeper = Keeper()
    keeper.started(0.0)
    keeper.heard(showing(30), 1.0)
    for second in range(2, 30):
        keeper.heard(showing(30), second)
        assert bool(keeper.fault(second)) == (second > 1 + STANDS_AFTER_S)
    assert "no new picture" in keeper.fault(29)
    assert not keeper.is_well(15.0), "systemd hears nothing meanwhile"


@pytest.mark.parametrize("doing", ["blank", "stands", "waits", "rests"])
def test_a_picture_that_is_known_to_stand_still_may(doing: str) -> None:
    keeper = Keeper()
    keeper.started(0.0)
    for second in range(1, 100):
        report = read_report(b'{"doing": "%s", "frames": 7}' % doing.encode())
        assert report is not None
        keeper.heard(report, second)
        assert keeper.fault(second) == ""
        assert keeper.is_well(second)


def test_one_that_answers_nothing_is_ended_be_it_blank() -> None:
    keeper = Keeper()
    keeper.started(0.0)
    keeper.heard(ScreenReport("blank", 7), 1.0)
    assert keeper.fault(1.0 + STANDS_AFTER_S) == ""
    assert "not answered" in keeper.fault(1.1 + STANDS_AFTER_S)


def test_a_start_may_take_as_long_as_it_gets_on() -> None:
    keeper = Keeper()
    keeper.started(5.0)
    assert keeper.fault(5.0 + STARTS_WITHIN_S) == ""
    assert keeper.fault(5.1 + STARTS_WITHIN_S)
    keeper.heard(ScreenReport("starts"), 100.0)
    keeper.heard(showing(0), 101.0)
    assert keeper.is_starting, "opened, but nothing to see yet"
    assert keeper.is_well(100.0 + STARTS_WITHIN_S)
    assert keeper.fault(100.0 + STARTS_WITHIN_S) == ""
    assert "not got on" in keeper.fault(100.1 + STARTS_WITHIN_S)
    keeper.heard(showing(1), 100.0 + STARTS_WITHIN_S)
    assert not keeper.is_starting


@pytest.mark.parametrize("is_starting", [True, False])
def test_time_in_which_the_machine_lets_it_not_run_does_not_count(is_starting: bool) -> None:
    keeper = Keeper()
    keeper.started(0.0)
    if not is_starting:
        keeper.heard(showing(30), 0.0)
    most_s = STARTS_WITHIN_S if is_starting else STANDS_AFTER_S
    assert [keeper.is_late(most_s * share) for share in (0.4, 0.6)] == [False, True]
    at_s = 0.0
    for _ in range(90):
        at_s += most_s / 10
        keeper.excuse(most_s / 10 * 0.9)  # nine tenths of nine times what it may take
        assert keeper.fault(at_s) == ""
    keeper.excuse(most_s / 10 * 0.9)
    at_s += most_s / 10
    assert keeper.fault(at_s + most_s / 10)


def test_started_again_at_once_and_then_with_longer_and_longer_pauses() -> None:
    keeper = Keeper()
    at_s, pauses_s = 1000.0, []
    for _ in range(MOST_RESTARTS - 1):
        keeper.started(at_s)
        keeper.ended(at_s + 1)
        pauses_s.append(keeper.starts_at_s - at_s - 1)
        at_s = keeper.starts_at_s
    assert pauses_s == [0, 1, 2, 4, 8, 16, 30, 30, 30]


def test_one_that_lived_for_long_is_started_at_once() -> None:
    keeper = Keeper()
    for began_s in (0.0, 5000.0, 10000.0):
        keeper.started(began_s)
        keeper.ended(began_s + 4000)
        assert keeper.starts_at_s == began_s + 4000
    assert not keeper.rests
    assert len(keeper.restarts_at_s) == 1, "those of the last hour"


def test_after_ten_restarts_in_an_hour_it_rests_for_an_hour() -> None:
    keeper = Keeper()
    for number in range(MOST_RESTARTS):
        assert not keeper.rests
        keeper.started(100.0 * number)
        keeper.ended(100.0 * number + 90)
    assert keeper.rests
    began_s = 990.0
    assert keeper.starts_at_s == began_s, "the still comes at once"
    keeper.started(began_s)
    assert not keeper.has_rested(began_s + REST_S - 1)
    assert [keeper.has_rested(began_s + REST_S), keeper.rests] == [True, False]
    assert keeper.restarts_at_s == []
    assert not keeper.has_rested(began_s + REST_S)


def test_a_screen_that_is_not_there_is_tried_for_ever() -> None:
    keeper = Keeper()
    at_s, pauses_s = 1000.0, []
    for _ in range(3 * MOST_RESTARTS):
        keeper.started(at_s)
        keeper.ended(at_s + 1, is_counted=False)
        pauses_s.append(keeper.starts_at_s - at_s - 1)
        at_s = keeper.starts_at_s
    assert not keeper.rests
    assert max(pauses_s) == 30, "and taken within half a minute once it is"


def test_restarts_before_the_supervisors_own_count() -> None:
    keeper = Keeper([0.0] * (MOST_RESTARTS - 1))
    keeper.started(100.0)
    keeper.ended(101.0)
    assert keeper.rests


# --- the log


def test_the_log_has_times_and_names(tmp_path: Path) -> None:
    Journal(tmp_path / "a" / "gallery.log", lambda: 1.8e9).say("left", "ended\nwith \x1b[31mcode 2")
    line = (tmp_path / "a" / "gallery.log").read_text("utf-8")
    assert line == time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1.8e9)) + " left: ended with \ufffd[31mcode 2\n"


def test_a_month_of_failures_is_under_a_megabyte(tmp_path: Path) -> None:
    now_s = 1.8e9
    journal = Journal(tmp_path / "gallery.log", lambda: now_s)
    for minute in range(0, 31 * 24 * 60, 12):
        now_s = 1.8e9 + 60 * minute
        for kind in ("camera", "window", "effect"):
            journal.say("left", f"the {kind} fails for the {minute}th time, {'and why ' * 20}")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    assert sum(path.stat().st_size for path in files) < 1_000_000


def test_ten_lines_an_hour_of_the_same(tmp_path: Path) -> None:
    now_s = 1.8e9
    journal = Journal(tmp_path / "gallery.log", lambda: now_s)
    for number in range(1000):
        journal.say("left", f"lost {number} times")
    journal.say("left", "something else")
    lines = (tmp_path / "gallery.log").read_text("utf-8").splitlines()
    assert len(lines) == MOST_OF_ONE_EVENT + 1
    assert lines[-2].endswith("(the same is not told again within this hour)")
    now_s += 3600
    journal.say("left", "lost 1001 times")
    assert (tmp_path / "gallery.log").read_text("utf-8").endswith("lost 1001 times\n")


def test_a_log_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Journal(tmp_path / "file" / "gallery.log").say("left", "hello")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# --- the state


def test_the_state_is_as_it_was(tmp_path: Path) -> None:
    memory = Memory("Grace", 1.8e9, {"Grace": {"portrait.wander": False, "portrait.rest": 0.5}})
    state = GalleryState({"left": ScreenState(memory, (1.8e9, 1.8e9 + 5))}, is_asleep=True)
    write_state(tmp_path / "deep" / "state.json", state, "abc")
    assert read_state(tmp_path / "deep" / "state.json", "abc") == state
    changed = read_state(tmp_path / "deep" / "state.json", "another file")
    assert changed.screens["left"].memory == Memory("Grace", 1.8e9), "the file is newer than what people set"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"3", b'{"screens": 3, "file": ""}', b'{"file": "", "screens": {"a": {}}}', b"\xff" * 9,
             b"[" * 100_000, b'{"file":"","screens":{"a":{"memory":{},"restarts_at_s":["x"]}}}'],
)  # fmt: skip
def test_a_damaged_state_is_begun_anew(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(data)
    assert read_state(path, "") == GalleryState()


def test_reports_and_memories_come_through_the_pipe() -> None:
    report = ScreenReport("shows", 7, "Grace", 1.8e9, "Night", "18:30", 2, 29.9, {"camera": 1}, {"a": {"b.c": 1.5}})
    assert read_report(report.line()) == report
    beginning = Beginning('# Gänge\n[[item]]\neffect = "portrait"\n', Memory("Grace", 5.0, {"Grace": {"a.b": None}}))
    assert read_beginning(beginning.line()) == beginning
    longest = Beginning("ä" * 127_000)
    assert read_beginning(longest.line()) == longest


@pytest.mark.parametrize(
    "line", [b"", b"hello\n", b"3", b"[]", b'{"doing": "x"}', b"[" * 9999, b"x" * 300_000, b"\xff"]
)
def test_what_else_is_printed_is_no_report(line: bytes) -> None:
    assert read_report(line) is None
    assert read_beginning(line) == Beginning()


def test_odd_values_in_a_report_are_none() -> None:
    line = b'{"doing":"shows","frames":"x","item":3,"since_s":1e999,"faces":true,"restarts":[],"overrides":{"a":[]}}'
    assert read_report(line) == ScreenReport()
    assert read_overrides({"a": {"b": [1], "c": "x" * 5000, "d": 1}}) == {"a": {"d": 1}}


def test_what_a_sound_moves_is_not_kept() -> None:
    overrides = Overrides({"a": {"style.strength": 0.2}})
    overrides.note("a", "portrait.wander", False, 0.0)
    for number in range(1000):
        overrides.note("a", "style.strength", number / 1000, number / 30)
    assert overrides.as_json() == {"a": {"portrait.wander": False}}


# --- systemd


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no Unix sockets here")
@pytest.mark.parametrize("is_abstract", [False, True])
def test_systemd_is_told(tmp_path: Path, is_abstract: bool) -> None:
    if is_abstract and sys.platform != "linux":
        pytest.skip("abstract sockets are Linux's")
    name = f"@realtime-test-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name[1:]}" if is_abstract else name)
        heard.setblocking(False)
        notifier = ServiceNotifier({"NOTIFY_SOCKET": name})
        notifier.starting(180.0)
        notifier.ready()
        notifier.ready()
        notifier.starting(180.0)
        notifier.alive()
        notifier.status("left: Grace\nuntil 18:30")
        notifier.status("left: Grace\nuntil 18:30")
        notifier.stopping()
        told = [heard.recv(4096) for _ in range(5)]
        assert told[0] == b"EXTEND_TIMEOUT_USEC=180000000"
        assert told[1:] == [b"READY=1", b"WATCHDOG=1", b"STATUS=left: Grace until 18:30", b"STOPPING=1"]
        with pytest.raises(BlockingIOError):
            heard.recv(4096)


def test_a_change_of_the_file_is_told_once_and_when_whoever_writes_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "gallery.toml"
    path.write_text("a", "utf-8")
    file = WatchedFile(path, "a")
    seconds = itertools.count(0.0, 2.0)
    assert [file.changed(next(seconds)) for _ in range(3)] == [None] * 3
    path.write_text("ab", "utf-8")
    assert file.changed(next(seconds)) is None
    path.write_text("abc", "utf-8")  # it was not done
    assert [file.changed(next(seconds)) for _ in range(3)] == [None, b"abc", None]
    path.unlink()
    assert [file.changed(next(seconds)) for _ in range(2)] == [None, None]
    path.write_text("a", "utf-8")
    assert [file.changed(next(seconds)) for _ in range(3)] == [None, b"a", None]


@pytest.mark.parametrize("name", ["", "relative", "/nowhere/at/all"])
def test_without_systemd_nothing_is_told(name: str, caplog: pytest.LogCaptureFixture) -> None:
    notifier = ServiceNotifier({"NOTIFY_SOCKET": name})
    notifier.ready()
    notifier.alive()
    assert not caplog.messages


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    for kind in ("STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    monkeypatch.setenv("DISPLAY", ":7")
    folder = tmp_path / 'Room 100% & "more"'
    folder.mkdir()
    path = folder / "gallery.toml"
    path.write_text('[gallery]\nname = "Room 3"\n[[item]]\neffect = "portrait"\n', "utf-8")
    return read_gallery(path)


def test_the_unit_says_what_it_must(gallery: Gallery) -> None:
    lines = service.install(gallery, platform="linux")
    path, name = service.service_file(gallery, "linux")
    assert path.parent.parts[-3:] == ("config", "systemd", "user")
    unit = path.read_text("utf-8")
    settings = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("Env"))
    assert settings["Type"] == "notify"
    assert settings["Restart"] == "always"
    assert settings["StartLimitIntervalSec"] == "0"
    assert int(settings["WatchdogSec"]) > 2 * STANDS_AFTER_S
    assert settings["WantedBy"] == "graphical-session.target"
    assert f'"{sys.executable}" "-m" "realtime" "gallery"' in settings["ExecStart"]
    assert 'Room 100%% & \\"more\\"' in settings["ExecStart"]
    assert 'Environment="DISPLAY=:7"' in unit
    assert any(f"systemctl --user enable --now {name}" in line for line in lines)
    assert any("enable-linger" in line for line in lines)
    assert service.remove(gallery, platform="linux")[0] == f"removed: {path}"
    assert not path.exists()
    with pytest.raises(OptionError, match="no service"):
        service.remove(gallery, platform="linux")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_itself_takes_the_unit(gallery: Gallery) -> None:
    service.install(gallery, platform="linux")
    path, _ = service.service_file(gallery, "linux")
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert path.name not in done.stderr, done.stderr


def test_the_launch_agent_is_a_property_list(gallery: Gallery) -> None:
    content = plistlib.loads(service.launchd_agent(gallery, {"DISPLAY": ":7"}))
    assert content["ProgramArguments"] == [sys.executable, "-m", "realtime", "gallery", str(gallery.path)]
    assert content["KeepAlive"] == {"SuccessfulExit": False}
    assert content["RunAtLoad"] is True


def test_the_windows_task_is_xml(gallery: Gallery) -> None:
    text = service.windows_task(gallery, "DESK\\ann & co")
    root = ElementTree.fromstring(text.encode("utf-16"))  # noqa: S314 - our own text
    space = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}
    assert root.findtext(".//t:Exec/t:Command", namespaces=space) == sys.executable
    words = ["-m", "realtime", "gallery", str(gallery.path)]
    assert root.findtext(".//t:Exec/t:Arguments", namespaces=space) == subprocess.list2cmdline(words)
    assert root.findtext(".//t:Principal/t:UserId", namespaces=space) == "DESK\\ann & co"
    assert root.findtext(".//t:ExecutionTimeLimit", namespaces=space) == "PT0S"


TASK = {
    # Microsoft's Task Scheduler schema 1.2: what an element may hold, in which order (None: any), and its values.
    "Task": (None, {"RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"}, None),
    "RegistrationInfo": (None, {"Description"}, None),
    "Triggers": (None, {"LogonTrigger"}, None),
    "LogonTrigger": (["Enabled", "UserId"], None, None),
    "Principals": (None, {"Principal"}, None),
    "Principal": (None, {"UserId", "LogonType"}, None),
    "Settings": (
        None,
        {
            "MultipleInstancesPolicy",
            "DisallowStartIfOnBatteries",
            "StopIfGoingOnBatteries",
            "ExecutionTimeLimit",
            "RestartOnFailure",
            "Enabled",
        },
        None,
    ),
    "RestartOnFailure": (None, {"Interval", "Count"}, None),
    "Actions": (None, {"Exec"}, None),
    "Exec": (None, {"Command", "Arguments", "WorkingDirectory"}, None),
    "Enabled": ([], None, "true|false"),
    "DisallowStartIfOnBatteries": ([], None, "true|false"),
    "StopIfGoingOnBatteries": ([], None, "true|false"),
    "MultipleInstancesPolicy": ([], None, "Parallel|Queue|IgnoreNew|StopExisting"),
    "LogonType": ([], None, "S4U|Password|InteractiveToken|InteractiveTokenOrPassword"),
    "ExecutionTimeLimit": ([], None, r"PT\d+[SMH]|P\d+D"),
    "Interval": ([], None, r"PT[1-9]\d*[MH]|P([1-9]|[12]\d|3[01])D"),
    "Count": ([], None, r"[1-9]\d?|1\d\d|2[0-4]\d|25[0-5]"),  # an unsigned byte, 1 at least
    "Description": ([], None, ".*"),
    "UserId": ([], None, ".+"),
    "Command": ([], None, ".+"),
    "Arguments": ([], None, ".+"),
    "WorkingDirectory": ([], None, ".+"),
}


def against_schema(element: ElementTree.Element) -> list[str]:
    """What of an element the Task Scheduler would not take."""
    name = element.tag.removeprefix("{http://schemas.microsoft.com/windows/2004/02/mit/task}")
    order, members, values = TASK[name]
    inside = [child.tag.rpartition("}")[2] for child in element]
    wrong = [] if len(set(inside)) == len(inside) else [f"{name}: one of {inside} comes twice"]
    if (order is not None and inside != order) or (members is not None and not set(inside) <= members):
        wrong.append(f"{name} holds {inside}")
    if values is not None and not re.fullmatch(values, element.text or "", re.DOTALL):
        wrong.append(f"{name} is {element.text!r}")
    return wrong + [fault for child in element for fault in against_schema(child)]


def test_the_windows_task_keeps_to_its_schema(gallery: Gallery) -> None:
    text = service.windows_task(gallery, "DESK\\ann")
    root = ElementTree.fromstring(text.encode("utf-16"))  # noqa: S314 - our own text
    assert against_schema(root) == []
    assert root.get("version") == "1.2"
    actions, principal = (root.find(f".//{{*}}{name}") for name in ("Actions", "Principal"))
    assert actions is not None
    assert principal is not None
    assert actions.get("Context") == principal.get("id")
    worse = ElementTree.fromstring(text.replace("255", "999").encode("utf-16"))  # noqa: S314
    assert against_schema(worse) == ["Count is '999'"]


def test_paths_with_spaces_and_quotes_come_through_a_windows_task(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_command", lambda _: ["C:\\a b\\python.exe", "-m", "C:\\Ann & Co\\a b.toml", ""])
    root = ElementTree.fromstring(service.windows_task(gallery, "ann").encode("utf-16"))  # noqa: S314
    assert root.findtext(".//{*}Command") == "C:\\a b\\python.exe"
    assert root.findtext(".//{*}Arguments") == '-m "C:\\Ann & Co\\a b.toml" ""'


LAUNCHD = {
    # launchd.plist(5)
    "Label": str,
    "ProgramArguments": list,
    "WorkingDirectory": str,
    "EnvironmentVariables": dict,
    "RunAtLoad": bool,
    "KeepAlive": dict,
    "ThrottleInterval": int,
    "ProcessType": str,
    "LimitLoadToSessionType": str,
}


def test_the_launch_agent_keeps_to_its_manual_and_comes_back_whole(gallery: Gallery) -> None:
    environment = {"VIRTUAL_ENV": '/ä <b> & "c"', "PATH": "/bin"}
    data = service.launchd_agent(gallery, environment)
    content = plistlib.loads(data)
    assert plistlib.loads(plistlib.dumps(content, fmt=plistlib.FMT_BINARY)) == content
    assert {name: type(value) for name, value in content.items()} == LAUNCHD
    assert all(isinstance(word, str) for word in content["ProgramArguments"])
    assert content["EnvironmentVariables"] == {"VIRTUAL_ENV": '/ä <b> & "c"'}
    assert content["ProcessType"] in ("Background", "Standard", "Adaptive", "Interactive")
    assert content["LimitLoadToSessionType"] in ("Aqua", "Background", "LoginWindow", "StandardIO", "System")
    path, name = service.service_file(gallery, "darwin")
    assert (path.stem, path.suffix) == (content["Label"], ".plist")
    assert name == content["Label"]


def test_every_gallery_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    one, other = gallery_folder(Path("/a/gallery.toml")), gallery_folder(Path("/b/gallery.toml"))
    assert one != other
    assert one.parent == other.parent


# --- the programme in a run, by its channel alone


def commands_of(controls: ControlChannel) -> list[Command]:
    found = []
    while (command := controls.next_command()) is not None:
        found.append(command)
    return found


def test_what_the_programme_asks_of_a_run() -> None:
    controls = ControlChannel()
    items = [item("a", 60), item("b", 60)]
    now_s = at_s = 1.8e9
    programme = Programme(items, parse_hours(""), pause_s=5)
    programme.look(now_s, at_s, 0)
    player = ProgrammePlayer(
        controls, programme, items[0], Overrides(), fade_s=2.0, now_s=lambda: now_s, at_s=lambda: at_s
    )
    player.start()
    assert commands_of(controls) == []
    now_s, at_s = now_s + 60, at_s + 60
    player.look_after()
    assert commands_of(controls) == [SetPaused(True)]
    now_s, at_s = now_s + 5, at_s + 5
    player.look_after()
    assert commands_of(controls) == [ChooseEffect("none:b", 2.0, planned=True), SetPaused(False)]
    player.failed("none:b", "it is broken")
    player.look_after()
    assert commands_of(controls) == [ChooseEffect("none:a", 2.0, planned=True)]
    assert player.status.current == "a"
    assert player.status.items == ("a", "b")


@dataclasses.dataclass(frozen=True)
class _Settings:
    """Of an effect that is told what to do while it runs, and one thing before."""

    strength: float = dataclasses.field(default=1.0, metadata=setting("how much", live=True))
    calm: float = dataclasses.field(default=0.0, metadata=setting("how calm", live=True))
    size: int = dataclasses.field(default=3, metadata=setting("how large"))


def test_what_one_item_sets_is_undone_for_the_next_of_the_same_effect_and_there_again_after() -> None:
    controls = ControlChannel()
    controls.parameters.hold("none", Parameters(_Settings(strength=0.6)))
    first = dataclasses.replace(item("a", 60), spec="none", live_settings={"none.calm": 0.5})
    second = dataclasses.replace(item("b", 60), spec="none")
    at_s = 5.0
    programme = Programme([first, second])
    player = ProgrammePlayer(controls, programme, first, Overrides(), at_s=lambda: at_s)
    player.start()
    controls.status = Status(spec="none")

    def values() -> tuple[object, object]:
        player.look_after()
        return controls.parameters.get("none.strength"), controls.parameters.get("none.calm")

    assert values() == (0.6, 0.5)
    controls.parameters.set("none.strength", 0.2)  # by somebody
    at_s += 60
    assert values() == (0.6, 0.0)
    controls.parameters.set("none.calm", 0.9)
    at_s += 60
    assert values() == (0.2, 0.5)
    at_s += 60
    assert values() == (0.6, 0.9)


def test_closed_from_the_beginning_it_is_blank_before_the_first_frame() -> None:
    controls = ControlChannel()
    items = [item("a", 60)]
    now_s = time.mktime((2026, 11, 30, 3, 0, 0, 0, 0, -1))
    programme = Programme(items, parse_hours("10-18"))
    player = ProgrammePlayer(controls, programme, items[0], Overrides(), now_s=lambda: now_s, at_s=lambda: 5.0)
    player.start()
    assert commands_of(controls) == [SetBlank(True)]
    now_s += 8 * 3600
    player.look_after()
    assert commands_of(controls) == [SetBlank(False)]


def test_a_lost_camera_is_told_from_a_picture_that_stands_still(capfd: pytest.CaptureFixture[str]) -> None:
    controls = ControlChannel()
    programme = Programme([item("a", 60)])
    player = ProgrammePlayer(controls, programme, item("a", 60), Overrides())
    reporter = ScreenReporter(controls, player, Overrides())
    doings = []
    # A portrait goes on while the camera is lost; the style that hangs next has no picture before it is back.
    for frames, is_lost in ((10, False), (20, False), (20, False), (30, True), (30, True), (40, False), (40, False)):
        status = Status(frames=frames, source_lost=is_lost, restarts=(("camera", 1),))
        doings.append(reporter._report(status).doing)
    assert doings == ["shows", "shows", "shows", "waits", "waits", "shows", "shows"]
