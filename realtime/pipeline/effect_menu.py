"""Which look and which background are wanted, while others run: what keys and front-ends choose is opened beside and
then takes over.
"""

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
from realtime.effects import Effect, background_spec, is_background, shows_people, shows_surroundings
from realtime.pipeline.effect_chain import EffectChain
from realtime.pipeline.effect_slot import EffectSlot, SceneEffect

log = logging.getLogger(__name__)

_AGAIN_WITHIN_S = 2.0
_NO_LOOK = "none"
_ROOM_SEEN = N_("the room behind you is seen")


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


class _Choice(NamedTuple):
    """What is chosen by its spec; None: that stays as it is."""

    look: str | None = None
    background: str | None = None
    """Empty: the room."""


_Key = int | _Choice | WantedScene
"""What is asked for: steps through the looks, something by its name, or all at once."""


class _Request(NamedTuple):
    """What is to run."""

    look: str
    """The last effect that is no background."""
    background: str
    """What is seen behind people; empty: the room."""
    scene: WantedScene | None = None
    """What the other effects come from; None: those that run stay."""
    is_scene: bool = False
    """Whether look and background are the scene's, too, and with its values."""


class EffectMenu:
    """Walks through a list of looks live: the next one is opened beside the running one and then takes over, so
    that no frame is black or frozen. What is seen behind people is chosen beside them, and stays when they change. Main
    thread, except looking for what there is and opening.

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
        """`current`: the look that runs. `shows_people`: whether an effect does not hide who is seen;
        `shows_surroundings`: nor the room behind.

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
        self._running = _Request("", "")  # what was exchanged last, once _specs are known
        self._open_effect = open_effect
        self._chain = chain
        self._say = say
        self._shows = {_Hidden.FACE: shows_people, _Hidden.ROOM: shows_surroundings}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        # Guarded by _lock, so that no request falls between two looks at them:
        self._specs: list[str] = []
        self._showing: dict[_Hidden, set[str]] = {kind: set() for kind in _Hidden}  # of _specs, those that show it
        self._steps = 0  # from the first of _specs
        self._background = background_spec(chain.background_spec)  # that is wanted
        self._pressed: list[_Key] = []  # until _specs are known
        self._scene: WantedScene | None = None  # that is wanted, until it is shown
        self._is_scene = False
        hidden = {_Hidden.FACE: chain.hides_people, _Hidden.ROOM: chain.hides_surroundings}
        self._hiding = {kind for kind in _Hidden if hidden[kind]}
        self._asked: tuple[_Key, float] = (0, -math.inf)  # what must be pressed again, and when it was first
        self._is_opening = False
        self._fade_s = 0.0

    def step(self, steps: int, fade_s: float = 0.0) -> None:
        """Go to the next (1) or previous (-1) effect, as `EffectChain.replace` does. While one is still opening, only
        the request is kept.
        """
        self._press(steps, fade_s)

    def choose(self, spec: str, fade_s: float = 0.0, *, planned: bool = False) -> None:
        """Go to the effect of this spec, which need not be in the list; from there the keys go on. As `step`. One that
        is a background is seen behind the look that runs.

        `planned`: it was decided before, by whoever wrote the programme, and nobody stands there to press again. It is
        shown alone then: a look without a background, or a background without a look.
        """
        if is_background(spec):
            self._press(_Choice(_NO_LOOK if planned else None, background_spec(spec)), fade_s, planned=planned)
        else:
            self._press(_Choice(spec, "" if planned else None), fade_s, planned=planned)

    def choose_background(self, text: str, fade_s: float = 0.0) -> None:
        """Show something else behind people, as `effects.background_spec` reads it; the look stays. As `step`."""
        self._press(_Choice(background=background_spec(text)), fade_s)

    def show(self, scene: WantedScene, fade_s: float = 0.0) -> bool:
        """Put a scene's effects in the place of all that run, once all of them are open. False: it must be asked for
        again, because it would bare what is hidden. Any thread.
        """
        return self._press(scene, fade_s)

    def _press(self, key: _Key, fade_s: float, *, planned: bool = False) -> bool:
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

    def _go(self, keys: Sequence[_Key]) -> bool:
        """Take steps and say where they lead; False where nothing is to be done before the key is pressed again."""
        question, says, has_gone = "", self.title_of(self._wanted()), False
        for key in keys:
            steps, background = self._led_to(key)
            question = self._question(key, steps, background)
            if question:
                break  # keys pressed before the question was put do not answer it
            is_behind = isinstance(key, _Choice) and key.look is None
            has_gone = has_gone or steps != 0 or background != self._background or isinstance(key, WantedScene)
            self._steps, self._background = self._steps + steps, background
            self._is_scene = isinstance(key, WantedScene)
            self._scene = key if isinstance(key, WantedScene) else self._scene
            says = self._scene.name if self._scene is not None and self._is_scene else self.title_of(self._wanted())
            if is_behind:
                says = self.title_of(background) if background else _(_ROOM_SEEN)
        if not question or has_gone:
            self._say(says)
        if question:
            self._say(question)
        return has_gone or not question

    def _led_to(self, key: _Key) -> tuple[int, str]:
        """Return how many steps it is to the look that is asked for, and the background."""
        if isinstance(key, int):
            return key, self._background
        if isinstance(key, WantedScene):
            look, background = _places_of(key)
            return self._way_to(look), background
        background = self._background if key.background is None else key.background
        return 0 if key.look is None else self._way_to(key.look), background

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

    def _question(self, key: _Key, steps: int, background: str) -> str:
        """Return what is said where a key must be pressed again, for it would bare what is hidden; else nothing."""
        bared = [kind for kind in _Hidden if kind in self._hiding and self._bares(kind, key, steps, background)]
        before, self._asked = self._asked, (0, -math.inf)
        if not bared:
            return ""
        now_s = time.monotonic()
        asked = steps if isinstance(key, _Choice) and key.look is not None else key
        if before[0] == asked and now_s - before[1] <= _AGAIN_WITHIN_S:
            self._hiding -= set(bared)
            return ""
        self._asked = asked, now_s
        return _(bared[0].value)

    def _bares(self, kind: _Hidden, key: _Key, steps: int, background: str) -> bool:
        """Whether the chain that a key leads to shows as it is what one of these kinds hides."""
        shows = self._shows[kind]
        if isinstance(key, WantedScene):
            return all(shows(one.spec) for one in key.effects)
        if background and not shows(background):
            return False
        if self._specs[(self._steps + steps) % len(self._specs)] not in self._showing[kind]:
            return False
        if self._scene is not None:  # on its way
            return all(shows(one.spec) for one in _lasting_of(self._scene))
        chain = self._chain
        return not {
            _Hidden.FACE: chain.hides_people_anyway,
            _Hidden.ROOM: chain.hides_surroundings_anyway,
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
        while True:  # keys pressed meanwhile: only the last request counts
            with self._lock:
                request = self._request()
                if latest == request:
                    self._is_opening = False
                    return
            latest = self._exchange_places(request) if request.scene is None else self._exchange_all(request)

    def _exchange_places(self, request: _Request) -> _Request:
        """Open what is new of look and background, and let it take over; where one does not open, the other does.
        Return what counts as done.
        """
        running = self._running
        look = background = None
        if request.background and request.background != running.background:
            background = self._opened(request.background)
        if request.look != running.look:
            look = self._opened(request.look)
        has_failed = bool(request.background) and request.background != running.background and background is None
        with self._lock:
            is_wanted, fade_s = request == self._request(), self._fade_s
            if is_wanted:
                self.scene, self._is_scene = "", False
                if has_failed:
                    self._background = running.background
                self._running = _Request(running.look if look is None else look.spec, self._background)
                self._note_hiding([slot for slot in (look, background) if slot is not None])
        if not is_wanted:
            for slot in (look, background):
                if slot is not None:
                    self._chain.close_unused(slot)
            return request
        # In this order nothing is bare for a frame: a background is there before the look, and goes after it has come.
        if background is not None:
            self._chain.replace(background, fade_s)
        if look is not None:
            self._chain.replace(look, fade_s)
        if not request.background and running.background:
            self._chain.remove_background(fade_s)
        return request._replace(background=running.background) if has_failed else request

    def _exchange_all(self, request: _Request) -> _Request:
        """Open a scene, with another look or background where one was chosen since. Return what counts as done; where
        some of it does not open, it is not half shown.
        """
        slots: list[EffectSlot] = []
        for one in self._effects_of(request):
            slot = self._opened(one)
            if slot is None:
                for opened in slots:
                    self._chain.close_unused(opened)
                return self._given_up(request)
            slots.append(slot)
        with self._lock:
            is_wanted, fade_s = request == self._request(), self._fade_s
            if is_wanted:
                self.scene = request.scene.name if request.scene is not None and request.is_scene else ""
                self._scene, self._is_scene = None, False
                self._running = _Request(request.look, request.background)
                self._note_hiding(slots)
        if is_wanted:
            self._chain.replace_all(slots, fade_s)
            return _Request(request.look, request.background)
        for slot in slots:
            self._chain.close_unused(slot)
        return request

    def _request(self) -> _Request:
        return _Request(self._wanted(), self._background, self._scene, self._is_scene)

    def _effects_of(self, request: _Request) -> list[SceneEffect | str]:
        """Return what is to run in place of all, in order."""
        assert request.scene is not None  # noqa: S101
        if request.is_scene:
            return [*request.scene.effects]
        look, background = _places_of(request.scene)
        wanted: list[SceneEffect | str] = [*_lasting_of(request.scene)]
        wanted.append(_in_scene(request.scene, request.look) if request.look == look else request.look)
        if request.background:
            kept = request.background == background
            wanted.insert(0, _in_scene(request.scene, background) if kept else request.background)
        return wanted

    def _given_up(self, request: _Request) -> _Request:
        """Return what counts as done where a scene did not open."""
        with self._lock:
            if request != self._request():
                return request
            self._scene, self._is_scene = None, False
            self._steps += self._way_to(self._running.look)
            self._background = self._running.background
            return self._request()

    def _opened(self, one: SceneEffect | str) -> EffectSlot | None:
        """Open an effect; None: it does not open, and that is told."""
        spec = one if isinstance(one, str) else one.spec
        try:
            if isinstance(one, str):
                return EffectSlot(spec, self._open_effect(spec))
            return EffectSlot(spec, self.open_scene_effect(one), scene=one)
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
            return None

    def _note_hiding(self, slots: Sequence[EffectSlot]) -> None:
        if any(slot.traits.hides_identity for slot in slots):
            self._hiding.add(_Hidden.FACE)
        if any(slot.traits.hides_surroundings for slot in slots):
            self._hiding.add(_Hidden.ROOM)

    def _look_for_specs(self) -> None:
        looks = [spec for spec in self._list_specs() if not is_background(spec)]
        specs, current = _with_current(looks, self._current)
        showing = {kind: {spec for spec in specs if shows(spec)} for kind, shows in self._shows.items()}
        with self._lock:
            self._specs, self._showing, self._steps = specs, showing, current
            self._running = _Request(specs[current], self._background)
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


def _places_of(scene: WantedScene) -> tuple[str, str]:
    """Return the look and the background of a scene."""
    specs = [one.spec for one in scene.effects]
    looks = [spec for spec in specs if not is_background(spec)]
    backgrounds = [spec for spec in specs if is_background(spec)]
    return looks[-1] if looks else _NO_LOOK, background_spec(backgrounds[-1]) if backgrounds else ""


def _lasting_of(scene: WantedScene) -> list[SceneEffect]:
    """Return the effects of a scene that neither look nor background takes the place of."""
    return [one for one in scene.effects if not is_background(one.spec)][:-1]


def _in_scene(scene: WantedScene, spec: str) -> SceneEffect | str:
    """Return an effect as a scene has it."""
    return next((one for one in reversed(scene.effects) if one.spec == spec), spec)
