"""What is shown where the portrait cannot be and the camera's picture must not: its photo, or plain grey."""

from __future__ import annotations

import dataclasses

import numpy as np

from realtime.core.errors import RealtimeError
from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.imaging.frame import USUAL_SIZE, Frame, Pixels
from realtime.imaging.pixels import RESTING_BGR, letterbox_into


class Fallback(Effect):
    """Shows one picture, unmoved. Nobody chooses it: `session.effect_opening` does."""

    uses_pixels = False

    @dataclasses.dataclass(frozen=True)
    class Settings:
        """It has none."""

    def __init__(self, picture: Pixels) -> None:
        self._picture = picture

    @classmethod
    def open(cls, argument: str, settings: Settings, context: EffectContext) -> Fallback:  # noqa: ARG003
        """Take the default portrait's photo, where it is there; never raises."""
        from realtime.picture_files.painting import read_picture
        from realtime.portrait.building.default import default_picture

        size = context.canvas or USUAL_SIZE
        grey = np.full((size.height, size.width, 3), RESTING_BGR, np.uint8)
        try:
            photo, _ = read_picture(default_picture())
        except RealtimeError:
            return cls(grey)
        if context.canvas is None:
            return cls(photo)
        letterbox_into(photo, grey, RESTING_BGR)
        return cls(grey)

    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(self._picture)
