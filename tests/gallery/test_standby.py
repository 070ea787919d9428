"""Screens are put to sleep by what is there, and what is not there is told in a line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from realtime.gallery.processes import standby

pytestmark = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the programs of Linux")

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs of our own in the place of the system's: each writes down how it was called."""
    log = tmp_path / "calls"
    log.touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def install_one(name: str, then: str = "") -> Path:
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\n{then}\n')
        program.chmod(0o755)
        return log

    return install_one


def test_an_x_display_sleeps_and_wakes_without_timers_of_its_own(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = install("xset")
    monkeypatch.setenv("DISPLAY", ":9")
    assert standby.put_to_standby() == "screens to sleep: xset dpms"
    assert standby.wake("left") == "screens awake: xset dpms"
    assert log.read_text().splitlines() == [
        "xset dpms 0 0 0",
        "xset dpms force off",
        "xset dpms 0 0 0",
        "xset dpms force on",
    ]


LISTED = 'HDMI-A-1 \\"Dell Inc. DELL P2419 4711\\"\n  Enabled: yes\nDP-2 \\"Eizo EV2456\\"\n  Enabled: no'


@pytest.mark.parametrize(
    ("screen", "names"),
    [("", ["HDMI-A-1", "DP-2"]), ("DP-2", ["DP-2"]), ("dell p2419", ["HDMI-A-1"]), ("unknown", ["HDMI-A-1", "DP-2"])],
)
def test_one_screen_of_a_wayland_desktop_or_all(
    install: Install, monkeypatch: pytest.MonkeyPatch, screen: str, names: list[str]
) -> None:
    log = install("wlr-randr", f'[ $# = 0 ] && echo "{LISTED}"; exit 0')
    install("xset")
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert standby.put_to_standby(screen) == f"screens to sleep: wlr-randr {' '.join(names)}"
    assert log.read_text().splitlines()[1:] == [f"wlr-randr --output {name} --off" for name in names]


def test_power_alone_goes_before_taking_a_screen_from_the_desktop(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = install("wlopm", '[ $# = 0 ] && printf "HDMI-A-1 on\\nDP-2 on\\n"; exit 0')
    install("wlr-randr")
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert standby.wake("DP-2") == "screens awake: wlopm DP-2"
    assert log.read_text().splitlines() == ["wlopm ", "wlopm --on DP-2"]


def test_what_cannot_be_is_told_and_nothing_fails(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    assert standby.set_standby(True) == "screens not to sleep: there is no desktop that could do it"
    monkeypatch.setenv("DISPLAY", ":9")
    assert standby.set_standby(False) == "screens not awake: xset is not installed"
    install("xset", "echo broken >&2; echo display >&2; exit 3")
    assert standby.set_standby(True) == "screens not to sleep: xset: broken display"
    install("xset", "exec /bin/sleep 60")
    monkeypatch.setattr(standby, "_WITHIN_S", 0.1)
    assert standby.set_standby(True) == "screens not to sleep: xset did not answer within 0.1 s"
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert "neither wlopm nor wlr-randr" in standby.set_standby(True)


def test_a_real_server_without_power_management_is_told(monkeypatch: pytest.MonkeyPatch) -> None:

    if not (shutil.which("Xvfb") and shutil.which("xset")):
        pytest.skip("needs Xvfb and xset")
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", "64x48x24", "-nolisten", "tcp"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        monkeypatch.setenv("DISPLAY", f":{process.stdout.readline().strip()}")
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        said = standby.put_to_standby()
        process.kill()
    assert said.startswith("screens not to sleep: xset: server does not have extension for dpms")
