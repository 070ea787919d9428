"""Something else behind people: the room out of focus, a picture, a film, a colour, what another effect draws.

Who is before the camera is told from the room by `realtime.person`, once a moment for all effects; what lies behind
comes from `realtime.background`. Whoever asks for it has asked to hide the room: it is never seen in place of a picture
that cannot be made.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from realtime.background import Background, BackgroundSettings
from realtime.background.opening import BLUR, open_background
from realtime.control.parameters import Parameters
from realtime.core.errors import OnceLogger
from realtime.core.language import N_, _
from realtime.core.specs import EffectSpec
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.behind import EffectBackground, drawing_effects, effect_spec
from realtime.effects.people import people_in
from realtime.effects.scene import Scene
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import USUAL_SIZE, Frame, Opacity, Pixels
from realtime.person.finder import PersonFinder
from realtime.person.mask import PersonMask

log = logging.getLogger(__name__)

_NOT_ABOUT_PEOPLE = ("amount", "fit")


class BackgroundEffect(Effect):
    """Lays people over a background."""

    Settings = BackgroundSettings
    placing = Placing(
        "Background",
        takes=frozenset({"picture", "film"}),
        also={
            "none": N_("Your room"),
            "grey": N_("Grey"),
            "green": N_("Green screen"),
            "transparent": N_("Transparent"),
            "walk": N_("Walk of faces"),
        },
    )
    hides_surroundings = True
    is_background = True
    gives_pictures_away = True

    def __init__(self, background: Background, finder: PersonFinder, settings: BackgroundSettings) -> None:
        """Takes both over; `close` closes them."""
        self._background, self._finder = background, finder
        self.comes_last = background.is_keyed
        self.parameters = Parameters(settings, without=set(_NOT_ABOUT_PEOPLE) - set(background.takes))
        self._pool = FramePool(USUAL_SIZE)
        self._failures = OnceLogger(log)
        self._frames_without = 0
        self.provider = finder.provider
        self._behind = background if isinstance(background, EffectBackground) else None
        if self._behind is not None:
            inner = self._behind.effect
            self.within = {EffectSpec.parse(background.title).name: inner}
            self.uses_faces = inner.uses_faces  # type: ignore[misc]  # of itself it looks at nobody's face

    @classmethod
    def choices(cls) -> Sequence[str]:
        return (BLUR,)

    @classmethod
    def spec_within(cls, argument: str) -> str:
        return effect_spec(argument)

    @classmethod
    def open(cls, argument: str, settings: BackgroundSettings, context: EffectContext) -> Effect:
        """Open `background` (blurred), `background:blur`, `:none`, `:transparent`, `:#RRGGBB`, `:PICTURE`, `:FILM`, or
        `:EFFECT` of one that draws a picture of its own, such as `background:walk`.
        """
        frame = context.frame or USUAL_SIZE
        spec = effect_spec(argument)
        background = (
            EffectBackground.open(spec, context)
            if spec
            else open_background(argument, frame, waits=context.every_frame, others=drawing_effects)
        )
        if background is None:
            return Bare(settings)
        try:
            return cls(background, PersonFinder.open(frame), settings)
        except BaseException:
            background.close()
            raise

    def make(self, scene: Scene) -> Frame:
        frame, settings = scene.frame, self.parameters.values
        people = self._people(scene)
        if people is None and settings.failing == "show":
            return frame
        if self._pool.size != frame.size:
            self._pool = FramePool(frame.size)
        picture = self._pool.take()
        if self._behind is not None:
            self._behind.make(scene)
        self._background.draw(frame, people, settings, picture)
        if people is not None:
            people.lay_people(frame.pixels, picture, settings.softness)
        opacity = self._opacity(frame, people, settings.softness) if self._background.is_seen_through else None
        return dataclasses.replace(frame, pixels=picture, opacity=opacity)

    def _opacity(self, frame: Frame, people: PersonMask | None, softness: float) -> Opacity:
        """Return where people are. They do not become denser where the picture was seen through before."""
        if people is None:
            return np.zeros(frame.pixels.shape[:2], np.uint8)
        plane = people.plane(softness)
        return plane if frame.opacity is None else np.minimum(plane, frame.opacity)

    def _people(self, scene: Scene) -> PersonMask | None:
        """Return where people are; None where that cannot be told."""
        try:
            return people_in(scene, self._finder)
        except Exception as error:  # whatever it is, the room must stay hidden
            self._failures.failure(_("people cannot be told from the background"), error)
            self._frames_without += 1
            return None

    @property
    def synthetic(self) -> bool:  # type: ignore[override]  # a parameter of what stands behind may change it
        return self._behind is not None and self._behind.effect.synthetic

    def facts(self) -> Mapping[str, str]:
        behind = {} if self._behind is None else self._behind.effect.facts()
        return {_("background"): self._background.title, **behind}

    def notices(self) -> Sequence[str]:
        return () if self._behind is None else self._behind.effect.notices()

    def still_picture(self) -> Pixels | None:
        return None if self._behind is None else self._behind.effect.still_picture()

    def learn_rest(self) -> bool:
        return self._behind is not None and self._behind.effect.learn_rest()

    def save_state(self) -> object:
        return None if self._behind is None else self._behind.effect.save_state()

    def restore_state(self, state: object) -> None:
        if self._behind is not None:
            self._behind.effect.restore_state(state)

    def report(self) -> Mapping[str, Any]:
        behind = {} if self._behind is None else self._behind.effect.report()
        return {"background": self._background.title, "frames_without_people": self._frames_without, **behind}

    def close(self) -> None:
        self._background.close()
        self._finder.close()


class Bare(Effect):
    """`background:none`: the room as it is, for whoever asks for it by this name."""

    Settings = BackgroundSettings
    is_background = True

    def __init__(self, settings: BackgroundSettings) -> None:
        self.parameters = Parameters(settings, without=set(BackgroundSettings.__dataclass_fields__))

    @classmethod
    def open(cls, argument: str, settings: BackgroundSettings, context: EffectContext) -> Effect:  # noqa: ARG003
        return cls(settings)

    def make(self, scene: Scene) -> Frame:
        return scene.frame
