"""Which effect is wanted, while others run: what keys and front-ends choose is opened beside and then takes over."""

from __future__ import annotations

import enum
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence

from realtime.core.errors import FAULTS, RealtimeError, in_one_line
from realtime.core.specs import EffectSpec
from realtime.effects import Effect, shows_people, shows_surroundings
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot

log = logging.getLogger(__name__)

_AGAIN_WITHIN_S = 2.0


class _Hidden(enum.Enum):
    """What one key must not bare, and what is said when it would."""

    FACE = "press again: your own face will be seen"
    ROOM = "press again: the room behind you will be seen"


class EffectMenu:
    """Walks through a list of effects live: the next one is opened beside the running one and then takes over, so
    that no frame is black or frozen. Main thread, except looking for what there is and opening.

    Whoever wears a face is not bared by one key: on the way to an effect that shows people as they are it must be
    pressed again. So it is until the user has done that, also by way of a portrait, and again from the next face on.
    The same goes for a room that is hidden.
    """

    def __init__(
        self,
        specs: Callable[[], Sequence[str]],
        current: str,
        open_effect: Callable[[str], Effect],
        chain: EffectChain,
        say: Callable[[str], None],
        shows_people: Callable[[str], bool] = shows_people,
        shows_surroundings: Callable[[str], bool] = shows_surroundings,
    ) -> None:
        """`shows_people`: whether an effect does not hide who is seen; `shows_surroundings`: nor the room behind.

        `specs` is asked when the first key is pressed, on a thread of its own: it may have to look through folders
        and to import effects, for which the window would miss a frame.
        """
        self.on_failed: Callable[[str, str], None] = lambda spec, reason: None
        """[opening thread] Called with an effect that could not be opened, and why."""
        self._list_specs = specs
        self._current = current
        self._running = ""  # the spec that was exchanged last, once _specs are known
        self._open_effect = open_effect
        self._chain = chain
        self._say = say
        self._shows = {_Hidden.FACE: shows_people, _Hidden.ROOM: shows_surroundings}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        # Guarded by _lock, so that no wish falls between two looks at them:
        self._specs: list[str] = []
        self._showing: dict[_Hidden, set[str]] = {kind: set() for kind in _Hidden}  # of _specs, those that show it
        self._steps = 0  # from the first of _specs
        self._pressed: list[int | str] = []  # steps and specs, until _specs are known
        hidden = {_Hidden.FACE: chain.hides_people, _Hidden.ROOM: chain.hides_surroundings}
        self._hiding = {kind for kind in _Hidden if hidden[kind]}
        self._asked = (0, -math.inf)  # the step that must be pressed again, and when it was pressed first
        self._is_opening = False
        self._fade_s = 0.0

    def step(self, steps: int, fade_s: float = 0.0) -> None:
        """Go to the next (1) or previous (-1) effect, as `EffectChain.replace` does. While one is still opening, only
        the wish is kept.
        """
        self._press(steps, fade_s)

    def choose(self, spec: str, fade_s: float = 0.0, *, planned: bool = False) -> None:
        """Go to the effect of this spec, which need not be in the list; from there the keys go on. As `step`.

        `planned`: it was decided before, by whoever wrote the programme, and nobody stands there to press again.
        """
        self._press(spec, fade_s, planned=planned)

    def _press(self, key: int | str, fade_s: float, *, planned: bool = False) -> None:
        with self._lock:
            self._fade_s = fade_s
            if planned:
                self._hiding.clear()
            if not self._specs:
                self._pressed.append(key)
            elif not self._go((key,)):
                return
            starts, self._is_opening = not self._is_opening, True
        if starts:
            thread = threading.Thread(target=self._open_wanted, name="effect-opening", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no further thread now; the next key tries again
                with self._lock:
                    self._is_opening = False
                self._say(f"no effect can be opened now: {error}")
            else:
                self._thread = thread

    def _go(self, keys: Sequence[int | str]) -> bool:
        """Take steps and say where they lead; False where nothing is to be done before the key is pressed again."""
        before, question = self._steps, ""
        for key in keys:
            steps = self._way_to(key) if isinstance(key, str) else key
            question = self._question(steps)
            if question:
                break  # keys pressed before the question was put do not answer it
            self._steps += steps
        if not question or self._steps != before:
            self._say(f"effect: {self._wanted()}")
        if question:
            self._say(question)
        return self._steps != before or not question

    def _way_to(self, spec: str) -> int:
        """Return how many steps it is to an effect; one that is not in the list is put behind those of its name."""
        at = self._steps % len(self._specs)
        if spec not in self._specs:
            name = EffectSpec.parse(spec).name
            of_same = [place for place, other in enumerate(self._specs) if EffectSpec.parse(other).name == name]
            place = of_same[-1] + 1 if of_same else len(self._specs)
            self._specs = [*self._specs[:place], spec, *self._specs[place:]]
            for kind, shows in self._shows.items():
                if shows(spec):
                    self._showing[kind].add(spec)
            at = self._steps = at + (place <= at)
        return self._specs.index(spec) - at

    def _question(self, steps: int) -> str:
        """Return what is said where a key must be pressed again, for it would bare what is hidden; else nothing."""
        wanted = self._specs[(self._steps + steps) % len(self._specs)]
        before, self._asked = self._asked, (0, -math.inf)
        chain = self._chain
        stays = {_Hidden.FACE: chain.hides_before_last, _Hidden.ROOM: chain.hides_surroundings_before_last}
        bared = [kind for kind in _Hidden if kind in self._hiding and wanted in self._showing[kind] and not stays[kind]]
        if not bared:
            return ""
        now_s = time.monotonic()
        if before[0] == steps and now_s - before[1] <= _AGAIN_WITHIN_S:
            self._hiding -= set(bared)
            return ""
        self._asked = steps, now_s
        return bared[0].value

    def close(self, within_s: float = 5.0) -> None:
        """Let an opening in progress come to its end, if that takes no longer."""
        if self._thread is not None:
            self._thread.join(timeout=within_s)

    def _wanted(self) -> str:
        return self._specs[self._steps % len(self._specs)]

    def _open_wanted(self) -> None:
        try:
            if not self._specs:
                self._look_for_specs()
        except FAULTS as error:  # of an effect that is asked what it offers: the next key asks anew
            log.warning("the effects cannot be listed: %s", in_one_line(error))
            log.debug("listing the effects", exc_info=error)
            with self._lock:
                self._pressed, self._is_opening = [], False
            return
        with self._lock:
            latest = self._running
        while True:  # keys pressed meanwhile: only the last wish counts
            with self._lock:
                spec = self._wanted()
                if latest == spec:
                    self._is_opening = False
                    return
                latest = spec
            try:
                effect = self._open_effect(spec)
            except FAULTS as error:  # an effect may be anybody's code: the running one goes on
                reason = in_one_line(error)
                line = reason if isinstance(error, RealtimeError) else f"effect {spec} does not open: {reason}"
                log.warning("%s", line)
                log.debug("opening effect %s", spec, exc_info=error)
                self._say(line)
                self.on_failed(spec, reason)
                continue
            slot = EffectSlot(spec, effect)
            with self._lock:
                is_wanted, fade_s = spec == self._wanted(), self._fade_s
                if is_wanted:
                    self._running = spec
                    self._note_hiding(slot)
            if is_wanted:
                self._chain.replace(slot, fade_s)
            else:
                self._chain.close_unused(slot)

    def _note_hiding(self, slot: EffectSlot) -> None:
        if slot.traits.hides_identity:
            self._hiding.add(_Hidden.FACE)
        if slot.traits.hides_surroundings:
            self._hiding.add(_Hidden.ROOM)

    def _look_for_specs(self) -> None:
        specs, current = _with_current(list(self._list_specs()), self._current)
        showing = {kind: {spec for spec in specs if shows(spec)} for kind, shows in self._shows.items()}
        with self._lock:
            self._specs, self._showing, self._steps = specs, showing, current
            self._running = specs[current]
            pressed, self._pressed = self._pressed, []
            self._go(pressed)


def _with_current(specs: list[str], current: str) -> tuple[list[str], int]:
    """Return the list with the spec in use in it, and its position: where the key began, there it must come back to."""
    if current not in specs:
        current_spec = EffectSpec.parse(current)
        of_same = [spec for spec in specs if EffectSpec.parse(spec).name == current_spec.name]
        same = next((spec for spec in of_same if current.startswith(f"{spec}:") and spec != current_spec.name), None)
        if same is None and not current_spec.argument:
            same = next(iter(of_same), None)  # without an argument it is the first of its choices
        if same is not None:  # `style:starry:0.7` stands for `style:starry`
            specs = [current if spec == same else spec for spec in specs]
        else:
            position = specs.index(of_same[0]) if of_same else len(specs)
            specs = [*specs[:position], current, *specs[position:]]
    return specs, specs.index(current)
