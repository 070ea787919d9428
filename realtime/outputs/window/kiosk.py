"""A screen on a gallery's wall: a picture, and nothing that a visitor could do to it. Main thread only."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import time

from realtime.control.commands import Quit
from realtime.core.errors import OutputError
from realtime.core.language import _
from realtime.core.text_limits import abbreviated
from realtime.imaging.frame import Size
from realtime.imaging.sdl import Window as SdlWindow
from realtime.imaging.sdl import pygame
from realtime.outputs import OutputRequest
from realtime.outputs.window.screens import ListedScreen, list_screens, open_display, sdl_library
from realtime.outputs.window.window import Window

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_FIRST_PATIENCE_S = 1.0
_LONGEST_PATIENCE_S = 60.0
"""How long the keyboard may be somebody else's before it is taken back: twice as long after each time. Two screens of a
wall are two programs, which would otherwise take it from each other for ever."""
_CHORD = pygame.KMOD_CTRL, pygame.KMOD_ALT


class Kiosk(Window):
    """The whole of a screen with no controls: no cursor, no words, no screen saver. No key but Ctrl+Alt+Q works, and
    neither mouse, touch nor whoever asks the window to close. It comes back when it has been covered or minimised, and
    when its screen was unplugged.

    The argument is a screen's number, its name or a part of it, or empty: `request.screen`. A name stays the same when
    screens are plugged in another order.
    """

    _kind = "kiosk"
    _opens_fullscreen = True
    _bars = (0, 0, 0)  # a wall that is dark outside the opening hours is dark to its edges

    def __init__(self, argument: str, request: OutputRequest) -> None:
        self._screens: list[ListedScreen] = []
        self._looks_at_s = 0.0
        self._focus_lost_at_s: float | None = None
        self._patience_s = _FIRST_PATIENCE_S
        self._settled_for: tuple[int, Size, tuple[int, int]] | None = None
        """Screen, its size, and the size that the system gave for it: less, if so it will have it, and not asked again
        and again."""
        self._sdl_window: SdlWindow | None = None
        """Held as long as SDL's own: pygame's events look at it, whether it is still there or not."""
        super().__init__(argument, request)
        self._name_of_screen = self._screens[self._screen].name
        self._looks_at_s = time.monotonic() + _LOOK_EVERY_S

    def close(self) -> None:
        super().close()
        self._sdl_window = None

    def _handle(self, event: pygame.event.Event) -> bool:
        if event.type == pygame.KEYDOWN:
            # By its place as well: on a Cyrillic or Greek keyboard no key says q.
            is_q = event.key == pygame.K_q or event.scancode == pygame.KSCAN_Q
            if is_q and all(event.mod & held for held in _CHORD):
                self._controls.send(Quit())
        elif event.type in (pygame.WINDOWMINIMIZED, pygame.WINDOWHIDDEN):
            self._looks_at_s = 0.0
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._focus_lost_at_s = time.monotonic()
        elif event.type == pygame.WINDOWFOCUSGAINED:
            self._focus_lost_at_s = None
        elif event.type in (pygame.WINDOWDISPLAYCHANGED, pygame.WINDOWSIZECHANGED):
            self._looks_at_s = 0.0
            return event.type == pygame.WINDOWSIZECHANGED and super()._handle(event)
        elif event.type == pygame.WINDOWEXPOSED:
            return True
        return False

    def _refresh_overlay(self, now_s: float) -> bool:  # noqa: ARG002 - nothing is ever written here
        return False

    # Staying ----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        super()._open()
        self._sdl_window = SdlWindow.from_display_module()
        pygame.key.stop_text_input()  # or a touch brings up the system's own keyboard
        self.whole_screen = self._canvas().size
        pygame.event.set_keyboard_grab(True)  # or Alt+Tab and the like go to the system
        self._keep_above_others()

    def _look_after(self, now_s: float) -> bool:
        """Undo what has been done to the window. Return whether the picture must be drawn again."""
        if pygame.mouse.get_visible():
            pygame.mouse.set_visible(False)
        if self._focus_lost_at_s is not None and now_s - self._focus_lost_at_s > self._patience_s:
            self._focus_lost_at_s = None
            self._patience_s = min(2 * self._patience_s, _LONGEST_PATIENCE_S)
            self._come_back()
            return True
        if now_s < self._looks_at_s:
            return False
        self._looks_at_s = now_s + _LOOK_EVERY_S
        if not pygame.display.get_active():  # minimised or hidden
            self._come_back()
            return True
        return self._keep_to_screen()

    def _keep_to_screen(self) -> bool:
        """Cover the whole of the screen, which may have been away or have another size now. Return whether that was to
        do.
        """
        sizes = pygame.display.get_desktop_sizes()
        if sizes != [screen.size for screen in self._screens]:
            self._screens = list_screens()
        number = number_of(self._name_of_screen, self._screens, self._screen)
        if number is None or self._surface is None:  # unplugged: it will be looked for
            return False
        found = (number, self._screens[number].size, self._surface.get_size())
        if number == self._shown_on and (found == self._settled_for or found[1] == found[2]):
            self._screen = number
            return False
        log.info(_("taking screen %d (%s) again"), number, self._name_of_screen)
        self._screen = number
        self._open()
        if self._shown_on != number:  # some systems keep a fullscreen window where it is
            self._reopen()
        self._settled_for = (number, found[1], self._surface.get_size())
        self._prepare()
        return True

    def _reopen(self) -> None:
        pygame.display.quit()
        self._connection = None
        self._title = ""
        open_display()
        self._open()

    @property
    def _shown_on(self) -> int:
        """The screen that the window is on."""
        return -1 if self._sdl_window is None else int(self._sdl_window.display_index)

    def _come_back(self) -> None:
        """Show the window again, before others."""
        if self._sdl_window is not None:
            with contextlib.suppress(pygame.error):
                self._sdl_window.show()
                self._sdl_window.restore()
                self._sdl_window.focus()

    def _keep_above_others(self) -> None:
        """Ask for a place above notices and panels, where SDL's own library is found: pygame has no word for it."""
        library = sdl_library()
        if self._sdl_window is None or library is None or not hasattr(library, "SDL_SetWindowAlwaysOnTop"):
            return  # older than SDL 2.0.16
        library.SDL_GetWindowFromID.restype = ctypes.c_void_p
        library.SDL_GetWindowFromID.argtypes = [ctypes.c_uint32]
        library.SDL_SetWindowAlwaysOnTop.argtypes = [ctypes.c_void_p, ctypes.c_int]
        if window := library.SDL_GetWindowFromID(self._sdl_window.id):
            library.SDL_SetWindowAlwaysOnTop(window, 1)

    def _screen_number(self, argument: str) -> int:
        self._screens = list_screens()
        if not argument or argument.isdecimal():
            return super()._screen_number(argument)
        wanted = argument.casefold()
        whole = [screen.number for screen in self._screens if screen.name.casefold() == wanted]
        found = whole or [screen.number for screen in self._screens if wanted in screen.name.casefold()]
        if len(found) == 1:
            return found[0]
        listed = ", ".join(f"{screen.number} {screen.name}" for screen in self._screens)
        what = _("fits several screens") if found else _("is no screen")
        raise OutputError(
            _(
                "'{argument}' {what}; there are: {listed}; give the number or name of one",
                argument=abbreviated(argument),
                what=what,
                listed=listed,
            )
        )


def number_of(name: str, screens: list[ListedScreen], before: int) -> int | None:
    """Return the number that a screen has now: where several are called the same, or none is, the one of its old
    number; None where there is none such.
    """
    found = [screen.number for screen in screens if screen.name == name]
    if len(found) == 1:
        return found[0]
    return before if before < len(screens) else None
