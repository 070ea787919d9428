"""What starts a gallery with its computer: a systemd user unit, a launchd agent, a Windows task.

Only the file is written; the commands that make it count are told, because they may ask for a password or for consent.
"""

from __future__ import annotations

import getpass
import os
import plistlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import platformdirs

from realtime.core.errors import OptionError, OutputError
from realtime.core.files import atomic_write
from realtime.core.language import _
from realtime.gallery.config import Gallery
from realtime.gallery.processes.state import gallery_folder

WATCHDOG_S = 120
"""Without news for so long, systemd starts all of it again. The supervisor itself acts after 20 s."""
_DISPLAY = ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "XDG_SESSION_TYPE", "SDL_VIDEODRIVER")
_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")


def install(gallery: Gallery, *, platform: str = sys.platform) -> list[str]:
    """Write what starts a gallery; return lines that say what was done and what comes next. Raises OutputError."""
    path, name = service_file(gallery, platform)
    if platform == "darwin":
        data = launchd_agent(gallery, os.environ)
        following = [f"launchctl load -w {_quoted(path)}", _("System Settings: log in automatically; camera allowed")]
    elif platform == "win32":
        data = windows_task(gallery, getpass.getuser()).encode("utf-16")
        following = [f'schtasks /Create /TN "{name}" /XML {_quoted(path)}', f'schtasks /Run /TN "{name}"']
    else:
        data = systemd_unit(gallery, os.environ).encode()
        following = [
            "systemctl --user daemon-reload",
            f"systemctl --user enable --now {name}",
            _("let the desktop log this user in automatically; without a desktop: sudo loginctl enable-linger $USER"),
            _("to look: systemctl --user status {name}", name=name),
        ]
    _write(path, data)
    return [_("written: {path}", path=path), "next:", *(f"  {line}" for line in following)]


def remove(gallery: Gallery, *, platform: str = sys.platform) -> list[str]:
    """Take it away; return lines as `install` does. Raises OptionError where there is none, OutputError."""
    path, name = service_file(gallery, platform)
    links = [path.parent / f"{target}.wants" / name for target in ("graphical-session.target", "default.target")]
    if not path.exists():
        raise OptionError(_("no service of {path} is installed here; there is no {file}", path=gallery.path, file=path))
    following = {
        "darwin": [f"launchctl remove {path.stem}"],
        "win32": [f'schtasks /Delete /F /TN "{name}"'],
    }.get(platform, [f"systemctl --user stop {name}", "systemctl --user daemon-reload"])
    try:
        for one in (*(links if platform not in ("darwin", "win32") else ()), path):
            one.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            _("cannot remove {path}: {reason}; remove it by hand", path=path, reason=error.strerror or error)
        ) from error
    return [_("removed: {path}", path=path), "next:", *(f"  {line}" for line in following)]


def service_file(gallery: Gallery, platform: str = sys.platform) -> tuple[Path, str]:
    """Return where it is written, and what the system calls it. Raises OptionError where nobody's home is known."""
    name = f"realtime-gallery-{gallery_folder(gallery.path).name}"
    if platform == "darwin":
        return Path.home() / "Library" / "LaunchAgents" / f"{name}.plist", name
    if platform == "win32":
        return gallery_folder(gallery.path) / f"{name}.xml", name
    folder = Path(os.environ.get("XDG_CONFIG_HOME") or platformdirs.user_config_path())
    return folder / "systemd" / "user" / f"{name}.service", f"{name}.service"


def systemd_unit(gallery: Gallery, environment: Mapping[str, str]) -> str:
    """Return a user unit. The display's variables are those of this session; a desktop that hands its own to systemd
    (`systemctl --user import-environment`) overrides none of them, so write it from within the session that will show.
    """
    variables = "".join(
        f"Environment={_unit_word(f'{name}={environment[name]}')}\n"
        for name in (*_DISPLAY, *_OURS)
        if environment.get(name)
    )
    words = " ".join(_unit_word(word, is_command=True) for word in _command(gallery))
    return f"""\
[Unit]
Description={_unit_line(f"realtime gallery {gallery.name}")}
PartOf=graphical-session.target
After=graphical-session.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={words}
WorkingDirectory={_unit_line(str(gallery.path.parent))}
{variables}WatchdogSec={WATCHDOG_S}
TimeoutStartSec=300
TimeoutStopSec=10
Restart=always
RestartSec=500ms
# Ended at the screen by its one chord: it stays ended.
RestartPreventExitStatus=0

[Install]
WantedBy=graphical-session.target
"""


def launchd_agent(gallery: Gallery, environment: Mapping[str, str]) -> bytes:
    """Return a launch agent's property list."""
    return plistlib.dumps(
        {
            "Label": service_file(gallery, "darwin")[1],
            "ProgramArguments": _command(gallery),
            "WorkingDirectory": str(gallery.path.parent),
            "EnvironmentVariables": {name: environment[name] for name in _OURS if environment.get(name)},
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 1,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
        }
    )


def windows_task(gallery: Gallery, user: str) -> str:
    """Return a task of the Task Scheduler: at the user's logon, again a minute after it failed, as often as its schema
    allows to say: its `Count` is an unsigned byte.
    """
    program, *words = _command(gallery)
    arguments = subprocess.list2cmdline(words)
    return f"""\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Description>{escape(f"realtime gallery {gallery.name}")}</Description></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled><UserId>{escape(user)}</UserId></LogonTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>{escape(user)}</UserId>
    <LogonType>InteractiveToken</LogonType></Principal></Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure><Interval>PT1M</Interval><Count>255</Count></RestartOnFailure>
    <Enabled>true</Enabled>
  </Settings>
  <Actions Context="Author"><Exec>
    <Command>{escape(program)}</Command>
    <Arguments>{escape(arguments)}</Arguments>
    <WorkingDirectory>{escape(str(gallery.path.parent))}</WorkingDirectory>
  </Exec></Actions>
</Task>
"""


def _command(gallery: Gallery) -> list[str]:
    return [sys.executable, "-m", "realtime", "gallery", str(gallery.path)]


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            _("cannot write {path}: {reason}; choose another user", path=path, reason=error.strerror or error)
        ) from error
    with atomic_write(path) as unfinished:
        unfinished.write_bytes(data)


def _unit_word(text: str, *, is_command: bool = False) -> str:
    """Quote a word for a unit's line: `%` begins a specifier there, and in a command `$` a variable."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_unit_line(text.replace("$", "$$") if is_command else text)}"'


def _unit_line(text: str) -> str:
    return " ".join(text.split("\n")).replace("%", "%%")


def _quoted(path: Path) -> str:
    return f'"{path}"'
