"""The effects of a run, one after the other, and how one is exchanged while the picture goes on."""

from __future__ import annotations

import functools
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from realtime.control.parameters import Parameters, ParameterTree
from realtime.core.errors import FAULTS, OnceLogger
from realtime.core.settings import Value
from realtime.core.stats import RunStats
from realtime.disclosure.label import Label
from realtime.effects import Effect
from realtime.effects.scene import Scene
from realtime.imaging.frame import Face, Frame, Pixels
from realtime.imaging.pixels import RESTING_BGR, as_picture
from realtime.pipeline.cross_fade import CrossFade
from realtime.pipeline.effect_slot import EffectSlot, Traits
from realtime.pipeline.marking import Marking
from realtime.pipeline.turn import LeftBehind, Telling
from realtime.system.watchdog import HUNG_AFTER_S, Pulse

log = logging.getLogger(__name__)

T = TypeVar("T")

_MOST_FACTS = 20
_OPENED_WITHIN_S = 60.0  # a large network on a slow disk may take that long
_AGAIN_AFTER_S = 1.0


class _SavedState(NamedTuple):
    """What an effect that was left shall know when the user comes back to it."""

    parameters: Mapping[str, Value]
    """What was set while it was shown."""
    state: object


class EffectChain:
    """Runs every frame through its effects. `make`, `close`: processing thread; `replace`: any.

    An effect may be anybody's code: each call into one goes through a guard here, and what it returns is looked at.
    """

    def __init__(
        self,
        slots: Sequence[EffectSlot],
        stats: RunStats,
        label: Label | None = None,
        *,
        source_type: str = "",
        parameters: ParameterTree | None = None,
    ) -> None:
        """`label`, `source_type`: as `Marking` takes them. `parameters`: where what can be set about the effects in use
        is to be found, each by its name.
        """
        self.parameters = ParameterTree() if parameters is None else parameters
        self.pulse = Pulse()
        """Where the processing thread says which effect it is in."""
        self.main_pulse = Pulse()
        """Where the main thread says so, when it asks an effect something beside the picture."""
        self.slots = list(slots)
        """The effects in use, in order. Written by the processing thread."""
        self._owners: list[str] = []
        self._stats = stats
        self._marking = Marking(label, source_type, stats)
        self._failures = OnceLogger(log)
        self._asides = OnceLogger(log)  # of calls beside the picture
        self._last_marked: Pixels | None = None
        self._lock = threading.Lock()
        self._leaving: EffectSlot | None = None  # fades out
        self._fade: CrossFade | None = None
        self.open_again: Callable[[str], Effect] | None = None
        """Opens an effect by its spec beside what runs, any thread; None: one that hangs cannot be begun anew."""
        self.times_anew: Callable[[], int] = lambda: 0
        """How often an effect was begun anew of late: each time it is waited for twice as long."""
        self._called: EffectSlot | None = None  # whose effect the processing thread is in
        self._taken: EffectSlot | None = None  # is about to take the last one's place
        # Guarded by _lock:
        self._waiting: EffectSlot | None = None  # set by any thread, taken by the processing thread
        self._waiting_fade_s = 0.0
        self._is_closed = False
        self._left: EffectSlot | None = None  # of `slots`, the one that hangs, until another has its place
        self._opened_anew: EffectSlot | None = None
        self._open_again_at_s: float | None = None
        self._saved: dict[str, _SavedState] = {}  # by spec: what effects that were left shall know when they are back
        for slot in self.slots:
            self._prepare(slot)
        self._begin_marking()
        self.describe()

    @property
    def hides_people(self) -> bool:
        """Whether an effect hides who is in the picture. Any thread."""
        return any(slot.traits.hides_identity for slot in self.slots)

    @property
    def hides_before_last(self) -> bool:
        """Whether people are not seen as they are whatever the last effect shows, the one that is exchanged. Any
        thread.
        """
        return any(slot.traits.hides_identity or not slot.traits.uses_pixels for slot in self.slots[:-1])

    @property
    def last_spec(self) -> str:
        """The last effect, the one that is exchanged, as `--effect` writes it; empty: there is none. Any thread."""
        slots = list(self.slots)
        return slots[-1].spec if slots else ""

    @property
    def uses_faces(self) -> bool:
        """Whether any effect looks at faces."""
        return any(slot.traits.uses_faces for slot in self.slots)

    @property
    def uses_pixels(self) -> bool:
        """Whether the camera's pixels can reach the outputs or an effect's eye."""
        return not self.slots or self.slots[0].traits.uses_pixels

    @property
    def stepped(self) -> list[str]:
        """Paths of the parameters that keys change: those with steps of the last effect that has any. Any thread."""
        for slot in reversed(list(self.slots)):
            if paths := [f"{slot.owner}.{one.name}" for one in slot.parameters if one.live and one.step is not None]:
                return paths
        return []

    def facts(self) -> list[tuple[str, str]]:
        """Return the effects' lines for the HUD. Any thread."""
        lines: list[tuple[str, str]] = []
        for slot in list(self.slots):
            lines += self._ask(slot, "facts", lambda effect: _lines(effect.facts()), [])
        return lines[:_MOST_FACTS]

    @property
    def titles(self) -> list[str]:
        """What was asked for, in order, as people read it and as the statistics name it."""
        return [slot.title for slot in self.slots]

    def replace(self, slot: EffectSlot, fade_s: float = 0.0) -> None:
        """Put an opened effect in the place of the last one, from the next frame on. For `fade_s` of the source's time
        the picture of the one that goes shines through, unless it shows people bare whom the new one hides.
        """
        self._prepare(slot)
        with self._lock:
            self._waiting_fade_s = fade_s
            overtaken, self._waiting = (slot, None) if self._is_closed else (self._waiting, slot)
        if overtaken is not None:  # no frame came between two exchanges, or it was opened too late
            self._close(overtaken)

    def close_unused(self, slot: EffectSlot) -> None:
        """Close an opened effect that is not wanted any more and never was in the chain. Any thread; never raises."""
        self._close(slot)

    def make(self, frame: Frame, faces: Sequence[Face], at: Telling | None = None) -> Frame:
        """Return the picture of this moment. A failing effect is reported once and bridged. Raises nothing but what
        `at` does, where the thread says what it is at; None: the chain's own pulse.

        Faces that are not confirmed are given to effects that hide people, and to no others.
        """
        at = at or self.pulse
        if self._opened_anew is not None:
            self._put_in_place(at)
        if self._waiting is not None:
            self._take_over(frame.pts_s, at)
        picture = frame
        scene = Scene(frame)
        is_given_away = False
        confirmed = [face for face in faces if face.confirmed]
        for slot in self.slots:
            seen, scene = picture, scene.after(picture, faces if slot.traits.hides_identity else confirmed)
            picture, is_given_away = self._picture_of(slot, scene, at)
            if self._fade is not None and slot is self.slots[-1]:
                picture, is_given_away = self._faded(scene, seen, faces, picture, is_given_away, at)
        at.at("the label")
        return self._marked(picture, frame, may_write=is_given_away)

    def _picture_of(self, slot: EffectSlot, scene: Scene, at: Telling) -> tuple[Frame, bool]:
        """Return one effect's picture, and whether its pixels are nobody else's."""
        began_s = time.perf_counter()
        self._is_at(slot, at)
        at.at(slot.name, slot.patience.seconds(self._patience_s(slot), scene.frame.size, doubled=self.times_anew()))
        seen, is_given_away = scene.frame, False
        try:
            result = self._result_of(slot, scene, at)
            slot.patience.add(time.perf_counter() - began_s, seen.size)
            pixels = _pixels_of(result)
            slot.last_picture = pixels
            is_given_away = slot.traits.gives_pictures_away and pixels is not seen.pixels
            picture = seen if pixels is seen.pixels else seen.with_pixels(pixels)
        except FAULTS as error:  # the show goes on
            self._failures.failure(f"{slot.name} fails", error)
            self._stats.effect_failures += 1
            picture = self._bridge(slot, seen)
        self._stats.stage(slot.name).add(time.perf_counter() - began_s)
        return picture, is_given_away

    def _faded(
        self, scene: Scene, seen: Frame, faces: Sequence[Face], picture: Frame, is_given_away: bool, at: Telling
    ) -> tuple[Frame, bool]:
        """Return the new effect's picture of what it has `seen` with the former one's shining through, until that is
        over.
        """
        fade, leaving = self._fade, self._leaving
        assert fade is not None and leaving is not None  # noqa: S101, PT018 - the caller has looked
        if fade.is_over(seen.pts_s):
            self._end_fade(at)
            return picture, is_given_away
        began_s = time.perf_counter()
        shown = faces if leaving.traits.hides_identity else [face for face in faces if face.confirmed]
        former, _ = self._picture_of(leaving, scene.after(seen, shown), at)
        pixels = fade.blend(former.pixels, picture.pixels, seen.pts_s)
        fade.took(time.perf_counter() - began_s)
        return picture.with_pixels(pixels), True

    def _end_fade(self, at: Telling) -> None:
        leaving, self._leaving, self._fade = self._leaving, None, None
        if leaving is not None:
            self._begin_marking()
            self._close_former(leaving, at)

    def close(self) -> None:
        """Close every effect."""
        self.describe()
        self._end_fade(self.pulse)
        slots, self.slots = self.slots, []
        with self._lock:
            waiting, self._waiting, self._is_closed = self._waiting, None, True
            opened_anew, self._opened_anew = self._opened_anew, None
        slots += [slot for slot in (waiting, opened_anew) if slot is not None]
        for slot in slots:
            self.pulse.at(f"closing {slot.name}")
            self._close(slot)
        self.pulse.rest()

    def describe(self) -> None:
        """Tell the statistics what runs, and on what: a model may change its provider on the way. Any thread."""
        slots = list(self.slots)
        self._stats.effects = [slot.title for slot in slots]
        for slot in slots:
            self._stats.providers[slot.title] = self._ask(slot, "provider", lambda effect: str(effect.provider), "")
            nothing: dict[str, Any] = {}
            report = self._ask(slot, "report", lambda effect: _as_json(effect.report()), nothing)
            if len(slot.parameters):
                report = {"parameters": slot.parameters.as_json(), **report}
            if report:
                self._stats.effect_reports[slot.title] = report

    def _bridge(self, slot: EffectSlot, picture: Frame) -> Frame:
        """What is shown while an effect fails. An effect that replaces the camera's picture, or hides who is in it,
        is never replaced by that picture.
        """
        if not slot.traits.hides_identity and slot.traits.uses_pixels:
            return picture
        if slot.last_picture is None:
            slot.last_picture = np.full_like(picture.pixels, RESTING_BGR)
        return picture.with_pixels(slot.last_picture)

    def _marked(self, picture: Frame, frame: Frame, *, may_write: bool) -> Frame:
        """Return the picture with its label and provenance; a synthetic one is never shown without them."""
        try:
            marked = self._marking.mark(picture, frame, may_write=may_write)
        except Exception as error:  # the show goes on
            self._failures.failure("the label fails", error)
            if not any(slot.traits.synthetic for slot in self.slots):
                return picture
            if self._last_marked is None:
                self._last_marked = np.full_like(picture.pixels, RESTING_BGR)
            return picture.with_pixels(self._last_marked)
        self._last_marked = marked.pixels
        return marked

    def _take_over(self, pts_s: float, at: Telling) -> None:
        with self._lock:
            new, self._waiting = self._waiting, None
            fade_s = self._waiting_fade_s
            if self.slots and self._left is self.slots[-1]:  # the one that hangs is not wanted any more
                self._left = None
        if new is None:
            return
        self._taken = new
        self._end_fade(at)  # of the one before, where that was still on its way
        former = self.slots[-1] if self.slots else None
        if former is not None:
            self._describe(at)
            # Where one fails, the new one begins without what was known before.
            self._is_at(former, at)
            state = self._ask(former, "save_state", lambda effect: effect.save_state(), None)
            self._is_at(new, at)
            self._saved[former.spec] = _SavedState(former.parameters.changed, state)
            if (saved := self._saved.get(new.spec)) is not None:
                for name, value in saved.parameters.items():
                    self._ask(new, f"setting {name}", functools.partial(_set, new.parameters, name, value), None)
                if saved.state is not None:
                    self._ask(new, "restore_state", lambda effect: effect.restore_state(saved.state), None)
            if not former.is_left:
                self._ask(new, "inherit_state", lambda effect: effect.inherit_state(former.effect), None)
        at.rest()
        self._taken = None
        self.slots = [*self.slots[:-1], new]
        fades = fade_s > 0 and former is not None and not former.is_left
        if former is not None and fades and not _bares_who_is_hidden(former.traits, new.traits):
            self._leaving, self._fade = former, CrossFade(pts_s, fade_s)
        self._begin_marking()
        if former is not None and self._leaving is not former:
            self._close_former(former, at)
        self._describe(at)

    def _describe(self, at: Telling) -> None:
        at.at("what the effects tell of themselves")
        self.describe()
        at.rest()

    def _close_former(self, slot: EffectSlot, at: Telling) -> None:
        at.at(f"closing {slot.name}")
        self._called = slot
        self._close(slot)
        at.rest()

    def _is_at(self, slot: EffectSlot, at: Telling) -> None:
        at.at(slot.name)
        self._called = slot

    def _result_of(self, slot: EffectSlot, scene: Scene, at: Telling) -> Frame:
        """Ask an effect, and look as soon as it has come back whether this thread still has its place. One that has not
        closes the effect it was left in, and ends.
        """
        try:
            return slot.effect.make(scene)
        finally:
            try:
                at.rest()
            except LeftBehind:
                _close_left(slot)
                raise

    @property
    def is_whole(self) -> bool:
        """Whether a picture can be made: no effect hangs that has no other in its place yet. Any thread."""
        with self._lock:
            left = self._left
            if left is None or self._opened_anew is not None:
                return True
            return self._waiting is not None and left is self.slots[-1]

    def is_in_effect(self, what: str) -> bool:
        """Whether `what`, where the processing thread said it is, is an effect that can be begun anew. Any thread."""
        called = self._called
        names = () if called is None else (called.name, f"closing {called.name}")
        return self.open_again is not None and what in names

    def _is_used(self, slot: EffectSlot) -> bool:
        return any(one is slot for one in self.slots)

    def leave_behind(self) -> None:
        """Leave the effect that the processing thread was in and open another in its place. Any thread; that thread has
        lost its turn. Raises RuntimeError where no thread can be started.
        """
        left = self._called
        assert left is not None  # noqa: S101 - `is_in_effect` was asked
        left.is_left = True
        taken, self._taken = self._taken, None
        with self._lock:
            if taken is not None and taken is not left and self._waiting is None:
                self._waiting = taken
            if self._is_used(left):
                self._left = left
        if left is self._leaving:
            self._leaving, self._fade = None, None
            self._begin_marking()
        if not self.is_whole:
            self.open_left_again()

    @property
    def must_open_again(self) -> bool:
        """Whether what was to take the place of an effect that hangs did not open, or has not for long."""
        with self._lock:
            due_at_s = self._open_again_at_s
            waits = self._left is not None and self._opened_anew is None
            return waits and due_at_s is not None and time.monotonic() >= due_at_s

    def open_left_again(self) -> None:
        """Open the effect that hangs once more, beside it. Any thread. Raises RuntimeError where no thread can be
        started.
        """
        with self._lock:
            left, self._open_again_at_s = self._left, time.monotonic() + _OPENED_WITHIN_S
        if left is not None:
            threading.Thread(target=self._open_anew, args=(left,), name="effect-opening", daemon=True).start()

    def _open_anew(self, left: EffectSlot) -> None:
        """[thread of its own]"""
        assert self.open_again is not None  # noqa: S101 - `is_in_effect` was asked
        try:
            slot = EffectSlot(left.spec, self.open_again(left.spec))
        except FAULTS as error:
            self._failures.failure(f"{left.name} cannot be opened again", error)
            with self._lock:
                if self._left is left:
                    self._open_again_at_s = time.monotonic() + _AGAIN_AFTER_S
            return
        slot.patience = left.patience.of_successor()
        self._prepare(slot)
        with self._lock:
            is_wanted = self._left is left and self._opened_anew is None and not self._is_closed
            if is_wanted:
                self._opened_anew = slot
        if not is_wanted:
            self._close(slot)

    def _put_in_place(self, at: Telling) -> None:
        """Let what was opened anew go on where the one that hangs is, with the values that are set now."""
        with self._lock:
            slot, self._opened_anew = self._opened_anew, None
            left = self._left
        if slot is None:
            return
        if left is None or not self._is_used(left):  # another effect was chosen meanwhile
            self._close_former(slot, at)
            return
        self._is_at(slot, at)
        for name, value in left.parameters.changed.items():
            self._ask(slot, f"setting {name}", functools.partial(_set, slot.parameters, name, value), None)
        at.rest()
        with self._lock:
            self._left = None
        self.slots = [slot if one is left else one for one in self.slots]
        self._end_fade(at)
        self._begin_marking()
        self._describe(at)

    def _publish_parameters(self) -> None:
        """Put the parameters of the effects in use into the tree, under their names; a second `style` is `style2`."""
        owners: list[str] = []
        for slot in self.slots:
            name = slot.asked.name
            slot.owner = name if name not in owners else f"{name}{sum(owner.startswith(name) for owner in owners) + 1}"
            owners.append(slot.owner)
        for owner in self._owners:
            if owner not in owners:
                self.parameters.drop(owner)
        for slot in self.slots:
            self.parameters.hold(slot.owner, slot.parameters)
        self._owners = owners

    def _prepare(self, slot: EffectSlot) -> None:
        try:
            self._marking.prepare(slot.traits)
        except Exception as error:  # it is tried again when the first picture is marked
            log.debug("preparing the label", exc_info=error)

    def _begin_marking(self) -> None:
        self._last_marked = None
        self._publish_parameters()
        slots = self.slots if self._leaving is None else [self._leaving, *self.slots]
        self._marking.begin([slot.asked.public_name for slot in slots], [slot.traits for slot in slots])

    def _patience_s(self, slot: EffectSlot) -> float:
        return self._ask(slot, "patience_s", lambda effect: float(effect.patience_s), HUNG_AFTER_S)

    def _close(self, slot: EffectSlot) -> None:
        self._ask(slot, "close", lambda effect: effect.close(), None)  # its work is over either way

    def _ask(self, slot: EffectSlot, method: str, ask: Callable[[Effect], T], otherwise: T) -> T:
        """The guard around every call into an effect but `make`, which has its own: what is asked beside the picture
        must not end it.
        """
        if slot.is_left:
            return otherwise
        if threading.current_thread() is threading.main_thread():
            self.main_pulse.at(f"{method} of {slot.name}")
        try:
            return ask(slot.effect)
        except FAULTS as error:
            self._asides.failure(f"{method} of {slot.name} fails", error)
            return otherwise


def _close_left(slot: EffectSlot) -> None:
    """Close an effect that was left behind, on the thread that was left in it."""
    try:
        slot.effect.close()
    except FAULTS as error:
        log.debug("closing %s, which was left behind", slot.name, exc_info=error)


def _bares_who_is_hidden(former: Traits, new: Traits) -> bool:
    """Whether the picture of the effect that goes shows somebody as he is who has asked to be hidden from now on."""
    return new.hides_identity and former.uses_pixels and not former.hides_identity


def _pixels_of(result: Frame) -> Pixels:
    """Return an effect's picture. Raises ValueError where it is none. What else a frame carries is the camera's."""
    try:
        return as_picture(result.pixels)
    except ValueError as error:
        raise ValueError(f"it gives {error}") from None
    except AttributeError:
        raise ValueError(f"it gives {type(result).__name__}, no frame") from None


def _set(parameters: Parameters[Any], name: str, value: Value, effect: Effect) -> None:  # noqa: ARG001 - a question's
    if name in parameters:
        parameters.set(name, value)


def _lines(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(str(label), str(words)) for label, words in facts.items()]


def _as_json(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report as it can be written at the end of a run, when nothing may fail any more."""
    plain: dict[str, Any] = json.loads(json.dumps(dict(report), default=str))
    return plain
