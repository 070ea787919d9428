"""Imports MediaPipe without what it imports but we never use.

`mediapipe.tasks.python.vision` imports matplotlib.pyplot for one plotting function, and its audio package
imports sounddevice, which starts PortAudio: together 0.50 s of 0.59 s, and 40 MB. While MediaPipe is
imported, stand-ins take the places of both. A stand-in that is used imports the real module and passes
everything on to it, so the plotting function and the audio recorder still work, for us and for anybody else
in the process; they only pay when used.
"""

from __future__ import annotations

import contextlib
import importlib
import locale
import sys
import types
from collections.abc import Iterator
from typing import Any

from realtime.core.errors import ModelError
from realtime.core.language import _

_OTHER_LETTERS = ("tr", "az", "Turkish", "Azerbaijani")
"""How the names of such locales begin, on Windows as words."""
_DEFERRED = ("matplotlib", "matplotlib.pyplot", "sounddevice")


def import_mediapipe() -> tuple[Any, Any]:
    """Return the modules `mediapipe` and `mediapipe.tasks.python`. Any thread.

    Raises ModelError where MediaPipe cannot be loaded.
    """
    try:
        with _deferred_imports():
            return importlib.import_module("mediapipe"), importlib.import_module("mediapipe.tasks.python")
    except (ImportError, OSError) as error:
        raise ModelError(cannot_load(error)) from error


def cannot_load(error: BaseException) -> str:
    """Return the line for a MediaPipe, or a library it needs, that does not load."""
    line = _("MediaPipe does not load: {reason}", reason=error)
    if "libEGL" in line or "libGLES" in line:  # its Linux library is linked against both, though it runs on the CPU
        return _(
            "{line}; install them (Debian/Ubuntu `sudo apt install libegl1 libgles2`, Fedora `sudo "
            "dnf install libglvnd-egl libglvnd-gles`) or leave out --detector",
            line=line,
        )
    return _(
        "{line}; reinstall it (`python -m pip install --force-reinstall mediapipe`) or leave out --detector", line=line
    )


@contextlib.contextmanager
def plain_letters() -> Iterator[None]:
    """Let the process know ASCII's letters while a graph of MediaPipe's is opened.

    MediaPipe lowers the letters of its graph's tags by the C library, and with Turkish letters (and Azeri ones) `I` is
    not the capital of `i`: it then refuses its own graph, `TAG:index:name is invalid`. It does so on a thread of its
    own, so that letters for this thread alone (`uselocale`) would not help. With other letters nothing is touched.
    """
    own = locale.setlocale(locale.LC_CTYPE)
    if not own.startswith(_OTHER_LETTERS):
        yield
        return
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:  # there is none on macOS and in old systems
        locale.setlocale(locale.LC_CTYPE, "C")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_CTYPE, own)


class _StandIn(types.ModuleType):
    """Becomes the real module, for whoever asks it for anything."""

    def __getattr__(self, name: str) -> Any:
        if isinstance(sys.modules.get(self.__name__), _StandIn):
            _remove_stand_ins()
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def _deferred_imports() -> Iterator[None]:
    """Let stand-ins take the places of modules that nobody has imported yet."""
    if "mediapipe" in sys.modules:  # it is here, so there is nothing to spare any more
        yield
        return
    for name in _DEFERRED:
        if name.partition(".")[0] in sys.modules and not isinstance(sys.modules[name.partition(".")[0]], _StandIn):
            continue
        stand_in = _StandIn(name)
        parent, _, child = name.rpartition(".")
        if parent:
            vars(sys.modules[parent])[child] = stand_in
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        _remove_stand_ins()


def _remove_stand_ins() -> None:
    for name in _DEFERRED:
        if isinstance(sys.modules.get(name), _StandIn):
            del sys.modules[name]
