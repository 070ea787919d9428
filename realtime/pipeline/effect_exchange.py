"""What waits to take an effect's place: what was chosen, a look, a background or a whole scene, and one opened anew for
one that hangs.

Any thread may choose; the processing thread takes what waits, between two frames.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from realtime.core.errors import FAULTS
from realtime.effects import Effect
from realtime.pipeline.effect_calls import EffectCalls
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect

_OPENED_WITHIN_S = 60.0  # a large network on a slow disk may take that long
_AGAIN_AFTER_S = 1.0


class Place(enum.Enum):
    """Which of a chain's effects another takes the place of."""

    WHOLE = "all of them"
    LOOK = "the last of those that are no background"
    BACKGROUND = "what is seen behind people"


class Chosen(NamedTuple):
    """What shall take a place."""

    slots: tuple[EffectSlot, ...]
    """None: the place is left empty."""
    fade_s: float
    place: Place


class EffectExchange:
    """Any thread, where nothing else is said."""

    def __init__(self, calls: EffectCalls, prepare: Callable[[EffectSlot], None]) -> None:
        """`prepare`: does what would hold up an effect's first picture; any thread."""
        self.open_again: Callable[[str], Effect] | None = None
        """Opens an effect by its spec beside what runs, any thread; None: one that hangs cannot be begun anew."""
        self.open_scene_effect: Callable[[SceneEffect], Effect] | None = None
        """The same for an effect of a scene, with the scene's values."""
        self._calls, self._prepare = calls, prepare
        self._lock = threading.Lock()
        # Guarded by _lock:
        self._chosen: list[Chosen] = []  # at most one for each place, in order
        self._taken: Chosen | None = None  # is about to have its place
        self._hung: EffectSlot | None = None  # the one in use that hangs, until another has its place
        self._opened_anew: EffectSlot | None = None
        self._open_again_at_s: float | None = None
        self._is_closed = False

    def choose(self, chosen: Chosen) -> None:
        """Let what was opened wait for its place."""
        for slot in chosen.slots:
            self._prepare(slot)
        with self._lock:
            overtaken = [chosen]  # it was opened too late
            if not self._is_closed:  # where something waits still, no frame came between two exchanges
                overtaken = [one for one in self._chosen if _overtakes(chosen, one)]
                self._chosen = [*(one for one in self._chosen if not _overtakes(chosen, one)), chosen]
        for one in overtaken:
            for slot in one.slots:
                self._calls.close(slot)

    @property
    def has_chosen(self) -> bool:
        """Whether a chosen one waits."""
        return bool(self._chosen)

    @property
    def has_opened_anew(self) -> bool:
        """Whether one that was opened anew waits."""
        return self._opened_anew is not None

    def take_chosen(self, in_place: Callable[[Place], Sequence[EffectSlot]]) -> Chosen | None:
        """[processing thread] Take what was chosen first; `end_taking` comes next. `in_place`: what is in use there."""
        with self._lock:
            self._taken = self._chosen.pop(0) if self._chosen else None
            if self._taken is not None and _is_among(self._hung, in_place(self._taken.place)):
                self._hung = None  # the one that hangs is not wanted any more
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
            waiting = [*(slot for one in self._chosen for slot in one.slots), self._opened_anew]
            self._chosen, self._opened_anew, self._is_closed = [], None, True
        return [slot for slot in waiting if slot is not None]

    def is_whole(self, in_place: Callable[[Place], Sequence[EffectSlot]]) -> bool:
        """Whether no effect hangs that has no other in its place yet; that may have been chosen. `in_place`: what is in
        use there.
        """
        with self._lock:
            if self._hung is None or self._opened_anew is not None:
                return True
            return any(_is_among(self._hung, in_place(one.place)) for one in self._chosen)

    def leave_behind(self, hung: EffectSlot, *, is_used: bool) -> None:
        """Leave an effect to the thread that hangs in it. `is_used`: it has a place that another must have."""
        hung.is_left = True
        with self._lock:
            taken, self._taken = self._taken, None
            unused: tuple[EffectSlot, ...] = ()
            if taken is not None and any(slot is hung for slot in taken.slots):  # its companions have no place either
                unused = tuple(slot for slot in taken.slots if slot is not hung)
            elif taken is not None and any(_overtakes(one, taken) for one in self._chosen):
                unused = taken.slots
            elif taken is not None:
                self._chosen.insert(0, taken)
            if is_used:
                self._hung = hung
        for slot in unused:
            self._calls.close(slot)

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

    def _opened_like(self, hung: EffectSlot) -> Effect:
        assert self.open_again is not None  # noqa: S101 - `is_in_effect` was asked
        if hung.scene is not None and self.open_scene_effect is not None:
            return self.open_scene_effect(hung.scene)
        return self.open_again(hung.spec)

    def _open_anew(self, hung: EffectSlot) -> None:
        """[thread of its own]"""
        try:
            slot = EffectSlot(hung.spec, self._opened_like(hung), scene=hung.scene)
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


def _overtakes(later: Chosen, earlier: Chosen) -> bool:
    """Whether nothing of what was chosen earlier would be left in use."""
    return later.place in (Place.WHOLE, earlier.place)


def _is_among(hung: EffectSlot | None, slots: Sequence[EffectSlot]) -> bool:
    return hung is not None and any(slot is hung for slot in slots)
