"""Every call into an effect. It may be anybody's code: what it raises must not end the show, and it may hang."""

from __future__ import annotations

import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from realtime.control.parameters import Parameters
from realtime.core.errors import FAULTS, OnceLogger
from realtime.core.language import _
from realtime.core.settings import Value
from realtime.core.stats import RunStats
from realtime.effects import Effect
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame, Opacity, Pixels
from realtime.imaging.pixels import RESTING_BGR, as_picture
from realtime.pipeline.effect_slot import EffectSlot
from realtime.pipeline.turn import LeftBehind, Telling
from realtime.system.watchdog import HUNG_AFTER_S, Pulse

log = logging.getLogger(__name__)

T = TypeVar("T")


class EffectCalls:
    """Calls effects and says which one a thread is in. With `at`: processing thread; else any."""

    def __init__(self, stats: RunStats) -> None:
        self.pulse = Pulse()
        """Where the processing thread says which effect it is in, where it is given no `at`."""
        self.main_pulse = Pulse()
        """Where the main thread says so, when it asks an effect something beside the picture."""
        self.times_anew: Callable[[], int] = lambda: 0
        """How often an effect was begun anew of late: each time it is waited for twice as long."""
        self.called: EffectSlot | None = None
        """Whose effect the processing thread is in, or was last."""
        self._stats = stats
        self._failures = OnceLogger(log)
        self._asides = OnceLogger(log)  # of calls beside the picture

    def picture_of(self, slot: EffectSlot, scene: Scene, at: Telling) -> tuple[Frame, bool]:
        """Return one effect's picture, and whether its pixels are nobody else's. A failure is reported once and
        bridged.
        """
        began_s = time.perf_counter()
        self.enter(slot, at)
        at.at(slot.name, slot.patience.seconds(self._patience_s(slot), scene.frame.size, doubled=self.times_anew()))
        seen, is_given_away = scene.frame, False
        try:
            result = self._result_of(slot, scene, at)
            slot.patience.add(time.perf_counter() - began_s, seen.size)
            pixels = _pixels_of(result)
            slot.last_picture = pixels
            is_given_away = slot.traits.gives_pictures_away and pixels is not seen.pixels
            picture = seen
            if pixels is not seen.pixels:
                opacity = _opacity_of(result, pixels) if slot.traits.uses_pixels else None
                picture = dataclasses.replace(seen, pixels=pixels, opacity=opacity)
        except FAULTS as error:  # the show goes on
            self._failures.failure(_("{name} fails", name=slot.name), error)
            self._stats.effect_failures += 1
            picture = _bridged(slot, seen)
        self._stats.stage(slot.name).add(time.perf_counter() - began_s)
        return picture, is_given_away

    def ask(self, slot: EffectSlot, method: str, ask: Callable[[Effect], T], otherwise: T) -> T:
        """Ask an effect something beside the picture. A failure is reported once, and `otherwise` returned."""
        if slot.is_left:
            return otherwise
        if threading.current_thread() is threading.main_thread():
            self.main_pulse.at(f"{method} of {slot.name}")
        try:
            return ask(slot.effect)
        except FAULTS as error:
            self._asides.failure(_("{method} of {name} fails", method=method, name=slot.name), error)
            return otherwise

    def set_parameters(self, slot: EffectSlot, values: Mapping[str, Value]) -> None:
        """Set what an effect has of these."""
        for path, value in values.items():
            parameters, name = slot.parameters_of(path)
            self.ask(slot, f"setting {path}", functools.partial(_set, parameters, name, value), None)

    def close(self, slot: EffectSlot) -> None:
        """Close an effect; whatever it raises, its work is over."""
        self.ask(slot, "close", lambda effect: effect.close(), None)

    def close_former(self, slot: EffectSlot, at: Telling) -> None:
        """Close an effect that was in use, between two frames."""
        at.at(f"closing {slot.name}")
        self.called = slot
        self.close(slot)
        at.rest()

    def cannot_open_again(self, slot: EffectSlot, error: BaseException) -> None:
        """Report it."""
        self._failures.failure(_("{name} cannot be opened again", name=slot.name), error)

    def enter(self, slot: EffectSlot, at: Telling) -> None:
        """Say that the thread is in this effect from now on."""
        at.at(slot.name)
        self.called = slot

    def is_in(self, what: str) -> bool:
        """Whether `what`, where the processing thread said it is, is an effect."""
        called = self.called
        return called is not None and what in (called.name, f"closing {called.name}")

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

    def _patience_s(self, slot: EffectSlot) -> float:
        return self.ask(slot, "patience_s", lambda effect: float(effect.patience_s), HUNG_AFTER_S)


def _close_left(slot: EffectSlot) -> None:
    """Close an effect that was left behind, on the thread that was left in it."""
    try:
        slot.effect.close()
    except FAULTS as error:
        log.debug("closing %s, which was left behind", slot.name, exc_info=error)


def _bridged(slot: EffectSlot, picture: Frame) -> Frame:
    """Return what is shown while an effect fails. An effect that replaces the camera's picture, or hides what is in it,
    is never replaced by that picture.
    """
    if slot.traits.may_be_bridged:
        return picture
    if slot.last_picture is None:
        slot.last_picture = np.full_like(picture.pixels, RESTING_BGR)
    return picture.with_pixels(slot.last_picture)


def _pixels_of(result: Frame) -> Pixels:
    """Return an effect's picture. Raises ValueError where it is none. What else a frame carries is the camera's."""
    try:
        return as_picture(result.pixels)
    except ValueError as error:
        raise ValueError(_("it gives {reason}", reason=error)) from None
    except AttributeError:
        raise ValueError(_("it gives {kind}, no frame", kind=type(result).__name__)) from None


def _opacity_of(result: Frame, pixels: Pixels) -> Opacity | None:
    """Return where an effect's picture is seen through; None where it says nothing of use."""
    opacity = getattr(result, "opacity", None)
    is_one = isinstance(opacity, np.ndarray) and opacity.dtype == np.uint8 and opacity.shape == pixels.shape[:2]
    return opacity if is_one else None


def _set(parameters: Parameters[Any], name: str, value: Value, effect: Effect) -> None:  # noqa: ARG001 - a question's
    if name in parameters:
        parameters.set(name, value)
