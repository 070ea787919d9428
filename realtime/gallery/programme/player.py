"""The front-end that hangs a programme in a run: it asks for effects, blank and parameters, and nothing else."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from realtime.control.channel import ControlChannel, ProgrammeStatus
from realtime.control.commands import ChooseEffect, SetBlank, SetPaused
from realtime.control.front_end import FrontEnd
from realtime.core.errors import OptionError
from realtime.core.language import _
from realtime.core.settings import Value
from realtime.core.specs import EffectSpec
from realtime.gallery.config import Item
from realtime.gallery.programme.overrides import Overrides
from realtime.gallery.programme.schedule import Programme

log = logging.getLogger(__name__)


class ProgrammePlayer(FrontEnd):
    """Hangs what the programme says. All methods but `failed`: main thread."""

    def __init__(
        self,
        controls: ControlChannel,
        programme: Programme,
        hung: Item,
        overrides: Overrides,
        *,
        fade_s: float = 0.0,
        now_s: Callable[[], float] = time.time,
        at_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hung`: the item whose effect the run has been opened with. `overrides`: what people set, and have set."""
        self.shown_since_s = now_s()
        """Since when the item that hangs does, Unix time."""
        self._controls, self._programme, self._overrides = controls, programme, overrides
        self._fade_s = fade_s
        self._now_s, self._at_s = now_s, at_s
        self._asked: Item = hung
        self._set_up: Item | None = None
        self._is_blank = self._stands = False
        self._setting_thread: int | None = None
        self._lock = threading.Lock()
        self._failed: list[tuple[str, str]] = []  # guarded by _lock
        self._end_listening: Callable[[], None] = lambda: None
        controls.programme = self

    def start(self) -> None:
        self._end_listening = self._controls.parameters.listen(self._note)
        self._programme.look(self._now_s(), self._at_s(), 0)
        self._follow()

    def look_after(self) -> None:
        self._hear_failures()
        self._programme.look(self._now_s(), self._at_s(), self._controls.status.faces)
        self._follow()
        if self._controls.status.spec == self._asked.spec and self._set_up is not self._asked:
            self._set_up = self._asked
            self._set_parameters(self._asked)

    def close(self) -> None:
        self._end_listening()

    @property
    def status(self) -> ProgrammeStatus:
        return self._programme.status(self._now_s(), self._at_s())

    @property
    def item(self) -> str:
        """The name of what hangs; empty: nothing does."""
        return self._programme.current.name if self._programme.current else ""

    @property
    def is_blank(self) -> bool:
        """Whether it is closed."""
        return self._is_blank

    def choose(self, name: str) -> None:
        self._programme.choose(name, self._now_s())

    def failed(self, spec: str, reason: str) -> None:
        with self._lock:
            self._failed.append((spec, reason))

    def _follow(self) -> None:
        """Ask for what the programme says, where that is new."""
        current = self._programme.current
        if current is not None and current is not self._asked:
            self._controls.send(ChooseEffect(current.spec, self._fade_s, planned=True))
            self._asked = current
            self._set_up = None
            self.shown_since_s = self._now_s()
        self._blank(self._programme.is_closed)
        if self._programme.is_standing != self._stands:
            self._stands = self._programme.is_standing
            self._controls.send(SetPaused(self._stands))

    def _blank(self, is_blank: bool) -> None:
        if is_blank != self._is_blank:
            self._is_blank = is_blank
            self._controls.send(SetBlank(is_blank))
            log.info("%s", _("closed: the screen is black") if is_blank else "open")

    def _hear_failures(self) -> None:
        with self._lock:
            failed, self._failed = self._failed, []
        for spec, _unused in failed:  # why has been said where it was opened
            current = self._programme.current
            if current is not None and current.spec == spec:
                log.warning(_("%s is left out of this round"), current.name)
                self._programme.leave_out(current, self._at_s())

    def _set_parameters(self, item: Item) -> None:
        """Set the item's own, and what people have set about it. What another item of the same effect has left behind
        is undone.
        """
        first = self._controls.parameters.opened_with(EffectSpec.parse(item.spec).name)
        wanted: dict[str, object] = {**first, **item.live_settings, **self._overrides.of(item.name)}
        self._setting_thread = threading.get_ident()
        try:
            for path, value in wanted.items():
                try:
                    self._controls.parameters.set(path, value)
                except OptionError as error:  # a value of an earlier version, or of another model of the same name
                    log.debug("%s: %s", item.name, error)
        finally:
            self._setting_thread = None

    def _note(self, path: str, value: Value) -> None:
        """[any thread] Somebody has set something."""
        if self._setting_thread != threading.get_ident() and self._set_up is not None:
            self._overrides.note(self._set_up.name, path, value, self._at_s())
