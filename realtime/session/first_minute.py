"""What helps whoever sees the program for the first time: a hint, and looks that change by themselves."""

from __future__ import annotations

import itertools
import logging
import time
from pathlib import Path

from realtime.control.channel import ControlChannel, Status
from realtime.control.commands import ChooseEffect
from realtime.control.front_end import FrontEnd
from realtime.core.errors import OptionError
from realtime.core.language import N_
from realtime.core.paths import user_state_folder

log = logging.getLogger(__name__)

LOOKS = ("portrait", "style:ink", "style:night")
"""What the built-in viewer is shown in, in turn, until somebody touches something."""
_HINT_S = 8.0
_RUNS_WITH_HINT = 3
_LOOK_LASTS_S = 10.0
_FADE_S = 1.0
_OPENS_WITHIN_S = 15.0

HINT = N_("the mouse or H shows everything there is")
PORTRAIT_HINT = N_("move, and the portrait looks at you; the mouse or H shows everything there is")
DEMO_HINT = N_("no camera was found: this viewer is drawn; the mouse or H shows everything there is")


class Hint(FrontEnd):
    """One line for the first eight seconds of the first three runs."""

    def __init__(self, controls: ControlChannel, words: str, runs_file: Path | None = None) -> None:
        """`runs_file`: where it is counted; None: in the user's folder."""
        self._controls, self._words = controls, words
        self._file = runs_file
        self._is_due = False

    def start(self) -> None:
        """Count this run; where that cannot be kept, nothing is said."""
        try:
            file = self._file or user_state_folder() / "runs"
            runs = _number_in(file)
            if runs < _RUNS_WITH_HINT:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(f"{runs + 1}\n", encoding="utf-8")
                self._is_due = True
        except (OSError, OptionError) as error:
            log.debug("counting the runs", exc_info=error)

    def look_after(self) -> None:
        if self._is_due and self._controls.status.frames:
            self._is_due = False
            self._controls.say(self._words, _HINT_S)

    def close(self) -> None:
        """It holds nothing."""


class DemoTour(FrontEnd):
    """Walks through some looks by itself, until somebody touches something or anything else changes the picture."""

    def __init__(self, controls: ControlChannel) -> None:
        self._controls = controls
        self._looks = itertools.cycle(LOOKS)
        self._wanted = next(self._looks)
        self._chosen_at_s = 0.0
        self._is_over = False

    def start(self) -> None:
        self._chosen_at_s = time.monotonic()

    def look_after(self) -> None:
        status = self._controls.status
        if self._is_over or not status.frames:
            return
        if self._is_touched(status):
            self._is_over = True
            return
        now_s = time.monotonic()
        if status.spec != self._wanted:
            self._is_over = now_s - self._chosen_at_s > _OPENS_WITHIN_S  # it does not open, or another was chosen
        elif now_s - self._chosen_at_s >= _LOOK_LASTS_S:
            self._wanted = next(self._looks)
            self._chosen_at_s = now_s
            self._controls.send(ChooseEffect(self._wanted, _FADE_S, planned=True))

    def _is_touched(self, status: Status) -> bool:
        return self._controls.touched_at_s is not None or status.paused or status.blank or bool(status.recording)

    def close(self) -> None:
        """It holds nothing."""


def _number_in(file: Path) -> int:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")[:20].strip()
    except FileNotFoundError:
        return 0
    return int(text) if text.isascii() and text.isdecimal() else 0
