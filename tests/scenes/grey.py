"""Effects with something to set, whose pictures tell what is set."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any

import numpy as np

from realtime.control.parameters import Parameters
from realtime.core.settings import setting
from realtime.effects import Effect, EffectContext
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame


class Grey(Effect):
    """Adds a grey level to what it sees, and tells its argument."""

    @dataclasses.dataclass(frozen=True)
    class Settings:
        level: int = field(default=10, metadata=setting("how light", least=0, most=255, step=5, live=True))
        kind: str = field(default="plain", metadata=setting("taken when it is opened"))

    def __init__(self, argument: str, settings: Settings) -> None:
        self.argument = argument
        self.parameters = Parameters(settings)

    @classmethod
    def open(cls, argument: str, settings: Any, context: EffectContext) -> Grey:
        return cls(argument, settings)

    def make(self, scene: Scene) -> Frame:
        return scene.frame.with_pixels(np.full_like(scene.frame.pixels, self.parameters.values.level))


class Mask(Grey):
    """The same, of a face that nobody else's must be seen in place of."""

    hides_identity = True
