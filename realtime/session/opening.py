"""A window that is there at once: a still picture, and how far what is being opened is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from realtime.control.channel import ControlChannel
from realtime.control.commands import Command, Quit
from realtime.core.errors import RealtimeError
from realtime.core.language import _
from realtime.core.specs import EffectSpec
from realtime.core.titles import effect_title
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.imaging.pixels import RESTING_BGR
from realtime.outputs import Output

_DRAW_EVERY_S = 0.05


class OpeningWindow:
    """Shows what is being opened on a window that waits for its first picture. Main thread; `progress`: any, and from
    others it is noted only.
    """

    def __init__(self, window: Output, controls: ControlChannel, picture: Pixels, words: str) -> None:
        """`words`: what is being waited for until more is known; empty: nothing is said until then."""
        self._window, self._controls = window, controls
        self._drawn_at_s = 0.0
        controls.progress = (words, 0.0) if words else None
        window.show(Frame(picture, time.monotonic(), 0.0, 0))
        window.poll()

    def progress(self, what: str, share: float) -> None:
        """Show how far it is. Raises KeyboardInterrupt where somebody has closed the window."""
        self._controls.progress = (what, share)
        now_s = time.monotonic()
        if threading.current_thread() is not threading.main_thread() or now_s < self._drawn_at_s + _DRAW_EVERY_S:
            return
        self._drawn_at_s = now_s
        self._window.poll()
        self._leave_if_asked()

    def end(self) -> None:
        """Show nothing more of it. Raises KeyboardInterrupt as `progress` does."""
        self._controls.progress = None
        self._window.poll()
        self._leave_if_asked()

    def _leave_if_asked(self) -> None:
        waiting: list[Command] = []
        while (command := self._controls.next_command()) is not None:
            if isinstance(command, Quit):
                raise KeyboardInterrupt
            waiting.append(command)
        for command in waiting:
            self._controls.send(command)


def still_of(effects: tuple[str, ...]) -> tuple[Pixels, str]:
    """Return the picture that is shown while these effects are opened, and what is said: of a portrait the painting,
    else nothing but the words.
    """
    last = EffectSpec.parse(effects[-1] if effects else "portrait")
    picture = _painting_of(last) if last.name == "portrait" else None
    if picture is not None:
        return picture, ""
    size: Size = USUAL_SIZE
    dark = np.full((size.height, size.width, 3), RESTING_BGR, np.uint8)
    return dark, _("opening {effects}", effects=", ".join(map(effect_title, effects)) or _("the picture"))


def both(first: Callable[[str, float], None], second: Callable[[str, float], None]) -> Callable[[str, float], None]:
    """Return what tells two of progress."""

    def progress(what: str, share: float) -> None:
        first(what, share)
        second(what, share)

    return progress


def _painting_of(portrait: EffectSpec) -> Pixels | None:
    from realtime.core.paths import user_path
    from realtime.picture_files.painting import read_picture
    from realtime.portrait.building.default import default_picture
    from realtime.portrait.building.from_picture import is_picture

    try:
        path = user_path(portrait.argument) if portrait.argument else default_picture()
        return read_picture(path)[0] if is_picture(path) else None
    except RealtimeError:  # whoever opens the portrait says so
        return None
