"""An icon to start the program by, for people without a terminal: where each system looks for such things."""

from __future__ import annotations

import base64
import os
import plistlib
import shutil
import struct
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

import realtime
from realtime import __version__
from realtime.core.errors import OutputError
from realtime.core.files import atomic_write, remove
from realtime.core.language import N_, _

NAME = "Realtime"
SUMMARY = N_("Portraits that look at you, paintings and other faces, live from the camera")
_ID = "realtime"
_FROM_ICON = "--from-icon"  # errors are shown in a box, as nobody reads standard error
_KEPT_VARIABLES = ("PYTHONPATH", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")
"""Without these, what is found now would not be found from the icon."""
_SHORTCUT_WITHIN_S = 60.0
_NO_WINDOW = 0x08000000  # of Windows: no console flashes up


def install(*, platform: str = sys.platform, home: Path | None = None) -> list[Path]:
    """Write the launcher and return what was written, the one to be started first. Raises OutputError."""
    home = _home() if home is None else home
    try:
        if platform == "win32":
            return _install_on_windows(home)
        return _install_on_macos(home) if platform == "darwin" else _install_on_desktop(home)
    except OSError as error:
        where = error.filename or home
        raise OutputError(
            _("{where}: {reason}; nothing else was written", where=where, reason=error.strerror or error)
        ) from error


def uninstall(*, platform: str = sys.platform, home: Path | None = None) -> list[Path]:
    """Take it away and return what was removed; nothing, where there was none. Raises OutputError."""
    places = _places(_home() if home is None else home, platform)
    removed = [path for path in places if os.path.lexists(path)]
    for path in removed:
        remove(path)
    if left := [path for path in removed if os.path.lexists(path)]:
        raise OutputError(_("{left} cannot be removed; remove it by hand", left=left[0]))
    return removed


def _places(home: Path, platform: str) -> list[Path]:
    if platform == "win32":
        return [home / "Start Menu" / "Programs" / f"{NAME}.lnk", home / _ID / f"{_ID}.ico"]
    if platform == "darwin":
        return [home / "Applications" / f"{NAME}.app"]
    return [
        home / "applications" / f"{_ID}.desktop",
        home / "icons" / "hicolor" / "256x256" / "apps" / f"{_ID}.png",
    ]


def _home() -> Path:
    """Return the folder below which a system keeps such things for one user. Raises OutputError."""
    try:
        if sys.platform == "win32":
            return Path(os.environ["APPDATA"]) / "Microsoft" / "Windows"
        return Path.home() if sys.platform == "darwin" else platformdirs.user_data_path()
    except (RuntimeError, KeyError) as error:
        raise OutputError(_("no home folder is known to put a launcher into; set HOME")) from error


# A desktop of freedesktop.org (GNOME, KDE, Xfce …) ------------------------------------------------------------------


def _install_on_desktop(data: Path) -> list[Path]:
    launcher, icon = _places(data, "linux")
    _write(icon, _icon())
    _write(launcher, desktop_entry(_command(sys.executable), os.environ).encode())
    if (refresh := shutil.which("update-desktop-database")) is not None:
        subprocess.run([refresh, str(launcher.parent)], check=False, capture_output=True, timeout=_SHORTCUT_WITHIN_S)
    return [launcher, icon]


def desktop_entry(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the entry of a menu (Desktop Entry Specification 1.5): a photo or film that is dropped on it is opened."""
    kept = [f"{name}={environment[name]}" for name in _KEPT_VARIABLES if environment.get(name)]
    words = ["env", *kept, *command] if kept else list(command)
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Version=1.5",
            f"Name={NAME}",
            f"Comment={_(SUMMARY)}",
            f"Exec={' '.join(map(_quoted, words))} %f",
            f"Icon={_ID}",
            "Terminal=false",
            "Categories=AudioVideo;Video;",
            "Keywords=webcam;camera;effects;face;portrait;style;",
            f"StartupWMClass={_ID}",
            "",
        )
    )


def _quoted(word: str) -> str:
    """Quote a word of an `Exec` line, which is unescaped twice: as a value and as an argument."""
    for letter in ("\\", '"', "`", "$"):
        word = word.replace(letter, f"\\{letter}")
    return '"' + word.replace("\\", "\\\\").replace("%", "%%") + '"'


# macOS --------------------------------------------------------------------------------------------------------------


def _install_on_macos(home: Path) -> list[Path]:
    (bundle,) = _places(home, "darwin")
    contents = bundle / "Contents"
    _write(contents / "Info.plist", info_plist())
    _write(contents / "Resources" / f"{_ID}.icns", icns(_icon()))
    program = contents / "MacOS" / _ID
    _write(program, shell_program(_command(sys.executable), os.environ).encode())
    program.chmod(0o755)
    return [bundle]


def info_plist() -> bytes:
    """Return what macOS must know of an app; without the reasons it gives no camera and no microphone."""
    return plistlib.dumps(
        {
            "CFBundleName": NAME,
            "CFBundleIdentifier": "org.realtime-effects.launcher",
            "CFBundleExecutable": _ID,
            "CFBundleIconFile": f"{_ID}.icns",
            "CFBundlePackageType": "APPL",
            "CFBundleShortVersionString": __version__,
            "CFBundleVersion": __version__,
            "NSHighResolutionCapable": True,
            "NSCameraUsageDescription": _("Your picture is changed live, on this computer only."),
            "NSMicrophoneUsageDescription": _("Your voice is kept in step with the picture, on this computer only."),
        }
    )


def shell_program(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return what the app runs."""
    kept = "".join(
        f"export {name}={_shell_quoted(environment[name])}\n" for name in _KEPT_VARIABLES if environment.get(name)
    )
    return f"#!/bin/sh\n{kept}exec {' '.join(map(_shell_quoted, command))}\n"


def _shell_quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"


def icns(png: bytes) -> bytes:
    """Return an icon as macOS takes it, of a PNG of 256×256 pixels."""
    element = b"ic08" + struct.pack(">I", len(png) + 8) + png
    return b"icns" + struct.pack(">I", len(element) + 8) + element


# Windows ------------------------------------------------------------------------------------------------------------


def _install_on_windows(folder: Path) -> list[Path]:
    shortcut, icon = _places(folder, "win32")
    _write(icon, ico(_icon()))
    shortcut.parent.mkdir(parents=True, exist_ok=True)
    script = shortcut_script(shortcut, _command(_without_console(Path(sys.executable))), icon)
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    try:
        subprocess.run(
            ["powershell.exe", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded],
            check=True,
            capture_output=True,
            timeout=_SHORTCUT_WITHIN_S,
            creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise OutputError(
            _(
                "PowerShell does not write {shortcut}: {reason}; make a shortcut to '{id}' by hand",
                shortcut=shortcut,
                reason=error,
                id=_ID,
            )
        ) from error
    return [shortcut, icon]


def _without_console(python: Path) -> str:
    """Return the Python that opens no console, where there is one beside it."""
    quiet = python.with_name("pythonw.exe")
    return str(quiet if quiet.is_file() else python)


def shortcut_script(shortcut: Path, command: Sequence[str], icon: Path) -> str:
    """Return a PowerShell script that writes a shortcut: Windows has no other way without a library."""
    program, *words = command
    return "\n".join(
        (
            "$ErrorActionPreference = 'Stop'",
            f"$link = (New-Object -ComObject WScript.Shell).CreateShortcut({_powershell_quoted(str(shortcut))})",
            f"$link.TargetPath = {_powershell_quoted(program)}",
            f"$link.Arguments = {_powershell_quoted(' '.join(words))}",
            f"$link.IconLocation = {_powershell_quoted(f'{icon},0')}",
            f"$link.Description = {_powershell_quoted(_(SUMMARY))}",
            "$link.WorkingDirectory = [Environment]::GetFolderPath('MyDocuments')",
            "$link.Save()",
        )
    )


def _powershell_quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def ico(png: bytes) -> bytes:
    """Return an icon as Windows takes it since Vista, of a PNG of 256×256 pixels."""
    header = struct.pack("<HHH", 0, 1, 1)
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(png), len(header) + 16)  # 0: 256
    return header + entry + png


def _command(python: str) -> list[str]:
    return [python, "-m", "realtime", _FROM_ICON]


def _icon() -> bytes:
    return (Path(realtime.__file__).parent / "outputs" / "window" / "icon.png").read_bytes()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data)
