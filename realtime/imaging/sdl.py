"""pygame with SDL told how we want it. Everything that opens a display imports pygame from here.

SDL reads its hints from the environment, and pygame prints a greeting unless told not to, so both must be set before
the import. What the user has set already stays.
"""

from __future__ import annotations

import os

_HINTS = {
    "PYGAME_HIDE_SUPPORT_PROMPT": "1",
    # Windows: the picture in the screen's own pixels; without it a 4K screen shows a blurred enlargement.
    "SDL_WINDOWS_DPI_AWARENESS": "permonitorv2",
    # A fullscreen picture stays when somebody clicks on the other screen.
    "SDL_VIDEO_MINIMIZE_ON_FOCUS_LOSS": "0",
    # The desktop's compositor goes on, or windows on the other screen would tear.
    "SDL_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR": "0",
    "SDL_VIDEO_CENTERED": "1",
    "SDL_VIDEO_X11_WMCLASS": "realtime",
    "SDL_VIDEO_WAYLAND_WMCLASS": "realtime",
    "SDL_APP_NAME": "realtime",
    # A window lets the screen sleep; fullscreen does not, see window.py.
    "SDL_VIDEO_ALLOW_SCREENSAVER": "1",
    # Ctrl-C and SIGTERM belong to the loop, which finishes its files.
    "SDL_NO_SIGNAL_HANDLERS": "1",
}
for _name, _value in _HINTS.items():
    os.environ.setdefault(_name, _value)

import pygame as pygame  # noqa: E402 - after the hints
from pygame._sdl2.video import Window as Window  # noqa: E402 - as above
