"""A window, or a whole screen, through pygame. Main thread only."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from realtime.control.commands import (
    KeepScene,
    Quit,
    SetInCalls,
)
from realtime.core.errors import OutputError
from realtime.core.language import _
from realtime.core.text_limits import abbreviated, whole_number
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.imaging.pixels import Place, rotated_size
from realtime.imaging.sdl import pygame
from realtime.imaging.text import speak_what_can_be_drawn
from realtime.outputs import Output, OutputRequest
from realtime.outputs.window import x11
from realtime.outputs.window.canvas import Canvas
from realtime.outputs.window.clipboard import clipboard_text
from realtime.outputs.window.fitting import Fitting, Prepared, bars_around, first_size, reshaped
from realtime.outputs.window.keys import digit_of, latin_key
from realtime.outputs.window.overlay import Overlay
from realtime.outputs.window.screens import open_display
from realtime.outputs.window.shortcuts import COMMANDS, LEAVES, help_of
from realtime.outputs.window.tray.tray import Tray
from realtime.outputs.window.untouched import Untouched
from realtime.outputs.window.x11 import XConnection

TITLE = "realtime"
_BARS = (10, 10, 10)  # around the picture; pure black would show where the screen's own edge is
_CURSOR_RESTS_S = 2.0
_SAME_SHAPE = 0.02  # of a side: what rounding to pixels, and films of nearly the same shape, are apart
_DOUBLE_CLICK_S = 0.4
_REPEATS_MS = (400, 40)
_LINE = (244, 241, 235)  # between what the camera sees and what is made of it
_ICON = Path(__file__).with_name("icon.png")

_TOUCHES = frozenset({pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN, pygame.MOUSEWHEEL, pygame.FINGERDOWN})


class Window(Output):
    """A resizable window that opens with the first picture, in its shape.

    The argument is a screen's number, or empty: `request.screen`. A picture that is the very same array as the last
    one costs nothing.
    """

    on_main_thread = True
    _kind = "window"
    _opens_fullscreen = False
    _bars = _BARS

    def __init__(self, argument: str, request: OutputRequest) -> None:
        self.name = self._kind
        if pygame.display.get_init() and pygame.display.get_surface():
            raise OutputError(
                _("there can be one window or fullscreen picture at a time; leave one of the outputs out")
            )
        self._request = request
        open_display()
        try:
            self._screen = self._screen_number(argument)
        except OutputError:
            pygame.display.quit()
            raise
        pygame.font.init()
        speak_what_can_be_drawn()
        pygame.key.set_repeat()  # a held key is one command
        self._controls = request.controls
        self.overlay = Overlay(request.controls, help_of(is_fullscreen_output=self._opens_fullscreen), hud=request.hud)
        self.tray = None if self._opens_fullscreen else Tray(request.controls, self)
        self.untouched = Untouched(request.controls)
        self._dropped: list[Path] = []
        self._cursor_shape = pygame.SYSTEM_CURSOR_ARROW
        self._is_fullscreen = self._opens_fullscreen
        asked = request.size and rotated_size(request.size, request.rotate_degrees)
        self._window_size: Size | None = asked or request.window_size
        self._followed_size: Size | None = None  # that the window was given for the picture's shape
        self._surface: pygame.Surface | None = None
        self._connection: XConnection | None = None
        self._pixels: Pixels | None = None
        self._prepared: Prepared | None = None
        self._fitting, self._fitting_untouched = Fitting(), Fitting()
        self._title = ""
        self._typed_at: Place | None = None
        self._cursor_moved_at_s = 0.0
        self._clicked_at_s = -1.0
        if self._is_fullscreen:
            try:
                self._open()
            except OutputError:
                self.close()
                raise
            self._draw()

    def show(self, frame: Frame) -> None:
        """Draw the frame, unless it is the picture that is there already."""
        if frame.pixels is self._pixels and self._surface is not None:
            return
        self._pixels = frame.pixels
        if self._surface is None or self._must_follow():
            self._open()
        self._prepare()
        self._draw()
        self._require_connection()

    def poll(self) -> None:
        """Handle keys, mouse and the window's own events; draw again where they changed what is seen."""
        if self._surface is None:
            return
        must_draw = False
        for event in pygame.event.get():
            if event.type in _TOUCHES:
                self._controls.touched_at_s = time.monotonic()
            must_draw |= self._handle(event)
        must_draw |= self._look_after(time.monotonic())
        if must_draw:
            self._draw()
        self._require_connection()

    def _look_after(self, now_s: float) -> bool:
        """Do what is to do without an event. Return whether the picture must be drawn again."""
        if self._is_fullscreen and pygame.mouse.get_visible() and now_s - self._cursor_moved_at_s > _CURSOR_RESTS_S:
            pygame.mouse.set_visible(False)
        self._update_title()
        must_draw = self._refresh_overlay(now_s)
        self._take_text()
        return must_draw

    def _take_text(self) -> None:
        """Let the system's input methods have the keys while somebody types, and at no other time."""
        place = None if self.tray is None else self.tray.typed_at
        if place == self._typed_at:
            return
        if place is None:
            pygame.key.stop_text_input()
            pygame.key.set_repeat()
        else:
            pygame.key.set_repeat(*_REPEATS_MS)  # a held Backspace erases on
            field = pygame.Rect(*self._canvas().on_screen(place))
            pygame.key.set_text_input_rect(field)  # their windows open beside it
            pygame.key.start_text_input()
        self._typed_at = place

    def _require_connection(self) -> None:
        if self._connection is not None and self._connection.is_lost:
            raise OutputError(
                _("{name}: the X server has ended or cut the connection; start again once it is back", name=self.name)
            )

    def close(self) -> None:
        self._surface = self._prepared = self._pixels = None
        if self.tray is not None:
            self.tray.clear()
        self.overlay.clear()
        pygame.font.quit()
        if self._connection is not None and self._connection.is_lost:
            self._connection.abandon()
        else:
            pygame.display.quit()

    # Opening ----------------------------------------------------------------------------------------------------

    def _screen_number(self, argument: str) -> int:
        """Return the screen that an argument means. Raises OutputError."""
        screens = len(pygame.display.get_desktop_sizes())
        number = whole_number(argument) if argument else self._request.screen
        if number is None:
            raise OutputError(
                _(
                    "'{argument}' is no screen: give its number, such as --output fullscreen:1",
                    argument=abbreviated(argument),
                )
            )
        if number >= screens:
            numbers = _("only screen 0") if screens == 1 else _("screens 0 to {last}", last=screens - 1)
            raise OutputError(
                _(
                    "there is no screen {number}; this system has {numbers}, see realtime devices",
                    number=number,
                    numbers=numbers,
                )
            )
        return number

    def _open(self) -> None:
        """Open or change the window: fullscreen, or a window of the remembered or the picture's size."""
        desktop = Size(*pygame.display.get_desktop_sizes()[self._screen])
        self.overlay.screen = desktop
        try:
            if _ICON.is_file() and self._surface is None:
                pygame.display.set_icon(pygame.image.load(_ICON))
            if self._is_fullscreen:
                self._surface = pygame.display.set_mode(desktop, pygame.FULLSCREEN, display=self._screen)
            else:
                size = self._window_size or self._own_size(desktop)
                self._followed_size = None if self._window_size else size
                self._surface = pygame.display.set_mode(size, pygame.RESIZABLE, display=self._screen)
                if self._surface.get_size() != size:
                    # Some of SDL's drivers only leave fullscreen at the first call, and take the size at the second.
                    self._surface = pygame.display.set_mode(size, pygame.RESIZABLE, display=self._screen)
        except pygame.error as error:
            raise OutputError(
                _("the window does not open: {reason}; choose another output: --output out.mp4", reason=error)
            ) from error
        if self._connection is None:
            self._connection = x11.connection()
        pygame.key.stop_text_input()  # or an input method takes the letters to compose words of them
        pygame.display.set_allow_screensaver(not self._is_fullscreen)
        pygame.mouse.set_visible(not self._is_fullscreen)
        self._update_title()
        self._refresh_overlay(time.monotonic())

    def _own_size(self, desktop: Size) -> Size:
        """Return the size of a window that nobody has sized: in the picture's shape, and as large as it was."""
        picture = self._turned_size()
        if self._followed_size is None:
            return first_size(picture, desktop)
        return reshaped(self._followed_size, picture, desktop)

    def _must_follow(self) -> bool:
        """Whether the picture has another shape than a window that nobody has sized."""
        size, picture = self._followed_size, self._turned_size()
        if size is None or self._window_size is not None or self._is_fullscreen:
            return False
        return abs(size.width * picture.height / (size.height * picture.width) - 1) > _SAME_SHAPE

    def _refresh_overlay(self, now_s: float) -> bool:
        """Return whether what lies over the picture has changed."""
        changed = False
        if self.tray is not None:
            changed = self.tray.refresh(self._canvas().size, now_s)
            self.overlay.covered = self.tray.covered
        return self.overlay.refresh(self._canvas().size, now_s) or changed

    def _update_title(self) -> None:
        if not self._title:  # the same for ever: OBS finds a window again by it
            self._title = TITLE
            pygame.display.set_caption(TITLE)

    # Drawing ----------------------------------------------------------------------------------------------------

    def _turned_size(self) -> Size:
        size = USUAL_SIZE if self._pixels is None else Size.of(self._pixels)
        return rotated_size(size, self._request.rotate_degrees)

    def _prepare(self) -> None:
        """Turn and scale the picture into buffers of our own, each only where it must be."""
        assert self._surface is not None  # noqa: S101 - show and poll see to it
        self._prepared = None if self._pixels is None else self._fit(self._fitting, self._pixels)

    def _fit(self, fitting: Fitting, pixels: Pixels) -> Prepared:
        assert self._surface is not None  # noqa: S101 - show and poll see to it
        return fitting.fit(pixels, Size(*self._surface.get_size()), self._request.rotate_degrees)

    def _draw(self) -> None:
        surface = self._surface
        assert surface is not None  # noqa: S101 - show and poll see to it
        untouched = self.untouched.frame()
        if untouched is None:
            self._draw_picture(surface, self._prepared)
        else:
            self._draw_untouched(surface, self._fit(self._fitting_untouched, untouched.pixels))
        canvas = self._canvas()
        for layer, position in (*self.overlay.shown.layers, *(self.tray.layers if self.tray is not None else ())):
            surface.blit(*canvas.layer_on_screen(layer, position))
        pygame.display.flip()

    def _draw_picture(self, surface: pygame.Surface, prepared: Prepared | None) -> None:
        if prepared is None:
            surface.fill(self._bars)
            return
        picture, place = prepared
        for bar in bars_around(place, surface.get_size()):
            surface.fill(self._bars, bar)
        surface.blit(picture, (place.left, place.top))

    def _draw_untouched(self, surface: pygame.Surface, untouched: Prepared) -> None:
        """Draw what the camera sees; where there is a line, left of it, as the viewer has it."""
        if self.untouched.line is None:
            self._draw_picture(surface, untouched)
            return
        canvas = self._canvas()
        width, height = canvas.size
        x = round(min(1.0, max(0.0, self.untouched.line)) * width)
        thick = max(2, height // 360)
        surface.set_clip(canvas.on_screen(Place(0, 0, x, height)))
        self._draw_picture(surface, untouched)
        surface.set_clip(canvas.on_screen(Place(x, 0, width - x, height)))
        self._draw_picture(surface, self._prepared)
        surface.set_clip(None)
        surface.fill(_LINE, canvas.on_screen(Place(x - thick // 2, 0, thick, height)))

    def _canvas(self) -> Canvas:
        assert self._surface is not None  # noqa: S101 - show and poll see to it
        return Canvas(Size(*self._surface.get_size()), self._request.rotate_degrees)

    # Events -----------------------------------------------------------------------------------------------------

    def _handle(self, event: pygame.event.Event) -> bool:
        """Return whether the picture must be drawn again."""
        if event.type == pygame.QUIT:
            self._controls.send(Quit())
        elif event.type in (pygame.TEXTINPUT, pygame.TEXTEDITING) and self.tray is not None:
            if event.type == pygame.TEXTINPUT:
                self.tray.type_text(event.text, time.monotonic())
            else:
                self.tray.compose(event.text)
        elif event.type == pygame.KEYDOWN:
            return self._handle_key(latin_key(event.key, event.scancode), event.mod, event.scancode)
        elif event.type == pygame.KEYUP:
            if latin_key(event.key, event.scancode) == pygame.K_b and self.untouched.is_held:
                self.untouched.release()
                return True
        elif event.type == pygame.MOUSEMOTION and event.rel != (0, 0):  # a window that opens under it says (0, 0)
            return self._handle_motion(event)
        elif event.type == pygame.MOUSEBUTTONDOWN:
            return self._handle_press(event)
        elif event.type == pygame.MOUSEBUTTONUP and event.button == 1 and self.tray is not None:
            self.tray.release(*self._canvas().from_screen(event.pos), time.monotonic())
        elif event.type in (pygame.DROPBEGIN, pygame.DROPFILE, pygame.DROPCOMPLETE):
            self._handle_drop(event)
        elif event.type == pygame.MOUSEWHEEL and self.tray is not None:
            self.tray.turn(-event.y if event.flipped else event.y, time.monotonic())
        elif event.type == pygame.WINDOWSIZECHANGED:
            self._surface = pygame.display.get_surface()
            if not self._is_fullscreen and self._surface is not None:
                size = Size(*self._surface.get_size())
                if size != self._followed_size:  # by hand, or by a window manager that gives every window its size
                    self._window_size = size
            self._prepare()
            return True
        elif event.type == pygame.WINDOWDISPLAYCHANGED and not self._is_fullscreen:
            if event.display_index in range(len(pygame.display.get_desktop_sizes())):
                self._screen = event.display_index  # moved by hand: full means the whole screen it is on now
        elif event.type == pygame.WINDOWEXPOSED:
            return True
        return False

    def _handle_motion(self, event: pygame.event.Event) -> bool:
        now_s = self._cursor_moved_at_s = time.monotonic()
        if self._is_fullscreen and not pygame.mouse.get_visible():
            pygame.mouse.set_visible(True)
        x, y = self._canvas().from_screen(event.pos)
        if self.untouched.is_held and event.buttons[0]:
            self.untouched.line = x / self._canvas().size.width
            return True
        if self.tray is not None:
            self._shape_cursor(is_over_something=self.tray.move(x, y, now_s))
        return False

    def _shape_cursor(self, *, is_over_something: bool) -> None:
        """Let the mouse be a hand over what can be pressed."""
        shape = pygame.SYSTEM_CURSOR_HAND if is_over_something else pygame.SYSTEM_CURSOR_ARROW
        if shape != self._cursor_shape:
            self._cursor_shape = shape
            with contextlib.suppress(pygame.error):  # not every system has it
                pygame.mouse.set_cursor(shape)

    def _handle_drop(self, event: pygame.event.Event) -> None:
        """Files that are dropped together come one by one, and are used together."""
        offers = self._controls.offers
        if self.tray is None or offers is None:
            return
        if event.type == pygame.DROPFILE:
            self._dropped.append(Path(event.file))
        elif event.type == pygame.DROPCOMPLETE and self._dropped:
            offers.take(tuple(self._dropped), self.tray.category if self.tray.is_open else "Looks")
            self._dropped.clear()
        else:
            self._dropped.clear()

    def _handle_press(self, event: pygame.event.Event) -> bool:
        """The mouse's buttons; a finger comes as the first one."""
        now_s = time.monotonic()
        x, y = self._canvas().from_screen(event.pos)
        if self.untouched.is_held and event.button == 1:
            self.untouched.line = x / self._canvas().size.width
            return True
        is_touch = getattr(event, "touch", False)
        tray = self.tray if event.button in (1, 3) else None
        if tray is not None and tray.press(x, y, event.button, now_s, is_touch=is_touch):
            self._clicked_at_s = -1.0
            return False
        if event.button != 1:
            return False
        if now_s - self._clicked_at_s < _DOUBLE_CLICK_S and not self._opens_fullscreen:
            self._clicked_at_s = -1.0
            self.toggle_fullscreen()
            return True
        self._clicked_at_s = now_s
        return False

    def _handle_key(self, key: int, modifiers: int, scancode: int) -> bool:
        if key == pygame.K_q and modifiers & (pygame.KMOD_CTRL | pygame.KMOD_META):
            self._controls.send(Quit())
            return False
        if self._opens_fullscreen and key in LEAVES:  # a visitor's key, an elbow: the show goes on
            self.overlay.help = False
            self._controls.say(_("Ctrl+Q quits"))
            return True
        if self.tray is not None and self._handle_key_beside(self.tray, key, modifiers, scancode):
            return True
        actions: dict[int, Callable[[], None]] = {
            pygame.K_f: self.toggle_fullscreen,
            pygame.K_i: self._toggle_hud,
            pygame.K_h: self.toggle_help,
            pygame.K_F1: self.toggle_help,
            pygame.K_ESCAPE: self._escape,
        }
        if key in COMMANDS:
            self._controls.send(COMMANDS[key])
        elif key in actions:
            actions[key]()
            return True
        return False

    def _handle_key_beside(self, tray: Tray, key: int, modifiers: int, scancode: int) -> bool:
        """Keys of whoever sits before the screen. Return whether it was one of them."""
        now_s = time.monotonic()
        digit = digit_of(key, scancode)
        if tray.typed_at is not None and key == pygame.K_v and modifiers & (pygame.KMOD_CTRL | pygame.KMOD_META):
            tray.type_text(clipboard_text(), now_s)
            return True
        if tray.key(key, now_s):
            return True
        if key == pygame.K_TAB:
            tray.toggle(now_s)
        elif key == pygame.K_b:
            self.untouched.press(now_s)
        elif key == pygame.K_c:
            tray.next_source()
        elif key == pygame.K_v:
            self._controls.send(SetInCalls())
        elif digit is not None and not modifiers & (pygame.KMOD_CTRL | pygame.KMOD_ALT | pygame.KMOD_META):
            if modifiers & pygame.KMOD_SHIFT:
                self._controls.send(KeepScene(str(digit)))
            elif not tray.choose_number(digit, now_s):
                self._controls.say(
                    _("nothing has the number {digit} yet; Shift+{digit} keeps what you see there", digit=digit)
                )
        else:
            return False
        return True

    @property
    def chosen_size(self) -> Size | None:
        return self._window_size

    @property
    def is_fullscreen(self) -> bool:
        """Whether it covers the screen now."""
        return self._is_fullscreen

    @property
    def is_help_open(self) -> bool:
        """Whether the keys are shown."""
        return self.overlay.help

    def _toggle_hud(self) -> None:
        self.overlay.hud = self.overlay.hud.next
        self.overlay.help = False

    def toggle_help(self) -> None:
        """Show the keys, or hide them."""
        self.overlay.help = not self.overlay.help

    def _escape(self) -> None:
        """Take back the last thing opened: the help, then the fullscreen; else quit."""
        if self.overlay.help:
            self.overlay.help = False
        elif self._is_fullscreen:
            self._set_fullscreen(False)
        else:
            self._controls.send(Quit())

    def toggle_fullscreen(self) -> None:
        """Cover the screen, or be a window again."""
        self._set_fullscreen(not self._is_fullscreen)

    def _set_fullscreen(self, fullscreen: bool) -> None:
        self._is_fullscreen = fullscreen
        self._open()
        self._prepare()


class Fullscreen(Window):
    """The whole of a screen, for a gallery: no cursor, no screen saver. Neither clicks nor taps nor keys end it, but
    Ctrl+Q.
    """

    _kind = "fullscreen"
    _opens_fullscreen = True
