"""The system's own file dialogue and file manager, each in a process of its own: they may take as long as they like."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from realtime.core.errors import OptionError
from realtime.core.language import _

_TKINTER = """
import sys, tkinter, tkinter.filedialog
root = tkinter.Tk()
root.withdraw()
root.attributes("-topmost", True)
for name in tkinter.filedialog.askopenfilenames(title=sys.argv[1], parent=root):
    sys.stdout.buffer.write(name.encode() + b"\\n")
"""
_APPLE_SCRIPT = """
on run arguments
  set chosen to choose file with prompt (item 1 of arguments) with multiple selections allowed
  set names to ""
  repeat with one in chosen
    set names to names & POSIX path of one & linefeed
  end repeat
  return names
end run
"""
_POWERSHELL = """
[Console]::OutputEncoding = [System.Text.Encoding]::UTF8
Add-Type -AssemblyName System.Windows.Forms
$dialogue = New-Object System.Windows.Forms.OpenFileDialog
$dialogue.Title = $env:REALTIME_DIALOGUE_TITLE
$dialogue.Multiselect = $true
if ($dialogue.ShowDialog() -eq 'OK') { $dialogue.FileNames }
"""


def dialogue_command(
    title: str, platform: str = sys.platform, environment: Mapping[str, str] = os.environ
) -> Sequence[str] | None:
    """Return what opens the system's file dialogue and prints the files chosen, one a line; None: there is none."""
    if platform == "win32":
        return ["powershell", "-NoProfile", "-STA", "-Command", _POWERSHELL]
    if platform == "darwin":
        return ["osascript", "-e", _APPLE_SCRIPT, title]
    if not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return None
    kdialog = shutil.which("kdialog", path=environment.get("PATH"))
    zenity = shutil.which("zenity", path=environment.get("PATH"))
    if kdialog and ("KDE" in environment.get("XDG_CURRENT_DESKTOP", "") or not zenity):
        return [kdialog, "--title", title, "--multiple", "--separate-output", "--getopenfilename", str(_home())]
    if zenity:
        return [zenity, "--file-selection", "--multiple", "--separator=\n", f"--title={title}"]
    if sys.executable and environment.get("DISPLAY") and importlib.util.find_spec("_tkinter") is not None:
        return [sys.executable, "-I", "-c", _TKINTER, title]
    return None


def chosen_files(command: Sequence[str], title: str) -> list[Path]:
    """Open a dialogue and wait for what is chosen; nothing where it is cancelled. Raises OptionError where it fails."""
    environment = os.environ | {"REALTIME_DIALOGUE_TITLE": title}
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            creationflags=flags,
            check=False,
        )
    except OSError as error:
        raise OptionError(
            _("no file dialogue opens ({reason}); drop the file on the window", reason=error.strerror or error)
        ) from error
    names = done.stdout.decode("utf-8", "surrogateescape").splitlines()
    return [Path(name) for name in names if name.strip()]


def show_folder(folder: Path) -> None:
    """Open a folder in the system's file manager, made where it is not there yet. Raises OptionError."""
    openers = {"win32": "explorer", "darwin": "open"}
    opener = openers.get(sys.platform, "xdg-open")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.Popen(
            [opener, str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise OptionError(
            _("open this folder yourself: {folder} ({reason})", folder=folder, reason=error.strerror or error)
        ) from error


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        return Path.cwd()
