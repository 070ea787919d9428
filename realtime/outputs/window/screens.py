"""Which screens there are, and opening SDL's display on them. Main thread."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from realtime.core.errors import OutputError
from realtime.core.language import _
from realtime.imaging.frame import Size


@dataclasses.dataclass(frozen=True, slots=True)
class ListedScreen:
    """A screen as the system describes it."""

    number: int
    """What `--screen` calls it."""
    name: str
    size: Size
    position: tuple[int, int]
    """Of its top-left corner on the desktop, pixels."""
    scale: float
    """How much larger than life the system draws texts on it, where it tells: 1.0, 1.25, 2.0."""


def has_screen() -> bool:
    """Return whether a window can be opened here. Prints nothing, and is quick on a server without a screen.

    A user who sets SDL_VIDEODRIVER=dummy has a screen: one that is never seen.
    """
    try:
        with opened_display():
            return True
    except OutputError:
        return False


def list_screens() -> list[ListedScreen]:
    """Return the screens, none on a server."""
    try:
        with opened_display():
            from realtime.imaging.sdl import pygame

            sizes = [Size(*size) for size in pygame.display.get_desktop_sizes()]
            library = sdl_library()
            return [_describe(library, number, size) for number, size in enumerate(sizes)]
    except OutputError:
        return []


@contextlib.contextmanager
def opened_display() -> Iterator[None]:
    """Keep SDL's display open inside the block; one that was open before stays. Raises OutputError without a screen."""
    from_outside = "pygame" in sys.modules and sys.modules["pygame"].display.get_init()
    if not from_outside:
        open_display()
    try:
        yield
    finally:
        if not from_outside:
            sys.modules["pygame"].display.quit()


def open_display() -> None:
    """Open SDL's display. Raises OutputError, with other outputs to choose, where there is no screen."""
    chosen = os.environ.get("SDL_VIDEODRIVER")
    drivers = _drivers()
    if not chosen and drivers == "":
        raise _no_screen(_("neither DISPLAY nor WAYLAND_DISPLAY is set"))
    from realtime.imaging.sdl import pygame

    try:
        # Naming the drivers keeps SDL from trying all it has: those that cannot be print complaints of their own,
        # and the last of them, "offscreen", always works and shows nothing to anybody.
        if not chosen and drivers:
            os.environ["SDL_VIDEODRIVER"] = drivers
        pygame.display.init()
    except pygame.error as error:
        raise _no_screen(str(error)) from error
    finally:
        if not chosen:
            os.environ.pop("SDL_VIDEODRIVER", None)


def _no_screen(reason: str) -> OutputError:
    return OutputError(
        _(
            "there is no screen for a window ({reason}); choose another output: --output out.mp4, "
            "--output camera or --output none",
            reason=reason,
        )
    )


def _drivers() -> str | None:
    """Return SDL's names of what may show a window on this Linux, best first; empty: nothing; None: SDL knows."""
    if sys.platform != "linux":
        return None
    drivers = []
    if os.environ.get("DISPLAY"):
        drivers.append("x11")
    if os.environ.get("WAYLAND_DISPLAY"):
        drivers.append("wayland")
    if not drivers and any(Path("/dev/dri").glob("card*")):
        drivers.append("kmsdrm")  # a gallery's small computer may have a screen and no desktop
    return ",".join(drivers)


class _Rect(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int))


def _describe(library: ctypes.CDLL | None, number: int, size: Size) -> ListedScreen:
    name, position, scale = "", (0, 0), 1.0
    if library is not None:
        name = (library.SDL_GetDisplayName(number) or b"").decode("utf-8", "replace")
        bounds = _Rect()
        if library.SDL_GetDisplayBounds(number, ctypes.byref(bounds)) == 0:
            position = (bounds.x, bounds.y)
        diagonal_dpi = ctypes.c_float()
        # Elsewhere SDL 2 gives the panel's physical density, which says nothing about the scale the user chose.
        if sys.platform == "win32" and not library.SDL_GetDisplayDPI(number, ctypes.byref(diagonal_dpi), None, None):
            scale = diagonal_dpi.value / 96.0
    return ListedScreen(number, name or _("screen {number}", number=number), size, position, scale)


def sdl_library() -> ctypes.CDLL | None:
    """Return the SDL that pygame has loaded: pygame 2 tells the sizes of screens, but neither names nor places."""
    from realtime.imaging.sdl import pygame

    package = Path(pygame.__file__).parent
    places = (
        (package, "SDL2.dll"),  # Windows
        (package / ".dylibs", "libSDL2-2*.dylib"),  # macOS
        (package.parent / "pygame.libs", "libSDL2-2*.so*"),  # Linux, from PyPI
    )
    for folder, pattern in places:
        for path in folder.glob(pattern):
            try:
                library = ctypes.CDLL(str(path))
            except OSError:
                continue
            library.SDL_GetDisplayName.restype = ctypes.c_char_p
            return library
    return None
