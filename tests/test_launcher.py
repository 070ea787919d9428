"""An icon among the programs, on each system as that wants it."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.__main__ import main
from realtime.system import launcher


def exec_words(entry: str) -> list[str]:
    """The words of an Exec line, unescaped as a desktop does: once as a value, once as arguments."""
    (line,) = (line.removeprefix("Exec=") for line in entry.splitlines() if line.startswith("Exec="))
    words = shlex.split(line.replace("\\\\", "\\"))  # which leaves two of the four escapes to us
    return [word.replace("%%", "%").replace("\\$", "$").replace("\\`", "`") for word in words]


def test_a_desktop_finds_it_with_its_icon_and_starts_it(tmp_path: Path) -> None:
    entry, icon = launcher.install(platform="linux", home=tmp_path)
    assert entry == tmp_path / "applications" / "realtime.desktop"
    assert Path(exec_words(entry.read_text("utf-8"))[-5]).samefile(sys.executable)
    assert exec_words(entry.read_text("utf-8"))[-4:] == ["-m", "realtime", "--from-icon", "%f"]
    picture = cv2.imread(str(icon))
    assert picture is not None
    assert picture.shape[:2] == (256, 256)
    if (validate := shutil.which("desktop-file-validate")) is not None:
        assert subprocess.run([validate, str(entry)], capture_output=True, check=False, text=True).stdout == ""
    assert launcher.uninstall(platform="linux", home=tmp_path) == [entry, icon]
    assert not entry.exists()
    assert launcher.uninstall(platform="linux", home=tmp_path) == []


def test_what_is_written_starts_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    entry, _ = launcher.install(platform="linux", home=tmp_path)
    words = exec_words(entry.read_text("utf-8"))
    assert words[0] == "env"
    done = subprocess.run([*words[:-1], "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.startswith("realtime ")


def test_odd_paths_survive_both_unescapings() -> None:
    command = ['/home/a b/100%/$HOME/it\'s "py"\\thon`', "-m", "realtime"]
    entry = launcher.desktop_entry(command, {})
    assert exec_words(entry) == [*command, "%f"]
    program = launcher.shell_program(["printf", "%s", command[0]], {"PYTHONPATH": "/a 'b'"})
    if sys.platform != "win32":
        told = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True)
        assert told.stdout == command[0]
    assert "export PYTHONPATH='/a '\\''b'\\'''\n" in program


def test_macos_has_an_app_that_may_ask_for_the_camera(tmp_path: Path) -> None:
    (bundle,) = launcher.install(platform="darwin", home=tmp_path)
    about = plistlib.loads((bundle / "Contents" / "Info.plist").read_bytes())
    program = bundle / "Contents" / "MacOS" / about["CFBundleExecutable"]
    assert program.stat().st_mode & 0o111
    assert about["NSCameraUsageDescription"]
    data = (bundle / "Contents" / "Resources" / about["CFBundleIconFile"]).read_bytes()
    kind, length = struct.unpack(">4sI", data[:8])
    assert (kind, length) == (b"icns", len(data))
    assert picture_size(data[16:]) == (256, 256)
    assert launcher.uninstall(platform="darwin", home=tmp_path) == [bundle]
    assert not bundle.exists()


def test_windows_has_a_shortcut_that_opens_no_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts: list[str] = []

    def run(words: list[str], **_: object) -> None:
        assert words[0] == "powershell.exe"
        scripts.append(launcher.base64.b64decode(words[-1]).decode("utf-16-le"))  # type: ignore[attr-defined]

    monkeypatch.setattr("subprocess.run", run)
    monkeypatch.setattr(launcher.sys, "executable", str(tmp_path / "it's" / "python.exe"))  # type: ignore[attr-defined]
    (tmp_path / "it's").mkdir()
    (tmp_path / "it's" / "pythonw.exe").touch()
    _, icon = launcher.install(platform="win32", home=tmp_path)
    (script,) = scripts
    target = str(tmp_path / "it's" / "pythonw.exe").replace("'", "''")
    assert f"$link.TargetPath = '{target}'" in script
    assert "$link.Arguments = '-m realtime --from-icon'" in script
    assert script.endswith("$link.Save()")
    data = icon.read_bytes()
    assert struct.unpack("<HHH", data[:6]) == (0, 1, 1)
    assert picture_size(data[struct.unpack("<I", data[18:22])[0] :]) == (256, 256)


def picture_size(png: bytes) -> tuple[int, int]:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture is not None
    return picture.shape[1], picture.shape[0]


@pytest.mark.skipif(sys.platform != "linux", reason="writes where this system looks")
def test_the_command_writes_and_removes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert main(["install-launcher"]) == 0
    assert f"written: {tmp_path}/applications/realtime.desktop" in capsys.readouterr().out
    assert main(["install-launcher", "--remove"]) == 0
    assert main(["install-launcher", "--remove"]) == 0
    assert capsys.readouterr().out.endswith("there was no launcher here\n")


def test_who_has_no_terminal_reads_in_a_box_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr("realtime.outputs.window.message.show_error", shown.append)
    assert main(["--from-icon", "nothere.mp4"]) == 2
    assert shown == ["No such file: nothere.mp4; check the path, or see 'realtime --help'"]
    assert main(["nothere.mp4"]) == 2
    assert main(["--from-icon", "effects", "style"]) == 0
    assert len(shown) == 1


def test_where_no_box_can_be_shown_nothing_fails() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from realtime.outputs.window.message import show_error; print(show_error('gone'))"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DISPLAY": "", "WAYLAND_DISPLAY": "", "SDL_VIDEODRIVER": "dummy"},
    )
    assert done.stdout.strip().endswith("False")
