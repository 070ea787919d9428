"""What waits to take an effect's place: one that was chosen, and one opened anew for one that hangs.

Any thread may choose; the processing thread takes what waits, between two frames.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from realtime.core.errors import FAULTS
from realtime.effects import Effect
from realtime.pipeline.effect_calls import EffectCalls
from realtime.pipeline.effect_slot import EffectSlot

_OPENED_WITHIN_S = 60.0  # a large network on a slow disk may take that long
_AGAIN_AFTER_S = 1.0


class Chosen(NamedTuple):
    """An effect that shall take the last one's place."""

    slot: EffectSlot
    fade_s: float


class EffectExchange:
    """Any thread, where nothing else is said."""

    def __init__(self, calls: EffectCalls, prepare: Callable[[EffectSlot], None]) -> None:
        """`prepare`: does what would hold up an effect's first picture; any thread."""
        self.open_again: Callable[[str], Effect] | None = None
        """Opens an effect by its spec beside what runs, any thread; None: one that hangs cannot be begun anew."""
        self._calls, self._prepare = calls, prepare
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._chosen: Chosen | None = None
        self._taken: Chosen | None = None  # is about to take the last one's place
        self._hung: EffectSlot | None = None  # the one in use that hangs, until another has its place
        self._opened_anew: EffectSlot | None = None
        self._open_again_at_s: float | None = None
        self._is_closed = False

    def choose(self, slot: EffectSlot, fade_s: float) -> None:
        """Let an opened effect wait for its place."""
        self._prepare(slot)
        chosen = Chosen(slot, fade_s)
        with self._lock:
            overtaken, self._chosen = (chosen, None) if self._is_closed else (self._chosen, chosen)
        if overtaken is not None:  # no frame came between two exchanges, or it was opened too late
            self._calls.close(overtaken.slot)

    @property
    def has_chosen(self) -> bool:
        """Whether a chosen one waits."""
        return self._chosen is not None

    @property
    def has_opened_anew(self) -> bool:
        """Whether one that was opened anew waits."""
        return self._opened_anew is not None

    def take_chosen(self, last: EffectSlot | None) -> Chosen | None:
        """[processing thread] Take what was chosen in place of the `last` effect in use; `end_taking` comes next."""
        with self._lock:
            if last is not None and self._hung is last:  # the one that hangs is not wanted any more
                self._hung = None
            self._taken, self._chosen = self._chosen, None
            return self._taken

    def end_taking(self) -> None:
        """[processing thread] Say that what was taken has its place."""
        with self._lock:
            self._taken = None

    def take_opened_anew(self) -> tuple[EffectSlot | None, EffectSlot | None]:
        """[processing thread] Take what was opened anew, and return it and the one that hangs."""
        with self._lock:
            slot, self._opened_anew = self._opened_anew, None
            return slot, self._hung

    def end_hanging(self) -> None:
        """[processing thread] Say that the one that hangs has been replaced."""
        with self._lock:
            self._hung = None

    def close(self) -> list[EffectSlot]:
        """Take nothing more, and return what waits, to be closed."""
        with self._lock:
            waiting = [None if self._chosen is None else self._chosen.slot, self._opened_anew]
            self._chosen, self._opened_anew, self._is_closed = None, None, True
        return [slot for slot in waiting if slot is not None]

    def is_whole(self, last: EffectSlot | None) -> bool:
        """Whether no effect hangs that has no other in its place yet; the `last` one's may have been chosen."""
        with self._lock:
            if self._hung is None or self._opened_anew is not None:
                return True
            return self._chosen is not None and self._hung is last

    def leave_behind(self, hung: EffectSlot, *, is_used: bool) -> None:
        """Leave an effect to the thread that hangs in it. `is_used`: it has a place that another must have."""
        hung.is_left = True
        with self._lock:
            taken, self._taken = self._taken, None
            if taken is not None and taken.slot is not hung and self._chosen is None:
                self._chosen = taken
            if is_used:
                self._hung = hung

    @property
    def must_open_again(self) -> bool:
        """Whether what was to take the place of an effect that hangs did not open, or has not for long."""
        with self._lock:
            due_at_s = self._open_again_at_s
            waits = self._hung is not None and self._opened_anew is None
            return waits and due_at_s is not None and time.monotonic() >= due_at_s

    def open_hung_again(self) -> None:
        """Open the effect that hangs once more, beside it. Raises RuntimeError where no thread can be started."""
        with self._lock:
            hung, self._open_again_at_s = self._hung, time.monotonic() + _OPENED_WITHIN_S
        if hung is not None:
            threading.Thread(target=self._open_anew, args=(hung,), name="effect-opening", daemon=True).start()

    def _open_anew(self, hung: EffectSlot) -> None:
        """[thread of its own]"""
        assert self.open_again is not None  # noqa: S101 - `is_in_effect` was asked
        try:
            slot = EffectSlot(hung.spec, self.open_again(hung.spec))
        except FAULTS as error:
            self._calls.cannot_open_again(hung, error)
            with self._lock:
                if self._hung is hung:
                    self._open_again_at_s = time.monotonic() + _AGAIN_AFTER_S
            return
        slot.patience = hung.patience.of_successor()
        self._prepare(slot)
        with self._lock:
            is_wanted = self._hung is hung and self._opened_anew is None and not self._is_closed
            if is_wanted:
                self._opened_anew = slot
        if not is_wanted:
            self._calls.close(slot)
