"""A box with words in it, for whoever has started the program without a terminal."""

from __future__ import annotations

import ctypes
import logging

from realtime.outputs.window.screens import sdl_library

log = logging.getLogger(__name__)

_ERROR = 0x10


def show_error(words: str) -> bool:
    """Show words until somebody presses its button. False: no box can be shown here. Main thread; raises nothing."""
    try:
        library = sdl_library()
    except Exception as error:  # pygame itself may be what is broken
        log.debug("finding SDL", exc_info=error)
        return False
    if library is None:
        return False
    show = library.SDL_ShowSimpleMessageBox
    show.argtypes = [ctypes.c_uint32, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p]
    show.restype = ctypes.c_int
    return int(show(_ERROR, b"realtime", words.replace("\0", " ").encode(), None)) == 0
