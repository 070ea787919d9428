"""Screens asleep outside the opening hours, by whatever the system has for it. Nothing here raises: a wall whose
screens cannot sleep is black, and the run goes on.

    X11                 xset            all screens of the display together
    Wayland (wlroots)   wlopm           power alone: the screen stays where it is on the desktop
                        wlr-randr       where there is no wlopm: the screen leaves the desktop; a kiosk takes it again
    macOS               pmset           and caffeinate to wake; all screens together
    Windows             SC_MONITORPOWER all screens together
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

from realtime.core.language import _

_WITHIN_S = 5.0
"""No such program takes a second; one that waits for a display server that hangs would take for ever."""
_TOO_LONG = 200
_HWND_BROADCAST = 0xFFFF
_WM_SYSCOMMAND = 0x0112
_SC_MONITORPOWER = 0xF170
_SMTO_ABORTIFHUNG = 0x0002
_MOUSEEVENTF_MOVE = 0x0001


class _Refusal(Exception):  # noqa: N818 - told in a line, and no error of anybody's
    """Why it could not be done."""


def put_to_standby(screen: str = "") -> str:
    """Put a screen to sleep; return in one line what was done, or why it could not be.

    `screen`: its name as the system has it, or a part of it; one that is not found, and empty: all. Each program it
    asks has 5 s.
    """
    return _said(_("to sleep"), lambda: _way()(screen, False))


def wake(screen: str = "") -> str:
    """Wake a screen; the rest as `put_to_standby`."""
    return _said("awake", lambda: _way()(screen, True))


def set_standby(on: bool) -> str:
    """Put all screens to sleep, or wake them; return what was done, or why it could not be."""
    return put_to_standby() if on else wake()


def _said(what: str, act: Callable[[], str]) -> str:
    try:
        return _("screens {what}: {by}", what=what, by=act())
    except _Refusal as refusal:
        return _("screens not {what}: {refusal}", what=what, refusal=refusal)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return _("screens not {what}: {error}", what=what, error=type(error).__name__)


def _way() -> Callable[[str, bool], str]:
    """Return what takes a screen's name and whether it is to be awake. Raises _Refusal where the system has nothing."""
    if sys.platform == "win32":
        return _by_message
    if sys.platform == "darwin":
        return _by_pmset
    # First what the session really is: under Wayland there is an X server too, which has no power over any screen.
    if os.environ.get("WAYLAND_DISPLAY"):
        programs = {"wlopm": _by_wlopm, "wlr-randr": _by_wlr_randr}
        for program, set_awake in programs.items():
            if shutil.which(program):
                return set_awake
        raise _Refusal(_("neither wlopm nor wlr-randr is installed"))
    if os.environ.get("DISPLAY"):
        if shutil.which("xset"):
            return _by_xset
        raise _Refusal(_("xset is not installed"))
    raise _Refusal(_("there is no desktop that could do it"))


def _by_xset(screen: str, awake: bool) -> str:  # noqa: ARG001 - X knows power of all screens together
    # Without its own timers, or a screen that was woken goes back to sleep after ten minutes without a mouse.
    _run("xset", "dpms", "0", "0", "0")
    _run("xset", "dpms", "force", "on" if awake else "off")
    return "xset dpms"


def _by_wlopm(screen: str, awake: bool) -> str:
    names = _named(screen, _run("wlopm")) or ["*"]
    for name in names:
        _run("wlopm", "--on" if awake else "--off", name)
    return f"wlopm {' '.join(names)}"


def _by_wlr_randr(screen: str, awake: bool) -> str:
    listed = _run("wlr-randr")
    names = _named(screen, listed) or _named("", listed)
    if not names:
        raise _Refusal(_("wlr-randr lists no screen"))
    for name in names:
        _run("wlr-randr", "--output", name, "--on" if awake else "--off")
    return f"wlr-randr {' '.join(names)}"


def _by_pmset(screen: str, awake: bool) -> str:  # noqa: ARG001 - macOS knows all displays together
    if awake:
        _run("caffeinate", "-u", "-t", "1")  # as a hand on the keyboard
        return "caffeinate"
    _run("pmset", "displaysleepnow")
    return "pmset"


def _by_message(screen: str, awake: bool) -> str:  # noqa: ARG001 - Windows knows all monitors together
    user32: ctypes.CDLL = getattr(ctypes, "windll").user32  # noqa: B009 - there on Windows only
    if awake:
        # The message alone has not woken monitors since Windows 8; a mouse that moves by nothing does.
        user32.mouse_event(_MOUSEEVENTF_MOVE, 0, 1, 0, 0)
        user32.mouse_event(_MOUSEEVENTF_MOVE, 0, ctypes.c_uint32(-1), 0, 0)
    answer = ctypes.c_size_t()
    user32.SendMessageTimeoutW.argtypes = [
        ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t, ctypes.c_ssize_t, ctypes.c_uint, ctypes.c_uint,
        ctypes.POINTER(ctypes.c_size_t),
    ]  # fmt: skip
    power = -1 if awake else 2
    user32.SendMessageTimeoutW(
        _HWND_BROADCAST, _WM_SYSCOMMAND, _SC_MONITORPOWER, power, _SMTO_ABORTIFHUNG, 1000, ctypes.byref(answer)
    )
    return "SC_MONITORPOWER"


def _named(screen: str, listed: str) -> list[str]:
    """Return the screens whose line contains `screen`: a program lists each on a line that begins with its name, and
    more about it on lines that are indented.
    """
    lines = [line for line in listed.splitlines() if line[:1].strip()]
    wanted = screen.casefold()
    exact = [line.split()[0] for line in lines if line.split()[0].casefold() == wanted]
    return exact or [line.split()[0] for line in lines if wanted in line.casefold()]


def _run(*words: str) -> str:
    """Run a program and return what it prints. Raises _Refusal."""
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_WITHIN_S,
            check=False,
        )  # fmt: skip
    except FileNotFoundError:
        raise _Refusal(_("{first} is not installed", first=words[0])) from None
    except subprocess.TimeoutExpired:
        raise _Refusal(_("{first} did not answer within {within_s:g} s", first=words[0], within_s=_WITHIN_S)) from None
    # xset of a server without power management says so and ends with code 0.
    if done.returncode or "does not have" in done.stderr + done.stdout:
        raise _Refusal(f"{words[0]}: {_reason(done.stderr or done.stdout) or f'code {done.returncode}'}")
    return done.stdout


def _reason(text: str) -> str:
    """Return what is wrong, in a line, without how the program wants to be called, which xset tells with it."""
    lacking = [line for line in text.splitlines() if "does not have" in line]
    return " ".join((lacking[0] if lacking else text).split())[:_TOO_LONG]
