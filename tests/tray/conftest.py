from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from realtime.imaging.sdl import pygame
from realtime.imaging.text import forget_fonts


@pytest.fixture
def a_screen() -> Iterator[None]:
    """A display that is open, as the window's is, where nobody looks."""
    if os.environ.get("SDL_VIDEODRIVER") != "dummy":
        pytest.skip("draws where nobody looks: needs SDL_VIDEODRIVER=dummy")
    pygame.display.init()
    pygame.font.init()
    pygame.display.set_mode((64, 48))
    yield
    forget_fonts()
    pygame.font.quit()
    pygame.display.quit()
