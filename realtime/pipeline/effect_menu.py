"""Which effect is wanted, while others run: what keys and front-ends choose is opened beside and then takes over."""

from __future__ import annotations

import dataclasses
import enum
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from realtime.core.errors import FAULTS, RealtimeError, in_one_line
from realtime.core.language import N_, _
from realtime.core.specs import EffectSpec
from realtime.effects import Effect, shows_people, shows_surroundings
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect

log = logging.getLogger(__name__)

_AGAIN_WITHIN_S = 2.0


class _Hidden(enum.Enum):
    """What one key must not bare, and what is said when it would."""

    FACE = N_("press again: your own face will be seen")
    ROOM = N_("press again: the room behind you will be seen")


@dataclasses.dataclass(frozen=True, slots=True)
class WantedScene:
    """All effects of a chain at once, with their values: what a scene asks for."""

    name: str
    effects: tuple[SceneEffect, ...]
    """At least one."""


class _Wish(NamedTuple):
    """What is to run."""

    spec: str
    """The last effect."""
    scene: WantedScene | None = None
    """What the effects before it come from; None: those that run stay."""
    is_scene: bool = False
    """Whether the last effect is the scene's, too, and with its values."""


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
        self.title_of: Callable[[str], str] = lambda spec: _("effect: {spec}", spec=spec)
        """What is said of an effect that was chosen, by its spec. Any thread."""
        self.open_scene_effect: Callable[[SceneEffect], Effect] = lambda one: open_effect(one.spec)
        """Opens an effect of a scene, with the scene's values."""
        self.scene = ""
        """The scene that is shown, by its name; empty: none, or another effect was chosen since. Any thread."""
        self._list_specs = specs
        self._current = current
        self._running = _Wish("")  # what was exchanged last, once _specs are known
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
        self._pressed: list[int | str | WantedScene] = []  # until _specs are known
        self._scene: WantedScene | None = None  # that is wanted, until it is shown
        self._is_scene = False
        hidden = {_Hidden.FACE: chain.hides_people, _Hidden.ROOM: chain.hides_surroundings}
        self._hiding = {kind for kind in _Hidden if hidden[kind]}
        self._asked: tuple[int | str, float] = (0, -math.inf)  # what must be pressed again, and when it was first
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

    def show(self, scene: WantedScene, fade_s: float = 0.0) -> bool:
        """Put a scene's effects in the place of all that run, once all of them are open. False: it must be asked for
        again, because it would bare what is hidden. Any thread.
        """
        return self._press(scene, fade_s)

    def _press(self, key: int | str | WantedScene, fade_s: float, *, planned: bool = False) -> bool:
        with self._lock:
            self._fade_s = fade_s
            if planned:
                self._hiding.clear()
            if not self._specs:
                self._pressed.append(key)
            elif not self._go((key,)):
                return False
            starts, self._is_opening = not self._is_opening, True
        if starts:
            thread = threading.Thread(target=self._open_wanted, name="effect-opening", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # no further thread now; the next key tries again
                with self._lock:
                    self._is_opening = False
                self._say(_("no effect can be opened now: {reason}", reason=error))
            else:
                self._thread = thread
        return True

    def _go(self, keys: Sequence[int | str | WantedScene]) -> bool:
        """Take steps and say where they lead; False where nothing is to be done before the key is pressed again."""
        question, has_gone = "", False
        for key in keys:
            steps = key if isinstance(key, int) else self._way_to(key if isinstance(key, str) else _last_of(key))
            question = self._question(key, steps) if isinstance(key, WantedScene) else self._question(steps, steps)
            if question:
                break  # keys pressed before the question was put do not answer it
            self._steps += steps
            self._is_scene = isinstance(key, WantedScene)
            self._scene = key if isinstance(key, WantedScene) else self._scene
            has_gone = has_gone or steps != 0 or self._is_scene
        if not question or has_gone:
            says = self._scene.name if self._scene is not None and self._is_scene else self.title_of(self._wanted())
            self._say(says)
        if question:
            self._say(question)
        return has_gone or not question

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

    def _question(self, key: int | WantedScene, steps: int) -> str:
        """Return what is said where a key must be pressed again, for it would bare what is hidden; else nothing."""
        bared = [kind for kind in _Hidden if kind in self._hiding and self._bares(kind, key, steps)]
        before, self._asked = self._asked, (0, -math.inf)
        if not bared:
            return ""
        now_s = time.monotonic()
        name = key if isinstance(key, int) else key.name
        if before[0] == name and now_s - before[1] <= _AGAIN_WITHIN_S:
            self._hiding -= set(bared)
            return ""
        self._asked = name, now_s
        return _(bared[0].value)

    def _bares(self, kind: _Hidden, key: int | WantedScene, steps: int) -> bool:
        """Whether the chain that a key leads to shows as it is what one of these kinds hides."""
        shows = self._shows[kind]
        if isinstance(key, WantedScene):
            return all(shows(one.spec) for one in key.effects)
        if self._specs[(self._steps + steps) % len(self._specs)] not in self._showing[kind]:
            return False
        if self._scene is not None:  # on its way
            return all(shows(one.spec) for one in self._scene.effects[:-1])
        chain = self._chain
        return not {
            _Hidden.FACE: chain.hides_before_last,
            _Hidden.ROOM: chain.hides_surroundings_before_last,
        }[kind]

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
            log.warning(_("the effects cannot be listed: %s"), in_one_line(error))
            log.debug("listing the effects", exc_info=error)
            with self._lock:
                self._pressed, self._is_opening = [], False
            return
        with self._lock:
            latest = self._running
        while True:  # keys pressed meanwhile: only the last wish counts
            with self._lock:
                wish = self._wish()
                if latest == wish:
                    self._is_opening = False
                    return
                latest = wish
            slots = self._opened(wish)
            if slots is None:
                latest = self._given_up(wish)
                continue
            with self._lock:
                is_wanted, fade_s = wish == self._wish(), self._fade_s
                if is_wanted:
                    self.scene = wish.scene.name if wish.scene is not None and wish.is_scene else ""
                    self._scene, self._is_scene = None, False
                    latest = self._running = _Wish(wish.spec)
                    self._note_hiding(slots)
            if not is_wanted:
                for slot in slots:
                    self._chain.close_unused(slot)
            elif wish.scene is None:
                self._chain.replace(slots[0], fade_s)
            else:
                self._chain.replace_all(slots, fade_s)

    def _wish(self) -> _Wish:
        return _Wish(self._wanted(), self._scene, self._is_scene)

    def _given_up(self, wish: _Wish) -> _Wish:
        """Return what counts as done where something did not open; a scene that does not is not half shown."""
        with self._lock:
            if wish.scene is None or wish != self._wish():
                return wish
            self._scene, self._is_scene = None, False
            self._steps += self._way_to(self._running.spec)
            return self._wish()

    def _opened(self, wish: _Wish) -> list[EffectSlot] | None:
        """Open what is wished for; None: some of it does not open, and that is told."""
        asked: list[SceneEffect | str] = [wish.spec]
        if wish.scene is not None:
            asked = [*wish.scene.effects] if wish.is_scene else [*wish.scene.effects[:-1], wish.spec]
        slots: list[EffectSlot] = []
        for one in asked:
            spec = one if isinstance(one, str) else one.spec
            try:
                if isinstance(one, str):
                    slots.append(EffectSlot(spec, self._open_effect(spec)))
                else:
                    slots.append(EffectSlot(spec, self.open_scene_effect(one), scene=one))
            except FAULTS as error:  # an effect may be anybody's code: the running one goes on
                reason = in_one_line(error)
                line = (
                    reason
                    if isinstance(error, RealtimeError)
                    else _("effect {spec} does not open: {reason}", spec=spec, reason=reason)
                )
                log.warning("%s", line)
                log.debug("opening effect %s", spec, exc_info=error)
                self._say(line)
                self.on_failed(spec, reason)
                for slot in slots:
                    self._chain.close_unused(slot)
                return None
        return slots

    def _note_hiding(self, slots: Sequence[EffectSlot]) -> None:
        if any(slot.traits.hides_identity for slot in slots):
            self._hiding.add(_Hidden.FACE)
        if any(slot.traits.hides_surroundings for slot in slots):
            self._hiding.add(_Hidden.ROOM)

    def _look_for_specs(self) -> None:
        specs, current = _with_current(list(self._list_specs()), self._current)
        showing = {kind: {spec for spec in specs if shows(spec)} for kind, shows in self._shows.items()}
        with self._lock:
            self._specs, self._showing, self._steps = specs, showing, current
            self._running = _Wish(specs[current])
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


def _last_of(scene: WantedScene) -> str:
    return scene.effects[-1].spec
