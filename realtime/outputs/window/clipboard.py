"""What somebody has copied elsewhere, as text."""

from __future__ import annotations

from realtime.imaging.sdl import pygame

_KINDS = ("text/plain;charset=utf-8", "UTF8_STRING", "text/plain")
_LONGEST_BYTES = 4000


def clipboard_text() -> str:
    """Return the text that was copied last; empty: there is none, or this system does not tell. With a window only."""
    try:
        if not pygame.scrap.get_init():
            pygame.scrap.init()
        for kind in _KINDS:
            data = pygame.scrap.get(kind)
            if data:
                return bytes(data[:_LONGEST_BYTES]).decode("utf-8", "replace").rstrip("\0")
    except (pygame.error, NotImplementedError):
        pass
    return ""
