"""The effects of a run, one after the other, and how one is exchanged while the picture goes on."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np

from realtime.effects import Effect, split_spec
from realtime.effects.marking import Marking
from realtime.errors import OnceLogger, RealtimeError
from realtime.frame import Face, Frame, Pixels
from realtime.label import Label
from realtime.stats import RunStats

log = logging.getLogger(__name__)

_NEUTRAL_BGR = (38, 34, 32)  # a quiet dark grey: what is shown in place of a face that must not be


@dataclasses.dataclass(slots=True)
class Link:
    """One opened effect and what was asked for."""

    spec: str
    effect: Effect
    last_picture: Pixels | None = None


class EffectChain:
    """Runs every frame through its effects. `make`, `close`: processing thread; `exchange`: any."""

    def __init__(
        self, links: Sequence[Link], stats: RunStats, label: Label | None = None, *, source_type: str = ""
    ) -> None:
        """`label`, `source_type`: as `Marking` takes them."""
        self._links = list(links)
        self._stats = stats
        self._marking = Marking(label, source_type, stats)
        self._failures = OnceLogger(log)
        self._lock = threading.Lock()
        self._waiting: Link | None = None  # guarded by _lock: set by any thread, taken by the processing thread
        for link in self._links:
            self._marking.prepare(link.effect)
        self._marking.begin(self.specs, [link.effect for link in self._links])
        self.describe()

    @property
    def uses_faces(self) -> bool:
        """Whether any effect looks at faces."""
        return any(link.effect.uses_faces for link in self._links)

    @property
    def uses_pixels(self) -> bool:
        """Whether the camera's pixels can reach the outputs or an effect's eye."""
        return not self._links or self._links[0].effect.uses_pixels

    def turn(self, steps: int) -> str:
        """Turn the dial of the last effect that has one; return what to tell the user, empty where none has. Any
        thread.
        """
        return next((said for link in reversed(self._links) if (said := link.effect.turn(steps))), "")

    def next_dial(self) -> str:
        """Let `turn` turn another dial of the last effect that has several; as `turn` otherwise."""
        return next((said for link in reversed(self._links) if (said := link.effect.next_dial())), "")

    def facts(self) -> list[tuple[str, str]]:
        """Return the effects' lines for the HUD. Any thread."""
        return [fact for link in list(self._links) for fact in link.effect.facts().items()]

    @property
    def specs(self) -> list[str]:
        """What was asked for, in order."""
        return [link.spec for link in self._links]

    def exchange(self, link: Link) -> None:
        """Put an opened effect in the place of the last one, from the next frame on."""
        self._marking.prepare(link.effect)
        with self._lock:
            overtaken, self._waiting = self._waiting, link
        if overtaken is not None:  # no frame came between two exchanges: the loop is paused, or its camera is silent
            _close(overtaken)

    def make(self, frame: Frame, faces: Sequence[Face]) -> Frame:
        """Return the picture of this moment. Never raises: a failing effect is reported once and bridged."""
        if self._waiting is not None:
            self._take_over()
        picture = frame
        is_given_away = False
        for link in self._links:
            began_s = time.perf_counter()
            try:
                made = link.effect.make(picture, faces)
                link.last_picture = made.pixels
                is_given_away = link.effect.gives_pictures_away and made.pixels is not picture.pixels
            except Exception as error:  # an effect may be anybody's code: the show goes on
                self._failures.failure(f"effect {link.spec} fails", error)
                self._stats.effect_failures += 1
                is_given_away = False
                made = self._bridge(link, picture)
            picture = made
            self._stats.stage(f"effect {link.spec}").add(time.perf_counter() - began_s)
        return self._marking.mark(picture, frame, may_write=is_given_away)

    def close(self) -> None:
        """Close every effect."""
        self.describe()
        links, self._links = self._links, []
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            links.append(waiting)
        for link in links:
            _close(link)

    def _bridge(self, link: Link, picture: Frame) -> Frame:
        """What is shown while an effect fails. An effect that replaces the camera's picture, or hides who is in it,
        is never replaced by that picture.
        """
        if not link.effect.hides_identity and link.effect.uses_pixels:
            return picture
        if link.last_picture is None:
            link.last_picture = np.full_like(picture.pixels, _NEUTRAL_BGR)
        return picture.with_pixels(link.last_picture)

    def _take_over(self) -> None:
        with self._lock:
            new, self._waiting = self._waiting, None
        if new is None:
            return
        if self._links:
            self.describe()
            former = self._links.pop()
            try:
                new.effect.succeed(former.effect)
            except Exception as error:  # anybody's code: it begins without what the former one knew
                log.debug("effect %s takes over from %s", new.spec, former.spec, exc_info=error)
            _close(former)
        self._links.append(new)
        self._marking.begin(self.specs, [link.effect for link in self._links])
        self.describe()

    def describe(self) -> None:
        """Tell the statistics what runs, and on what: a model may change its provider on the way. Any thread."""
        links = list(self._links)
        self._stats.effects = [link.spec for link in links]
        for link in links:
            self._stats.providers[link.spec] = link.effect.provider
            if report := link.effect.report():
                self._stats.effect_reports[link.spec] = dict(report)


def _close(link: Link) -> None:
    try:
        link.effect.close()
    except Exception as error:  # its work is over either way
        log.debug("closing effect %s", link.spec, exc_info=error)


class EffectMenu:
    """Walks through a list of effects live: the next one is opened beside the running one and then takes over, so
    that no frame is black or frozen. Main thread, except looking for what there is and opening.
    """

    def __init__(
        self,
        specs: Callable[[], Sequence[str]],
        current: str,
        open_effect: Callable[[str], Effect],
        chain: EffectChain,
        say: Callable[[str], None],
    ) -> None:
        """`specs` is asked when the first key is pressed, on a thread of its own: it may have to look through folders
        and to import effects, for which the window would miss a frame.
        """
        self._list_specs = specs
        self._current = current
        self._open_effect = open_effect
        self._chain = chain
        self._say = say
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        # Guarded by _lock, so that no wish falls between two looks at them:
        self._specs: list[str] = []
        self._steps = 0  # from the first of _specs; until they are known, from the one in use
        self._is_opening = False

    def step(self, by: int) -> None:
        """Go to the next (1) or previous (-1) effect. While one is still opening, only the wish is kept."""
        with self._lock:
            self._steps += by
            if self._specs:
                self._say(f"effect: {self._wanted()}")
            starts, self._is_opening = not self._is_opening, True
        if starts:
            self._thread = threading.Thread(target=self._open_wanted, name="effect-opening", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Let an opening in progress come to its end."""
        if self._thread is not None:
            self._thread.join(timeout=5.0)

    def _wanted(self) -> str:
        return self._specs[self._steps % len(self._specs)]

    def _open_wanted(self) -> None:
        if not self._specs:
            self._look_for_specs()
        opened = ""
        while True:  # keys pressed meanwhile: only the last wish counts
            with self._lock:
                spec = self._wanted()
                if opened == spec:
                    self._is_opening = False
                    return
                opened = spec
            try:
                effect = self._open_effect(spec)
            except Exception as error:  # an effect may be anybody's code: the running one goes on
                line = str(error) if isinstance(error, RealtimeError) else f"effect {spec} does not open: {error}"
                log.warning("%s", line)
                log.debug("opening effect %s", spec, exc_info=error)
                self._say(line)
                continue
            if spec == self._wanted():
                self._chain.exchange(Link(spec, effect))
            else:
                effect.close()

    def _look_for_specs(self) -> None:
        specs, current = _with_current(list(self._list_specs()), self._current)
        with self._lock:
            self._specs = specs
            self._steps += current
            self._say(f"effect: {self._wanted()}")


def _with_current(specs: list[str], current: str) -> tuple[list[str], int]:
    """Return the list with the spec in use in it, and its position: where the key began, there it must come back to."""
    if current not in specs:
        name, argument = split_spec(current)
        of_same = [spec for spec in specs if split_spec(spec)[0] == name]
        same = next((spec for spec in of_same if current.startswith(f"{spec}:") and spec != name), None)
        if same is None and not argument:
            same = next(iter(of_same), None)  # without an argument it is the first of its choices
        if same is not None:  # `style:starry:0.7` stands for `style:starry`
            specs = [current if spec == same else spec for spec in specs]
        else:
            position = specs.index(of_same[0]) if of_same else len(specs)
            specs = [*specs[:position], current, *specs[position:]]
    return specs, specs.index(current)
