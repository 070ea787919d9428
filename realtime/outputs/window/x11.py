"""An X server that ends, or cuts the connection, must not take the whole program with it.

Xlib calls `exit()` when its connection breaks, in two places: a recording beside the window would have no end, a call
no camera. Since libX11 1.7 (2020) a program may say what happens instead, if it then leaves Xlib alone.
"""

from __future__ import annotations

import atexit
import ctypes
import ctypes.util
import sys
from typing import Any

_ERROR_HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_EXIT_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_SAY_NOTHING = _ERROR_HANDLER(lambda display: 0)  # in place of Xlib's own, which prints and exits


class XConnection:
    """SDL's connection to the X server. Main thread, as all of SDL."""

    def __init__(self, library: ctypes.CDLL, display: int) -> None:
        self.is_lost = False
        self._handler = _EXIT_HANDLER(self._lost)  # Xlib keeps its address only: it must live as long as the connection
        library.XSetIOErrorHandler.argtypes = [_ERROR_HANDLER]
        library.XSetIOErrorHandler(_SAY_NOTHING)
        library.XSetIOErrorExitHandler.argtypes = [ctypes.c_void_p, _EXIT_HANDLER, ctypes.c_void_p]
        library.XSetIOErrorExitHandler.restype = None
        library.XSetIOErrorExitHandler(display, self._handler, None)

    def _lost(self, display: int, data: int) -> None:  # noqa: ARG002 - the signature is Xlib's
        self.is_lost = True

    def abandon(self) -> None:
        """Let nothing touch a lost connection again: closing SDL would talk to the server once more, and end there."""
        import pygame

        atexit.unregister(pygame.quit)
        _ABANDONED.append(self)


_ABANDONED: list[XConnection] = []
"""Xlib may call their handlers until the process ends."""


def connection() -> XConnection | None:
    """Return the connection of the window that is open; None where it is not X's, or Xlib is older than 1.7."""
    if sys.platform != "linux":
        return None
    from realtime.imaging.sdl import pygame

    if pygame.display.get_driver() != "x11":
        return None
    capsule: Any = pygame.display.get_wm_info().get("display")
    try:
        library = ctypes.CDLL("libX11.so.6")  # the one that SDL has loaded
        if capsule is None or not hasattr(library, "XSetIOErrorExitHandler"):
            return None
        pointer = ctypes.pythonapi.PyCapsule_GetPointer
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        display = pointer(capsule, b"display")
    except (OSError, ValueError):
        return None
    return XConnection(library, display)
