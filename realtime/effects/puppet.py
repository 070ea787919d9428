"""A picture of a face that does what the viewer's face does: it turns, looks, blinks, smiles and speaks with it.

Who is before the camera is measured in `realtime.puppet.driver`, the picture moved in `realtime.puppet.figure`; here
the two meet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

import numpy as np

from realtime.control.parameters import Parameters
from realtime.core.language import N_, _
from realtime.core.settings import setting
from realtime.core.specs import names_in
from realtime.effects import Effect, EffectContext, Placing
from realtime.effects.scene import Scene
from realtime.imaging.buffers import FramePool
from realtime.imaging.frame import Frame, Pixels, Size
from realtime.portrait.canvas import Fit
from realtime.portrait.pack import kept_packs
from realtime.puppet.actor import Actor
from realtime.puppet.casting import Casting
from realtime.puppet.driver import Strengths
from realtime.puppet.opening import LIVE, Staged, stage


@dataclasses.dataclass(frozen=True)
class PuppetSettings:
    """How far the picture follows, and how it lies on the screen."""

    head: float = field(
        default=1.0,
        metadata=setting(N_("how far the head turns, nods and tilts with yours"), least=0, most=2, step=0.1, live=True),
    )
    eyes: float = field(
        default=1.0,
        metadata=setting(N_("how far eyes, lids and brows go with yours"), least=0, most=2, step=0.1, live=True),
    )
    mouth: float = field(
        default=1.0,
        metadata=setting(
            N_("how far the mouth opens, smiles and purses with yours"), least=0, most=2, step=0.1, live=True
        ),
    )
    mirrored: bool = field(
        default=True,
        metadata=setting(N_("as a mirror moves; no: as the camera sees you, for films"), live=True),
    )
    face: int = field(
        default=1,
        metadata=setting(N_("which of the picture's faces is moved, the largest is 1"), least=1, most=50),
    )
    fit: Fit = field(
        default="contain",
        metadata=setting(N_("contain: the whole picture; cover: no margins, the head in view")),
    )
    engine: str = field(
        default=LIVE,
        metadata=setting(N_("mesh: the picture itself is moved; or the name or file of a motion model that draws it")),
    )


class PuppetEffect(Effect):
    """Moves one picture, or several side by side."""

    Settings = PuppetSettings
    placing = Placing("Portraits", N_("Puppet"))
    uses_faces = True
    # It looks at the viewer and shows the picture: where it fails, the camera's must not come in its place.
    uses_pixels = False
    synthetic = True

    def __init__(self, staged: Staged, settings: PuppetSettings) -> None:
        """Raises ModelError when a model file cannot be read."""
        self.staged = staged
        self.actors = [Actor(head.figure, head.place, seed) for seed, head in enumerate(staged.heads)]
        self._casting = Casting(len(self.actors))
        self.parameters = Parameters(settings)
        self._pool = FramePool(Size.of(staged.canvas), prepare=self._prepare)
        self._picture = staged.canvas
        self._followed = 0

    @classmethod
    def choices(cls) -> Sequence[str]:
        return ("", *(pack.stem for pack in kept_packs()))

    @classmethod
    def open(cls, argument: str, settings: PuppetSettings, context: EffectContext) -> PuppetEffect:
        """Open `puppet` (the default portrait's picture), `puppet:PICTURE.jpg`, `puppet:PACK`, or `puppet:ONE,OTHER`,
        of which each is moved by a viewer of its own.
        """
        names, size = names_in(argument), (context.canvas, context.largest)
        staged = stage(names, settings.face, settings.fit, *size, settings.engine)
        try:
            return cls(staged, settings)
        except BaseException:
            staged.close()
            raise

    def make(self, scene: Scene) -> Frame:
        frame, settings = scene.frame, self.parameters.values
        captured = scene.captured
        flipped = settings.mirrored != captured.mirrored
        faces = self._casting.cast(scene.faces, captured.size.width, frame.pts_s, flipped=flipped)
        strengths = Strengths(settings.head, settings.eyes, settings.mouth)
        changed = [
            actor.follow(captured.pixels, face, frame.pts_s, strengths, flipped=flipped)
            for actor, face in zip(self.actors, faces, strict=True)
        ]
        self._followed += self.is_followed
        if any(changed):
            picture = self._pool.take()
            for actor in self.actors:
                actor.draw(picture)
            self._picture = picture
        return frame.with_pixels(self._picture)

    @property
    def is_followed(self) -> bool:
        """Whether the last picture followed somebody who was seen."""
        return any(actor.driver.is_followed for actor in self.actors)

    def learn_rest(self) -> bool:
        for actor in self.actors:
            actor.learn_rest()
        return True

    def facts(self) -> Mapping[str, str]:
        is_learning = any(actor.driver.is_learning for actor in self.actors)
        doing = _("learning your rest") if is_learning else _("follows") if self.is_followed else _("idle")
        return {_("puppet"): self.staged.title, _("it"): doing}

    def report(self) -> Mapping[str, Any]:
        return {"picture": self.staged.title, "frames_followed": self._followed}

    def close(self) -> None:
        self.staged.close()

    def _prepare(self, picture: Pixels) -> None:
        np.copyto(picture, self.staged.canvas)  # every picture after it changes the heads' parts only
