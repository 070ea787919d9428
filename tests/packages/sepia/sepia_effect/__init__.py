"""Somebody else's effect, in a package of its own: found through its entry point alone."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np

from realtime.effects import Effect, EffectContext, setting
from realtime.effects.scene import Scene
from realtime.imaging.frame import Frame

_SEPIA_BGR = np.array([[0.131, 0.534, 0.272], [0.168, 0.686, 0.349], [0.189, 0.769, 0.393]], np.float32)


class Sepia(Effect):
    """An old photograph."""

    @dataclasses.dataclass(frozen=True)
    class Settings:
        strength: float = dataclasses.field(
            default=1.0, metadata=setting("how much of it, 0 to 1", least=0.0, most=1.0)
        )

    def __init__(self, strength: float) -> None:
        self._matrix = strength * _SEPIA_BGR + (1 - strength) * np.eye(3, dtype=np.float32)

    @classmethod
    def open(cls, argument: str, settings: Settings, context: EffectContext) -> Sepia:
        return cls(settings.strength)

    def make(self, scene: Scene) -> Frame:
        frame = scene.frame
        return frame.with_pixels(cv2.transform(frame.pixels, self._matrix).astype(np.uint8, copy=False))
