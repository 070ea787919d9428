"""A picture that another effect makes, behind people: a walk through latent space, a portrait that follows them."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np

from realtime.background import Background, BackgroundSettings
from realtime.background.opening import OWN_WORDS
from realtime.background.pictures import Fitted
from realtime.core.errors import FAULTS, OnceLogger, OptionError
from realtime.core.language import _
from realtime.core.specs import EffectSpec
from realtime.effects import EFFECTS, Effect, EffectContext, effect_class, effect_names
from realtime.effects.scene import Scene
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels, Size
from realtime.imaging.pixels import RESTING_BGR, as_picture
from realtime.person.mask import PersonMask

log = logging.getLogger(__name__)


class EffectBackground(Background):
    """Shows what an effect makes that draws a picture of its own. That one is shown the viewer, and never the room: in
    the frame it is given there is its own last picture.
    """

    def __init__(self, title: str, effect: Effect, frame: Size) -> None:
        """Takes the effect over. `frame`: the size that it was asked to draw."""
        self.title, self.effect = title, effect
        self._picture: Pixels = np.full((frame.height, frame.width, 3), RESTING_BGR, np.uint8)
        self._failures = OnceLogger(log)

    @classmethod
    def open(cls, spec: str, context: EffectContext) -> EffectBackground:
        """Open what `effect_spec` has read. Raises a RealtimeError."""
        asked = EffectSpec.parse(spec)
        if effect_class(asked.name).uses_pixels:
            raise OptionError(
                _(
                    "background:{name}: '{name}' changes the camera's picture and has none of its own to stand behind "
                    "people; one of these has: {names}",
                    name=asked.name,
                    names=", ".join(drawing_effects()),
                )
            )
        frame = context.frame or USUAL_SIZE
        inner = dataclasses.replace(context, canvas=frame, frame=frame, viewer_inset=0.0)
        return cls(asked.title, context.open_effect(spec, inner), frame)

    def make(self, scene: Scene) -> None:
        """Have the picture of a moment made. Where that fails, the last one stays."""
        try:
            made = self.effect.make(scene.after(scene.frame.with_pixels(self._picture), scene.faces))
            self._picture = as_picture(made.pixels)
        except FAULTS as error:
            self._failures.failure(_("{name} behind people fails", name=self.title), error)

    def draw(self, frame: Frame, people: PersonMask | None, settings: BackgroundSettings, out: Pixels) -> None:  # noqa: ARG002
        np.copyto(out, Fitted.of(self._picture, frame.size, "cover").pixels)

    def close(self) -> None:
        self.effect.close()


def effect_spec(text: str) -> str:
    """Return the effect's spec that stands behind `background:`; empty where it is none: a word of a background's own
    means that, whatever effects of other packages are called.
    """
    name = EffectSpec.parse(text).name
    return text if name.lower() not in OWN_WORDS and name in effect_names() else ""


def drawing_effects() -> list[str]:
    """Return the effects of ours that draw pictures of their own. Imports all."""
    return [name for name in EFFECTS if not effect_class(name).uses_pixels]
